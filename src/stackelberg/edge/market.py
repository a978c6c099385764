"""The edge market's data: nodes with capacity and price, users with budgets.

Shape legend: M node rows, N user rows. With several resource types every type has its
own rows, side by side in blocks: a node that offers two types is two node rows, and a
user reaches node rows of its own type only. Types decouple, so nothing else changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import sparse

from stackelberg.edge.degenerate import told_degenerate
from stackelberg.edge.positions import Positions, checked_positions, side_by_side
from stackelberg.errors import ConfigError, DomainError, ShapeError

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Names: TypeAlias = npt.NDArray[Any]
Name: TypeAlias = str | int
Csr: TypeAlias = Any
"""`scipy.sparse.csr_array`, which type checkers see only in part."""

ONLY_RESOURCE = "resource"
"""Name of the resource type where a market has one and does not name it."""

_NO_COST: Floats = np.zeros(0)
"""Stands for zeros where no cost is given."""

_NAMED_AT_MOST = 5


@dataclass(frozen=True, eq=False)
class Market:
    """Who sells and who buys. Validated, read-only; see `from_arrays`.

    Attributes:
        price: of one unit at each node row [M], finite, >= 0.
        capacity: of each node row [M], >= 0; infinite where there is no limit.
        budget: of each user row [N], >= 0; infinite where there is no limit.
        weight: utility of one unit, CSR [N, M]; what is not stored is out of reach.
        nodes: name of each node row [M], whole numbers or text.
        users: name of each user row [N].
        resources: names of the resource types, in the order of their blocks.
        node_type: index into `resources` of each node row [M], ascending.
        user_type: index into `resources` of each user row [N], ascending.
        positions_m: optional, for pictures.
        cost: what one unit costs each node row's owner [M], finite, >= 0; zeros where
            it is not given. The allocation does not depend on it.

    Raises:
        ShapeError: lengths do not fit.
        DomainError: a number is NaN, negative, or infinite where it must not be.
        ConfigError: an entry is of the wrong kind, or a name is given twice.
    """

    price: Floats
    capacity: Floats
    budget: Floats
    weight: Csr
    nodes: Names
    users: Names
    resources: tuple[Name, ...]
    node_type: Ints
    user_type: Ints
    positions_m: Positions | None = None
    cost: Floats = field(default_factory=lambda: _NO_COST)

    def __post_init__(self) -> None:
        for name in ("price", "capacity", "budget"):
            _set(self, name, _numbers(name, getattr(self, name)))
        m, n = len(self.price), len(self.budget)
        cost = np.zeros(m) if self.cost is _NO_COST else self.cost
        _set(self, "cost", _numbers("cost", cost))
        _check_length("capacity", self.capacity, m, "nodes")
        _check_length("cost", self.cost, m, "nodes")
        _set(self, "weight", _weights(self.weight, n, m))
        for name, count in (("nodes", m), ("users", n)):
            _set(self, name, _names(name, getattr(self, name), count))
        for name, count in (("node_type", m), ("user_type", n)):
            kinds = np.array(getattr(self, name), dtype=np.int64)
            _check_types(name, kinds, count, len(self.resources))
            _set(self, name, _frozen(kinds))
        _check_domain("price", self.price, self.nodes, may_be_infinite=False)
        _check_domain("cost", self.cost, self.nodes, may_be_infinite=False)
        _check_domain("capacity", self.capacity, self.nodes, may_be_infinite=True)
        _check_domain("budget", self.budget, self.users, may_be_infinite=True)
        _check_weights(self.weight, self.users, self.nodes)
        _set(self, "weight", _without_zeros(self.weight))
        for name, kind in (("nodes", self.node_type), ("users", self.user_type)):
            _check_unique(name, getattr(self, name), kind)
        _check_reach_within_types(self)
        if self.positions_m is not None:
            _set(self, "positions_m", checked_positions(self.positions_m, m, n))

    @classmethod
    def from_arrays(
        cls,
        price: npt.ArrayLike,
        capacity: npt.ArrayLike,
        budget: npt.ArrayLike,
        weight: object,
        *,
        nodes: Sequence[Name] | Names | None = None,
        users: Sequence[Name] | Names | None = None,
        resource: Name = ONLY_RESOURCE,
        positions_m: Positions | None = None,
        cost: npt.ArrayLike | None = None,
    ) -> Market:
        """A market of one resource type.

        Args:
            price: of one unit at each node [M].
            capacity: of each node [M]; may be infinite.
            budget: of each user [N]; may be infinite.
            weight: users x nodes, a SciPy sparse array or matrix, or anything that
                NumPy reads as [N, M]; zero means out of reach.
            nodes: names; by default 0 to M - 1.
            users: names; by default 0 to N - 1.
            resource: name of the type.
            positions_m: where they stand, for pictures.
            cost: what one unit costs each node's owner [M]; by default nothing.

        Raises:
            ShapeError, DomainError, ConfigError: as the class says.
        """
        price = _numbers("price", price)
        budget = _numbers("budget", budget)
        m, n = len(price), len(budget)
        return cls(
            price=price,
            capacity=_numbers("capacity", capacity),
            budget=budget,
            weight=_weights(weight, n, m),
            nodes=np.arange(m) if nodes is None else np.asarray(nodes),
            users=np.arange(n) if users is None else np.asarray(users),
            resources=(resource,),
            node_type=np.zeros(m, dtype=np.int64),
            user_type=np.zeros(n, dtype=np.int64),
            positions_m=positions_m,
            cost=_NO_COST if cost is None else _numbers("cost", cost),
        )

    @classmethod
    def side_by_side(cls, markets: Mapping[Any, Market]) -> Market:
        """Several resource types as one market, each given as a market of one type.

        Raises:
            ConfigError: if there is none, or one has several types itself.
        """
        if not markets:
            raise ConfigError("markets", expected="one per resource type", got="none")
        for resource, market in markets.items():
            if len(market.resources) != 1:
                raise ConfigError(
                    f"markets[{resource!r}]",
                    expected="a market of one resource type",
                    got=f"{len(market.resources)} types",
                )
        parts = list(markets.values())
        index = np.arange(len(parts))
        return cls(
            price=np.concatenate([x.price for x in parts]),
            capacity=np.concatenate([x.capacity for x in parts]),
            budget=np.concatenate([x.budget for x in parts]),
            weight=sparse.csr_array(
                sparse.block_diag([x.weight for x in parts], format="csr")
            ),
            nodes=np.concatenate([x.nodes for x in parts]),
            users=np.concatenate([x.users for x in parts]),
            resources=tuple(markets),
            node_type=np.repeat(index, [x.num_nodes for x in parts]),
            user_type=np.repeat(index, [x.num_users for x in parts]),
            positions_m=side_by_side([x.positions_m for x in parts]),
            cost=np.concatenate([x.cost for x in parts]),
        )

    @property
    def num_nodes(self) -> int:
        """M, node rows."""
        return len(self.price)

    @property
    def num_users(self) -> int:
        """N, user rows."""
        return len(self.budget)

    @property
    def num_edges(self) -> int:
        """Pairs of a user row and a node row in its reach."""
        return int(self.weight.nnz)

    @property
    def user_of_edge(self) -> Ints:
        """User row of each stored weight, in the order of `weight.data`."""
        return np.repeat(np.arange(self.num_users), np.diff(self.weight.indptr))

    def rows_of(self, resource: Name) -> tuple[slice, slice]:
        """The user rows and the node rows of one resource type.

        Raises:
            ConfigError: if there is no such type.
        """
        if resource not in self.resources:
            raise ConfigError(
                "resource",
                expected="one of " + ", ".join(map(repr, self.resources)),
                got=repr(resource),
            )
        index = self.resources.index(resource)
        return _block(self.user_type, index), _block(self.node_type, index)

    def by_resource(self) -> dict[Name, Market]:
        """Each resource type as a market of its own."""
        if len(self.resources) == 1:
            return {self.resources[0]: self}
        return {
            resource: self.part(*self.rows_of(resource)) for resource in self.resources
        }

    def part(self, users: slice | Ints, nodes: slice) -> Market:
        """Some user rows and the node rows of one type, as a market of that type."""
        kinds = np.unique(self.node_type[nodes])
        name = self.resources[int(kinds[0])] if len(kinds) else ONLY_RESOURCE
        places = self.positions_m
        return Market.from_arrays(
            self.price[nodes],
            self.capacity[nodes],
            self.budget[users],
            self.weight[users][:, nodes],
            nodes=self.nodes[nodes],
            users=self.users[users],
            resource=name,
            positions_m=None if places is None else places.part(users, nodes),
            cost=self.cost[nodes],
        )

    def usable_edges(self) -> Bools:
        """Which edges can carry anything, in the order of `weight.data`.

        Not those at a node of capacity zero, nor priced ones of a user without budget.
        """
        open_nodes = self.capacity > 0.0
        if open_nodes.all():
            usable = np.ones(self.num_edges, dtype=bool)
        else:
            usable = open_nodes[self.weight.indices]
        poor = self.budget == 0.0
        if poor.any():
            affordable = (self.price == 0.0)[self.weight.indices]
            affordable |= np.repeat(~poor, np.diff(self.weight.indptr))
            usable &= affordable
        return usable

    def degenerate_users(self) -> Ints:
        """User rows whose utility is zero whatever anybody does: their logarithm is
        -inf. They reach nothing, or nothing that they may pay for or that has capacity.
        """
        usable = self.usable_edges()
        if usable.all():
            return np.flatnonzero(np.diff(self.weight.indptr) == 0)
        useful = np.bincount(self.user_of_edge, usable, minlength=self.num_users)
        return np.flatnonzero(useful == 0.0)

    def unbounded_users(self) -> Ints:
        """User rows whose utility has no limit: some node in reach has infinite
        capacity and is free, or the user's budget is infinite too.
        """
        endless = np.isinf(self.capacity)
        if not endless.any():
            return np.zeros(0, dtype=np.int64)
        no_limit = (self.price == 0.0)[self.weight.indices]
        no_limit |= np.repeat(np.isinf(self.budget), np.diff(self.weight.indptr))
        no_limit &= endless[self.weight.indices]
        return np.unique(self.user_of_edge[no_limit])

    def solvable_users(self, drop_degenerate: bool = False) -> Bools:
        """The user rows that count in the objective [N].

        Args:
            drop_degenerate: leave degenerate users out instead of refusing them.

        Raises:
            DomainError: if there are degenerate users, or the problem is unbounded;
                names the users.
        """
        unbounded = self.unbounded_users()
        if len(unbounded):
            raise DomainError(
                "market",
                expected="for every user a finite capacity or a price and a finite "
                "budget at each node in reach",
                got="unbounded utility of " + self.named_users(unbounded),
            )
        degenerate = self.degenerate_users()
        if len(degenerate) and not drop_degenerate:
            raise DomainError(
                "market",
                expected="for every user a node with weight > 0 and capacity > 0 that "
                "is free or that its budget can pay for (drop_degenerate=True leaves "
                "the others out)",
                got=told_degenerate(self, degenerate),
            )
        counted = np.ones(self.num_users, dtype=bool)
        counted[degenerate] = False
        return counted

    def named_users(self, rows: Ints) -> str:
        """Text that names some user rows, the first few if there are many."""
        several = len(self.resources) > 1
        names = [
            f"{self.users[j]}"
            + (f" ({self.resources[self.user_type[j]]})" if several else "")
            for j in rows[:_NAMED_AT_MOST]
        ]
        more = len(rows) - len(names)
        return (
            ("user " if len(rows) == 1 else "users ")
            + ", ".join(names)
            + (f" and {more} more" if more else "")
        )


def _set(market: Market, name: str, value: object) -> None:
    object.__setattr__(market, name, value)


def _frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    array.flags.writeable = False
    return array


def _numbers(name: str, values: object) -> Floats:
    try:
        raw = np.asarray(values)
        if raw.dtype.kind not in "iuf":
            raw = raw.astype(np.float64) if raw.size == 0 else None
    except (TypeError, ValueError):
        raw = None
    if raw is None:
        raise ConfigError(name, expected="a list of numbers", got=_shown(values))
    if raw.ndim != 1:
        raise ShapeError(
            name, expected="one axis of numbers", got=f"shape {list(raw.shape)}"
        )
    if not raw.flags.writeable and raw.dtype == np.float64:
        return raw
    return _frozen(np.array(raw, dtype=np.float64))


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _check_length(name: str, array: npt.NDArray[Any], count: int, of: str) -> None:
    if array.shape != (count,):
        raise ShapeError(
            name,
            expected=f"{count} entries, one per row of {of}",
            got=f"shape {list(array.shape)}",
        )


def _weights(weight: object, num_users: int, num_nodes: int) -> Csr:
    """CSR in float64 with sorted, distinct columns; nothing of the caller's changes."""
    if sparse.issparse(weight):
        matrix: Csr = sparse.csr_array(weight)
        if matrix.dtype.kind not in "iuf":
            raise ConfigError("weight", expected="real numbers", got=f"{matrix.dtype}")
    else:
        try:
            dense = np.asarray(weight)
        except ValueError:
            dense = None
        if dense is None or (dense.dtype.kind not in "iuf" and dense.size):
            raise ConfigError(
                "weight", expected="numbers, users x nodes", got=_shown(weight)
            )
        if dense.ndim != 2:
            raise ShapeError(
                "weight",
                expected="two axes, users x nodes",
                got=f"shape {list(dense.shape)}",
            )
        matrix = sparse.csr_array(dense.astype(np.float64))
    if matrix.shape != (num_users, num_nodes):
        raise ShapeError(
            "weight",
            expected=f"shape [{num_users}, {num_nodes}], users x nodes",
            got=f"shape {list(matrix.shape)}",
        )
    if matrix.dtype != np.float64:
        matrix = matrix.astype(np.float64)
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()
    return matrix


