from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli.command import CommandLine, assert_refused
from cli.edge_markets import CITY, contents, market_in, solution_in

from stackelberg import edge, io
from stackelberg.cli.quantities import amount_or_multiple
from stackelberg.errors import ConfigError
from stackelberg.game import Status

GIVEN = ("--elasticity", 3, "--cost", "0.5x", "--price-cap", "1.5")


@pytest.fixture
def city(tmp_path: Path) -> Path:
    return market_in(tmp_path / "city")


def equilibrium(**options: object):
    arguments = {"elasticity": 3.0, "cost": 0.5 * CITY.price, "price_cap": 1.5}
    return edge.price_equilibrium(CITY, **(arguments | options))  # type: ignore[arg-type]


def test_an_equilibrium_is_printed_and_its_market_written(
    stackelberg: CommandLine, city: Path, tmp_path: Path
) -> None:
    target = tmp_path / "priced"
    ended = stackelberg(
        "edge", "price", city, "--concept", "equilibrium", *GIVEN, "-o", target
    )
    assert (ended.code, ended.err) == (0, "")
    expected = equilibrium()
    written = io.read_market(target)
    assert np.array_equal(written.price, expected.value.price)
    assert np.array_equal(written.budget, CITY.budget)
    assert np.array_equal(written.weight.data, CITY.weight.data)
    told = " ".join(ended.out.split())
    for part in (
        "city: equilibrium, converged", "all nodes: revenue", "users have",
        "node price change sells full revenue profit", "relative_regret",
        "of its best profit", f"written: {target}",
    ):  # fmt: skip
        assert part in told


def test_json_holds_every_node(stackelberg: CommandLine, city: Path) -> None:
    ended = stackelberg(
        "edge", "price", city, "--concept", "equilibrium", *GIVEN,
        "--outside-weight", 0.1, "--tolerance", 1e-6, "--json",
    )  # fmt: skip
    assert ended.code == 0
    found = ended.json
    solution = equilibrium(outside_weight=0.1, tolerance=1e-6)
    assert (found["concept"], found["status"]) == ("equilibrium", "converged")
    assert found["written"] is None
    assert found["nodes"]["node"] == CITY.nodes.tolist()
    assert found["nodes"]["price_before"] == CITY.price.tolist()
    for name in ("price", "demand", "load", "revenue", "profit", "low_price"):
        assert found["nodes"][name] == getattr(solution.value, name).tolist()
    assert "spend" not in found["nodes"]
    assert found["certificate"]["regret"] == float(solution.certificate.regret.max())


def test_the_nodes_that_earn_most_come_first(
    stackelberg: CommandLine, city: Path
) -> None:
    ended = stackelberg(
        "edge", "price", city, "--concept", "equilibrium", *GIVEN, "--most", 2
    )
    order = np.argsort(-equilibrium().value.profit)
    lines = ended.out.splitlines()
    first = next(k for k, line in enumerate(lines) if line.startswith("node "))
    assert [lines[first + k].split()[0] for k in (1, 2)] == [str(i) for i in order[:2]]
    assert lines[first + 3].startswith("and 6 more")


def test_where_nothing_settles_the_honest_result_ends_with_3(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    # Two sellers, one user who is faithful to each, and one who switches easily.
    market = edge.Market.from_arrays(
        [1.0, 1.0], [9.0, 9.0], [1.0, 1.0, 1.0], [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    )
    folder = market_in(tmp_path / "two", market)
    ended = stackelberg(
        "edge", "price", folder, "--concept", "equilibrium", "--elasticity", 60,
        "--cost", 1, "--price-cap", 9, "-o", tmp_path / "out", "--json",
    )  # fmt: skip
    assert ended.code == 3
    assert ended.json["status"] == "max_iterations"
    assert ended.json["certificate"]["relative_regret"] > 1e-3
    assert io.read_market(tmp_path / "out").num_nodes == 2


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ((), ("--concept",)),
        (("--concept", "nash"), ("--concept", "'nash'", "equilibrium")),
        (("--concept", "equilibrium"), ("--elasticity: expected a number > 1", "noth")),
        (("--concept", "equilibrium", "--elasticity", "1"), ("--elasticity", "got 1")),
        (("--concept", "equilibrium", *GIVEN, "--tolerance", "0"), ("--tolerance",)),
        (("--concept", "equilibrium", *GIVEN, "--cost", "much"),
         ("--cost: expected an amount such as 0.5, or 20x", "got 'much'")),
        (("--concept", "equilibrium", *GIVEN, "--cost", "-1"), ("--cost",)),
        (("--concept", "equilibrium", *GIVEN, "--price-cap", "0"), ("--price-cap",)),
        (("--concept", "equilibrium", *GIVEN, "--outside-weight", "-1"),
         ("--outside-weight",)),
    ],
)  # fmt: skip
def test_wrong_options_are_named_as_options(
    stackelberg: CommandLine,
    city: Path,
    tmp_path: Path,
    options: tuple[object, ...],
    parts: tuple[str, ...],
) -> None:
    ended = stackelberg("edge", "price", city, *options, "-o", tmp_path / "out")
    assert_refused(ended, *parts)
    assert not (tmp_path / "out").exists()


