"""A proved upper bound on one channel's leader utility: fixed price bounds.

In the units of `fixed_bounds`. For powers p the best implementable revenue is, with
`low_price` and `high_price` its bounds,

    at p_min, needs p_min + s >= 1/high_price:   p_min * high_price
    between, needs 1/high_price <= p + s <= 1/low_price:   p / (p + s)
    at p_max, needs p_max + s <= 1/low_price:    p_max * min(high_price, 1/(p_max + s))

so that the leader chooses powers and, per pair, a regime. Above p_min the revenue never
exceeds min(p * high_price, p/(p + s)): branch and bound relaxes to that, with the
concave overestimators of `branch_and_bound` and a chord for p * high_price, and splits
regimes as well as boxes. Derivative signs prove nothing here, where constraints couple
the pairs.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from stackelberg.spectrum.box_queue import largest_bound, new_queue, pop, push
from stackelberg.spectrum.branch_and_bound import ROUNDING_ALLOWANCE, logistic_tangent
from stackelberg.spectrum.channel_game import ChannelGame
from stackelberg.spectrum.fixed_bounds import ascend_prices, utility_of_prices
from stackelberg.spectrum.scenario import Floats, Ints

AT_LEAST_POWER, UNDECIDED, ABOVE, BETWEEN = 0, 1, 2, 3

_MAX_POINTS = 12

_NEGLIGIBLE = 1e-3
"""Scores below this share of what is still to be closed do not tell where to split."""


@njit(cache=True, error_model="numpy", nogil=True)
def _tighten(
    state: Ints, p_low: Floats, p_high: Floats, s_low: Floats, s_high: Floats,
    low_price: Floats, high_price: Floats, game: ChannelGame,
) -> bool:  # fmt: skip
    """Shrink the box by the regimes' constraints; False if it cannot be met.

    Below p_max every regime needs p + s >= 1 / high_price, decided or not.
    """
    k = len(state)
    noise, coupling, high = game.noise, game.coupling, game.max_power_w
    slack = 1e-9
    for _ in range(4):
        for j in range(k):
            least, most = noise[j], noise[j]
            for i in range(k):
                least += coupling[j, i] * p_low[i]
                most += coupling[j, i] * p_high[i]
            s_low[j], s_high[j] = least, most
        changed = False
        for j in range(k):
            # Powers may have shrunk since s was summed: its range is then too wide,
            # which weakens the cuts of this pass but keeps them valid.
            if state[j] in (ABOVE, BETWEEN):  # p_j + s_j <= 1 / low_price
                room = (1.0 + slack) / low_price[j] - p_low[j] - s_low[j]
                if room < 0.0:
                    return False
                for i in range(k):
                    weight = 1.0 if i == j else coupling[j, i]
                    if weight * (p_high[i] - p_low[i]) > room:
                        changed = True
                        p_high[i] = min(p_high[i], p_low[i] + room / weight)
            if state[j] == BETWEEN or p_high[j] < high:  # p_j + s_j >= 1 / high_price
                spare = p_high[j] + s_high[j] - (1.0 - slack) / high_price[j]
                if spare < 0.0:
                    return False
                for i in range(k):
                    weight = 1.0 if i == j else coupling[j, i]
                    if weight * (p_high[i] - p_low[i]) > spare:
                        changed = True
                        p_low[i] = max(p_low[i], p_high[i] - spare / weight)
        if not changed:
            break
    return True


@njit(cache=True, error_model="numpy", nogil=True)
def bound_regimes(
    state: Ints, p_low: Floats, p_high: Floats,
    low_price: Floats, high_price: Floats, game: ChannelGame,
    threshold: float, best_power: Floats, score: Floats, work: Floats, share: Floats,
) -> float:  # fmt: skip
    """Upper bound on the utility over powers in [p_low, p_high] and regimes `state`.

    The box may be tightened in place; -inf says that it holds no implementable point.
    Writes the powers that gave the least bound and the score to split by.
    """
    k = len(state)
    bs_gain, noise, coupling = game.bs_gain, game.noise, game.coupling
    a, low = game.cellular_snr, game.min_power_w
    rate_weight, revenue_weight = game.follower_price_weight, game.leader_revenue_weight
    s_low, s_high, t_low, tangent = work[0], work[1], work[2], work[3]
    slope, y, low_y, high_y = work[4], work[5], work[6], work[7]
    gradient, bend, excess, psi = work[8], work[9], work[10], work[11]
    power, at_low, extra, cap_slope = work[12], work[13], work[14], work[15]
    if not _tighten(state, p_low, p_high, s_low, s_high, low_price, high_price, game):
        return -math.inf
    heard_low, heard_high, constant = 1.0, 1.0, 0.0
    for j in range(k):
        heard_low += bs_gain[j] * p_low[j]
        heard_high += bs_gain[j] * p_high[j]
    best = rate_weight * math.log1p(a / heard_low)
    for j in range(k):
        extra[j] = low * high_price[j] if state[j] == UNDECIDED else 0.0
        score[j] = 0.0
        best_power[j] = p_low[j]
        if state[j] == AT_LEAST_POWER:
            constant += revenue_weight * low * high_price[j]
            best += revenue_weight * low * high_price[j]
            low_y[j] = high_y[j] = 0.0
            continue
        best += revenue_weight * min(
            p_high[j] * high_price[j], extra[j] + p_high[j] / (p_high[j] + s_low[j])
        )
        low_y[j], high_y[j] = math.log(p_low[j]), math.log(p_high[j])
        y[j] = 0.5 * (low_y[j] + high_y[j])
        best_power[j] = math.exp(y[j])
        score[j] = high_y[j] - low_y[j]
    if best <= threshold:
        return best
    u_low, u_high = math.log(heard_low), math.log(heard_high)
    c_low = rate_weight * math.log1p(a / heard_low)
    c_high = rate_weight * math.log1p(a / heard_high)
    chord = (c_high - c_low) / (u_high - u_low) if u_high - u_low > 1e-9 else 0.0
    for j in range(k):
        if state[j] == AT_LEAST_POWER:
            continue
        t_low[j] = math.log(s_low[j] / p_high[j])
        t_high = math.log(s_high[j] / p_low[j])
        tangent[j] = logistic_tangent(t_low[j], t_high)
        at_low[j] = 1.0 / (1.0 + math.exp(t_low[j]))
        if tangent[j] < t_low[j]:
            rise = 1.0 / (1.0 + math.exp(t_high)) - at_low[j]
            slope[j] = rise / (t_high - t_low[j]) if t_high - t_low[j] > 1e-9 else 0.0
        else:
            r = 1.0 / (1.0 + math.exp(tangent[j]))
            slope[j] = -r * (1.0 - r)
        run = high_y[j] - low_y[j]
        cap_slope[j] = high_price[j] * (
            (p_high[j] - p_low[j]) / run if run > 1e-9 else p_high[j]
        )
    highest = -math.inf
    for _ in range(_MAX_POINTS):
        heard = 1.0
        for i in range(k):
            power[i] = low if state[i] == AT_LEAST_POWER else math.exp(y[i])
            heard += bs_gain[i] * power[i]
        value = constant + c_low + chord * (math.log(heard) - u_low)
        cellular_excess = value - constant - rate_weight * math.log1p(a / heard)
        for i in range(k):
            psi[i] = bs_gain[i] * power[i] / heard
            gradient[i] = chord * psi[i]
            bend[i] = chord * psi[i] * (1.0 - psi[i])
        for j in range(k):
            excess[j] = 0.0
            if state[j] == AT_LEAST_POWER:
                for i in range(k):
                    share[j, i] = 0.0
                continue
            s = noise[j]
            for i in range(k):
                share[j, i] = coupling[j, i] * power[i]
                s += share[j, i]
            for i in range(k):
                share[j, i] /= s
            t = math.log(s / power[j])
            r = power[j] / (power[j] + s)
            if t <= tangent[j]:
                above, first = r, -r * (1.0 - r)
                second = -first * (1.0 - 2.0 * r)
            else:
                second, first = 0.0, slope[j]
                if tangent[j] < t_low[j]:
                    above = at_low[j] + first * (t - t_low[j])
                else:
                    above = 1.0 / (1.0 + math.exp(tangent[j])) + first * (
                        t - tangent[j]
                    )
            above += extra[j]
            if high_y[j] - low_y[j] > 1e-9:
                cap = high_price[j] * p_low[j] + cap_slope[j] * (y[j] - low_y[j])
            else:
                cap = high_price[j] * p_high[j]
            if cap < above:
                value += revenue_weight * cap
                gradient[j] += revenue_weight * cap_slope[j]
                excess[j] = revenue_weight * (cap - min(r, power[j] * high_price[j]))
                continue
            value += revenue_weight * above
            excess[j] = revenue_weight * (above - min(r, power[j] * high_price[j]))
            gradient[j] -= revenue_weight * first
            bend[j] += revenue_weight * second
            for i in range(k):
                phi = share[j, i]
                gradient[i] += revenue_weight * first * phi
                bend[i] += revenue_weight * (
                    second * phi * phi + first * phi * (1.0 - phi)
                )
        bound = value
        for i in range(k):
            if state[i] != AT_LEAST_POWER:
                bound += max(
                    gradient[i] * (low_y[i] - y[i]), gradient[i] * (high_y[i] - y[i])
                )
        if bound < best:
            best = bound
            total = 1e-300
            for i in range(k):
                total += psi[i] * (high_y[i] - low_y[i])
            for i in range(k):
                best_power[i] = power[i]
                score[i] = cellular_excess * psi[i] * (high_y[i] - low_y[i]) / total
                if state[i] != AT_LEAST_POWER:
                    score[i] += max(
                        gradient[i] * (low_y[i] - y[i]),
                        gradient[i] * (high_y[i] - y[i]),
                    )
            for j in range(k):
                spread = high_y[j] - low_y[j] + 1e-300
                for i in range(k):
                    spread += share[j, i] * (high_y[i] - low_y[i])
                weight = excess[j] / spread
                score[j] += weight * (high_y[j] - low_y[j])
                if state[j] == UNDECIDED:  # no split of powers alone removes this
                    score[j] += excess[j]
                for i in range(k):
                    score[i] += weight * share[j, i] * (high_y[i] - low_y[i])
        highest = max(highest, value)
        if best <= threshold or best - highest <= 0.1 * (best - threshold):
            break
        for i in range(k):
            if state[i] == AT_LEAST_POWER:
                continue
            if bend[i] < -1e-300:
                moved = y[i] - 0.8 * gradient[i] / bend[i]
            else:
                moved = high_y[i] if gradient[i] > 0.0 else low_y[i]
            y[i] = min(max(moved, low_y[i]), high_y[i])
    return best


@njit(cache=True, error_model="numpy", nogil=True)
def _power_floors(
    high_price: Floats, game: ChannelGame, allowance: float, floor: Floats
) -> None:
    """Powers so small that moving to them costs at most `allowance`; written."""
    k = len(floor)
    revenue_weight, a = game.leader_revenue_weight, game.cellular_snr
    for i in range(k):
        harm = (
            game.follower_price_weight * a * game.bs_gain[i] / (1.0 + a)
            + revenue_weight * high_price[i]
        )
        for j in range(k):
            harm += revenue_weight * game.coupling[j, i] / (4.0 * game.noise[j])
        floor[i] = min(1e-2 * allowance / (k * harm), 1e-3 * game.max_power_w)


@njit(cache=True, error_model="numpy", nogil=True)
def _enter_child(
    child: int, j: int, state: Ints, p_low: Floats, p_high: Floats, game: ChannelGame
) -> bool:
    """Make a box its child 0 or 1 by pair `j`; False where that child is empty.

    Regimes are split before powers: the least power or above it, then the greatest
    power or implementable between, then the power at the middle of its logarithm.
    """
    if state[j] == UNDECIDED:
        state[j] = AT_LEAST_POWER if child == 0 else ABOVE
        if child == 0:
            p_low[j] = p_high[j] = game.min_power_w
    elif state[j] == ABOVE:
        state[j] = ABOVE if child == 0 else BETWEEN
        if child == 0:
            if p_high[j] < game.max_power_w:
                return False
            p_low[j] = game.max_power_w
    else:
        middle = math.sqrt(p_low[j] * p_high[j])
        if child == 0:
            p_high[j] = middle
        else:
            p_low[j] = middle
    return True


@njit(cache=True, error_model="numpy", nogil=True)
def _too_narrow(j: int, state: Ints, p_low: Floats, p_high: Floats) -> bool:
    """Whether pair `j` has only its power left to split, and no number in between."""
    if state[j] == UNDECIDED or state[j] == ABOVE:
        return False
    return not p_low[j] < math.sqrt(p_low[j] * p_high[j]) < p_high[j]


@njit(cache=True, error_model="numpy", nogil=True)
def _prices_at(
    power: Floats, state: Ints, low_price: Floats, high_price: Floats,
    game: ChannelGame, price: Floats,
) -> None:  # fmt: skip
    """The prices that would have the pairs answer `power`, kept to their bounds."""
    k = len(power)
    for j in range(k):
        if state[j] == AT_LEAST_POWER:
            price[j] = high_price[j]
        else:
            s = game.noise[j]
            for i in range(k):
                s += game.coupling[j, i] * power[i]
            price[j] = min(max(1.0 / (power[j] + s), low_price[j]), high_price[j])


@njit(cache=True, error_model="numpy", nogil=True)
def _pair_to_split(
    state: Ints, p_low: Floats, p_high: Floats, high_price: Floats,
    coupling: Floats, score: Floats, least_score: float,
) -> int:  # fmt: skip
    """The pair of highest score; -1 where nothing is left to split.

    Scores of at most `least_score` tell nothing: the overestimator is all but exact and
    its best point not implementable. Then the power that moves the regimes' constraints
    most.
    """
    k = len(state)
    widest, at = -1.0, -1
    for by_width in range(2):
        if by_width and widest > least_score:
            break
        widest = -1.0
        for j in range(k):
            if state[j] == AT_LEAST_POWER or (
                p_high[j] <= p_low[j] and state[j] != UNDECIDED
            ):
                continue
            width = score[j]
            if by_width:
                width = 0.0
                for i in range(k):
                    weight = 1.0 if i == j else coupling[i, j]
                    width += weight * (p_high[j] - p_low[j]) * high_price[i]
            if width > widest:
                widest, at = width, j
    return at if widest >= 0.0 else -1


@njit(cache=True, error_model="numpy", nogil=True)
def prove_fixed(
    price: Floats, low_price: Floats, high_price: Floats, game: ChannelGame,
    relative_gap: float, max_boxes: int,
) -> tuple[float, float, int]:  # fmt: skip
    """Bound the utility from above and improve `price` [K] (1/W) on the way.

    Where p_min = 0, powers below a floor so small that the utility cannot change by
    more than 1e-9 relative are taken for the floor, and the bound is raised by that.

    Returns:
        Utility at `price`, proved upper bound, boxes bounded; in units of B.
    """
    k = len(price)
    power = np.empty(k)
    incumbent = utility_of_prices(price, game, power)
    allowance = 0.0
    floor = np.full(k, game.min_power_w)
    if game.min_power_w == 0.0:
        # At the least prices somebody transmits, even where nobody does at `price`.
        cheapest = utility_of_prices(low_price, game, power)
        allowance = 1e-9 * max(incumbent, cheapest)
        _power_floors(high_price, game, allowance, floor)
    queue = new_queue(k, 64)
    work, share = np.empty((16, k)), np.empty((k, k))
    point, score, tried = np.empty(k), np.empty(k), np.empty(k)
    state = np.full(k, UNDECIDED)
    p_low, p_high = floor.copy(), np.full(k, game.max_power_w)
    up_state, up_low, up_high = state.copy(), p_low.copy(), p_high.copy()
    boxes, closed = 0, -math.inf
    pending, variable, parent_bound = 1, -1, math.inf
    while True:
        if pending == 0:
            target = incumbent * (1.0 + relative_gap)
            if not largest_bound(queue) > target or boxes >= max_boxes:
                break
            row = pop(queue)
            up_state[:], up_low[:] = queue.mark[row], queue.low[row]
            up_high[:] = queue.high[row]
            variable, parent_bound = queue.split[row], queue.bound[row]
            if _too_narrow(variable, up_state, up_low, up_high):
                closed = max(closed, parent_bound)
                continue
            pending = 2
        state[:], p_low[:], p_high[:] = up_state, up_low, up_high
        pending -= 1
        if variable >= 0 and not _enter_child(
            pending, variable, state, p_low, p_high, game
        ):
            continue
        boxes += 1
        bound = bound_regimes(
            state, p_low, p_high, low_price, high_price, game, incumbent - allowance,
            point, score, work, share,
        )  # fmt: skip
        if bound == -math.inf:
            continue
        bound = min(bound * (1.0 + ROUNDING_ALLOWANCE) + allowance, parent_bound)
        if bound <= incumbent:
            continue
        _prices_at(point, state, low_price, high_price, game, tried)
        if utility_of_prices(tried, game, power) > incumbent:
            incumbent = ascend_prices(tried, low_price, high_price, game)
            price[:] = tried
        if bound <= incumbent * (1.0 + 0.5 * relative_gap):
            closed = max(closed, bound)
            continue
        for j in range(k):  # regimes that the box has left cut no more corners
            if state[j] == UNDECIDED and p_low[j] > floor[j]:
                state[j] = ABOVE
            if state[j] == ABOVE and p_high[j] < game.max_power_w:
                state[j] = BETWEEN
        at = _pair_to_split(
            state, p_low, p_high, high_price, game.coupling, score,
            _NEGLIGIBLE * (bound - incumbent),
        )  # fmt: skip
        if at < 0:
            closed = max(closed, bound)
            continue
        queue = push(queue, bound, at, p_low, p_high, state)
    upper = max(incumbent, closed, largest_bound(queue))
    return float(incumbent), float(upper) * (1.0 + ROUNDING_ALLOWANCE), boxes
