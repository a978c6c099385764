"""The three passes over the users that one interior-point iteration makes.

Each pass reads a user's edges once, does everything that concerns the user alone, and
adds what the nodes need to sums of its block. Blocks are fixed by the market and added
in order, so any number of threads gives the same bits.

Letters, as in `interior_point`: x amount, z its reduced price; t slack of a budget, mu
its price; u utility, v its price; s slack of a capacity, lam its price. `ends` holds
(t, mu, u, v) per user: the two rows past a user's edges (see `user_elimination`, also
for why users come in groups of `LANES`). A user whose budget can never bind has
t = mu = 0 and sees every price as zero.

The utility's own pair is u^alpha v = b. With virtual money c = b u^(1 - alpha), which
is b for the logarithm, its Newton equation reads

    du + theta dv = (c - u v) / (alpha v) - du dv / v - (alpha - 1) / 2 du^2 / u.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from numba import njit

from stackelberg.edge.dense_factor import REORDERED, subtract_gram
from stackelberg.edge.market import Floats, Ints
from stackelberg.edge.node_pairs import subtract_user
from stackelberg.edge.user_elimination import (
    BY_DET,
    LANES,
    R11,
    R12,
    R22,
    eliminate,
    express,
    reduce_right_side,
)

GROUPS_PER_PANEL = 4

MOST_SECOND_ORDER = 0.5
"""Share of virtual money that the second-order term of a utility's own equation may
take: more of it turns the step around where the affine step cannot be taken in full."""

COMPLEMENTARITY, UTILITY_GAP, MONEY = 0, 1, 2
"""What `form` sums: x z + t mu, what u lacks at price v, and virtual money."""

X_DZ, Z_DX, DX_DZ = 0, 1, 2
"""What `predict` sums, so that any step lengths can be judged afterwards."""

Rows: TypeAlias = npt.NDArray[np.int32]
"""Numbers of rows, small to save memory."""

T, MU, U, V = 0, 1, 2, 3
"""Columns of `ends`."""


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED)
def _read(
    group: int,
    count: int,
    indptr: Ints,
    node: Ints,
    weight: Floats,
    price: Floats,
    user_weight: Floats,
    alpha: float,
    x: Floats,
    z: Floats,
    ends: Floats,
    amount: Floats,
    by_z: Floats,
    theta: Floats,
    money: Floats,
    worth: Floats,
    end: Floats,
    virtual: Floats,
) -> int:
    """Lay users `group` to `group` + `count` side by side; rows of the longest + 2.

    Writes per row and lane amount, by_z = 1 / z, theta, money, worth; per lane
    end = (t, mu, u, v) [4, LANES] and virtual money. Lanes past `count` have no edges,
    and b = u = v = 1.
    """
    d = 0
    for lane in range(count):
        d = max(d, indptr[group + lane + 1] - indptr[group + lane])
    for k in range(d):
        for lane in range(LANES):
            amount[k, lane] = 0.0
            by_z[k, lane] = np.inf
            money[k, lane] = 0.0
            worth[k, lane] = 0.0
    for lane in range(LANES):
        end[T, lane], end[MU, lane], end[U, lane], end[V, lane] = 0.0, 0.0, 1.0, 1.0
        virtual[lane] = 1.0
    for lane in range(count):
        j = group + lane
        start = indptr[j]
        for e in range(4):
            end[e, lane] = ends[j, e]
        virtual[lane] = user_weight[j]
        paying = 1.0 if ends[j, MU] > 0.0 else 0.0
        for k in range(indptr[j + 1] - start):
            e = start + k
            amount[k, lane] = x[e]
            by_z[k, lane] = z[e]
            money[k, lane] = paying * price[node[e]]
            worth[k, lane] = -weight[e]
    for k in range(d):
        for lane in range(LANES):
            by_z[k, lane] = 1.0 / by_z[k, lane]
            theta[k, lane] = amount[k, lane] * by_z[k, lane]
    for lane in range(LANES):
        if alpha != 1.0:
            virtual[lane] *= end[U, lane] ** (1.0 - alpha)
        pays = end[MU, lane] > 0.0
        theta[d, lane] = end[T, lane] / end[MU, lane] if pays else 1.0
        money[d, lane] = 1.0
        worth[d, lane] = 0.0
        theta[d + 1, lane] = end[U, lane] / (alpha * end[V, lane])
        money[d + 1, lane] = 0.0
        worth[d + 1, lane] = 1.0
    return d + 2


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED)
def _recall(
    group: int,
    count: int,
    rows: int,
    pivots: Rows,
    parts: Floats,
    pivot: Ints,
    part: Floats,
) -> None:
    """The elimination that `form` kept of each lane; lanes past `count` have none."""
    for lane in range(LANES):
        pivot[0, lane], pivot[1, lane] = rows - 2, rows - 1
        part[R11, lane], part[R12, lane], part[R22, lane] = 0.0, 0.0, 0.0
        part[BY_DET, lane] = 1.0
    for lane in range(count):
        for e in range(2):
            pivot[e, lane] = pivots[group + lane, e]
        for e in range(4):
            part[e, lane] = parts[group + lane, e]
        # The budget and the utility stand past the longest of the group.
        for e in range(2):
            if pivot[e, lane] < 0:
                pivot[e, lane] += rows


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED)
def form(
    first_user: int,
    last_user: int,
    longest: int,
    indptr: Ints,
    node: Ints,
    weight: Floats,
    price: Floats,
    user_weight: Floats,
    alpha: float,
    x: Floats,
    z: Floats,
    ends: Floats,
    pivots: Rows,
    parts: Floats,
    dx: Floats,
    dz: Floats,
    d_ends: Floats,
    step_x: float,
    step_z: float,
    as_panels: bool,
    sums: Floats,
    load: Floats,
    diagonal: Floats,
    right_side: Floats,
    matrix: Floats,
    table: Floats,
    row_start: Rows,
    slot: Rows,
) -> None:
    """Take the last step, then form this block's share of the M x M system.

    Writes x, z, ends of its users; adds to sums [3], load, diagonal, right_side [M]
    and the lower triangle of matrix [M, M], or where that is empty the table of pairs
    (`node_pairs`), diagonal left apart. The right side is that of the affine step.
    """
    size = (longest + 2, LANES)
    amount, by_z, theta = np.empty(size), np.empty(size), np.empty(size)
    money, worth = np.empty(size), np.empty(size)
    first, second = np.empty(size), np.empty(size)
    target, reduced = np.empty(size), np.empty(size)
    one, two = np.empty(size), np.empty(size)
    end, part = np.empty((4, LANES)), np.empty((4, LANES))
    pivot = np.empty((2, LANES), dtype=np.int64)
    virtual, along = np.empty(LANES), np.empty(LANES)
    lean, across = np.empty(LANES), np.empty(LANES)
    at_a, at_b = np.empty(LANES), np.empty(LANES)
    user_node = np.empty(longest, dtype=np.int64)
    user_one, user_two = np.empty(longest), np.empty(longest)
    starts = np.empty(longest, dtype=np.int64)
    slots = np.empty(longest, dtype=np.int64)
    m = matrix.shape[0]
    width = 2 * LANES * GROUPS_PER_PANEL
    panel = np.zeros((m, width) if as_panels else (1, 1))
    column = 0
    for group in range(first_user, last_user, LANES):
        count = min(LANES, last_user - group)
        products = 0.0
        for e in range(indptr[group], indptr[group + count]):
            x[e] += step_x * dx[e]
            z[e] += step_z * dz[e]
            products += x[e] * z[e]
        for e in range(indptr[group], indptr[group + count]):
            load[node[e]] += x[e]
        for j in range(group, group + count):
            ends[j, T] += step_x * d_ends[j, T]
            ends[j, MU] += step_z * d_ends[j, MU]
            ends[j, U] += step_x * d_ends[j, U]
            ends[j, V] += step_z * d_ends[j, V]
            products += ends[j, T] * ends[j, MU]
        sums[COMPLEMENTARITY] += products
        rows = _read(
            group, count, indptr, node, weight, price, user_weight, alpha, x, z, ends,
            amount, by_z, theta, money, worth, end, virtual,
        )  # fmt: skip
        d = rows - 2
        for lane in range(count):
            ratio = end[U, lane] * end[V, lane] / virtual[lane]
            if alpha == 1.0:
                lacking = ratio - 1.0 - math.log(ratio)
            else:
                best = ratio ** (1.0 - 1.0 / alpha)
                lacking = (alpha * best - 1.0) / (1.0 - alpha) + ratio
            sums[UTILITY_GAP] += virtual[lane] * lacking
            sums[MONEY] += virtual[lane]

        eliminate(rows, theta, money, worth, first, second, pivot, part)
        for k in range(d):
            for lane in range(LANES):
                target[k, lane] = -amount[k, lane]
        for lane in range(LANES):
            u, v = end[U, lane], end[V, lane]
            target[d, lane] = -end[T, lane]
            target[d + 1, lane] = (virtual[lane] - u * v) / (alpha * v)
        reduce_right_side(rows, theta, first, second, pivot, part, target, reduced)

        for lane in range(LANES):
            at_a[lane] = theta[pivot[0, lane], lane]
            at_b[lane] = theta[pivot[1, lane], lane]
        for lane in range(LANES):
            r11, r12, r22 = part[R11, lane], part[R12, lane], part[R22, lane]
            a, b = at_a[lane], at_b[lane]
            h11 = a + r11
            rest = max(r11 * r22 - r12 * r12, 0.0)
            by_det = 1.0 / (a * b + a * r22 + b * r11 + rest)
            along[lane] = 1.0 / math.sqrt(h11)
            lean[lane] = r12 / h11
            across[lane] = math.sqrt(h11 * by_det)
            at_a[lane] = a * (b * r11 + rest) * by_det
            at_b[lane] = b * (a * r22 + rest) * by_det
        for k in range(d):
            for lane in range(LANES):
                weighted = theta[k, lane] * along[lane] * first[k, lane]
                rest = second[k, lane] - lean[lane] * first[k, lane]
                turned = theta[k, lane] * rest * across[lane]
                one[k, lane] = weighted
                two[k, lane] = turned
                # Schur complement of the diagonal; the pivots' follow.
                target[k, lane] = max(
                    theta[k, lane] - weighted * weighted - turned * turned, 0.0
                )
        for lane in range(LANES):
            a, b = pivot[0, lane], pivot[1, lane]
            # In the pivots' own coordinates a is (1, 0) and b is (0, 1).
            one[a, lane] = theta[a, lane] * along[lane]
            two[a, lane] = -theta[a, lane] * lean[lane] * across[lane]
            target[a, lane] = at_a[lane]
            one[b, lane] = 0.0
            two[b, lane] = theta[b, lane] * across[lane]
            target[b, lane] = at_b[lane]

        for lane in range(count):
            j = group + lane
            start = indptr[j]
            degree = indptr[j + 1] - start
            for e in range(2):
                row = pivot[e, lane]
                pivots[j, e] = row if row < degree else row - rows
            for e in range(4):
                parts[j, e] = part[e, lane]
            for k in range(degree):
                i = node[start + k]
                user_node[k] = i
                user_one[k], user_two[k] = one[k, lane], two[k, lane]
                right_side[i] += reduced[k, lane]
                diagonal[i] += target[k, lane]
            if as_panels:
                for k in range(degree):
                    panel[user_node[k], column] = user_one[k]
                    panel[user_node[k], column + 1] = user_two[k]
                column += 2
            elif m == 0:
                subtract_user(
                    table, row_start, slot, user_node, 0, degree, user_one, user_two,
                    starts, slots,
                )  # fmt: skip
            else:
                for k in range(1, degree):
                    entries = matrix[user_node[k]]
                    a, b = user_one[k], user_two[k]
                    for h in range(k):
                        entries[user_node[h]] -= a * user_one[h] + b * user_two[h]
        if column > width - 2 * LANES:
            subtract_gram(matrix, panel)
            panel[:] = 0.0
            column = 0
    if column > 0:
        subtract_gram(matrix, panel)


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED)
def predict(
    first_user: int,
    last_user: int,
    longest: int,
    indptr: Ints,
    node: Ints,
    weight: Floats,
    price: Floats,
    user_weight: Floats,
    alpha: float,
    x: Floats,
    z: Floats,
    ends: Floats,
    pivots: Rows,
    parts: Floats,
    d_lam: Floats,
    product: Floats,
    d_ends: Floats,
    sums: Floats,
    longest_step: Floats,
    right_side: Floats,
    per_target: Floats,
) -> None:
    """The affine step of each user, and what it says about the step to take.

    Writes product = dx dz per edge and the same per end into d_ends[:, :2]; adds sums
    [3]; raises longest_step [2] to the greatest -dx/x and -dz/z; adds the corrector's
    right side [M] and its change per unit of the complementarity aimed at [M].
    """
    size = (longest + 2, LANES)
    amount, by_z, theta = np.empty(size), np.empty(size), np.empty(size)
    money, worth = np.empty(size), np.empty(size)
    first, second = np.empty(size), np.empty(size)
    target, reduced = np.empty(size), np.empty(size)
    end, part = np.empty((4, LANES)), np.empty((4, LANES))
    pivot = np.empty((2, LANES), dtype=np.int64)
    virtual, both_t, both_u = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    shrink_x, shrink_z = np.zeros(LANES), np.zeros(LANES)
    x_dz, z_dx, dx_dz = np.zeros(LANES), np.zeros(LANES), np.zeros(LANES)
    for group in range(first_user, last_user, LANES):
        count = min(LANES, last_user - group)
        rows = _read(
            group, count, indptr, node, weight, price, user_weight, alpha, x, z, ends,
            amount, by_z, theta, money, worth, end, virtual,
        )  # fmt: skip
        d = rows - 2
        _recall(group, count, rows, pivots, parts, pivot, part)
        express(rows, pivot, part[BY_DET], money, worth, first, second)
        for k in range(d):
            for lane in range(LANES):
                target[k, lane] = -amount[k, lane]
        for lane in range(count):
            start = indptr[group + lane]
            for k in range(indptr[group + lane + 1] - start):
                target[k, lane] -= theta[k, lane] * d_lam[node[start + k]]
        for lane in range(LANES):
            u, v = end[U, lane], end[V, lane]
            target[d, lane] = -end[T, lane]
            target[d + 1, lane] = (virtual[lane] - u * v) / (alpha * v)
        reduce_right_side(rows, theta, first, second, pivot, part, target, reduced)

        for k in range(d):
            for lane in range(LANES):
                is_edge = worth[k, lane] < 0.0
                held = amount[k, lane] if is_edge else 1.0
                change = reduced[k, lane] if is_edge else 0.0
                relative = change / held
                rise = 1.0 + relative  # -dz / z of the affine step
                rise = rise if is_edge else 0.0
                shrink_x[lane] = max(shrink_x[lane], -relative)
                shrink_z[lane] = max(shrink_z[lane], rise)
                at_z = 1.0 / by_z[k, lane] if is_edge else 0.0
                x_dz[lane] -= held * at_z * rise
                z_dx[lane] += at_z * change
                both = -change * at_z * rise
                dx_dz[lane] += both
                amount[k, lane] = both
                target[k, lane] = change * rise - (held if is_edge else 0.0)
        for lane in range(LANES):
            t, mu, u, v = end[T, lane], end[MU, lane], end[U, lane], end[V, lane]
            both_t[lane] = 0.0
            target[d, lane] = -t
            if mu > 0.0:
                change = reduced[d, lane]
                price_change = -(t + change) / theta[d, lane]
                shrink_x[lane] = max(shrink_x[lane], -change / t)
                shrink_z[lane] = max(shrink_z[lane], -price_change / mu)
                x_dz[lane] += t * price_change
                z_dx[lane] += mu * change
                both_t[lane] = change * price_change
                dx_dz[lane] += both_t[lane]
                target[d, lane] -= both_t[lane] / mu
            affine = (virtual[lane] - u * v) / (alpha * v)
            change = reduced[d + 1, lane]
            price_change = (affine - change) / theta[d + 1, lane]
            shrink_x[lane] = max(shrink_x[lane], -change / u)
            shrink_z[lane] = max(shrink_z[lane], -price_change / v)
            both = change * price_change / v
            both += 0.5 * (alpha - 1.0) * change * change / u
            most = MOST_SECOND_ORDER * virtual[lane] / (alpha * v)
            both = min(max(both, -most), most)
            both_u[lane] = both
            target[d + 1, lane] = affine - both
        reduce_right_side(rows, theta, first, second, pivot, part, target, reduced)
        for k in range(d):
            for lane in range(LANES):
                target[k, lane] = by_z[k, lane]
        for lane in range(LANES):
            mu = end[MU, lane]
            target[d, lane] = 1.0 / mu if mu > 0.0 else 0.0
            target[d + 1, lane] = 0.0
        for lane in range(count):
            j = group + lane
            start = indptr[j]
            d_ends[j, 0], d_ends[j, 1] = both_t[lane], both_u[lane]
            for k in range(indptr[j + 1] - start):
                product[start + k] = amount[k, lane]
                right_side[node[start + k]] += reduced[k, lane]
        reduce_right_side(rows, theta, first, second, pivot, part, target, reduced)
        for lane in range(count):
            start = indptr[group + lane]
            for k in range(indptr[group + lane + 1] - start):
                per_target[node[start + k]] += reduced[k, lane]
    for lane in range(LANES):
        longest_step[0] = max(longest_step[0], shrink_x[lane])
        longest_step[1] = max(longest_step[1], shrink_z[lane])
        sums[X_DZ] += x_dz[lane]
        sums[Z_DX] += z_dx[lane]
        sums[DX_DZ] += dx_dz[lane]


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED)
def correct(
    first_user: int,
    last_user: int,
    longest: int,
    indptr: Ints,
    node: Ints,
    weight: Floats,
    price: Floats,
    user_weight: Floats,
    alpha: float,
    x: Floats,
    z: Floats,
    ends: Floats,
    pivots: Rows,
    parts: Floats,
    d_lam: Floats,
    aim: float,
    dx: Floats,
    dz: Floats,
    d_ends: Floats,
    longest_step: Floats,
) -> None:
    """The step itself, from the nodes' part `d_lam` [M] and complementarity `aim`.

    Reads the products that `predict` left in dx and d_ends[:, :2]; writes dx, dz and
    d_ends; raises longest_step [2].
    """
    size = (longest + 2, LANES)
    amount, by_z, theta = np.empty(size), np.empty(size), np.empty(size)
    money, worth = np.empty(size), np.empty(size)
    first, second = np.empty(size), np.empty(size)
    wanted, target, reduced = np.empty(size), np.empty(size), np.empty(size)
    end, part = np.empty((4, LANES)), np.empty((4, LANES))
    pivot = np.empty((2, LANES), dtype=np.int64)
    virtual, both_t, both_u = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    shrink_x, shrink_z = np.zeros(LANES), np.zeros(LANES)
    for group in range(first_user, last_user, LANES):
        count = min(LANES, last_user - group)
        rows = _read(
            group, count, indptr, node, weight, price, user_weight, alpha, x, z, ends,
            amount, by_z, theta, money, worth, end, virtual,
        )  # fmt: skip
        d = rows - 2
        _recall(group, count, rows, pivots, parts, pivot, part)
        express(rows, pivot, part[BY_DET], money, worth, first, second)
        for lane in range(LANES):
            both_t[lane], both_u[lane] = 0.0, 0.0
        for k in range(d):
            for lane in range(LANES):
                wanted[k, lane] = 0.0
                target[k, lane] = 0.0
        for lane in range(count):
            j = group + lane
            start = indptr[j]
            both_t[lane], both_u[lane] = d_ends[j, 0], d_ends[j, 1]
            for k in range(indptr[j + 1] - start):
                wanted[k, lane] = aim - dx[start + k]
                target[k, lane] = d_lam[node[start + k]]
        for k in range(d):
            for lane in range(LANES):
                goal = wanted[k, lane] * by_z[k, lane] - amount[k, lane]
                wanted[k, lane] = goal
                target[k, lane] = goal - theta[k, lane] * target[k, lane]
        for lane in range(LANES):
            t, mu, u, v = end[T, lane], end[MU, lane], end[U, lane], end[V, lane]
            wanted[d, lane] = (aim - both_t[lane]) / mu - t if mu > 0.0 else 0.0
            affine = (virtual[lane] - u * v) / (alpha * v)
            wanted[d + 1, lane] = affine - both_u[lane]
            target[d, lane] = wanted[d, lane]
            target[d + 1, lane] = wanted[d + 1, lane]
        reduce_right_side(rows, theta, first, second, pivot, part, target, reduced)
        for k in range(d):
            for lane in range(LANES):
                is_edge = worth[k, lane] < 0.0
                by_held = 1.0 / (amount[k, lane] if is_edge else 1.0)
                change = reduced[k, lane] if is_edge else 0.0
                relative_z = (wanted[k, lane] - change) * by_held
                relative_z = relative_z if is_edge else 0.0
                shrink_x[lane] = max(shrink_x[lane], -change * by_held)
                shrink_z[lane] = max(shrink_z[lane], -relative_z)
                wanted[k, lane] = relative_z
        for lane in range(count):
            j = group + lane
            start = indptr[j]
            for k in range(indptr[j + 1] - start):
                dx[start + k] = reduced[k, lane]
                dz[start + k] = wanted[k, lane] * z[start + k]
            t, mu, u, v = end[T, lane], end[MU, lane], end[U, lane], end[V, lane]
            d_t, d_mu = 0.0, 0.0
            if mu > 0.0:
                d_t = reduced[d, lane]
                d_mu = (wanted[d, lane] - d_t) / theta[d, lane]
                shrink_x[lane] = max(shrink_x[lane], -d_t / t)
                shrink_z[lane] = max(shrink_z[lane], -d_mu / mu)
            d_u = reduced[d + 1, lane]
            d_v = (wanted[d + 1, lane] - d_u) / theta[d + 1, lane]
            shrink_x[lane] = max(shrink_x[lane], -d_u / u)
            shrink_z[lane] = max(shrink_z[lane], -d_v / v)
            d_ends[j, T], d_ends[j, MU] = d_t, d_mu
            d_ends[j, U], d_ends[j, V] = d_u, d_v
    for lane in range(LANES):
        longest_step[0] = max(longest_step[0], shrink_x[lane])
        longest_step[1] = max(longest_step[1], shrink_z[lane])
