"""Shadow prices that may move, against the slopes of the optimum on both sides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from edge.markets import random_market

from stackelberg.edge import Market, allocate, certify, clearing_prices, generate
from stackelberg.edge.explanation.price_freedom import price_freedom

TIGHT = 1e-11


def solved(market: Market):
    return allocate(market, TIGHT).value


def objective(market: Market) -> float:
    return float(np.log(solved(market).utility).sum())


@pytest.mark.parametrize("seed", range(4))
def test_both_ends_of_the_range_prove_the_same_gap(seed: int) -> None:
    market = random_market(seed, users=12, nodes=4)
    answer = solved(market)
    freedom = price_freedom(market, answer)
    assert freedom.most.max() - freedom.least.min() > 1e-3  # all money, all capacity
    for shift in (freedom.least, freedom.most):
        prices = freedom.shifted(market, answer, shift)
        proof = certify(market, answer.allocation, prices.capacity, prices.budget)
        assert proof.gap_per_user < 1e-7
    for shift in (1.2 * freedom.least, 1.2 * freedom.most):
        prices = freedom.shifted(market, answer, shift)
        proof = certify(market, answer.allocation, prices.capacity, prices.budget)
        assert proof.gap_per_user > 1e-6


def test_many_groups_may_move_together() -> None:
    city = generate(seed=4, num_users=40, num_nodes=8, radius_m=300.0)
    answer = solved(city)
    freedom = price_freedom(city, answer)
    draw = np.random.default_rng(1)
    for _ in range(5):
        slope = draw.normal(size=len(freedom.least))
        shift = freedom.cheapest(slope)
        assert slope @ shift <= min(slope @ freedom.least, slope @ freedom.most, 0.0)
        prices = freedom.shifted(city, answer, shift)
        proof = certify(city, answer.allocation, prices.capacity, prices.budget)
        assert proof.gap_per_user < 1e-6


def test_where_all_is_sold_at_clearing_prices_no_capacity_need_have_a_price() -> None:
    city = generate(seed=4, num_users=40, num_nodes=8, radius_m=300.0)
    cleared = replace(city, price=clearing_prices(city, 1e-12).value.price)
    answer = solved(cleared)
    freedom = price_freedom(cleared, answer)
    least, _ = freedom.capacity_price_range(cleared, answer)
    rent = answer.capacity_shadow_price * answer.load
    assert rent.max() > 1e-2
    # It takes all groups at once: 1 % more capacity is worth nothing.
    assert (least * answer.load).max() < 1e-3 * rent.max()
    more = replace(cleared, capacity=1.01 * cleared.capacity)
    assert objective(more) - float(np.log(answer.utility).sum()) < 1e-6


def test_the_ends_are_the_slopes_on_the_two_sides() -> None:
    city = generate(seed=4, num_users=40, num_nodes=8, radius_m=300.0)
    answer, before = solved(city), objective(city)
    freedom = price_freedom(city, answer)
    for row in range(0, 40, 4):
        group, mu = freedom.user_group[row], answer.budget_shadow_price[row]
        budget, step = city.budget.copy(), 1e-5 * city.budget[row]
        slopes = []
        for signed in (step, -step):
            budget[row] = city.budget[row] + signed
            slopes.append((objective(replace(city, budget=budget)) - before) / signed)
        expected = [mu - freedom.most[group], mu - freedom.least[group]]
        np.testing.assert_allclose(slopes, expected, rtol=1e-2, atol=2e-4 * mu)


def test_a_limit_with_room_holds_the_others() -> None:
    # Money to spare at user 1, who shares the only node.
    market = Market.from_arrays([1.0], [2.0], [0.5, 9.0], [[1.0], [1.0]])
    freedom = price_freedom(market, solved(market))
    assert freedom.least.tolist() == freedom.most.tolist() == [0.0]


def test_one_user_with_just_the_money_for_the_node() -> None:
    market = Market.from_arrays([2.0], [3.0], [6.0], [[5.0]])
    answer = solved(market)
    freedom = price_freedom(market, answer)
    # Its unit of virtual money may go to either: mu B from 0 to 1.
    ends = answer.budget_shadow_price[0] - np.array([freedom.most[0], freedom.least[0]])
    np.testing.assert_allclose(ends * 6.0, [0.0, 1.0], atol=1e-6)
