"""Any welfare of any utility by CVXPY with Clarabel: power, quadratic and exponential
cones. Only an extra installs them: import this inside a test.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import cvxpy  # type: ignore
import numpy as np

from oracles.edge_utilities import utility_value, welfare

cp: Any = cvxpy


def best_welfare(
    price, capacity, budget, weight, family, elasticity, alpha, user_weight
) -> tuple[float, np.ndarray]:
    """The greatest welfare and the utilities that attain it; `weight` dense [N, M].

    Cobb-Douglas weights must be whole numbers, and alpha and the power 1 - 1/elasticity
    simple fractions: CVXPY takes fractions for them, which then are exact.
    """
    n, m = weight.shape
    x = cp.Variable((n, m), nonneg=True)
    limits = [x[j, i] == 0.0 for j in range(n) for i in range(m) if weight[j, i] == 0.0]
    for i in np.flatnonzero(np.isfinite(capacity)):
        limits.append(cp.sum(x[:, i]) / capacity[i] <= 1.0)
    for j in np.flatnonzero(np.isfinite(budget)):
        limits.append(price @ x[j] / budget[j] <= 1.0)
    utility = []
    for j in range(n):
        reach = np.flatnonzero(weight[j])
        utility.append(_utility(family, elasticity, weight[j, reach], x[j, reach]))
    # Utilities near 1 keep the powers within the solver's digits.
    unit = math.exp(
        np.mean(
            [
                math.log(
                    utility_value(family, elasticity, row[row > 0], share[row > 0])
                )
                for row, share in zip(
                    weight,
                    np.minimum(capacity / n, budget[:, None] / (m * price)),
                    strict=True,
                )
            ]
        )
    )
    utility = [u / unit for u in utility]
    terms = []
    for b, u in zip(user_weight, utility, strict=True):
        if alpha == 1.0:
            terms.append(b * cp.log(u))
        else:
            terms.append(b / (1.0 - alpha) * cp.power(u, 1.0 - alpha))
    problem = cp.Problem(cp.Maximize(cp.sum(cp.hstack(terms))), limits)
    accuracy = dict.fromkeys(("tol_gap_abs", "tol_gap_rel", "tol_feas"), 1e-9)
    with warnings.catch_warnings():
        # That exact fractions are taken, and that digits past the sixth may be wrong.
        warnings.simplefilter("ignore", UserWarning)
        problem.solve(solver=cp.CLARABEL, **accuracy)
    utilities = unit * np.array([float(u.value) for u in utility])
    return math.fsum(map(welfare, [alpha] * n, user_weight, utilities)), utilities


def _utility(family, elasticity, weight, amounts) -> Any:
    if family == "linear":
        return weight @ amounts
    if family == "leontief":
        return cp.min(cp.multiply(1.0 / weight, amounts))
    if family == "cobb_douglas":
        return cp.geo_mean(amounts, p=weight.astype(int))
    return cp.pnorm(cp.multiply(weight, amounts), p=1.0 - 1.0 / elasticity)


def max_min(price, capacity, budget, weight, family) -> float:
    """The greatest least utility of linear or Leontief users, as a linear program."""
    n, m = weight.shape
    x, least = cp.Variable((n, m), nonneg=True), cp.Variable()
    limits = [cp.sum(x, axis=0) <= capacity, x @ price <= budget]
    for j in range(n):
        reach = np.flatnonzero(weight[j])
        limits.append(least <= _utility(family, None, weight[j, reach], x[j, reach]))
        limits += [x[j, i] == 0.0 for i in np.flatnonzero(weight[j] == 0.0)]
    problem = cp.Problem(cp.Maximize(least), limits)
    problem.solve(solver=cp.CLARABEL)
    return float(problem.value)
