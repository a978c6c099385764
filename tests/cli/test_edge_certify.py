from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from cli.command import CommandLine, assert_refused
from cli.edge_markets import CITY, market_in, solution_in

from stackelberg import edge, io


@pytest.fixture
def city(tmp_path: Path) -> Path:
    return market_in(tmp_path / "city")


@pytest.fixture
def solution(tmp_path: Path, city: Path) -> Path:
    return solution_in(tmp_path / "out", city)


def rewritten(table: Path, **columns: pl.Expr) -> None:
    pl.read_csv(table).with_columns(**columns).write_csv(table)


def allocation_alone(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name != "allocation.csv":
            path.unlink()


def test_a_solution_holds(stackelberg: CommandLine, city: Path, solution: Path) -> None:
    ended = stackelberg("edge", "certify", city, solution, "--json")
    assert (ended.code, ended.err) == (0, "")
    found = ended.json
    expected = edge.allocate(CITY).certificate
    assert found["holds"] is True
    assert found["of_this_market"] is True
    assert found["shadow_prices"] == "given"
    assert found["certificate"]["gap_per_user"] == expected.gap_per_user
    assert found["certificate"]["moved"] == 0.0
    assert found["stated"] == {
        "status": "converged",
        "objective": expected.objective,
        "gap_per_user": expected.gap_per_user,
    }
    told = " ".join(stackelberg("edge", "certify", city, solution).out.split())
    for part in (
        "allocation and shadow prices", "it keeps every limit as given",
        "at tolerance 1e-08: holds", "dual_bound",
    ):  # fmt: skip
        assert part in told


def test_an_allocation_alone_is_certified_by_the_market_s_own_prices(
    stackelberg: CommandLine, city: Path, solution: Path
) -> None:
    allocation_alone(solution)
    ended = stackelberg("edge", "certify", city, solution, "--json")
    assert ended.code == 0
    assert ended.json["shadow_prices"] == "solved"
    assert ended.json["of_this_market"] is None
    assert ended.json["stated"] == {
        "status": None, "objective": None, "gap_per_user": None,
    }  # fmt: skip
    assert ended.json["certificate"]["gap_per_user"] <= 1e-8
    told = stackelberg("edge", "certify", city, solution).out
    assert "shadow prices from solving the market" in told.replace("\n", " ")


def test_the_proved_gap_of_a_poor_allocation_is_what_it_really_lacks(
    stackelberg: CommandLine, city: Path, solution: Path
) -> None:
    rewritten(solution / "allocation.csv", amount=0.8 * pl.col("amount"))
    allocation_alone(solution)
    ended = stackelberg("edge", "certify", city, solution, "--json")
    assert ended.code == 3
    assert ended.json["holds"] is False
    gap = ended.json["certificate"]["gap_per_user"]
    assert gap == pytest.approx(-np.log(0.8), abs=1e-8)


def test_own_prices_prove_more_than_poor_ones(
    stackelberg: CommandLine, city: Path, solution: Path
) -> None:
    doubled = 2.0 * pl.col("budget_shadow_price")
    rewritten(solution / "users.csv", budget_shadow_price=doubled)
    ended = stackelberg("edge", "certify", city, solution)
    assert ended.code == 3
    assert "at tolerance 1e-08: does not hold" in ended.out
    ended = stackelberg("edge", "certify", city, solution, "--own-prices", "--json")
    assert (ended.code, ended.json["shadow_prices"]) == (0, "solved")


def test_what_breaks_limits_is_measured_then_made_feasible(
    stackelberg: CommandLine, city: Path, solution: Path
) -> None:
    rewritten(solution / "allocation.csv", amount=1.25 * pl.col("amount"))
    ended = stackelberg("edge", "certify", city, solution, "--json")
    assert ended.code == 3
    certificate = ended.json["certificate"]
    assert certificate["capacity_violation"] == pytest.approx(0.25, rel=1e-6)
    assert certificate["budget_violation"] == pytest.approx(0.25, rel=1e-6)
    assert certificate["moved"] == pytest.approx(0.2, rel=1e-4)
    assert certificate["gap_per_user"] < 1e-6
    told = stackelberg("edge", "certify", city, solution).out
    assert "no utility changed by more than 20 %" in told.replace("\n", " ")


def test_the_old_answer_on_new_data(
    stackelberg: CommandLine, city: Path, solution: Path
) -> None:
    market_in(city, replace(CITY, budget=1.0001 * CITY.budget))
    ended = stackelberg("edge", "certify", city, solution, "--json")
    assert ended.json["of_this_market"] is False
    assert 1e-8 < ended.json["certificate"]["gap_per_user"] < 1e-3
    told = stackelberg("edge", "certify", city, solution, "--tolerance", 0.01)
    assert told.code == 0
    assert "of a market with other data" in told.out.replace("\n", " ")


def test_degenerate_users_are_named_with_the_option_that_helps(
    stackelberg: CommandLine, city: Path, solution: Path
) -> None:
    budget = CITY.budget.copy()
    budget[3] = 0.0
    market_in(city, replace(CITY, budget=budget))
    ended = stackelberg("edge", "certify", city, solution)
    assert_refused(ended, f"{city}: expected", "--drop-degenerate", "degenerate user 3")
    ended = stackelberg("edge", "certify", city, solution, "--drop-degenerate")
    assert ended.code == 3


@pytest.mark.parametrize("tolerance", ["0", "-1", "nan"])
def test_a_wrong_tolerance_is_refused(
    stackelberg: CommandLine, city: Path, solution: Path, tolerance: str
) -> None:
    ended = stackelberg("edge", "certify", city, solution, "--tolerance", tolerance)
    assert_refused(ended, "--tolerance: expected a number > 0, got ")


def test_wrong_tables_are_one_line(
    stackelberg: CommandLine, city: Path, solution: Path
) -> None:
    rewritten(solution / "allocation.csv", node=pl.col("node") + 5)
    ended = stackelberg("edge", "certify", city, solution)
    assert_refused(ended, "allocation.csv: node, row", "a name of the market's nodes")
    ended = stackelberg("edge", "certify", city, city)
    assert_refused(ended, "expected one of allocation.csv and allocation.parquet")
    assert io.read_market(city).num_users == 40
