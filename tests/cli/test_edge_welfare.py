"""Other utilities, other welfare and warm starts, from `solve` to `diff`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli.command import CommandLine, assert_refused
from cli.edge_markets import CITY, contents, market_in, solution_in

from stackelberg import edge
from stackelberg.edge import Market


@pytest.fixture
def city(tmp_path: Path) -> Path:
    return market_in(tmp_path / "city")


def test_a_warm_start_reaches_the_same_and_may_have_other_users(
    stackelberg: CommandLine, city: Path, tmp_path: Path
) -> None:
    old = solution_in(tmp_path / "old", city)
    before = contents(old)
    changed = replace(CITY, budget=1.001 * CITY.budget)
    fewer = Market.from_arrays(
        CITY.price, CITY.capacity, CITY.budget[3:], CITY.weight[3:],
        users=CITY.users[3:],
    )  # fmt: skip
    for name, market in (("changed", changed), ("fewer", fewer)):
        folder = market_in(tmp_path / name, market)
        cold = stackelberg("edge", "solve", folder, "--json").json
        ended = stackelberg("edge", "solve", folder, "--warm-start", old, "--json")
        assert ended.code == 0
        assert ended.json["certificate"]["objective"] == pytest.approx(
            cold["certificate"]["objective"], abs=1e-6
        )
    ended = stackelberg("edge", "solve", city, "--warm-start", old, "-o", old)
    assert_refused(ended, "-o: expected another folder than those read", "is an input")
    assert contents(old) == before


def test_a_warm_start_reaches_the_solver(
    stackelberg: CommandLine,
    city: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old, seen, real = solution_in(tmp_path / "old", city), [], edge.allocate

    def noting(*arguments: Any, **options: Any) -> Any:
        seen.append(options["warm_start"])
        return real(*arguments, **options)

    monkeypatch.setattr(edge, "allocate", noting)
    stackelberg("edge", "solve", city, "--warm-start", old)
    expected = real(CITY).value
    assert np.array_equal(seen[0].capacity_shadow_price, expected.capacity_shadow_price)
    assert np.array_equal(seen[0].allocation.toarray(), expected.allocation.toarray())
    (old / "users.csv").unlink()
    stackelberg("edge", "solve", city, "--warm-start", old)
    assert seen[1].allocation.shape == (0, 8)


@pytest.mark.parametrize("spoil", ["gone", "other nodes", "no prices"])
def test_a_warm_start_without_prices_of_these_nodes_is_refused(
    stackelberg: CommandLine, city: Path, tmp_path: Path, spoil: str
) -> None:
    old = solution_in(tmp_path / "old", city)
    table = old / "nodes.csv"
    if spoil == "gone":
        table.unlink()
    elif spoil == "other nodes":
        table.write_text(table.read_text().replace("\n3,", "\nthree,"))
    else:
        table.write_text("node\n" + "".join(f"{i}\n" for i in range(8)))
    ended = stackelberg("edge", "solve", city, "--warm-start", old)
    if spoil == "other nodes":
        assert_refused(ended, "nodes.csv: node, row 4: expected a name of the market's")
    else:
        assert_refused(ended, "--warm-start: expected a solution whose nodes have a")


WELFARE = [
    (("--utility", "ces:3"), edge.ces(3.0), edge.Fairness(1.0)),
    (("--utility", "cobb-douglas"), edge.COBB_DOUGLAS, edge.Fairness(1.0)),
    (("--utility", "leontief", "--fairness", 2), edge.LEONTIEF, edge.Fairness(2.0)),
    (("--fairness", 0.5), edge.LINEAR, edge.Fairness(0.5)),
]


@pytest.mark.parametrize(("options", "utility", "fairness"), WELFARE)
def test_other_utilities_and_welfare_from_solve_to_diff(
    stackelberg: CommandLine,
    city: Path,
    tmp_path: Path,
    options: tuple[object, ...],
    utility: edge.Utility,
    fairness: edge.Fairness,
) -> None:
    target = tmp_path / "out"
    ended = stackelberg("edge", "solve", city, *options, "-o", target, "--json")
    assert ended.code == 0, ended.err
    expected = edge.allocate(CITY, utility=utility, fairness=fairness)
    objective = ended.json["certificate"]["objective"]
    assert objective == expected.certificate.objective
    assert ended.json["fairness"] == fairness.alpha
    # What the solution says of itself is what the others judge it by.
    certified = stackelberg("edge", "certify", city, target, "--json")
    assert certified.code == 0
    assert certified.json["certificate"]["objective"] == objective
    assert certified.json["utility"] == ended.json["utility"]
    told = " ".join(stackelberg("edge", "certify", city, target).out.split())
    assert f"utility {ended.json['utility']}, fairness {fairness.alpha:g}" in told
    as_usual = stackelberg(
        "edge", "certify", city, target, "--utility", "linear", "--fairness", 1
    )
    assert as_usual.code == 3
    (target / "nodes.csv").unlink()
    solved = stackelberg("edge", "certify", city, target, "--json")
    assert (solved.code, solved.json["shadow_prices"]) == (0, "solved")
    explained = stackelberg("edge", "explain", city, target, "--user", 3, "--json").json
    (one,) = explained["explained"]
    assert one["utility"] == pytest.approx(expected.value.utility[3])
    assert one["virtual_money"] == pytest.approx(one["due"], rel=1e-3)
    told = " ".join(
        stackelberg("edge", "explain", city, target, "--user", 3).out.split()
    )
    assert ("raise the welfare by" in told) == (fairness.alpha != 1.0)
    assert "instead of" not in told
    other = market_in(tmp_path / "other", replace(CITY, budget=1.01 * CITY.budget))
    stackelberg("edge", "solve", other, *options, "-o", tmp_path / "b")
    found = stackelberg("edge", "diff", target, tmp_path / "b", "--resolve", "--json")
    assert found.code == 0, found.err
    assert found.json["objective_before"] == pytest.approx(objective)
    assert [group["group"] for group in found.json["groups"]] == ["budgets"]
    assert found.json["groups"][0]["resolved"] == pytest.approx(found.json["change"])
    stackelberg("edge", "solve", other, "-o", tmp_path / "usual")
    mixed = stackelberg("edge", "diff", target, tmp_path / "usual")
    assert_refused(mixed, "--utility: expected --utility and --fairness, since")


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (("--utility", "cobb"), ("--utility: expected one of linear, cobb-douglas",)),
        (("--utility", "leontieff"), ("(did you mean 'leontief'?), got 'leontieff'",)),
        (("--utility", "ces"), ("--utility: expected one of", "got 'ces'")),
        (("--utility", "ces:x"), ("--utility: expected one of", "got 'ces:x'")),
        (("--utility", "linear:2"), ("--utility: expected one of",)),
        (
            ("--utility", "ces:1"),
            ("--utility: expected SIGMA: a finite number",),
        ),
        (("--utility", "ces:-2"), ("--utility: expected SIGMA", "got -2")),
        (("--fairness", "0"), ("--fairness: expected a finite number > 0, got 0",)),
        (("--fairness", "nan"), ("--fairness", "got nan")),
        (("--warm-start", "none"), ("--warm-start: expected a solution whose nodes",)),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, tuple) else None,
)
def test_wrong_utilities_and_starts_are_named_as_options(
    stackelberg: CommandLine,
    city: Path,
    options: tuple[str, ...],
    parts: tuple[str, ...],
) -> None:
    assert_refused(stackelberg("edge", "solve", city, *options), *parts)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--utility", "ces:0.5"), "the sum of log utilities (CES(0.5)) is greatest"),
        (
            ("--utility", "leontief", "--fairness", "2"),
            "the welfare of fairness 2 (Leontief) is greatest",
        ),
    ],
)
def test_a_report_tells_other_utilities(
    stackelberg: CommandLine,
    city: Path,
    tmp_path: Path,
    options: tuple[str, ...],
    said: str,
) -> None:
    page = tmp_path / "report.html"
    ended = stackelberg("edge", "solve", city, *options, "--report", page)
    assert ended.code == 0, ended.err
    text = page.read_text()
    assert said in text
    assert "The printed formula (24) is not defined" in text
