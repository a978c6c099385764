"""The three passes over the users that one interior-point iteration makes.

Each pass reads a user's edges once, does everything that concerns the user alone, and
adds what the nodes need to sums of its block. Blocks are fixed by the market and added
in order, so any number of threads gives the same bits.

Letters, as in `interior_point`: x amount, z its reduced price; t slack of a budget, mu
its price; u utility, v its price; s slack of a capacity, lam its price. Users lie side
by side (`lanes`); `ends` holds (t, mu, u, v) of each group, which are the two rows past
a user's edges (see `user_elimination`). A user whose budget can never bind has
t = mu = 0 and sees every price as zero.

The utility's own pair is u^alpha v = b. With virtual money c = b u^(1 - alpha), which
is b for the logarithm, its Newton equation reads

    du + theta dv = (c - u v) / (alpha v) - du dv / v - (alpha - 1) / 2 du^2 / u.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from stackelberg.edge.market import Floats, Ints
from stackelberg.edge.solvers.dense_factor import REORDERED, subtract_gram
from stackelberg.edge.solvers.lanes import LANES
from stackelberg.edge.solvers.node_pairs import AnyInts, subtract_user
from stackelberg.edge.solvers.node_steps import (
    CORRECTOR,
    DIAGONAL,
    LOAD,
    PER_TARGET,
    RIGHT_SIDE,
)
from stackelberg.edge.solvers.user_elimination import (
    AMOUNT,
    AT_A,
    AT_B,
    BY_Z,
    C1,
    C2,
    FIRST,
    KEPT,
    MONEY,
    OWN,
    PIVOT_A,
    PIVOT_B,
    R11,
    R12,
    R22,
    REDUCED,
    SECOND,
    STRIDE,
    TARGET,
    THETA,
    THETA_A,
    THETA_B,
    WORTH,
    Y1,
    eliminate,
    recall,
    reduce_right_side,
)

GROUPS_PER_PANEL = 4

MOST_SECOND_ORDER = 0.5
"""Share of virtual money that the second-order term of a utility's own equation may
take: more of it turns the step around where the affine step cannot be taken in full."""

COMPLEMENTARITY, UTILITY_GAP, MONEY_SUM = 0, 1, 2
"""What `form` sums: x z + t mu, what u lacks at price v, and virtual money."""

PRICE, D_LAM = 0, 1
"""What the passes read per node."""

X_DZ, Z_DX, DX_DZ = 0, 1, 2
"""What `predict` sums, so that any step lengths can be judged afterwards."""

T, MU, U, V = 0, LANES, 2 * LANES, 3 * LANES
END = 4 * LANES
"""Fields of a group of `ends`, and their length."""

SHRINK_X, SHRINK_Z = 0, LANES
SUM_X_DZ, SUM_Z_DX, SUM_DX_DZ = 2 * LANES, 3 * LANES, 4 * LANES
SUMS = 5 * LANES

Degrees = npt.NDArray[np.int32]
Nodes = npt.NDArray[np.int32]


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def _from_nodes(
    place: int, d: int, column: int, field: int, node: Nodes, common: Nodes,
    of_node: Floats, work: Floats,
) -> None:  # fmt: skip
    """Put a number of each edge's node into a field of a group's rows."""
    for k in range(d):
        shared = common[place + k]
        if shared >= 0:
            number = of_node[shared, column]
            for lane in range(LANES):
                work[k, field + lane] = number
        else:
            for lane in range(LANES):
                work[k, field + lane] = of_node[node[place + k, lane], column]


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def _read(
    place: int,
    d: int,
    node: Nodes,
    weight: Floats,
    common: Nodes,
    of_node: Floats,
    x: Floats,
    z: Floats,
    ends: Floats,
    group: int,
    user_weight: Floats,
    alpha: float,
    work: Floats,
) -> None:
    """Lay a group's d + 2 rows into `work`.

    The last row's AMOUNT holds the users' virtual money.
    """
    _from_nodes(place, d, PRICE, MONEY, node, common, of_node, work)
    for k in range(d):
        for lane in range(LANES):
            amount, by_z = x[place + k, lane], 1.0 / z[place + k, lane]
            worth = weight[place + k, lane]
            real = 1.0 if worth > 0.0 else 0.0
            pays = 1.0 if ends[group, MU + lane] > 0.0 else 0.0
            work[k, AMOUNT + lane] = amount
            work[k, BY_Z + lane] = by_z
            work[k, THETA + lane] = amount * by_z
            work[k, WORTH + lane] = -worth
            work[k, MONEY + lane] *= real * pays
    for lane in range(LANES):
        t, mu = ends[group, T + lane], ends[group, MU + lane]
        u, v = ends[group, U + lane], ends[group, V + lane]
        work[d, THETA + lane] = t / mu if mu > 0.0 else 1.0
        work[d, MONEY + lane], work[d, WORTH + lane] = 1.0, 0.0
        work[d + 1, THETA + lane] = u / (alpha * v)
        work[d + 1, MONEY + lane], work[d + 1, WORTH + lane] = 0.0, 1.0
    for lane in range(LANES):
        work[d + 1, AMOUNT + lane] = user_weight[group, lane]
    if alpha != 1.0:
        for lane in range(LANES):
            work[d + 1, AMOUNT + lane] *= ends[group, U + lane] ** (1.0 - alpha)


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def _move(
    place: int, d: int, x: Floats, z: Floats, dx: Floats, dz: Floats,
    step_x: float, step_z: float,
) -> float:  # fmt: skip
    """Take a step on a group's edges; sum x z."""
    products = 0.0
    for k in range(place, place + d):
        for lane in range(LANES):
            amount = x[k, lane] + step_x * dx[k, lane]
            reduced_price = z[k, lane] + step_z * dz[k, lane]
            x[k, lane], z[k, lane] = amount, reduced_price
            products += amount * reduced_price
    return products


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def _move_ends(
    group: int, ends: Floats, d_ends: Floats, step_x: float, step_z: float
) -> float:
    """The same for t, mu, u, v; sum t mu."""
    products = 0.0
    for lane in range(LANES):
        ends[group, T + lane] += step_x * d_ends[group, T + lane]
        ends[group, MU + lane] += step_z * d_ends[group, MU + lane]
        ends[group, U + lane] += step_x * d_ends[group, U + lane]
        ends[group, V + lane] += step_z * d_ends[group, V + lane]
        products += ends[group, T + lane] * ends[group, MU + lane]
    return products


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def _utility_gap(
    count: int, d: int, group: int, ends: Floats, alpha: float, work: Floats,
    sums: Floats,
) -> None:  # fmt: skip
    """Add what the utilities of a group lack at their prices, and virtual money."""
    for lane in range(count):
        money = work[d + 1, AMOUNT + lane]
        ratio = ends[group, U + lane] * ends[group, V + lane] / money
        if alpha == 1.0:
            lacking = ratio - 1.0 - math.log(ratio)
        else:
            best = ratio ** (1.0 - 1.0 / alpha)
            lacking = (alpha * best - 1.0) / (1.0 - alpha) + ratio
        sums[UTILITY_GAP] += money * lacking
        sums[MONEY_SUM] += money


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def _affine_target(
    d: int, group: int, ends: Floats, alpha: float, work: Floats
) -> None:
    """The right side of the affine step for the two rows past the edges."""
    for lane in range(LANES):
        u, v = ends[group, U + lane], ends[group, V + lane]
        work[d, TARGET + lane] = -ends[group, T + lane]
        work[d + 1, TARGET + lane] = (work[d + 1, AMOUNT + lane] - u * v) / (alpha * v)


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def _to_nodes(d: int, work: Floats, own: Floats) -> None:
    """What a group's users leave to the nodes: C = diag - one one' - two two'.

    Writes `one` into MONEY, `two` into WORTH and the diagonal of C into BY_Z.
    """
    for lane in range(LANES):
        r11, r12, r22 = own[R11 + lane], own[R12 + lane], own[R22 + lane]
        a, b = own[THETA_A + lane], own[THETA_B + lane]
        h11 = a + r11
        rest = max(r11 * r22 - r12 * r12, 0.0)
        by_det = 1.0 / (a * b + a * r22 + b * r11 + rest)
        own[C1 + lane] = 1.0 / math.sqrt(h11)  # along the first direction
        own[C2 + lane] = r12 / h11  # how the second leans on it
        own[Y1 + lane] = math.sqrt(h11 * by_det)  # across
        own[AT_A + lane] = a * (b * r11 + rest) * by_det
        own[AT_B + lane] = b * (a * r22 + rest) * by_det
    for k in range(d):
        number = float(k)
        for lane in range(LANES):
            is_a, is_b = own[PIVOT_A + lane] == number, own[PIVOT_B + lane] == number
            theta = work[k, THETA + lane]
            # In the pivots' own coordinates a is (1, 0) and b is (0, 1).
            first = 1.0 if is_a else work[k, FIRST + lane]
            second = 1.0 if is_b else work[k, SECOND + lane]
            one = theta * own[C1 + lane] * first
            two = theta * (second - own[C2 + lane] * first) * own[Y1 + lane]
            left = max(theta - one * one - two * two, 0.0)
            left = own[AT_A + lane] if is_a else left
            work[k, MONEY + lane] = one
            work[k, WORTH + lane] = two
            work[k, BY_Z + lane] = own[AT_B + lane] if is_b else left


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def _add_by_node(
    place: int, d: int, node: Nodes, common: Nodes, work: Floats, per_node: Floats
) -> None:
    """Add to what the nodes see of a group: amounts, diagonal and right side.

    Sums into one number wait for each other unless they are taken as vectors.
    """
    for k in range(d):
        shared = common[place + k]
        if shared >= 0:
            load = diagonal = right_side = 0.0
            for lane in range(LANES):
                load += work[k, AMOUNT + lane]
                diagonal += work[k, BY_Z + lane]
                right_side += work[k, REDUCED + lane]
            per_node[shared, LOAD] += load
            per_node[shared, DIAGONAL] += diagonal
            per_node[shared, RIGHT_SIDE] += right_side
        else:
            for lane in range(LANES):
                i = node[place + k, lane]
                per_node[i, LOAD] += work[k, AMOUNT + lane]
                per_node[i, DIAGONAL] += work[k, BY_Z + lane]
                per_node[i, RIGHT_SIDE] += work[k, REDUCED + lane]


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def _to_panel(
    place: int, d: int, column: int, node: Nodes, common: Nodes, work: Floats,
    panel: Floats,
) -> None:  # fmt: skip
    """Lay a group's two vectors per user into columns of a panel [M + 1, columns]."""
    for k in range(d):
        shared = common[place + k]
        if shared >= 0:
            for lane in range(LANES):
                panel[shared, column + lane] = work[k, MONEY + lane]
            for lane in range(LANES):
                panel[shared, column + LANES + lane] = work[k, WORTH + lane]
        else:
            for lane in range(LANES):
                i = node[place + k, lane]
                panel[i, column + lane] = work[k, MONEY + lane]
                panel[i, column + LANES + lane] = work[k, WORTH + lane]


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED)
def form(
    first_group: int,
    last_group: int,
    longest: int,
    row_start: Ints,
    degree: Degrees,
    node: Nodes,
    weight: Floats,
    common: Nodes,
    of_node: Floats,
    user_weight: Floats,
    alpha: float,
    x: Floats,
    z: Floats,
    ends: Floats,
    kept: Floats,
    dx: Floats,
    dz: Floats,
    d_ends: Floats,
    step_x: float,
    step_z: float,
    as_panels: bool,
    sums: Floats,
    per_node: Floats,
    matrix: Floats,
    table: Floats,
    table_start: AnyInts,
    slot: AnyInts,
) -> None:
    """Take the last step, then form this block's share of the M x M system.

    Writes x, z, ends and `kept` of its users; adds to sums [3], per_node [M + 1, 3]
    and the lower triangle of matrix [M, M], or where that is empty the table of pairs
    (`node_pairs`), diagonal left apart. The right side is that of the affine step.
    """
    work, own = np.empty((longest + 2, STRIDE)), np.empty(OWN)
    m = matrix.shape[0]
    width = 2 * LANES * GROUPS_PER_PANEL
    panel = np.zeros((m + 1, width) if as_panels else (1, 1))
    user_node = np.empty(longest, dtype=np.int64)
    user_one, user_two = np.empty(longest), np.empty(longest)
    starts = np.empty(longest, dtype=np.int64)
    slots = np.empty(longest, dtype=np.int64)
    column = 0
    for group in range(first_group, last_group):
        place = row_start[group]
        d = row_start[group + 1] - place
        products = _move(place, d, x, z, dx, dz, step_x, step_z)
        products += _move_ends(group, ends, d_ends, step_x, step_z)
        sums[COMPLEMENTARITY] += products
        _read(
            place, d, node, weight, common, of_node, x, z, ends, group,
            user_weight, alpha, work,
        )  # fmt: skip
        count = 0
        while count < LANES and degree[group, count] > 0:
            count += 1
        _utility_gap(count, d, group, ends, alpha, work, sums)
        eliminate(d + 2, work, own)
        for k in range(KEPT):
            kept[group, k] = own[k]
        for k in range(d):
            for lane in range(LANES):
                work[k, TARGET + lane] = -work[k, AMOUNT + lane]
        _affine_target(d, group, ends, alpha, work)
        reduce_right_side(d + 2, work, own)
        _to_nodes(d, work, own)
        _add_by_node(place, d, node, common, work, per_node)
        if as_panels:
            _to_panel(place, d, column, node, common, work, panel)
            column += 2 * LANES
        for lane in range(0 if as_panels else count):
            length = degree[group, lane]
            for k in range(length):
                user_node[k] = node[place + k, lane]
                user_one[k] = work[k, MONEY + lane]
                user_two[k] = work[k, WORTH + lane]
            if m == 0:
                subtract_user(
                    table, table_start, slot, user_node, 0, length, user_one, user_two,
                    starts, slots,
                )  # fmt: skip
            else:
                for k in range(1, length):
                    entries = matrix[user_node[k]]
                    a, b = user_one[k], user_two[k]
                    for h in range(k):
                        entries[user_node[h]] -= a * user_one[h] + b * user_two[h]
        full = column == width or group == last_group - 1
        if as_panels and full:
            subtract_gram(matrix, panel[:m])
            panel[:] = 0.0
            column = 0


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def _judge(place: int, d: int, z: Floats, work: Floats, total: Floats) -> None:
    """The affine step of a group's edges: lengths, sums and the corrector's target.

    Leaves dx dz in AMOUNT.
    """
    for k in range(d):
        for lane in range(LANES):
            held, change = work[k, AMOUNT + lane], work[k, REDUCED + lane]
            relative = change / held
            rise = 1.0 + relative  # -dz / z of the affine step
            at_z = z[place + k, lane]
            both = -change * at_z * rise
            total[SHRINK_X + lane] = max(total[SHRINK_X + lane], -relative)
            total[SHRINK_Z + lane] = max(total[SHRINK_Z + lane], rise)
            total[SUM_X_DZ + lane] -= held * at_z * rise
            total[SUM_Z_DX + lane] += at_z * change
            total[SUM_DX_DZ + lane] += both
            work[k, AMOUNT + lane] = both
            work[k, TARGET + lane] = change * rise - held


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def _judge_ends(
    d: int, group: int, ends: Floats, d_ends: Floats, alpha: float,
    work: Floats, total: Floats,
) -> None:  # fmt: skip
    """The same for budgets and utilities; their second-order terms go to `d_ends`."""
    for lane in range(LANES):
        t, mu = ends[group, T + lane], ends[group, MU + lane]
        pays = mu > 0.0
        by_t, by_mu = 1.0 / (t if pays else 1.0), 1.0 / (mu if pays else 1.0)
        change = work[d, REDUCED + lane] if pays else 0.0
        price_change = -(t + change) / work[d, THETA + lane]
        price_change = price_change if pays else 0.0
        both = change * price_change
        total[SHRINK_X + lane] = max(total[SHRINK_X + lane], -change * by_t)
        total[SHRINK_Z + lane] = max(total[SHRINK_Z + lane], -price_change * by_mu)
        total[SUM_X_DZ + lane] += t * price_change
        total[SUM_Z_DX + lane] += mu * change
        total[SUM_DX_DZ + lane] += both
        d_ends[group, T + lane] = both
        work[d, TARGET + lane] = -t - both * by_mu
    for lane in range(LANES):
        u, v = ends[group, U + lane], ends[group, V + lane]
        money = work[d + 1, AMOUNT + lane]
        affine = (money - u * v) / (alpha * v)
        change = work[d + 1, REDUCED + lane]
        price_change = (affine - change) / work[d + 1, THETA + lane]
        total[SHRINK_X + lane] = max(total[SHRINK_X + lane], -change / u)
        total[SHRINK_Z + lane] = max(total[SHRINK_Z + lane], -price_change / v)
        both = change * price_change / v
        both += 0.5 * (alpha - 1.0) * change * change / u
        most = MOST_SECOND_ORDER * money / (alpha * v)
        both = min(max(both, -most), most)
        d_ends[group, MU + lane] = both
        work[d + 1, TARGET + lane] = affine - both


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def _add_correctors(
    place: int, d: int, node: Nodes, common: Nodes, work: Floats, per_node: Floats
) -> None:
    """Add AMOUNT, the corrector's right side, and REDUCED, its change per target."""
    for k in range(d):
        shared = common[place + k]
        if shared >= 0:
            corrector = per_target = 0.0
            for lane in range(LANES):
                corrector += work[k, AMOUNT + lane]
                per_target += work[k, REDUCED + lane]
            per_node[shared, CORRECTOR] += corrector
            per_node[shared, PER_TARGET] += per_target
        else:
            for lane in range(LANES):
                i = node[place + k, lane]
                per_node[i, CORRECTOR] += work[k, AMOUNT + lane]
                per_node[i, PER_TARGET] += work[k, REDUCED + lane]


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED)
def predict(
    first_group: int,
    last_group: int,
    longest: int,
    row_start: Ints,
    node: Nodes,
    weight: Floats,
    common: Nodes,
    of_node: Floats,
    user_weight: Floats,
    alpha: float,
    x: Floats,
    z: Floats,
    ends: Floats,
    kept: Floats,
    product: Floats,
    d_ends: Floats,
    sums: Floats,
    longest_step: Floats,
    per_node: Floats,
) -> None:
    """The affine step of each user, and what it says about the step to take.

    Reads the nodes' part of the step in `of_node` [M + 1, 2]. Writes product = dx dz
    per edge and the same per end into d_ends; adds sums [3]; raises longest_step [2] to
    the greatest -dx/x and -dz/z; adds to per_node [M + 1, 2] the corrector's right side
    and its change per unit of the complementarity aimed at.
    """
    work, own = np.empty((longest + 2, STRIDE)), np.empty(OWN)
    total = np.zeros(SUMS)
    for group in range(first_group, last_group):
        place = row_start[group]
        d = row_start[group + 1] - place
        _read(
            place, d, node, weight, common, of_node, x, z, ends, group,
            user_weight, alpha, work,
        )  # fmt: skip
        for k in range(KEPT):
            own[k] = kept[group, k]
        recall(d + 2, work, own)
        _from_nodes(place, d, D_LAM, TARGET, node, common, of_node, work)
        for k in range(d):
            for lane in range(LANES):
                moved = work[k, THETA + lane] * work[k, TARGET + lane]
                moved = moved if weight[place + k, lane] > 0.0 else 0.0
                work[k, TARGET + lane] = -work[k, AMOUNT + lane] - moved
        _affine_target(d, group, ends, alpha, work)
        reduce_right_side(d + 2, work, own)
        _judge(place, d, z, work, total)
        _judge_ends(d, group, ends, d_ends, alpha, work, total)
        reduce_right_side(d + 2, work, own)
        for k in range(d):
            for lane in range(LANES):
                product[place + k, lane] = work[k, AMOUNT + lane]
                real = weight[place + k, lane] > 0.0
                work[k, AMOUNT + lane] = work[k, REDUCED + lane]
                work[k, TARGET + lane] = work[k, BY_Z + lane] if real else 0.0
        for lane in range(LANES):
            mu = ends[group, MU + lane]
            work[d, TARGET + lane] = 1.0 / mu if mu > 0.0 else 0.0
            work[d + 1, TARGET + lane] = 0.0
        reduce_right_side(d + 2, work, own)
        _add_correctors(place, d, node, common, work, per_node)
    for lane in range(LANES):
        longest_step[0] = max(longest_step[0], total[SHRINK_X + lane])
        longest_step[1] = max(longest_step[1], total[SHRINK_Z + lane])
        sums[X_DZ] += total[SUM_X_DZ + lane]
        sums[Z_DX] += total[SUM_Z_DX + lane]
        sums[DX_DZ] += total[SUM_DX_DZ + lane]


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def _aim_at(
    place: int, d: int, aim: float, dx: Floats, weight: Floats, work: Floats
) -> None:
    """What a group's edges should change by: wanted into BY_Z, target into TARGET.

    TARGET holds each edge's d_lam.
    """
    for k in range(d):
        for lane in range(LANES):
            goal = (aim - dx[place + k, lane]) * work[k, BY_Z + lane]
            goal -= work[k, AMOUNT + lane]
            moved = work[k, THETA + lane] * work[k, TARGET + lane]
            real = weight[place + k, lane] > 0.0
            work[k, BY_Z + lane] = goal if real else 0.0
            work[k, TARGET + lane] = goal - moved if real else 0.0


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def _correct_ends(
    d: int, group: int, ends: Floats, d_ends: Floats, work: Floats, total: Floats
) -> None:
    """The step of budgets and utilities; BY_Z holds what they should change by."""
    for lane in range(LANES):
        t, mu = ends[group, T + lane], ends[group, MU + lane]
        u, v = ends[group, U + lane], ends[group, V + lane]
        pays = mu > 0.0
        d_t = work[d, REDUCED + lane] if pays else 0.0
        d_mu = (work[d, BY_Z + lane] - d_t) / work[d, THETA + lane]
        d_mu = d_mu if pays else 0.0
        d_u = work[d + 1, REDUCED + lane]
        d_v = (work[d + 1, BY_Z + lane] - d_u) / work[d + 1, THETA + lane]
        shrink_x, shrink_z = total[SHRINK_X + lane], total[SHRINK_Z + lane]
        shrink_x = max(shrink_x, -d_t / (t if pays else 1.0))
        shrink_z = max(shrink_z, -d_mu / (mu if pays else 1.0))
        total[SHRINK_X + lane] = max(shrink_x, -d_u / u)
        total[SHRINK_Z + lane] = max(shrink_z, -d_v / v)
        d_ends[group, T + lane], d_ends[group, MU + lane] = d_t, d_mu
        d_ends[group, U + lane], d_ends[group, V + lane] = d_u, d_v


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED)
def correct(
    first_group: int,
    last_group: int,
    longest: int,
    row_start: Ints,
    node: Nodes,
    weight: Floats,
    common: Nodes,
    of_node: Floats,
    user_weight: Floats,
    alpha: float,
    x: Floats,
    z: Floats,
    ends: Floats,
    kept: Floats,
    aim: float,
    dx: Floats,
    dz: Floats,
    d_ends: Floats,
    longest_step: Floats,
) -> None:
    """The step itself, from the nodes' part in `of_node` and complementarity `aim`.

    Reads the products that `predict` left in dx and d_ends; writes dx, dz and d_ends;
    raises longest_step [2].
    """
    work, own = np.empty((longest + 2, STRIDE)), np.empty(OWN)
    total = np.zeros(SUMS)
    for group in range(first_group, last_group):
        place = row_start[group]
        d = row_start[group + 1] - place
        _read(
            place, d, node, weight, common, of_node, x, z, ends, group,
            user_weight, alpha, work,
        )  # fmt: skip
        for k in range(KEPT):
            own[k] = kept[group, k]
        recall(d + 2, work, own)
        _from_nodes(place, d, D_LAM, TARGET, node, common, of_node, work)
        _aim_at(place, d, aim, dx, weight, work)
        _affine_target(d, group, ends, alpha, work)
        for lane in range(LANES):
            mu = ends[group, MU + lane]
            goal = (aim - d_ends[group, T + lane]) / (mu if mu > 0.0 else 1.0)
            goal -= ends[group, T + lane]
            goal = goal if mu > 0.0 else 0.0
            work[d, TARGET + lane] = goal
            work[d, BY_Z + lane] = goal
            goal = work[d + 1, TARGET + lane] - d_ends[group, MU + lane]
            work[d + 1, TARGET + lane] = goal
            work[d + 1, BY_Z + lane] = goal
        reduce_right_side(d + 2, work, own)
        for k in range(d):
            for lane in range(LANES):
                change, by_held = work[k, REDUCED + lane], work[k, AMOUNT + lane]
                by_held = 1.0 / by_held
                relative_z = (work[k, BY_Z + lane] - change) * by_held
                total[SHRINK_X + lane] = max(total[SHRINK_X + lane], -change * by_held)
                total[SHRINK_Z + lane] = max(total[SHRINK_Z + lane], -relative_z)
                work[k, BY_Z + lane] = relative_z
            for lane in range(LANES):
                dx[place + k, lane] = work[k, REDUCED + lane]
                dz[place + k, lane] = work[k, BY_Z + lane] * z[place + k, lane]
        _correct_ends(d, group, ends, d_ends, work, total)
    for lane in range(LANES):
        longest_step[0] = max(longest_step[0], total[SHRINK_X + lane])
        longest_step[1] = max(longest_step[1], total[SHRINK_Z + lane])
