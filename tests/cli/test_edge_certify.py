from __future__ import annotations

import json
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


def test_what_the_folder_claims_and_what_is_true(
    stackelberg: CommandLine, city: Path, solution: Path
) -> None:
    honest = stackelberg("edge", "certify", city, solution)
    assert "borne out" not in honest.out
    loose = replace(CITY, budget=1.5 * CITY.budget)
    market_in(city, loose)
    summary = solution / "solution.json"
    said = json.loads(summary.read_text()) | {"objective": 1e3, "worst_violation": 0}
    summary.write_text(json.dumps(said | {"gap_per_user": 1e-9}))
    rewritten(solution / "users.csv", utility=2.0 * pl.col("utility"))
    rewritten(solution / "nodes.csv", load=pl.col("load") + 1.0)
    found = stackelberg("edge", "certify", city, solution, "--json").json
    claims = {one["name"]: one for one in found["not_borne_out"]}
    assert list(claims)[:2] == ["objective", "gap_per_user"]
    for name in ("objective", "gap_per_user"):
        assert claims[name]["found"] == found["certificate"][name]
    utility = next(one for name, one in claims.items() if "utility of user" in name)
    assert utility["stated"] == pytest.approx(2.0 * utility["found"])
    load = next(one for name, one in claims.items() if "load of node" in name)
    assert load["stated"] == pytest.approx(load["found"] + 1.0)
    told = stackelberg("edge", "certify", city, solution)
    assert told.code == 3
    for part in (
        "what the file claims is not borne out:",
        "  objective: 1000", "  gap_per_user: 1e-09, found ",
        "  status: converged, found not to hold at tolerance 1e-08",
    ):  # fmt: skip
        assert part in told.out
