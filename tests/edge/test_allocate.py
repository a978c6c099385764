"""The solver against reference cases, a slow oracle and what any optimum must obey."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from edge.markets import VECTORS, random_market, vector
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.edge_market import best_objective

from stackelberg.edge import Market, allocate
from stackelberg.errors import DomainError, NotConverged
from stackelberg.game import Status

INF = math.inf


@pytest.mark.parametrize("name", VECTORS)
def test_reference_cases(data: Path, name: str) -> None:
    market, objective, utilities, _ = vector(data, name)
    solution = allocate(market, 1e-12)
    proof = solution.certificate
    assert solution.status is Status.CONVERGED
    assert proof.gap_per_user <= 1e-12
    assert proof.worst_violation == 0.0
    assert proof.moved == 0.0
    assert proof.objective == pytest.approx(objective, rel=1e-10)
    assert proof.dual_bound >= objective
    np.testing.assert_allclose(solution.value.utility, utilities, rtol=1e-8)


def test_the_project_keeps_every_reference_case() -> None:
    assert len(VECTORS) == 8


@given(
    seed=st.integers(0, 10_000),
    users=st.integers(1, 5),
    nodes=st.integers(1, 4),
    reach=st.integers(1, 4),
    balance=st.floats(-2.0, 2.0),
)
@settings(max_examples=25)
def test_small_markets_against_slsqp(
    seed: int, users: int, nodes: int, reach: int, balance: float
) -> None:
    base = random_market(seed, users, nodes, reach)
    market = Market.from_arrays(
        base.price, base.capacity * math.exp(balance), base.budget, base.weight
    )
    solution = allocate(market, 1e-11)
    found, _ = best_objective(
        market.price, market.capacity, market.budget, market.weight.toarray()
    )
    assert solution.status is Status.CONVERGED
    assert solution.certificate.objective == pytest.approx(found, abs=1e-6)
    assert solution.certificate.dual_bound >= found - 1e-9


@given(seed=st.integers(0, 10_000), decades=st.integers(0, 12))
@settings(max_examples=40)
def test_wild_markets_end_with_a_true_status(seed: int, decades: int) -> None:
    draw = np.random.default_rng(seed)
    users, nodes = int(draw.integers(1, 12)), int(draw.integers(1, 8))

    def spread(*shape: int) -> np.ndarray:
        return 10.0 ** draw.uniform(-decades, decades, shape)

    weight = spread(users, nodes) * (draw.random((users, nodes)) < 0.6)
    weight[np.arange(users), draw.integers(0, nodes, users)] = 1.0
    market = Market.from_arrays(spread(nodes), spread(nodes), spread(users), weight)
    solution = allocate(market, 1e-8)
    proof = solution.certificate
    assert not math.isnan(proof.gap_per_user)
    assert proof.worst_violation == 0.0
    assert (solution.status is Status.CONVERGED) == proof.holds(1e-8)
    assert solution.status is Status.CONVERGED


@pytest.mark.parametrize("dense", [True, False])
def test_large_markets_reach_the_finest_gap(dense: bool) -> None:
    market = random_market(0, 2000, 40, None if dense else 6)
    solution = allocate(market, 1e-12)
    assert solution.status is Status.CONVERGED
    assert solution.certificate.gap_per_user <= 1e-12
    assert solution.iterations < 40


def test_shadow_prices_split_each_users_unit_of_virtual_money() -> None:
    market = random_market(5, 50, 8, 4)
    value = allocate(market, 1e-12).value
    rent = value.allocation @ value.capacity_shadow_price
    rent += value.budget_shadow_price * market.budget
    np.testing.assert_allclose(rent, 1.0, rtol=1e-4)


@pytest.mark.parametrize("threads", [2, 3])
def test_any_number_of_threads_gives_the_same_bits(threads: int) -> None:
    market = random_market(2, 12_000, 20, 6)
    one, several = allocate(market), allocate(market, threads=threads)
    assert np.array_equal(one.value.allocation.data, several.value.allocation.data)
    assert one.certificate.rows() == several.certificate.rows()


def test_order_of_users_and_nodes_changes_nothing() -> None:
    market = random_market(7, 60, 9, 4)
    draw = np.random.default_rng(0)
    users, nodes = draw.permutation(60), draw.permutation(9)
    shuffled = Market.from_arrays(
        market.price[nodes],
        market.capacity[nodes],
        market.budget[users],
        market.weight[users][:, nodes],
    )
    here, there = allocate(market, 1e-12), allocate(shuffled, 1e-12)
    np.testing.assert_allclose(
        here.value.utility[users], there.value.utility, rtol=1e-7
    )
    assert here.certificate.objective == pytest.approx(
        there.certificate.objective, abs=1e-10
    )


@pytest.mark.parametrize("decades", [3.0, 6.0, 12.0])
def test_units_of_nodes_money_and_utility_change_no_digit(decades: float) -> None:
    market = random_market(8, 40, 8, 4)
    draw = np.random.default_rng(1)
    node_unit = 10.0 ** draw.uniform(-decades / 2, decades / 2, 8)
    user_unit = 10.0 ** draw.uniform(-decades / 2, decades / 2, 40)
    money = 10.0 ** (decades / 2)
    weight = market.weight.toarray() * user_unit[:, None] / node_unit
    other = Market.from_arrays(
        market.price * money / node_unit,
        market.capacity * node_unit,
        market.budget * money,
        weight,
    )
    here, there = allocate(market, 1e-11), allocate(other, 1e-11)
    assert there.status is Status.CONVERGED
    assert there.iterations == here.iterations
    np.testing.assert_allclose(
        there.value.utility / user_unit, here.value.utility, rtol=1e-9
    )


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15)
def test_more_budget_or_capacity_never_lowers_the_optimum(seed: int) -> None:
    market = random_market(seed, 10, 4, 3)
    draw = np.random.default_rng(seed)
    more = Market.from_arrays(
        market.price,
        market.capacity * draw.uniform(1.0, 1.5, 4),
        market.budget * draw.uniform(1.0, 1.5, 10),
        market.weight,
    )
    before = allocate(market, 1e-11).certificate.objective
    assert allocate(more, 1e-11).certificate.dual_bound >= before


def test_a_node_out_of_reach_changes_nothing() -> None:
    market = random_market(4, 20, 4)
    wider = Market.from_arrays(
        [*market.price, 0.5],
        [*market.capacity, 9.0],
        market.budget,
        np.hstack([market.weight.toarray(), np.zeros((20, 1))]),
    )
    value = allocate(wider, 1e-12).value
    np.testing.assert_allclose(
        value.utility, allocate(market, 1e-12).value.utility, rtol=1e-8
    )
    assert value.load[4] == 0.0


def test_resource_types_together_are_resource_types_one_by_one() -> None:
    parts = {"cpu": random_market(1, 15, 4, 2), "gpu": random_market(2, 7, 3)}
    both = Market.side_by_side(parts)
    solution = allocate(both, 1e-11)
    assert solution.certificate.holds(1e-11)
    for resource, value in solution.value.by_resource(both).items():
        alone = allocate(parts[str(resource)], 1e-11).value
        assert np.array_equal(value.utility, alone.utility)
        assert np.array_equal(value.allocation.toarray(), alone.allocation.toarray())
        assert np.array_equal(value.capacity_shadow_price, alone.capacity_shadow_price)


def test_infinite_capacity_puts_each_budget_on_the_best_bargain() -> None:
    weight = np.array([[2.0, 3.0], [1.0, 4.0]])
    market = Market.from_arrays([1.0, 2.0], [INF, INF], [3.0, 5.0], weight)
    solution = allocate(market, 1e-11)
    np.testing.assert_allclose(solution.value.utility, [6.0, 10.0], rtol=1e-9)
    assert np.all(solution.value.capacity_shadow_price == 0.0)


def test_infinite_budgets_are_the_market_of_equal_incomes() -> None:
    market = Market.from_arrays([1.0], [6.0], [INF] * 3, [[1.0], [2.0], [3.0]])
    value = allocate(market, 1e-12).value
    np.testing.assert_allclose(value.utility, [2.0, 4.0, 6.0], rtol=1e-5)
    assert value.capacity_shadow_price[0] == pytest.approx(0.5, rel=1e-5)
    assert np.all(value.budget_shadow_price == 0.0)


def test_a_budget_of_zero_buys_what_is_free() -> None:
    market = Market.from_arrays([0.0, 1.0], [4.0, 4.0], [0.0, 2.0], [[1, 9], [1, 1]])
    solution = allocate(market, 1e-10)
    assert solution.status is Status.CONVERGED
    assert solution.value.spend[0] == 0.0
    assert solution.value.utility.sum() == pytest.approx(6.0, rel=1e-4)
    np.testing.assert_allclose(solution.value.utility, [3.0, 3.0], rtol=1e-4)
    assert solution.value.budget_shadow_price[0] > 0.0


def test_a_capacity_of_zero_has_the_price_that_its_best_use_is_worth() -> None:
    market = Market.from_arrays([1.0, 1.0], [0.0, 8.0], [2.0], [[3.0, 1.0]])
    solution = allocate(market, 1e-11)
    assert solution.status is Status.CONVERGED
    assert solution.value.load.tolist()[0] == 0.0
    assert solution.value.utility[0] == pytest.approx(2.0, rel=1e-9)
    # w v - mu p = 3/2 - 1/2
    assert solution.value.capacity_shadow_price[0] == pytest.approx(1.0, rel=1e-4)


def test_degenerate_users_are_named_and_dropped_only_when_asked() -> None:
    market = Market.from_arrays(
        [1.0, 1.0],
        [2.0, 0.0],
        [1.0, 1.0, 0.0, 1.0],
        [[1.0, 0.0], [0.0, 0.0], [1.0, 1.0], [0.0, 1.0]],
        users=["ann", "bob", "cy", "dee"],
    )
    with pytest.raises(DomainError) as refused:
        allocate(market)
    assert refused.value.got == (
        "degenerate users bob, cy, dee (bob: no node in reach; cy: no budget, and no "
        "free node with capacity in reach; dee: only nodes without capacity in reach)"
    )
    solution = allocate(market, drop_degenerate=True)
    assert solution.status is Status.CONVERGED
    assert solution.stats["dropped_users"] == ("bob", "cy", "dee")
    assert solution.value.utility.tolist()[1:] == [0.0, 0.0, 0.0]
    assert solution.certificate.objective == pytest.approx(0.0, abs=1e-7)


def test_nobody_left_is_an_empty_answer() -> None:
    market = Market.from_arrays([1.0], [1.0], [1.0], [[0.0]])
    solution = allocate(market, drop_degenerate=True)
    assert solution.status is Status.CONVERGED
    assert solution.certificate.objective == 0.0


def test_unbounded_users_are_named() -> None:
    market = Market.from_arrays([0.0], [INF], [1.0], [[1.0]], users=["zoe"])
    with pytest.raises(DomainError, match="unbounded utility of user zoe"):
        allocate(market)


def test_many_names_are_cut_short() -> None:
    market = Market.from_arrays([0.0], [INF], [1.0] * 9, np.ones((9, 1)))
    with pytest.raises(DomainError, match="users 0, 1, 2, 3, 4 and 4 more"):
        allocate(market)


def test_the_caller_may_stop_and_gets_an_honest_answer() -> None:
    market = random_market(1, 30, 5)
    seen: list[tuple[int, float]] = []

    def stop(step: int, gap: float) -> bool:
        seen.append((step, gap))
        return step == 3

    solution = allocate(market, 1e-10, stop=stop)
    assert solution.status is Status.MAX_ITERATIONS
    assert solution.iterations == 3
    assert [step for step, _ in seen] == [0, 1, 2, 3]
    assert solution.certificate.worst_violation == 0.0
    assert solution.certificate.gap_per_user <= seen[-1][1] * (1.0 + 1e-6)
    with pytest.raises(NotConverged, match="max_iterations"):
        solution.raise_for_status()


def test_the_bound_on_steps_is_kept() -> None:
    solution = allocate(random_market(1, 30, 5), 1e-10, max_iterations=2)
    assert solution.iterations == 2
    assert solution.status is Status.MAX_ITERATIONS


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"tolerance": 0.0}, "tolerance: expected a number from 1e-13 to 1"),
        ({"tolerance": math.nan}, "tolerance: expected"),
        ({"max_iterations": 0}, "max_iterations: expected a whole number >= 1, got 0"),
        ({"threads": 0}, "threads: expected a whole number >= 1, got 0"),
    ],
)
def test_options_out_of_range_are_refused(options: dict, text: str) -> None:
    with pytest.raises(DomainError, match=text):
        allocate(random_market(1, 3, 2), **options)
