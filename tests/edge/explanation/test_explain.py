"""One user and one node in their own numbers, against programs solved anew."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from edge.markets import random_market
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linprog

from stackelberg.edge import (
    COBB_DOUGLAS,
    LEONTIEF,
    LINEAR,
    PROPORTIONAL,
    Fairness,
    Market,
    Outcome,
    allocate,
    ces,
    generate,
)
from stackelberg.edge.explanation.best_alone import best_alone
from stackelberg.edge.explanation.node_explanation import explain_node
from stackelberg.edge.explanation.user_explanation import explain_user
from stackelberg.edge.explanation.virtual_money import virtual_money
from stackelberg.errors import DomainError


def solved(market: Market):
    solution = allocate(market, 1e-11)
    assert solution.status == 0
    return solution.value


def objective(market: Market) -> float:
    return float(np.log(solved(market).utility).sum())


CITY = generate(seed=4, num_users=40, num_nodes=8, radius_m=300.0)


def test_the_two_rents_of_every_user_add_up_to_one() -> None:
    money = virtual_money(CITY, solved(CITY))
    np.testing.assert_allclose(money.budget_rent + money.congestion_rent, 1.0, 0, 1e-4)
    assert set(money.limited_by) == {"budget", "capacity", "both"}


def test_a_user_is_explained_in_the_answer_s_own_numbers() -> None:
    answer = solved(CITY)
    for row in range(CITY.num_users):
        one = explain_user(CITY, answer, row)
        assert one.user == row
        assert one.virtual_money == pytest.approx(1.0, abs=1e-4)
        assert one.least_budget_rent <= one.budget_rent <= one.most_budget_rent
        assert sum(p.utility_share for p in one.purchases) == pytest.approx(1.0)
        assert sum(p.spend for p in one.purchases) == pytest.approx(one.spend)
        rent = sum(p.congestion_rent for p in one.purchases)
        assert rent == pytest.approx(one.congestion_rent, abs=1e-5)
        assert one.num_in_reach == CITY.weight[[row]].nnz
        shares = [p.utility_share for p in one.purchases]
        assert shares == sorted(shares, reverse=True)


def test_one_percent_more_money_against_solving_again() -> None:
    answer, before = solved(CITY), objective(CITY)
    for row in range(0, CITY.num_users, 5):
        more = explain_user(CITY, answer, row).more_money
        assert more is not None
        budget = CITY.budget.copy()
        budget[row] += more.amount
        gain = objective(replace(CITY, budget=budget)) - before
        assert gain <= more.market_gain + 1e-9
        assert more.own_gain is not None
        assert gain >= more.own_gain - 1e-9
        # All money and all capacity are short together: the optimum has a kink, and
        # the least of the shadow prices is its slope on this side.
        budget[row] = CITY.budget[row] + 0.01 * more.amount
        step = objective(replace(CITY, budget=budget)) - before
        assert step == pytest.approx(0.01 * more.market_gain, rel=0.01, abs=1e-7)


def test_one_percent_more_of_the_wanted_node_against_solving_again() -> None:
    answer, before = solved(CITY), objective(CITY)
    checked = 0
    for row in range(0, CITY.num_users, 5):
        wanted = explain_user(CITY, answer, row).wanted
        if wanted is None:
            continue
        assert wanted.utilisation == pytest.approx(1.0, abs=1e-6)
        assert wanted.surplus <= wanted.shadow_price * (1.0 + 1e-4)
        capacity = CITY.capacity.copy()
        capacity[int(wanted.node)] += wanted.more.amount
        gain = objective(replace(CITY, capacity=capacity)) - before
        assert wanted.more.own_gain is not None
        assert wanted.more.own_gain - 1e-9 <= gain <= wanted.more.market_gain + 1e-9
        checked += 1
    assert checked >= 3


def test_the_wanted_node_is_the_one_whose_unit_is_worth_most() -> None:
    # Node 0 is sold out; the second user reaches a roomy, poor node too.
    market = Market.from_arrays(
        [1.0, 1.0], [1.0, 50.0], [9.0, 9.0], [[2.0, 0.0], [2.0, 0.1]]
    )
    one = explain_user(market, solved(market), 0)
    assert one.limited_by == "capacity"
    assert one.wanted is not None
    assert one.wanted.node == 0
    # Alone, the first user turns 1 % of the node, twice its 1/2 share, into utility.
    got = one.purchases[0].amount
    assert one.wanted.more.own_gain == pytest.approx(math.log((got + 0.01) / got))


def test_nothing_is_wanted_where_only_money_limits() -> None:
    market = Market.from_arrays([1.0, 2.0], [50.0, 50.0], [3.0], [[1.0, 1.0]])
    one = explain_user(market, solved(market), 0)
    assert (one.limited_by, one.wanted) == ("budget", None)
    assert one.budget_rent == pytest.approx(1.0, abs=1e-6)
    assert one.more_money is not None
    assert one.more_money.own_gain == pytest.approx(math.log(1.01), rel=1e-6)
    assert [p.node for p in one.purchases] == [0]


def test_money_without_limit_has_no_one_percent() -> None:
    market = Market.from_arrays([1.0], [4.0], [math.inf, 1.0], [[1.0], [1.0]])
    one = explain_user(market, solved(market), 0)
    assert one.more_money is None
    assert one.budget_rent == 0.0
    assert one.limited_by == "capacity"


def test_a_node_is_explained_in_the_answer_s_own_numbers() -> None:
    answer = solved(CITY)
    for row in range(CITY.num_nodes):
        one = explain_node(CITY, answer, row)
        assert one.node == row
        assert sum(s.amount for s in one.sales) == pytest.approx(one.load, rel=1e-4)
        assert one.revenue == pytest.approx(one.price * one.load)
        assert one.num_in_reach == CITY.weight[:, [row]].nnz
        amounts = [s.amount for s in one.sales]
        assert amounts == sorted(amounts, reverse=True)
        for sale in one.sales:
            bought = explain_user(CITY, answer, int(sale.user)).purchases
            (same,) = [p for p in bought if p.node == row]
            assert same.amount == sale.amount
            assert same.utility_share == sale.utility_share


def test_one_percent_more_of_a_node_against_solving_again() -> None:
    answer, before = solved(CITY), objective(CITY)
    for row in range(CITY.num_nodes):
        one = explain_node(CITY, answer, row)
        capacity = CITY.capacity.copy()
        capacity[row] *= 1.01
        gain = objective(replace(CITY, capacity=capacity)) - before
        assert gain <= one.market_gain + 1e-9
        assert one.least_shadow_price <= one.shadow_price <= one.most_shadow_price
        capacity[row] = CITY.capacity[row] * 1.0001
        step = objective(replace(CITY, capacity=capacity)) - before
        assert step == pytest.approx(0.01 * one.market_gain, rel=0.01, abs=1e-7)


def test_nodes_without_limit_or_without_anything_are_explained() -> None:
    market = Market.from_arrays(
        [1.0, 1.0, 3.0], [math.inf, 0.0, 5.0], [2.0], [[1.0, 9.0, 0.0]]
    )
    answer = solved(market)
    endless, shut, idle = (explain_node(market, answer, i) for i in range(3))
    assert (endless.utilisation, endless.market_gain) == (0.0, 0.0)
    assert (shut.utilisation, shut.load, shut.sales) == (1.0, 0.0, ())
    assert shut.shadow_price > 0.0
    assert (idle.num_in_reach, idle.sales) == (0, ())


@pytest.mark.parametrize("row", [-1, 40])
def test_a_row_that_is_not_there_is_refused(row: int) -> None:
    answer = solved(CITY)
    with pytest.raises(DomainError, match=f"row: expected .* 0 to 39, got {row}"):
        explain_user(CITY, answer, row)
    with pytest.raises(DomainError, match="row: expected a whole number from 0 to 7"):
        explain_node(CITY, answer, 8)


def test_an_answer_that_is_no_optimum_shows_in_its_rents() -> None:
    market = random_market(2, users=6, nodes=3)
    answer = solved(market)
    half = replace(answer, allocation=0.5 * answer.allocation,
                   utility=0.5 * answer.utility)  # fmt: skip
    one = explain_user(market, half, 0)
    assert one.virtual_money < 0.99


OTHERS = {
    "ces": (ces(3.0), PROPORTIONAL),
    "cobb_douglas": (COBB_DOUGLAS, PROPORTIONAL),
    "leontief": (LEONTIEF, PROPORTIONAL),
    "ces, alpha 2": (ces(0.6), Fairness(2.0)),
    "linear, alpha 1/2": (LINEAR, Fairness(0.5)),
    "linear, weighted": (LINEAR, Fairness(1.0, np.linspace(0.5, 2.0, 12))),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_utilities_and_welfare(name: str) -> None:
    utility, fairness = OTHERS[name]
    market = random_market(6, users=12, nodes=4)
    market = replace(market, budget=market.budget * np.linspace(0.4, 1.8, 12))

    def welfare(one: Market) -> tuple[Outcome, float]:
        found = allocate(one, 1e-10, utility=utility, fairness=fairness)
        return found.value, found.certificate.objective

    answer, before = welfare(market)
    seen: set[str] = set()
    for row in range(12):
        one = explain_user(market, answer, row, utility=utility, fairness=fairness)
        assert one.utility == answer.utility[row]
        assert one.virtual_money == pytest.approx(one.due, rel=1e-3)
        assert sum(p.utility_share for p in one.purchases) == pytest.approx(1.0)
        seen.add(one.limited_by)
        if row % 4:
            continue
        assert one.more_money is not None
        assert (one.more_money.own_gain is None) == (utility != LINEAR)
        budget = market.budget.copy()
        budget[row] += 1e-2 * one.more_money.amount
        step = welfare(replace(market, budget=budget))[1] - before
        expected = 1e-2 * one.more_money.market_gain
        assert step == pytest.approx(expected, rel=2e-2, abs=3e-8)
    assert len(seen) > 1
    for row in range(4):
        node = explain_node(market, answer, row, utility=utility, fairness=fairness)
        capacity = market.capacity.copy()
        capacity[row] *= 1.0001
        step = welfare(replace(market, capacity=capacity))[1] - before
        assert step == pytest.approx(1e-2 * node.market_gain, rel=2e-2, abs=3e-8)
        load = sum(sale.amount for sale in node.sales)
        assert load == pytest.approx(node.load, rel=1e-3)


def test_smooth_users_want_more_of_the_node_that_is_worth_most() -> None:
    market = random_market(6, users=12, nodes=4)
    answer = allocate(market, utility=ces(3.0)).value
    one = explain_user(market, answer, 0, utility=ces(3.0))
    assert one.wanted is not None
    assert one.wanted.node == int(np.argmax(answer.capacity_shadow_price))
    assert one.wanted.surplus == one.wanted.shadow_price
    assert one.wanted.more.own_gain is None


NUMBERS = st.floats(0.05, 20.0)


@given(
    arrays(float, 4, elements=NUMBERS),
    arrays(float, 4, elements=st.one_of(st.just(0.0), NUMBERS)),
    arrays(float, 4, elements=NUMBERS),
    st.one_of(st.just(0.0), NUMBERS, st.just(math.inf)),
)
def test_what_one_buys_alone_is_the_best_of_a_linear_program(
    weight: np.ndarray, price: np.ndarray, most: np.ndarray, budget: float
) -> None:
    amount, utility = best_alone(weight, price, most, budget)
    assert np.all((amount >= 0.0) & (amount <= most))
    assert price @ amount <= budget * (1.0 + 1e-12) + 1e-12
    best = linprog(
        -weight,
        A_ub=price[None, :],
        b_ub=[min(budget, 1e9)],
        bounds=list(zip(np.zeros(4), most, strict=True)),
    )
    assert utility == pytest.approx(-best.fun, rel=1e-9)
