"""The solver for every utility and fairness against cone programs and limits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from stackelberg.edge import (
    COBB_DOUGLAS,
    LEONTIEF,
    LINEAR,
    PROPORTIONAL,
    Fairness,
    Market,
    Utility,
    allocate,
    certify,
    ces,
)
from stackelberg.edge.published import (
    derived_capacity_branch,
    published_budget_branch,
)
from stackelberg.errors import DomainError, ShapeError
from stackelberg.game import Status

INF = math.inf
SUBSTITUTES = [ces(1.5), ces(2.0), ces(4.0), LINEAR]
COMPLEMENTS = [COBB_DOUGLAS, LEONTIEF, ces(0.5), ces(0.75)]
UTILITIES = [*SUBSTITUTES, *COMPLEMENTS]
ALPHAS = [0.5, 1.0, 2.0, 3.0]


def small_market(
    seed: int, users: int = 6, nodes: int = 4, balance: float = 1.0
) -> Market:
    """Whole weights, so that cone programs take them exactly."""
    draw = np.random.default_rng(seed)
    weight = draw.integers(1, 5, (users, nodes)).astype(float)
    weight[draw.random((users, nodes)) < 0.4] = 0.0
    weight[np.arange(users), draw.integers(0, nodes, users)] = 2.0
    price = draw.uniform(0.5, 2.0, nodes)
    budget = draw.lognormal(0.0, 0.6, users)
    capacity = draw.uniform(0.5, 1.5, nodes)
    capacity *= balance * budget.sum() / (price @ capacity)
    return Market.from_arrays(price, capacity, budget, sparse.csr_array(weight))


def parts(market: Market) -> tuple[Any, Any, Any, Any]:
    return market.price, market.capacity, market.budget, market.weight.toarray()


def weights(seed: int, users: int) -> np.ndarray:
    return np.random.default_rng(seed).lognormal(0.0, 0.7, users)


@pytest.mark.oracle
@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("utility", UTILITIES, ids=str)
def test_small_markets_against_cone_programs(utility: Utility, alpha: float) -> None:
    from oracles.edge_welfare import best_welfare

    for seed, balance in ((0, 1.0), (1, 0.3), (2, 3.0)):
        market = small_market(seed, balance=balance)
        b = weights(seed, 6) if seed else np.ones(6)
        fairness = Fairness(alpha, b if seed else None)
        solution = allocate(market, 1e-10, utility=utility, fairness=fairness)
        welfare, utilities = best_welfare(
            *parts(market), utility.family, utility.elasticity, alpha, b
        )
        assert solution.status is Status.CONVERGED
        assert solution.certificate.worst_violation == 0.0
        assert solution.certificate.objective == pytest.approx(welfare, rel=2e-6)
        assert solution.certificate.dual_bound >= welfare - 1e-6 * abs(welfare)
        np.testing.assert_allclose(solution.value.utility, utilities, rtol=3e-3)


@given(
    seed=st.integers(0, 10_000),
    sigma=st.sampled_from([0.0, 0.1, 0.6, 1.0, 1.3, 1.7, 3.0, 9.0, 60.0, INF]),
    alpha=st.sampled_from([0.4, 1.0, 2.0, 4.0]),
    users=st.integers(1, 30),
    nodes=st.integers(1, 9),
    balance=st.floats(-3.0, 3.0),
)
@settings(max_examples=120)
def test_moderate_markets_are_solved_to_ten_digits(
    seed: int, sigma: float, alpha: float, users: int, nodes: int, balance: float
) -> None:
    draw = np.random.default_rng(seed)
    market = spread_market(draw, users, nodes, 1.0, math.exp(balance))
    fairness = Fairness(alpha, draw.lognormal(0.0, 1.0, users))
    solution = allocate(
        market, 1e-10, utility=with_elasticity(sigma), fairness=fairness
    )
    assert solution.status is Status.CONVERGED
    assert solution.certificate.gap_per_user <= 1e-10
    assert solution.certificate.worst_violation == 0.0


@given(
    seed=st.integers(0, 10_000),
    sigma=st.sampled_from([0.0, 0.02, 0.6, 1.0, 1.01, 1.7, 9.0, 500.0, INF]),
    alpha=st.sampled_from([0.05, 0.5, 1.0, 8.0, 40.0]),
    decades=st.integers(0, 8),
)
@settings(max_examples=60)
def test_wild_markets_end_with_a_true_status(
    seed: int, sigma: float, alpha: float, decades: int
) -> None:
    draw = np.random.default_rng(seed)
    market = spread_market(draw, 8, 5, decades * math.log(10.0) / 2.0)
    utility, fairness = with_elasticity(sigma), Fairness(alpha)
    solution = allocate(
        market, 1e-8, utility=utility, fairness=fairness, max_iterations=60
    )
    proof = solution.certificate
    assert not math.isnan(proof.gap_per_user)
    assert proof.worst_violation == 0.0
    assert (solution.status is Status.CONVERGED) == proof.holds(1e-8)
    assert np.isfinite(solution.value.allocation.data).all()


def with_elasticity(sigma: float) -> Utility:
    named = {0.0: LEONTIEF, 1.0: COBB_DOUGLAS, INF: LINEAR}
    return named[sigma] if sigma in named else ces(sigma)


def spread_market(
    draw: np.random.Generator,
    users: int,
    nodes: int,
    spread: float,
    balance: float = 1.0,
) -> Market:
    weight = draw.lognormal(0.0, spread, (users, nodes))
    weight[draw.random((users, nodes)) < 0.4] = 0.0
    weight[np.arange(users), draw.integers(0, nodes, users)] = 1.0
    price = draw.lognormal(0.0, spread / 2.0, nodes)
    budget = draw.lognormal(0.0, spread, users)
    capacity = draw.lognormal(0.0, spread / 2.0, nodes)
    capacity *= balance * budget.sum() / (price @ capacity)
    return Market.from_arrays(price, capacity, budget, sparse.csr_array(weight))


@pytest.mark.equation("EDGE", 15, 23, 24)
def test_the_printed_formula_is_exact_for_cobb_douglas_under_its_conditions() -> None:
    """Branch 1 iff sum_j B_j a_ij <= p_i Q_i, corrected branch 2 iff its budgets hold;
    in between x_ij = a_ij / (lam_i + mu_j p_i).
    """
    draw = np.random.default_rng(0)
    seen = {"budget": 0, "capacity": 0, "between": 0}
    for _ in range(60):
        users, nodes = int(draw.integers(2, 6)), int(draw.integers(2, 5))
        weight = draw.uniform(0.2, 3.0, (users, nodes))
        share = weight / weight.sum(axis=1, keepdims=True)
        price, budget = draw.uniform(0.5, 2.0, nodes), draw.uniform(0.5, 2.0, users)
        capacity = draw.uniform(0.5, 1.5, nodes) * np.exp(draw.uniform(-2.0, 3.0))
        market = Market.from_arrays(price, capacity, budget, weight)
        solution = allocate(market, 1e-12, utility=COBB_DOUGLAS)
        assert solution.status is Status.CONVERGED
        found = solution.value.allocation.toarray()
        first = published_budget_branch(market).toarray()
        second = derived_capacity_branch(market).toarray()
        first_is_best = bool(np.all(budget @ share <= price * capacity))
        second_is_best = bool(np.all(second @ price <= budget))
        for branch, is_best in ((first, first_is_best), (second, second_is_best)):
            close = bool(np.allclose(found, branch, rtol=1e-4))
            assert close == is_best
        lam = solution.value.capacity_shadow_price
        mu = solution.value.budget_shadow_price
        between = share / (lam + mu[:, None] * price)
        np.testing.assert_allclose(found, between, rtol=1e-4)
        kind = "budget" if first_is_best else "capacity" if second_is_best else None
        seen[kind or "between"] += 1
    assert min(seen.values()) >= 5


def test_ces_tends_to_the_other_families() -> None:
    market = small_market(3)
    ledger_of = np.diff(market.weight.indptr)
    share = market.weight.data / np.repeat(market.weight.sum(axis=1), ledger_of)

    def utilities(weight: np.ndarray, utility: Utility) -> np.ndarray:
        matrix = market.weight.copy()
        matrix.data = weight
        other = Market.from_arrays(market.price, market.capacity, market.budget, matrix)
        return allocate(other, 1e-11, utility=utility).value.utility

    best = utilities(market.weight.data, LINEAR)
    errors = []
    for sigma in (30.0, 300.0):
        near = utilities(market.weight.data, ces(sigma))
        errors.append(np.abs(near / best - 1.0).max())
    assert errors[1] < 0.02
    assert errors[1] < errors[0] / 4.0
    best = utilities(market.weight.data, COBB_DOUGLAS)
    for sigma in (0.97, 1.03):
        power = 1.0 - 1.0 / sigma
        near = utilities(share ** (1.0 / power), ces(sigma))
        np.testing.assert_allclose(near, best, rtol=0.02)
    best = utilities(market.weight.data, LEONTIEF)
    errors = []
    for sigma in (0.05, 0.005):
        near = utilities(1.0 / market.weight.data, ces(sigma))
        errors.append(np.abs(near / best - 1.0).max())
    assert errors[1] < 0.02
    assert errors[1] < errors[0] / 4.0


@pytest.mark.oracle
@pytest.mark.parametrize("utility", [LINEAR, LEONTIEF], ids=str)
def test_much_fairness_approaches_max_min(utility: Utility) -> None:
    from oracles.edge_welfare import max_min

    market = small_market(5, balance=0.3)
    best = max_min(*parts(market), utility.family)
    least = [
        allocate(market, 1e-9, utility=utility, fairness=Fairness(alpha)).value.utility
        for alpha in (1.0, 4.0, 30.0)
    ]
    assert least[0].min() < 0.9 * best
    assert least[0].min() < least[1].min() < least[2].min() <= best * (1.0 + 1e-6)
    assert least[2].min() > 0.93 * best


@pytest.mark.parametrize("utility", UTILITIES, ids=str)
def test_units_of_nodes_money_and_user_weights_change_no_digit(
    utility: Utility,
) -> None:
    market = small_market(8, 12, 5)
    draw = np.random.default_rng(1)
    unit = 10.0 ** draw.uniform(-4.0, 4.0, 5)
    b, money, factor = weights(2, 12), 1e5, 1e3
    exponent = {"leontief": 1.0, "cobb_douglas": 0.0}.get(utility.family, -1.0)
    other = Market.from_arrays(
        market.price * money / unit,
        market.capacity * unit,
        market.budget * money,
        market.weight.toarray() * unit**exponent,
    )
    for alpha in (0.5, 1.0, 3.0):
        if utility.family == "cobb_douglas" and alpha != 1.0:
            continue  # a unit of one node is then one of utility, for each its own
        here = allocate(market, 1e-11, utility=utility, fairness=Fairness(alpha, b))
        there = allocate(
            other, 1e-11, utility=utility, fairness=Fairness(alpha, b * factor)
        )
        assert there.status is here.status is Status.CONVERGED
        assert there.iterations == here.iterations
        ratio = there.value.utility / here.value.utility
        if utility.family != "cobb_douglas":
            np.testing.assert_allclose(ratio, 1.0, rtol=1e-8)
        spent = there.value.spend / money
        np.testing.assert_allclose(spent, here.value.spend, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("utility", UTILITIES, ids=str)
def test_order_changes_nothing_and_more_never_hurts(utility: Utility) -> None:
    for seed in range(3):
        market = small_market(20 + seed, 10, 5)
        draw = np.random.default_rng(seed)
        fairness = Fairness(float(draw.choice([0.5, 1.0, 2.0])), weights(seed, 10))
        users, nodes = draw.permutation(10), draw.permutation(5)
        here = allocate(market, 1e-11, utility=utility, fairness=fairness)
        shuffled = Market.from_arrays(
            market.price[nodes],
            market.capacity[nodes],
            market.budget[users],
            market.weight[users][:, nodes],
        )
        there = allocate(shuffled, 1e-11, utility=utility, fairness=fairness.of(users))
        np.testing.assert_allclose(
            there.value.utility, here.value.utility[users], rtol=1e-4
        )
        more = Market.from_arrays(
            market.price,
            market.capacity * draw.uniform(1.0, 1.5, 5),
            market.budget * draw.uniform(1.0, 1.5, 10),
            market.weight,
        )
        bound = allocate(more, 1e-11, utility=utility, fairness=fairness).certificate
        assert bound.dual_bound >= here.certificate.objective


@pytest.mark.parametrize("utility", UTILITIES, ids=str)
@pytest.mark.parametrize("alpha", [0.5, 1.0, 3.0])
def test_perturbed_answers_fail(utility: Utility, alpha: float) -> None:
    market, fairness = small_market(11, 12, 5), Fairness(alpha, weights(0, 12))
    value = allocate(market, 1e-10, utility=utility, fairness=fairness).value
    lam, mu = value.capacity_shadow_price, value.budget_shadow_price
    kind: dict[str, Any] = {"utility": utility, "fairness": fairness}
    assert certify(market, value.allocation, lam, mu, **kind).holds(1e-10)
    noisy = value.allocation.copy()
    draw = np.random.default_rng(3)
    noisy.data = noisy.data * draw.uniform(0.98, 1.0, len(noisy.data))
    assert not certify(market, noisy, lam, mu, **kind).holds(1e-6)
    more = value.allocation * 1.001
    assert not certify(market, more, lam, mu, **kind).holds(1e-6)
    assert not certify(market, value.allocation, 1.01 * lam, mu, **kind).holds(1e-6)
    assert not certify(market, value.allocation, lam, 0.99 * mu, **kind).holds(1e-6)
    wrong: Any = {**kind, "fairness": Fairness(alpha + 0.5, fairness.user_weight)}
    assert not certify(market, value.allocation, lam, mu, **wrong).holds(1e-6)


@pytest.mark.parametrize("utility", UTILITIES, ids=str)
def test_prices_are_what_one_more_unit_is_worth(utility: Utility) -> None:
    market, fairness = small_market(9, 5, 3), Fairness(2.0, weights(1, 5))
    best = allocate(market, 1e-12, utility=utility, fairness=fairness)
    prices = best.value.capacity_shadow_price, best.value.budget_shadow_price
    step = 1e-3
    for k in range(3):
        capacity = np.tile(market.capacity, (2, 1))
        capacity[:, k] *= 1.0 - step, 1.0 + step
        low, high = (
            allocate(
                Market.from_arrays(market.price, c, market.budget, market.weight),
                1e-12,
                utility=utility,
                fairness=fairness,
            ).certificate.objective
            for c in capacity
        )
        # Between the slopes on both sides, which differ where limits tie.
        base = best.certificate.objective
        unit = step * market.capacity[k]
        scale = abs(base) * 1e-6 / unit
        assert (high - base) / unit - scale <= prices[0][k]
        assert prices[0][k] <= (base - low) / unit + scale


def test_infinite_and_zero_limits_and_prices() -> None:
    market = Market.from_arrays(
        [0.0, 1.0], [4.0, INF], [6.0, INF], [[1.0, 1.0], [1.0, 0.0]]
    )
    for utility in UTILITIES:
        solution = allocate(market, 1e-10, utility=utility)
        assert solution.status is Status.CONVERGED
        assert solution.value.capacity_shadow_price[1] == 0.0
        assert solution.value.budget_shadow_price[1] == 0.0
    # Node 1 free and shared by log utility, the rest of the first user's from money:
    # with a = (1/2, 1/2) half as much weight at the free node, so a third of it.
    value = allocate(market, 1e-12, utility=COBB_DOUGLAS).value
    np.testing.assert_allclose(
        value.allocation.toarray(), [[4.0 / 3.0, 6.0], [8.0 / 3.0, 0.0]], rtol=1e-6
    )
    closed = Market.from_arrays([1.0, 1.0], [0.0, 8.0], [2.0], [[3.0, 1.0]])
    for utility in SUBSTITUTES:
        solution = allocate(closed, 1e-10, utility=utility)
        assert solution.status is Status.CONVERGED
        assert solution.value.allocation.toarray()[0].tolist()[0] == 0.0
        assert solution.value.utility[0] == pytest.approx(2.0, rel=1e-8)
    for utility in COMPLEMENTS:
        with pytest.raises(DomainError, match="degenerate user 0"):
            allocate(closed, utility=utility)
        left = allocate(closed, utility=utility, drop_degenerate=True)
        assert left.status is Status.CONVERGED
        assert left.value.utility.tolist() == [0.0]


def test_a_bundle_of_a_node_without_limit_takes_what_goes_with_it() -> None:
    market = Market.from_arrays(
        [0.0, 1.0], [INF, 3.0], [9.0, 1.0], [[2.0, 1.0], [1.0, 1.0]]
    )
    solution = allocate(market, 1e-11, utility=LEONTIEF)
    assert solution.status is Status.CONVERGED
    np.testing.assert_allclose(solution.value.utility, [2.0, 1.0], rtol=1e-6)
    np.testing.assert_allclose(
        solution.value.allocation.toarray(), [[4.0, 2.0], [1.0, 1.0]], rtol=1e-6
    )
    with pytest.raises(DomainError, match="unbounded amounts of users 0, 1"):
        allocate(market, utility=ces(0.5))


def test_user_weights_split_a_node_by_the_power_of_alpha() -> None:
    market = Market.from_arrays([1.0], [1.0], [9.0, 9.0], [[1.0], [1.0]])
    for utility in UTILITIES:
        for alpha in ALPHAS:
            fairness = Fairness(alpha, np.array([1.0, 8.0]))
            value = allocate(market, 1e-12, utility=utility, fairness=fairness).value
            ratio = value.load[0] / value.allocation.toarray()[0, 0] - 1.0
            assert ratio == pytest.approx(8.0 ** (1.0 / alpha), rel=1e-5)


@pytest.mark.parametrize("utility", [LEONTIEF, ces(0.5), ces(3.0)], ids=str)
@pytest.mark.parametrize("dense", [True, False])
def test_any_number_of_threads_gives_the_same_bits(
    utility: Utility, dense: bool
) -> None:
    draw = np.random.default_rng(4)
    users, nodes = (4_000, 16) if dense else (10_000, 24)
    weight = draw.lognormal(0.0, 0.5, (users, nodes))
    if not dense:
        weight[draw.random((users, nodes)) < 0.8] = 0.0
        weight[:, 0] = 1.0
    market = Market.from_arrays(
        draw.uniform(1.0, 2.0, nodes),
        np.full(nodes, users / nodes),
        draw.lognormal(0.0, 0.5, users),
        sparse.csr_array(weight),
    )
    one = allocate(market, utility=utility, fairness=Fairness(2.0))
    two = allocate(market, utility=utility, fairness=Fairness(2.0), threads=2)
    assert one.status is Status.CONVERGED
    assert np.array_equal(one.value.allocation.data, two.value.allocation.data)
    assert one.certificate.rows() == two.certificate.rows()


def test_the_general_method_agrees_with_the_one_for_linear_users() -> None:
    from stackelberg.edge.solvers.smooth_users import solve_smooth
    from stackelberg.edge.solvers.usable_problem import usable_problem

    for seed in range(6):
        market = small_market(seed, 20, 6)
        every = np.ones(market.num_edges, dtype=bool)
        taking_part = np.ones(20, dtype=bool)
        problem, _ = usable_problem(market, every, taking_part, PROPORTIONAL)
        found = solve_smooth(problem, LINEAR, PROPORTIONAL, 1e-11)
        other = market.weight.copy()
        other.data = found.amount
        proof = certify(
            market, other, found.capacity_shadow_price, found.budget_shadow_price
        )
        assert proof.holds(1e-10)
        best = allocate(market, 1e-11).certificate
        assert proof.objective == pytest.approx(best.objective, abs=1e-8)


def test_resource_types_are_shared_out_by_themselves() -> None:
    cpu, memory = small_market(1), small_market(2)
    both = Market.side_by_side({"cpu": cpu, "memory": memory})
    b = weights(7, 12)
    solution = allocate(both, 1e-10, utility=LEONTIEF, fairness=Fairness(2.0, b))
    value = solution.value.by_resource(both)
    for market, name, rows in (
        (cpu, "cpu", slice(0, 6)),
        (memory, "memory", slice(6, 12)),
    ):
        alone = allocate(
            market, 1e-10, utility=LEONTIEF, fairness=Fairness(2.0, b[rows])
        )
        assert np.array_equal(value[name].utility, alone.value.utility)


def test_the_caller_may_stop_and_gets_an_honest_answer() -> None:
    market = small_market(4, 20, 5)
    seen: list[tuple[int, float]] = []

    def stop(step: int, gap: float) -> bool:
        seen.append((step, gap))
        return step == 3

    solution = allocate(market, 1e-10, utility=ces(2.0), stop=stop)
    assert solution.status is Status.MAX_ITERATIONS
    assert [step for step, _ in seen] == [0, 1, 2, 3]
    least = min(gap for _, gap in seen)
    assert solution.certificate.gap_per_user == pytest.approx(least, rel=1e-3)
    assert solution.certificate.worst_violation == 0.0


def test_user_weights_for_another_number_of_users_are_refused() -> None:
    with pytest.raises(ShapeError, match="user_weight: expected 6 numbers"):
        allocate(small_market(0), fairness=Fairness(1.0, np.ones(5)))