def test_neither_the_market_nor_a_solution_is_overwritten(
    stackelberg: CommandLine, city: Path, tmp_path: Path
) -> None:
    solution = solution_in(tmp_path / "solution", city)
    for target, said in ((city, "is an input"), (solution, "holds a solution")):
        before = contents(target)
        ended = stackelberg(
            "edge", "price", city, "--concept", "equilibrium", *GIVEN, "-o", target
        )
        assert_refused(ended, "-o: expected", said)
        assert contents(target) == before


def test_amounts_and_multiples() -> None:
    of = np.array([1.0, 4.0])
    assert amount_or_multiple("--cost", " 0.5 ", of).tolist() == [0.5, 0.5]
    assert amount_or_multiple("--cost", "1.5X", of).tolist() == [1.5, 6.0]
    for text in ("x", "nan", "2 x x", ""):
        with pytest.raises(ConfigError, match=r"--cost: expected an amount such"):
            amount_or_multiple("--cost", text, of)


def test_one_owner_of_all_nodes(stackelberg: CommandLine, city: Path) -> None:
    ended = stackelberg(
        "edge", "price", city, "--concept", "operator", *GIVEN, "--json"
    )
    expected = edge.operator_prices(
        CITY, elasticity=3.0, cost=0.5 * CITY.price, price_cap=1.5
    )
    assert ended.code == (3 if expected.status else 0)
    assert ended.json["nodes"]["price"] == expected.value.price.tolist()
    assert ended.json["certificate"]["profit"] == expected.certificate.profit


def test_one_owner_and_linear_users(stackelberg: CommandLine, tmp_path: Path) -> None:
    market = edge.Market.from_arrays(
        np.ones(2), [0.6, 3.0], [1.0, 2.0], np.outer([1.0, 3.0], [1.0, 2.0])
    )
    folder = market_in(tmp_path / "small", market)
    ask = ("edge", "price", folder, "--concept", "operator", "--cost", "0.5")
    ended = stackelberg(*ask, "--price-cap", 2, "--outside-weight", 1, "--json")
    expected = edge.operator_prices(market, cost=0.5, price_cap=2.0, outside_weight=1.0)
    assert ended.code == 0, ended.err
    assert ended.json["nodes"]["price"] == expected.value.price.tolist()
    assert ended.json["certificate"]["gap"] == expected.certificate.gap
    told = " ".join(stackelberg(*ask, "--outside-weight", 1).out.split())
    assert "operator, converged" in told
    assert "bargain_error" in told and "of its best utility" in told
    refused = stackelberg(*ask)
    assert_refused(refused, "--price-cap: expected a cap at node 0, or an outside good")


def test_clearing_prices(stackelberg: CommandLine, city: Path) -> None:
    ask = ("edge", "price", city, "--concept", "clearing")
    ended = stackelberg(*ask, "--json")
    expected = edge.clearing_prices(CITY)
    assert ended.code == 0, ended.err
    assert ended.json["nodes"]["price"] == expected.value.price.tolist()
    assert "all nodes: revenue" in stackelberg(*ask).out
    refused = stackelberg(*ask, "--cost", "1")
    assert_refused(refused, "--cost: expected nothing with --concept clearing")


def test_one_owners_prices_that_may_not_be_best_say_by_how_much() -> None:
    from stackelberg.cli.edge.told_prices import price_advice

    options: dict[str, Any] = {
        "cost": 0.5 * CITY.price,
        "outside_weight": 10.0,
        "max_nodes": 1,
    }
    found = edge.operator_prices(CITY, **options)
    proof = found.certificate
    assert found.status is Status.MAX_ITERATIONS
    told = price_advice(found).rstrip(".").split()
    assert float(told[told.index("earn") + 1].rstrip(",")) == pytest.approx(
        proof.profit, rel=1e-2
    )
    assert float(told[-1]) == pytest.approx(proof.upper_bound, rel=1e-2)
    clearing = edge.clearing_prices(CITY)
    assert price_advice(clearing) == clearing.status.advice


def test_whose_money_nothing_can_take_is_left_out_if_asked(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    market = edge.Market.from_arrays(
        [1.0, 1.0], [5.0, 5.0], [3.0, 3.0], [[1.0, 2.0], [0.0, 0.0]],
        users=["a", "lonely"],
    )  # fmt: skip
    folder = market_in(tmp_path / "lonely", market)
    ask = ("edge", "price", folder, "--concept", "clearing")
    advice = "(--drop-degenerate leaves the others out), got degenerate user lonely"
    assert_refused(stackelberg(*ask), advice)
    ended = stackelberg(*ask, "--drop-degenerate", "--json")
    assert ended.code == 0
    paid = np.array(ended.json["nodes"]["price"]) @ [5.0, 5.0]
    assert paid == pytest.approx(3.0, rel=1e-6)  # a's money alone
    ask = ("edge", "price", folder, "--concept", "operator", "--price-cap", 5)
    assert_refused(
        stackelberg(*ask, "--drop-degenerate"), "--drop-degenerate: expected"
    )
