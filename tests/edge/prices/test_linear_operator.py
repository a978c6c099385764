"""One owner's prices for linear users: all that can be best, bounds, properties."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from edge.markets import random_market
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.owner_prices import best_linear_owner_profit, profit_at

from stackelberg.edge import Market, clearing_prices, operator_prices
from stackelberg.edge.prices.ces_game import ces_games
from stackelberg.edge.prices.linear_operator import linear_operator_certificate
from stackelberg.edge.prices.linear_owner_bound import linear_profit_bound
from stackelberg.edge.prices.linear_owner_program import top_log_price
from stackelberg.edge.prices.price_split import PriceSplit, split_profit_bound
from stackelberg.edge.prices.split_search import search_split
from stackelberg.errors import ConfigError, DomainError
from stackelberg.game import Status

INF = math.inf


@given(
    seed=st.integers(0, 10_000),
    size=st.sampled_from([(1, 2), (2, 1), (2, 2), (3, 2), (2, 3), (4, 2)]),
    kind=st.sampled_from(["good", "cap", "both", "ties", "gaps"]),
    room=st.sampled_from([0.3, 0.7, 2.0]),
)
@settings(max_examples=40)
def test_small_markets_against_all_that_can_be_best(
    seed: int, size: tuple[int, int], kind: str, room: float
) -> None:
    users, nodes = size
    draw = np.random.default_rng(seed)
    weight = draw.lognormal(0.0, 0.6, size)
    if kind == "ties":
        weight = np.maximum(np.round(weight), 1.0)
    if kind == "gaps":
        weight = np.where(draw.random(size) < 0.3, 0.0, weight)
    budget, cost = draw.lognormal(0.0, 0.6, users), draw.uniform(0.0, 0.5, nodes)
    capacity = draw.uniform(0.5, 1.5, nodes) * room * budget.sum() / nodes
    outside = np.zeros(users) if kind == "cap" else draw.uniform(0.2, 0.8, users)
    cap = draw.uniform(0.8, 4.0, nodes) if kind in ("cap", "both") else [INF] * nodes
    market = Market.from_arrays(np.ones(nodes), capacity, budget, weight)
    best = best_linear_owner_profit(weight, budget, capacity, cost, outside, cap)
    solution = operator_prices(market, cost=cost, price_cap=cap, outside_weight=outside)
    proof = solution.certificate
    if best == -INF:
        assert solution.status is Status.INFEASIBLE
        assert not proof.holds(0.5)
        return
    assert solution.status is Status.CONVERGED
    assert proof.feasible()
    assert proof.profit == pytest.approx(best, rel=1e-6, abs=1e-9)
    assert proof.upper_bound >= best * (1.0 - 1e-9)
    assert float(str(solution.stats["searched_bound"])) >= best - 1e-6 * abs(best)
    opened = ~np.isnan(solution.value.price)
    again = profit_at(
        weight[:, opened], budget, capacity[opened], cost[opened], outside,
        solution.value.price[opened],
    )  # fmt: skip
    assert proof.profit == pytest.approx(again, rel=1e-7, abs=1e-9)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=6)
def test_no_prices_of_a_grid_earn_more_than_the_bound_at_any_price_of_capacity(
    seed: int,
) -> None:
    market = random_market(seed, 4, 2)
    draw = np.random.default_rng(seed)
    cost, outside = draw.uniform(0.1, 0.6, 2), draw.uniform(0.2, 1.0, 4)
    game = ces_games(market, 2.0, cost, None, outside)["resource"]
    bounds = [
        linear_profit_bound(game, kappa)
        for kappa in (np.zeros(2), draw.uniform(0.0, 1.0, 2))
    ]
    found = search_split(game, 0.0, 1e-6, lambda: False)
    assert found is not None
    any_other = PriceSplit(
        np.sort(draw.normal(0.0, 1.0, (2, 7)), axis=1),
        draw.uniform(0.0, 1.0, (2, 7)),
        draw.normal(0.0, 1.0, (len(game.node), 7)),
    )
    any_other.log_price[:, -1] = top_log_price(game)
    any_other.log_price.sort(axis=1)
    few = replace(found, moved=0.0 * found.moved)
    bounds += [split_profit_bound(game, split) for split in (found, any_other, few)]
    assert bounds[2] <= min(bounds)
    weight = market.weight.toarray()
    best = max(
        profit_at(weight, market.budget, market.capacity, cost, outside, [p, q])
        for p in np.geomspace(0.2, 6.0, 14)
        for q in np.geomspace(0.2, 6.0, 14)
    )
    assert best <= min(bounds)


def test_a_split_of_nothing_prices_every_user_apart() -> None:
    market = random_market(1, 6, 3)
    game = ces_games(market, 2.0, 0.2, None, 0.4)["resource"]
    ends = top_log_price(game)[:, None] + np.linspace(-40.0, 0.0, 2000)
    nothing = PriceSplit(ends, np.zeros_like(ends), np.zeros((len(game.node), 2000)))
    apart = linear_profit_bound(game, np.zeros(3))
    assert split_profit_bound(game, nothing) == pytest.approx(apart, rel=1e-9)
    # Two users of one node who would pay 1 and 3: shown one price, it is 3.
    two = Market.from_arrays([1.0], [INF], [1.0, 1.0], [[1.0], [3.0]])
    found = operator_prices(two, cost=0.75, outside_weight=1.0)
    assert found.value.price == pytest.approx([3.0])
    assert found.certificate.profit == pytest.approx(0.75)
    assert found.certificate.gap < 1e-6  # each apart would bring 0.25 more


def test_alike_users_are_solved_to_the_bound() -> None:
    # One price per node is as good as one per user: the bound is attained, and proved.
    market = Market.from_arrays(
        np.ones(2), [0.6, 3.0], [1.0, 2.0], np.outer([1.0, 3.0], [1.0, 2.0])
    )
    solution = operator_prices(
        market, cost=[0.3, 0.5], outside_weight=[1.0, 3.0], tolerance=1e-9
    )
    assert solution.status is Status.CONVERGED
    assert solution.certificate.holds(1e-9)
    # By hand: nobody pays more than 1 and 2; node 2 alone could take all money.
    assert solution.value.price == pytest.approx([1.0, 2.0])
    assert solution.certificate.profit == pytest.approx(3.0 * (1.0 - 0.25))


def test_without_costs_clearing_prices_earn_no_more() -> None:
    market = random_market(3, 12, 4)
    clearing = clearing_prices(market)
    owner = operator_prices(market, price_cap=5.0 * clearing.value.price)
    assert owner.status is Status.CONVERGED
    assert owner.certificate.profit == pytest.approx(market.budget.sum(), rel=1e-9)
    assert owner.certificate.holds(1e-9)


def test_larger_markets_say_that_better_prices_may_exist() -> None:
    market = random_market(0, 60, 6, 4)
    options: dict[str, Any] = {"cost": 0.2, "outside_weight": 0.4, "max_nodes": 40}
    found = operator_prices(market, **options)
    proof = found.certificate
    assert found.status is Status.MAX_ITERATIONS
    assert "searched_bound" not in found.stats
    assert proof.feasible()
    assert not proof.holds(1e-6)
    assert 1e-4 < proof.gap < 0.1
    (split,) = found.value.bound_split
    assert split is not None
    game = ces_games(market, 2.0, 0.2, None, 0.4)["resource"]
    apart = linear_profit_bound(game, found.value.bound_shadow_price)
    assert 1.0 - proof.profit / apart > 2.0 * proof.gap
    # CES users nearly as choosy let themselves be milked about as well.
    smooth = operator_prices(market, elasticity=60.0, cost=0.2, outside_weight=0.4)
    assert proof.profit > smooth.certificate.profit * 0.99
    again = operator_prices(market, **options)
    assert np.array_equal(found.value.price, again.value.price, equal_nan=True)


def test_a_stop_ends_with_prices_and_an_honest_certificate() -> None:
    market = random_market(0, 60, 6, 4)
    options: dict[str, Any] = {"cost": 0.2, "outside_weight": 0.4}
    for elasticity in (None, 4.0):
        for last in (0, 40):
            steps: list[int] = []

            def stop(step: int, steps: list[int] = steps, last: int = last) -> bool:
                steps.append(step)
                return step >= last

            found = operator_prices(market, elasticity=elasticity, stop=stop, **options)
            assert found.status is not Status.CONVERGED
            assert sum(step >= last for step in steps) == 1  # asked no more
            assert found.certificate.capacity_excess <= 1e-9
            assert 0.0 < found.certificate.gap < 1.0


def test_units_order_and_resource_types() -> None:
    market = random_market(8, 8, 3, 2)
    cost = np.array([0.2, 0.4, 0.1])
    here = operator_prices(market, cost=cost, outside_weight=0.5)
    unit = np.array([1e-6, 1.0, 1e6])
    scaled = Market.from_arrays(
        market.price, market.capacity * unit, market.budget * 1e5,
        market.weight.toarray() / unit,
    )  # fmt: skip
    there = operator_prices(scaled, cost=cost * 1e5 / unit, outside_weight=0.5 * 1e-5)
    assert here.status is there.status is Status.CONVERGED
    profit = here.certificate.profit
    assert there.certificate.profit / 1e5 == pytest.approx(profit, rel=1e-7)
    nodes = np.array([2, 0, 1])
    turned = Market.from_arrays(
        market.price[nodes], market.capacity[nodes], market.budget[::-1],
        market.weight[::-1][:, nodes],
    )  # fmt: skip
    both = Market.side_by_side({"cpu": market, "gpu": turned})
    joint = operator_prices(both, cost=[*cost, *cost[nodes]], outside_weight=0.5)
    assert joint.certificate.profit == pytest.approx(2.0 * profit, rel=1e-7)
    assert joint.certificate.feasible()


def test_more_room_never_lowers_what_is_possible() -> None:
    market = random_market(4, 6, 3)
    profit = [
        operator_prices(
            replace(market, capacity=room * market.capacity),
            cost=0.2, outside_weight=0.4,
        ).certificate.profit
        for room in (0.3, 0.6, 1.2, INF)
    ]  # fmt: skip
    assert np.all(np.diff(profit) >= -1e-7 * profit[0])
    assert profit[-1] > profit[0]


def test_other_answers_fail_the_certificate() -> None:
    market = random_market(2, 6, 3)
    games = ces_games(market, 2.0, 0.2, None, 0.4)
    found = operator_prices(market, cost=0.2, outside_weight=0.4)
    value = found.value
    same = linear_operator_certificate(market, games, value)
    assert same.rows() == found.certificate.rows()
    dearer = linear_operator_certificate(
        market, games, replace(value, price=1.2 * value.price)
    )
    assert dearer.bargain_error > 0.01
    fuller = linear_operator_certificate(
        market, games, replace(value, demand=1.5 * market.capacity)
    )
    assert fuller.capacity_excess == pytest.approx(0.5)
    for wrong in (dearer, fuller):
        assert not wrong.feasible()
        assert not wrong.holds(1.0)
    alone = replace(value, bound_split=(None,))
    apart = linear_operator_certificate(market, games, alone)
    assert apart.gap > 3.0 * found.certificate.gap
    loose = linear_operator_certificate(
        market, games, replace(alone, bound_shadow_price=np.full(3, 5.0))
    )
    assert loose.upper_bound > apart.upper_bound
    assert loose.gap > apart.gap


def test_closed_nodes_idle_users_and_an_empty_market() -> None:
    market = Market.from_arrays(
        [1.0, 1.0], [2.0, 0.0], [1.0, 0.0], [[1.0, 1.0], [1.0, 0.0]]
    )
    solution = operator_prices(market, cost=0.1, outside_weight=1.0)
    assert solution.value.price[0] == pytest.approx(1.0)
    assert np.isnan(solution.value.price[1])
    assert solution.certificate.profit == pytest.approx(0.9)
    nobody = operator_prices(Market.from_arrays([1.0], [1.0], [0.0], [[1.0]]))
    assert nobody.certificate.profit == nobody.certificate.gap == 0.0
    assert nobody.status is Status.CONVERGED


def test_an_outside_good_or_a_cap_is_required() -> None:
    market = Market.from_arrays(
        [1.0], [1.0], [1.0, 1.0], [[1.0], [1.0]], users=["ann", "bob"], nodes=["x"]
    )
    with pytest.raises(DomainError, match=r"price_cap: expected a cap at node x, or an "
                       r"outside good for user ann"):  # fmt: skip
        operator_prices(market, cost=0.1)
    with pytest.raises(DomainError, match="for user bob"):
        operator_prices(market, outside_weight=[1.0, 0.0])
    with pytest.raises(DomainError, match="max_nodes: expected a whole number >= 1"):
        operator_prices(market, price_cap=2.0, max_nodes=0)
    with pytest.raises(ConfigError, match="max_nodes: expected a whole number, got"):
        operator_prices(market, price_cap=2.0, max_nodes=1.5)  # type: ignore[arg-type]
