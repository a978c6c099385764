"""Nodes that choose their own prices: regret against grids, known cases, properties."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from edge.markets import random_market
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.price_games import (
    best_on_a_grid,
    ces_clearing_prices,
    ces_demand,
    ces_profit,
    least_worst_regret,
)

from stackelberg.edge import Market, certify_prices, price_equilibrium
from stackelberg.errors import ConfigError, DomainError, InputError
from stackelberg.game import Status

INF = math.inf


def costs(market: Market, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.1, 1.0, market.num_nodes)


@given(
    seed=st.integers(0, 10_000),
    users=st.integers(1, 6),
    nodes=st.integers(2, 4),
    sigma=st.sampled_from([1.2, 2.0, 5.0, 15.0]),
    balance=st.floats(-2.0, 2.0),
)
@settings(max_examples=30)
def test_no_price_of_a_fine_grid_earns_more_than_is_proved(
    seed: int, users: int, nodes: int, sigma: float, balance: float
) -> None:
    base = random_market(seed, users, nodes)
    market = Market.from_arrays(
        base.price, base.capacity * math.exp(balance), base.budget, base.weight
    )
    cost = costs(market, seed)
    solution = price_equilibrium(market, elasticity=sigma, cost=cost)
    price, proof = solution.value.price, solution.certificate
    assert (solution.status is Status.CONVERGED) == proof.holds(1e-8)
    weight = market.weight.toarray()
    earned = ces_profit(weight, market.budget, market.capacity, cost, price, sigma)
    np.testing.assert_allclose(solution.value.profit, earned, rtol=1e-9)
    for i in range(nodes):
        grid = np.concatenate(
            [price[i] * np.exp(np.linspace(-4.0, 8.0, 200)), price[i : i + 1]]
        )
        best = best_on_a_grid(
            weight, market.budget, market.capacity, cost, price, sigma, i, grid
        )
        assert best <= proof.best_profit[i]
        if solution.status is Status.CONVERGED:
            assert proof.best_profit[i] <= earned[i] * (1.0 + 1.1e-8)
        else:  # few and faithful users may leave no equilibrium
            assert sigma > 2.0


@given(seed=st.integers(0, 10_000), sigma=st.sampled_from([1.3, 3.0, 12.0]))
@settings(max_examples=20)
def test_the_regret_of_any_prices_is_what_a_grid_finds(seed: int, sigma: float) -> None:
    market = random_market(seed, 5, 3, 2)
    draw = np.random.default_rng(seed)
    price, cost = draw.lognormal(0.5, 1.0, 3), costs(market, seed)
    cap = np.maximum(price, cost) * 3.0
    proof = certify_prices(
        market, price, elasticity=sigma, cost=cost, price_cap=cap, outside_weight=0.3
    )
    for i in range(3):
        grid = np.geomspace(1e-3, cap[i], 1500)
        best = best_on_a_grid(
            market.weight.toarray(), market.budget, market.capacity, cost, price,
            sigma, i, grid, 0.3,
        )  # fmt: skip
        assert best <= proof.best_profit[i]
        assert proof.best_profit[i] == pytest.approx(max(best, 0.0), rel=2e-2, abs=1e-9)
        better = np.array(price)
        if not math.isnan(proof.better_price[i]):
            better[i] = proof.better_price[i]
            found = ces_profit(
                market.weight.toarray(), market.budget, market.capacity, cost, better,
                sigma, 0.3,
            )[i]  # fmt: skip
            assert found >= proof.best_profit[i] * (1.0 - 2e-9)


@pytest.mark.parametrize("nodes", [2, 3, 7])
def test_equal_nodes_have_the_markup_of_the_formula(nodes: int) -> None:
    market = Market.from_arrays(
        np.ones(nodes), np.full(nodes, INF), [3.0, 5.0], np.ones((2, nodes))
    )
    value = price_equilibrium(market, elasticity=3.0, cost=0.7).value
    # (p - c) / p = 1 / eps with eps = 1 + (sigma - 1) (1 - 1 / M)
    elasticity = 1.0 + 2.0 * (1.0 - 1.0 / nodes)
    np.testing.assert_allclose(value.price, 0.7 / (1.0 - 1.0 / elasticity), rtol=1e-8)
    np.testing.assert_allclose(value.spend, [3.0, 5.0], rtol=1e-12)
    np.testing.assert_allclose(value.revenue.sum(), 8.0, rtol=1e-12)


@given(seed=st.integers(0, 10_000), sigma=st.sampled_from([1.5, 4.0]))
@settings(max_examples=10)
def test_without_costs_the_prices_clear_the_market(seed: int, sigma: float) -> None:
    market = random_market(seed, 6, 3)
    solution = price_equilibrium(market, elasticity=sigma, tolerance=1e-9)
    wanted = ces_clearing_prices(
        market.weight.toarray(), market.budget, market.capacity, sigma
    )
    np.testing.assert_allclose(solution.value.price, wanted, rtol=1e-7)
    np.testing.assert_allclose(solution.value.load, market.capacity, rtol=1e-7)
    assert solution.certificate.bracket < 1e-7


def test_demand_is_what_ces_users_want() -> None:
    market = random_market(3, 5, 4, 3)
    value = price_equilibrium(market, elasticity=2.5, cost=0.4).value
    wanted = ces_demand(market.weight.toarray(), market.budget, value.price, 2.5)
    np.testing.assert_allclose(value.allocation.toarray(), wanted, rtol=1e-8)
    assert np.all(value.load <= market.capacity)


def test_where_no_prices_are_an_equilibrium_none_is_claimed() -> None:
    # Nine users find both nodes equal, four are faithful to the first: it would rather
    # serve these alone at a high price than fight, and then the second would follow.
    weight = np.array([[1.0, 1.0]] * 9 + [[1.0, 0.1]] * 4)
    market = Market.from_arrays([1.0, 1.0], [INF, INF], np.ones(13), weight)
    grid = np.geomspace(1.05, 14.0, 130)
    least = least_worst_regret(weight, market.budget, [1.0, 1.0], 6.0, grid)
    assert least > 0.005
    solution = price_equilibrium(market, elasticity=6.0, cost=1.0)
    assert solution.status is Status.MAX_ITERATIONS
    assert solution.certificate.relative_regret.max() > 0.005
    assert solution.certificate.relative_regret.max() < 0.1  # of what best nearby has
    local = certify_prices(market, [7.62364658, 1.53376531], elasticity=6.0, cost=1.0)
    assert local.relative_regret.max() > 0.5


def test_a_node_stuck_at_a_local_best_price_is_moved() -> None:
    # Responses nearby settle elsewhere from low than from high prices here.
    draw = np.random.default_rng(0)
    first, spin = draw.integers(0, 20, 1000), draw.permuted(
        np.tile(np.arange(20), (1000, 1)), axis=1
    )  # fmt: skip
    weight = np.zeros((1000, 20))
    columns = (first[:, None] + spin[:, :8]) % 20
    np.put_along_axis(weight, columns, draw.lognormal(0.0, 0.6, (1000, 8)), axis=1)
    budget = draw.lognormal(0.0, 0.6, 1000)
    capacity = draw.uniform(0.5, 1.5, 20) * budget.sum() / 20
    cost = draw.uniform(0.2, 1.0, 20)
    market = Market.from_arrays(np.ones(20), capacity, budget, weight)
    solution = price_equilibrium(market, elasticity=20.0, cost=cost)
    assert solution.status is Status.CONVERGED
    assert solution.certificate.bracket < 1e-8


def test_prices_that_best_responses_never_settle_on_are_reported_as_such() -> None:
    market = random_market(1, 20, 4)
    solution = price_equilibrium(market, elasticity=4.0, cost=0.3, max_sweeps=1)
    assert solution.status is Status.MAX_ITERATIONS
    assert not solution.certificate.holds(1e-8)
    assert solution.iterations == 2
    assert solution.certificate.bracket > 0.0


def test_a_wrong_price_fails_its_certificate() -> None:
    market = random_market(2, 30, 4, 3)
    found = price_equilibrium(market, elasticity=3.0, cost=0.3)
    assert found.certificate.holds(1e-8)
    for factor in (0.97, 1.03):
        price = found.value.price.copy()
        price[1] *= factor
        proof = certify_prices(market, price, elasticity=3.0, cost=0.3)
        assert not proof.holds(1e-5)
        assert np.isnan(proof.bracket)


@pytest.mark.parametrize("decades", [3.0, 8.0])
def test_units_of_nodes_money_and_utility_change_no_digit(decades: float) -> None:
    market = random_market(8, 40, 6, 4)
    cost = costs(market)
    draw = np.random.default_rng(1)
    node_unit = 10.0 ** draw.uniform(-decades / 2, decades / 2, 6)
    user_unit = 10.0 ** draw.uniform(-decades / 2, decades / 2, 40)
    money = 10.0 ** (decades / 2)
    other = Market.from_arrays(
        market.price,
        market.capacity * node_unit,
        market.budget * money,
        market.weight.toarray() * user_unit[:, None] / node_unit,
    )
    here = price_equilibrium(market, elasticity=3.0, cost=cost)
    there = price_equilibrium(other, elasticity=3.0, cost=cost * money / node_unit)
    assert there.status is Status.CONVERGED
    np.testing.assert_allclose(
        there.value.price * node_unit / money, here.value.price, rtol=1e-8
    )


def test_order_of_users_and_nodes_changes_nothing() -> None:
    market = random_market(7, 60, 9, 4)
    cost = costs(market)
    draw = np.random.default_rng(0)
    users, nodes = draw.permutation(60), draw.permutation(9)
    shuffled = Market.from_arrays(
        market.price[nodes],
        market.capacity[nodes],
        market.budget[users],
        market.weight[users][:, nodes],
    )
    here = price_equilibrium(market, elasticity=3.0, cost=cost)
    there = price_equilibrium(shuffled, elasticity=3.0, cost=cost[nodes])
    np.testing.assert_allclose(here.value.price[nodes], there.value.price, rtol=1e-8)


def test_a_user_is_the_sum_of_its_halves() -> None:
    market = random_market(4, 10, 3)
    halves = Market.from_arrays(
        market.price,
        market.capacity,
        np.concatenate([market.budget / 2, market.budget / 2]),
        np.vstack([market.weight.toarray()] * 2),
    )
    one = price_equilibrium(market, elasticity=2.0, cost=0.2).value.price
    two = price_equilibrium(halves, elasticity=2.0, cost=0.2).value.price
    np.testing.assert_allclose(one, two, rtol=1e-8)


def test_resource_types_together_are_resource_types_one_by_one() -> None:
    parts = {"cpu": random_market(1, 15, 4, 2), "gpu": random_market(2, 7, 3)}
    both = Market.side_by_side(parts)
    options: dict[str, Any] = {"elasticity": 2.5, "price_cap": 50.0}
    together = price_equilibrium(both, cost=0.3, **options)
    assert together.status is Status.CONVERGED
    alone = [price_equilibrium(part, cost=0.3, **options) for part in parts.values()]
    assert np.array_equal(
        together.value.price, np.concatenate([a.value.price for a in alone])
    )
    assert np.array_equal(
        together.certificate.best_profit,
        np.concatenate([a.certificate.best_profit for a in alone]),
    )


def test_a_faithful_user_pays_the_cap() -> None:
    market = Market.from_arrays([1.0, 1.0], [INF, INF], [2.0], [[1.0, 0.0]])
    solution = price_equilibrium(market, elasticity=2.0, cost=0.5, price_cap=8.0)
    assert solution.status is Status.CONVERGED
    assert solution.value.price[0] == pytest.approx(8.0, rel=1e-9)
    assert np.isnan(solution.value.price[1])
    assert solution.value.profit.tolist() == pytest.approx([2.0 - 0.5 * 2 / 8, 0.0])


def test_a_cap_below_the_price_that_clears_leaves_demand_unserved() -> None:
    market = Market.from_arrays([1.0, 1.0], [1.0, 2.0], [4.0, 4.0], np.ones((2, 2)))
    solution = price_equilibrium(market, elasticity=2.0, cost=0.1, price_cap=1.5)
    value = solution.value
    assert solution.status is Status.CONVERGED
    np.testing.assert_allclose(value.price, 1.5, rtol=1e-9)
    np.testing.assert_allclose(value.load, market.capacity)
    assert np.all(value.demand > value.load)
    assert np.all(value.spend < market.budget)
    np.testing.assert_allclose(value.profit, 1.4 * market.capacity, rtol=1e-9)


def test_an_outside_good_keeps_a_monopolist_from_infinity() -> None:
    market = Market.from_arrays([1.0], [INF], [1.0, 1.0], [[1.0], [1.0]])
    solution = price_equilibrium(
        market, elasticity=3.0, cost=0.5, outside_weight=[1.0, 2.0]
    )
    assert solution.status is Status.CONVERGED
    best = best_on_a_grid(
        np.ones((1, 1)), [1.0], [INF], [0.5], [1.0], 3.0, 0, [1.0], 1.0
    )
    assert best == pytest.approx(0.25)
    price = float(solution.value.price[0])
    grid = np.geomspace(0.51, 10.0, 4000)
    most = max(
        sum((1.0 / (1.0 + (g * w) ** 2.0)) * (1.0 - 0.5 / g) for w in (1.0, 2.0))
        for g in grid
    )
    earned = sum(
        (1.0 / (1.0 + (price * w) ** 2.0)) * (1.0 - 0.5 / price) for w in (1.0, 2.0)
    )
    assert earned >= most
    assert solution.value.profit[0] == pytest.approx(earned, rel=1e-12)


def test_closed_nodes_and_poor_users_change_nothing() -> None:
    market = random_market(4, 8, 3)
    wider = Market.from_arrays(
        [*market.price, 1.0, 1.0],
        [*market.capacity, 0.0, 5.0],
        [*market.budget, 0.0],
        np.vstack(
            [
                np.hstack([market.weight.toarray(), np.ones((8, 1)), np.zeros((8, 1))]),
                np.ones((1, 5)),
            ]
        ),
    )
    here = price_equilibrium(market, elasticity=3.0, cost=0.2)
    there = price_equilibrium(wider, elasticity=3.0, cost=0.2)
    assert np.array_equal(there.value.price[:3], here.value.price)
    assert np.isnan(there.value.price[3:]).all()
    assert there.value.profit[3:].tolist() == [0.0, 0.0]
    assert there.certificate.best_profit[3:].tolist() == [0.0, 0.0]
    assert there.value.spend[8] == 0.0


def test_shares_of_1e_300_and_nearly_all_do_no_harm() -> None:
    weight = np.array([[1.0, 1e-9], [1e-9, 1.0], [1.0, 1.0]])
    market = Market.from_arrays([1.0, 1.0], [2.0, 3.0], [1.0, 1.0, 1.0], weight)
    solution = price_equilibrium(market, elasticity=30.0, cost=0.1)
    proof = solution.certificate
    assert np.isfinite(solution.value.price).all()
    assert (solution.status is Status.CONVERGED) == proof.holds(1e-8)
    assert not np.isnan(proof.best_profit).any()


def test_the_same_input_gives_the_same_bits() -> None:
    market = random_market(5, 200, 10, 4)
    one = price_equilibrium(market, elasticity=6.0, cost=0.2)
    two = price_equilibrium(market, elasticity=6.0, cost=0.2)
    assert np.array_equal(one.value.price, two.value.price)
    assert one.certificate.rows() == two.certificate.rows()
    names = [row.name for row in one.certificate.rows()]
    assert names == ["relative_regret", "regret", "bracket", "other_regret"]


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"elasticity": 1.0}, DomainError, "elasticity: expected a finite number > 1"),
        ({"elasticity": "two"}, ConfigError, "elasticity: expected a number > 1"),
        ({"cost": -1.0}, DomainError, "cost: expected a finite number >= 0, got -1"),
        ({"cost": [0.1, math.nan]}, DomainError, r"cost\[b\]: expected a finite"),
        ({"cost": [0.1] * 3}, InputError, r"cost: expected a number or 2 numbers"),
        ({"cost": "free"}, ConfigError, r"cost: expected a number or 2 numbers"),
        ({"price_cap": 0.0}, DomainError, r"price_cap\[a\]: expected a number above"),
        ({"price_cap": [2.0, 0.1], "cost": 0.5}, DomainError, r"price_cap\[b\]"),
        ({"outside_weight": -1.0}, DomainError, "outside_weight: expected"),
        ({"tolerance": 0.0}, DomainError, "tolerance: expected a number between"),
        ({"max_sweeps": 0}, DomainError, "max_sweeps: expected a whole number >= 1"),
    ],
)
def test_bad_input_is_one_line(options: dict[str, Any], kind: type, text: str) -> None:
    market = Market.from_arrays(
        [1.0, 1.0], [1.0, 1.0], [1.0], np.ones((1, 2)), nodes=["a", "b"]
    )
    given: dict[str, Any] = {"elasticity": 2.0} | options
    with pytest.raises(kind, match=text) as error:
        price_equilibrium(market, **given)
    assert "\n" not in str(error.value)


def test_games_without_a_best_price_are_refused() -> None:
    endless = Market.from_arrays([1.0] * 2, [INF, 1.0], [1.0], [[1.0, 1.0]])
    with pytest.raises(DomainError, match=r"cost\[0\]: expected a cost above 0"):
        price_equilibrium(endless, elasticity=2.0)
    faithful = Market.from_arrays([1.0], [1.0], [1.0], [[1.0]], users=["zoe"])
    with pytest.raises(DomainError, match=r"price_cap: expected a cap.*user zoe"):
        price_equilibrium(faithful, elasticity=2.0, cost=0.1)
    rich = Market.from_arrays([1.0], [1.0], [INF], [[1.0]])
    with pytest.raises(DomainError, match=r"budget\[0\]: expected a finite number"):
        price_equilibrium(rich, elasticity=2.0, cost=0.1)


def test_prices_to_certify_are_checked() -> None:
    market = random_market(0, 3, 2)
    with pytest.raises(DomainError, match=r"price\[1\]: expected a finite number > 0"):
        certify_prices(market, [1.0, 0.0], elasticity=2.0)
    with pytest.raises(InputError, match="price: expected 2 numbers"):
        certify_prices(market, [1.0], elasticity=2.0)
    with pytest.raises(DomainError, match=r"price\[0\]: expected at most the cap 1"):
        certify_prices(market, [2.0, 1.0], elasticity=2.0, price_cap=1.0)
