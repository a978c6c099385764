"""One owner's prices: against SLSQP and grids, cases with a known best, properties."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from edge.markets import random_market
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.price_games import best_owner_profit, ces_profit

from stackelberg.edge import Market, operator_prices, price_equilibrium
from stackelberg.edge.prices.ces_game import ces_games
from stackelberg.edge.prices.operator_bound import ProfitBound
from stackelberg.edge.prices.operator_prices import operator_certificate
from stackelberg.errors import ConfigError, DomainError
from stackelberg.game import Status

INF = math.inf


@given(
    seed=st.integers(0, 10_000),
    users=st.integers(1, 5),
    nodes=st.integers(1, 3),
    sigma=st.sampled_from([1.5, 3.0, 8.0]),
    outside=st.floats(0.2, 1.0),
)
@settings(max_examples=12)
def test_small_markets_against_slsqp(
    seed: int, users: int, nodes: int, sigma: float, outside: float
) -> None:
    base = random_market(seed, users, nodes)
    cost = np.random.default_rng(seed).uniform(0.1, 1.0, nodes)
    solution = operator_prices(
        base, elasticity=sigma, cost=cost, outside_weight=outside
    )
    proof = solution.certificate
    found = best_owner_profit(
        base.weight.toarray(), base.budget, base.capacity, cost, sigma, outside
    )
    assert solution.status is Status.CONVERGED
    assert proof.upper_bound >= found * (1.0 - 1e-7)
    assert proof.profit >= found * (1.0 - 1e-3)
    assert proof.profit <= proof.upper_bound
    assert np.all(solution.value.load <= base.capacity)


@given(seed=st.integers(0, 10_000), sigma=st.sampled_from([1.3, 4.0, 20.0]))
@settings(max_examples=15)
def test_no_prices_of_a_grid_earn_more_than_the_bound(seed: int, sigma: float) -> None:
    market = random_market(seed, 4, 2)
    draw = np.random.default_rng(seed)
    cost, cap = draw.uniform(0.0, 1.0, 2), draw.uniform(1.5, 20.0, 2)
    proof = operator_prices(
        market, elasticity=sigma, cost=cost, price_cap=cap, starts=2
    ).certificate
    best = 0.0
    for p in np.geomspace(0.05, cap[0], 25):
        for q in np.geomspace(0.05, cap[1], 25):
            tried = ces_profit(
                market.weight.toarray(), market.budget, [INF, INF], cost, [p, q], sigma
            )
            load = tried / np.where(
                np.array([p, q]) != cost, np.array([p, q]) - cost, np.nan
            )
            if np.all(load <= market.capacity):
                best = max(best, float(tried.sum()))
    assert best <= proof.upper_bound


@pytest.mark.parametrize("sigma", [1.4, 3.0, 9.0])
@pytest.mark.parametrize("room", [0.2, 10.0])
def test_alike_users_are_solved_to_the_bound(sigma: float, room: float) -> None:
    weight = np.outer([1.0, 3.0, 0.2], [1.0, 2.0, 0.7])
    market = Market.from_arrays(
        np.ones(3), room * np.array([1.0, 2.0, 1.5]), [1.0, 2.0, 5.0], weight
    )
    # Outside weights in proportion too: all users have the same shares.
    solution = operator_prices(
        market, elasticity=sigma, cost=[0.3, 0.5, 0.1],
        outside_weight=np.array([1.0, 3.0, 0.2]), tolerance=1e-7,
    )  # fmt: skip
    assert solution.status is Status.CONVERGED
    assert solution.certificate.gap <= 1e-6
    assert solution.certificate.holds(1e-6)


def test_the_bounds_slope_is_that_of_differences() -> None:
    market = random_market(5, 12, 3)
    game = ces_games(market, 3.0, 0.2, [8.0, INF, INF], 0.5)["resource"]
    bound, kappa = ProfitBound(game), np.array([0.3, 0.1, 0.6])
    _, slope = bound.at(kappa)
    for i, step in enumerate(np.eye(3) * 1e-5):
        change = bound.at(kappa + step)[0] - bound.at(kappa - step)[0]
        assert change / 2e-5 == pytest.approx(slope[i], rel=1e-5)


def test_one_node_and_an_outside_good_by_a_fine_grid() -> None:
    market = Market.from_arrays([1.0], [INF], [1.0], [[1.0]])
    solution = operator_prices(market, elasticity=3.0, cost=0.5, outside_weight=1.0)
    grid = np.linspace(0.5, 5.0, 200_001)
    profit = (1.0 - 0.5 / grid) / (1.0 + grid**2)
    assert solution.certificate.profit == pytest.approx(profit.max(), rel=1e-9)
    assert solution.value.price[0] == pytest.approx(grid[profit.argmax()], rel=1e-4)
    assert solution.certificate.upper_bound == pytest.approx(profit.max(), rel=1e-9)


def test_without_costs_all_money_is_earned_and_no_more_can_be() -> None:
    market = random_market(3, 12, 4)
    solution = operator_prices(market, elasticity=2.5, price_cap=1e3)
    money = market.budget.sum()
    assert solution.certificate.profit == pytest.approx(money, rel=1e-9)
    assert solution.certificate.holds(1e-9)
    clearing = price_equilibrium(market, elasticity=2.5, price_cap=1e3)
    assert clearing.value.profit.sum() == pytest.approx(money, rel=1e-7)


def test_nodes_that_compete_earn_no_more_than_their_owner_could() -> None:
    market = random_market(6, 40, 5, 3)
    options: dict[str, Any] = {
        "elasticity": 3.0, "cost": 0.4, "outside_weight": 0.5, "price_cap": 20.0,
    }  # fmt: skip
    rivals = price_equilibrium(market, **options)
    owner = operator_prices(market, **options)
    assert rivals.value.profit.sum() < owner.certificate.profit
    assert np.all(owner.value.price >= rivals.value.price * (1.0 - 1e-6))


@given(seed=st.integers(0, 10_000))
@settings(max_examples=10)
def test_more_capacity_never_lowers_what_is_possible(seed: int) -> None:
    market = random_market(seed, 8, 3, 2)
    draw = np.random.default_rng(seed)
    more = replace(market, capacity=market.capacity * draw.uniform(1.0, 2.0, 3))
    options: dict[str, Any] = {"elasticity": 4.0, "cost": 0.3, "outside_weight": 0.4}
    less = operator_prices(market, **options).certificate
    assert operator_prices(more, **options).certificate.upper_bound >= less.profit


def test_units_order_and_resource_types() -> None:
    market = random_market(8, 20, 4, 3)
    cost = np.array([0.2, 0.4, 0.1, 0.6])
    options: dict[str, Any] = {"elasticity": 3.0, "tolerance": 1e-8}
    here = operator_prices(market, cost=cost, outside_weight=0.5, **options)
    unit = np.array([1e-3, 1.0, 1e4, 10.0])
    scaled = Market.from_arrays(
        market.price, market.capacity * unit, market.budget * 1e5,
        market.weight.toarray() / unit,
    )  # fmt: skip
    # The outside good keeps its price of 1: a unit of it is worth 1e5 times less.
    there = operator_prices(
        scaled, cost=cost * 1e5 / unit, outside_weight=0.5 * 1e-5, **options
    )
    np.testing.assert_allclose(
        there.value.price * unit / 1e5, here.value.price, rtol=1e-5
    )
    nodes = np.array([2, 0, 3, 1])
    turned = Market.from_arrays(
        market.price[nodes], market.capacity[nodes], market.budget[::-1],
        market.weight[::-1][:, nodes],
    )  # fmt: skip
    other = operator_prices(turned, cost=cost[nodes], outside_weight=0.5, **options)
    np.testing.assert_allclose(other.value.price, here.value.price[nodes], rtol=1e-5)
    both = Market.side_by_side({"cpu": market, "gpu": turned})
    joint = operator_prices(
        both, cost=[*cost, *cost[nodes]], outside_weight=0.5, **options
    )
    assert np.array_equal(joint.value.price[:4], here.value.price)
    assert np.array_equal(joint.value.price[4:], other.value.price)
    assert joint.certificate.profit == pytest.approx(2 * here.certificate.profit)


def test_other_prices_fail_the_certificate() -> None:
    base = random_market(2, 30, 4, 3)
    market = replace(base, capacity=0.5 * base.capacity)
    found = operator_prices(market, elasticity=3.0, cost=0.3, outside_weight=0.5)
    games = ces_games(market, 3.0, 0.3, None, 0.5)
    value = found.value
    same = operator_certificate(
        market, games, value, value.capacity_shadow_price, value.bound_shadow_price
    )
    assert same.rows() == found.certificate.rows()
    assert same.local_residual <= 1e-6
    poor = operator_certificate(market, games, value, np.zeros(4), np.full(4, 1.0))
    assert poor.stationarity > 1e-3
    assert poor.upper_bound > same.upper_bound
    assert poor.profit == same.profit
    fast = operator_prices(
        market, elasticity=3.0, cost=0.3, outside_weight=0.5, starts=1, tolerance=1e-9
    )
    assert (fast.status is Status.CONVERGED) == (
        fast.certificate.local_residual <= 1e-9
    )


def test_caps_too_low_for_the_capacities_are_infeasible() -> None:
    market = Market.from_arrays([1.0, 1.0], [1.0, 1.0], [9.0], [[1.0, 1.0]])
    solution = operator_prices(market, elasticity=2.0, cost=0.1, price_cap=4.0)
    assert solution.status is Status.INFEASIBLE
    assert solution.certificate.capacity_excess > 0.1
    assert not solution.certificate.holds(0.5)
    assert operator_prices(
        market, elasticity=2.0, cost=0.1, price_cap=4.6
    ).status is Status.CONVERGED  # fmt: skip


def test_closed_nodes_are_left_out_and_an_empty_market_earns_nothing() -> None:
    market = Market.from_arrays(
        [1.0, 1.0], [2.0, 0.0], [1.0, 0.0], [[1.0, 1.0], [1.0, 0.0]]
    )
    solution = operator_prices(market, elasticity=2.0, cost=0.1, outside_weight=1.0)
    assert np.isnan(solution.value.price[1])
    assert solution.status is Status.CONVERGED
    nobody = Market.from_arrays([1.0], [1.0], [0.0], [[1.0]])
    empty = operator_prices(nobody, elasticity=2.0)
    assert empty.certificate.profit == 0.0
    assert empty.certificate.upper_bound == pytest.approx(0.0, abs=1e-12)


def test_without_cap_and_outside_good_prices_would_rise_for_ever() -> None:
    market = Market.from_arrays(
        [1.0], [1.0], [1.0, 1.0], [[1.0], [1.0]], users=["ann", "bob"], nodes=["x"]
    )
    with pytest.raises(DomainError, match=r"price_cap: expected a cap at node x, or an "
                       r"outside good for user ann \(users who spend"):  # fmt: skip
        operator_prices(market, elasticity=2.0, cost=0.1)
    with pytest.raises(DomainError, match="for user bob"):
        operator_prices(market, elasticity=2.0, cost=0.1, outside_weight=[1.0, 0.0])
    endless = replace(market, capacity=np.array([INF]))
    with pytest.raises(DomainError, match=r"cost\[x\]: expected a cost above 0"):
        operator_prices(endless, elasticity=2.0, price_cap=2.0)


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"tolerance": 1.0}, DomainError, "tolerance: expected a number between"),
        ({"starts": 0}, DomainError, "starts: expected a whole number >= 1, got 0"),
        ({"starts": 1.5}, ConfigError, "starts: expected a whole number, got 1.5"),
        ({"seed": -1}, DomainError, "seed: expected a whole number >= 0, got -1"),
    ],
)
def test_options_out_of_range_are_refused(
    options: dict[str, Any], kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=text):
        operator_prices(
            random_market(1, 3, 2), elasticity=2.0, price_cap=9.0, **options
        )
