"""Markets as nobody would draw them: every legal oddity, at any spread of sizes."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

INF = math.inf

ODDITIES = (
    "free", "poor", "closed", "endless_capacity", "endless_budget", "unreached",
    "ties", "twins", "nearly_equal", "balanced", "units", "one_user", "one_node",
    "wide",
)  # fmt: skip


class Wild(NamedTuple):
    """A market as arrays, and what is odd about it."""

    price: np.ndarray
    capacity: np.ndarray
    budget: np.ndarray
    weight: np.ndarray
    odd: tuple[str, ...]


def wild_market(seed: int, decades: int) -> Wild:
    """The market of a seed, with numbers from 10^-decades to 10^decades.

    Each oddity comes with one chance in six. With `units`, the units of nodes, money
    and utility are changed besides, by up to 12 decades either way.
    """
    draw = np.random.default_rng([seed, decades])
    odd = tuple(name for name in ODDITIES if draw.random() < 1.0 / 6.0)
    users = 1 if "one_user" in odd else int(draw.integers(1, 13))
    nodes = 1 if "one_node" in odd else int(draw.integers(1, 9))
    if "wide" in odd:
        users, nodes = 4 * users, 2 * nodes

    def spread(*shape: int) -> np.ndarray:
        return 10.0 ** draw.uniform(-decades, decades, shape)

    def some(count: int) -> np.ndarray:
        return draw.random(count) < draw.uniform(0.1, 0.6)

    price, capacity, budget = spread(nodes), spread(nodes), spread(users)
    weight = spread(users, nodes)
    if "ties" in odd:  # every node in reach is the same bargain
        weight = spread(users)[:, None] * price
    if "nearly_equal" in odd:
        weight = np.full((users, nodes), spread(1)[0])
        weight *= 1.0 + 10.0 ** -draw.uniform(3, 16) * draw.random((users, nodes))
    inside = draw.random((users, nodes)) < draw.uniform(0.2, 1.2)
    inside[np.arange(users), draw.integers(0, nodes, users)] = True
    if "free" in odd:
        price[some(nodes)] = 0.0
    if "poor" in odd:
        budget[some(users)] = 0.0
    if "closed" in odd:
        capacity[some(nodes)] = 0.0
    if "endless_capacity" in odd:
        capacity[some(nodes)] = INF
    if "endless_budget" in odd:
        budget[some(users)] = INF
    if "unreached" in odd:
        inside[:, some(nodes)] = False
    if "twins" in odd:
        half = users // 2
        weight[half : 2 * half], budget[half : 2 * half] = weight[:half], budget[:half]
        inside[half : 2 * half] = inside[:half]
    if "balanced" in odd:
        worth = price * np.where(np.isfinite(capacity), capacity, 0.0)
        money = budget[np.isfinite(budget)].sum()
        if worth.sum() > 0.0 and money > 0.0:
            capacity *= money / worth.sum()
    if "units" in odd:
        node_unit = 10.0 ** draw.uniform(-12, 12, nodes)
        user_unit = 10.0 ** draw.uniform(-12, 12, users)
        money_unit = 10.0 ** draw.uniform(-12, 12)
        capacity, price = capacity * node_unit, price * money_unit / node_unit
        budget, weight = budget * money_unit, weight * user_unit[:, None] / node_unit
    return Wild(price, capacity, budget, np.where(inside, weight, 0.0), odd)
