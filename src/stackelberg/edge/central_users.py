"""Users on the central path at given node prices, many at a time.

At node prices lam and complementarity tau the conditions of one user are

    x_e z_e = tau,   t mu = tau,   u^alpha v = b,   z_e = lam_e + mu p_e - w_e v,

two equations in mu and v: sum p x + t is the budget, and sum w x = u. They are the
slope of a convex function whose barrier keeps every z_e > 0, so Newton's method with
steps that stay inside finds the one solution from any start inside.

Users are taken `LANES` at a time, edge k of each side by side, so that one instruction
serves several users. A lane without an edge k has money and worth zero there, one past
the last user has no equations; a user whose budget can never bind sees every price as
zero and has mu = 0.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from stackelberg.edge.dense_factor import REORDERED, subtract_gram
from stackelberg.edge.market import Floats, Ints
from stackelberg.edge.node_pairs import AnyInts, subtract_user

LANES = 32

MOST_STEPS = 30
"""Newton steps for one group of users; who needs more is left where it is."""

CLOSE = 1e-3
"""Squared Newton decrement, relative to tau, from which one more step is the last."""

INSIDE = 0.9
"""Share of the way to where some z_e would be zero that a step may go."""

MU, V = 0, 1
"""Columns of a user's state."""

LOAD, SLOPE, DIAGONAL = 0, 1, 2
"""Rows of what a pass adds up per node: sum x, its derivative by tau, own slopes."""

