"""What one user could buy if nobody else changed anything: a knapsack."""

from __future__ import annotations

import numpy as np

from stackelberg.edge.market import Floats


def best_alone(
    weight: Floats, price: Floats, most: Floats, budget: float
) -> tuple[Floats, float]:
    """The most utility that one user can buy if nobody else changes anything.

    Args:
        weight: of each node in reach, > 0.
        price: of a unit there.
        most: units that it could get there, finite.
        budget: money to spend.

    Returns:
        Amounts, and their utility: the best w / p first, as much as there is.
    """
    with np.errstate(divide="ignore"):
        order = np.argsort(-weight / price, kind="stable")
    cost = price[order] * most[order]
    left = np.maximum(budget - (np.cumsum(cost) - cost), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(cost > left, left / cost, 1.0)
    amount = np.zeros(len(weight))
    amount[order] = most[order] * part
    return amount, float(weight @ amount)
