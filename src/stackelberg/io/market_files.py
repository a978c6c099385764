"""Edge markets as folders of tables, CSV or Parquet.

``nodes`` (node, capacity, price[, cost][, x_m, y_m][, resource]), ``users`` (user,
budget[, x_m, y_m][, resource]), ``reach`` (user, node, weight[, resource]), each
``.csv`` or ``.parquet``. Names are whole numbers or text and come back as given. Rows
are counted from 1 after the header.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import polars as pl
from scipy import sparse

from stackelberg.edge.market import ONLY_RESOURCE, Csr, Floats, Ints, Market
from stackelberg.edge.positions import Positions
from stackelberg.errors import ConfigError
from stackelberg.io.files import files_together
from stackelberg.io.row_index import RowIndex
from stackelberg.io.tables import (
    Table,
    TableKind,
    as_names,
    check_kind,
    check_names,
    made_folder,
    write_table,
)

_COLUMNS = {
    "nodes": (("node", "capacity", "price"), ("cost", "x_m", "y_m", "resource")),
    "users": (("user", "budget"), ("x_m", "y_m", "resource")),
    "reach": (("user", "node", "weight"), ("resource",)),
}

_FEW = 16


def read_market(folder: str | os.PathLike[str]) -> Market:
    """Read a market.

    Raises:
        InputError: a subclass that says what is wrong; the message is one line and
            begins with the file, then names column and row.
    """
    if os.path.isfile(folder):
        raise ConfigError(
            "market",
            expected="the market's folder",
            got=f"a file: {os.fspath(folder)}",
        )
    tables = {name: Table(folder, name, *_COLUMNS[name]) for name in _COLUMNS}
    nodes, users, reach = tables["nodes"], tables["users"], tables["reach"]
    typed = {name for name, table in tables.items() if table.has("resource")}
    if typed and len(typed) < len(tables):
        missing = sorted(tables.keys() - typed)[0]
        raise ConfigError(
            "column resource",
            expected="in all three tables or in none",
            got=f"nothing, though {sorted(typed)[0]} has it",
            source=tables[missing].path,
        )
    node_type, resources = _types(nodes, None)
    user_type, _ = _types(users, resources)
    reach_type, _ = _types(reach, resources)
    node_order = np.argsort(node_type, kind="stable")
    user_order = np.argsort(user_type, kind="stable")
    node_row = _rows(nodes, "node", node_type, reach, reach_type, node_order)
    user_row = _rows(users, "user", user_type, reach, reach_type, user_order)
    return Market(
        price=nodes.numbers("price")[node_order],
        capacity=nodes.numbers("capacity", may_be_infinite=True)[node_order],
        budget=users.numbers("budget", may_be_infinite=True)[user_order],
        weight=pairs_as_csr(
            reach, "weight", user_row, node_row, (len(user_order), len(node_order))
        ),
        nodes=as_names(nodes, "node")[node_order],
        users=as_names(users, "user")[user_order],
        resources=tuple(resources),
        node_type=node_type[node_order],
        user_type=user_type[user_order],
        positions_m=_positions(nodes, node_order, users, user_order),
        cost=_cost(nodes)[node_order],
    )


def write_market(
    market: Market, folder: str | os.PathLike[str], *, kind: TableKind = "csv"
) -> None:
    """Write a market; reading it back gives the same bits.

    Costs are written where one is not zero, positions where the market has them.
    The files are written all or none; a table of the other kind with the same name is
    removed.

    Raises:
        ConfigError: if the folder cannot be written, `kind` is unknown, or a name is
            empty or has blanks around it or control characters.
    """
    check_kind(kind)
    for name in ("nodes", "users"):
        check_names(name, getattr(market, name))
    check_names("resources", np.array(market.resources))
    user, node = market.user_of_edge, market.weight.indices
    places = market.positions_m
    tables = {
        "nodes": {
            "node": market.nodes,
            "capacity": market.capacity,
            "price": market.price,
            **({"cost": market.cost} if market.cost.any() else {}),
            **({} if places is None else _metres(places.nodes)),
        },
        "users": {
            "user": market.users,
            "budget": market.budget,
            **({} if places is None else _metres(places.users)),
        },
        "reach": {
            "user": pl.Series(market.users).gather(user),
            "node": pl.Series(market.nodes).gather(node),
            "weight": market.weight.data,
        },
    }
    types = {
        "nodes": market.node_type,
        "users": market.user_type,
        "reach": market.node_type[node],
    }
    folder = made_folder(folder)
    named = market.resources != (ONLY_RESOURCE,)
    with files_together(folder) as staged:
        for name, columns in tables.items():
            resource = {"resource": resource_names(market, types[name])}
            frame = pl.DataFrame({**columns, **(resource if named else {})})
            write_table(staged, frame, folder, name, kind)


def resource_names(market: Market, types: Ints) -> pl.Series:
    """The name of each resource type, by its index."""
    return pl.Series(np.array(market.resources)).gather(types)


def pairs_as_csr(
    table: Table,
    column: str,
    user: Ints,
    node: Ints,
    shape: tuple[int, int],
    *,
    signed: bool = False,
) -> Csr:
    """The numbers of `column` at the pairs of user row and node row, each pair once.

    Raises:
        DomainError: a number is not finite, or negative unless `signed`.
        ConfigError: a pair comes twice; names the second row.
    """
    values = table.numbers(column, signed=signed)
    key = user * shape[1] + node
    if bool((key[1:] > key[:-1]).all()):  # sorted, so no pair comes twice
        degree = np.bincount(user, minlength=shape[0])
        indptr = np.concatenate([[0], np.cumsum(degree)])
        small = max(len(key), *shape) < 2**31
        kind = np.int32 if small else np.int64
        return sparse.csr_array(
            (values, node.astype(kind), indptr.astype(kind)), shape=shape
        )
    first = pl.Series(key).is_first_distinct().to_numpy()
    if not first.all():
        wanted = "each pair of user and node once"
        raise table.error(ConfigError, "node", int(np.argmin(first)), wanted)
    return sparse.csr_array((values, (user, node)), shape=shape)


def _cost(nodes: Table) -> Floats:
    return nodes.numbers("cost") if nodes.has("cost") else np.zeros(len(nodes.frame))


def _positions(
    nodes: Table, node_order: Ints, users: Table, user_order: Ints
) -> Positions | None:
    """Where everybody stands, if both tables say so; one alone, or x_m without y_m, is
    refused.
    """
    given = [table.has(name) for table in (nodes, users) for name in ("x_m", "y_m")]
    if not any(given):
        return None
    for table in (nodes, users):
        for name in ("x_m", "y_m"):
            if not table.has(name):
                raise ConfigError(
                    f"column {name}",
                    expected="x_m and y_m in the tables of nodes and users or in none",
                    got="columns " + ", ".join(table.frame.columns),
                    source=table.path,
                )

    def places(table: Table, order: Ints) -> Floats:
        metres = [table.numbers(name, signed=True)[order] for name in ("x_m", "y_m")]
        return np.stack(metres, axis=1)

    return Positions(nodes=places(nodes, node_order), users=places(users, user_order))


def _metres(places: Floats) -> dict[str, Floats]:
    return {"x_m": places[:, 0], "y_m": places[:, 1]}


def _types(
    table: Table, resources: Sequence[str | int] | None
) -> tuple[Ints, Sequence[str | int]]:
    """Resource type of each row, and the types in the order of the nodes' table."""
    if not table.has("resource"):
        return np.zeros(len(table.frame), dtype=np.int64), (ONLY_RESOURCE,)
    names = table.names("resource")
    if resources is None:
        resources = names.unique(maintain_order=True).to_list()
    return types_of(table, resources, "a resource of the nodes' table"), resources


