"""Random markets: base-station sites that sell capacity, users near them that buy it.

Densities and distances follow the EUA data of central Melbourne (125 sites on 1.3 x
2.0 km, the nearest at 62 m in the median, 7.6 within 200 m of a user); prices the
Sydney list prices of 2020 (0.0472 USD per vCPU-hour). Each concern has a random stream
of its own, so the same arguments give the same bits and more users move no site.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import Any, Literal, get_args

import numpy as np
from scipy import sparse
from scipy.spatial import KDTree

from stackelberg.edge.market import Floats, Market
from stackelberg.edge.positions import Positions
from stackelberg.errors import ConfigError, DomainError, suggestion

Regime = Literal["balanced", "budget_rich", "capacity_rich"]

BUDGET_SHARE: dict[str, float] = {
    "balanced": 1.0,
    "budget_rich": 4.0,
    "capacity_rich": 0.25,
}
"""Regime: all budgets together, relative to the price of all capacity."""

SITES_PER_KM2 = 125 / (1.3 * 2.0)
ASPECT = 1.3 / 2.0
"""Width over height of the area."""

PRICE_USD = 0.0472
"""Of one vCPU-hour; sites differ by a lognormal factor."""

PRICE_SPREAD, CAPACITY_SPREAD, BUDGET_SPREAD, TASTE_SPREAD = 0.2, 0.5, 1.0, 0.3
"""Standard deviations of the logarithms. Demand is uneven (a few cells carry most
bytes); the value for budgets is a choice, as are the others."""

HALF_WORTH_M = 150.0
"""Distance at which a unit is worth half of what it is worth next door; a choice."""


class _Concern(IntEnum):
    """What a stream is for; part of its key, so never renumber."""

    SITE = 0
    USER = 1
    PRICE = 2
    CAPACITY = 3
    BUDGET = 4
    TASTE = 5


def generate(
    *,
    seed: int,
    num_users: int = 800,
    num_nodes: int = 125,
    radius_m: float = 200.0,
    nearest: int | None = None,
    regime: Regime = "balanced",
) -> Market:
    """A random city with sites at Melbourne's density and users uniform over it.

    A unit at distance d is worth taste / (1 + (d / 150 m)^2) to a user.

    Args:
        seed: a whole number >= 0; the same seed gives the same bits.
        num_users: N.
        num_nodes: M; the area grows with it.
        radius_m: a user reaches the sites within this distance, or the nearest site if
            there is none.
        nearest: reach this many nearest sites instead.
        regime: ``balanced``: all budgets buy all capacity, the hardest case;
            ``budget_rich``: four times as much money, capacities bind;
            ``capacity_rich``: a quarter, budgets bind.

    Returns:
        A market of one resource type, prices in USD, with users and nodes numbered and
        their positions, in metres from the area's south-western corner.

    Raises:
        ConfigError, DomainError: an argument is of the wrong kind or out of range.
    """
    for name, value, least in (
        ("seed", seed, 0),
        ("num_users", num_users, 1),
        ("num_nodes", num_nodes, 1),
    ):
        _check_whole(name, value, least)
    if nearest is not None:
        _check_whole("nearest", nearest, 1)
    if not 0.0 < radius_m < math.inf:
        raise DomainError("radius_m", expected="a finite number > 0", got=radius_m)
    if regime not in get_args(Regime):
        names = get_args(Regime)
        raise ConfigError(
            "regime",
            expected=f"one of {', '.join(names)}{suggestion(str(regime), names)}",
            got=repr(regime),
        )
    height = 1e3 * math.sqrt(num_nodes / SITES_PER_KM2 / ASPECT)
    area = np.array([ASPECT * height, height])
    sites = _stream(seed, _Concern.SITE).random((num_nodes, 2)) * area
    users = _stream(seed, _Concern.USER).random((num_users, 2)) * area
    weight = _weights(seed, sites, users, radius_m, nearest)
    price = PRICE_USD * _factor(seed, _Concern.PRICE, num_nodes, PRICE_SPREAD)
    capacity = _factor(seed, _Concern.CAPACITY, num_nodes, CAPACITY_SPREAD)
    capacity *= num_users / num_nodes
    budget = _factor(seed, _Concern.BUDGET, num_users, BUDGET_SPREAD)
    budget *= BUDGET_SHARE[regime] * (price @ capacity) / budget.sum()
    places = Positions(nodes=sites, users=users)
    return Market.from_arrays(price, capacity, budget, weight, positions_m=places)


def _weights(
    seed: int, sites: Floats, users: Floats, radius_m: float, nearest: int | None
) -> sparse.csr_array:
    """Worth of a unit of each site in reach, users x sites."""
    n, m = len(users), len(sites)
    tree: Any = KDTree(sites)  # typed for one neighbour only
    if nearest is None:
        distance, site = tree.query(users, k=1)
        user = np.arange(n)
        found = KDTree(users).sparse_distance_matrix(
            tree, radius_m, output_type="coo_matrix"
        )
        alone = np.ones(n, dtype=bool)
        alone[found.row] = False
        user = np.concatenate([found.row, user[alone]])
        site = np.concatenate([found.col, site[alone]])
        distance = np.concatenate([found.data, distance[alone]])
    else:
        k = min(nearest, m)
        distance, site = tree.query(users, k=range(1, k + 1))
        user = np.repeat(np.arange(n), k)
        distance, site = distance.ravel(), site.ravel()
    order = np.lexsort((site, user))
    user, site, distance = user[order], site[order], distance[order]
    taste = _factor(seed, _Concern.TASTE, len(user), TASTE_SPREAD)
    worth = taste / (1.0 + (distance / HALF_WORTH_M) ** 2)
    return sparse.csr_array((worth, (user, site)), shape=(n, m))


def _stream(seed: int, concern: _Concern) -> np.random.Generator:
    key = np.random.SeedSequence(seed, spawn_key=(int(concern),))
    return np.random.Generator(np.random.Philox(key))


def _factor(seed: int, concern: _Concern, count: int, spread: float) -> Floats:
    return _stream(seed, concern).lognormal(0.0, spread, count)


def _check_whole(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise ConfigError(name, expected="a whole number", got=repr(value))
    if value < least:
        raise DomainError(name, expected=f"a whole number >= {least}", got=value)