def _without_zeros(weight: Csr) -> Csr:
    """The matrix itself, or a copy without the stored zeros."""
    if np.all(weight.data):
        return weight
    weight = weight.copy()
    weight.eliminate_zeros()
    return weight


def _names(name: str, values: object, count: int) -> Names:
    names = np.asarray(values)
    _check_length(name, names, count, name)
    if names.dtype.kind not in "iuU" and count:
        raise ConfigError(
            name, expected="whole numbers, or text", got=f"{names.dtype} entries"
        )
    return _frozen(names.copy())


def _check_types(name: str, kinds: Ints, count: int, num_types: int) -> None:
    _check_length(name, kinds, count, name.removesuffix("_type") + "s")
    if np.any(np.diff(kinds) < 0) or np.any((kinds < 0) | (kinds >= num_types)):
        raise DomainError(
            name,
            expected=f"ascending numbers from 0 to {num_types - 1}",
            got=_shown(kinds.tolist()),
        )


def _check_domain(
    name: str, values: Floats, of: Names, *, may_be_infinite: bool
) -> None:
    fine = values >= 0.0 if may_be_infinite else (values >= 0.0) & np.isfinite(values)
    wrong = np.flatnonzero(~fine)
    if len(wrong):
        k = int(wrong[0])
        wanted = "a number >= 0" if may_be_infinite else "a finite number >= 0"
        raise DomainError(f"{name}[{of[k]}]", expected=wanted, got=float(values[k]))


