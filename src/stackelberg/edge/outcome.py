"""What an allocation gives to everybody, and the nearest that keeps every limit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import sparse

from stackelberg.edge.market import Csr, Floats, Ints, Market, Name
from stackelberg.edge.segments import (
    multiply_by_node,
    multiply_segments,
    segment_costs,
    segment_products,
    segment_sums,
    sums_by_node,
)
from stackelberg.edge.utilities import LINEAR, Utility
from stackelberg.errors import ConfigError, DomainError, ShapeError
from stackelberg.game.numbers import real_numbers


@dataclass(frozen=True, eq=False)
class Outcome:
    """An allocation with what follows from it; rows as in the market.

    Attributes:
        allocation: amount of each node row that each user row gets, CSR [N, M].
        utility: per user row [N]; sum_i w_ij x_ij unless another family was asked for.
        spend: sum_i p_i x_ij per user row [N].
        load: sum_j x_ij per node row [M].
        capacity_shadow_price: lam, what one more unit of the node would add to the
            welfare, by default the sum of the users' log utilities [M].
        budget_shadow_price: mu, the same for one more unit of the user's money [N].
    """

    allocation: Csr
    utility: Floats
    spend: Floats
    load: Floats
    capacity_shadow_price: Floats
    budget_shadow_price: Floats

    def by_resource(self, market: Market) -> dict[Name, Outcome]:
        """The outcome of each resource type of `market` by itself."""
        parts: dict[Name, Outcome] = {}
        for resource in market.resources:
            users, nodes = market.rows_of(resource)
            parts[resource] = Outcome(
                allocation=self.allocation[users][:, nodes],
                utility=self.utility[users],
                spend=self.spend[users],
                load=self.load[nodes],
                capacity_shadow_price=self.capacity_shadow_price[nodes],
                budget_shadow_price=self.budget_shadow_price[users],
            )
        return parts


EDGES_AT_A_TIME = 1 << 17
"""Numbers that a pass over the edges makes at once, so that they stay in the cache."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Some consecutive user rows and their edges.

    Attributes:
        users: slice of user rows.
        edges: slice of edges.
        degree: edges of each of the users.
        weight: their rows of the market's weights, a view.
    """

    users: slice
    edges: slice
    degree: Ints
    weight: Csr


class Ledger:
    """Sums over a market's edges, per user and per node.

    No sum loses more than its last digits, however many terms it has (`segments`), and
    no pass needs memory that grows with the number of edges.
    """

    def __init__(self, market: Market) -> None:
        self.market = market

    @property
    def price_of_edge(self) -> Floats:
        """Price of the node of each edge."""
        return self.market.price[self.market.weight.indices]

    def rows(self) -> Iterator[Rows]:
        """The users, some at a time, with their edges."""
        weight = self.market.weight
        bounds, count = weight.indptr, self.market.num_nodes
        for first, last in pairwise(_cuts(bounds)):
            edges = slice(int(bounds[first]), int(bounds[last]))
            own = bounds[first : last + 1] - bounds[first]
            part: Csr = weight
            if len(own) < len(bounds):
                part = sparse.csr_array(
                    (weight.data[edges], weight.indices[edges], own),
                    shape=(last - first, count),
                )
            yield Rows(slice(first, last), edges, np.diff(own), part)

    def per_user(self, values: Floats) -> Floats:
        """Sum over each user's edges of a number per edge [N]."""
        return segment_sums(values, self.market.weight.indptr)

    def per_node(self, values: Floats) -> Floats:
        """Sum over each node's edges of a number per edge [M]."""
        return sums_by_node(values, self.market.weight.indices, self.market.num_nodes)

    def utility(self, amount: Floats) -> Floats:
        """sum_i w_ij x_ij [N]."""
        return self.value(LINEAR, amount)

    def value(self, utility: Utility, amount: Floats) -> Floats:
        """Any utility of the amounts [N]."""
        weight = self.market.weight
        if utility == LINEAR:
            return segment_products(weight.data, amount, weight.indptr)
        values = np.zeros(self.market.num_users)
        for rows in self.rows():
            values[rows.users] = utility.value(rows.weight, amount[rows.edges])
        return values

    def spend(self, amount: Floats) -> Floats:
        """sum_i p_i x_ij [N]."""
        weight = self.market.weight
        return segment_costs(amount, self.market.price, weight.indices, weight.indptr)


def _cuts(bounds: Ints) -> list[int]:
    """Rows at which to cut, so that few pieces have more than `EDGES_AT_A_TIME`."""
    count, total = len(bounds) - 1, int(bounds[-1])
    goals = np.arange(0, total, EDGES_AT_A_TIME)
    return sorted({0, count, *np.searchsorted(bounds, goals, side="left").tolist()})


