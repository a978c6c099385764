"""Two markets side by side: every user, node and edge of either, matched by name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stackelberg.edge.market import (
    Bools,
    Csr,
    Floats,
    Ints,
    Market,
    Name,
    Names,
)

ABSENT = -1
"""Stands for the row of a user or node that a market does not have."""


@dataclass(frozen=True, eq=False)
class Side:
    """One of the two markets, on the rows and edges of both.

    Attributes:
        market: itself.
        user_row: its row for each user of the pair, or `ABSENT`.
        node_row: the same for nodes.
        budget: of each user of the pair; NaN where it is absent.
        price, capacity: of each node of the pair; NaN where it is absent.
        weight: of each edge of the pair; 0 where it is out of reach or absent.
    """

    market: Market
    user_row: Ints
    node_row: Ints
    budget: Floats
    price: Floats
    capacity: Floats
    weight: Floats

    @property
    def has_user(self) -> Bools:
        """Which users of the pair it has."""
        return self.user_row != ABSENT

    @property
    def has_node(self) -> Bools:
        """Which nodes of the pair it has."""
        return self.node_row != ABSENT

    def on_users(self, values: Floats) -> Floats:
        """A number per user of the market on the users of the pair, else 0."""
        return _placed(values, self.user_row, 0.0)

    def on_nodes(self, values: Floats) -> Floats:
        """A number per node of the market on the nodes of the pair, else 0."""
        return _placed(values, self.node_row, 0.0)


@dataclass(frozen=True, eq=False)
class Pair:
    """Both markets on common rows, resource type by resource type.

    Attributes:
        before, after: the two sides.
        users, nodes: names.
        resources: types of both.
        user_type, node_type: index into `resources` of each row, ascending.
        edge_user, edge_node: rows that each edge of either market joins.
    """

    before: Side
    after: Side
    users: Names
    nodes: Names
    resources: tuple[Name, ...]
    user_type: Ints
    node_type: Ints
    edge_user: Ints
    edge_node: Ints


def pair(before: Market, after: Market) -> Pair:
    """Match two markets by the names of resource types, users and nodes.

    Numbers and the same numbers as text are the same names where the markets differ in
    that.
    """
    resources = (
        *before.resources,
        *(r for r in after.resources if r not in before.resources),
    )
    markets = (before, after)
    users = _matched(resources, markets, tuple((m.users, m.user_type) for m in markets))
    nodes = _matched(resources, markets, tuple((m.nodes, m.node_type) for m in markets))
    sides = tuple(zip(markets, users.rows, nodes.rows, strict=True))
    keys = [_edge_keys(m, u, n, len(nodes.names)) for m, u, n in sides]
    edges = np.union1d(keys[0], keys[1])
    first, second = (
        _side(m, u, n, key, edges) for (m, u, n), key in zip(sides, keys, strict=True)
    )
    return Pair(
        before=first,
        after=second,
        users=users.names,
        nodes=nodes.names,
        resources=resources,
        user_type=users.types,
        node_type=nodes.types,
        edge_user=edges // max(len(nodes.names), 1),
        edge_node=edges % max(len(nodes.names), 1),
    )


@dataclass(frozen=True, eq=False)
class _Matched:
    """Names of both markets, their types, and the row of each in either market."""

    names: Names
    types: Ints
    rows: tuple[Ints, Ints]


def _matched(
    resources: tuple[Name, ...],
    markets: tuple[Market, Market],
    columns: tuple[tuple[Names, Ints], ...],
) -> _Matched:
    """Type by type the first market's names in their order, then the second's own."""
    (a, a_type), (b, b_type) = columns
    if a.dtype.kind != b.dtype.kind:
        a, b = a.astype(np.str_), b.astype(np.str_)
    names: list[Names] = []
    types: list[Ints] = []
    rows: tuple[list[Ints], list[Ints]] = ([], [])
    for k, resource in enumerate(resources):
        in_a, in_b = (
            _rows_of(market, kinds, resource)
            for market, kinds in zip(markets, (a_type, b_type), strict=True)
        )
        _, at_a, at_b = np.intersect1d(
            a[in_a], b[in_b], assume_unique=True, return_indices=True
        )
        in_both = np.full(len(in_a), ABSENT)
        in_both[at_a] = in_b[at_b]
        only_b = np.delete(in_b, at_b)
        names += [a[in_a], b[only_b]]
        types.append(np.full(len(in_a) + len(only_b), k))
        rows[0].extend([in_a, np.full(len(only_b), ABSENT)])
        rows[1].extend([in_both, only_b])
    return _Matched(
        np.concatenate(names),
        np.concatenate(types),
        (np.concatenate(rows[0]), np.concatenate(rows[1])),
    )


def _rows_of(market: Market, kinds: Ints, resource: Name) -> Ints:
    if resource not in market.resources:
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(kinds == market.resources.index(resource))


def _edge_keys(market: Market, user_row: Ints, node_row: Ints, width: int) -> Ints:
    """One number per edge of the market: its place among the pairs of names."""
    user_place = np.empty(market.num_users, dtype=np.int64)
    user_place[user_row[user_row != ABSENT]] = np.flatnonzero(user_row != ABSENT)
    node_place = np.empty(market.num_nodes, dtype=np.int64)
    node_place[node_row[node_row != ABSENT]] = np.flatnonzero(node_row != ABSENT)
    user, node = market.user_of_edge, market.weight.indices
    return user_place[user] * width + node_place[node]


def _side(
    market: Market, user_row: Ints, node_row: Ints, keys: Ints, edges: Ints
) -> Side:
    weight = np.zeros(len(edges))
    weight[np.searchsorted(edges, keys)] = market.weight.data
    return Side(
        market=market,
        user_row=user_row,
        node_row=node_row,
        budget=_placed(market.budget, user_row, np.nan),
        price=_placed(market.price, node_row, np.nan),
        capacity=_placed(market.capacity, node_row, np.nan),
        weight=weight,
    )


def amounts(side: Side, pair: Pair, allocation: Csr) -> Floats:
    """An allocation of one side's market on the edges of the pair [edges]."""
    matrix: Csr = allocation.tocsr()
    width = max(len(pair.nodes), 1)
    user = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    place = np.flatnonzero(side.has_user)
    users = np.empty(matrix.shape[0], dtype=np.int64)
    users[side.user_row[place]] = place
    place = np.flatnonzero(side.has_node)
    nodes = np.empty(matrix.shape[1], dtype=np.int64)
    nodes[side.node_row[place]] = place
    keys = users[user] * width + nodes[matrix.indices]
    edges = pair.edge_user * width + pair.edge_node
    given = np.zeros(len(edges))
    at = np.searchsorted(edges, keys)
    at = np.minimum(at, max(len(edges) - 1, 0))
    known = edges[at] == keys if len(edges) else np.zeros(len(keys), dtype=bool)
    given[at[known]] = matrix.data[known]
    return given


def _placed(values: Floats, row: Ints, absent: float) -> Floats:
    placed = np.full(len(row), absent)
    there = row != ABSENT
    placed[there] = values[row[there]]
    return placed
