"""Prices on one channel when the price bounds are fixed numbers: feasible points.

In units of B, with the stored price times gain_to_bs / B as `price` (1/W): a pair
answers p = clip(1/price - s, p_min, p_max), and pays price * p.

Ascent goes along the exact gradient through the followers' equilibrium from several
starts; kinks at the knees, where a pair reaches a power limit, are taken by trying
them. What no prices can exceed is the matter of `regimes`.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from stackelberg.spectrum.channel_game import ChannelGame
from stackelberg.spectrum.power_game import (
    enumerate_equilibria,
    follow_path,
    solve_in_place,
)
from stackelberg.spectrum.scenario import Floats

LISTED_PAIRS = 4
"""Up to so many strongly coupled pairs, every followers' equilibrium is looked at."""

_ASCENT_STEPS = 200


@njit(cache=True, error_model="numpy", nogil=True)
def utility_of_prices(price: Floats, game: ChannelGame, power: Floats) -> float:
    """Leader utility in units of B at `price` [K] (1/W); writes the powers.

    Where several equilibria are likely and few enough to list, the leader's best one.
    """
    k = len(price)
    coupling = game.coupling
    target = np.empty(k)
    for j in range(k):
        target[j] = 1.0 / price[j] - game.noise[j]
    follow_path(target, coupling, game.min_power_w, game.max_power_w, power)
    value = _utility(price, game, power)
    if k > LISTED_PAIRS:
        return value
    for j in range(k):
        for i in range(j):
            if coupling[j, i] * coupling[i, j] >= 1.0:
                return _best_listed(price, target, game, power, value)
    return value


@njit(cache=True, error_model="numpy", nogil=True)
def _utility(price: Floats, game: ChannelGame, power: Floats) -> float:
    heard, revenue = 1.0, 0.0
    for j in range(len(price)):
        heard += game.bs_gain[j] * power[j]
        revenue += price[j] * power[j]
    return game.follower_price_weight * math.log1p(game.cellular_snr / heard) + (
        game.leader_revenue_weight * revenue
    )


@njit(cache=True, error_model="numpy", nogil=True)
def _best_listed(
    price: Floats, target: Floats, game: ChannelGame, power: Floats, best: float
) -> float:
    """The leader's best among all equilibria; `power` has one that is worth `best`."""
    listed, _ = enumerate_equilibria(
        target, game.coupling, game.min_power_w, game.max_power_w
    )
    for row in range(len(listed)):
        value = _utility(price, game, listed[row])
        if value > best:
            best = value
            power[:] = listed[row]
    return best


@njit(cache=True, error_model="numpy", nogil=True)
def _gradient_in_log_price(
    price: Floats, power: Floats, game: ChannelGame, gradient: Floats
) -> None:
    k = len(price)
    a, bs_gain = game.cellular_snr, game.bs_gain
    rate_weight, revenue_weight = game.follower_price_weight, game.leader_revenue_weight
    heard = 1.0
    for j in range(k):
        heard += bs_gain[j] * power[j]
    free = np.flatnonzero((power > game.min_power_w) & (power < game.max_power_w))
    n = len(free)
    square, right = np.empty((n, n)), np.empty(n)
    for x in range(n):
        j = free[x]
        right[x] = revenue_weight * price[j] - rate_weight * a * bs_gain[j] / (
            heard * (heard + a)
        )
        for c in range(n):  # transposed
            square[x, c] = 1.0 if x == c else game.coupling[free[c], j]
    reaction = right.reshape(n, 1).copy()
    if not solve_in_place(square, reaction):
        reaction[:] = 0.0  # a singular set: the direct effect of the price alone
    for j in range(k):
        gradient[j] = revenue_weight * power[j] * price[j]
    for x in range(n):
        gradient[free[x]] -= reaction[x, 0] / price[free[x]]