VALUE, STEPS, WORST = 0, 1, 2
"""What a pass adds up over users: dual value, Newton steps, largest decrement left."""


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
    is looked at. Adds to sums [3], per_node [3, M] and the lower triangle of
    matrix [M, M], or where that is empty the table of pairs (`node_pairs`), diagonal
    left apart.
    """
    m = matrix.shape[0]
    rent = np.empty((longest, LANES))
    move = np.empty((longest, LANES))
    money = np.empty((longest, LANES))
    worth = np.empty((longest, LANES))
    inverse = np.empty((longest, LANES))
    mu = np.empty(LANES)
    v = np.empty(LANES)
    paying = np.empty(LANES)
    real = np.empty(LANES)
    budgets = np.empty(LANES)
    weights = np.empty(LANES)
    old_v = np.empty(LANES)
    spp = np.empty(LANES)
    spw = np.empty(LANES)
    sww = np.empty(LANES)
    g1 = np.empty(LANES)
    g2 = np.empty(LANES)
    step1 = np.empty(LANES)
    step2 = np.empty(LANES)
    least = np.empty(LANES)
    one = np.empty((longest, LANES))
    two = np.empty((longest, LANES))
    user_nodes = np.empty(longest, dtype=np.int64)
    starts = np.empty(longest, dtype=np.int64)
    slots = np.empty(longest, dtype=np.int64)
    first_part = np.empty(longest)
    second_part = np.empty(longest)
    panel = np.zeros((m, 2 * LANES) if as_panels else (1, 1))
    power = 1.0 / alpha

    for group in range(first, last, stride * LANES):
        count = min(LANES, last - group)
        rows = 0
        for lane in range(count):
            rows = max(rows, indptr[group + lane + 1] - indptr[group + lane])
        for k in range(rows):
            for lane in range(LANES):
                rent[k, lane] = 1.0
                move[k, lane] = 0.0
                money[k, lane] = 0.0
                worth[k, lane] = 0.0
        for lane in range(LANES):
            mu[lane], v[lane], paying[lane], real[lane] = 0.0, 1.0, 0.0, 0.0
            budgets[lane], weights[lane] = 0.0, 1.0
        for lane in range(count):
            j = group + lane
            start = indptr[j]
            limited = budget[j] < np.inf
            paying[lane] = 1.0 if limited else 0.0
            real[lane] = 1.0
            budgets[lane] = budget[j] if limited else 0.0
            weights[lane] = user_weight[j]
            for k in range(indptr[j + 1] - start):
                i = node[start + k]
                rent[k, lane] = lam[i]
                move[k, lane] = lam[i] - old_lam[i]
                worth[k, lane] = weight[start + k]
                if limited:
                    money[k, lane] = price[i]
            if fresh:
                mu[lane] = user_weight[j] / budget[j] if limited else 0.0
            else:
                mu[lane], v[lane] = state[j, MU], state[j, V]
        for lane in range(LANES):
            old_v[lane] = v[lane]

        # Along the path: how mu and v answer the change of lam and tau.
        change = tau - old_tau
        if not fresh:
            for lane in range(LANES):
                spp[lane], spw[lane] = 1.0 - paying[lane], 0.0
                g1[lane] = 0.0
                if paying[lane] > 0.0:
                    spp[lane] += old_tau / (mu[lane] * mu[lane])
                    g1[lane] = budgets[lane] - tau / mu[lane]
                u = (weights[lane] / v[lane]) ** power
                sww[lane] = 1.0 - real[lane] + real[lane] * power * u / v[lane]
                g2[lane] = real[lane] * u
            for k in range(rows):
                for lane in range(LANES):
                    p, w = money[k, lane], worth[k, lane]
                    by_z = 1.0 / (
                        rent[k, lane] - move[k, lane] + mu[lane] * p - v[lane] * w
                    )
                    x = old_tau * by_z
                    theta = x * by_z
                    moved = x + change * by_z - theta * move[k, lane]
                    spp[lane] += theta * p * p
                    spw[lane] += theta * p * w
                    sww[lane] += theta * w * w
                    g1[lane] -= moved * p
                    g2[lane] -= moved * w
            for lane in range(LANES):
                by_det = 1.0 / (spp[lane] * sww[lane] - spw[lane] * spw[lane])
                d_mu = (spw[lane] * g2[lane] - sww[lane] * g1[lane]) * by_det
                d_v = (spp[lane] * g2[lane] - spw[lane] * g1[lane]) * by_det
                mu[lane] = max(mu[lane] + paying[lane] * d_mu, 0.1 * mu[lane])
                v[lane] = max(v[lane] + d_v, 0.1 * v[lane])

        # Inside at the new prices, whatever the extrapolation says.
        for lane in range(LANES):
            least[lane] = np.inf
        for k in range(rows):
            for lane in range(LANES):
                if worth[k, lane] > 0.0:
                    dearness = rent[k, lane] + mu[lane] * money[k, lane]
                    least[lane] = min(least[lane], dearness / worth[k, lane])
        for lane in range(LANES):
            if fresh:
                if least[lane] < np.inf:
                    v[lane] = 0.5 * least[lane]
            else:
                # A user with one edge alone has z = tau / b of w v there.
                near = min(0.5, tau / weights[lane])
                if v[lane] > (1.0 - 0.1 * near) * least[lane]:
                    v[lane] = min(old_v[lane], (1.0 - near) * least[lane])

        worst = np.inf
        steps = 0
        last_step = False
        while True:
            for lane in range(LANES):
                spp[lane], spw[lane] = 1.0 - paying[lane], 0.0
                g1[lane] = 0.0
                if paying[lane] > 0.0:
                    spp[lane] += tau / (mu[lane] * mu[lane])
                    g1[lane] = budgets[lane] - tau / mu[lane]
                u = (weights[lane] / v[lane]) ** power
                sww[lane] = 1.0 - real[lane] + real[lane] * power * u / v[lane]
                g2[lane] = real[lane] * u
            for k in range(rows):
                for lane in range(LANES):
                    p, w = money[k, lane], worth[k, lane]
                    by_z = 1.0 / (rent[k, lane] + mu[lane] * p - v[lane] * w)
                    inverse[k, lane] = by_z
                    x = tau * by_z
                    theta = x * by_z
                    spp[lane] += theta * p * p
                    spw[lane] += theta * p * w
                    sww[lane] += theta * w * w
                    g1[lane] -= x * p
                    g2[lane] -= x * w
            if last_step or steps == MOST_STEPS:
                break
            for lane in range(LANES):
                by_det = 1.0 / (spp[lane] * sww[lane] - spw[lane] * spw[lane])
                step1[lane] = (spw[lane] * g2[lane] - sww[lane] * g1[lane]) * by_det
                step2[lane] = (spp[lane] * g2[lane] - spw[lane] * g1[lane]) * by_det
                least[lane] = -step2[lane] / v[lane]
                if paying[lane] > 0.0:
                    least[lane] = max(least[lane], -step1[lane] / mu[lane])
            for k in range(rows):
                for lane in range(LANES):
                    shrink = (
                        step2[lane] * worth[k, lane] - step1[lane] * money[k, lane]
                    ) * inverse[k, lane]
                    least[lane] = max(least[lane], shrink)
            worst = 0.0
            for lane in range(LANES):
                worst = max(worst, g2[lane] * step2[lane] - g1[lane] * step1[lane])
                length = min(1.0, INSIDE / max(least[lane], 1e-300))
                mu[lane] += length * step1[lane]
                v[lane] += length * step2[lane]
            worst /= tau
            last_step = worst < CLOSE
            steps += 1

        # What is left of the users' equations is taken along to first order.
        for lane in range(LANES):
            det = spp[lane] * sww[lane] - spw[lane] * spw[lane]
            by_det = 1.0 / det
            step1[lane] = (spw[lane] * g2[lane] - sww[lane] * g1[lane]) * by_det
            step2[lane] = (spp[lane] * g2[lane] - spw[lane] * g1[lane]) * by_det
            g1[lane] = paying[lane] / mu[lane] if paying[lane] > 0.0 else 0.0
            g2[lane] = 0.0
        for k in range(rows):
            for lane in range(LANES):
                g1[lane] += money[k, lane] * inverse[k, lane]
                g2[lane] += worth[k, lane] * inverse[k, lane]
        for lane in range(LANES):
            by_det = 1.0 / (spp[lane] * sww[lane] - spw[lane] * spw[lane])
            by_tau1 = (sww[lane] * g1[lane] - spw[lane] * g2[lane]) * by_det
            by_tau2 = (spw[lane] * g1[lane] - spp[lane] * g2[lane]) * by_det
            g1[lane], g2[lane] = by_tau1, by_tau2
            least[lane] = 1.0 / math.sqrt(spp[lane])
            old_v[lane] = math.sqrt(spp[lane] * by_det)
        for k in range(rows):
            for lane in range(LANES):
                p, w, by_z = money[k, lane], worth[k, lane], inverse[k, lane]
                theta = tau * by_z * by_z
                rent[k, lane] = tau * by_z - theta * (p * step1[lane] - w * step2[lane])
                move[k, lane] = by_z - theta * (p * g1[lane] - w * g2[lane])
                one[k, lane] = theta * p * least[lane]
                two[k, lane] = theta * (spw[lane] / spp[lane] * p - w) * old_v[lane]
                inverse[k, lane] = theta
        for lane in range(count):
            j = group + lane
            start = indptr[j]
            degree = indptr[j + 1] - start
            state[j, MU], state[j, V] = mu[lane], v[lane]
            for k in range(degree):
                i = node[start + k]
                a, b = one[k, lane], two[k, lane]
                user_nodes[k], first_part[k], second_part[k] = i, a, b
                per_node[LOAD, i] += rent[k, lane]
                per_node[SLOPE, i] += move[k, lane]
                per_node[DIAGONAL, i] += max(inverse[k, lane] - a * a - b * b, 0.0)
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
