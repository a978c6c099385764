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

from stackelberg.edge.market import ONLY_RESOURCE, Floats, Ints, Market, Names
from stackelberg.edge.positions import Positions
from stackelberg.errors import ConfigError
from stackelberg.io.files import files_together
from stackelberg.io.tables import (
    Table,
    TableKind,
    check_kind,
    index_of,
    made_folder,
    write_table,
)

_COLUMNS = {
    "nodes": (("node", "capacity", "price"), ("cost", "x_m", "y_m", "resource")),
    "users": (("user", "budget"), ("x_m", "y_m", "resource")),
    "reach": (("user", "node", "weight"), ("resource",)),
}


def read_market(folder: str | os.PathLike[str]) -> Market:
    """Read a market.

    Raises:
        InputError: a subclass that says what is wrong; the message is one line and
            begins with the file, then names column and row.
    """
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
    weight = reach.numbers("weight")
    check_no_pair_twice(reach, user_row, node_row, len(node_order))
    return Market(
        price=nodes.numbers("price")[node_order],
        capacity=nodes.numbers("capacity", may_be_infinite=True)[node_order],
        budget=users.numbers("budget", may_be_infinite=True)[user_order],
        weight=sparse.csr_array(
            (weight, (user_row, node_row)), shape=(len(user_order), len(node_order))
        ),
        nodes=nodes.names("node")[node_order],
        users=users.names("user")[user_order],
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
        ConfigError: if the folder cannot be written or `kind` is unknown.
    """
    check_kind(kind)
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
            "user": market.users[user],
            "node": market.nodes[node],
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


def resource_names(market: Market, types: Ints) -> Names:
    """The name of each resource type, by its index."""
    return np.array(market.resources)[types]


def check_no_pair_twice(table: Table, user: Ints, node: Ints, width: int) -> None:
    """Refuse a table that speaks of one pair of user row and node row in two rows.

    Raises:
        ConfigError: names the second row.
    """
    first = pl.Series(user * width + node).is_first_distinct().to_numpy()
    again = np.flatnonzero(~first)
    if len(again):
        row = int(again[0])
        raise table.error(ConfigError, "node", row, "each pair of user and node once")


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
    texts = table.texts("resource")
    if resources is None:
        names = table.names("resource")
        first = np.sort(np.unique(names, return_index=True)[1])
        resources = [names[k].item() for k in first]
    index = index_of(texts, pl.Series([str(x) for x in resources], dtype=pl.String))
    unknown = np.flatnonzero(index < 0)
    if len(unknown):
        raise table.error(
            ConfigError, "resource", int(unknown[0]), "a resource of the nodes' table"
        )
    return index, resources


def _rows(
    table: Table,
    column: str,
    types: Ints,
    reach: Table,
    reach_types: Ints,
    order: Ints,
) -> Ints:
    """Row of the market, in `order`, that each row of `reach` speaks of."""

    def keys(source: Table, kinds: Ints) -> pl.Series:
        return pl.Series(kinds).cast(pl.String) + "|" + source.texts(column)

    known = keys(table, types)
    again = np.flatnonzero(~known.is_first_distinct().to_numpy())
    if len(again):
        raise table.error(
            ConfigError, column, int(again[0]), "each name once per resource type"
        )
    index = index_of(keys(reach, reach_types), known)
    unknown = np.flatnonzero(index < 0)
    if len(unknown):
        raise reach.error(
            ConfigError, column, int(unknown[0]), f"a name of {column}s of its type"
        )
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return place[index]
