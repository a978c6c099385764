"""The first-order method against the certificate, the interior point and itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from edge.markets import random_market
from scipy import sparse

from stackelberg.edge import Fairness, Market, certify, generate
from stackelberg.edge.solvers.first_order import first_order
from stackelberg.edge.solvers.interior_point import interior_point
from stackelberg.edge.solvers.problem import Iterate, Problem


def problem_of(market: Market) -> Problem:
    return Problem(
        indptr=market.weight.indptr.astype(np.int64),
        node=market.weight.indices.astype(np.int32),
        weight=market.weight.data,
        price=market.price,
        capacity=market.capacity,
        budget=market.budget,
    )


def certified(
    market: Market,
    iterate: Iterate,
    fairness: Fairness | None = None,
    violation: float = 1e-12,
):
    """The certificate of the answer, whose violations must be rounding."""
    w = market.weight
    allocation = sparse.csr_array((iterate.amount, w.indices, w.indptr), shape=w.shape)
    certificate = certify(
        market,
        allocation,
        iterate.capacity_shadow_price,
        iterate.budget_shadow_price,
        fairness=fairness or Fairness(),
    )
    assert certificate.worst_violation < violation
    return certificate


def assert_solved(market: Market, tolerance: float) -> None:
    """It ends by itself within the tolerance, and the exact method agrees."""
    found = first_order(problem_of(market), tolerance)
    assert not found.bounded
    assert found.gap_per_user <= tolerance
    certificate = certified(market, found)
    assert certificate.gap_per_user <= 1.001 * tolerance
    exact = certified(market, interior_point(problem_of(market), 1e-9), violation=1e-8)
    lost = exact.objective - certificate.objective
    assert -1e-7 <= lost / market.num_users <= tolerance


@pytest.mark.parametrize("seed", range(30))
def test_random_markets_are_solved_to_the_gap_asked_for(seed: int) -> None:
    draw = np.random.default_rng(seed)
    users, nodes = int(draw.integers(1, 120)), int(draw.integers(1, 60))
    reach = int(draw.integers(1, nodes + 1)) if seed % 3 else None
    market = random_market(seed, users, nodes, reach)
    factor = [1.0, 0.25, 4.0][seed % 3]
    market = Market.from_arrays(
        market.price, market.capacity, factor * market.budget, market.weight
    )
    assert_solved(market, 1e-4 if seed % 2 else 1e-3)


@pytest.mark.parametrize("regime", ["balanced", "budget_rich", "capacity_rich"])
def test_cities_are_solved_in_few_passes(regime) -> None:
    market = generate(seed=1, num_users=2000, num_nodes=150, regime=regime)
    found = first_order(problem_of(market), 1e-4)
    assert found.iterations < 400
    assert certified(market, found).gap_per_user <= 1.001e-4


@pytest.mark.parametrize("spread", [1.0, 2.0])
def test_unlike_nodes_and_users_are_solved(spread: float) -> None:
    draw = np.random.default_rng(7)
    plain = random_market(7, 300, 50, 10)
    weight = plain.weight.copy()
    weight.data = weight.data * draw.lognormal(0.0, spread, len(weight.data))
    market = Market.from_arrays(
        plain.price * draw.lognormal(0.0, spread, 50),
        plain.capacity * draw.lognormal(0.0, spread, 50),
        plain.budget * draw.lognormal(0.0, spread, 300),
        weight,
    )
    assert_solved(market, 1e-4)


def test_limits_without_end_and_prices_of_zero_are_legal() -> None:
    plain = random_market(2, 80, 20, 6)
    nodes, users = np.arange(20), np.arange(80)
    capacity = np.where(nodes % 5 == 0, np.inf, plain.capacity)
    price = np.where(nodes % 5 == 1, 0.0, plain.price)
    reaches_endless = (plain.weight[:, ::5].toarray() > 0).any(axis=1)
    budget = np.where((users % 3 == 0) & ~reaches_endless, np.inf, plain.budget)
    assert np.isinf(budget).any()
    market = Market.from_arrays(price, capacity, budget, plain.weight)
    assert_solved(market, 1e-4)
    found = first_order(problem_of(market), 1e-4)
    assert not found.capacity_shadow_price[np.isinf(capacity)].any()
    assert not found.budget_shadow_price[np.isinf(budget)].any()


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_weighted_alpha_fair_welfare_is_solved(alpha: float) -> None:
    market = random_market(4, 150, 40, 8)
    user_weight = np.random.default_rng(0).lognormal(0.0, 0.5, 150)
    problem = replace(problem_of(market), user_weight=user_weight, alpha=alpha)
    found = first_order(problem, 1e-4)
    assert not found.bounded
    certificate = certified(market, found, Fairness(alpha, user_weight))
    assert certificate.gap_per_user <= 1.01e-4
    assert certificate.gap_per_user == pytest.approx(found.gap_per_user, rel=1e-3)


def test_the_gap_it_reports_is_the_certificate_s() -> None:
    market = random_market(5, 200, 30, 6)
    found = first_order(problem_of(market), 1e-3)
    assert certified(market, found).gap_per_user == pytest.approx(
        found.gap_per_user, rel=1e-9
    )


def test_longer_runs_prove_more() -> None:
    problem = problem_of(random_market(6, 500, 100, 10))
    gaps = [first_order(problem, 0.0, n).gap_per_user for n in (50, 150, 450)]
    assert gaps[1] < gaps[0] / 4
    assert gaps[2] < gaps[1] / 4


def test_the_bits_do_not_depend_on_the_threads() -> None:
    market = generate(seed=2, num_users=9000, num_nodes=300, nearest=8)
    problem = problem_of(market)
    alone = first_order(problem, 1e-2)
    with ThreadPoolExecutor(3) as pool:
        together = first_order(problem, 1e-2, pool=pool)
    again = first_order(problem, 1e-2)
    for other in (together, again):
        assert other.amount.tobytes() == alone.amount.tobytes()
        assert other.history == alone.history


def test_units_do_not_matter() -> None:
    problem = problem_of(random_market(8, 100, 30, 6))
    money, goods, utility = 2.0**30, 2.0**-20, 2.0**15
    other = Problem(
        problem.indptr, problem.node, problem.weight * utility,
        problem.price * money / goods, problem.capacity * goods, problem.budget * money,
    )  # fmt: skip
    one, two = first_order(problem, 1e-4), first_order(other, 1e-4)
    assert one.iterations == two.iterations
    np.testing.assert_allclose(two.amount, one.amount * goods, rtol=1e-9, atol=1e-12)


def test_the_caller_ends_it_with_an_honest_gap() -> None:
    market = random_market(9, 200, 40, 8)
    asked: list[tuple[int, float]] = []

    def stop(passes: int, gap: float) -> bool:
        asked.append((passes, gap))
        return passes == 20

    found = first_order(problem_of(market), 1e-6, stop=stop)
    assert found.bounded
    assert found.iterations == 20
    assert [passes for passes, _ in asked] == list(range(21))
    assert asked[0][1] == np.inf
    assert certified(market, found).gap_per_user == pytest.approx(
        found.gap_per_user, rel=1e-9
    )
    at_once = first_order(problem_of(market), 1e-6, stop=lambda *_: True)
    assert at_once.iterations == 0
    assert np.isfinite(at_once.amount).all()


def test_the_bound_on_the_passes_ends_it() -> None:
    found = first_order(problem_of(random_market(9, 200, 40, 8)), 1e-9, 30)
    assert found.bounded
    assert found.iterations == 30
    assert len(found.history) < 30


def test_a_near_answer_shortens_the_way() -> None:
    market = random_market(10, 400, 60, 8)
    problem = problem_of(market)
    answer = first_order(problem, 1e-5)
    near = replace(problem, budget=problem.budget * 1.0001)
    cold, warm = first_order(near, 1e-3), first_order(near, 1e-3, start=answer)
    assert warm.iterations < cold.iterations / 2
