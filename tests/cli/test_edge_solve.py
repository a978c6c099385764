from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cli.command import CommandLine, assert_refused
from cli.edge_markets import CITY, contents, market_in, solution_in

from stackelberg import edge, io
from stackelberg.cli.machine import available_memory
from stackelberg.cli.quantities import bytes_of
from stackelberg.edge import Market

DEGENERATE = Market.from_arrays(
    [1.0, 1.0], [1.0, 0.0], [1.0, 1.0], [[1.0, 0.0], [0.0, 1.0]], users=["a", "b"]
)


@pytest.fixture
def city(tmp_path: Path) -> Path:
    return market_in(tmp_path / "city")


def test_an_answer_is_written_and_printed(
    stackelberg: CommandLine, city: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out"
    ended = stackelberg("edge", "solve", city, "-o", target)
    assert ended.code == 0, ended.err
    assert ended.err == ""
    expected = edge.allocate(CITY)
    read = io.read_market_solution(target, CITY)
    assert np.array_equal(
        read.allocation.toarray(), expected.value.allocation.toarray()
    )
    assert read.status == 0
    assert read.market == io.MarketReference(io.market_digest(CITY), "../city")
    assert read.stats == {
        "method": "interior point",
        "utility": "linear",
        "fairness": 1.0,
        "tolerance": 1e-8,
        "stopped_by": None,
        "dropped_users": [],
    }
    assert read.seconds > 0.0
    told = " ".join(ended.out.split())
    for part in (
        "city: converged,", "by interior point", "(1e-08) is met", "gap_per_user",
        "8 nodes, 40 users", "users limited by budget", "nodes sold out",
        "of the capacity", f"written: {target}", "to solve and certify",
    ):  # fmt: skip
        assert part in told


def test_the_method_can_be_asked_for(stackelberg: CommandLine, city: Path) -> None:
    options = ("--tolerance", "1e-3", "--method", "first_order", "--json")
    ended = stackelberg("edge", "solve", city, *options)
    assert ended.code == 0
    assert ended.json["method"] == "first order"
    assert ended.json["certificate"]["gap_per_user"] <= 1e-3


def test_json_counts_and_certifies(stackelberg: CommandLine, city: Path) -> None:
    ended = stackelberg("edge", "solve", city, "--json", "--threads", 2)
    assert ended.code == 0
    found, expected = ended.json, edge.allocate(CITY)
    assert found["market"] == str(city)
    assert found["written"] is None
    assert (found["status"], found["stopped_by"]) == ("converged", None)
    assert found["iterations"] == expected.iterations
    assert found["size"] == {
        "nodes": 8, "users": 40, "edges": CITY.num_edges, "resources": ["resource"],
    }  # fmt: skip
    limits = edge.virtual_money(CITY, expected.value).limited_by
    assert found["users_limited_by"] == {
        name: limits.count(name) for name in ("budget", "capacity", "both")
    }
    full = expected.value.load >= (1 - 1e-6) * CITY.capacity
    assert found["nodes_sold_out"] == int(full.sum())
    certificate = found["certificate"]
    assert certificate["objective"] == expected.certificate.objective
    assert certificate["gap_per_user"] <= 1e-8
    assert certificate["capacity_violation"] == 0.0


def test_a_deadline_ends_with_the_best_answer_so_far(
    stackelberg: CommandLine, city: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out"
    ended = stackelberg(
        "edge", "solve", city, "-o", target, "--deadline", "0s", "--json"
    )
    assert ended.code == 3
    assert ended.json["stopped_by"] == "deadline"
    assert ended.json["status"] == "max_iterations"
    assert ended.json["iterations"] == 0
    read = io.read_market_solution(target, CITY)
    assert read.stats["stopped_by"] == "deadline"
    assert read.capacity_shadow_price is not None
    assert read.budget_shadow_price is not None
    proof = edge.certify(
        CITY, read.allocation, read.capacity_shadow_price, read.budget_shadow_price
    )
    assert proof.worst_violation == 0.0
    assert 1e-8 < proof.gap_per_user < np.inf
    assert proof.gap_per_user == ended.json["certificate"]["gap_per_user"]
    told = stackelberg("edge", "solve", city, "--deadline", "0ms").out
    assert "ended early by the deadline" in told


def test_a_deadline_far_away_changes_nothing(
    stackelberg: CommandLine, city: Path
) -> None:
    ended = stackelberg("edge", "solve", city, "--deadline", "2h", "--json")
    assert (ended.code, ended.json["stopped_by"]) == (0, None)


def test_several_resources_are_solved_side_by_side(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    both = Market.side_by_side({"cpu": CITY, "gpu": CITY})
    folder = market_in(tmp_path / "both", both)
    ended = stackelberg("edge", "solve", folder, "-o", tmp_path / "out", "--json")
    assert ended.code == 0
    assert ended.json["size"]["resources"] == ["cpu", "gpu"]
    alone = edge.allocate(CITY).certificate.objective
    assert ended.json["certificate"]["objective"] == pytest.approx(2 * alone)
    told = stackelberg("edge", "solve", folder).out
    told = " ".join(told.split())
    assert "2 resources: cpu, gpu" in told
    assert "cpu: users limited by budget " in told
    assert "gpu: users limited by budget " in told
    rows = ended.json["by_resource"]
    assert [one["resource"] for one in rows] == ["cpu", "gpu"]
    for kind, count in ended.json["users_limited_by"].items():
        assert count == sum(one["users_limited_by"][kind] for one in rows)


def test_degenerate_users_are_named_with_the_option_that_helps(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    folder = market_in(tmp_path / "market", DEGENERATE)
    ended = stackelberg("edge", "solve", folder, "-o", tmp_path / "out")
    assert_refused(
        ended, f"{folder}: expected", "--drop-degenerate leaves the others out",
        "got degenerate user b",
    )  # fmt: skip
    assert not (tmp_path / "out").exists()
    ended = stackelberg("edge", "solve", folder, "--drop-degenerate", "--json")
    assert ended.code == 0
    assert ended.json["dropped_users"] == ["b"]
    ended = stackelberg("edge", "solve", folder, "--drop-degenerate")
    assert "left out: 1 degenerate user" in ended.out


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_tables_of_the_kind_asked_for(
    stackelberg: CommandLine, city: Path, tmp_path: Path, kind: str
) -> None:
    stackelberg("edge", "solve", city, "-o", tmp_path / "out", "--kind", kind)
    assert sorted(contents(tmp_path / "out")) == [
        f"allocation.{kind}", f"nodes.{kind}", "solution.json", f"users.{kind}",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (("--tolerance", "0"), ("--tolerance: expected a number from 1e-13 to 1",)),
        (("--tolerance", "nan"), ("--tolerance", "got nan")),
        (("--threads", "0"), ("--threads: expected a whole number >= 1, got 0",)),
        (("--deadline", "20"), ("--deadline: expected a time such as 20s", "'20'")),
        (("--deadline", "-1s"), ("--deadline", "got '-1s'")),
        (("--deadline", "1.2.3s"), ("--deadline", "got '1.2.3s'")),
        (("--deadline", "1e999h"), ("--deadline", "got '1e999h'")),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, tuple) else None,
)
def test_wrong_options_are_named_as_options(
    stackelberg: CommandLine,
    city: Path,
    tmp_path: Path,
    options: tuple[str, ...],
    parts: tuple[str, ...],
) -> None:
    ended = stackelberg("edge", "solve", city, "-o", tmp_path / "out", *options)
    assert_refused(ended, *parts)
    assert not (tmp_path / "out").exists()


def test_a_wrong_cell_of_a_table_is_named_with_file_column_and_row(
    stackelberg: CommandLine, city: Path
) -> None:
    text = (city / "users.csv").read_text().splitlines()
    text[3] = text[3].split(",")[0] + ",nan" + ",0,0" * (text[3].count(",") > 1)
    (city / "users.csv").write_text("\n".join(text) + "\n")
    ended = stackelberg("edge", "solve", city)
    assert_refused(
        ended, f"{city / 'users.csv'}: budget, row 3: expected a number >= 0"
    )


def test_a_missing_market_is_one_line(stackelberg: CommandLine, tmp_path: Path) -> None:
    ended = stackelberg("edge", "solve", tmp_path / "none")
    assert_refused(ended, f"{tmp_path / 'none'}: expected one of nodes.csv and")


@pytest.mark.parametrize("way", ["itself", "link", "dots"])
def test_a_market_is_never_overwritten(
    stackelberg: CommandLine, city: Path, tmp_path: Path, way: str
) -> None:
    before = contents(city)
    (tmp_path / "link").symlink_to(city)
    target = {"itself": city, "link": tmp_path / "link", "dots": city / ".." / "city"}
    ended = stackelberg("edge", "solve", city, "-o", target[way])
    assert_refused(ended, "-o: expected another folder than those read", "is an input")
    assert contents(city) == before


def test_another_market_is_never_overwritten(
    stackelberg: CommandLine, city: Path, tmp_path: Path
) -> None:
    other = market_in(tmp_path / "other")
    before = contents(other)
    ended = stackelberg("edge", "solve", city, "-o", other)
    assert_refused(ended, "-o: expected a folder for a solution", "holds a market")
    assert contents(other) == before


def test_a_warm_start_says_what_the_old_answer_is_worth(
    stackelberg: CommandLine, city: Path, tmp_path: Path
) -> None:
    old = solution_in(tmp_path / "old", city)
    ended = stackelberg("edge", "solve", city, "--warm-start", old)
    told = " ".join(ended.out.split())
    assert f"{old} on this market, by its certificate alone" in told
    assert "; it could be kept as it is begun from its shadow prices: " in told
    assert f"; {old} itself took " in told
    near = market_in(tmp_path / "near", replace(CITY, budget=0.99 * CITY.budget))
    told = " ".join(stackelberg("edge", "solve", near, "--warm-start", old).out.split())
    assert "once its amounts are cut to the limits, which costs a user up to " in told
    assert "; worth solving again begun from its shadow prices" in told
    judged = stackelberg("edge", "certify", near, old, "--json").json["certificate"]
    found = stackelberg("edge", "solve", near, "--warm-start", old, "--json").json
    warm = found["warm_start"]
    assert warm["gap_per_user"] == pytest.approx(judged["gap_per_user"])
    assert warm["moved"] == pytest.approx(judged["moved"]) == pytest.approx(0.01)
    assert (warm["may_be_kept"], warm["taken"]) == (False, True)
    assert warm["given_up"] is False
    assert warm["iterations"] > 0
    assert stackelberg("edge", "solve", city, "--json").json["warm_start"] is None


def test_a_warm_start_that_cannot_be_kept_or_taken_says_so(
    stackelberg: CommandLine, city: Path, tmp_path: Path
) -> None:
    old = solution_in(tmp_path / "old", city)
    ask = ("edge", "solve", city, "--warm-start", old, "--fairness", 2)
    told = " ".join(stackelberg(*ask).out.split())
    assert "not begun from it, since interior point methods need linear" in told
    told = " ".join(stackelberg(*ask, "--method", "first_order").out.split())
    assert "begun from its shadow prices: " in told
    fewer = Market.from_arrays(
        CITY.price, CITY.capacity, CITY.budget[:30], CITY.weight[:30]
    )
    less = market_in(tmp_path / "less", fewer)
    told = " ".join(stackelberg("edge", "solve", less, "--warm-start", old).out.split())
    assert f"{old} is of other users: it cannot be kept, only its nodes' " in told


def test_a_warm_start_that_is_too_far_off_says_so(
    stackelberg: CommandLine, city: Path, tmp_path: Path
) -> None:
    scale = np.logspace(-4, 4, CITY.num_nodes)
    other = market_in(tmp_path / "other", replace(CITY, capacity=scale * CITY.capacity))
    old = solution_in(tmp_path / "old", other)
    ask = ("edge", "solve", city, "--warm-start", old)
    told = " ".join(stackelberg(*ask).out.split())
    assert "begun anew, since its shadow prices were too far off: " in told
    assert stackelberg(*ask, "--json").json["warm_start"]["given_up"] is True


def test_shadow_prices_that_are_not_unique_are_said_to_be(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    just = Market.from_arrays([2.0], [3.0], [6.0], [[5.0]])
    folder = market_in(tmp_path / "just", just)
    told = " ".join(stackelberg("edge", "solve", folder).out.split())
    assert "shadow prices are not unique at 1 node, where all money and all" in told
    found = stackelberg("edge", "solve", folder, "--json").json
    assert found["shadow_prices_not_unique"] == 1
    rich = market_in(tmp_path / "rich", replace(just, budget=np.array([7.0])))
    assert "not unique" not in stackelberg("edge", "solve", rich).out


def test_a_gap_is_told_for_one_user(stackelberg: CommandLine, city: Path) -> None:
    told = " ".join(stackelberg("edge", "solve", city, "--tolerance", 1e-5).out.split())
    assert "one user's utility is known within " in told
    assert "ask for --tolerance 1e-08, which leaves 0.1 %" in told
    exact = stackelberg("edge", "solve", city, "--tolerance", 1e-11).out
    assert "one user's utility" not in exact


def test_tables_of_something_else_are_never_overwritten(
    stackelberg: CommandLine, city: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "users.csv").write_text("what I am working on")
    for command in (("solve", city), ("generate", "--users", 5, "--nodes", 2)):
        ended = stackelberg("edge", *command, "-o", mine)
        assert_refused(
            ended, "-o: expected a folder without tables, or one that holds an earlier",
            f"got {mine}, whose users.csv is of no",
        )  # fmt: skip
    assert contents(mine) == {"users.csv": b"what I am working on"}
    (mine / "users.csv").rename(mine / "notes.csv")
    assert stackelberg("edge", "solve", city, "-o", mine).code == 0
    assert stackelberg("edge", "solve", city, "-o", mine).code == 0  # its own
    assert contents(mine)["notes.csv"] == b"what I am working on"


def test_an_old_solution_stays_whole_where_the_new_one_fails(
    stackelberg: CommandLine,
    city: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    solution = solution_in(tmp_path / "out", city, tolerance=1e-3)
    before, calls, real = contents(solution), [], os.fsync

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    ended = stackelberg("edge", "solve", city, "-o", solution)
    assert_refused(ended, "nodes.csv", "no space left on device")
    assert contents(solution) == before


def test_the_solution_s_json_is_strict(
    stackelberg: CommandLine, city: Path, tmp_path: Path
) -> None:
    stackelberg("edge", "solve", city, "-o", tmp_path / "out", "--deadline", "0s")
    text = (tmp_path / "out" / "solution.json").read_text()
    assert json.loads(text, parse_constant=lambda name: pytest.fail(name))


def test_a_report_and_its_figures(
    stackelberg: CommandLine, city: Path, tmp_path: Path
) -> None:
    page, figures = tmp_path / "r.html", tmp_path / "figures"
    ended = stackelberg("edge", "solve", city, "--report", page, "--figures", figures)
    assert (ended.code, ended.err) == (0, "")
    assert "Edge market: city" in page.read_text(encoding="utf-8")
    endings = {path.suffix for path in figures.iterdir()}
    assert endings == {".svg", ".pdf"}


def test_a_report_never_replaces_a_table(
    stackelberg: CommandLine, city: Path, tmp_path: Path
) -> None:
    before = contents(city)
    report = city / "users.csv"
    for market, options in ((city, ()), (tmp_path / "new", ("--warm-start", city))):
        ended = stackelberg("edge", "solve", market, *options, "--report", report)
        assert_refused(ended, "--report: expected a file that is read or written", "is")
    assert contents(city) == before
    out = tmp_path / "out"
    out.mkdir()
    ended = stackelberg("edge", "solve", city, "-o", out, "--report", out / "users.csv")
    assert_refused(ended, "--report", "the output of -o")
    ended = stackelberg("edge", "solve", city, "--report", tmp_path / "no" / "r.html")
    assert_refused(ended, "--report: expected a file in an existing folder")


def test_a_solve_that_has_no_room_is_refused(
    stackelberg: CommandLine, city: Path, tmp_path: Path
) -> None:
    refused = stackelberg("edge", "solve", city, "--memory-limit", "1K")
    assert_refused(refused, "--memory-limit: expected at least", "got 1 kB")
    unclear = stackelberg("edge", "solve", city, "--memory-limit", "8")
    assert_refused(unclear, "--memory-limit: expected a size such as 500M", "'8'")
    ended = stackelberg("edge", "solve", city, "--memory-limit", "8GiB", "--json")
    assert ended.code == 0
    assert ended.json["predicted_bytes"] == edge.predicted_bytes(CITY)


def test_what_the_machine_has_left_is_the_default(tmp_path: Path) -> None:
    free = tmp_path / "meminfo"
    free.write_text("MemTotal:  4000 kB\nMemAvailable:  2000 kB\n")
    assert available_memory(free, tmp_path) == 2_048_000
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("1000\n")
    assert available_memory(free, tmp_path) == 2_048_000
    (tmp_path / "memory.max").write_text("5000\n")
    assert available_memory(free, tmp_path) == 4000
    assert available_memory(tmp_path / "none", tmp_path / "none") is None


@pytest.mark.parametrize(
    ("text", "count"),
    [("500M", 500_000_000), ("8G", 8 * 10**9), ("1.5 kib", 1536), ("2TB", 2 * 10**12)],
)
def test_sizes_are_read(text: str, count: int) -> None:
    assert bytes_of("--memory-limit", text) == count


def test_a_file_is_no_market(stackelberg: CommandLine, city: Path) -> None:
    table = city / "users.csv"
    ended = stackelberg("edge", "solve", table)
    assert_refused(ended, f"expected the market's folder, got a file: {table}")


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_solution_gains_no_column_that_its_market_lacks(
    stackelberg: CommandLine, city: Path, tmp_path: Path, kind: str
) -> None:
    out = tmp_path / "plain"
    assert stackelberg("edge", "solve", city, "-o", out, "--kind", kind).code == 0
    assert not any(b"resource" in path.read_bytes() for path in out.glob("*." + kind))
    found = io.read_market_solution(out, CITY)
    assert found.allocation.nnz > 0