def types_of(table: Table, resources: Sequence[str | int], wanted: str) -> Ints:
    """The place of each row's resource among `resources`.

    Raises:
        ConfigError: if one is not there; names the row, expecting `wanted`.
    """
    names = table.names("resource").cast(pl.String)
    texts = [str(resource) for resource in resources]
    if len(texts) <= _FEW:  # comparing is quicker than hashing every row
        index = np.full(len(names), -1, dtype=np.int64)
        for k, text in enumerate(texts):
            index[(names == text).to_numpy()] = k
    else:
        known = RowIndex(
            pl.Series(texts, dtype=pl.String), np.zeros(len(texts), dtype=np.int64)
        )
        index = known.find(names, np.zeros(len(names), dtype=np.int64))
    if (index < 0).any():
        row = int(np.argmax(index < 0))
        raise table.error(ConfigError, "resource", row, wanted)
    return index


def _rows(
    table: Table,
    column: str,
    types: Ints,
    reach: Table,
    reach_types: Ints,
    order: Ints,
) -> Ints:
    """Row of the market, in `order`, that each row of `reach` speaks of."""
    known = RowIndex(table.names(column), types)
    again = known.first_repeated()
    if again is not None:
        raise table.error(
            ConfigError, column, again, "each name once per resource type"
        )
    index = known.find(reach.names(column), reach_types)
    if (index < 0).any():
        row = int(np.argmax(index < 0))
        raise reach.error(ConfigError, column, row, f"a name of {column}s of its type")
    if bool((types[1:] >= types[:-1]).all()):  # in order already
        return index
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return place[index]
