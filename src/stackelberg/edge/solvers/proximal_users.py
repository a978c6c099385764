"""Users who answer node prices, each held near the amounts it had before.

At node prices lam user j chooses the amounts x >= 0 within its budget that maximise

    b u^(1 - alpha) / (1 - alpha) - sum_e lam_e x_e - sum_e (x_e - y_e)^2 / (2 t_e),

u = sum_e w_e x_e, y the amounts before. Given the price
mu of its money and v of its utility, x_e = max(0, y_e + t_e (w_e v - lam_e - mu p_e)),
so that two equations are left: the budget, and u^alpha v = b. They are the slope of a
convex function of mu and v; Newton's method, cut where it overshoots, finds the zero in
one step from the last pass's values for nearly all users.

The step t_e = x_e u / w_e grows with the edge's own amount at the anchor x, no less
than a share of what the edge would get if all were split equally: edges that carry a
lot move fast, edges that carry nothing do not stir up their node.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from stackelberg.edge.market import Floats
from stackelberg.edge.solvers.dense_factor import REORDERED
from stackelberg.edge.solvers.node_pairs import AnyInts

MOST_STEPS = 60
"""Newton steps of one user in one pass; who needs more goes on in the next."""

CLOSE = 1e-3
"""Squared Newton decrement, relative to the user's virtual money, whose step is the
last; the error left is of the order of its square."""

OVERSHOT = 0.5
"""Share of the slope at the start that may stand against a Newton step at its end."""

LEAST_AMOUNT = 0.03
"""Share of an equal split that an edge's step is made for at least."""

MU, V, ANCHOR_V = 0, 1, 2
"""Columns of the users' state."""

LAM, PRICE, BY_PRICE, FAIR = 0, 1, 2, 3
"""Columns of what is known of the nodes: their price of capacity, p, 1/p, and an equal
split of the capacity."""

