"""An edge market of the real sites and users of the EUA data sets.

The files are those that `stackelberg.io.eua` reads. Sites sell, users within a radius
buy; what the files do not say (prices, capacities, budgets) is given or drawn.
"""

from __future__ import annotations

import os

import numpy as np
import numpy.typing as npt
import polars as pl

from stackelberg.edge.generators.city import (
    BUDGET_SPREAD,
    Regime,
    Terms,
    from_positions,
)
from stackelberg.edge.market import Market
from stackelberg.edge.positions import Positions
from stackelberg.errors import ConfigError
from stackelberg.io.eua import list_sites, user_degrees
from stackelberg.io.tables import whole_numbers
from stackelberg.spectrum.geography import local_metres

Path = str | os.PathLike[str]


def import_eua_market(
    sites_csv: Path,
    users_csv: Path,
    *,
    radius_m: float = 200.0,
    seed: int = 0,
    regime: Regime = "balanced",
    budget_spread: float = BUDGET_SPREAD,
    price: npt.ArrayLike | None = None,
    capacity: npt.ArrayLike | None = None,
    budget: npt.ArrayLike | None = None,
    weight: object = None,
) -> Market:
    """A market of real places.

    A user reaches the sites within `radius_m`, or the nearest one if there is none. A
    unit at distance d is worth 1 / (1 + (d / 150 m)^2), unless weights are given. What
    else is not given is drawn as for `edge.generate`.

    Args:
        sites_csv: file with the columns SITE_ID, LATITUDE, LONGITUDE; M rows.
        users_csv: file with the columns Latitude, Longitude; N rows.
        radius_m: how far a user reaches.
        seed: of prices, capacities and budgets.
        regime: all money against the price of all capacity, as for `edge.generate`.
        budget_spread: as for `edge.generate`.
        price: of a unit at each site [M].
        capacity: of each site [M].
        budget: of each user [N].
        weight: worth of a unit, users x sites, sparse or dense; counts for the pairs
            in reach only.

    Returns:
        Sites by their SITE_ID, users numbered in the file's order, positions in m east
        and north of the sites' mean.

    Raises:
        ConfigError, DomainError: a file or column is missing or wrong, or an argument.
        ShapeError: what is given does not fit the files.
    """
    sites, users = list_sites(sites_csv), user_degrees(users_csv)
    if not sites or not len(users):
        raise ConfigError(
            "content",
            expected="one row at least",
            got="none",
            source=os.fspath(users_csv if sites else sites_csv),
        )
    degrees = np.array([[site.latitude, site.longitude] for site in sites])
    middle = degrees.mean(axis=0)
    origin = (float(middle[0]), float(middle[1]))
    places = Positions(
        nodes=local_metres(degrees[:, 0], degrees[:, 1], origin=origin),
        users=local_metres(users[:, 0], users[:, 1], origin=origin),
    )
    names = pl.Series([site.site for site in sites])
    numbers = whole_numbers(names)  # as files would give them back
    terms = Terms(
        seed=seed, regime=regime, budget_spread=budget_spread, taste_spread=0.0
    )
    return from_positions(
        places,
        terms,
        radius_m=radius_m,
        price=price,
        capacity=capacity,
        budget=budget,
        weight=weight,
        nodes=(names if numbers is None else numbers).to_list(),
    )
