from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cli.command import CommandLine, assert_refused
from cli.edge_markets import CITY, market_in, solution_in

from stackelberg import edge
from stackelberg.edge import Market

PRICE = CITY.price.copy()
PRICE[3] *= 1.2
BUDGET = CITY.budget.copy()
BUDGET[7] *= 0.5
CHANGED = replace(CITY, price=PRICE, budget=BUDGET)


@pytest.fixture
def ends(tmp_path: Path) -> tuple[Path, Path]:
    """Solutions in a and b, of markets in cityA and cityB."""
    for name, market in (("A", CITY), ("B", CHANGED)):
        folder = market_in(tmp_path / f"city{name}", market)
        solution_in(tmp_path / name.lower(), folder)
    return tmp_path / "a", tmp_path / "b"


def words(text: str) -> str:
    return " ".join(text.split())


def objective(market: Market) -> float:
    return edge.allocate(market, 1e-11).certificate.objective


def test_what_changed_and_because_of_which_input(
    stackelberg: CommandLine, ends: tuple[Path, Path]
) -> None:
    ended = stackelberg("edge", "diff", *ends)
    assert (ended.code, ended.err) == (0, "")
    told = words(ended.out)
    change = objective(CHANGED) - objective(CITY)
    for part in (
        f"{ends[0]} -> {ends[1]}: sum of log utilities", f"{change:+.4g} nat",
        "because of the budgets of 1 user -", "nat, estimated by shadow prices",
        "because of entries nat, mean at old shadow prices at new shadow prices "
        "posted prices 1 -",
        "budgets 1 -", "remainder", "posted price of node 3:", "(+20.00 %)",
        "budget of user 7:", "(-50.00 %)", "utilities changed most",
        "loads changed most",
        "shadow prices changed most",
    ):  # fmt: skip
        assert part in told, told


def test_json_holds_every_number(
    stackelberg: CommandLine, ends: tuple[Path, Path]
) -> None:
    found = stackelberg("edge", "diff", *ends, "--most", 2, "--json").json
    assert found["before"]["solution"] == str(ends[0])
    assert Path(found["before"]["market"]).name == "cityA"
    assert found["after"]["of_this_market"] is True
    assert found["before"]["duality_gap"] <= 40 * 1e-8
    before, after = objective(CITY), objective(CHANGED)
    assert found["objective_before"] == pytest.approx(before, abs=1e-6)
    assert found["change"] == pytest.approx(after - before, abs=1e-6)
    assert [group["group"] for group in found["groups"]] == ["prices", "budgets"]
    total = sum(group["effect"] for group in found["groups"])
    assert found["remainder"] == pytest.approx(found["change"] - total)
    assert found["groups"][0]["resolved"] is None
    assert found["groups"][0]["largest"] == [
        {
            "resource": "resource", "user": None, "node": 3,
            "before": CITY.price[3], "after": PRICE[3],
            "effect": pytest.approx(found["groups"][0]["effect"]),
        }
    ]  # fmt: skip
    assert found["users"][0]["user"] == 7
    assert "budgets" in found["users"][0]["touched_by"]
    assert len(found["users"]) == 2


def test_solving_again_leaves_no_remainder(
    stackelberg: CommandLine, ends: tuple[Path, Path]
) -> None:
    found = stackelberg("edge", "diff", *ends, "--resolve", "--json").json
    resolved = [group["resolved"] for group in found["groups"]]
    assert sum(resolved) == pytest.approx(found["change"], abs=1e-9)
    # Two kinds of input: the mean of switching one first and of switching it last.
    prices = replace(CITY, price=PRICE)
    budgets = replace(CITY, budget=BUDGET)
    first = objective(prices) - objective(CITY)
    last = objective(CHANGED) - objective(budgets)
    assert resolved[0] == pytest.approx(0.5 * (first + last), abs=1e-6)
    told = words(stackelberg("edge", "diff", *ends, "--resolve").out)
    assert "by solving posted prices 1 " in told
    assert "nat, by solving again" in told


