"""What an allocation gives to everybody, and the nearest that keeps every limit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from stackelberg.edge.market import Csr, Floats, Ints, Market, Name
from stackelberg.edge.segments import segment_sums
from stackelberg.errors import ConfigError, DomainError, ShapeError


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


class Ledger:
    """Sums over a market's edges, per user and per node.

    Sums are pairwise, so that their rounding grows with the logarithm of the number of
    terms: a million users at one node cost no more than six digits' worth of it.
    """

    def __init__(self, market: Market) -> None:
        self.market = market
        weight = market.weight
        places: Csr = sparse.csr_array(
            (np.arange(weight.nnz), weight.indices, weight.indptr), shape=weight.shape
        ).tocsc()
        self._by_node: Ints = places.data
        self._node_bounds: Ints = places.indptr
        self.price_of_edge = market.price[weight.indices]

    def per_user(self, values: Floats) -> Floats:
        """Sum over each user's edges of a number per edge [N]."""
        return segment_sums(values, self.market.weight.indptr)

    def per_node(self, values: Floats) -> Floats:
        """Sum over each node's edges of a number per edge [M]."""
        return segment_sums(values[self._by_node], self._node_bounds)

    def utility(self, amount: Floats) -> Floats:
        """sum_i w_ij x_ij [N]."""
        return self.per_user(self.market.weight.data * amount)

    def spend(self, amount: Floats) -> Floats:
        """sum_i p_i x_ij [N]."""
        return self.per_user(self.price_of_edge * amount)


def on_edges(market: Market, allocation: object) -> tuple[Floats, Csr]:
    """The amounts in reach, in the order of `market.weight.data`, and the rest.

    Args:
        market: whose edges.
        allocation: users x nodes, a SciPy sparse array or anything that NumPy reads.

    Raises:
        ShapeError, ConfigError, DomainError: it has another shape, holds something
            else than numbers, or an amount that is not finite.
    """
    shape = (market.num_users, market.num_nodes)
    try:
        given: Csr = sparse.csr_array(
            allocation if sparse.issparse(allocation) else np.asarray(allocation, float)
        ).astype(np.float64)
    except (TypeError, ValueError):
        raise ConfigError(
            "allocation",
            expected="numbers, users x nodes",
            got=type(allocation).__name__,
        ) from None
    if given.shape != shape:
        raise ShapeError(
            "allocation",
            expected=f"shape {list(shape)}, users x nodes",
            got=f"shape {list(given.shape)}",
        )
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
        return given.data, sparse.csr_array(shape)
    rows = np.repeat(np.arange(shape[0]), np.diff(given.indptr))
    key = rows * shape[1] + given.indices
    edge_key = market.user_of_edge * shape[1] + weight.indices
    place = np.minimum(np.searchsorted(edge_key, key), max(len(edge_key) - 1, 0))
    inside = edge_key[place] == key if len(edge_key) else np.zeros(len(key), bool)
    amount = np.zeros(weight.nnz)
    amount[place[inside]] = given.data[inside]
    outside = sparse.csr_array(
        (given.data[~inside], (rows[~inside], given.indices[~inside])), shape=shape
    )
    return amount, outside


def shrunk_to_limits(ledger: Ledger, amount: Floats) -> Floats:
    """The amounts, cut where negative, then scaled down until every limit holds.

    First each user's purchases by budget / spend, then each node's sales by capacity /
    load. Limits hold exactly as `Ledger` adds up.
    """
    market = ledger.market
    user, node = market.user_of_edge, market.weight.indices
    amount = np.maximum(amount, 0.0)
    amount = np.where(market.usable_edges(), amount, 0.0)
    for margin in (0.0, 2.0**-50, 2.0**-46, 2.0**-40):
        by_user = _cut(market.budget, ledger.spend(amount), margin)
        amount = amount * by_user[user]
        by_node = _cut(market.capacity, ledger.per_node(amount), margin)
        amount = amount * by_node[node]
        if np.all(ledger.spend(amount) <= market.budget) and np.all(
            ledger.per_node(amount) <= market.capacity
        ):
            break
    return amount


def _cut(limit: Floats, used: Floats, margin: float) -> Floats:
    """Factor per row that brings `used` down to `limit`; 1 where it is within."""
    over = used > limit
    cut = np.ones(len(limit))
    cut[over] = limit[over] / used[over] * (1.0 - margin)
    return cut


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
    return Outcome(
        allocation=sparse.csr_array(
            (amount, weight.indices, weight.indptr), shape=weight.shape
        ),
        utility=ledger.utility(amount),
        spend=ledger.spend(amount),
        load=ledger.per_node(amount),
        capacity_shadow_price=capacity_shadow_price,
        budget_shadow_price=budget_shadow_price,
    )
