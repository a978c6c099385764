"""Users on the central path at given node prices, many at a time.

At node prices lam and complementarity tau the conditions of one user are

    x_e z_e = tau,   t mu = tau,   u^alpha v = b,   z_e = lam_e + mu p_e - w_e v,

two equations in mu and v: sum p x + t is the budget, and sum w x = u. They are the
slope of a convex function whose barrier keeps every z_e > 0, so Newton's method with
steps that stay inside finds the one solution from any start inside.

Users are taken `LANES` at a time, edge k of each side by side, so that one instruction
serves several users (`user_elimination` says why in fields of two arrays). A lane
without an edge k has money and worth zero there, one past the last user has no
equations; a user whose budget can never bind sees every price as zero and has mu = 0.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from stackelberg.edge.market import Floats, Ints
from stackelberg.edge.solvers.dense_factor import REORDERED, subtract_gram
from stackelberg.edge.solvers.lanes import LANES
from stackelberg.edge.solvers.node_pairs import AnyInts, subtract_user

MOST_STEPS = 30
"""Newton steps for one group of users; who needs more is left where it is."""

CLOSE = 1e-3
"""Squared Newton decrement, relative to tau, from which one more step is the last."""

INSIDE = 0.9
"""Share of the way to where some z_e would be zero that a step may go."""

MU, V = 0, 1
"""Columns of a user's state."""

LOAD, SLOPE, DIAGONAL = 0, 1, 2
"""Columns of what a pass adds up per node: sum x, its derivative by tau, own slopes."""

VALUE, STEPS, WORST = 0, 1, 2
"""What a pass adds up over users: dual value, Newton steps, largest decrement left."""

RENT, MOVE, MONEY, WORTH, INVERSE = 0, LANES, 2 * LANES, 3 * LANES, 4 * LANES
ONE, TWO = MONEY, WORTH
WIDTH = 5 * LANES
"""Fields of a row of `work`: lam, how far it moved, p, w and 1 / z; at the end the
demand, its derivative, the two columns that the user leaves to the nodes, and theta.
And the length of a row."""

