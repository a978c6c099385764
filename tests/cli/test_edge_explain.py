from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from cli.command import CommandLine, assert_refused
from cli.edge_markets import CITY, market_in, solution_in

from stackelberg import edge
from stackelberg.edge import Market
from stackelberg.edge.explanation.user_explanation import (
    OnePercentMore,
    UserExplanation,
)

SHOP = Market.from_arrays(
    [1.0, 1.0, 1.0, 1.0], [1.0, 50.0, math.inf, 0.0], [9.0, 9.0, 0.5, 0.5],
    [[2.0, 0.0, 0.0, 0.0], [2.0, 0.001, 0.0, 0.0], [0.0, 1.0, 1.5, 0.0],
     [0.0, 0.0, 1.5, 9.0]],
    nodes=["near", "far", "endless", "shut"], users=["ann", "bob", "u2", "u3"],
)  # fmt: skip
"""A node that two users with much money want, and two users with little money."""


@pytest.fixture
def shop(tmp_path: Path) -> tuple[Path, Path]:
    folder = market_in(tmp_path / "shop", SHOP)
    return folder, solution_in(tmp_path / "out", folder)


def words(text: str) -> str:
    return " ".join(text.split())


def test_a_user_limited_by_capacity(
    stackelberg: CommandLine, shop: tuple[Path, Path]
) -> None:
    ended = stackelberg("edge", "explain", *shop, "--user", "ann")
    assert (ended.code, ended.err) == (0, "")
    told = words(ended.out)
    assert told.startswith(
        "user ann is limited by the capacity of its nodes: of its one unit of virtual "
        "money 0 % is the rent of its budget and 100 % that of sold-out node near "
        f"budget [{40 * '-'}] capacity utility "
    )
    assert "buys at 1 node of 1 in reach" in told
    assert "it would want more of node near" in told
    assert "1 % more of it (0.01), all for this user" in told


def test_a_user_limited_by_its_budget(
    stackelberg: CommandLine, shop: tuple[Path, Path]
) -> None:
    told = words(stackelberg("edge", "explain", *shop, "--user", "u2").out)
    assert told.startswith(
        "user u2 is limited by its budget: of its one unit of virtual money 100 % is "
        "the rent of its budget and 0 % that of sold-out nodes "
        f"budget [{40 * '#'}] capacity"
    )
    assert "spends 0.5 of 0.5, buys at 1 node of 2 in reach" in told
    assert "1 % more money (0.005) would raise" in told
    assert "its own utility by 0.995 %" in told  # log 1.01
    assert "it would want more of no node: where it buys there is room" in told