def on_edges(market: Market, allocation: object) -> tuple[Floats, Csr | None]:
    """The amounts in reach, in the order of `market.weight.data`, and the rest, if any.

    Args:
        market: whose edges.
        allocation: users x nodes, a SciPy sparse array or anything that NumPy reads.

    Raises:
        ShapeError, ConfigError, DomainError: it has another shape, holds something
            else than numbers, or an amount that is not finite.
    """
    shape = (market.num_users, market.num_nodes)
    try:
        given = _as_csr(allocation)
    except (TypeError, ValueError):
        raise ConfigError(
            "allocation",
            expected=_AMOUNTS,
            got=type(allocation).__name__,
        ) from None
    if given.shape != shape:
        raise ShapeError(
            "allocation",
            expected=f"shape {list(shape)}, users x nodes",
            got=f"shape {list(given.shape)}",
        )
    if not given.has_canonical_format:
        given = given.copy()
        given.sum_duplicates()
    wrong = np.flatnonzero(~np.isfinite(given.data))
    if len(wrong):
        user = int(np.searchsorted(given.indptr, wrong[0], side="right")) - 1
        node = given.indices[wrong[0]]
        raise DomainError(
            f"allocation[{market.users[user]}, {market.nodes[node]}]",
            expected="a finite number",
            got=float(given.data[wrong[0]]),
        )
    weight = market.weight
    if np.array_equal(given.indptr, weight.indptr) and np.array_equal(
        given.indices, weight.indices
    ):
        return given.data, None
    rows = np.repeat(np.arange(shape[0]), np.diff(given.indptr))
    key = rows * shape[1] + given.indices
    edge_key = market.user_of_edge * shape[1] + weight.indices
    place = np.minimum(np.searchsorted(edge_key, key), max(len(edge_key) - 1, 0))
    inside = edge_key[place] == key if len(edge_key) else np.zeros(len(key), bool)
    amount = np.zeros(weight.nnz)
    amount[place[inside]] = given.data[inside]
    if inside.all():
        return amount, None
    outside = sparse.csr_array(
        (given.data[~inside], (rows[~inside], given.indices[~inside])), shape=shape
    )
    return amount, outside


_AMOUNTS = "numbers, users x nodes"


def _as_csr(allocation: object) -> Csr:
    """The same amounts, the same array where it is one."""
    if not isinstance(allocation, sparse.csr_array):
        if not sparse.issparse(allocation):
            allocation = real_numbers("allocation", allocation, _AMOUNTS)
        allocation = sparse.csr_array(allocation)
    if allocation.dtype.kind not in "iuf":
        raise ConfigError("allocation", expected=_AMOUNTS, got=str(allocation.dtype))
    return allocation.astype(np.float64, copy=False)


def shrunk_to_limits(ledger: Ledger, amount: Floats) -> Floats:
    """The amounts, cut where negative, then scaled down until every limit holds.

    First each user's purchases by budget / spend, then each node's sales by capacity /
    load. Limits hold exactly as `Ledger` adds up.
    """
    market = ledger.market
    amount = np.maximum(amount, 0.0)
    usable = market.usable_edges()
    if not usable.all():
        amount[~usable] = 0.0
    del usable
    for margin in (0.0, 2.0**-50, 2.0**-46, 2.0**-40):
        over_budget = _cut_users(ledger, amount, margin)
        over_capacity = _cut_nodes(ledger, amount, margin)
        if not (over_budget or over_capacity):
            break
    return amount


def _cut_users(ledger: Ledger, amount: Floats, margin: float) -> bool:
    """Cut each user's amounts to its budget, in place; whether any was above it."""
    factor = _factor(ledger.market.budget, ledger.spend(amount), margin)
    if factor is None:
        return False
    multiply_segments(amount, factor, ledger.market.weight.indptr)
    return True


def _cut_nodes(ledger: Ledger, amount: Floats, margin: float) -> bool:
    """The same for each node's amounts and its capacity."""
    factor = _factor(ledger.market.capacity, ledger.per_node(amount), margin)
    if factor is None:
        return False
    multiply_by_node(amount, factor, ledger.market.weight.indices)
    return True


def _factor(limit: Floats, used: Floats, margin: float) -> Floats | None:
    """What brings `used` down to `limit`, 1 where it is within; None if all are."""
    over = used > limit
    if not over.any():
        return None
    factor = np.ones(len(limit))
    factor[over] = limit[over] / used[over] * (1.0 - margin)
    return factor


def outcome_of(
    market: Market,
    amount: Floats,
    capacity_shadow_price: Floats,
    budget_shadow_price: Floats,
    ledger: Ledger | None = None,
) -> Outcome:
    """The record for amounts per edge, with utilities, spending and loads added up."""
    ledger = ledger or Ledger(market)
    weight = market.weight
    allocation = sparse.csr_array(
        (amount, weight.indices, weight.indptr), shape=weight.shape
    )
    allocation.has_canonical_format = True  # as the weights; else it is looked up
    return Outcome(
        allocation=allocation,
        utility=ledger.utility(amount),
        spend=ledger.spend(amount),
        load=ledger.per_node(amount),
        capacity_shadow_price=capacity_shadow_price,
        budget_shadow_price=budget_shadow_price,
    )