OWN_MU, OWN_V, OLD_V, PAYING, REAL = 0, LANES, 2 * LANES, 3 * LANES, 4 * LANES
BUDGET, WEIGHT, LEAST = 5 * LANES, 6 * LANES, 7 * LANES
SPP, SPW, SWW = 8 * LANES, 9 * LANES, 10 * LANES
G1, G2, STEP1, STEP2 = 11 * LANES, 12 * LANES, 13 * LANES, 14 * LANES
OWN = 15 * LANES
"""Fields of `own`, per user: state, data, the 2 x 2 system and its right side."""


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def _read(
    group: int,
    count: int,
    indptr: Ints,
    node: Ints,
    weight: Floats,
    price: Floats,
    budget: Floats,
    user_weight: Floats,
    old_lam: Floats,
    lam: Floats,
    fresh: bool,
    state: Floats,
    work: Floats,
    own: Floats,
) -> int:
    """Lay users `group` to `group` + `count` side by side; edges of the longest."""
    rows = 0
    for lane in range(count):
        rows = max(rows, indptr[group + lane + 1] - indptr[group + lane])
    for k in range(rows):
        for lane in range(LANES):
            work[k, RENT + lane], work[k, MOVE + lane] = 1.0, 0.0
            work[k, MONEY + lane], work[k, WORTH + lane] = 0.0, 0.0
    for lane in range(LANES):
        own[OWN_MU + lane], own[OWN_V + lane] = 0.0, 1.0
        own[PAYING + lane], own[REAL + lane] = 0.0, 0.0
        own[BUDGET + lane], own[WEIGHT + lane] = 0.0, 1.0
    for lane in range(count):
        j = group + lane
        start = indptr[j]
        limited = budget[j] < np.inf
        own[PAYING + lane] = 1.0 if limited else 0.0
        own[REAL + lane] = 1.0
        own[BUDGET + lane] = budget[j] if limited else 0.0
        own[WEIGHT + lane] = user_weight[j]
        for k in range(indptr[j + 1] - start):
            i = node[start + k]
            work[k, RENT + lane] = lam[i]
            work[k, MOVE + lane] = lam[i] - old_lam[i]
            work[k, WORTH + lane] = weight[start + k]
            work[k, MONEY + lane] = price[i] if limited else 0.0
        if fresh:
            own[OWN_MU + lane] = user_weight[j] / budget[j] if limited else 0.0
        else:
            own[OWN_MU + lane], own[OWN_V + lane] = state[j, MU], state[j, V]
    for lane in range(LANES):
        own[OLD_V + lane] = own[OWN_V + lane]
    return rows


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def _begin_sums(at: float, tau: float, power: float, own: Floats) -> None:
    """What the budget's slack (at complementarity `at`, wanted `tau`) and the utility
    add to the 2 x 2 system.
    """
    for lane in range(LANES):
        pays = own[PAYING + lane] > 0.0
        mu = own[OWN_MU + lane] if pays else 1.0
        own[SPP + lane] = at / (mu * mu) if pays else 1.0
        own[G1 + lane] = own[BUDGET + lane] - tau / mu if pays else 0.0
        own[SPW + lane] = 0.0
    for lane in range(LANES):
        v, real = own[OWN_V + lane], own[REAL + lane]
        u = own[WEIGHT + lane] / v
        u = u if power == 1.0 else u**power
        own[SWW + lane] = 1.0 - real + real * power * u / v
        own[G2 + lane] = real * u


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def _newton_step(own: Floats) -> None:
    """The step in mu and v that the 2 x 2 system asks for."""
    for lane in range(LANES):
        spp, spw, sww = own[SPP + lane], own[SPW + lane], own[SWW + lane]
        by_det = 1.0 / (spp * sww - spw * spw)
        own[STEP1 + lane] = (spw * own[G2 + lane] - sww * own[G1 + lane]) * by_det
        own[STEP2 + lane] = (spp * own[G2 + lane] - spw * own[G1 + lane]) * by_det


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def _extrapolate(
    rows: int, old_tau: float, tau: float, power: float, work: Floats, own: Floats
) -> None:
    """Along the path: how mu and v answer the change of lam and tau."""
    change = tau - old_tau
    _begin_sums(old_tau, tau, power, own)
    for k in range(rows):
        for lane in range(LANES):
            p, w = work[k, MONEY + lane], work[k, WORTH + lane]
            by_z = work[k, RENT + lane] - work[k, MOVE + lane]
            by_z = 1.0 / (by_z + own[OWN_MU + lane] * p - own[OWN_V + lane] * w)
            x = old_tau * by_z
            theta = x * by_z
            moved = x + change * by_z - theta * work[k, MOVE + lane]
            own[SPP + lane] += theta * p * p
            own[SPW + lane] += theta * p * w
            own[SWW + lane] += theta * w * w
            own[G1 + lane] -= moved * p
            own[G2 + lane] -= moved * w
    _newton_step(own)
    for lane in range(LANES):
        mu, v = own[OWN_MU + lane], own[OWN_V + lane]
        d_mu = own[PAYING + lane] * own[STEP1 + lane]
        own[OWN_MU + lane] = max(mu + d_mu, 0.1 * mu)
        own[OWN_V + lane] = max(v + own[STEP2 + lane], 0.1 * v)


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def _inside(rows: int, tau: float, fresh: bool, work: Floats, own: Floats) -> None:
    """Every z_e > 0 at the new prices, whatever the extrapolation says."""
    for lane in range(LANES):
        own[LEAST + lane] = np.inf
    for k in range(rows):
        for lane in range(LANES):
            w = work[k, WORTH + lane]
            dearness = work[k, RENT + lane] + own[OWN_MU + lane] * work[k, MONEY + lane]
            dearness = dearness / w if w > 0.0 else np.inf
            own[LEAST + lane] = min(own[LEAST + lane], dearness)
    for lane in range(LANES):
        least, v = own[LEAST + lane], own[OWN_V + lane]
        if fresh:
            own[OWN_V + lane] = 0.5 * least if least < np.inf else v
        else:
            # A user with one edge alone has z = tau / b of w v there.
            near = min(0.5, tau / own[WEIGHT + lane])
            if v > (1.0 - 0.1 * near) * least:
                own[OWN_V + lane] = min(own[OLD_V + lane], (1.0 - near) * least)


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def _evaluate(rows: int, tau: float, power: float, work: Floats, own: Floats) -> None:
    """The 2 x 2 system at mu and v, and every 1 / z_e."""
    _begin_sums(tau, tau, power, own)
    for k in range(rows):
        for lane in range(LANES):
            p, w = work[k, MONEY + lane], work[k, WORTH + lane]
            by_z = work[k, RENT + lane] + own[OWN_MU + lane] * p
            by_z = 1.0 / (by_z - own[OWN_V + lane] * w)
            x = tau * by_z
            theta = x * by_z
            work[k, INVERSE + lane] = by_z
            own[SPP + lane] += theta * p * p
            own[SPW + lane] += theta * p * w
            own[SWW + lane] += theta * w * w
            own[G1 + lane] -= x * p
            own[G2 + lane] -= x * w


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def _move(rows: int, tau: float, work: Floats, own: Floats) -> float:
    """A Newton step that stays inside; the largest squared decrement before it."""
    _newton_step(own)
    for lane in range(LANES):
        pays = own[PAYING + lane] > 0.0
        mu = own[OWN_MU + lane] if pays else 1.0
        by_mu = -own[STEP1 + lane] / mu if pays else -np.inf
        own[LEAST + lane] = max(-own[STEP2 + lane] / own[OWN_V + lane], by_mu)
    for k in range(rows):
        for lane in range(LANES):
            fall = own[STEP2 + lane] * work[k, WORTH + lane]
            fall -= own[STEP1 + lane] * work[k, MONEY + lane]
            shrink = fall * work[k, INVERSE + lane]
            own[LEAST + lane] = max(own[LEAST + lane], shrink)
    worst = 0.0
    for lane in range(LANES):
        one, two = own[STEP1 + lane], own[STEP2 + lane]
        worst = max(worst, own[G2 + lane] * two - own[G1 + lane] * one)
        length = min(1.0, INSIDE / max(own[LEAST + lane], 1e-300))
        own[OWN_MU + lane] += length * one
        own[OWN_V + lane] += length * two
    return worst / tau


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def _to_nodes(rows: int, tau: float, work: Floats, own: Floats) -> None:
    """What the nodes see of a group: fields RENT to INVERSE become what `WIDTH` says.

    What is left of the users' equations is taken along to first order.
    """
    _newton_step(own)
    for lane in range(LANES):
        pays = own[PAYING + lane] > 0.0
        own[G1 + lane] = 1.0 / own[OWN_MU + lane] if pays else 0.0
        own[G2 + lane] = 0.0
    for k in range(rows):
        for lane in range(LANES):
            by_z = work[k, INVERSE + lane]
            own[G1 + lane] += work[k, MONEY + lane] * by_z
            own[G2 + lane] += work[k, WORTH + lane] * by_z
    for lane in range(LANES):
        spp, spw, sww = own[SPP + lane], own[SPW + lane], own[SWW + lane]
        by_det = 1.0 / (spp * sww - spw * spw)
        g1, g2 = own[G1 + lane], own[G2 + lane]
        own[G1 + lane] = (sww * g1 - spw * g2) * by_det
        own[G2 + lane] = (spw * g1 - spp * g2) * by_det
        own[LEAST + lane] = 1.0 / math.sqrt(spp)
        own[OLD_V + lane] = math.sqrt(spp * by_det)
        own[SPW + lane] = spw / spp
    for k in range(rows):
        for lane in range(LANES):
            p, w = work[k, MONEY + lane], work[k, WORTH + lane]
            by_z = work[k, INVERSE + lane]
            theta = tau * by_z * by_z
            left = p * own[STEP1 + lane] - w * own[STEP2 + lane]
            answer = p * own[G1 + lane] - w * own[G2 + lane]
            work[k, RENT + lane] = tau * by_z - theta * left
            work[k, MOVE + lane] = by_z - theta * answer
            turned = own[SPW + lane] * p - w
            work[k, ONE + lane] = theta * p * own[LEAST + lane]
            work[k, TWO + lane] = theta * turned * own[OLD_V + lane]
            work[k, INVERSE + lane] = theta


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED)
def centre_users(
    first: int,
    last: int,
    stride: int,
    longest: int,
    indptr: Ints,
    node: Ints,
    weight: Floats,
    price: Floats,
    budget: Floats,
    user_weight: Floats,
    alpha: float,
    old_lam: Floats,
    lam: Floats,
    old_tau: float,
    tau: float,
    fresh: bool,
    as_panels: bool,
    state: Floats,
    sums: Floats,
    per_node: Floats,
    matrix: Floats,
    table: Floats,
    row_start: AnyInts,
    slot: AnyInts,
) -> None:
    """Centre users `first` to `last` at `lam`, `tau`; add up what the nodes see.

    Reads and writes `state` [N, 2], which holds each user's (mu, v) at `old_lam`,
    `old_tau` unless `fresh`. Of every `stride` groups of `LANES` users only the first
    is looked at. Adds to sums [3], per_node [M, 3] and the lower triangle of
    matrix [M, M], or where that is empty the table of pairs (`node_pairs`), diagonal
    left apart.
    """
    m = matrix.shape[0]
    work, own = np.empty((longest, WIDTH)), np.empty(OWN)
    user_nodes = np.empty(longest, dtype=np.int64)
    starts = np.empty(longest, dtype=np.int64)
    slots = np.empty(longest, dtype=np.int64)
    first_part, second_part = np.empty(longest), np.empty(longest)
    panel = np.zeros((m, 2 * LANES) if as_panels else (1, 1))
    power = 1.0 / alpha
    for group in range(first, last, stride * LANES):
        count = min(LANES, last - group)
        rows = _read(
            group, count, indptr, node, weight, price, budget, user_weight, old_lam,
            lam, fresh, state, work, own,
        )  # fmt: skip
        if not fresh:
            _extrapolate(rows, old_tau, tau, power, work, own)
        _inside(rows, tau, fresh, work, own)
        worst, steps = np.inf, 0
        _evaluate(rows, tau, power, work, own)
        while worst >= CLOSE and steps < MOST_STEPS:
            worst = _move(rows, tau, work, own)
            _evaluate(rows, tau, power, work, own)
            steps += 1
        _to_nodes(rows, tau, work, own)
        for lane in range(count):
            j = group + lane
            start = indptr[j]
            degree = indptr[j + 1] - start
            state[j, MU], state[j, V] = own[OWN_MU + lane], own[OWN_V + lane]
            for k in range(degree):
                i = node[start + k]
                a, b = work[k, ONE + lane], work[k, TWO + lane]
                user_nodes[k], first_part[k], second_part[k] = i, a, b
                per_node[i, LOAD] += work[k, RENT + lane]
                per_node[i, SLOPE] += work[k, MOVE + lane]
                left = work[k, INVERSE + lane] - a * a - b * b
                per_node[i, DIAGONAL] += max(left, 0.0)
            if as_panels:
                for k in range(degree):
                    panel[user_nodes[k], 2 * lane] = first_part[k]
                    panel[user_nodes[k], 2 * lane + 1] = second_part[k]
            elif m == 0:
                subtract_user(
                    table, row_start, slot, user_nodes, 0, degree, first_part,
                    second_part, starts, slots,
                )  # fmt: skip
            else:
                for k in range(1, degree):
                    row = matrix[user_nodes[k]]
                    a, b = first_part[k], second_part[k]
                    for h in range(k):
                        row[user_nodes[h]] -= a * first_part[h] + b * second_part[h]
        if as_panels:
            subtract_gram(matrix, panel)
            panel[:] = 0.0
        sums[STEPS] += steps * count
        sums[WORST] = max(sums[WORST], worst)
