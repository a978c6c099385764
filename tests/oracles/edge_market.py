"""Problem 1 by ways that are slow and plain: SciPy's SLSQP in the amounts themselves,
and the dual bound written out in loops."""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import minimize


def best_objective(price, capacity, budget, weight) -> tuple[float, np.ndarray]:
    """Greatest sum of log utilities and the utilities, for a small dense market."""
    price, capacity, budget, weight = map(
        lambda a: np.asarray(a, float), (price, capacity, budget, weight)
    )
    n, m = weight.shape
    # Amounts in units in which each is near one.
    with np.errstate(divide="ignore"):
        unit = np.minimum(capacity[None, :], budget[:, None] / price[None, :])
    unit = np.where(np.isfinite(unit), unit, 1.0)
    inside = weight > 0.0

    def amounts(y):
        return np.where(inside, y.reshape(n, m) * unit, 0.0)

    def negative(y):
        utility = np.maximum((weight * amounts(y)).sum(axis=1), 1e-300)
        return -float(np.log(utility).sum())

    def slope(y):
        utility = np.maximum((weight * amounts(y)).sum(axis=1), 1e-300)
        return -(weight * np.where(inside, unit, 0.0) / utility[:, None]).ravel()

    limits = []
    for i in np.flatnonzero(np.isfinite(capacity)):
        row = np.zeros((n, m))
        row[:, i] = np.where(inside[:, i], unit[:, i], 0.0) / capacity[i]
        limits.append(row.ravel())
    for j in np.flatnonzero(np.isfinite(budget)):
        row = np.zeros((n, m))
        row[j] = np.where(inside[j], unit[j] * price, 0.0) / budget[j]
        limits.append(row.ravel())
    matrix = np.array(limits)
    start = np.full(n * m, 0.5 / max(n, m))
    found = minimize(
        negative,
        start,
        jac=slope,
        method="SLSQP",
        bounds=[(0.0, 1.0)] * (n * m),
        constraints=[
            {
                "type": "ineq",
                "fun": lambda y: 1.0 - matrix @ y,
                "jac": lambda y: -matrix,
            }
        ],
        options={"maxiter": 1000, "ftol": 1e-15},
    )
    x = np.maximum(amounts(found.x), 0.0)
    worst = max(
        1.0,
        (x.sum(axis=0) / capacity).max(),
        ((x @ price) / budget).max(),
    )
    utility = (weight * x / worst).sum(axis=1)
    return float(np.log(utility).sum()), utility


def dual_value(price, capacity, budget, weight, lam, mu) -> float:
    """lam.Q + mu.B - sum_j log min_i (lam_i + mu_j p_i) / w_ij - N, term by term."""
    total = 0.0
    for i, q in enumerate(capacity):
        total += lam[i] * q if lam[i] > 0.0 else 0.0
    for j, b in enumerate(budget):
        total += mu[j] * b if mu[j] > 0.0 else 0.0
        ratios = [
            (lam[i] + mu[j] * price[i]) / weight[j][i]
            for i in range(len(capacity))
            if weight[j][i] > 0.0
        ]
        total -= math.log(min(ratios)) + 1.0
    return total


def best_cobb_douglas(price, capacity, budget, exponents) -> np.ndarray:
    """Amounts that maximise sum_j sum_i a_ij log x_ij under both limits, by SLSQP."""
    price, capacity, budget, share = map(
        lambda a: np.asarray(a, float), (price, capacity, budget, exponents)
    )
    n, m = share.shape
    unit = np.minimum(capacity[None, :], budget[:, None] / price[None, :])
    limits = []
    for i in range(m):
        row = np.zeros((n, m))
        row[:, i] = unit[:, i] / capacity[i]
        limits.append(row.ravel())
    for j in range(n):
        row = np.zeros((n, m))
        row[j] = unit[j] * price / budget[j]
        limits.append(row.ravel())
    matrix = np.array(limits)
    found = minimize(
        lambda y: -float((share.ravel() * np.log(np.maximum(y, 1e-300))).sum()),
        np.full(n * m, 0.5 / max(n, m)),
        jac=lambda y: -share.ravel() / y,
        method="SLSQP",
        bounds=[(1e-9, None)] * (n * m),
        constraints=[
            {
                "type": "ineq",
                "fun": lambda y: 1.0 - matrix @ y,
                "jac": lambda y: -matrix,
            }
        ],
        options={"maxiter": 1000, "ftol": 1e-15},
    )
    return found.x.reshape(n, m) * unit
