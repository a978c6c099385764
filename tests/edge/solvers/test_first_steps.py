"""Rough prices, what users answer to them, and large markets solved from there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from edge.markets import random_market
from edge.solvers.test_central_path import problem_of
from scipy.optimize import minimize_scalar

from stackelberg.edge import Market, allocate
from stackelberg.edge.market import Floats
from stackelberg.edge.solvers.first_steps import from_rough_prices
from stackelberg.edge.solvers.interior_point import Effort, interior_point
from stackelberg.edge.solvers.problem import Problem
from stackelberg.edge.solvers.rough_prices import best_answers, fair_prices

MARKET = random_market(11, 1_200, 20)


def utility(problem: Problem, amount: Floats) -> Floats:
    return np.add.reduceat(problem.weight * amount, problem.indptr[:-1])


@pytest.mark.parametrize("scale", [0.0, 0.02, 1.0, 50.0])
def test_users_answer_prices_as_the_dual_says(scale: float) -> None:
    draw = np.random.default_rng(3)
    problem = problem_of(random_market(3, 60, 7, 5), draw.uniform(0.5, 2.0, 60))
    budget = problem.budget.copy()
    budget[::10] = np.inf
    problem = replace(problem, budget=budget)
    lam = scale * draw.random(7) + (1e-3 if scale else 0.0)
    if not scale:  # free capacity has no value without a budget
        problem = replace(problem, budget=np.where(np.isinf(budget), 1.0, budget))
    mu, v = best_answers(problem, lam)
    for j in range(60):
        own = slice(*problem.indptr[j : j + 2])
        node, weight = problem.node[own], problem.weight[own]
        b, money = problem.user_weight[j], problem.budget[j]
        costs = (lam[node] + mu[j] * problem.price[node]) / weight
        assert v[j] == pytest.approx(costs.min(), rel=1e-12)
        if np.isinf(money):
            assert mu[j] == 0.0
        else:
            best = most_worth(lam[node], problem.price[node], weight, b, money)
            assert b * np.log(v[j]) - mu[j] * money >= best - 1e-9


def most_worth(
    rent: Floats, price: Floats, weight: Floats, b: float, budget: float
) -> float:
    """The greatest b log v(mu) - mu B, by a search."""

    def lost(mu: float) -> float:
        v = ((rent + mu * price) / weight).min()
        return float(mu * budget - b * np.log(max(v, 1e-300)))

    most = b / budget
    found: Any = minimize_scalar(
        lost, bounds=(0.0, most), method="bounded", options={"xatol": 1e-12 * most}
    )
    return -min(float(found.fun), lost(0.0), lost(most))


def test_fair_prices_charge_half_of_what_an_equal_split_is_worth() -> None:
    problem = problem_of(random_market(3, 60, 7, 5))
    user = np.repeat(np.arange(60), np.diff(problem.indptr))
    reached = np.bincount(problem.node, minlength=7)
    fair = np.minimum(
        (problem.capacity / reached)[problem.node],
        (problem.budget / 5.0)[user] / problem.price[problem.node],
    )
    worth = problem.weight * fair
    share = np.bincount(problem.node, worth / np.bincount(user, worth)[user])
    unit = 60 / (300 + 67)
    wanted = (0.5 * share + 0.1 * unit * reached + 1e-3) / problem.capacity
    assert fair_prices(problem, 0.1) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("budgets", [0.3, 1.0, 4.0])
def test_a_large_market_is_solved_from_rough_prices(budgets: float) -> None:
    problem = problem_of(MARKET)
    problem = replace(problem, budget=budgets * problem.budget)
    found = from_rough_prices(problem, 1e-2, Effort(1e-10, 100))
    assert found is not None
    whole = interior_point(problem, 1e-10)
    assert found.gap_per_user <= 1e-10
    assert utility(problem, found.amount) == pytest.approx(
        utility(problem, whole.amount), rel=1e-4
    )
    assert (found.amount == 0.0).mean() > 0.5


def test_large_markets_take_that_way_and_give_the_same_bits_on_any_threads() -> None:
    one = allocate(MARKET, 1e-9, threads=1)
    two = allocate(MARKET, 1e-9, threads=2)
    assert one.certificate.holds(1e-9)
    assert (one.value.allocation.data == 0.0).mean() > 0.5
    assert (one.value.allocation.data == two.value.allocation.data).all()


def test_a_large_market_that_is_stopped_keeps_every_limit() -> None:
    for most in (1, 4, 12):
        found = allocate(MARKET, 1e-9, stop=lambda step, gap, most=most: step >= most)
        assert found.certificate.worst_violation == 0.0
        assert np.isfinite(found.certificate.gap_per_user)


def test_a_large_market_with_one_dear_node_for_all_is_solved_too() -> None:
    dear = np.ones(20)
    dear[0] = 1e6
    market = Market.from_arrays(
        MARKET.price * dear, MARKET.capacity / dear, MARKET.budget, MARKET.weight
    )
    assert allocate(market, 1e-8).certificate.holds(1e-8)
