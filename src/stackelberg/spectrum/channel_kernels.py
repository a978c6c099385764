"""One channel's single-level leader objective, its derivatives and its local maxima.

Scalar kernels (numba), used where channels are treated one at a time: branch and bound
and the search over channel allocations. The batched twin is `bilevel`.

With y = ln p, in units of B (see `channel_game`):

    F(y) = beta^f ln(1 + a/J) + beta^l sum_j r_j,  J = 1 + bs_gain . p,
    r_j = 1/(1 + exp t_j) = p_j/(p_j + s_j),       t_j = ln(s_j/p_j), convex in y.

One rule covers every term: a term's value v_j falls in t_j, with rho_j = -dv_j/dt_j and
bend_j = d2v_j/dt_j2. The cellular user is term K, with t_K = ln(J/a).

The parts of an ascent are forced inline: with so many arrays to hand over a call costs
as much as the work of two pairs.

K is the number of pairs; every array is float64.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from stackelberg.spectrum.channel_game import ChannelColumns, ChannelGame
from stackelberg.spectrum.scenario import Floats, Ints

MAX_STEP_NEPER = 3.0
"""Longest Newton step in ln p: curvature far away says nothing about here."""

MAX_NEWTON_ITERATIONS = 100

MAX_SHORTENINGS = 40

NEGLIGIBLE_SLOPE = 1e-8
"""A slope in ln p below this share of F ends an ascent: what is left to gain is of the
order of its square, below rounding unless the curvature is below 1e-4."""

QUADRATIC_GAIN = 1e-12
"""A full Newton step that gained less than this share of F is the last: the error in
ln p before it was about the square root of that, and the step squares it."""


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def row(columns: ChannelColumns, c: int) -> ChannelGame:
    """Channel `c` of a batch."""
    return ChannelGame(
        columns.cellular_snr[c],
        columns.bs_gain[c],
        columns.noise[c],
        columns.coupling[c],
        columns.follower_price_weight[c],
        columns.leader_revenue_weight[c],
        columns.min_power_w[c],
        columns.max_power_w[c],
    )


@njit(cache=True, error_model="numpy", nogil=True)
def objective(power: Floats, game: ChannelGame) -> float:
    """F at `power` [K] in W, in units of B."""
    k = power.shape[0]
    heard = 1.0
    revenue = 0.0
    for j in range(k):
        heard += game.bs_gain[j] * power[j]
        s = game.noise[j]
        for i in range(k):
            s += game.coupling[j, i] * power[i]
        revenue += power[j] / (power[j] + s)
    return game.follower_price_weight * math.log1p(game.cellular_snr / heard) + (
        game.leader_revenue_weight * revenue
    )


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def value_and_gradient(
    power: Floats,
    game: ChannelGame,
    gradient: Floats,
    share: Floats,
    rho: Floats,
    bend: Floats,
    scale: Floats,
) -> float:
    """F at `power` [K], its gradient [K] in y = ln p, and what `curvature` needs.

    Writes share[i, j] = dt_j/dy_i for i != j [K, K + 1], `rho`, `bend` and, as work
    space, `scale` [K + 1].
    """
    k = power.shape[0]
    bs_gain, noise, coupling = game.bs_gain, game.noise, game.coupling
    a = game.cellular_snr
    total = 1.0
    for i in range(k):
        total += bs_gain[i] * power[i]
    inverse = 1.0 / total
    q = a / (total + a)
    rho[k] = game.follower_price_weight * q
    bend[k] = rho[k] * (1.0 - q)
    scale[k] = inverse
    # log of a quotient: log1p costs several times as much. What it loses where a/J is
    # small is 1e-16 of beta^f, nothing beside the revenues.
    value = game.follower_price_weight * math.log((total + a) * inverse)
    for j in range(k):
        s = noise[j]
        for i in range(k):
            s += coupling[j, i] * power[i]
        both = power[j] + s
        inverse = 1.0 / (s * both)
        r = power[j] * s * inverse
        rho[j] = game.leader_revenue_weight * r * (1.0 - r)
        bend[j] = rho[j] * (1.0 - 2.0 * r)
        scale[j] = both * inverse
        value += game.leader_revenue_weight * r
    for i in range(k):
        here = power[i]
        slope = rho[i]
        for j in range(k):
            phi = coupling[j, i] * here * scale[j]
            share[i, j] = phi
            slope -= rho[j] * phi
        phi = bs_gain[i] * here * scale[k]
        share[i, k] = phi
        gradient[i] = slope - rho[k] * phi
    return value


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def curvature(
    free: Ints,
    num_free: int,
    share: Floats,
    rho: Floats,
    bend: Floats,
    weighted: Floats,
    negative_hessian: Floats,
) -> None:
    """-H of F in y = ln p on the first `num_free` variables named in `free`.

    Reads what `value_and_gradient` left; writes the lower triangle of
    `negative_hessian` [num_free, num_free]. `weighted` [K + 1] is work space.
    """
    terms = rho.shape[0]
    for x in range(num_free):
        i = free[x]
        # share[j, j] = 0 leaves term j out of the sums for its own power.
        total = -bend[i]
        for j in range(terms):
            phi = share[i, j]
            weighted[j] = (bend[j] + rho[j]) * phi
            total += phi * (rho[j] - weighted[j])
        negative_hessian[x, x] = total
        for z in range(x):
            m = free[z]
            total = bend[i] * share[m, i] + bend[m] * share[i, m]
            for j in range(terms):
                total -= weighted[j] * share[m, j]
            negative_hessian[x, z] = total


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def _newton_step(
    gradient: Floats, free: Ints, num_free: int, factor: Floats, step: Floats,
    row: Floats, inverse: Floats,
) -> tuple[float, bool]:  # fmt: skip
    """Ascent step |-H|^-1 g on the free set by LDL' with pivots made positive.

    `factor` holds -H and is overwritten; `step` [num_free] is written; `row` and
    `inverse` [num_free] are work space. Returns the longest component and whether
    every pivot was positive: a Newton step proper.
    """
    scale = 1e-300
    for x in range(num_free):
        step[x] = gradient[free[x]]
        scale = max(scale, abs(factor[x, x]), abs(step[x]))
    floor = 1e-8 * scale
    proper = True
    for x in range(num_free):
        pivot = factor[x, x]
        ahead = step[x]
        for c in range(x):
            entry = factor[x, c]
            for m in range(c):
                entry -= row[m] * factor[c, m]
            row[c] = entry
            entry *= inverse[c]
            factor[x, c] = entry
            pivot -= row[c] * entry
            ahead -= entry * step[c]
        step[x] = ahead
        if not pivot > floor:
            pivot = max(abs(pivot), floor)
            proper = False
        inverse[x] = 1.0 / pivot
    longest = 0.0
    for x in range(num_free - 1, -1, -1):
        ahead = step[x] * inverse[x]
        for m in range(x + 1, num_free):
            ahead -= factor[m, x] * step[m]
        step[x] = ahead
        longest = max(longest, abs(ahead))
    return longest, proper


@njit(cache=True, error_model="numpy", nogil=True)
def ascend(
    log_power: Floats,
    low: Floats,
    high: Floats,
    game: ChannelGame,
    vectors: Floats,
    share: Floats,
    factor: Floats,
    free: Ints,
) -> tuple[float, int]:
    """`local_maximum` in the caller's work space.

    `vectors` is [9, K + 1], `share` [K, K + 1], `factor` [K, K], `free` [K].
    """
    k = log_power.shape[0]
    power, trial_power = vectors[0, :k], vectors[1, :k]
    gradient, trial_gradient = vectors[2, :k], vectors[3, :k]
    step, rho, bend = vectors[4], vectors[5], vectors[6]
    spare, inverse = vectors[7], vectors[8]
    for i in range(k):
        power[i] = math.exp(log_power[i])
    value = value_and_gradient(power, game, gradient, share, rho, bend, spare)
    for iteration in range(MAX_NEWTON_ITERATIONS):
        slope = 0.0
        num_free = 0
        for i in range(k):
            held = (log_power[i] <= low[i] and gradient[i] <= 0.0) or (
                log_power[i] >= high[i] and gradient[i] >= 0.0
            )
            if not held:
                free[num_free] = i
                num_free += 1
                slope = max(slope, abs(gradient[i]))
        if slope <= NEGLIGIBLE_SLOPE * value:
            return value, iteration
        curvature(free, num_free, share, rho, bend, spare, factor)
        longest, proper = _newton_step(
            gradient, free, num_free, factor, step, spare, inverse
        )
        shrink = min(1.0, MAX_STEP_NEPER / longest)
        proper = proper and shrink == 1.0
        improved = False
        reached = value
        for _ in range(MAX_SHORTENINGS):
            gain = 0.0
            for i in range(k):
                trial_power[i] = power[i]
            for x in range(num_free):
                i = free[x]
                aim = log_power[i] + shrink * step[x]
                y = min(max(aim, low[i]), high[i])
                proper = proper and y == aim
                gain += gradient[i] * (y - log_power[i])
                trial_power[i] = math.exp(y)
            reached = value_and_gradient(
                trial_power, game, trial_gradient, share, rho, bend, spare
            )
            if reached > value + 1e-4 * gain and reached > value:
                improved = True
                break
            shrink *= 0.3
            proper = False
        if not improved:
            return value, iteration
        for x in range(num_free):
            i = free[x]
            log_power[i] = min(max(log_power[i] + shrink * step[x], low[i]), high[i])
        for i in range(k):
            power[i] = trial_power[i]
            gradient[i] = trial_gradient[i]
        gained = reached - value
        value = reached
        if gained <= (QUADRATIC_GAIN if proper else 1e-15) * value:
            return value, iteration + 1
    return value, MAX_NEWTON_ITERATIONS


@njit(cache=True, error_model="numpy", nogil=True)
def local_maximum(
    log_power: Floats,
    low: Floats,
    high: Floats,
    game: ChannelGame,
) -> tuple[float, int]:
    """Projected Newton ascent from `log_power` within [low, high]; changed in place.

    Returns:
        F at the point reached (never below F at the start) and the iterations taken.
    """
    k = log_power.shape[0]
    return ascend(
        log_power, low, high, game,
        np.empty((9, k + 1)), np.empty((k, k + 1)), np.empty((k, k)),
        np.empty(k, dtype=np.int64),
    )  # fmt: skip


@njit(cache=True, error_model="numpy", nogil=True)
def best_of_starts(
    columns: ChannelColumns, low: Floats, high: Floats
) -> tuple[Floats, Floats]:
    """Best of K + 3 ascents (of 3 if K = 1) on each of n channels.

    The starts of `bilevel.starting_points`: all low, all high, the middle, each pair
    alone high. The first of equally good starts is kept.

    Args:
        columns: the channels.
        low: ln of the least power of every pair [n].
        high: ln of the greatest power of every pair [n].

    Returns:
        ln p [n, K] and F [n], in units of B.
    """
    n, k = columns.bs_gain.shape
    best_point, best_value = np.empty((n, k)), np.empty(n)
    vectors, share = np.empty((9, k + 1)), np.empty((k, k + 1))
    factor, free = np.empty((k, k)), np.empty(k, dtype=np.int64)
    point, least, greatest = np.empty(k), np.empty(k), np.empty(k)
    for c in range(n):
        game = row(columns, c)
        least[:] = low[c]
        greatest[:] = high[c]
        best_value[c] = -math.inf
        for start in range(k + 3 if k > 1 else 3):
            for i in range(k):
                point[i] = low[c]
                if start == 1 or start - 3 == i:
                    point[i] = high[c]
                elif start == 2:
                    point[i] = low[c] + 0.5 * (high[c] - low[c])
            value, _ = ascend(
                point, least, greatest, game, vectors, share, factor, free
            )
            if value > best_value[c]:
                best_value[c] = value
                best_point[c] = point
    return best_point, best_value
