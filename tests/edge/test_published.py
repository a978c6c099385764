"""Where the printed formula is right, and what it refuses; the Lagrangian."""

from __future__ import annotations

import math

import numpy as np
import pytest
from edge.markets import random_market
from oracles.edge_market import best_cobb_douglas

from stackelberg.edge import Market, allocate, published_allocation
from stackelberg.edge.conditions import lagrangian, optimality_residuals
from stackelberg.edge.published import derived_capacity_branch, published_budget_branch
from stackelberg.errors import DomainError


def market_of_shares(capacity: float, budget: float) -> tuple[Market, np.ndarray]:
    draw = np.random.default_rng(3)
    share = draw.uniform(0.2, 1.0, (4, 3))
    share /= share.sum(axis=1, keepdims=True)
    price = np.array([0.5, 1.0, 2.0])
    return (
        Market.from_arrays(price, [capacity] * 3, [budget] * 4, share),
        share,
    )


@pytest.mark.equation("EDGE", 15)
def test_the_first_branch_is_exact_for_cobb_douglas_where_no_capacity_binds() -> None:
    market, share = market_of_shares(capacity=100.0, budget=1.0)
    assert np.all(market.budget @ share <= market.price * market.capacity)
    best = best_cobb_douglas(market.price, market.capacity, market.budget, share)
    printed = published_budget_branch(market).toarray()
    np.testing.assert_allclose(printed, best, rtol=1e-4)


@pytest.mark.equation("EDGE", 23)
def test_the_derived_second_branch_is_exact_for_cobb_douglas_with_slack_budgets() -> (
    None
):
    market, share = market_of_shares(capacity=1.0, budget=100.0)
    best = best_cobb_douglas(market.price, market.capacity, market.budget, share)
    derived = derived_capacity_branch(market)
    assert np.all(derived @ market.price <= market.budget)
    np.testing.assert_allclose(derived.toarray(), best, rtol=1e-4)


@pytest.mark.equation("EDGE", 24)
def test_one_user_of_one_node_with_little_money_is_served_right() -> None:
    market = Market.from_arrays([2.0], [0.5], [1.0], [[3.0]])
    printed = published_allocation(market, tolerance=1e-12)
    assert printed.capacity_violation == 0.0
    assert printed.budget_violation == 0.0
    assert printed.utility_share == pytest.approx(1.0, abs=1e-6)


@pytest.mark.equation("EDGE", 1)
def test_the_lagrangian_has_its_saddle_at_the_optimum() -> None:
    market = random_market(2, 8, 3)
    solution = allocate(market, 1e-12)
    value = solution.value
    lam, mu = value.capacity_shadow_price, value.budget_shadow_price
    at_best = lagrangian(market, value.allocation, lam, mu)
    assert at_best == pytest.approx(-solution.certificate.objective, abs=1e-9)
    draw = np.random.default_rng(0)
    for _ in range(20):
        other = value.allocation.copy()
        other.data = other.data * draw.uniform(0.5, 1.5, len(other.data))
        assert lagrangian(market, other, lam, mu) >= at_best - 1e-9
        steeper = draw.uniform(0.0, 2.0, 3) * lam, draw.uniform(0.0, 2.0, 8) * mu
        assert lagrangian(market, value.allocation, *steeper) <= at_best + 1e-9


@pytest.mark.equation("EDGE", 2)
def test_the_complete_conditions_hold_at_an_optimum_and_nowhere_else() -> None:
    market = random_market(2, 8, 3)
    value = allocate(market, 1e-12).value
    lam, mu = value.capacity_shadow_price, value.budget_shadow_price
    assert optimality_residuals(market, value.allocation, lam, mu).worst < 1e-5
    assert optimality_residuals(market, 1.1 * value.allocation, lam, mu).worst > 1e-2
    assert optimality_residuals(market, value.allocation, 1.1 * lam, mu).worst > 1e-2


def test_each_resource_type_chooses_its_branch() -> None:
    rich = Market.from_arrays([1.0, 1.0], [10.0, 10.0], [1.0], [[2.0, 1.0]])
    poor = Market.from_arrays([1.0], [1.0], [1.0, 1.0], [[1.0], [1.0]])
    printed = published_allocation(Market.side_by_side({"cpu": rich, "gpu": poor}))
    assert printed.branch == ("capacity", "budget")
    assert printed.loss_per_user == pytest.approx(-math.log(0.75) / 3.0, rel=1e-6)


@pytest.mark.parametrize(
    ("market", "text"),
    [
        (([0.0], [1.0], [1.0], [[1.0]]), r"price\[0\]: expected a number > 0"),
        (([1.0], [math.inf], [1.0], [[1.0]]), r"capacity\[0\]: expected a finite"),
        (([1.0], [1.0], [math.inf], [[1.0]]), r"budget\[0\]: expected a finite"),
    ],
)
def test_what_the_formula_divides_by_or_shares_out_must_be_there(market, text) -> None:
    with pytest.raises(DomainError, match=text):
        published_allocation(Market.from_arrays(*market))


def test_a_known_optimum_is_not_computed_again() -> None:
    market = random_market(3, users=6, nodes=4)
    best = allocate(market)
    fresh, reused = (
        published_allocation(market),
        published_allocation(market, best=best),
    )
    assert reused.loss_per_user == fresh.loss_per_user
    half = published_allocation(market, best=allocate(market, 0.5, max_iterations=1))
    assert half.loss_per_user < fresh.loss_per_user
