from __future__ import annotations

from pathlib import Path

import pytest
from cli.command import CommandLine, assert_refused
from cli.edge_markets import CITY, contents, market_in, solution_in

from stackelberg import edge, io


def test_options_reach_the_generator(stackelberg: CommandLine, tmp_path: Path) -> None:
    ended = stackelberg(
        "edge", "generate", "-o", tmp_path / "city", "--seed", 7, "--users", 30,
        "--nodes", 5, "--radius", 250, "--regime", "budget_rich",
        "--budget-spread", 2.5, "--kind", "parquet",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert ended.err == ""
    expected = edge.generate(
        seed=7,
        num_users=30,
        num_nodes=5,
        radius_m=250.0,
        regime="budget_rich",
        budget_spread=2.5,
    )
    read = io.read_market(tmp_path / "city")
    assert io.market_digest(read) == io.market_digest(expected)
    assert sorted(contents(tmp_path / "city")) == [
        "nodes.parquet", "reach.parquet", "users.parquet",
    ]  # fmt: skip
    edges = f"{expected.num_edges:,}"
    assert ended.out.replace("\n", " ").startswith(
        f"5 nodes, 30 users, {edges} pairs in reach: "
    )


def test_nearest_nodes_instead_of_a_radius(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    folder = tmp_path / "city"
    stackelberg("edge", "generate", "-o", folder, "--users", 20, "--nearest", 3)
    assert io.read_market(folder).num_edges == 60


def test_json_says_what_was_made(stackelberg: CommandLine, tmp_path: Path) -> None:
    ended = stackelberg(
        "edge", "generate", "-o", tmp_path / "city", "--users", 20, "--nodes", 4,
        "--nearest", 2, "--resources", "cpu, memory", "--json",
    )  # fmt: skip
    assert ended.json == {
        "market": str(tmp_path / "city"),
        "nodes": 8,
        "users": 40,
        "edges": 80,
        "resources": ["cpu", "memory"],
    }
    assert io.read_market(tmp_path / "city").resources == ("cpu", "memory")


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (("--users", "0"), ("--users: expected a whole number >= 1, got 0",)),
        (("--nodes", "-3"), ("--nodes: expected a whole number >= 1, got -3",)),
        (("--seed", "-1"), ("--seed: expected a whole number >= 0, got -1",)),
        (("--nearest", "0"), ("--nearest: expected a whole number >= 1, got 0",)),
        (("--radius", "nan"), ("--radius: expected a finite number > 0, got nan",)),
        (("--budget-spread", "-1"), ("--budget-spread", "got -1")),
        (("--regime", "rich"), ("--regime", "'rich'", "budget_rich")),
        (("--kind", "xlsx"), ("--kind", "'xlsx'", "parquet")),
        (("--resources", "cpu,,gpu"), ("--resources", "got 'cpu,,gpu'")),
        (("--resources", "cpu,cpu"), ("--resources", "different names")),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, tuple) else None,
)
def test_wrong_options_are_named_as_options(
    stackelberg: CommandLine,
    tmp_path: Path,
    options: tuple[str, ...],
    parts: tuple[str, ...],
) -> None:
    ended = stackelberg("edge", "generate", "-o", tmp_path / "x", *options)
    assert_refused(ended, *parts)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_a_solution_is_left_alone(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    solution = solution_in(tmp_path / "out", market_in(tmp_path / "city", CITY))
    before = contents(solution)
    ended = stackelberg("edge", "generate", "-o", solution)
    assert_refused(
        ended,
        f"-o: expected a folder for a market, got {solution}, which holds a solution",
    )
    assert contents(solution) == before


def test_a_file_or_a_place_that_cannot_be_written_is_refused_first(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    ended = stackelberg("edge", "generate", "-o", tmp_path / "file")
    assert_refused(ended, "-o: expected a folder that can be written", "(a file)")
    ended = stackelberg("edge", "generate", "-o", tmp_path / "file" / "city")
    assert_refused(ended, "-o: expected a folder that can be written", "file is a file")
    assert (tmp_path / "file").read_text() == "mine"


def test_an_old_market_is_replaced(stackelberg: CommandLine, tmp_path: Path) -> None:
    folder = market_in(tmp_path / "city")
    stackelberg("edge", "generate", "-o", folder, "--users", 5, "--kind", "parquet")
    assert io.read_market(folder).num_users == 5
