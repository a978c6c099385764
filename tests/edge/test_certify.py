"""The certificate is right about anybody's answer, good or bad."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from edge.markets import VECTORS, random_market, vector
from oracles.edge_market import dual_value
from scipy import sparse

from stackelberg.edge import EdgeCertificate, Market, allocate, certify
from stackelberg.errors import ConfigError, DomainError, ShapeError

ONE = Market.from_arrays([1.0, 1.0], [10.0, 10.0], [1.0], [[2.0, 1.0]])


def certified(market: Market, amounts: object, lam=None, mu=None) -> EdgeCertificate:
    lam = np.ones(market.num_nodes) if lam is None else lam
    mu = np.ones(market.num_users) if mu is None else mu
    return certify(market, amounts, lam, mu)


def test_the_optimum_of_one_user_has_no_gap() -> None:
    proof = certified(ONE, [[1.0, 0.0]], [0.0, 0.0], [1.0])
    assert proof.objective == pytest.approx(math.log(2.0), rel=1e-15)
    assert 0.0 <= proof.duality_gap < 1e-13
    assert proof.dual_bound >= math.log(2.0)
    assert proof.worst_violation == 0.0
    assert proof.moved == 0.0
    assert proof.holds(1e-12)


def test_a_poorer_answer_has_its_true_gap() -> None:
    proof = certified(ONE, [[0.5, 0.5]], [0.0, 0.0], [1.0])
    assert proof.duality_gap == pytest.approx(math.log(2.0 / 1.5), rel=1e-9)
    # 1.5 is 25 % below 2: inside the bound, which the other side makes wider.
    assert 0.25 <= proof.utility_error[0] <= 1.5
    assert not proof.holds(0.1)


@pytest.mark.parametrize("name", VECTORS)
def test_the_bound_of_a_reference_dual_holds_the_reference_optimum(
    data: Path, name: str
) -> None:
    market, objective, _, case = vector(data, name)
    amounts = allocate(market, 1e-6).value.allocation
    proof = certify(market, amounts, case["lam_any"], case["mu_any"])
    assert proof.dual_bound >= objective
    assert proof.dual_bound == pytest.approx(objective, abs=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_the_gap_is_the_dual_bound_less_the_objective(seed: int) -> None:
    market = random_market(seed, 6, 3, 2)
    draw = np.random.default_rng(seed)
    lam, mu = draw.uniform(0.1, 3.0, 3), draw.uniform(0.1, 3.0, 6)
    amounts = market.weight.copy()
    amounts.data = draw.uniform(0.0, 0.01, market.num_edges)
    proof = certify(market, amounts, lam, mu)
    dual = dual_value(
        market.price, market.capacity, market.budget, market.weight.toarray(), lam, mu
    )
    assert proof.dual_bound == pytest.approx(dual, rel=1e-12, abs=1e-11)
    assert proof.duality_gap == pytest.approx(dual - proof.objective, rel=1e-10)


def test_utilities_differ_from_the_optimum_by_no_more_than_the_bound() -> None:
    market = random_market(3, 30, 6)
    best = allocate(market, 1e-12).value.utility
    for tolerance in (1e-1, 1e-2, 1e-4, 1e-6):
        rough = allocate(market, tolerance)
        error = np.abs(rough.value.utility / best - 1.0)
        assert np.all(error <= rough.certificate.utility_error)


def test_violations_are_measured_and_removed() -> None:
    proof = certified(ONE, [[10.0, 10.0]], [0.0, 0.0], [1.0])
    assert proof.budget_violation == pytest.approx(19.0)
    assert proof.capacity_violation == 0.0
    assert proof.objective == pytest.approx(math.log(1.5))
    assert proof.moved == pytest.approx(0.95)
    assert not proof.holds(1.0)
    crowded = Market.from_arrays([1.0], [1.0], [1.0, 1.0], [[1.0], [1.0]])
    proof = certified(crowded, [[1.0], [1.0]], [1.0], [0.5, 0.5])
    assert proof.capacity_violation == pytest.approx(1.0)
    assert proof.objective == pytest.approx(2.0 * math.log(0.5))


def test_negative_amounts_and_amounts_out_of_reach_are_measured() -> None:
    market = Market.from_arrays([1.0, 1.0], [4.0, 4.0], [4.0, 4.0], [[1, 0], [1, 1]])
    proof = certified(market, [[1.0, 1.0], [1.0, 3.0]])
    assert proof.entry_violation == pytest.approx(0.25)
    proof = certified(market, [[1.0, 0.0], [-1.0, 3.0]])
    assert proof.entry_violation == pytest.approx(0.5)
    assert proof.objective == pytest.approx(math.log(3.0))  # cut to zero, not netted
    assert not proof.holds(10.0)
    proof = certified(market, [[2.0, 3.0], [1.0, 3.0]])  # out of reach still costs
    assert proof.capacity_violation == pytest.approx(0.5)
    assert proof.budget_violation == pytest.approx(0.25)


def test_use_of_a_limit_of_zero_is_an_infinite_violation() -> None:
    market = Market.from_arrays([1.0, 1.0], [0.0, 4.0], [4.0], [[1.0, 1.0]])
    proof = certified(market, [[1.0, 1.0]], [1.0, 1.0], [1.0])
    assert proof.capacity_violation == math.inf
    assert math.isfinite(proof.objective)


@pytest.mark.parametrize(("excess", "holds"), [(1e-10, True), (1e-8, False)])
def test_a_violation_above_rounding_fails_whatever_the_gap(
    excess: float, holds: bool
) -> None:
    proof = certified(ONE, [[1.0 + excess, 0.0]], [0.0, 0.0], [1.0])
    assert proof.budget_violation == pytest.approx(excess, rel=1e-4)
    assert proof.gap_per_user < 1e-12
    assert proof.holds(1e-6) is holds


def test_an_empty_answer_has_no_finite_gap() -> None:
    proof = certified(ONE, np.zeros((1, 2)))
    assert proof.objective == -math.inf
    assert proof.duality_gap == math.inf
    assert not proof.holds(1e300)


@pytest.mark.parametrize("endless", [False, True])
def test_shadow_prices_bound_the_optimum_even_of_an_answer_that_leaves_users_out(
    endless: bool,
) -> None:
    market = random_market(3, 12, 4)
    if endless:
        capacity = np.where(np.arange(4) == 1, np.inf, market.capacity)
        market = replace(market, capacity=capacity)
    best = allocate(market)
    assert best.certificate.holds()
    prices = best.value.capacity_shadow_price, best.value.budget_shadow_price
    without_one = best.value.allocation.toarray()
    without_one[0] = 0.0
    proof = certify(market, without_one, *prices)
    assert proof.objective == -math.inf
    assert proof.dual_bound == pytest.approx(best.certificate.dual_bound, abs=1e-7)
    assert proof.dual_bound >= best.certificate.objective
    assert certify(market, without_one, *map(np.zeros_like, prices)).dual_bound == (
        math.inf
    )


def test_prices_of_zero_prove_nothing() -> None:
    proof = certified(ONE, [[1.0, 0.0]], [0.0, 0.0], [0.0])
    assert proof.duality_gap == math.inf
    assert proof.utility_error[0] == math.inf


@pytest.mark.parametrize("seed", range(3))
def test_a_perturbed_answer_fails(seed: int) -> None:
    market = random_market(seed, 40, 8, 4)
    value = allocate(market, 1e-10).value
    lam, mu = value.capacity_shadow_price, value.budget_shadow_price
    assert certify(market, value.allocation, lam, mu).holds(1e-10)
    draw = np.random.default_rng(seed)
    noisy = value.allocation.copy()
    noisy.data = noisy.data * draw.uniform(0.99, 1.01, len(noisy.data))
    assert not certify(market, noisy, lam, mu).holds(1e-10)
    less = value.allocation * (1.0 - 1e-6)
    assert not certify(market, less, lam, mu).holds(1e-10)
    assert not certify(market, value.allocation, 1.001 * lam, mu).holds(1e-10)
    assert not certify(market, value.allocation, lam, 0.999 * mu).holds(1e-10)


def test_sparse_and_dense_answers_are_the_same() -> None:
    market = random_market(1, 20, 5, 3)
    value = allocate(market).value
    lam, mu = value.capacity_shadow_price, value.budget_shadow_price
    dense = certify(market, value.allocation.toarray(), lam, mu)
    as_rows = certify(market, value.allocation, lam, mu)
    as_columns = certify(market, sparse.csc_array(value.allocation), lam, mu)
    assert dense.rows() == as_rows.rows() == as_columns.rows()


def test_one_crowded_node_is_added_up_without_loss() -> None:
    n = 200_000
    market = Market.from_arrays([1.0], [1.0], np.full(n, 1.0), np.ones((n, 1)))
    proof = certify(market, np.full((n, 1), 1.0 / n), [float(n)], np.zeros(n))
    assert proof.gap_per_user < 1e-13
    assert proof.moved < 1e-12


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        (([[1.0]], [1, 1], [1]), ShapeError, r"allocation: expected shape \[1, 2\]"),
        (("all", [1, 1], [1]), ConfigError, "allocation: expected numbers"),
        (([[np.nan, 0]], [1, 1], [1]), DomainError, r"allocation\[0, 0\]: .* got nan"),
        (([[1, 0]], [1], [1]), ShapeError, "capacity_shadow_price: expected 2 numbers"),
        (([[1, 0]], [1, -1], [1]), DomainError, r"capacity_shadow_price\[1\]: .* -1.0"),
        (
            ([[1, 0]], [1, np.inf], [1]),
            DomainError,
            r"capacity_shadow_price\[1\]: .* inf",
        ),
        (
            ([[1, 0]], [1, 1], [np.nan]),
            DomainError,
            r"budget_shadow_price\[0\]: .* nan",
        ),
    ],
)
def test_what_cannot_be_certified_is_refused(arguments, kind, text: str) -> None:
    with pytest.raises(kind, match=text):
        certify(ONE, *arguments)
