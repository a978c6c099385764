"""One owner's best prices for linear users, by trying all that can be best.

At best prices every node is held: by its cap, by a user whose outside good is worth as
much, or by a user to whom another node, itself held, is worth as much. If a group of
nodes were not, all its prices could rise together: the same money would buy less, at
less cost. So all ways to hold all nodes are tried, and at each the cheapest baskets.
"""

from __future__ import annotations

import itertools

import numpy as np
from scipy.optimize import linprog


def best_linear_owner_profit(weight, budget, capacity, cost, outside, cap) -> float:
    """The most profit of any prices within caps and capacities; -inf without any."""
    weight = np.asarray(weight, float)
    users, nodes = weight.shape
    holds: list[list[tuple[object, float]]] = []
    for i in range(nodes):
        held: list[tuple[object, float]] = (
            [("cap", cap[i])] if np.isfinite(cap[i]) else []
        )
        for j in range(users):
            if weight[j, i] > 0.0 and outside[j] > 0.0:
                held.append(("good", weight[j, i] / outside[j]))
            for k in range(nodes):
                if k != i and weight[j, i] > 0.0 and weight[j, k] > 0.0:
                    held.append((k, weight[j, i] / weight[j, k]))
        holds.append(held or [("nobody", 1.0)])
    best = -np.inf
    for choice in itertools.product(*holds):
        price = _prices(choice)
        if price is not None and np.all(price <= np.asarray(cap) * (1.0 + 1e-12)):
            profit = profit_at(weight, budget, capacity, cost, outside, price)
            best = max(best, profit)
    return best


def profit_at(weight, budget, capacity, cost, outside, price) -> float:
    """Profit at given prices, ties broken as the owner likes; -inf without room."""
    users, nodes = np.asarray(weight).shape
    gain, rows, limits = [], [[] for _ in range(users)], [[] for _ in range(nodes)]
    for j in range(users):
        worth = [*(np.asarray(weight)[j] / price), outside[j]]
        if max(worth) == 0.0:
            continue
        for i, one in enumerate(worth):
            if one < max(worth) * (1.0 - 1e-9) or one == 0.0:
                continue
            if i < nodes:
                limits[i].append((len(gain), 1.0 / price[i] / capacity[i]))
            rows[j].append(len(gain))
            gain.append(1.0 - cost[i] / price[i] if i < nodes else 0.0)
    rows_of = [j for j in range(users) if rows[j]]
    equal = np.zeros((len(rows_of), len(gain)))
    for place, j in enumerate(rows_of):
        equal[place, rows[j]] = 1.0
    load = np.zeros((nodes, len(gain)))
    for i in range(nodes):
        for column, value in limits[i]:
            load[i, column] = value
    found = linprog(
        -np.array(gain), A_ub=load, b_ub=np.ones(nodes), A_eq=equal,
        b_eq=np.asarray(budget)[rows_of], method="highs",
    )  # fmt: skip
    return -found.fun if found.status == 0 else -np.inf


def _prices(choice):
    """Prices that these holds give; None where they go round."""
    price = [None] * len(choice)
    for _ in choice:
        for i, (by, value) in enumerate(choice):
            if isinstance(by, str):
                price[i] = value
            elif price[by] is not None:
                price[i] = price[by] * value
    return None if any(p is None for p in price) else np.array(price)
