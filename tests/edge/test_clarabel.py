"""A thousand small markets against a general cone solver."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stackelberg.edge import Market, allocate, certify
from stackelberg.game import Status

CHUNK = 100

AGREEMENT = 2e-8
"""Per user, between the objectives: what Clarabel leaves at an accuracy of 1e-9."""

TOLERANCE = 1e-11


def small_market(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Up to 8 users and 6 nodes; every kind of number within a decade."""
    draw = np.random.default_rng(seed)
    users, nodes = int(draw.integers(1, 9)), int(draw.integers(1, 7))

    def spread(*shape: int) -> np.ndarray:
        return 10.0 ** draw.uniform(0.0, 1.0, shape)

    price, capacity, budget = spread(nodes), spread(nodes), spread(users)
    inside = draw.random((users, nodes)) < draw.uniform(0.3, 1.1)
    inside[np.arange(users), draw.integers(0, nodes, users)] = True
    return price, capacity, budget, np.where(inside, spread(users, nodes), 0.0)


@pytest.mark.oracle
@pytest.mark.parametrize("first", range(0, 1000, CHUNK))
def test_small_markets_against_clarabel(first: int) -> None:
    from oracles.edge_clarabel import solve

    for seed in range(first, first + CHUNK):
        arrays = small_market(seed)
        market = Market.from_arrays(*arrays)
        peer, ours = solve(*arrays), allocate(market, TOLERANCE)
        proof, users = ours.certificate, market.num_users
        assert peer.status in ("Solved", "AlmostSolved"), seed  # judged below
        assert ours.status is Status.CONVERGED, seed
        assert abs(proof.objective - peer.objective) <= AGREEMENT * users, seed
        assert proof.objective >= peer.objective - TOLERANCE * users, seed
        assert proof.dual_bound >= peer.objective, seed
        judged = certify(market, peer.amount, peer.lam, peer.mu)
        assert judged.objective == pytest.approx(peer.objective, abs=1e-12), seed
        assert judged.worst_violation <= 1e-8, seed
        assert judged.gap_per_user <= AGREEMENT, seed
        assert judged.dual_bound >= proof.objective, seed


@pytest.mark.oracle
def test_clarabel_by_hand_is_clarabel_by_cvxpy() -> None:
    import cvxpy  # type: ignore
    from oracles.edge_clarabel import solve

    cp: Any = cvxpy
    for seed in range(5):
        price, capacity, budget, weight = arrays = small_market(seed)
        amount = cp.Variable(weight.shape, nonneg=True)
        utility = cp.sum(cp.multiply(weight, amount), axis=1)
        limits = [cp.sum(amount, axis=0) <= capacity, amount @ price <= budget]
        problem = cp.Problem(cp.Maximize(cp.sum(cp.log(utility))), limits)
        problem.solve(solver=cp.CLARABEL)
        assert solve(*arrays).objective == pytest.approx(problem.value, abs=1e-6)
