"""A proved upper bound on one channel's leader utility: interference price bounds.

Branch and bound over boxes in y = ln p, on the single-level form of `channel_kernels`.

A box's bound. t_j = ln(s_j/p_j) is convex in y, and r = 1/(1 + e^t) falls in t; so the
concave envelope of r over the box's range of t, taken at t_j(y), is concave in y and
lies above r_j. The cellular term is convex and falling in u = ln J, itself convex in y:
its chord over the range of u, taken at u(y), is concave and lies above it. The sum is a
concave overestimator; its linearisation at any point, maximised over the box, is a
valid bound. A few points are tried and the least bound kept.

A box's derivative signs. Where dF/dy_i has one sign on the whole box, no maximiser lies
off the face it points to: that face is taken if it belongs to the whole domain, and the
box is dropped otherwise (a neighbour holds the better points).

Boxes are taken best bound first and split where overestimation times sensitivity is
largest; points of the boxes that beat the incumbent are polished by Newton.
Rounding: every bound is raised by `ROUNDING_ALLOWANCE` relative, far above the
K^2 * 1e-16 that the sums can lose.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from stackelberg.spectrum.box_queue import (
    largest_bound,
    new_queue,
    pop,
    push,
)
from stackelberg.spectrum.channel_game import ChannelGame
from stackelberg.spectrum.channel_kernels import local_maximum, objective
from stackelberg.spectrum.scenario import Floats

ROUNDING_ALLOWANCE = 1e-12

_MAX_POINTS = 20
_WORTHWHILE = 0.1
_DAMPING = 0.8


@njit(cache=True, error_model="numpy", nogil=True)
def logistic_tangent(t_low: float, t_high: float) -> float:
    """Where the concave envelope of r(t) = 1/(1+e^t) on [t_low, t_high] turns straight.

    Left of it the envelope is r, right of it the tangent there. Returns t_high when r
    is concave throughout, t_low - 1 when the envelope is the chord. Approached from the
    left, where the tangent lies above r(t_high): too small is safe, too large is not.
    """
    if t_high <= 0.0:
        return t_high
    r_high = 1.0 / (1.0 + math.exp(t_high))
    r = 1.0 / (1.0 + math.exp(t_low))
    if t_low >= 0.0 or r - r * (1.0 - r) * (t_high - t_low) <= r_high:
        return t_low - 1.0
    left, right = t_low, 0.0
    t = 0.5 * max(t_low, -t_high)
    for _ in range(30):
        r = 1.0 / (1.0 + math.exp(t))
        rho = r * (1.0 - r)
        excess = r - rho * (t_high - t) - r_high
        if excess >= 0.0:
            left = t
            if excess <= 1e-3 * (r - r_high):
                break
        else:
            right = t
        slope = -rho * (1.0 - 2.0 * r) * (t_high - t) * -1.0
        newton = t - (excess - 5e-4 * (r - r_high)) / -abs(slope) if slope != 0 else t
        t = newton if left < newton < right else 0.5 * (left + right)
        if right - left < 1e-6:
            break
    return left


@njit(cache=True, error_model="numpy", nogil=True)
def _ranges(
    p_low: Floats, p_high: Floats, game: ChannelGame, s_low: Floats, s_high: Floats
) -> tuple[float, float]:
    """Ranges of s_j (written) and of J (returned) over the box of powers."""
    k = p_low.shape[0]
    bs_gain, noise, coupling = game.bs_gain, game.noise, game.coupling
    j_low, j_high = 1.0, 1.0
    for j in range(k):
        j_low += bs_gain[j] * p_low[j]
        j_high += bs_gain[j] * p_high[j]
        low, high = noise[j], noise[j]
        for i in range(k):
            low += coupling[j, i] * p_low[i]
            high += coupling[j, i] * p_high[i]
        s_low[j], s_high[j] = low, high
    return j_low, j_high


@njit(cache=True, error_model="numpy", nogil=True)
def _fix_by_sign(
    low: Floats, high: Floats, p_low: Floats, p_high: Floats,
    global_low: Floats, global_high: Floats, s_low: Floats, s_high: Floats,
    j_low: float, j_high: float, game: ChannelGame, rho_low: Floats, rho_high: Floats,
) -> int:  # fmt: skip
    """Use the signs of dF/dy_i over the box: -1 drop it, else how many were fixed."""
    k = low.shape[0]
    a, bs_gain, coupling = game.cellular_snr, game.bs_gain, game.coupling
    rate_weight, revenue_weight = game.follower_price_weight, game.leader_revenue_weight
    for j in range(k):
        most = p_high[j] / (p_high[j] + s_low[j])
        least = p_low[j] / (p_low[j] + s_high[j])
        at_most, at_least = most * (1.0 - most), least * (1.0 - least)
        rho_low[j] = min(at_most, at_least)
        rho_high[j] = 0.25 if least < 0.5 < most else max(at_most, at_least)
    q_high, q_low = a / (j_low + a), a / (j_high + a)
    fixed = 0
    for i in range(k):
        if low[i] >= high[i]:
            continue
        at_high, at_low = bs_gain[i] * p_high[i], bs_gain[i] * p_low[i]
        psi_high = at_high / (j_low - at_low + at_high)
        psi_low = at_low / (j_high - at_high + at_low)
        least_harm = rate_weight * q_low * psi_low
        most_harm = rate_weight * q_high * psi_high
        for j in range(k):
            c = coupling[j, i]
            if c == 0.0:
                continue
            most = c * p_high[i]
            least = c * p_low[i]
            most_harm += (
                revenue_weight * rho_high[j] * (most / (s_low[j] - least + most))
            )
            least_harm += (
                revenue_weight * rho_low[j] * (least / (s_high[j] - most + least))
            )
        margin = 1e-13 * (most_harm + revenue_weight * rho_high[i])
        if revenue_weight * rho_low[i] - most_harm > margin:
            if high[i] < global_high[i]:
                return -1
            low[i] = high[i]
            p_low[i] = p_high[i]
            fixed += 1
        elif revenue_weight * rho_high[i] - least_harm < -margin:
            if low[i] > global_low[i]:
                return -1
            high[i] = low[i]
            p_high[i] = p_low[i]
            fixed += 1
    return fixed


@njit(cache=True, error_model="numpy", nogil=True)
def bound_box(
    low: Floats, high: Floats, global_low: Floats, global_high: Floats,
    game: ChannelGame, threshold: float,
    best_point: Floats, score: Floats, work: Floats, share: Floats,
) -> float:  # fmt: skip
    """Upper bound on F over the box [low, high] of log-powers; -inf drops the box.

    `low` and `high` may be tightened in place where derivative signs allow. Stops early
    once the bound is below `threshold`. Writes the point that gave the least bound and,
    per variable, the score to split by. `work` is [14, K], `share` [K, K] work space.
    """
    k = low.shape[0]
    bs_gain, noise, coupling = game.bs_gain, game.noise, game.coupling
    a, rate_weight = game.cellular_snr, game.follower_price_weight
    revenue_weight = game.leader_revenue_weight
    p_low, p_high, s_low, s_high = work[0], work[1], work[2], work[3]
    t_low, t_high, tangent, slope = work[4], work[5], work[6], work[7]
    y, power, gradient, bend = work[8], work[9], work[10], work[11]
    excess, extra = work[12], work[13]
    for i in range(k):
        p_low[i], p_high[i] = math.exp(low[i]), math.exp(high[i])
    while True:
        j_low, j_high = _ranges(p_low, p_high, game, s_low, s_high)
        fixed = _fix_by_sign(
            low, high, p_low, p_high, global_low, global_high, s_low, s_high,
            j_low, j_high, game, excess, extra,
        )  # fmt: skip
        if fixed < 0:
            return -math.inf
        if fixed == 0:
            break
    corner = rate_weight * math.log1p(a / j_low)
    width = 0.0
    for j in range(k):
        corner += revenue_weight * p_high[j] / (p_high[j] + s_low[j])
        width = max(width, high[j] - low[j])
        y[j] = 0.5 * (low[j] + high[j])
        best_point[j] = y[j]
        score[j] = high[j] - low[j]
    best = corner
    if best <= threshold or width == 0.0:
        return best
    u_low, u_high = math.log(j_low), math.log(j_high)
    c_low = rate_weight * math.log1p(a / j_low)
    c_high = rate_weight * math.log1p(a / j_high)
    chord = (c_high - c_low) / (u_high - u_low) if u_high - u_low > 1e-9 else 0.0
    for j in range(k):
        t_low[j] = math.log(s_low[j] / p_high[j])
        t_high[j] = math.log(s_high[j] / p_low[j])
        tangent[j] = logistic_tangent(t_low[j], t_high[j])
        if tangent[j] < t_low[j]:
            rise = 1.0 / (1.0 + math.exp(t_high[j])) - 1.0 / (1.0 + math.exp(t_low[j]))
            run = t_high[j] - t_low[j]
            slope[j] = rise / run if run > 1e-9 else 0.0
        else:
            r = 1.0 / (1.0 + math.exp(tangent[j]))
            slope[j] = -r * (1.0 - r)
    highest = -math.inf  # of the overestimator: no point can bound below it
    for _ in range(_MAX_POINTS):
        j_sum = 1.0
        for i in range(k):
            power[i] = math.exp(y[i])
            j_sum += bs_gain[i] * power[i]
        u = math.log(j_sum)
        value = c_low + chord * (u - u_low)
        cellular_excess = value - rate_weight * math.log1p(a / j_sum)
        for i in range(k):
            psi = bs_gain[i] * power[i] / j_sum
            gradient[i] = chord * psi
            bend[i] = chord * psi * (1.0 - psi)
            extra[i] = psi
        for j in range(k):
            s = noise[j]
            for i in range(k):
                share[j, i] = coupling[j, i] * power[i]
                s += share[j, i]
            t = math.log(s / power[j])
            r = power[j] / (power[j] + s)
            if t <= tangent[j]:
                above, first = r, -r * (1.0 - r)
                second = -first * (1.0 - 2.0 * r)
            else:
                second = 0.0
                first = slope[j]
                if tangent[j] < t_low[j]:
                    above = 1.0 / (1.0 + math.exp(t_low[j])) + first * (t - t_low[j])
                else:
                    above = 1.0 / (1.0 + math.exp(tangent[j])) + first * (
                        t - tangent[j]
                    )
            value += revenue_weight * above
            excess[j] = revenue_weight * (above - r)
            first *= revenue_weight
            second *= revenue_weight
            gradient[j] -= first
            bend[j] += second
            inverse = 1.0 / s
            for i in range(k):
                phi = share[j, i] * inverse
                share[j, i] = phi
                gradient[i] += first * phi
                bend[i] += second * phi * phi + first * phi * (1.0 - phi)
        bound = value
        for i in range(k):
            bound += max(gradient[i] * (low[i] - y[i]), gradient[i] * (high[i] - y[i]))
        if bound < best:
            best = bound
            psi_sum = 1e-300
            for i in range(k):
                best_point[i] = y[i]
                score[i] = max(
                    gradient[i] * (low[i] - y[i]), gradient[i] * (high[i] - y[i])
                )
                psi_sum += extra[i] * (high[i] - low[i])
            for i in range(k):
                score[i] += cellular_excess * extra[i] * (high[i] - low[i]) / psi_sum
            for j in range(k):
                spread = high[j] - low[j] + 1e-300
                for i in range(k):
                    spread += share[j, i] * (high[i] - low[i])
                weight = excess[j] / spread
                score[j] += weight * (high[j] - low[j])
                for i in range(k):
                    score[i] += weight * share[j, i] * (high[i] - low[i])
        highest = max(highest, value)
        if best <= threshold or best - highest <= _WORTHWHILE * (best - threshold):
            break
        for i in range(k):
            if bend[i] < -1e-300:
                moved = y[i] - _DAMPING * gradient[i] / bend[i]
            else:
                moved = high[i] if gradient[i] > 0.0 else low[i]
            y[i] = min(max(moved, low[i]), high[i])
    return best


@njit(cache=True, error_model="numpy", nogil=True)
def prove(
    log_power: Floats,
    global_low: Floats,
    global_high: Floats,
    game: ChannelGame,
    relative_gap: float,
    max_boxes: int,
) -> tuple[float, float, int]:
    """Bound F from above over the whole box and improve `log_power` on the way.

    Args:
        log_power: a good point [K]; replaced by a better one if one is found.
        global_low: ln of the least power [K].
        global_high: ln of the greatest power [K].
        game: the channel.
        relative_gap: stop when (bound - F) <= relative_gap * F.
        max_boxes: stop after this many boxes, with the bound reached.

    Returns:
        F at `log_power`, a proved upper bound on F, boxes bounded.
    """
    k = log_power.shape[0]
    power = np.exp(log_power)
    incumbent = objective(power, game)
    queue = new_queue(k, 64)
    no_mark = np.zeros(k, dtype=np.int64)
    work, share = np.empty((14, k)), np.empty((k, k))
    point, score = np.empty(k), np.empty(k)
    low, high = global_low.copy(), global_high.copy()
    boxes = 0
    closed = -math.inf  # largest bound among boxes given up as too small to split
    pending = 1  # children of the current box still to be bounded
    parent_low, parent_high = low.copy(), high.copy()
    variable, middle, parent_bound = 0, 0.0, math.inf
    side = 2  # 2: the root itself, 1: upper half, 0: lower half
    while True:
        if pending == 0:
            target = incumbent * (1.0 + relative_gap)
            if not largest_bound(queue) > target or boxes >= max_boxes:
                break
            row = pop(queue)
            parent_low[:], parent_high[:] = queue.low[row], queue.high[row]
            variable, parent_bound = queue.split[row], queue.bound[row]
            middle = 0.5 * (parent_low[variable] + parent_high[variable])
            if not parent_low[variable] < middle < parent_high[variable]:
                closed = max(closed, parent_bound)
                continue
            pending, side = 2, 1
        low[:], high[:] = parent_low, parent_high
        if side == 1:
            low[variable] = middle
        elif side == 0:
            high[variable] = middle
        side -= 1
        pending -= 1
        boxes += 1
        bound = bound_box(
            low, high, global_low, global_high, game, incumbent,
            point, score, work, share,
        )  # fmt: skip
        if bound <= incumbent:  # also the dropped boxes, at -inf
            continue
        bound = min(bound * (1.0 + ROUNDING_ALLOWANCE), parent_bound)
        for i in range(k):
            power[i] = math.exp(point[i])
        reached = objective(power, game)
        if reached > incumbent:
            log_power[:] = point
            local_maximum(point, global_low, global_high, game)
            for i in range(k):
                power[i] = math.exp(point[i])
            # The ascent's own value loses digits where the cellular rate is tiny.
            incumbent = objective(power, game)
            if incumbent >= reached:
                log_power[:] = point
            incumbent = max(incumbent, reached)
        if bound <= incumbent * (1.0 + 0.5 * relative_gap):
            closed = max(closed, bound)
            continue
        queue = push(queue, bound, int(np.argmax(score)), low, high, no_mark)
    upper = max(incumbent, closed, largest_bound(queue))
    return float(incumbent), float(upper) * (1.0 + ROUNDING_ALLOWANCE), boxes
