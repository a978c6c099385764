"""One pair's price and power at a time, each price by search on a grid; no formula."""

from __future__ import annotations

import math

import numpy as np

from oracles.power_game import Channel


def answer(channel: Channel, price: float, power: np.ndarray, j: int) -> float:
    """Pair j's best response to `price`, the others' powers held."""
    spend = channel.bandwidth / (math.log(2.0) * channel.follower_price_weight)
    wish = spend / (price * float(channel.to_bs[j])) - _s(channel, power, j)
    return min(max(wish, channel.min_power), channel.max_power)


def price_box(channel: Channel, power: np.ndarray, j: int) -> tuple[float, float]:
    """The prices that pair j answers with some power in its range."""
    spend = channel.bandwidth / (math.log(2.0) * channel.follower_price_weight)
    s, to_bs = _s(channel, power, j), float(channel.to_bs[j])
    return (
        spend / (to_bs * (channel.max_power + s)),
        spend / (to_bs * (channel.min_power + s)),
    )


def best_price(
    channel: Channel,
    price: np.ndarray,
    power: np.ndarray,
    j: int,
    box: tuple[float, float],
    points: int = 401,
    zooms: int = 12,
) -> float:
    """Pair j's price that is best for the leader, the others' powers held."""
    low, high = box

    def utility(candidate: float) -> float:
        prices, powers = price.copy(), power.copy()
        prices[j] = candidate
        powers[j] = answer(channel, candidate, power, j)
        return channel.leader_utility(prices, powers)

    grid = np.geomspace(low, high, points)
    best = low
    for _ in range(zooms):
        values = [utility(float(candidate)) for candidate in grid]
        at = int(np.argmax(values))
        nearest = grid[max(at - 1, 0)], grid[min(at + 1, len(grid) - 1)]
        best = float(grid[at])
        grid = np.unique(np.append(np.geomspace(*nearest, 21), best))
    return min(max(best, low), high)


def sweeps(
    channel: Channel,
    count: int,
    bounds: tuple[np.ndarray, np.ndarray] | None = None,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Prices and powers after each of `count` sweeps, from all at the greatest power.

    `bounds` are fixed price bounds per pair; None lets each price range over the image
    of the power range.
    """
    k = len(channel.own)
    price, power = np.full(k, math.nan), np.full(k, channel.max_power)
    for j in range(k):  # what a price has to be before it is first set
        price[j] = price_box(channel, power, j)[0]
    seen: list[tuple[np.ndarray, np.ndarray]] = []
    for _ in range(count):
        for j in range(k):
            box = price_box(channel, power, j)
            if bounds is not None:
                box = float(bounds[0][j]), float(bounds[1][j])
            price[j] = best_price(channel, price, power, j, box)
            power[j] = answer(channel, float(price[j]), power, j)
        seen.append((price.copy(), power.copy()))
    return seen


def _s(channel: Channel, power: np.ndarray, j: int) -> float:
    return (channel.noise + channel.interference(power, j)) / float(channel.own[j])