@njit(cache=True, error_model="numpy", nogil=True)
def _climb(
    price: Floats, low_price: Floats, high_price: Floats, game: ChannelGame,
    power: Floats, value: float,
) -> float:  # fmt: skip
    """Gradient steps in ln price from `price`, in place, where it is worth `value`."""
    k = len(price)
    gradient, trial = np.empty(k), np.empty(k)
    length = 1.0
    for _ in range(_ASCENT_STEPS):
        _gradient_in_log_price(price, power, game, gradient)
        steepest = 0.0
        for j in range(k):
            outward = (gradient[j] > 0.0 and price[j] >= high_price[j]) or (
                gradient[j] < 0.0 and price[j] <= low_price[j]
            )
            if outward:
                gradient[j] = 0.0
            steepest = max(steepest, abs(gradient[j]))
        if steepest <= 1e-13 * abs(value):
            break
        length = min(4.0 * length, 3.0)
        moved, reached = False, value
        while length > 1e-12:
            for j in range(k):
                step = length * gradient[j] / steepest
                trial[j] = min(
                    max(price[j] * math.exp(step), low_price[j]), high_price[j]
                )
            reached = utility_of_prices(trial, game, power)
            if reached > value:
                moved = True
                break
            length *= 0.3
        if not moved:
            break
        gained = reached - value
        value = reached
        price[:] = trial
        if gained <= 1e-14 * abs(value):
            break
    return utility_of_prices(price, game, power)


@njit(cache=True, error_model="numpy", nogil=True)
def _move_singly(
    price: Floats, low_price: Floats, high_price: Floats, game: ChannelGame,
    power: Floats, value: float,
) -> float:  # fmt: skip
    """Try each pair's bounds and knees in turn; `power` answers `price` throughout."""
    k = len(price)
    trial = np.empty(k)
    for j in range(k):
        s = game.noise[j]
        for i in range(k):
            s += game.coupling[j, i] * power[i]
        old = price[j]
        best_price = old
        for option in range(4):
            if option == 0:
                tried = low_price[j]
            elif option == 1:
                tried = high_price[j]
            else:
                knee = game.max_power_w if option == 2 else game.min_power_w
                tried = 1.0 / (knee + s)
            price[j] = min(max(tried, low_price[j]), high_price[j])
            reached = utility_of_prices(price, game, trial)
            if reached > value * (1.0 + 1e-13):
                value, best_price = reached, price[j]
        price[j] = best_price
        if best_price != old:
            value = utility_of_prices(price, game, power)
    return value


@njit(cache=True, error_model="numpy", nogil=True)
def ascend_prices(
    price: Floats, low_price: Floats, high_price: Floats, game: ChannelGame
) -> float:
    """Improve `price` [K] in place: gradient steps in ln price, then single moves.

    Single moves try each pair's bounds and the knees at which it reaches a power limit:
    there the utility has kinks that a gradient cannot see past.
    """
    power = np.empty(len(price))
    value = utility_of_prices(price, game, power)
    for _ in range(20):
        before = value
        value = _climb(price, low_price, high_price, game, power, value)
        value = _move_singly(price, low_price, high_price, game, power, value)
        if value - before <= 1e-13 * abs(value):
            break
    return value


@njit(cache=True, error_model="numpy", nogil=True)
def best_prices(
    low_price: Floats, high_price: Floats, game: ChannelGame, best: Floats
) -> float:
    """Best of 2K + 3 ascents: all low, middle, all high; one pair cheap or dear."""
    k = len(low_price)
    price = np.empty(k)
    highest = -math.inf
    for start in range(2 * k + 3 if k > 1 else 3):
        for j in range(k):
            middle = math.sqrt(low_price[j] * high_price[j])
            if start < 3:
                price[j] = (low_price[j], middle, high_price[j])[start]
            elif start < 3 + k:
                price[j] = low_price[j] if start - 3 == j else high_price[j]
            else:
                price[j] = high_price[j] if start - 3 - k == j else low_price[j]
        value = ascend_prices(price, low_price, high_price, game)
        if value > highest:
            highest = value
            best[:] = price
    return highest
