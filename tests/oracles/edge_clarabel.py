"""Problem 1 as a cone program that Clarabel solves: log u >= r as an exponential cone.

The matrices are written by hand, so that a small market costs a millisecond. The answer
is then scaled down to every limit, in plain loops of NumPy.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import clarabel  # type: ignore
import numpy as np
from scipy import sparse

solver: Any = clarabel


class Answer(NamedTuple):
    """What Clarabel found; rows as in the market."""

    status: str
    amount: np.ndarray
    """As found, cut at zero [N, M]; limits may be exceeded by its tolerance."""
    lam: np.ndarray
    mu: np.ndarray
    objective: float
    """Sum of log utilities once scaled down to every limit."""


def solve(price, capacity, budget, weight, accuracy: float = 1e-9) -> Answer:
    """Solve a market whose limits are all finite; `weight` dense [N, M]."""
    n, m = weight.shape
    user, node = np.nonzero(weight)
    count = len(user)
    edge = np.arange(count)
    # Unknowns: an amount per edge, then r per user. Rows A y + s = b, s in a cone.
    at_least_zero = sparse.csr_array(
        (-np.ones(count), (edge, edge)), (count, count + n)
    )
    loads = sparse.csr_array((np.ones(count), (node, edge)), (m, count + n))
    spends = sparse.csr_array((price[node], (user, edge)), (n, count + n))
    utility = sparse.csr_array(
        (-weight[user, node], (3 * user + 2, edge)), (3 * n, count + n)
    )
    users = np.arange(n)
    logs = sparse.csr_array(
        (-np.ones(n), (3 * users, count + users)), (3 * n, count + n)
    )
    matrix = sparse.vstack([at_least_zero, loads, spends, utility + logs], format="csc")
    right = np.concatenate(
        [np.zeros(count), capacity, budget, np.tile([0.0, 1.0, 0.0], n)]
    )
    cones = [solver.NonnegativeConeT(count + m + n)]
    cones += [solver.ExponentialConeT() for _ in range(n)]
    settings = solver.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = accuracy
    found = solver.DefaultSolver(
        sparse.csc_matrix((count + n, count + n)),
        np.concatenate([np.zeros(count), -np.ones(n)]),
        sparse.csc_matrix(matrix),
        right,
        cones,
        settings,
    ).solve()
    amount = np.zeros((n, m))
    amount[user, node] = np.maximum(np.array(found.x)[:count], 0.0)
    dual = np.maximum(np.array(found.z), 0.0)
    return Answer(
        status=str(found.status),
        amount=amount,
        lam=dual[count : count + m],
        mu=dual[count + m : count + m + n],
        objective=_objective_within_limits(price, capacity, budget, weight, amount),
    )


def _objective_within_limits(price, capacity, budget, weight, amount) -> float:
    amount = amount / np.maximum(1.0, amount @ price / budget)[:, None]
    amount = amount / np.maximum(1.0, amount.sum(axis=0) / capacity)
    return float(np.log((weight * amount).sum(axis=1)).sum())
