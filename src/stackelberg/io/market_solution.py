"""Who gets what in an edge market, as a folder of tables and ``solution.json``.

``allocation`` (user, node, resource, amount), ``users`` (user, resource, utility,
spend, budget_shadow_price, limited_by) and ``nodes`` (node, resource, load,
capacity_shadow_price, revenue), each ``.csv`` or ``.parquet``. What another solver
computed needs no more than ``allocation``.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from stackelberg.edge.allocate import EdgeSolution
from stackelberg.edge.explanation.virtual_money import LIMITS, virtual_money
from stackelberg.edge.market import ONLY_RESOURCE, Csr, Floats, Ints, Market
from stackelberg.errors import ConfigError, InputError
from stackelberg.game import Status
from stackelberg.io.files import files_together, read_bytes
from stackelberg.io.json_text import (
    JsonObject,
    check_format,
    check_keys,
    member_object,
    parse_object,
    shown,
)
from stackelberg.io.market_digest import MarketReference, market_reference
from stackelberg.io.market_files import pairs_as_csr, resource_names, types_of
from stackelberg.io.row_index import RowIndex
from stackelberg.io.solution_file import (
    number_or_nan,
    plain,
    status_of,
    text_member,
    whole_or_none,
)
from stackelberg.io.tables import (
    Table,
    TableKind,
    check_kind,
    made_folder,
    table_files,
    write_table,
)

MARKET_SOLUTION_FORMAT = "stackelberg.edge.solution/1"

_COLUMNS = {
    "user": ("utility", "spend", "budget_shadow_price", "limited_by"),
    "node": ("load", "capacity_shadow_price", "revenue"),
}


@dataclass(frozen=True)
class _Summary:
    """What ``solution.json`` says."""

    status: Status | None = None
    objective: float = math.nan
    gap_per_user: float = math.nan
    worst_violation: float = math.nan
    iterations: int | None = None
    seconds: float = math.nan
    market: MarketReference | None = None
    stats: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, eq=False)
class MarketSolutionFile:
    """What a solution's folder says; rows as in the market.

    Attributes:
        allocation: amount of each node row that each user row gets, CSR [N, M], as
            stated: nothing says that it keeps a limit.
        capacity_shadow_price: [M], or None where the folder has none.
        budget_shadow_price: [N], or None.
        utility: [N] as stated, or None.
        spend: [N] as stated, or None.
        load: [M] as stated, or None.
        revenue: [M] as stated, or None.
        limited_by: ``budget``, ``capacity`` or ``both`` for each user row, or None.
        status: how the solve ended, or None where there is no ``solution.json``.
        objective, gap_per_user, worst_violation, seconds: as stated, or NaN.
        iterations: of the solver, or None.
        market: which market it is of, or None where it does not say.
        stats: further facts of the solve by name.
    """

    allocation: Csr
    capacity_shadow_price: Floats | None = None
    budget_shadow_price: Floats | None = None
    utility: Floats | None = None
    spend: Floats | None = None
    load: Floats | None = None
    revenue: Floats | None = None
    limited_by: tuple[str, ...] | None = None
    status: Status | None = None
    objective: float = math.nan
    gap_per_user: float = math.nan
    worst_violation: float = math.nan
    iterations: int | None = None
    seconds: float = math.nan
    market: MarketReference | None = None
    stats: Mapping[str, object] = field(default_factory=dict[str, object])


def read_market_solution(
    folder: str | os.PathLike[str], market: Market
) -> MarketSolutionFile:
    """Read who gets what, for `edge.certify`, comparisons and warm starts.

    ``allocation`` must be there; ``users``, ``nodes`` and ``solution.json`` may be, and
    so may each of their columns but the names. A table of users or nodes that is there
    has one row for each of the market's, in any order. ``resource`` may be left out in
    a market of one type. Pairs out of reach and amounts < 0 are read as they stand:
    certifying them is what measures the fault.

    Args:
        folder: what `write_market_solution` wrote, or another solver's answer.
        market: whose users and nodes the tables name.

    Raises:
        InputError: a subclass that says what is wrong; the message is one line and
            begins with the file, then names column and row.
    """
    allocation = _allocation(folder, market)
    users = _Side(folder, market, "user")
    nodes = _Side(folder, market, "node")
    return MarketSolutionFile(
        allocation=allocation,
        capacity_shadow_price=nodes.numbers("capacity_shadow_price"),
        budget_shadow_price=users.numbers("budget_shadow_price"),
        utility=users.numbers("utility", signed=True),
        spend=users.numbers("spend", signed=True),
        load=nodes.numbers("load", signed=True),
        revenue=nodes.numbers("revenue", signed=True),
        limited_by=users.choices("limited_by", LIMITS),
        **vars(_summary(folder)),
    )


def write_market_solution(
    solution: EdgeSolution,
    market: Market,
    folder: str | os.PathLike[str],
    *,
    kind: TableKind = "csv",
    seconds: float = math.nan,
    market_folder: str | os.PathLike[str] | None = None,
    stats: Mapping[str, object] | None = None,
) -> None:
    """Write who gets what: ``allocation``, ``users``, ``nodes`` and ``solution.json``.

    Edges that carry nothing are left out of ``allocation``. `limited_by` in ``users``
    says where the larger part of a user's unit of virtual money goes: to its budget or
    to the capacity of its nodes. The files are written all or none.

    Args:
        solution: of `market`.
        market: its prices, capacities, budgets and weights.
        folder: made where it is missing.
        kind: of the tables.
        seconds: that the solve took, if known.
        market_folder: where the market was read from; the solution then says so.
        stats: further facts of the solve, by name.

    Raises:
        ConfigError: if the folder cannot be written or `kind` is unknown.
    """
    check_kind(kind)
    value, proof = solution.value, solution.certificate
    user, node = market.user_of_edge, market.weight.indices
    amount = value.allocation.data
    bought = amount > 0.0
    folder = made_folder(folder)
    allocation = {
        "user": pl.Series(market.users).gather(user[bought]),
        "node": pl.Series(market.nodes).gather(node[bought]),
        **_resource(market, market.node_type[node[bought]]),
        "amount": amount[bought],
    }
    users = {
        "user": market.users,
        **_resource(market, market.user_type),
        "utility": value.utility,
        "spend": value.spend,
        "budget_shadow_price": value.budget_shadow_price,
        "limited_by": virtual_money(market, value).limited_by,
    }
    nodes = {
        "node": market.nodes,
        **_resource(market, market.node_type),
        "load": value.load,
        "capacity_shadow_price": value.capacity_shadow_price,
        "revenue": market.price * value.load,
    }
    summary = {
        "format": MARKET_SOLUTION_FORMAT,
        "status": solution.status.label,
        "objective": _finite(proof.objective),
        "gap_per_user": _finite(proof.gap_per_user),
        "worst_violation": _finite(proof.worst_violation),
        "iterations": solution.iterations,
        "seconds": _finite(seconds),
        "market": vars(market_reference(market, market_folder, folder)),
        **({} if stats is None else {"stats": plain(stats)}),
    }
    tables = {"allocation": allocation, "users": users, "nodes": nodes}
    with files_together(folder) as staged:
        for name, columns in tables.items():
            write_table(staged, pl.DataFrame(columns), folder, name, kind)
        text = json.dumps(summary, indent=1, allow_nan=False) + "\n"
        staged.write(os.path.join(folder, "solution.json"), text.encode())


def read_market_reference(
    folder: str | os.PathLike[str],
) -> MarketReference | None:
    """Which market the solution in `folder` says it is of, if it does.

    Raises:
        InputError: a subclass; ``solution.json`` is no solution.
    """
    return _summary(folder).market


def read_capacity_shadow_price(
    folder: str | os.PathLike[str], market: Market
) -> Floats | None:
    """The shadow price of each node row [M] alone, or None where there is none.

    Enough for a warm start: users of the solution need not be the market's.

    Raises:
        InputError: a subclass; the table ``nodes`` is wrong or of other nodes.
    """
    return _Side(folder, market, "node").numbers("capacity_shadow_price")


def _allocation(folder: str | os.PathLike[str], market: Market) -> Csr:
    table = Table(folder, "allocation", ("user", "node", "amount"), ("resource",))
    types = _types(table, market)
    user = _rows(table, "user", types, market)
    node = _rows(table, "node", types, market)
    shape = (market.num_users, market.num_nodes)
    return pairs_as_csr(table, "amount", user, node, shape, signed=True)


class _Side:
    """The table of users or of nodes, in the order of the market's rows, if any."""

    def __init__(
        self, folder: str | os.PathLike[str], market: Market, column: str
    ) -> None:
        self.table = None
        if not table_files(folder, column + "s"):
            return
        optional = ("resource", *_COLUMNS[column])
        table = Table(folder, column + "s", (column,), optional)
        row = _rows(table, column, _types(table, market), market)
        count = market.num_users if column == "user" else market.num_nodes
        again = np.flatnonzero(~pl.Series(row).is_first_distinct().to_numpy())
        if len(again):
            raise table.error(
                ConfigError, column, int(again[0]), "each name once per resource type"
            )
        if len(row) < count:
            missing = np.setdiff1d(np.arange(count), row)[0]
            names = market.users if column == "user" else market.nodes
            raise ConfigError(
                f"column {column}",
                expected=f"a row for each of the market's {count} {column} rows",
                got=f"{len(row)} rows, none for {names[missing]}",
                source=table.path,
            )
        self.table, self.order = table, np.argsort(row)

    def numbers(self, column: str, *, signed: bool = False) -> Floats | None:
        """The column as finite numbers, >= 0 unless `signed`."""
        if self.table is None or not self.table.has(column):
            return None
        return self.table.numbers(column, signed=signed)[self.order]

    def choices(self, column: str, known: tuple[str, ...]) -> tuple[str, ...] | None:
        """The column as text that is one of `known`."""
        if self.table is None or not self.table.has(column):
            return None
        texts = self.table.names(column).cast(pl.String)
        unknown = (~texts.is_in(known)).arg_true()
        if len(unknown):
            wanted = "one of " + ", ".join(known)
            raise self.table.error(ConfigError, column, int(unknown[0]), wanted)
        return tuple(texts.gather(self.order).to_list())


