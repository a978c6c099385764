"""The leader's best outcome on one channel with up to three pairs, by grids alone.

A dense grid, then finer grids around the best few of its points, again and again. The
followers are looked up among all their equilibria, found regime by regime; the leader
gets the best one for it. No gradient, no single-level form, no bound.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from oracles.power_game import Channel

POINTS = {1: 2001, 2: 81, 3: 21}
"""Grid points per axis, by the number of pairs."""

ZOOMS = 40
SEEDS = 6


@dataclass(frozen=True)
class Best:
    """The best outcome met: leader utility in bit/s, prices and powers [K]."""

    utility: float
    price: np.ndarray
    power: np.ndarray


def spend_scale(channel: Channel) -> float:
    return channel.bandwidth / (math.log(2.0) * channel.follower_price_weight)


def leader_utilities(
    channel: Channel, price: np.ndarray, power: np.ndarray
) -> np.ndarray:
    """Leader utility of each row of prices and powers [n, K]."""
    heard = channel.noise + (power * channel.to_bs).sum(axis=1)
    rate = channel.bandwidth * np.log1p(channel.cellular_power / heard) / math.log(2.0)
    revenue = (price * power * channel.to_bs).sum(axis=1)
    return rate + channel.leader_revenue_weight * revenue


def best_equilibria(
    channel: Channel, price: np.ndarray, tolerance: float = 1e-13
) -> tuple[np.ndarray, np.ndarray]:
    """Leader's best equilibrium at each row of prices [n, K]: utilities, powers."""
    n, k = price.shape
    coupling = channel.cross.T / channel.own[:, None]
    np.fill_diagonal(coupling, 0.0)
    wanted = (
        spend_scale(channel) / (price * channel.to_bs)
        - (channel.noise + channel.heard) / channel.own
    )
    best = np.full(n, -math.inf)
    powers = np.full((n, k), math.nan)
    low, high = channel.min_power, channel.max_power
    for regime in itertools.product(("min", "free", "max"), repeat=k):
        free = np.array([where == "free" for where in regime])
        held = np.array([high if where == "max" else low for where in regime])
        matrix = np.eye(k) + np.where(free[:, None], coupling, 0.0)
        if abs(np.linalg.det(matrix)) < 1e-12:
            continue
        power = np.linalg.solve(matrix, np.where(free, wanted, held).T).T
        answer = np.clip(wanted - power @ coupling.T, low, high)
        good = (np.abs(answer - power) <= tolerance * high).all(axis=1)
        power = np.clip(power, low, high)
        utility = np.where(good, leader_utilities(channel, price, power), -math.inf)
        better = utility > best
        best[better], powers[better] = utility[better], power[better]
    return best, powers


def best_fixed_prices(
    channel: Channel, low_price: np.ndarray, high_price: np.ndarray
) -> Best:
    """Best prices in a box of given numbers."""

    def value(log_price: np.ndarray) -> np.ndarray:
        return best_equilibria(channel, np.exp(log_price))[0]

    found = _zoom(value, np.log(low_price), np.log(high_price))
    price = np.exp(found)
    utility, power = best_equilibria(channel, price[None])
    return Best(float(utility[0]), price, power[0])


def induced_prices(channel: Channel, power: np.ndarray) -> np.ndarray:
    """Prices [n, K] to which the powers [n, K] are the pairs' best responses."""
    coupling = channel.cross.T / channel.own[:, None]
    np.fill_diagonal(coupling, 0.0)
    s = (channel.noise + channel.heard) / channel.own + power @ coupling.T
    return spend_scale(channel) / (channel.to_bs * (power + s))


def best_powers(channel: Channel, floor: float = 1e-9) -> Best:
    """Best outcome where each price ranges over the image of the power range.

    Such prices induce every power in the box, and no others. Where the least power is
    zero, the grids reach down to `floor` times the greatest and then jump to zero.
    """
    k = len(channel.own)
    low = channel.min_power if channel.min_power > 0.0 else floor * channel.max_power
    lows, highs = np.full(k, math.log(low)), np.full(k, math.log(channel.max_power))

    def powers_at(log_power: np.ndarray) -> np.ndarray:
        power = np.exp(log_power)
        return np.where(log_power <= lows, channel.min_power, power)

    def value(log_power: np.ndarray) -> np.ndarray:
        power = powers_at(log_power)
        return leader_utilities(channel, induced_prices(channel, power), power)

    power = powers_at(_zoom(value, lows, highs)[None])
    price = induced_prices(channel, power)
    utility = leader_utilities(channel, price, power)
    return Best(float(utility[0]), price[0], power[0])


def _zoom(
    value: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """The best point of ever finer grids around the best points of the first one."""
    k = len(low)
    points = POINTS[k]
    grid = _grid(low, high, points)
    at_grid = value(grid)
    best, best_value = grid[at_grid.argmax()], at_grid.max()
    for seed in grid[np.argsort(-at_grid)[:: max(1, k)][:SEEDS]]:
        center, center_value = seed, -math.inf
        reach = 1.5 * (high - low) / (points - 1)
        for _ in range(ZOOMS):
            near = _grid(
                np.maximum(center - reach, low), np.minimum(center + reach, high), 5
            )
            at_near = value(near)
            if at_near.max() >= center_value:
                center, center_value = near[at_near.argmax()], at_near.max()
            reach = 0.6 * reach
        if center_value > best_value:
            best, best_value = center, center_value
    return best


def _grid(low: np.ndarray, high: np.ndarray, points: int) -> np.ndarray:
    axes = [np.linspace(a, b, points) for a, b in zip(low, high, strict=True)]
    return np.stack([x.ravel() for x in np.meshgrid(*axes, indexing="ij")], axis=1)
