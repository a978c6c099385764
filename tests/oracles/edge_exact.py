"""Problem 1 in decimal arithmetic of many digits, where no rounding matters.

`worth_of` says what an answer is worth: how far it exceeds a limit, its objective once
scaled down to keep them all, and the dual bound of its prices. Everything follows the
definitions in loops. Who can be served at all is decided by the same plain loops.
"""

from __future__ import annotations

import math
from decimal import Context, Decimal, localcontext
from typing import NamedTuple

DIGITS = 60
ZERO, ONE = Decimal(0), Decimal(1)


def many_digits(digits: int = DIGITS) -> Context:
    """A context without traps for sizes that a float can have."""
    return Context(prec=digits, Emin=-999_999_999, Emax=999_999_999)


class Worth(NamedTuple):
    """What an answer is worth. Logarithms are natural."""

    over_budget: Decimal
    """Largest spending above its limit, relative to it; infinite at zero."""
    over_capacity: Decimal
    """The same for loads."""
    objective: Decimal
    """Sum of log utilities after scaling down to every limit."""
    bound: Decimal
    """Dual value of the prices: no allocation has a greater objective."""

    @property
    def excess(self) -> Decimal:
        """The larger of the two."""
        return max(self.over_budget, self.over_capacity)

    @property
    def gap(self) -> Decimal:
        """How much objective the answer may lack."""
        with localcontext(many_digits()):
            return self.bound - self.objective


def unbounded_users(price, capacity, budget, weight) -> list[int]:
    """Users that may take without end from a node that is free or that they can pay."""
    return [
        j
        for j, row in enumerate(weight)
        if any(
            w > 0.0
            and math.isinf(capacity[i])
            and (price[i] == 0.0 or math.isinf(budget[j]))
            for i, w in enumerate(row)
        )
    ]


def served_users(price, capacity, budget, weight) -> list[int]:
    """Users for whom some node has weight, capacity and a price that they can pay."""
    return [
        j
        for j, row in enumerate(weight)
        if any(
            w > 0.0 and capacity[i] > 0.0 and (price[i] == 0.0 or budget[j] > 0.0)
            for i, w in enumerate(row)
        )
    ]


def worth_of(
    price,
    capacity,
    budget,
    weight,
    amount,
    lam,
    mu,
) -> Worth:
    """Value of an answer, for users that can be served; others must get nothing.

    Args:
        price: [M].
        capacity: [M], may be infinite; the node's price then counts as zero.
        budget: [N], may be infinite; the user's price of money then counts as zero.
        weight: [N][M], zero out of reach.
        amount: [N][M], >= 0, zero out of reach.
        lam: prices of capacities >= 0 [M].
        mu: prices of budgets >= 0 [N].
    """
    served = served_users(price, capacity, budget, weight)
    with localcontext(many_digits()):
        p = [Decimal(float(v)) for v in price]
        x = [[Decimal(float(v)) for v in row] for row in amount]
        w = [[Decimal(float(v)) for v in row] for row in weight]
        nodes, users = range(len(p)), range(len(w))
        for j in users:
            for i in nodes:
                assert x[j][i] >= 0 and (x[j][i] == 0 or w[j][i] > 0)
        over_budget, over_capacity = ZERO, ZERO
        for j in users:
            spend = sum((p[i] * x[j][i] for i in nodes), ZERO)
            over_budget = max(over_budget, _cut(spend, budget[j])[1])
        for i in nodes:
            load = sum((x[j][i] for j in users), ZERO)
            over_capacity = max(over_capacity, _cut(load, capacity[i])[1])
        for j in users:
            for i in nodes:
                if capacity[i] == 0.0 or (price[i] > 0.0 and budget[j] == 0.0):
                    x[j][i] = ZERO
            share, _ = _cut(sum((p[i] * x[j][i] for i in nodes), ZERO), budget[j])
            x[j] = [share * v for v in x[j]]
        for i in nodes:
            share, _ = _cut(sum((x[j][i] for j in users), ZERO), capacity[i])
            for j in users:
                x[j][i] = share * x[j][i]
        objective = ZERO
        for j in served:
            utility = sum((w[j][i] * x[j][i] for i in nodes), ZERO)
            objective += utility.ln()
        bound = _dual(p, capacity, budget, w, lam, mu, served)
        return Worth(over_budget, over_capacity, objective, bound)


def _cut(used: Decimal, limit: float) -> tuple[Decimal, Decimal]:
    """Factor that brings `used` within `limit`, and the relative excess."""
    if math.isinf(limit) or used <= Decimal(float(limit)):
        return ONE, ZERO
    if limit == 0.0:
        return ZERO, Decimal("Infinity")
    return Decimal(float(limit)) / used, used / Decimal(float(limit)) - 1


def _dual(p, capacity, budget, w, lam, mu, served) -> Decimal:
    """lam.Q + mu.B - sum_j log min_i (lam_i + mu_j p_i) / w_ij - number of users."""
    cost = [
        Decimal(float(v)) if math.isfinite(q) else ZERO
        for v, q in zip(lam, capacity, strict=True)
    ]
    total = ZERO
    for c, q in zip(cost, capacity, strict=True):
        total += c * Decimal(float(q)) if c else ZERO
    for j in served:
        own = Decimal(float(mu[j])) if math.isfinite(budget[j]) else ZERO
        if own:
            total += own * Decimal(float(budget[j]))
        least = min((cost[i] + own * p[i]) / v for i, v in enumerate(w[j]) if v > 0)
        if least == 0:
            return Decimal("Infinity")
        total -= least.ln() + 1
    return total
