"""The city of the demo: its sites sell computing, one of them also prices spectrum."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stackelberg.edge import Market
    from stackelberg.spectrum import Scenario

NUM_USERS = 800
NUM_SITES = 125

NUM_CHANNELS = 25
NUM_PAIRS = 50
FOLLOWER_PRICE_WEIGHT = 0.3
"""Payments count less to the pairs than to the operator, so that powers spread out."""

CELL_RADIUS_M = 500.0
D2D_DISTANCE_M = (10.0, 50.0)

MONEY, UNIT = "USD", "vCPU-hour"
"""What `edge.generate` counts in."""


@dataclass(frozen=True, eq=False)
class City:
    """One city, two games.

    Attributes:
        market: all sites and all users, of the edge game.
        cell: the users around the middlemost site, of the spectrum game.
        site: name of that site among the market's nodes.
    """

    market: Market
    cell: Scenario
    site: str


def city(seed: int) -> City:
    """Sites and users of a generated city; some users talk directly to one another.

    Users within 500 m of the middlemost site take the roles of the spectrum game as
    `spectrum.geography.assign_roles` says.
    """
    import numpy as np

    from stackelberg import edge
    from stackelberg.spectrum.generate import STANDARD_RADIO, from_positions
    from stackelberg.spectrum.geography import assign_roles

    market = edge.generate(seed=seed, num_users=NUM_USERS, num_nodes=NUM_SITES)
    places = market.positions_m
    assert places is not None  # generated markets have them
    middle = places.users.mean(axis=0)
    site = int(np.hypot(*(places.nodes - middle).T).argmin())
    users = places.users - places.nodes[site]
    roles = assign_roles(
        users[np.hypot(*users.T) <= CELL_RADIUS_M],
        seed=seed,
        num_channels=NUM_CHANNELS,
        num_pairs=NUM_PAIRS,
        d2d_distance_m=D2D_DISTANCE_M,
    )
    radio = replace(STANDARD_RADIO, follower_price_weight=FOLLOWER_PRICE_WEIGHT)
    return City(
        market=market,
        cell=from_positions(roles, seed=seed, radio=radio),
        site=str(market.nodes[site]),
    )
