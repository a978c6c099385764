"""Node prices to begin with, and what users answer to any."""

from __future__ import annotations

import numpy as np
from numba import njit

from stackelberg.edge.market import Floats, Ints
from stackelberg.edge.solvers.problem import Problem

MOST_TANGENTS = 40
"""Evaluations of one user's least cost; five are usual."""


def fair_prices(problem: Problem, gap: float) -> Floats:
    """Prices at which an equal split of every capacity would sell about half [M].

    Args:
        problem: what is to be solved.
        gap: per user, that of the central path's point which is wanted.
    """
    p = problem
    limited = np.isfinite(p.capacity)
    capacity = np.where(limited, p.capacity, 1.0)
    reached, share = _shares(
        p.indptr, p.node, p.weight, p.price, p.capacity, p.budget, p.user_weight,
        p.alpha,
    )  # fmt: skip
    unit = max(len(p.budget), 1) / max(p.num_products, 1)
    fair = (0.5 * share + gap * unit * reached + 1e-3) / capacity
    return np.where(limited, fair, 0.0)


def best_answers(problem: Problem, node_price: Floats) -> tuple[Floats, Floats]:
    """Each user's mu and v that are best at node prices lam, as the dual counts [N].

    With v(mu) = min_i (lam_i + mu p_i) / w_ij this is the greatest b log v - mu B over
    mu >= 0: a concave function of straight pieces, solved exactly by its tangents.
    Linear utility and the logarithm only.
    """
    p = problem
    return _answers(
        p.indptr, p.node, p.weight, p.price, p.budget, p.user_weight, node_price
    )


@njit(cache=True, error_model="numpy", nogil=True)
def _shares(
    indptr: Ints,
    node: Ints,
    weight: Floats,
    price: Floats,
    capacity: Floats,
    budget: Floats,
    user_weight: Floats,
    alpha: float,
) -> tuple[Floats, Floats]:
    """How many users reach each node (1 at least), and the virtual money that an equal
    split of everything would spend there.
    """
    m = len(capacity)
    reached, share, fair = np.zeros(m), np.zeros(m), np.empty(m)
    for e in range(len(node)):
        reached[node[e]] += 1.0
    for i in range(m):
        reached[i] = max(reached[i], 1.0)
        fair[i] = capacity[i] / reached[i]
    for j in range(len(indptr) - 1):
        first, last = indptr[j], indptr[j + 1]
        own = budget[j] / max(last - first, 1)
        utility = 0.0
        for e in range(first, last):
            i = node[e]
            utility += weight[e] * min(fair[i], own / price[i])
        unit = user_weight[j] * utility**-alpha
        for e in range(first, last):
            i = node[e]
            share[i] += unit * (weight[e] * min(fair[i], own / price[i]))
    return reached, share


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def _cheapest(
    first: int,
    last: int,
    node: Ints,
    weight: Floats,
    price: Floats,
    node_price: Floats,
    mu: float,
) -> tuple[float, float, float]:
    """Least (lam_i + mu p_i) / w_i, and its lam_i / w_i and p_i / w_i."""
    least, best = np.inf, first
    for e in range(first, last):
        i = node[e]
        cost = (node_price[i] + mu * price[i]) / weight[e]
        if cost < least:
            least, best = cost, e
    i = node[best]
    return least, node_price[i] / weight[best], price[i] / weight[best]


@njit(cache=True, error_model="numpy", nogil=True)
def _answers(
    indptr: Ints,
    node: Ints,
    weight: Floats,
    price: Floats,
    budget: Floats,
    user_weight: Floats,
    node_price: Floats,
) -> tuple[Floats, Floats]:
    count = len(indptr) - 1
    best_mu, best_v = np.zeros(count), np.zeros(count)
    for j in range(count):
        first, last = indptr[j], indptr[j + 1]
        mu = 0.0
        v, rent, slope = _cheapest(first, last, node, weight, price, node_price, mu)
        most = user_weight[j] / budget[j]  # 0 for an infinite budget
        if slope * most > v:  # the first unit of money is worth having
            low_mu, low_rent, low_slope = mu, rent, slope
            high_mu, high_rent, high_slope = np.inf, 0.0, 0.0
            for _ in range(MOST_TANGENTS):
                mu = most - low_rent / low_slope
                if high_mu < np.inf:
                    cross = (high_rent - low_rent) / (low_slope - high_slope)
                    if mu > cross:
                        mu = cross
                        if high_slope > 0.0:
                            mu = max(cross, most - high_rent / high_slope)
                ended = not low_mu < mu < high_mu
                mu = min(max(mu, low_mu), high_mu)
                v, rent, slope = _cheapest(
                    first, last, node, weight, price, node_price, mu
                )
                if ended:
                    break
                if slope in (low_slope, high_slope):
                    break
                if slope * most > v:
                    low_mu, low_rent, low_slope = mu, rent, slope
                else:
                    high_mu, high_rent, high_slope = mu, rent, slope
        best_mu[j], best_v[j] = mu, v
    return best_mu, best_v