def test_users_and_nodes_that_come_and_leave(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    users, nodes = np.delete(np.arange(40), 5), np.delete(np.arange(8), 2)
    fewer = Market.from_arrays(
        CITY.price, CITY.capacity, CITY.budget[users], CITY.weight[users],
        users=CITY.users[users],
    )  # fmt: skip
    smaller = Market.from_arrays(
        CITY.price[nodes], CITY.capacity[nodes], CITY.budget, CITY.weight[:, nodes],
        nodes=CITY.nodes[nodes],
    )  # fmt: skip
    for name, market in (("A", fewer), ("B", smaller)):
        solution_in(tmp_path / name, market_in(tmp_path / f"m{name}", market))
    told = words(stackelberg("edge", "diff", tmp_path / "A", tmp_path / "B").out)
    assert "users 1" in told
    assert "nodes 1" in told
    assert "user 5: new" in told
    assert "node 2: gone" in told


def test_switching_that_leaves_somebody_with_nothing_is_not_known(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    one = Market.from_arrays([1.0], [2.0], [1.0], [[1.0]], nodes=["old"], users=["u"])
    other = Market.from_arrays([3.0], [2.0], [2.0], [[1.0]], nodes=["new"], users=["u"])
    for name, market in (("A", one), ("B", other)):
        solution_in(tmp_path / name, market_in(tmp_path / f"m{name}", market))
    ask = ("edge", "diff", tmp_path / "A", tmp_path / "B", "--resolve")
    found = stackelberg(*ask, "--json").json
    assert [group["group"] for group in found["groups"]] == ["nodes", "budgets"]
    value = math.log(2 / 3) - math.log(1.0)
    assert found["change"] == pytest.approx(value, abs=1e-6)
    assert all(group["resolved"] is not None for group in found["groups"])
    zero = replace(one, budget=np.array([0.0]), price=np.array([0.0]))
    folder = market_in(tmp_path / "mA", zero)
    shutil.rmtree(tmp_path / "A")
    solution_in(tmp_path / "A", folder)
    found = stackelberg(*ask, "--json").json
    assert {group["resolved"] for group in found["groups"]} == {None}
    assert "not known by solving" in words(stackelberg(*ask).out)


def test_shadow_prices_that_are_not_unique_are_marked(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    just = Market.from_arrays([2.0], [3.0], [6.0], [[5.0]])
    more = replace(just, capacity=np.array([4.0]))
    for name, market in (("A", just), ("B", more)):
        solution_in(tmp_path / name, market_in(tmp_path / f"m{name}", market))
    ask = ("edge", "diff", tmp_path / "A", tmp_path / "B")
    told = words(stackelberg(*ask).out)
    assert "shadow prices are not unique before at 1 node, where all money" in told
    assert "(any of 0 to 0.333)" in told.replace("3.3e-1", "0.33")
    found = stackelberg(*ask, "--json").json
    assert (found["open_before"], found["open_after"]) == (1, 0)
    (node,) = found["shadow_prices"]
    assert node["shadow_price_range_before"] == pytest.approx([0.0, 1 / 3], abs=1e-6)
    least, most = node["shadow_price_range_after"]
    assert least == most == node["shadow_price_after"]
    # More capacity than money is worth nothing, and both ends say so.
    (group,) = found["groups"]
    assert [group["at_before"], group["at_after"]] == pytest.approx([0, 0], abs=1e-6)
    assert "nothing is proved to have changed" in told


def test_estimates_of_opposite_sign_are_said_to_say_little() -> None:
    from stackelberg.cli.edge.told_difference import difference_parts
    from stackelberg.cli.edge.welfare import asked_welfare
    from stackelberg.edge import Difference
    from stackelberg.edge.explanation.difference import GroupChange

    both = GroupChange("prices", 2, at_before=-3.0, at_after=1.0, largest=())
    found = Difference(5.0, 4.5, (both,), (), (), (), 0, 0)
    parts = difference_parts(
        found, ("a", "b"), (1e-7, 1e-8), None, asked_welfare("linear", 1.0), 5
    )
    told = words(" ".join(part for part in parts if isinstance(part, str)))
    assert "a -> b: sum of log utilities 5.00000000 -> 4.50000000, -0.5 nat" in told
    assert "because of the posted prices of 2 nodes -1 nat, estimated by" in told
    assert (
        "posted prices: both estimates have opposite signs, so they do not say whether "
        "the change did good or harm; --resolve says by solving again" in told
    )


def test_two_answers_of_the_same_data(
    stackelberg: CommandLine, ends: tuple[Path, Path]
) -> None:
    ended = stackelberg("edge", "diff", ends[0], ends[0])
    assert ended.code == 0
    assert "both are of the same data" in ended.out
    assert "changed most" not in ended.out
    found = stackelberg("edge", "diff", ends[0], ends[0], "--resolve", "--json").json
    assert (found["change"], found["groups"], found["users"]) == (0.0, [], [])


def test_a_moved_pair_of_folders_is_still_found(
    stackelberg: CommandLine, ends: tuple[Path, Path], tmp_path: Path
) -> None:
    moved = tmp_path / "deeper"
    moved.mkdir()
    for name in ("a", "b", "cityA", "cityB"):
        (tmp_path / name).rename(moved / name)
    assert stackelberg("edge", "diff", moved / "a", moved / "b").code == 0


def test_markets_may_be_given(
    stackelberg: CommandLine, ends: tuple[Path, Path], tmp_path: Path
) -> None:
    for name in ("A", "B"):
        (tmp_path / f"city{name}").rename(tmp_path / f"elsewhere{name}")
        for path in ("users.csv", "nodes.csv", "solution.json"):
            (tmp_path / name.lower() / path).unlink()
    ended = stackelberg("edge", "diff", *ends)
    assert_refused(
        ended, f"--market-a: expected the market of {ends[0]}, which does not say where"
    )
    found = stackelberg(
        "edge", "diff", *ends, "--market-a", tmp_path / "elsewhereA",
        "--market-b", tmp_path / "elsewhereB", "--json",
    ).json  # fmt: skip
    assert found["before"]["shadow_prices"] == "solved"
    assert found["after"]["of_this_market"] is None
    assert [group["group"] for group in found["groups"]] == ["prices", "budgets"]


def test_a_market_with_other_data_by_now_is_refused(
    stackelberg: CommandLine, ends: tuple[Path, Path], tmp_path: Path
) -> None:
    market_in(tmp_path / "cityB", CITY)
    ended = stackelberg("edge", "diff", *ends)
    assert_refused(ended, f"--market-b: expected the market of {ends[1]}, whose data")
    market_in(tmp_path / "saved", CHANGED)
    ended = stackelberg("edge", "diff", *ends, "--market-b", tmp_path / "saved")
    assert ended.code == 0


def test_a_market_that_is_gone_is_one_line(
    stackelberg: CommandLine, ends: tuple[Path, Path], tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "cityA")
    ended = stackelberg("edge", "diff", *ends)
    assert_refused(ended, "cityA: expected one of nodes.csv and nodes.parquet")
