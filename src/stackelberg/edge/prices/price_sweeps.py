"""Best responses of nodes to each other's prices, node after node (Gauss-Seidel).

Letters: own = (w / p)^r of an edge relative to its user's greatest at the last refresh,
total = their sum over a user's edges; odds = (1 - s) / s; delta = change of log price.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from stackelberg.edge.market import Floats, Ints
from stackelberg.edge.solvers.dense_factor import REORDERED

MAX_EVALUATIONS = 60
"""Of one node's sales in one visit."""

LARGEST_STEP = 3.0
"""Of a log price in one step, where Newton's step would be longer."""

LARGEST_PULL = 300.0
"""Bound on r times the change of a log price in one visit: exp of it is finite."""

LARGEST_ODDS = 1e300
"""Larger odds count as these: finite, so that their share of zero is no NaN."""

LOOSE = 0.03
"""A visit ends when its last step is this share of its whole move; sweeps go on anyway,
so that more digits would be thrown away."""


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def _moments(
    scale: float, budget: Floats, odds: Floats, count: int
) -> tuple[float, float, float]:
    """Sum B s, B s (1 - s) and B s (1 - s)^2, all odds times `scale`."""
    revenue = first = second = 0.0
    for e in range(count):
        other = min(odds[e] * scale, LARGEST_ODDS)
        share = 1.0 / (1.0 + other)
        rest = other * share
        money = budget[e] * share
        revenue += money
        money *= rest
        first += money
        second += money * rest
    return revenue, first, second


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def _respond(
    steepness: float,
    log_price: float,
    cost: float,
    log_capacity: float,
    log_cap: float,
    budget: Floats,
    odds: Floats,
    count: int,
) -> float:
    """Change of one node's log price to its (local) best response.

    The best response is the larger of two prices: the one that sells exactly the
    capacity, and the one with markup (p - c) / p = 1 / (1 + r A), A = sum B s (1 - s) /
    sum B s. A Newton step for each; the larger; kept within what is known to be too low
    and too high.
    """
    low, high = -np.inf, np.inf
    reach = min(LARGEST_PULL / steepness, log_cap - log_price)
    delta = min(0.0, reach)
    for _ in range(MAX_EVALUATIONS):
        revenue, first, second = _moments(
            math.exp(steepness * delta), budget, odds, count
        )
        if not revenue > 0.0:
            return max(-LARGEST_PULL / steepness, -LARGEST_STEP)
        now = log_price + delta
        price = math.exp(now)
        away = first / revenue
        sell_out = -np.inf
        if log_capacity < np.inf:
            sell_out = math.log(revenue) - now - log_capacity
            sell_out /= 1.0 + steepness * away
        markup = -np.inf
        if cost > 0.0 and price <= cost:
            markup = math.log(cost * (1.0 + 1.0 / steepness)) - now
        elif cost > 0.0:
            if away > 0.0:
                excess = math.log((price - cost) * steepness * away / cost)
                slope = price / (price - cost)
                slope += steepness * (1.0 - 2.0 * second / first + away)
                markup = -excess / slope if slope > 0.0 else -math.copysign(1.0, excess)
            else:
                markup = LARGEST_STEP
        step = max(sell_out, markup)
        if step > 0.0:
            low = delta
        else:
            high = delta
        step = min(max(step, -LARGEST_STEP), LARGEST_STEP)
        new = min(max(delta + step, -LARGEST_PULL / steepness), reach)
        bracketed = low > -np.inf and high < np.inf
        if bracketed and not low < new < high and abs(new - delta) > 1e-14:
            new = 0.5 * (low + high)
        step = new - delta
        delta = new
        if abs(step) <= max(1e-15, LOOSE * abs(delta)):
            break
    return delta


@njit(cache=True, error_model="numpy", nogil=True)
def sweep_prices(
    steepness: float,
    log_price: Floats,
    cost: Floats,
    log_capacity: Floats,
    log_cap: Floats,
    bounds: Ints,
    user: Ints,
    by_user: Ints,
    indptr: Ints,
    budget: Floats,
    outside: Floats,
    own: Floats,
    total: Floats,
    odds: Floats,
) -> float:
    """Let every node respond once, in order; the largest change of a log price.

    Edges are by node: node i has edges bounds[i] to bounds[i + 1]; by_user lists the
    edges of user j at indptr[j] to indptr[j + 1]. Writes log_price, own, total; odds is
    room for one node's edges.
    """
    worst = 0.0
    for i in range(len(log_price)):
        start, stop = bounds[i], bounds[i + 1]
        if start == stop:
            continue
        for e in range(start, stop):
            j = user[e]
            rest = total[j] - own[e]
            if own[e] > 0.5 * total[j]:  # the difference would lose digits
                rest = outside[j]
                for k in range(indptr[j], indptr[j + 1]):
                    if by_user[k] != e:
                        rest += own[by_user[k]]
            odds[e - start] = rest / own[e] if own[e] > 0.0 else LARGEST_ODDS
        delta = _respond(
            steepness,
            log_price[i],
            cost[i],
            log_capacity[i],
            log_cap[i],
            budget[start:stop],
            odds,
            stop - start,
        )
        scale = math.exp(-steepness * delta)
        for e in range(start, stop):
            if own[e] > 0.0:
                rest = odds[e - start] * own[e]
                own[e] *= scale
                total[user[e]] = rest + own[e]
        log_price[i] += delta
        worst = max(worst, abs(delta))
    return worst