def _check_weights(weight: Csr, users: Names, nodes: Names) -> None:
    wrong = np.flatnonzero(~((weight.data >= 0.0) & np.isfinite(weight.data)))
    if len(wrong):
        k = int(wrong[0])
        user = int(np.searchsorted(weight.indptr, k, side="right")) - 1
        raise DomainError(
            f"weight[{users[user]}, {nodes[weight.indices[k]]}]",
            expected="a finite number >= 0",
            got=float(weight.data[k]),
        )


def _check_unique(name: str, names: Names, kind: Ints) -> None:
    order = np.lexsort((names, kind))
    in_order, kinds = names[order], kind[order]
    again = (in_order[1:] == in_order[:-1]) & (kinds[1:] == kinds[:-1])
    if again.any():
        raise ConfigError(
            name,
            expected="each name once per resource type",
            got=f"{in_order[int(np.argmax(again))]!s} again",
        )


def _check_reach_within_types(market: Market) -> None:
    if len(market.resources) == 1:
        return
    user, node = market.user_of_edge, market.weight.indices
    wrong = np.flatnonzero(market.user_type[user] != market.node_type[node])
    if len(wrong):
        k = int(wrong[0])
        raise DomainError(
            f"weight[{market.users[user[k]]}, {market.nodes[node[k]]}]",
            expected="user and node of one resource type",
            got="two types",
        )


def _block(kinds: Ints, index: int) -> slice:
    return slice(
        int(np.searchsorted(kinds, index)),
        int(np.searchsorted(kinds, index, side="right")),
    )
