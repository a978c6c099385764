"""Sweeps that lower the bound of `price_split`, one node after the other.

For a node every user in reach says what it would be worth at most with the node's price
in each bracket, once buying there and once not. The node's prices of capacity are those
of a knapsack in which users are parts, filled with the dearest first; what all are then
worth together is shared out equally, as m. Each step is exact in its own unknowns, so
that the bound never rises.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from stackelberg.edge.market import Floats, Ints
from stackelberg.edge.prices.price_split import TIE

_NEVER = 1e6
"""Greatest price of capacity, in all money for a node's whole capacity."""


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def _accumulate(edge: int, moved: Floats, above: Floats) -> None:
    """The most of -m at each bracket or above."""
    most = -np.inf
    for k in range(moved.shape[1] - 1, -1, -1):
        most = max(most, -moved[edge, k])
        above[edge, k] = most


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def _worth_of_user(
    edge: int,
    start: int,
    stop: int,
    node: Ints,
    pull: Floats,
    outside: float,
    log_price: Floats,
    earned: Floats,
    moved: Floats,
    above: Floats,
    buys: Floats,
    other: Floats,
) -> None:
    """What a user is worth by the bracket of one of its nodes: `buys` [K] there, before
    kappa, and `other` [K] elsewhere or nowhere; the node's own m apart.
    """
    count = log_price.shape[1]
    for k in range(count):
        buys[k] = earned[edge, k]
        other[k] = -np.inf
    value = np.empty(count)
    for a in range(start, stop):
        for k in range(count):
            value[k] = 0.0 if a == edge else earned[a, k] - moved[a, k]
        for o in range(start, stop):
            if o in (a, edge):
                continue
            least = 0
            for k in range(count):
                low = log_price[node[a], k - 1] if k > 0 else -np.inf
                bargain = pull[o] - pull[a] + low - TIE
                while least < count and log_price[node[o], least] < bargain:
                    least += 1
                value[k] += above[o, least] if least < count else -np.inf
        if a == edge:
            for k in range(count):
                buys[k] += value[k]
            continue
        first = 0
        for k in range(count):
            low = log_price[node[a], k - 1] if k > 0 else -np.inf
            bargain = pull[edge] - pull[a] + low - TIE
            while first < count and log_price[node[edge], first] < bargain:
                first += 1
            if first < count:
                other[first] = max(other[first], value[k])
    if outside > -np.inf:
        alone = 0.0
        for o in range(start, stop):
            if o != edge:
                least = np.searchsorted(log_price[node[o]], pull[o] - outside - TIE)
                alone += above[o, least] if least < count else -np.inf
        first = np.searchsorted(log_price[node[edge]], pull[edge] - outside - TIE)
        if first < count:
            other[first] = max(other[first], alone)
    for k in range(1, count):
        other[k] = max(other[k], other[k - 1])


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def _price_of_capacity(
    k: int,
    capacity: float,
    money: float,
    buys: Floats,
    other: Floats,
    amount: Floats,
) -> float:
    """The kappa at which no more than the capacity is worth buying."""
    wanted = must = 0.0
    for x in range(len(buys)):
        if buys[x, k] > other[x, k]:
            wanted += amount[x]
            if other[x, k] == -np.inf:
                must += amount[x]
    if wanted <= capacity:
        return 0.0
    most = _NEVER * money / capacity
    if must > capacity:
        return min(10.0 * money / (must - capacity), most)
    gain = np.zeros(len(buys))
    for x in range(len(buys)):
        if buys[x, k] > other[x, k] > -np.inf:
            gain[x] = (buys[x, k] - other[x, k]) / amount[x]
    for x in np.argsort(-gain):
        must += amount[x] if gain[x] > 0.0 else 0.0
        if must > capacity:
            return min(float(gain[x]), most)
    return 0.0


@njit(cache=True, error_model="numpy", nogil=True)
def sweep(
    order: Ints,
    edges_of: Ints,
    first_edge: Ints,
    user: Ints,
    indptr: Ints,
    node: Ints,
    pull: Floats,
    outside_pull: Floats,
    capacity: Floats,
    money: float,
    log_price: Floats,
    gain: Floats,
    amount: Floats,
    kappa: Floats,
    moved: Floats,
    worth: Floats,
) -> None:
    """One step at each node of `order`.

    The edges of node i are `edges_of` from `first_edge[i]` to `first_edge[i + 1]`;
    `gain` and `amount` are as of `most_earned`; `money` is that of all users. Written
    are `kappa` and `moved`, which are the split, and `worth`, what all is worth at each
    bracket of each node [M, K].
    """
    count = log_price.shape[1]
    above = np.empty_like(moved)
    earned = np.empty_like(moved)
    for e in range(len(moved)):
        _accumulate(e, moved, above)
        for k in range(count):
            earned[e, k] = gain[e, k] - kappa[node[e], k] * amount[e, k]
    for i in order:
        edges = edges_of[first_edge[i] : first_edge[i + 1]]
        size = len(edges)
        buys, other = np.empty((size, count)), np.empty((size, count))
        for x in range(size):
            e = edges[x]
            for k in range(count):
                earned[e, k] = gain[e, k]
            j = user[e]
            _worth_of_user(
                e, int(indptr[j]), int(indptr[j + 1]), node, pull,
                float(outside_pull[j]), log_price, earned, moved, above, buys[x],
                other[x],
            )  # fmt: skip
        column = np.empty(size)
        for k in range(count):
            for x in range(size):
                column[x] = amount[edges[x], k]
            price, room = 0.0, float(capacity[i])
            if room < np.inf:
                price = _price_of_capacity(k, room, money, buys, other, column)
            kappa[i, k] = price
            total = price * capacity[i] if price > 0.0 else 0.0
            for x in range(size):
                buys[x, k] = max(buys[x, k] - price * column[x], other[x, k])
                total += buys[x, k]
            worth[i, k] = total
        for x in range(size):
            e = edges[x]
            for k in range(count):
                value = buys[x, k] - worth[i, k] / size
                moved[e, k] = value if abs(value) < np.inf else 0.0
                earned[e, k] = gain[e, k] - kappa[i, k] * amount[e, k]
            _accumulate(e, moved, above)
