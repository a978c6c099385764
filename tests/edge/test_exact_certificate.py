"""The certificate of answers that no solver would give, against sixty digits."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest
from edge.wild import Wild, wild_market
from oracles.edge_exact import served_users, unbounded_users, worth_of

from stackelberg.edge import Market, certify
from stackelberg.edge.outcome import Ledger, shrunk_to_limits

CHUNK = 50


def any_answer(wild: Wild, draw: np.random.Generator):
    """Amounts that break limits or do not, and prices that fit nothing."""
    users, nodes = wild.weight.shape
    with np.errstate(divide="ignore", invalid="ignore"):
        fair = np.minimum(wild.capacity[None, :], wild.budget[:, None] / wild.price)
    fair = np.where(np.isfinite(fair) & (fair > 0.0), fair, 1.0)
    amount = fair * 10.0 ** draw.uniform(-3.0, 0.3, (users, nodes))
    amount *= (wild.weight > 0.0) & (draw.random((users, nodes)) < 0.9)
    lam = 10.0 ** draw.uniform(-2.0, 2.0, nodes)
    mu = 10.0 ** draw.uniform(-2.0, 2.0, users)
    with np.errstate(divide="ignore"):
        lam = np.where(draw.random(nodes) < 0.9, lam / wild.capacity, 0.0)
        mu = np.where(draw.random(users) < 0.9, mu / wild.budget, 0.0)
    # A limit that is none, or zero, may still have been given any price.
    lam = np.where(np.isfinite(lam) & (lam > 0.0), lam, draw.uniform(0.0, 9.0, nodes))
    mu = np.where(np.isfinite(mu) & (mu > 0.0), mu, draw.uniform(0.0, 9.0, users))
    return amount, lam, mu


@pytest.mark.parametrize("decades", [1, 6])
@pytest.mark.parametrize("first", range(0, 150, CHUNK))
def test_any_answer_has_the_certificate_that_sixty_digits_give_it(
    first: int, decades: int
) -> None:
    compared = 0
    for seed in range(first, first + CHUNK):
        wild = wild_market(seed, decades)
        arrays = wild.price, wild.capacity, wild.budget, wild.weight
        if unbounded_users(*arrays):
            continue
        answer = any_answer(wild, np.random.default_rng(seed))
        worth = worth_of(*arrays, *answer)
        proof = certify(Market.from_arrays(*arrays), *answer, drop_degenerate=True)
        served = served_users(*arrays)
        for mine, exact in (
            (proof.budget_violation, worth.over_budget),
            (proof.capacity_violation, worth.over_capacity),
            (proof.objective, worth.objective),
        ):
            assert mine == pytest.approx(float(exact), rel=1e-10, abs=1e-9), seed
        assert np.flatnonzero(proof.utility_error).tolist() == served, seed
        if not (math.isfinite(proof.objective) and worth.bound.is_finite()):
            assert proof.duality_gap == math.inf, seed
            continue
        compared += 1
        assert Decimal(proof.duality_gap) >= worth.gap, seed
        assert Decimal(proof.dual_bound) >= worth.bound, seed
        size = 1.0 + float(abs(worth.bound)) + float(worth.gap)
        assert proof.duality_gap == pytest.approx(float(worth.gap), abs=1e-11 * size), (
            seed
        )
        assert proof.gap_per_user == pytest.approx(
            proof.duality_gap / max(len(served), 1), rel=1e-12
        ), seed
    assert compared >= 15


def test_what_is_taken_from_users_who_do_not_count_moves_nobody() -> None:
    market = Market.from_arrays([1.0, 1.0], [2.0, 0.0], [9.0, 9.0], np.eye(2))
    proof = certify(market, np.eye(2), [0.5, 1.0], [0.0, 0.0], drop_degenerate=True)
    assert proof.capacity_violation == math.inf
    assert proof.moved == 0.0
    assert proof.utility_error[1] == 0.0


@pytest.mark.parametrize("seed", range(40))
def test_what_is_made_feasible_keeps_every_limit_to_the_last_bit(seed: int) -> None:
    wild = wild_market(seed, 3)
    market = Market.from_arrays(*wild[:4])
    amount, _, _ = any_answer(wild, np.random.default_rng(seed))
    ledger = Ledger(market)
    given = 3.0 * amount[market.weight.nonzero()]
    kept = shrunk_to_limits(ledger, given)
    assert np.all(ledger.spend(kept) <= market.budget)
    assert np.all(ledger.per_node(kept) <= market.capacity)
    assert np.all((kept >= 0.0) & (kept <= given))
    # No more is cut than limits ask for: what was within them is as it was.
    within = shrunk_to_limits(ledger, kept)
    assert np.array_equal(within, kept)
