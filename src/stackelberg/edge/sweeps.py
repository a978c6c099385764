"""The three passes over the users that one interior-point iteration makes.

Each pass reads a user's edges once, does everything that concerns the user alone, and
adds what the nodes need to sums of its block. Blocks are fixed by the market and added
in order, so any number of threads gives the same bits.

Letters, as in `interior_point`: x amount, z its reduced price; t slack of a budget, mu
its price; u utility, v its price; s slack of a capacity, lam its price. `ends` holds
(t, mu, u, v) per user: the two rows past a user's edges (see `user_elimination`).
A user whose budget can never bind has t = mu = 0 and sees every price as zero.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from stackelberg.edge.dense_factor import REORDERED, subtract_gram
from stackelberg.edge.market import Floats, Ints
from stackelberg.edge.user_elimination import eliminate, express, reduce_right_side

USERS_PER_PANEL = 32

COMPLEMENTARITY, UTILITY_GAP = 0, 1
"""What `form` sums: x z + t mu, and u v - 1 - log(u v)."""

X_DZ, Z_DX, DX_DZ = 0, 1, 2
"""What `predict` sums, so that any step lengths can be judged afterwards."""


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def _read_user(
    j: int,
    start: int,
    stop: int,
    node: Ints,
    weight: Floats,
    price: Floats,
    x: Floats,
    z: Floats,
    ends: Floats,
    inverse_z: Floats,
    theta: Floats,
    money: Floats,
    worth: Floats,
) -> int:
    """Rows of one user: its edges, then the budget, then the utility; their count."""
    d = stop - start
    mu = ends[j, 1]
    paying = 1.0 if mu > 0.0 else 0.0
    for k in range(d):
        e = start + k
        inverse_z[k] = 1.0 / z[e]
        theta[k] = x[e] * inverse_z[k]
        money[k] = paying * price[node[e]]
        worth[k] = -weight[e]
    theta[d] = ends[j, 0] / mu if mu > 0.0 else 1.0
    money[d] = 1.0
    worth[d] = 0.0
    theta[d + 1] = ends[j, 2] / ends[j, 3]
    money[d + 1] = 0.0
    worth[d + 1] = 1.0
    return d + 2


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED)
def form(
    first: int,
    last: int,
    longest: int,
    indptr: Ints,
    node: Ints,
    weight: Floats,
    price: Floats,
    x: Floats,
    z: Floats,
    ends: Floats,
    pivots: Ints,
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
) -> None:
    """Take the last step, then form this block's share of the M x M system.

    Writes x, z, ends of users `first` to `last`; adds to sums [2], load, diagonal,
    right_side [M] and the lower triangle of matrix [M, M], diagonal left apart. The
    right side is that of the affine step.
    """
    inverse_z = np.empty(longest + 2)
    theta = np.empty(longest + 2)
    money = np.empty(longest + 2)
    worth = np.empty(longest + 2)
    alpha = np.empty(longest + 2)
    beta = np.empty(longest + 2)
    target = np.empty(longest + 2)
    reduced = np.empty(longest + 2)
    m = matrix.shape[0]
    panel = np.zeros((m, 2 * USERS_PER_PANEL) if as_panels else (1, 1))
    filled = 0
    for j in range(first, last):
        start, stop = indptr[j], indptr[j + 1]
        d = stop - start
        products = 0.0
        for e in range(start, stop):
            x[e] += step_x * dx[e]
            z[e] += step_z * dz[e]
            products += x[e] * z[e]
            load[node[e]] += x[e]
        ends[j, 0] += step_x * d_ends[j, 0]
        ends[j, 1] += step_z * d_ends[j, 1]
        ends[j, 2] += step_x * d_ends[j, 2]
        ends[j, 3] += step_z * d_ends[j, 3]
        sums[0] += products + ends[j, 0] * ends[j, 1]
        excess = ends[j, 2] * ends[j, 3] - 1.0
        sums[1] += excess - math.log1p(excess)

        rows = _read_user(
            j,
            start,
            stop,
            node,
            weight,
            price,
            x,
            z,
            ends,
            inverse_z,
            theta,
            money,
            worth,
        )
        part = parts[j]
        a, b = eliminate(rows, theta, money, worth, alpha, beta, part)
        pivots[j, 0] = a
        pivots[j, 1] = b
        for k in range(d):
            target[k] = -x[start + k]
        target[d] = -ends[j, 0]
        target[d + 1] = -excess / ends[j, 3]
        reduce_right_side(rows, a, b, theta, alpha, beta, part, target, reduced)
        r12, h11, h22, det = part[1], part[3], part[4], part[5]
        by_det = 1.0 / det
        along = 1.0 / math.sqrt(h11)
        lean = r12 / h11
        across = math.sqrt(h11 * by_det)
        for k in range(d):
            i = node[start + k]
            right_side[i] += reduced[k]
            if k == a:
                diagonal[i] += theta[k] * part[6] * by_det
            elif k == b:
                diagonal[i] += theta[k] * part[7] * by_det
            else:
                taken = (
                    alpha[k] * alpha[k] * h22
                    - 2.0 * alpha[k] * beta[k] * r12
                    + beta[k] * beta[k] * h11
                ) * by_det
                diagonal[i] += max(theta[k] * (1.0 - theta[k] * taken), 0.0)
            target[k] = theta[k] * alpha[k] * along
            reduced[k] = theta[k] * (beta[k] - lean * alpha[k]) * across
        if as_panels:
            for k in range(d):
                panel[node[start + k], 2 * filled] = target[k]
                panel[node[start + k], 2 * filled + 1] = reduced[k]
            filled += 1
            if filled == USERS_PER_PANEL:
                subtract_gram(matrix, panel)
                panel[:] = 0.0
                filled = 0
        else:
            for k in range(1, d):
                row = matrix[node[start + k]]
                one, two = target[k], reduced[k]
                for h in range(k):
                    row[node[start + h]] -= one * target[h] + two * reduced[h]
    if filled > 0:
        subtract_gram(matrix, panel)


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED)
def predict(
    first: int,
    last: int,
    longest: int,
    indptr: Ints,
    node: Ints,
    weight: Floats,
    price: Floats,
    x: Floats,
    z: Floats,
    ends: Floats,
    pivots: Ints,
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
    inverse_z = np.empty(longest + 2)
    theta = np.empty(longest + 2)
    money = np.empty(longest + 2)
    worth = np.empty(longest + 2)
    alpha = np.empty(longest + 2)
    beta = np.empty(longest + 2)
    target = np.empty(longest + 2)
    reduced = np.empty(longest + 2)
    for j in range(first, last):
        start, stop = indptr[j], indptr[j + 1]
        d = stop - start
        t, mu, u, v = ends[j, 0], ends[j, 1], ends[j, 2], ends[j, 3]
        rows = _read_user(
            j,
            start,
            stop,
            node,
            weight,
            price,
            x,
            z,
            ends,
            inverse_z,
            theta,
            money,
            worth,
        )
        part = parts[j]
        a, b = pivots[j, 0], pivots[j, 1]
        express(rows, a, b, part[8], money, worth, alpha, beta)
        for k in range(d):
            target[k] = -x[start + k] - theta[k] * d_lam[node[start + k]]
        target[d] = -t
        target[d + 1] = (1.0 - u * v) / v
        reduce_right_side(rows, a, b, theta, alpha, beta, part, target, reduced)
        shrink_x, shrink_z = longest_step[0], longest_step[1]
        x_dz, z_dx, dx_dz = 0.0, 0.0, 0.0
        for k in range(d):
            e = start + k
            change = reduced[k]
            relative = change / x[e]  # dz / z = -1 - dx / x in the affine step
            price_change = -z[e] * (1.0 + relative)
            shrink_x = max(shrink_x, -relative)
            shrink_z = max(shrink_z, 1.0 + relative)
            x_dz += x[e] * price_change
            z_dx += z[e] * change
            both = change * price_change
            dx_dz += both
            product[e] = both
            target[k] = change * (1.0 + relative) - x[e]
        if mu > 0.0:
            change = reduced[d]
            price_change = -(t + change) / theta[d]
            shrink_x = max(shrink_x, -change / t)
            shrink_z = max(shrink_z, -price_change / mu)
            x_dz += t * price_change
            z_dx += mu * change
            both = change * price_change
            dx_dz += both
            d_ends[j, 0] = both
            target[d] = -t - both / mu
        change = reduced[d + 1]
        price_change = ((1.0 - u * v) / v - change) / theta[d + 1]
        shrink_x = max(shrink_x, -change / u)
        shrink_z = max(shrink_z, -price_change / v)
        both = change * price_change
        d_ends[j, 1] = both
        target[d + 1] = (1.0 - u * v - both) / v
        longest_step[0], longest_step[1] = shrink_x, shrink_z
        sums[0] += x_dz
        sums[1] += z_dx
        sums[2] += dx_dz

        reduce_right_side(rows, a, b, theta, alpha, beta, part, target, reduced)
        for k in range(d):
            right_side[node[start + k]] += reduced[k]
            target[k] = inverse_z[k]
        target[d] = 1.0 / mu if mu > 0.0 else 0.0
        target[d + 1] = 0.0
        reduce_right_side(rows, a, b, theta, alpha, beta, part, target, reduced)
        for k in range(d):
            per_target[node[start + k]] += reduced[k]


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED)
def correct(
    first: int,
    last: int,
    longest: int,
    indptr: Ints,
    node: Ints,
    weight: Floats,
    price: Floats,
    x: Floats,
    z: Floats,
    ends: Floats,
    pivots: Ints,
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
    inverse_z = np.empty(longest + 2)
    theta = np.empty(longest + 2)
    money = np.empty(longest + 2)
    worth = np.empty(longest + 2)
    alpha = np.empty(longest + 2)
    beta = np.empty(longest + 2)
    wanted = np.empty(longest + 2)
    target = np.empty(longest + 2)
    reduced = np.empty(longest + 2)
    for j in range(first, last):
        start, stop = indptr[j], indptr[j + 1]
        d = stop - start
        t, mu, u, v = ends[j, 0], ends[j, 1], ends[j, 2], ends[j, 3]
        rows = _read_user(
            j,
            start,
            stop,
            node,
            weight,
            price,
            x,
            z,
            ends,
            inverse_z,
            theta,
            money,
            worth,
        )
        part = parts[j]
        a, b = pivots[j, 0], pivots[j, 1]
        express(rows, a, b, part[8], money, worth, alpha, beta)
        for k in range(d):
            e = start + k
            wanted[k] = (aim - dx[e]) * inverse_z[k] - x[e]
            target[k] = wanted[k] - theta[k] * d_lam[node[e]]
        wanted[d] = (aim - d_ends[j, 0]) / mu - t if mu > 0.0 else 0.0
        wanted[d + 1] = (1.0 - u * v - d_ends[j, 1]) / v
        target[d] = wanted[d]
        target[d + 1] = wanted[d + 1]
        reduce_right_side(rows, a, b, theta, alpha, beta, part, target, reduced)
        shrink_x, shrink_z = longest_step[0], longest_step[1]
        for k in range(d):
            e = start + k
            dx[e] = reduced[k]
            inverse_x = 1.0 / x[e]
            relative_z = (wanted[k] - reduced[k]) * inverse_x
            dz[e] = relative_z * z[e]
            shrink_x = max(shrink_x, -dx[e] * inverse_x)
            shrink_z = max(shrink_z, -relative_z)
        d_ends[j, 0] = 0.0
        d_ends[j, 1] = 0.0
        if mu > 0.0:
            d_ends[j, 0] = reduced[d]
            d_ends[j, 1] = (wanted[d] - reduced[d]) / theta[d]
            shrink_x = max(shrink_x, -d_ends[j, 0] / t)
            shrink_z = max(shrink_z, -d_ends[j, 1] / mu)
        d_ends[j, 2] = reduced[d + 1]
        d_ends[j, 3] = (wanted[d + 1] - reduced[d + 1]) / theta[d + 1]
        shrink_x = max(shrink_x, -d_ends[j, 2] / u)
        shrink_z = max(shrink_z, -d_ends[j, 3] / v)
        longest_step[0], longest_step[1] = shrink_x, shrink_z