MOVED, EVALUATIONS = 0, 1
"""What `sweep` adds up: sum (x+ - x)^2 / t, and evaluations of users' equations."""


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def _utility(v: float, user_weight: float, alpha: float) -> float:
    """U with u^alpha v = b."""
    return user_weight / v if alpha == 1.0 else (user_weight / v) ** (1.0 / alpha)


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def _read(
    first: int,
    d: int,
    budget: float,
    utility: float,
    node: AnyInts,
    weight: Floats,
    nodes: Floats,
    anchor: Floats,
    amount: Floats,
    start: Floats,
    step: Floats,
    worth: Floats,
    money: Floats,
) -> None:
    """Lay one user's edges side by side, so that the loops over them are quick.

    Writes t times `utility` / u to `step`, w to `worth`, p to `money` (zero where no
    budget limits) and x - t lam to `start`, each [d or more].
    """
    pays = budget < np.inf
    share = LEAST_AMOUNT * budget / d
    for k in range(d):
        row = nodes[node[first + k]]
        start[k] = row[LAM]
        money[k] = row[PRICE] if pays else 0.0
        step[k] = min(LEAST_AMOUNT * row[FAIR], share * row[BY_PRICE])
    for k in range(d):
        worth[k] = weight[first + k]
        step[k] = max(step[k], anchor[first + k]) * utility / worth[k]
        start[k] = amount[first + k] - step[k] * start[k]


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def _settle(
    d: int,
    budget: float,
    user_weight: float,
    alpha: float,
    mu: float,
    v: float,
    start: Floats,
    step: Floats,
    worth: Floats,
    money: Floats,
) -> tuple[float, float, int]:
    """Solve one user's two equations from (mu, v); the solution and evaluations.

    An edge gets max(0, start + step (worth v - money mu)).
    """
    d_mu, d_v, before = 0.0, 0.0, 0.0
    evaluations = 0
    budget = budget if budget < np.inf else 1.0  # spend is zero then
    while True:
        u, spend, spp, spw, sww = 0.0, 0.0, 0.0, 0.0, 0.0
        for k in range(d):
            w, p, t = worth[k], money[k], step[k]
            x = start[k] + t * (w * v - p * mu)
            buys = x > 0.0
            x = x if buys else 0.0
            t = t if buys else 0.0
            u += w * x
            spend += p * x
            spp += t * p * p
            spw += t * p * w
            sww += t * w * w
        evaluations += 1
        over = spend - budget
        wanted = _utility(v, user_weight, alpha)
        lacking = wanted - u
        slope = d_mu * over + d_v * lacking
        if evaluations > 1 and -slope > OVERSHOT * before and evaluations < MOST_STEPS:
            keep = max(before / (before - slope), 0.1)
            mu -= (1.0 - keep) * d_mu
            v -= (1.0 - keep) * d_v
            d_mu *= keep
            d_v *= keep
            before *= keep
            continue
        curve = sww + wanted / (alpha * v)
        if spp <= 0.0 or (mu <= 0.0 and over <= 0.0):
            d_mu = -mu if over <= 0.0 else 0.0
            d_v = (lacking + spw * d_mu) / curve
        else:
            by_det = 1.0 / max(spp * curve - spw * spw, 1e-12 * spp * curve)
            d_mu = (curve * over + spw * lacking) * by_det
            d_v = (spw * over + spp * lacking) * by_det
            if mu + d_mu < 0.0:
                d_mu = -mu
                d_v = (lacking + spw * d_mu) / curve
        if d_v < -0.8 * v:
            cut = -0.8 * v / d_v
            d_mu *= cut
            d_v *= cut
        before = abs(d_mu * over + d_v * lacking)
        mu = max(mu + d_mu, 0.0)
        v += d_v
        if before <= CLOSE * wanted * v or evaluations >= MOST_STEPS:
            return mu, v, evaluations


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED)
def sweep(
    first: int,
    last: int,
    longest: int,
    indptr: AnyInts,
    node: AnyInts,
    weight: Floats,
    budget: Floats,
    user_weight: Floats,
    alpha: float,
    length: float,
    nodes: Floats,
    anchor: Floats,
    forward: float,
    amount: Floats,
    state: Floats,
    sums: Floats,
    load: Floats,
) -> None:
    """One pass over users `first` to `last`: they answer, and move beyond the answer.

    With x+ the answer to lam, the amounts x become
    `forward` (2 x+ - x) + (1 - `forward`) anchor; negative ones may be among them.
    With `forward` < 0 they stay.

    Args:
        first: user.
        last: user.
        longest: edges of the user with most.
        indptr: bounds of each user's edges [N + 1].
        node: of each edge.
        weight: of each edge.
        budget: of each user [N].
        user_weight: of each user [N].
        alpha: of the welfare.
        length: factor on every step t.
        nodes: see `LAM`, `PRICE`, `BY_PRICE`, `FAIR` [M, 4].
        anchor: amounts at the last restart, >= 0.
        forward: see above.
        amount: x per edge, read and written.
        state: (mu, v, v at the anchor) per user [N, 3], read and written.
        sums: see `MOVED`, `EVALUATIONS`; added to [2].
        load: sum of 2 x+ - x; added to [M].
    """
    start, step = np.empty(longest), np.empty(longest)
    worth, money = np.empty(longest), np.empty(longest)
    total = 0.0
    for j in range(first, last):
        begin, end = indptr[j], indptr[j + 1]
        d = end - begin
        utility = length * _utility(state[j, ANCHOR_V], user_weight[j], alpha)
        _read(
            begin, d, budget[j], utility, node, weight, nodes, anchor, amount,
            start, step, worth, money,
        )  # fmt: skip
        mu, v, evaluations = _settle(
            d, budget[j], user_weight[j], alpha, state[j, MU], state[j, V],
            start, step, worth, money,
        )  # fmt: skip
        state[j, MU], state[j, V] = mu, v
        sums[EVALUATIONS] += evaluations
        moved = 0.0
        if forward >= 0.0:
            for k in range(d):
                e = begin + k
                beyond = max(0.0, start[k] + step[k] * (worth[k] * v - money[k] * mu))
                change = beyond - amount[e]
                beyond += change
                moved += change * change / step[k]
                start[k] = beyond
                amount[e] = forward * beyond + (1.0 - forward) * anchor[e]
        else:
            for k in range(d):
                beyond = max(0.0, start[k] + step[k] * (worth[k] * v - money[k] * mu))
                start[k] = 2.0 * beyond - amount[begin + k]
        for k in range(d):
            load[node[begin + k]] += start[k]
        total += moved
    sums[MOVED] += length * total


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED)
def answer(
    first: int,
    last: int,
    longest: int,
    indptr: AnyInts,
    node: AnyInts,
    weight: Floats,
    budget: Floats,
    user_weight: Floats,
    alpha: float,
    length: float,
    nodes: Floats,
    anchor: Floats,
    amount: Floats,
    state: Floats,
    bound_lam: Floats,
    shrink: Floats,
    out: Floats,
    sums: Floats,
) -> None:
    """What the answers of the last `sweep` prove, whose lam and amounts these are.

    The answers are cut to the capacities by `shrink` [M] and to the budget. Adds the
    users' part of the dual bound at `bound_lam` and mu less the objective, and their
    virtual money, to sums [2]. Writes the amounts to `out` unless it is empty.
    """
    start, step = np.empty(longest), np.empty(longest)
    worth, money = np.empty(longest), np.empty(longest)
    for j in range(first, last):
        begin, end = indptr[j], indptr[j + 1]
        d = end - begin
        mu, v = state[j, MU], state[j, V]
        utility = length * _utility(state[j, ANCHOR_V], user_weight[j], alpha)
        _read(
            begin, d, budget[j], utility, node, weight, nodes, anchor, amount,
            start, step, worth, money,
        )  # fmt: skip
        u, spend, least = 0.0, 0.0, np.inf
        for k in range(d):
            i = node[begin + k]
            x = max(0.0, start[k] + step[k] * (worth[k] * v - money[k] * mu))
            x *= shrink[i]
            u += worth[k] * x
            spend += money[k] * x
            least = min(least, (bound_lam[i] + mu * money[k]) / worth[k])
            start[k] = x
        cut = min(1.0, budget[j] / spend) if spend > 0.0 else 1.0
        u *= cut
        if len(out) > 0:
            for k in range(d):
                out[begin + k] = cut * start[k]
        if alpha == 1.0:
            paid = user_weight[j]
            lost = -paid * (1.0 + math.log(least * u / paid))
        else:
            paid = user_weight[j] * u ** (1.0 - alpha)
            ratio = least * u / paid
            lost = paid * (alpha * ratio ** (1.0 - 1.0 / alpha) - 1.0) / (1.0 - alpha)
        sums[0] += lost
        if mu > 0.0:
            sums[0] += mu * budget[j]
        sums[1] += paid


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED)
def restart(
    first: int,
    last: int,
    longest: int,
    indptr: AnyInts,
    node: AnyInts,
    weight: Floats,
    budget: Floats,
    user_weight: Floats,
    alpha: float,
    nodes: Floats,
    amount: Floats,
    anchor: Floats,
    state: Floats,
    sums: Floats,
    load: Floats,
    reach: Floats,
) -> None:
    """Make the amounts, cut to zero, the new anchor of users `first` to `last`.

    Adds sum (x - anchor)^2 / t to sums [1], with the old anchor and its steps; the
    amounts to load [M]; the new steps to reach [M].
    """
    start, step = np.empty(longest), np.empty(longest)
    worth, money = np.empty(longest), np.empty(longest)
    for j in range(first, last):
        begin, end = indptr[j], indptr[j + 1]
        d = end - begin
        utility = _utility(state[j, ANCHOR_V], user_weight[j], alpha)
        _read(
            begin, d, budget[j], utility, node, weight, nodes, anchor, amount,
            start, step, worth, money,
        )  # fmt: skip
        moved = 0.0
        for k in range(d):
            e = begin + k
            amount[e] = max(amount[e], 0.0)
            moved += (amount[e] - anchor[e]) ** 2 / step[k]
            anchor[e] = amount[e]
        sums[0] += moved
        state[j, ANCHOR_V] = state[j, V]
        utility = _utility(state[j, V], user_weight[j], alpha)
        _read(
            begin, d, budget[j], utility, node, weight, nodes, anchor, amount,
            start, step, worth, money,
        )  # fmt: skip
        for k in range(d):
            load[node[begin + k]] += amount[begin + k]
            reach[node[begin + k]] += step[k]
