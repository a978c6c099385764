"""Where the interior point method starts: in closed form, in the middle, on the path.

Letters as in `interior_point`: x amount, z its reduced price; ends (t, mu, u, v) per
user: slack of the budget, its price, utility and its price; s and lam per node.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numba import njit

from stackelberg.edge.market import Floats, Ints
from stackelberg.edge.segments import segment_costs, segment_products, sums_by_node
from stackelberg.edge.solvers.central_path import SLACK_FACTOR, PathPoint
from stackelberg.edge.solvers.problem import Problem

Point: TypeAlias = tuple[Floats, Floats, Floats, Floats, Floats]
"""x per edge, s and lam [M], ends (t, mu, u, v) [N, 4], z per edge."""

SOLD = 0.95
"""Share of everything that the closed form hands out."""

LEAST_SHARE = 1e-3
"""What every node is taken to be worth at least, in users' virtual money."""


def closed_form_start(problem: Problem) -> Point:
    """A strictly feasible start: fair shares, and prices that would make them fair.

    Each edge gets the smaller of two shares, of the node's capacity and of the user's
    budget.
    """
    p = problem
    return _closed_form(
        p.indptr, p.node, p.weight, p.price, p.capacity, p.budget, p.user_weight,
        p.alpha,
    )  # fmt: skip


@njit(cache=True, error_model="numpy", nogil=True)
def _closed_form(
    indptr: Ints,
    node: Ints,
    weight: Floats,
    price: Floats,
    capacity: Floats,
    budget: Floats,
    user_weight: Floats,
    alpha: float,
) -> Point:
    m, n = len(capacity), len(budget)
    fair, load, worth = np.zeros(m), np.zeros(m), np.zeros(m)
    s, lam = np.zeros(m), np.zeros(m)
    x, z, ends = np.empty(len(node)), np.empty(len(node)), np.zeros((n, 4))
    for e in range(len(node)):
        fair[node[e]] += 1.0
    for i in range(m):
        fair[i] = SOLD * capacity[i] / max(fair[i], 1.0)
    for j in range(n):
        first, last = indptr[j], indptr[j + 1]
        own = SOLD * budget[j] / (last - first)
        spend = utility = 0.0
        for e in range(first, last):
            i = node[e]
            x[e] = min(fair[i], own / price[i])
            load[i] += x[e]
            spend += price[i] * x[e]
            utility += weight[e] * x[e]
        money = user_weight[j] * utility ** (1.0 - alpha)
        for e in range(first, last):
            worth[node[e]] += weight[e] * x[e] * (money / utility)
        ends[j, 2] = utility
        if np.isfinite(budget[j]):
            ends[j, 0], ends[j, 1] = budget[j] - spend, 2.0 * money / budget[j]
    for i in range(m):
        if np.isfinite(capacity[i]):
            s[i] = capacity[i] - load[i]
            lam[i] = (2.0 * worth[i] + LEAST_SHARE) / capacity[i]
    for j in range(n):
        least = np.inf
        for e in range(indptr[j], indptr[j + 1]):
            z[e] = lam[node[e]] + ends[j, 1] * price[node[e]]
            least = min(least, z[e] / weight[e])
        ends[j, 3] = 0.5 * least
        for e in range(indptr[j], indptr[j + 1]):
            z[e] -= 0.5 * least * weight[e]
    return x, s, lam, ends, z


def centred_start(p: Problem) -> Point:
    """A feasible start with products in [1, 4] and u^alpha v = b: x, s, lam, ends, z.

    Farther from the optimum than the closed form, but all products are alike.
    """
    n = len(p.budget)
    degree = np.diff(p.indptr)
    user = np.repeat(np.arange(n, dtype=np.int32), degree)
    reached = np.maximum(np.bincount(p.node, minlength=len(p.capacity)), 1)
    limited, pays = np.isfinite(p.capacity), np.isfinite(p.budget)
    lam = np.where(limited, 4.0 * reached / p.capacity, 0.0)
    mu = np.where(pays, 4.0 * degree / p.budget, 0.0)
    price = np.where(pays[user], p.price[p.node], 0.0)
    x = 2.0 / np.maximum(lam[p.node], mu[user] * price)
    utility: Floats = np.bincount(user, p.weight * x, minlength=n).astype(np.float64)
    v = p.user_weight * utility**-p.alpha
    # The dual units follow the welfare's: no reduced price may be negative.
    unit = np.maximum((v * utility).max(initial=1.0), 1.0)
    lam, mu = unit * lam, unit * mu
    z = lam[p.node] + mu[user] * price - p.weight * v[user]
    load = np.bincount(p.node, x, minlength=len(p.capacity))
    s = np.where(limited, p.capacity - load, 0.0)
    spend = np.bincount(user, price * x, minlength=n)
    t = np.where(pays, p.budget - spend, 0.0)
    ends = np.ascontiguousarray(np.stack([t, mu, utility, v], axis=1))
    return x, s, lam, ends, z


def on_path(p: Problem, point: PathPoint) -> Point:
    """The iterate x, s, lam, ends, z at a point near the path; users are feasible.

    Loads and slacks need not add up to the capacities yet.
    """
    n = len(p.budget)
    lam, mu, v = point.lam, point.users[:, 0], point.users[:, 1]
    user = np.repeat(np.arange(n, dtype=np.int32), np.diff(p.indptr))
    z = mu[user] * p.price[p.node]
    z += lam[p.node]
    z -= p.weight * v[user]
    x = point.tau / z
    pays = mu > 0.0
    spend = segment_costs(x, p.price, p.node, p.indptr)
    t = np.where(pays, point.tau / np.where(pays, mu, 1.0), 0.0)
    shrink = np.ones(n)
    np.divide(p.budget - t, spend, out=shrink, where=pays)
    # A user that was not quite centred: slack and purchases share the budget.
    shrink = np.clip(shrink, 0.5 * p.budget / (spend + t), 1.0) if n else shrink
    x *= shrink[user]
    t = np.where(pays, p.budget - shrink * spend, 0.0)
    utility = segment_products(p.weight, x, p.indptr)
    limited = np.isfinite(p.capacity)
    own = point.tau / np.where(limited, lam, 1.0)
    slack = p.capacity - sums_by_node(x, p.node, len(p.capacity))
    fits = (slack > own / SLACK_FACTOR) & (slack < own * SLACK_FACTOR)
    s = np.where(limited, np.where(fits, slack, own), 0.0)
    ends = np.ascontiguousarray(np.stack([t, mu, utility, v], axis=1))
    return x, s, lam, ends, z
