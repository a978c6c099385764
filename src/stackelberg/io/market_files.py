"""Edge markets and their solutions as folders of tables, CSV or Parquet.

A market: ``nodes`` (node, capacity, price[, cost][, resource]), ``users`` (user,
budget[, resource]), ``reach`` (user, node, weight[, resource]), each ``.csv`` or
``.parquet``. Names are whole numbers or text and come back as given; ``cost`` is
checked nowhere and not used. Rows are counted from 1 after the header.
"""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import polars as pl
from scipy import sparse

from stackelberg.edge.allocate import EdgeSolution
from stackelberg.edge.market import (
    ONLY_RESOURCE,
    Floats,
    Ints,
    Market,
    Names,
)
from stackelberg.errors import ConfigError, DomainError, InputError, suggestion
from stackelberg.io.files import (
    read_bytes,
    write_bytes_atomically,
    write_text_atomically,
)

TableKind = Literal["csv", "parquet"]

MAX_CELLS = 150_000_000
"""Largest table that is unfolded, rows times columns: about 1.2 GB of numbers."""

_PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"BZh", b"\xfd7zXZ")

_COLUMNS = {
    "nodes": (("node", "capacity", "price"), ("cost", "resource")),
    "users": (("user", "budget"), ("resource",)),
    "reach": (("user", "node", "weight"), ("resource",)),
}
LIMITED_BY = ("budget", "capacity", "both")
"""What limits a user: the larger part of its unit of virtual money goes there."""


def read_market(folder: str | os.PathLike[str]) -> Market:
    """Read a market.

    Raises:
        InputError: a subclass that says what is wrong; the message is one line and
            begins with the file, then names column and row.
    """
    tables = {name: _Table(folder, name) for name in _COLUMNS}
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
    weight = reach.numbers("weight", may_be_infinite=False)
    _check_no_pair_twice(reach, user_row, node_row, len(node_order))
    return Market(
        price=nodes.numbers("price", may_be_infinite=False)[node_order],
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
    )


