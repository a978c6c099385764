"""A market from where sites and users stand: reach and worth by distance, drawn terms.

Prices follow the Sydney list prices of 2020 (0.0472 USD per vCPU-hour). Each concern
has a random stream of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.spatial import KDTree

from stackelberg.edge.generators.draws import Concern, check_whole, factor
from stackelberg.edge.market import ONLY_RESOURCE, Csr, Floats, Ints, Market, Name
from stackelberg.edge.positions import Positions
from stackelberg.errors import ConfigError, DomainError, ShapeError, suggestion

Regime = Literal["balanced", "budget_rich", "capacity_rich"]

BUDGET_SHARE: dict[str, float] = {
    "balanced": 1.0,
    "budget_rich": 4.0,
    "capacity_rich": 0.25,
}
"""Regime: all budgets together, relative to the price of all capacity."""

PRICE_USD = 0.0472
"""Of one vCPU-hour; sites differ by a lognormal factor."""

PRICE_SPREAD, CAPACITY_SPREAD, BUDGET_SPREAD, TASTE_SPREAD = 0.2, 0.5, 1.0, 0.3
"""Standard deviations of the logarithms. Demand is uneven (a few cells carry most
bytes); the value for budgets is a choice, as are the others."""

HEAVY_SPREAD = 2.68
"""Spread at which the richest hundredth has 64 % of all: in a month of one operator's
mobile traffic, 1 % of the cell-days carried 64 % of the downlink bytes. For a lognormal
the share of the top p is Phi(spread - z) with Phi(z) = 1 - p."""

HALF_WORTH_M = 150.0
"""Distance at which a unit is worth half of what it is worth next door; a choice."""


@dataclass(frozen=True)
class Terms:
    """How prices, capacities, budgets and tastes are drawn.

    Attributes:
        seed: a whole number >= 0; the same seed gives the same bits.
        regime: money against capacity, see `BUDGET_SHARE`.
        budget_spread: standard deviation of the logarithm of the budgets, >= 0.
        taste_spread: the same of each user's taste for each site; 0 leaves distance
            alone to say what a unit is worth.

    Raises:
        ConfigError, DomainError: an attribute is of the wrong kind or out of range.
    """

    seed: int = 0
    regime: Regime = "balanced"
    budget_spread: float = BUDGET_SPREAD
    taste_spread: float = TASTE_SPREAD

    def __post_init__(self) -> None:
        check_whole("seed", self.seed, 0)
        if self.regime not in get_args(Regime):
            names = get_args(Regime)
            raise ConfigError(
                "regime",
                expected=f"one of {', '.join(names)}"
                + suggestion(str(self.regime), names),
                got=repr(self.regime),
            )
        for name in ("budget_spread", "taste_spread"):
            if not 0.0 <= getattr(self, name) <= 10.0:
                raise DomainError(
                    name, expected="a number from 0 to 10", got=getattr(self, name)
                )


def from_positions(
    positions: Positions,
    terms: Terms,
    *,
    radius_m: float = 200.0,
    nearest: int | None = None,
    resources: Sequence[Name] | None = None,
    price: npt.ArrayLike | None = None,
    capacity: npt.ArrayLike | None = None,
    budget: npt.ArrayLike | None = None,
    weight: object = None,
    nodes: Sequence[Name] | None = None,
) -> Market:
    """A market of sites and users at these places.

    What is not given is drawn: prices around 0.0472 USD, capacities around N / M,
    budgets that together stand to the price of all capacity as the regime says, worth
    of a unit at distance d: taste / (1 + (d / 150 m)^2).

    Args:
        positions: where sites and users stand, in m.
        terms: seed, regime and spreads of what is drawn.
        radius_m: a user reaches the sites within this distance, or the nearest site if
            there is none.
        nearest: reach this many nearest sites instead.
        resources: names of resource types, each drawn by itself; None: one type.
        price: of a unit at each site [M], for every type.
        capacity: of each site [M], for every type.
        budget: of each user [N], for every type.
        weight: worth of a unit, users x sites, sparse or dense; counts for the pairs
            in reach only.
        nodes: names of the sites; by default 0 to M - 1.

    Raises:
        ShapeError, ConfigError, DomainError: an argument is of the wrong shape, kind or
            range.
    """
    if nearest is not None:
        check_whole("nearest", nearest, 1)
    if not 0.0 < radius_m < math.inf:
        raise DomainError("radius_m", expected="a finite number > 0", got=radius_m)
    user, site, distance = pairs_in_reach(positions, radius_m, nearest)
    shape = (len(positions.users), len(positions.nodes))

    def of_type(k: int, name: Name) -> Market:
        within = (k,) if k else ()
        paid = _given("price", price, shape[1])
        if paid is None:
            spread = PRICE_SPREAD
            paid = factor(terms.seed, Concern.PRICE, shape[1], spread, *within)
            paid *= PRICE_USD
        sold = _given("capacity", capacity, shape[1])
        if sold is None:
            spread = CAPACITY_SPREAD
            sold = factor(terms.seed, Concern.CAPACITY, shape[1], spread, *within)
            sold *= shape[0] / shape[1]
        money = _given("budget", budget, shape[0])
        if money is None:
            spread = terms.budget_spread
            money = factor(terms.seed, Concern.BUDGET, shape[0], spread, *within)
            money *= budget_share(terms.regime, paid, sold) / money.sum()
        if weight is None:
            taste = factor(
                terms.seed, Concern.TASTE, len(user), terms.taste_spread, *within
            )
            worth = taste / (1.0 + (distance / HALF_WORTH_M) ** 2)
            matrix: Csr = sparse.csr_array((worth, (user, site)), shape=shape)
        else:
            matrix = _within_reach(weight, user, site, shape)
        return Market.from_arrays(
            paid, sold, money, matrix, nodes=nodes, resource=name, positions_m=positions
        )

    if resources is None:
        return of_type(0, ONLY_RESOURCE)
    if isinstance(resources, str) or len(set(resources)) < max(len(resources), 1):
        raise ConfigError(
            "resources", expected="one or more names, each once", got=repr(resources)
        )
    parts = {name: of_type(k, name) for k, name in enumerate(resources)}
    return Market.side_by_side(parts)


def budget_share(regime: Regime, price: Floats, capacity: Floats) -> float:
    """All budgets together, in a regime: its share of the price of all capacity that
    has a limit.
    """
    limited = np.where(np.isfinite(capacity), capacity, 0.0)
    return BUDGET_SHARE[regime] * float(price @ limited)


def pairs_in_reach(
    positions: Positions, radius_m: float, nearest: int | None = None
) -> tuple[Ints, Ints, Floats]:
    """User, site and distance in m of each pair in reach, users in order.

    Args:
        positions: of sites and users, in m.
        radius_m: a user reaches the sites within this distance, or the nearest site if
            there is none.
        nearest: reach this many nearest sites instead.
    """
    sites, users = positions.nodes, positions.users
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
    return user[order], site[order], distance[order]


def _given(name: str, values: npt.ArrayLike | None, count: int) -> Floats | None:
    if values is None:
        return None
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ConfigError(
            name, expected="a list of numbers", got=repr(values)[:60]
        ) from None
    if array.shape != (count,):
        raise ShapeError(
            name, expected=f"{count} numbers", got=f"shape {list(array.shape)}"
        )
    return array


def _within_reach(
    weight: object, user: Ints, site: Ints, shape: tuple[int, int]
) -> Csr:
    """The given weights of the pairs in reach."""
    reach: Csr = sparse.csr_array((np.ones(len(user)), (user, site)), shape=shape)
    given: Csr = Market.from_arrays(
        np.ones(shape[1]), np.ones(shape[1]), np.ones(shape[0]), weight
    ).weight
    return sparse.csr_array(given.multiply(reach))
