"""Utilities, fairness and the general dual bound, one user and one number at a time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.optimize import minimize, minimize_scalar


def utility_value(family: str, elasticity, weight, amount) -> float:
    """u(x) of one user by the textbook formula."""
    pairs = list(zip(weight, amount, strict=True))
    if family == "linear":
        return math.fsum(w * x for w, x in pairs)
    if family == "leontief":
        return min(x / w for w, x in pairs)
    if family == "cobb_douglas":
        total = math.fsum(weight)
        return math.prod(x ** (w / total) for w, x in pairs)
    power = 1.0 - 1.0 / elasticity
    return math.fsum((w * x) ** power for w, x in pairs) ** (1.0 / power)


def least_cost(family: str, elasticity, weight, unit_cost) -> float:
    """min q.x over bundles of utility 1, by a search over the logs of the amounts.

    All four families have constant returns, so the least cost per unit of utility is
    the least of q.x / u(x) over all bundles.
    """
    if family == "linear":
        return min(q / w for w, q in zip(weight, unit_cost, strict=True))
    if family == "leontief":
        return math.fsum(q * w for w, q in zip(weight, unit_cost, strict=True))

    def cost(logs):
        amount = np.exp(logs)
        spent = float(np.dot(unit_cost, amount))
        return math.log(spent / utility_value(family, elasticity, weight, amount))

    start = -np.log(np.asarray(unit_cost))
    found = minimize(cost, start, method="Nelder-Mead", tol=1e-12,
                     options={"maxiter": 20_000, "maxfev": 20_000})  # fmt: skip
    return math.exp(found.fun)


def welfare(alpha: float, weight: float, utility: float) -> float:
    """W(u) of one user."""
    if alpha == 1.0:
        return weight * math.log(utility)
    return weight * utility ** (1.0 - alpha) / (1.0 - alpha)


def conjugate(alpha: float, weight: float, unit_expenditure: float) -> float:
    """Greatest W(u) - e u, by a search over log u."""
    found: Any = minimize_scalar(
        lambda log_u: (
            unit_expenditure * math.exp(log_u) - welfare(alpha, weight, math.exp(log_u))
        ),
        bounds=(-12.0, 12.0),
        method="bounded",
        options={"xatol": 1e-12},
    )
    return -float(found.fun)


def dual_value(market, family, elasticity, alpha, weights, lam, mu) -> float:
    """The general dual bound in loops; `market` is (price, capacity, budget, weight)
    with a dense weight matrix and finite limits.
    """
    price, capacity, budget, weight = market
    total = math.fsum([*(lam * capacity), *(mu * budget)])
    for j, row in enumerate(weight):
        reach = np.flatnonzero(row)
        rent = lam[reach] + mu[j] * price[reach]
        e = closed_least_cost(family, elasticity, row[reach], rent)
        b = weights[j]
        if alpha == 1.0:
            total += b * (math.log(b / e) - 1.0)
        else:
            power = (alpha - 1.0) / alpha
            total += alpha / (1.0 - alpha) * b ** (1.0 / alpha) * e**power
    return total


def closed_least_cost(family, elasticity, weight, unit_cost) -> float:
    """e(q) by the textbook formula."""
    pairs = list(zip(weight, unit_cost, strict=True))
    if family == "linear":
        return min(q / w for w, q in pairs)
    if family == "leontief":
        return math.fsum(q * w for w, q in pairs)
    if family == "cobb_douglas":
        share = [w / math.fsum(weight) for w in weight]
        return math.prod((q / a) ** a for a, q in zip(share, unit_cost, strict=True))
    power = 1.0 - elasticity
    return math.fsum((q / w) ** power for w, q in pairs) ** (1.0 / power)