def write_market(
    market: Market, folder: str | os.PathLike[str], *, kind: TableKind = "csv"
) -> None:
    """Write a market; reading it back gives the same bits.

    Each file is replaced as a whole or not at all; a table of the other kind with the
    same name is removed.

    Raises:
        ConfigError: if the folder cannot be written or `kind` is unknown.
    """
    _check_kind(kind)
    user, node = market.user_of_edge, market.weight.indices
    tables = {
        "nodes": {
            "node": market.nodes,
            "capacity": market.capacity,
            "price": market.price,
        },
        "users": {"user": market.users, "budget": market.budget},
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
    folder = _made(folder)
    for name, columns in tables.items():
        named = market.resources != (ONLY_RESOURCE,)
        resource = {"resource": _resources(market, types[name])} if named else {}
        _write_table(pl.DataFrame({**columns, **resource}), folder, name, kind)


def write_market_solution(
    solution: EdgeSolution,
    market: Market,
    folder: str | os.PathLike[str],
    *,
    kind: TableKind = "csv",
    seconds: float = math.nan,
) -> None:
    """Write who gets what: ``allocation``, ``users``, ``nodes`` and ``solution.json``.

    Edges that carry nothing are left out of ``allocation``. `limited_by` in ``users``
    says where the larger part of a user's unit of virtual money goes: to its budget or
    to the capacity of its nodes.

    Raises:
        ConfigError: if the folder cannot be written or `kind` is unknown.
    """
    _check_kind(kind)
    value, proof = solution.value, solution.certificate
    user, node = market.user_of_edge, market.weight.indices
    amount = value.allocation.data
    bought = amount > 0.0
    folder = _made(folder)
    allocation = {
        "user": market.users[user[bought]],
        "node": market.nodes[node[bought]],
        "resource": _resources(market, market.node_type[node[bought]]),
        "amount": amount[bought],
    }
    users = {
        "user": market.users,
        "resource": _resources(market, market.user_type),
        "utility": value.utility,
        "spend": value.spend,
        "budget_shadow_price": value.budget_shadow_price,
        "limited_by": _limited_by(market, solution),
    }
    nodes = {
        "node": market.nodes,
        "resource": _resources(market, market.node_type),
        "load": value.load,
        "capacity_shadow_price": value.capacity_shadow_price,
        "revenue": market.price * value.load,
    }
    for name, columns in (
        ("allocation", allocation),
        ("users", users),
        ("nodes", nodes),
    ):
        _write_table(pl.DataFrame(columns), folder, name, kind)
    summary = {
        "format": "stackelberg.edge.solution/1",
        "status": solution.status.label,
        "objective": _finite(proof.objective),
        "gap_per_user": _finite(proof.gap_per_user),
        "worst_violation": _finite(proof.worst_violation),
        "iterations": solution.iterations,
        "seconds": _finite(seconds),
    }
    path = os.path.join(folder, "solution.json")
    write_text_atomically(path, json.dumps(summary, indent=1) + "\n")


class _Table:
    """One table of a market, with errors that name the file, the column and the row."""

    def __init__(self, folder: str | os.PathLike[str], name: str) -> None:
        self.path, self.frame = _read_table(folder, name)
        required, optional = _COLUMNS[name]
        known = (*required, *optional)
        for column in self.frame.columns:
            if column not in known:
                raise ConfigError(
                    f"column {column!r}",
                    expected=f"one of {', '.join(known)}{suggestion(column, known)}",
                    got="an unknown name",
                    source=self.path,
                )
        for column in required:
            if not self.has(column):
                raise ConfigError(
                    f"column {column}",
                    expected="in the header",
                    got="columns " + ", ".join(self.frame.columns),
                    source=self.path,
                )

    def has(self, column: str) -> bool:
        """Whether there is such a column."""
        return column in self.frame.columns

    def error(
        self, kind: type[InputError], column: str, row: int, expected: str
    ) -> InputError:
        """The error for one cell; `row` from 0."""
        got = self.frame[column][row]
        shown = "nothing" if got is None or got == "" else repr(got)
        return kind(
            f"{column}, row {row + 1}", expected=expected, got=shown, source=self.path
        )

    def numbers(self, column: str, *, may_be_infinite: bool) -> Floats:
        """The column as numbers >= 0."""
        series = self.frame[column]
        if series.dtype == pl.String:
            series = series.str.strip_chars()
        elif not series.dtype.is_numeric():
            raise ConfigError(
                f"column {column}",
                expected="numbers",
                got=str(series.dtype),
                source=self.path,
            )
        cast = series.cast(pl.Float64, strict=False)
        values = cast.fill_null(math.nan).to_numpy().copy()
        fine = values >= 0.0
        if not may_be_infinite:
            fine &= np.isfinite(values)
        wrong = np.flatnonzero(~fine)
        if len(wrong):
            wanted = "a number >= 0" if may_be_infinite else "a finite number >= 0"
            raise self.error(DomainError, column, int(wrong[0]), wanted)
        return values

    def texts(self, column: str) -> pl.Series:
        """The column as text without blanks around it; none may be empty."""
        series = self.frame[column]
        if series.dtype != pl.String and not series.dtype.is_integer():
            raise ConfigError(
                f"column {column}",
                expected="whole numbers or text",
                got=str(series.dtype),
                source=self.path,
            )
        texts = series.cast(pl.String).str.strip_chars()
        empty = (texts.is_null() | (texts == "")).fill_null(True).arg_true()
        if len(empty):
            raise self.error(ConfigError, column, int(empty[0]), "a name")
        return texts

    def names(self, column: str) -> Names:
        """The column as whole numbers if every entry is one, else as text."""
        texts = self.texts(column)
        numbers = texts.cast(pl.Int64, strict=False)
        if numbers.null_count() == 0 and bool((numbers.cast(pl.String) == texts).all()):
            return numbers.to_numpy().copy()
        return np.array(texts.to_list(), dtype=np.str_)


def _read_table(folder: str | os.PathLike[str], name: str) -> tuple[str, pl.DataFrame]:
    kinds = get_args(TableKind)
    paths = [os.path.join(os.fspath(folder), f"{name}.{kind}") for kind in kinds]
    there = [path for path in paths if os.path.isfile(path)]
    if len(there) != 1:
        raise ConfigError(
            os.fspath(folder),
            expected=f"one of {name}.csv and {name}.parquet",
            got="both" if there else "neither",
        )
    path = there[0]
    content = read_bytes(path, wanted=f"a table of {name}")
    if content.startswith(_PACKED):
        raise ConfigError(
            "content", expected="a table that is not packed", got="a packed file",
            source=path,
        )  # fmt: skip
    try:
        if path.endswith(".csv"):
            return path, pl.read_csv(content, infer_schema=False)
        columns = len(pl.read_parquet_schema(io.BytesIO(content)))
        rows = pl.scan_parquet(io.BytesIO(content)).select(pl.len()).collect().item()
        if rows * columns > MAX_CELLS:
            raise ConfigError(
                "content",
                expected=f"at most {MAX_CELLS} cells",
                got=f"{rows} rows of {columns} columns",
                source=path,
            )
        return path, pl.read_parquet(io.BytesIO(content))
    except pl.exceptions.PolarsError as error:
        reason = (str(error).splitlines() or ["unreadable"])[0]
        raise ConfigError(
            "content", expected=f"a table of {name}", got=reason, source=path
        ) from None


def _types(
    table: _Table, resources: Sequence[str | int] | None
) -> tuple[Ints, Sequence[str | int]]:
    """Resource type of each row, and the types in the order of the nodes' table."""
    if not table.has("resource"):
        return np.zeros(len(table.frame), dtype=np.int64), (ONLY_RESOURCE,)
    texts = table.texts("resource")
    if resources is None:
        names = table.names("resource")
        first = np.sort(np.unique(names, return_index=True)[1])
        resources = [names[k].item() for k in first]
    index = _index_of(texts, pl.Series([str(x) for x in resources], dtype=pl.String))
    unknown = np.flatnonzero(index < 0)
    if len(unknown):
        raise table.error(
            ConfigError, "resource", int(unknown[0]), "a resource of the nodes' table"
        )
    return index, resources


def _rows(
    table: _Table,
    column: str,
    types: Ints,
    reach: _Table,
    reach_types: Ints,
    order: Ints,
) -> Ints:
    """Row of the market, in `order`, that each row of `reach` speaks of."""

    def keys(source: _Table, kinds: Ints) -> pl.Series:
        return pl.Series(kinds).cast(pl.String) + "|" + source.texts(column)

    known = keys(table, types)
    again = np.flatnonzero(~known.is_first_distinct().to_numpy())
    if len(again):
        raise table.error(
            ConfigError, column, int(again[0]), "each name once per resource type"
        )
    index = _index_of(keys(reach, reach_types), known)
    unknown = np.flatnonzero(index < 0)
    if len(unknown):
        raise reach.error(
            ConfigError, column, int(unknown[0]), f"a name of {column}s of its type"
        )
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return place[index]


def _index_of(values: pl.Series, known: pl.Series) -> Ints:
    """Place of each value among the distinct `known`, or -1."""
    table = pl.DataFrame({"key": known, "place": np.arange(len(known))})
    found = pl.DataFrame({"key": values}).join(
        table, on="key", how="left", maintain_order="left"
    )
    return found["place"].fill_null(-1).to_numpy().astype(np.int64)


def _check_no_pair_twice(reach: _Table, user: Ints, node: Ints, width: int) -> None:
    first = pl.Series(user * width + node).is_first_distinct().to_numpy()
    again = np.flatnonzero(~first)
    if len(again):
        row = int(again[0])
        raise reach.error(ConfigError, "node", row, "each pair of user and node once")


def _limited_by(market: Market, solution: EdgeSolution) -> list[str]:
    budget = np.where(np.isfinite(market.budget), market.budget, 0.0)
    to_budget = solution.value.budget_shadow_price * budget
    to_nodes = solution.value.allocation @ solution.value.capacity_shadow_price
    closer = np.where(to_budget > to_nodes, 0, 1)
    even = np.abs(to_budget - to_nodes) <= 0.1 * (to_budget + to_nodes)
    return [LIMITED_BY[k] for k in np.where(even, 2, closer)]


def _resources(market: Market, types: Ints) -> Names:
    return np.array(market.resources)[types]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _check_kind(kind: str) -> None:
    if kind not in get_args(TableKind):
        raise ConfigError("kind", expected="csv or parquet", got=repr(kind))


def _made(folder: str | os.PathLike[str]) -> str:
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            os.fspath(folder),
            expected="a folder that can be written",
            got=(error.strerror or str(error)).lower(),
        ) from None
    return os.fspath(folder)


def _write_table(frame: pl.DataFrame, folder: str, name: str, kind: TableKind) -> None:
    buffer = io.BytesIO()
    writers: dict[TableKind, Callable[[io.BytesIO], None]] = {
        "csv": frame.write_csv,
        "parquet": frame.write_parquet,
    }
    writers[kind](buffer)
    write_bytes_atomically(os.path.join(folder, f"{name}.{kind}"), buffer.getvalue())
    for other in get_args(TableKind):
        if other != kind:
            Path(folder, f"{name}.{other}").unlink(missing_ok=True)
