"""The central path against its own equations, solved by plain means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from edge.markets import random_market
from scipy.optimize import brentq

from stackelberg.edge import Fairness, Market, allocate
from stackelberg.edge.solvers.central_path import follow_path
from stackelberg.edge.solvers.central_users import centre_users
from stackelberg.edge.solvers.problem import Problem
from stackelberg.game import Status


def problem_of(market: Market, user_weight: np.ndarray | None = None) -> Problem:
    return Problem(
        indptr=market.weight.indptr.astype(np.int64),
        node=market.weight.indices.astype(np.int32),
        weight=market.weight.data,
        price=market.price,
        capacity=market.capacity,
        budget=market.budget,
        user_weight=np.ones(market.num_users) if user_weight is None else user_weight,
    )


def root(function: Callable[[float], float], low: float, high: float) -> float:
    found: Any = brentq(function, low, high, xtol=1e-300)
    return float(found)


def centred_user(weight, price, budget, lam, b, tau) -> tuple[float, float]:
    """mu and v of one user by nested bisection."""

    def v_at(mu: float) -> float:
        rent = lam + mu * price
        most = (rent / weight).min()

        def short(v: float) -> float:
            return (weight * tau / (rent - weight * v)).sum() - b / v

        return root(short, 1e-12 * most, most * (1.0 - 1e-15))

    def unspent(mu: float) -> float:
        amount = tau / (lam + mu * price - weight * v_at(mu))
        return budget - price @ amount - tau / mu

    mu = root(unspent, 1e-6, 1e6)
    return mu, v_at(mu)


@pytest.mark.parametrize("tau", [0.1, 1e-3])
def test_users_are_centred_at_given_node_prices(tau: float) -> None:
    market = random_market(3, 50, 6, 3)
    draw = np.random.default_rng(0)
    lam = draw.uniform(0.5, 2.0, 6) * 50 / 6 / market.capacity * 0.3
    weights = draw.uniform(0.5, 2.0, 50)
    problem = problem_of(market, weights)
    state, sums = np.empty((50, 2)), np.zeros(3)
    per_node, matrix = np.zeros((6, 3)), np.zeros((6, 6))
    centre_users(
        0, 50, 1, 3, problem.indptr, problem.node, problem.weight, problem.price,
        problem.budget, weights, 1.0, lam, lam, tau, tau, True, False, state, sums,
        per_node, matrix, np.empty(0), *np.empty((2, 0), dtype=np.int32),
    )  # fmt: skip
    load = np.zeros(6)
    for j in range(50):
        edges = slice(market.weight.indptr[j], market.weight.indptr[j + 1])
        node, w = market.weight.indices[edges], market.weight.data[edges]
        mu, v = centred_user(
            w, market.price[node], market.budget[j], lam[node], weights[j], tau
        )
        np.testing.assert_allclose(state[j], [mu, v], rtol=2e-2)
        load[node] += tau / (lam[node] + mu * market.price[node] - w * v)
    np.testing.assert_allclose(per_node[:, 0], load, rtol=1e-3)


def test_the_path_ends_where_loads_and_slacks_are_the_capacities() -> None:
    market = random_market(5, 4000, 8, 4)
    problem = problem_of(market)
    point = follow_path(problem, 1e-2)
    assert point is not None
    assert point.history[-1] == pytest.approx(1e-2, rel=0.02)
    user = market.user_of_edge
    mu, v = point.users[:, 0], point.users[:, 1]
    z = point.lam[problem.node] + mu[user] * market.price[problem.node]
    z -= problem.weight * v[user]
    assert z.min() > 0.0
    load = np.bincount(problem.node, point.tau / z, minlength=8)
    total = load + point.tau / point.lam
    np.testing.assert_allclose(total, market.capacity, rtol=0.1)


def test_twenty_times_the_users_take_less_than_twice_the_steps() -> None:
    few, many = random_market(1, 3000, 10, 4), random_market(1, 60_000, 10, 4)
    small, large = allocate(few), allocate(many)
    assert large.status is Status.CONVERGED
    assert large.iterations < 2 * small.iterations


def test_a_warm_start_takes_fewer_steps_and_gives_the_same_utilities() -> None:
    market = random_market(4, 20_000, 20, 5)
    draw = np.random.default_rng(1)
    changed = Market.from_arrays(
        market.price * draw.uniform(0.9995, 1.0005, 20),
        market.capacity * draw.uniform(0.9995, 1.0005, 20),
        market.budget * draw.uniform(0.9995, 1.0005, 20_000),
        market.weight,
    )
    old = allocate(market)
    cold, warm = allocate(changed), allocate(changed, warm_start=old)
    assert warm.status is Status.CONVERGED
    assert warm.iterations < cold.iterations
    assert (cold.stats["warm_start"], warm.stats["warm_start"]) == ("none", "used")
    np.testing.assert_allclose(warm.value.utility, cold.value.utility, rtol=1e-2)
    gap = abs(warm.certificate.objective - cold.certificate.objective)
    assert gap <= 1e-8 * market.num_users


@pytest.mark.parametrize("users", [100, 1_000])
def test_half_the_steps_are_saved_after_changes_of_a_thousandth(users: int) -> None:
    warm, cold = 0, 0
    for seed in range(4):
        draw = np.random.default_rng(seed)
        price, capacity = draw.uniform(0.5, 2.0, 20), draw.uniform(0.5, 1.5, 20)
        budget = draw.lognormal(0.0, 0.6, users)
        capacity *= budget.sum() / (price @ capacity)
        weight = draw.lognormal(0.0, 0.6, (users, 20))
        old = allocate(Market.from_arrays(price, capacity, budget, weight))
        changed = Market.from_arrays(
            price * draw.uniform(0.999, 1.001, 20),
            capacity * draw.uniform(0.999, 1.001, 20),
            budget * draw.uniform(0.999, 1.001, users),
            weight,
        )
        found = allocate(changed, warm_start=old)
        assert found.status is Status.CONVERGED
        assert found.stats["warm_start"] == "used"
        warm, cold = warm + found.iterations, cold + allocate(changed).iterations
    assert warm <= 0.6 * cold


def test_prices_that_are_far_off_are_given_up() -> None:
    market = random_market(6, 300, 10, 4)
    other = replace(market, capacity=market.capacity * np.logspace(-4, 4, 10))
    solution = allocate(market, warm_start=allocate(other))
    assert solution.stats["warm_start"] == "given up"
    assert solution.status is Status.CONVERGED


def test_a_warm_start_bears_new_and_missing_users() -> None:
    market = random_market(6, 3000, 10, 4)
    fewer = market.part(np.arange(0, 2500), slice(0, 10))
    solution = allocate(fewer, warm_start=allocate(market).value)
    assert solution.status is Status.CONVERGED


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_weighted_alpha_fair_welfare_is_certified(alpha: float) -> None:
    market = random_market(9, 40, 6, 3)
    weights = np.random.default_rng(2).lognormal(0.0, 1.0, 40)
    fairness = Fairness(alpha, weights)
    solution = allocate(market, 1e-9, fairness=fairness)
    assert solution.status is Status.CONVERGED
    assert solution.certificate.gap_per_user <= 1e-9
    plain = allocate(market, 1e-9)
    ours, theirs = (
        fairness.welfare(found.value.utility).sum() for found in (solution, plain)
    )
    assert ours >= theirs
