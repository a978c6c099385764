"""One user with a smooth utility: its numbers, its curvature, its part of a step.

Letters as in `smooth_users`. A user's amounts answer changes of its rents by
dx = rho - H dq with

    H = diag(theta) + g y y',

diagonal plus one vector for every family and fairness. With the budget eliminated too,
p = prices, w = theta p and k = p'w + t/mu, it leaves to the nodes

    diag(theta) - w w'/k + (g k / d) v v',    v = y - (p'y / k) w,  d = k + g (p'y)^2,

a form in which nothing cancels but where one edge dominates; that one is summed apart.
"""

from __future__ import annotations

import math

from numba import njit

from stackelberg.edge.market import Floats, Ints
from stackelberg.edge.solvers.dense_factor import REORDERED

BINDING = 0.1
"""A budget binds where its slack answers a change of mu by less than this share."""

MOST_BY_DEMAND = 1.5
"""Greatest elasticity at which amounts are told by rents, not marginals by amounts."""


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def utility_and_shares(
    s: float, start: int, stop: int, weight: Floats, x: Floats, share: Floats
) -> float:
    """u(x), not for s = 0 in `share`: x_i (du/dx_i) / u per edge, from 0 on."""
    d = stop - start
    if s == 0.0:
        least = math.inf
        for k in range(d):
            least = min(least, x[start + k] / weight[start + k])
        return least
    if s == 1.0:
        logs = 0.0
        for k in range(d):
            share[k] = weight[start + k]
            logs += weight[start + k] * math.log(x[start + k])
        return math.exp(logs)
    power = 1.0 - 1.0 / s
    unit = weight[start] * x[start]
    for k in range(1, d):
        one = weight[start + k] * x[start + k]
        unit = max(unit, one) if power > 0.0 else min(unit, one)
    total = 0.0
    for k in range(d):
        share[k] = (weight[start + k] * x[start + k] / unit) ** power
        total += share[k]
    for k in range(d):
        share[k] /= total
    return unit * total ** (1.0 / power)


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def expenditure_and_shares(
    s: float, d: int, start: int, weight: Floats, rent: Floats, share: Floats
) -> float:
    """e(q) and the share of each edge in what a best bundle costs."""
    total = 0.0
    if s == 0.0:
        for k in range(d):
            share[k] = weight[start + k] * rent[k]
            total += share[k]
        for k in range(d):
            share[k] /= total
        return total
    if s == 1.0:
        for k in range(d):
            share[k] = weight[start + k]
            total += share[k] * math.log(rent[k] / share[k])
        return math.exp(total)
    power = 1.0 - s
    unit = rent[0] / weight[start]
    for k in range(1, d):
        one = rent[k] / weight[start + k]
        unit = max(unit, one) if power > 0.0 else min(unit, one)
    for k in range(d):
        share[k] = (rent[k] / weight[start + k] / unit) ** power
        total += share[k]
    for k in range(d):
        share[k] /= total
    return unit * total ** (1.0 / power)


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def gap_of_fairness(alpha: float, b: float, u: float, e: float) -> tuple[float, float]:
    """W*(e) - W(u) + e u, and the lesser of b u^(1 - alpha) and the demand's."""
    if alpha == 1.0:
        excess = e * u / b - 1.0
        return b * (excess - math.log1p(excess)), b
    demand = (b / e) ** (1.0 / alpha)
    best = e * demand
    excess = u / demand - 1.0
    logs = math.log1p(excess)
    grown = math.expm1((1.0 - alpha) * logs) / (1.0 - alpha)
    return best * (excess - grown), min(best, b * u ** (1.0 - alpha))


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def curvature(
    s: float,
    alpha: float,
    start: int,
    d: int,
    slope: Floats,
    x: Floats,
    z: Floats,
    rent: Floats,
    theta: Floats,
    y: Floats,
) -> float:
    """Writes theta and y per edge, from 0 on, and returns g of H.

    By demand `slope` is an amount near x and demand, and `rent` is read; by
    marginal welfare `slope` is dW/dx and `z` is read.
    """
    total = 0.0
    if s <= MOST_BY_DEMAND:
        for k in range(d):
            y[k] = slope[start + k]
            theta[k] = s * y[k] / rent[k] if s > 0.0 else 0.0
            total += rent[k] * y[k]
        return (1.0 / alpha - s) / total
    inner = 0.0
    for k in range(d):
        e = start + k
        theta[k] = x[e] / (slope[e] / s + z[e])
        y[k] = theta[k] * slope[e]
        total += slope[e] * x[e]
        inner += y[k] * slope[e]
    c = (alpha - 1.0 / s) / total
    return -c / (1.0 + c * inner)


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def eliminate_budget(
    d: int, looseness: float, theta: Floats, y: Floats, money: Floats, g: float
) -> tuple[float, float, float]:
    """k, p'y and d of the module for t/mu = `looseness`; money is p, zero throughout
    where no budget can bind.
    """
    k = looseness
    py = 0.0
    for i in range(d):
        k += theta[i] * money[i] * money[i]
        py += money[i] * y[i]
    return k, py, k + g * py * py


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def leave_to_nodes(
    d: int,
    looseness: float,
    theta: Floats,
    y: Floats,
    money: Floats,
    k: float,
    py: float,
    diagonal: Floats,
    along: Floats,
    across: Floats,
) -> None:
    """Writes the diagonal theta - w^2/k, w / sqrt(k) and v of the module per edge."""
    by_k = 1.0 / k
    root = math.sqrt(by_k)
    top = 0
    most = -1.0
    for i in range(d):
        w = theta[i] * money[i]
        size = w * money[i]
        if size > most:
            most = size
            top = i
        diagonal[i] = theta[i] * max(k - size, 0.0) * by_k
        along[i] = w * root
        across[i] = y[i] - py * by_k * w
    # Where one edge dominates, k - size and v keep their digits in what the rest add.
    rest = looseness
    others = 0.0
    for i in range(d):
        if i != top:
            rest += theta[i] * money[i] * money[i]
            others += money[i] * y[i]
    diagonal[top] = theta[top] * rest * by_k
    across[top] = (y[top] * rest - theta[top] * money[top] * others) * by_k


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def reduce_right_side(
    d: int,
    g: float,
    py: float,
    delta: float,
    theta: Floats,
    y: Floats,
    money: Floats,
    rho: Floats,
    wanted: float,
    looseness: float,
    reduced: Floats,
) -> None:
    """What the user leaves to the nodes' right side: rho - H p (p'rho + wanted) / d."""
    total = wanted
    for i in range(d):
        total += money[i] * rho[i]
    total /= delta
    for i in range(d):
        h = theta[i] * money[i] + g * py * y[i]
        reduced[i] = rho[i] - h * total
    if looseness < BINDING * delta:
        _keep_to_budget(d, y, money, looseness * total - wanted, reduced)


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def answer(
    d: int,
    start: int,
    node: Ints,
    g: float,
    py: float,
    delta: float,
    theta: Floats,
    y: Floats,
    money: Floats,
    rho: Floats,
    wanted: float,
    looseness: float,
    d_lam: Floats,
    change: Floats,
) -> float:
    """The user's own step once the nodes' is known; writes dx, returns dmu."""
    total = wanted
    for i in range(d):
        h = theta[i] * money[i] + g * py * y[i]
        total += money[i] * rho[i] - h * d_lam[node[start + i]]
    d_mu = total / delta
    inner = 0.0
    for i in range(d):
        inner += y[i] * (d_lam[node[start + i]] + d_mu * money[i])
    inner *= g
    for i in range(d):
        rent_change = d_lam[node[start + i]] + d_mu * money[i]
        change[i] = rho[i] - theta[i] * rent_change - inner * y[i]
    if looseness < BINDING * delta:
        _keep_to_budget(d, y, money, looseness * d_mu - wanted, change)
    return d_mu


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def _keep_to_budget(
    d: int, y: Floats, money: Floats, paid: float, change: Floats
) -> None:
    """Let the edge that matters most to the budget take what the others leave of it.

    Where a budget binds and one edge dominates, that edge's change is a difference of
    large numbers; p'change = `paid` holds too, and says it without one.
    """
    top = 0
    most = -1.0
    others = 0.0
    for i in range(d):
        size = money[i] * y[i]
        if size > most:
            most = size
            top = i
    if money[top] > 0.0:
        for i in range(d):
            if i != top:
                others += money[i] * change[i]
        change[top] = (paid - others) / money[top]
