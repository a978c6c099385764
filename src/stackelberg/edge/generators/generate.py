"""Random markets: base-station sites that sell capacity, users near them that buy it.

Densities and distances follow the EUA data of central Melbourne (125 sites on 1.3 x
2.0 km, the nearest at 62 m in the median, 7.6 within 200 m of a user); prices the
Sydney list prices of 2020 (0.0472 USD per vCPU-hour). Each concern has a random stream
of its own, so the same arguments give the same bits and more users move no site.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from stackelberg.edge.generators.city import (
    BUDGET_SPREAD,
    Regime,
    Terms,
    from_positions,
)
from stackelberg.edge.generators.draws import Concern, check_whole, stream
from stackelberg.edge.market import Market, Name
from stackelberg.edge.positions import Positions

SITES_PER_KM2 = 125 / (1.3 * 2.0)
ASPECT = 1.3 / 2.0
"""Width over height of the area."""


def generate(
    *,
    seed: int,
    num_users: int = 800,
    num_nodes: int = 125,
    radius_m: float = 200.0,
    nearest: int | None = None,
    regime: Regime = "balanced",
    resources: Sequence[Name] | None = None,
    budget_spread: float = BUDGET_SPREAD,
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
        resources: names of the resource types that every site sells and every user
            buys, side by side; each with its own prices, capacities, budgets and
            tastes. By default there is one, without a name.
        budget_spread: standard deviation of the logarithm of the budgets;
            `HEAVY_SPREAD` gives one user in a hundred 64 % of the money.

    Returns:
        A market with prices in USD, users and nodes numbered, and their positions, in
        metres from the area's south-western corner.

    Raises:
        ConfigError, DomainError: an argument is of the wrong kind or out of range.
    """
    for name, value, least in (
        ("seed", seed, 0),
        ("num_users", num_users, 1),
        ("num_nodes", num_nodes, 1),
    ):
        check_whole(name, value, least)
    height = 1e3 * math.sqrt(num_nodes / SITES_PER_KM2 / ASPECT)
    area = np.array([ASPECT * height, height])
    places = Positions(
        nodes=stream(seed, Concern.SITE).random((num_nodes, 2)) * area,
        users=stream(seed, Concern.USER).random((num_users, 2)) * area,
    )
    terms = Terms(seed=seed, regime=regime, budget_spread=budget_spread)
    return from_positions(
        places, terms, radius_m=radius_m, nearest=nearest, resources=resources
    )