def test_a_user_who_needs_money_and_capacity_at_once(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    market = Market.from_arrays(
        [1.0], [2.0], [0.9, 1.5], [[1.0], [1.0]], nodes=["one"], users=["ann", "bob"]
    )
    folder = market_in(tmp_path / "market", market)
    answer = solution_in(tmp_path / "out", folder)
    told = words(stackelberg("edge", "explain", folder, answer, "--user", "ann").out)
    assert told.count("its own utility not at all") == 2
    assert "neither helps it alone, since its money is spent and what it buys" in told
    alone = words(stackelberg("edge", "explain", folder, answer, "--user", "bob").out)
    assert "neither helps it alone" not in alone


def test_a_user_who_wants_a_node_without_capacity(
    stackelberg: CommandLine, shop: tuple[Path, Path]
) -> None:
    told = words(stackelberg("edge", "explain", *shop, "--user", "u3").out)
    assert "it would want more of node shut: after paying, one more unit is" in told
    assert "1 % more of it" not in told


def test_json_holds_the_explanation(
    stackelberg: CommandLine, shop: tuple[Path, Path]
) -> None:
    ended = stackelberg("edge", "explain", *shop, "--user", "bob", "--json")
    found = ended.json
    assert (found["market"], found["solution"]) == (str(shop[0]), str(shop[1]))
    assert (found["shadow_prices"], found["of_this_market"]) == ("given", True)
    (one,) = found["explained"]
    assert one["user"] == "bob"
    assert one["limited_by"] == "capacity"
    assert one["virtual_money"] == pytest.approx(1.0, abs=1e-3)
    assert one["budget_rent"] + one["congestion_rent"] == one["virtual_money"]
    assert [bought["node"] for bought in one["purchases"]] == ["near", "far"]
    assert one["wanted"]["node"] == "near"
    assert one["wanted"]["more"]["amount"] == pytest.approx(0.01)
    assert one["sentence"].startswith("user bob is limited by the capacity")
    ended = stackelberg(
        "edge", "explain", *shop, "--user", "bob", "--most", 1, "--json"
    )
    assert len(ended.json["explained"][0]["purchases"]) == 1
    told = stackelberg("edge", "explain", *shop, "--user", "bob", "--most", 1).out
    assert "and 1 more" in told


@pytest.mark.parametrize(
    ("node", "parts"),
    [
        ("near", ("node near is sold out: 1", "2 users of 2 in reach buy", "ann")),
        ("far", ("node far sells", "of 50 (", "shadow price", "1 user of 2 in reach")),
        ("endless", ("node endless sells 1 and has no limit", "2 users of 2")),
        ("shut", ("node shut has no capacity", "0 users of 1 in reach buy")),
    ],
)
def test_a_node(
    stackelberg: CommandLine,
    shop: tuple[Path, Path],
    node: str,
    parts: tuple[str, ...],
) -> None:
    told = words(stackelberg("edge", "explain", *shop, "--node", node).out)
    assert [part for part in parts if part not in told] == [], told


def test_a_node_in_json(stackelberg: CommandLine, shop: tuple[Path, Path]) -> None:
    ended = stackelberg("edge", "explain", *shop, "--node", "near", "--json")
    (one,) = ended.json["explained"]
    assert (one["node"], one["num_buyers"], one["num_in_reach"]) == ("near", 2, 2)
    assert one["utilisation"] == pytest.approx(1.0)
    assert one["revenue"] == pytest.approx(1.0)
    assert {sale["user"] for sale in one["sales"]} == {"ann", "bob"}
    ended = stackelberg("edge", "explain", *shop, "--node", "endless", "--json")
    assert ended.json["explained"][0]["capacity"] is None


def test_every_resource_type_of_a_user_or_only_one(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    both = Market.side_by_side({"cpu": CITY, "gpu": CITY})
    folder = market_in(tmp_path / "both", both)
    solution = solution_in(tmp_path / "out", folder)
    ask = ("edge", "explain", folder, solution, "--user", 7)
    told = words(stackelberg(*ask).out)
    assert told.count("user 7 (cpu) is limited by") == 1
    assert told.count("user 7 (gpu) is limited by") == 1
    ended = stackelberg(*ask, "--resource", "gpu", "--json")
    assert [one["resource"] for one in ended.json["explained"]] == ["gpu"]
    assert_refused(
        stackelberg(*ask, "--resource", "gpp"),
        "--resource: expected one of cpu, gpu (did you mean 'gpu'?), got 'gpp'",
    )


def test_money_and_capacity_short_together_leave_the_split_open(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    market = Market.from_arrays([2.0], [3.0], [6.0], [[5.0]], users=["u"])
    folder = market_in(tmp_path / "even", market)
    solution = solution_in(tmp_path / "out", folder)
    told = words(stackelberg("edge", "explain", folder, solution, "--user", "u").out)
    assert "any split from 0 % to 100 % for the budget proves the same" in told
    told = words(stackelberg("edge", "explain", folder, solution, "--node", 0).out)
    assert "to 0.3333 proves the same" in told


def test_an_answer_that_is_no_optimum_is_said_to_be_none(
    stackelberg: CommandLine, shop: tuple[Path, Path]
) -> None:
    table = shop[1] / "allocation.csv"
    halved = pl.read_csv(table).with_columns(amount=0.5 * pl.col("amount"))
    halved.write_csv(table)
    told = words(stackelberg("edge", "explain", *shop, "--user", "ann").out)
    assert "both rents add up to 0.5 instead of 1: the answer is not the optim" in told


def test_an_allocation_alone_is_explained_by_the_market_s_own_prices(
    stackelberg: CommandLine, shop: tuple[Path, Path]
) -> None:
    for name in ("users.csv", "nodes.csv", "solution.json"):
        (shop[1] / name).unlink()
    ended = stackelberg("edge", "explain", *shop, "--user", "ann")
    assert "note: it has no shadow prices; these are from solving" in words(ended.out)
    assert "limited by the capacity of its nodes" in words(ended.out)


def test_an_answer_of_other_data_is_said_to_be_that(
    stackelberg: CommandLine, shop: tuple[Path, Path]
) -> None:
    market_in(shop[0], replace(SHOP, budget=2.0 * SHOP.budget))
    told = words(stackelberg("edge", "explain", *shop, "--user", "ann").out)
    assert told.startswith("note: the solution says that it is of a market with other")


def test_a_user_who_can_get_nothing(stackelberg: CommandLine, tmp_path: Path) -> None:
    market = Market.from_arrays([1.0], [1.0], [1.0, 0.0], [[1.0], [1.0]])
    folder = market_in(tmp_path / "market", market)
    solution = tmp_path / "out"
    stackelberg("edge", "solve", folder, "-o", solution, "--drop-degenerate")
    ended = stackelberg("edge", "explain", folder, solution, "--user", 1)
    assert ended.out == (
        "user 1 gets nothing: no node in reach has room that it can pay for\n"
    )


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ((), ("--user: expected either --user NAME or --node NAME, got neither",)),
        (("--user", "ann", "--node", "near"), ("got both",)),
        (("--user", "anne"), ("--user: expected one of the market's 4 users: ann, bob, "
                              "u2, ... (did you mean 'ann'?), got 'anne'",)),
        (("--node", "nowhere"), ("expected one of the market's 4 nodes: near, far",)),
        (("--user", "ann", "--most", "-1"), ("--most", "-1")),
    ],
)  # fmt: skip
def test_wrong_questions_are_one_line(
    stackelberg: CommandLine,
    shop: tuple[Path, Path],
    options: tuple[str, ...],
    parts: tuple[str, ...],
) -> None:
    assert_refused(stackelberg("edge", "explain", *shop, *options), *parts)


@pytest.mark.parametrize(
    ("name", "known", "near"),
    [
        ("anne", ("bob", "ann"), "ann"),
        ("Node-7", ("node-6", "node-7"), "node-7"),
        (" u07", ("u7", "u70"), "u7"),
        ("99", ("0", "9", "10"), None),
        ("u42", ("u4", "u2", "u24"), None),
        ("nowhere", ("near", "far"), None),
        ("ürsel", ("ursel",), "ursel"),
        ("9" * 6000, ("9",), None),
    ],
)
def test_only_a_name_of_the_same_number_is_near(
    name: str, known: tuple[str, ...], near: str | None
) -> None:
    from stackelberg.cli.edge.names import nearest

    assert nearest(name, known) == near


def test_a_name_that_is_not_there_says_which_are(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    names = {"city": CITY, "gaps": replace(CITY, nodes=CITY.nodes * 2)}
    for folder, nodes in (("city", "0 to 7"), ("gaps", "0 to 14 with gaps")):
        there = market_in(tmp_path / folder, names[folder])
        out = solution_in(tmp_path / f"{folder}-out", there)
        ended = stackelberg("edge", "explain", there, out, "--node", 99)
        assert ended.err == (
            f"stackelberg: --node: expected one of the market's 8 nodes, {nodes}, "
            "got '99'\n"
        )
    ended = stackelberg(
        "edge", "explain", tmp_path / "city", tmp_path / "city-out", "--user", "40"
    )
    assert_refused(ended, "one of the market's 40 users, 0 to 39, got '40'")
    one = market_in(
        tmp_path / "one", Market.from_arrays([1.0], [2.0], [1.0], [[1.0]], nodes=["x"])
    )
    out = tmp_path / "one-out"
    told = stackelberg("edge", "solve", one, "-o", out).out
    assert "  1 node, 1 user, 1 pair in reach\n" in told
    ended = stackelberg("edge", "explain", one, out, "--node", "y")
    assert_refused(ended, "--node: expected the market's one node, x, got 'y'")


def test_many_rents_are_cut_short() -> None:
    from stackelberg.cli.edge.told_users import limit_bar, limit_sentence
    from stackelberg.cli.edge.welfare import asked_welfare

    usual = asked_welfare("linear", 1.0)

    market = Market.from_arrays(
        [1.0] * 5, [1.0] * 5, [10.0, 10.0], [[1.0] * 5, [1.0] * 5]
    )
    one = edge.explain_user(market, edge.allocate(market).value, 0)
    sentence = limit_sentence(one, usual)
    assert sentence.count("(20 %)") == 3
    assert sentence.endswith(" and 2 more")
    half = replace(one, budget_rent=0.5, congestion_rent=0.5, limited_by="both")
    assert limit_bar(half) == f"[{20 * '#'}{20 * '-'}]"
    assert "limited by its budget and the capacity of its nodes alike" in (
        limit_sentence(half, usual)
    )
    assert isinstance(one, UserExplanation)
    assert isinstance(one.more_money, OnePercentMore)