def _types(table: Table, market: Market) -> Ints:
    """Resource type of each row."""
    if table.has("resource"):
        return types_of(table, market.resources, "a resource of the market")
    if len(market.resources) > 1:
        raise ConfigError(
            "column resource",
            expected=f"in the header, for a market of {len(market.resources)} types",
            got="columns " + ", ".join(table.frame.columns),
            source=table.path,
        )
    return np.zeros(len(table.frame), dtype=np.int64)


def _rows(table: Table, column: str, types: Ints, market: Market) -> Ints:
    """The market's row that each row of the table names."""
    users = column == "user"
    known = RowIndex(
        pl.Series(market.users if users else market.nodes),
        market.user_type if users else market.node_type,
    )
    index = known.find(table.names(column), types)
    if (index < 0).any():
        wanted = f"a name of the market's {column}s of its type"
        raise table.error(ConfigError, column, int(np.argmax(index < 0)), wanted)
    return index


def _summary(folder: str | os.PathLike[str]) -> _Summary:
    path = os.path.join(os.fspath(folder), "solution.json")
    if not os.path.exists(path):
        return _Summary()
    content = read_bytes(path, wanted="a solution")
    try:
        members = parse_object(content, wanted="a solution")
        check_format(members, MARKET_SOLUTION_FORMAT)
        numbers = ("objective", "gap_per_user", "worst_violation", "seconds")
        check_keys(
            members,
            required=("format", "status"),
            optional=(*numbers, "iterations", "market", "stats"),
        )
        return _Summary(
            status=status_of(text_member(members, "status")),
            iterations=whole_or_none(members, "iterations"),
            market=_reference(members) if "market" in members else None,
            stats=member_object(members, "stats") if "stats" in members else {},
            **{key: number_or_nan(key, members.get(key)) for key in numbers},
        )
    except InputError as error:
        raise error.located(path) from None


def _reference(members: JsonObject) -> MarketReference:
    market = member_object(members, "market")
    check_keys(market, required=("digest",), optional=("folder",), prefix="market.")
    if not isinstance(market["digest"], str):
        raise ConfigError("market.digest", expected="text", got=shown(market["digest"]))
    folder = market.get("folder")
    if folder is not None and not isinstance(folder, str):
        raise ConfigError("market.folder", expected="text or null", got=shown(folder))
    return MarketReference(digest=market["digest"], folder=folder)


def _resource(market: Market, types: Ints) -> dict[str, pl.Series]:
    """The column of resource types, for a market whose files have one."""
    if market.resources == (ONLY_RESOURCE,):
        return {}
    return {"resource": resource_names(market, types)}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
