"""Every table and column of a market, wrong in every way, and what is said of it.

One case: which tables of a good market (two nodes, two users, three pairs) to put
something else for, the class of the error, and the whole line after the folder's name.
`None` takes the table away; bytes are written as they stand; a frame is Parquet.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from stackelberg.errors import ConfigError, DomainError, InputError

GOOD = {
    "nodes": "node,capacity,price\nn1,4,1.5\nn2,inf,2\n",
    "users": "user,budget\nu1,3\nu2,2.5\n",
    "reach": "user,node,weight\nu1,n1,1\nu2,n2,2\nu2,n1,0.5\n",
}

Content = str | bytes | pl.DataFrame | None


@dataclass(frozen=True)
class Broken:
    """One case; `line` is what is said, after the folder's name."""

    name: str
    tables: dict[str, Content]
    kind: type[InputError]
    line: str


def write_broken(folder: Path, case: Broken) -> Path:
    """The folder of a case."""
    for name, content in {**GOOD, **case.tables}.items():
        if isinstance(content, pl.DataFrame):
            content.write_parquet(folder / f"{name}.parquet")
        elif content is not None:
            data = content.encode() if isinstance(content, str) else content
            (folder / f"{name}.csv").write_bytes(data)
    return folder


def _cell(table: str, column: str, row: int, text: str) -> str:
    """The good table with one cell changed; rows from 1."""
    lines = [line.split(",") for line in GOOD[table].splitlines()]
    lines[row][lines[0].index(column)] = text
    return "\n".join(",".join(line) for line in lines) + "\n"


def _with_column(table: str, column: str, cells: list[str]) -> str:
    lines = GOOD[table].splitlines()
    added = [column, *cells]
    return "\n".join(f"{line},{cell}" for line, cell in zip(lines, added, strict=True))


NUMBERS = {
    "nodes": ("capacity", "price", "cost", "x_m"),
    "users": ("budget", "y_m"),
    "reach": ("weight",),
}
MAY_BE_INFINITE = ("capacity", "budget")
SIGNED = ("x_m", "y_m")
WRONG_NUMBERS = {
    "text": "abc",
    "empty": "",
    "NaN": "NaN",
    "minus infinity": "-inf",
    "negative": "-0.5",
    "infinite": "inf",
    "past the range": "1e999",
    "decimal comma": '"1,5"',
    "hexadecimal": "0x10",
    "grouped": "1_000",
    "truth": "true",
    "unit": "5 EUR",
}


def _places(table: str) -> str:
    return _with_column(table, "x_m,y_m", ["0,0"] * (GOOD[table].count("\n") - 1))


def _number_cases() -> list[Broken]:
    cases: list[Broken] = []
    for table, columns in NUMBERS.items():
        for column in columns:
            for name, text in WRONG_NUMBERS.items():
                if name in ("infinite", "past the range") and column in MAY_BE_INFINITE:
                    continue
                if name == "negative" and column in SIGNED:
                    continue
                tables: dict[str, Content] = {}
                if column in SIGNED:
                    tables = {name: _places(name) for name in ("nodes", "users")}
                    cells = [f"0,{text}", "0,0"]
                    if column == "x_m":
                        cells = [f"{text},0", "0,0"]
                    tables[table] = _with_column(table, "x_m,y_m", cells)
                elif column == "cost":
                    tables[table] = _with_column(table, column, [text, "1"])
                else:
                    tables[table] = _cell(table, column, 1, text)
                wanted = "a number" if column in MAY_BE_INFINITE else "a finite number"
                wanted += "" if column in SIGNED else " >= 0"
                got = repr(text.strip('"')) if text else "nothing"
                cases.append(
                    Broken(
                        f"{table} {column} {name}",
                        tables,
                        DomainError,
                        f"{table}.csv: {column}, row 1: expected {wanted}, got {got}",
                    )
                )
    return cases


def _name_cases() -> list[Broken]:
    cases: list[Broken] = []
    once = "expected each name once per resource type"
    for table, column in (("nodes", "node"), ("users", "user")):
        first = f"{column[0]}1"
        known = f"expected a name of {column}s of its type"
        cases += [
            Broken(f"{table} empty name", {table: _cell(table, column, 2, "")},
                   ConfigError,
                   f"{table}.csv: {column}, row 2: expected a name, got nothing"),
            Broken(f"{table} blank name", {table: _cell(table, column, 2, "  ")},
                   ConfigError,
                   f"{table}.csv: {column}, row 2: expected a name, got '  '"),
            Broken(f"{table} name twice", {table: _cell(table, column, 2, first)},
                   ConfigError,
                   f"{table}.csv: {column}, row 2: {once}, got '{first}'"),
            Broken(f"{table} name twice but for blanks",
                   {table: _cell(table, column, 2, first + " ")}, ConfigError,
                   f"{table}.csv: {column}, row 2: {once}, got '{first} '"),
            Broken(f"{table} name of two lines",
                   {table: _cell(table, column, 2, '"a\nb"')}, ConfigError,
                   f"{table}.csv: {column}, row 2: expected a name without control "
                   "characters, got 'a\\nb'"),
            Broken(f"reach unknown {column}", {"reach": _cell("reach", column, 3, "z")},
                   ConfigError, f"reach.csv: {column}, row 3: {known}, got 'z'"),
            Broken(f"reach empty {column}", {"reach": _cell("reach", column, 1, "")},
                   ConfigError,
                   f"reach.csv: {column}, row 1: expected a name, got nothing"),
            Broken(f"reach {column} in capitals",
                   {"reach": _cell("reach", column, 1, first.upper())}, ConfigError,
                   f"reach.csv: {column}, row 1: {known}, got '{first.upper()}'"),
        ]  # fmt: skip
    cases += [
        Broken("reach pair twice", {"reach": _cell("reach", "node", 3, "n2")},
               ConfigError,
               "reach.csv: node, row 3: expected each pair of user and node once, "
               "got 'n2'"),
        Broken("number with a zero before",
               {"users": "user,budget\n7,1\n8,1\n",
                "reach": "user,node,weight\n07,n1,1\n8,n1,1\n"}, ConfigError,
               "reach.csv: user, row 1: expected a name of users of its type, "
               "got '07'"),
    ]  # fmt: skip
    return cases


def _header_cases() -> list[Broken]:
    cases: list[Broken] = []
    known = {
        "nodes": "node, capacity, price, cost, x_m, y_m, resource",
        "users": "user, budget, x_m, y_m, resource",
        "reach": "user, node, weight, resource",
    }
    for table, names in known.items():
        header = GOOD[table].splitlines()[0].split(",")
        last = header[-1]
        for column in header:
            others = [name for name in header if name != column]
            rows = [
                ",".join(cell for cell, name in zip(row, header, strict=True)
                         if name != column)
                for row in (line.split(",") for line in GOOD[table].splitlines())
            ]  # fmt: skip
            cases.append(
                Broken(
                    f"{table} without {column}",
                    {table: "\n".join(rows)},
                    ConfigError,
                    f"{table}.csv: column {column}: expected in the header, got "
                    f"columns {', '.join(others)}",
                )
            )
        cases += [
            Broken(f"{table} misspelt column",
                   {table: GOOD[table].replace(last, last + "s", 1)}, ConfigError,
                   f"{table}.csv: column '{last}s': expected one of {names} "
                   f"(did you mean '{last}'?), got an unknown name"),
            Broken(f"{table} column too many",
                   {table: _with_column(table, "colour",
                                        ["red"] * (GOOD[table].count("\n") - 1))},
                   ConfigError,
                   f"{table}.csv: column 'colour': expected one of {names}, "
                   "got an unknown name"),
            Broken(f"{table} column twice",
                   {table: _with_column(table, last,
                                        ["1"] * (GOOD[table].count("\n") - 1))},
                   ConfigError,
                   f"{table}.csv: column '{last}': expected each column once, "
                   "got it twice"),
            Broken(f"{table} semicolons", {table: GOOD[table].replace(",", ";")},
                   ConfigError,
                   f"{table}.csv: line 1: expected cells divided by commas, got "
                   f"{';'.join(header)!r}"),
            Broken(f"{table} empty", {table: ""}, ConfigError,
                   f"{table}.csv: content: expected a table of {table}, got nothing"),
            Broken(f"{table} missing", {table: None}, ConfigError,
                   f": expected one of {table}.csv and {table}.parquet, got neither"),
            Broken(f"{table} packed", {table: gzip.compress(GOOD[table].encode())},
                   ConfigError,
                   f"{table}.csv: content: expected a table of {table} that is not "
                   "packed, got a packed file"),
            Broken(f"{table} short row", {table: GOOD[table] + "z\n"}, ConfigError,
                   f"{table}.csv: row {GOOD[table].count(chr(10))}: expected "
                   f"{len(header)} cells, as in the header, got 1"),
            Broken(f"{table} long row", {table: GOOD[table] + "z,1,1,1\n"}, ConfigError,
                   f"{table}.csv: row {GOOD[table].count(chr(10))}: expected "
                   f"{len(header)} cells, as in the header, got 4"),
            Broken(f"{table} NUL", {table: GOOD[table] + "\0\n"}, ConfigError,
                   f"{table}.csv: line {GOOD[table].count(chr(10)) + 1}: expected "
                   "UTF-8 text, got a NUL byte"),
            Broken(f"{table} not UTF-8",
                   {table: GOOD[table].replace("1,", "é,", 1).encode("latin-1")},
                   ConfigError,
                   f"{table}.csv: line 2: expected UTF-8 text, got byte 0xe9"),
            Broken(f"{table} open quote", {table: GOOD[table] + '"z,1,1\n'},
                   ConfigError,
                   f"{table}.csv: row {GOOD[table].count(chr(10))}, line "
                   f"{GOOD[table].count(chr(10)) + 1}: expected a quote that closes, "
                   "around a whole cell, got one that does not"),
        ]  # fmt: skip
    return cases


def _resource_cases() -> list[Broken]:
    def typed(**cells: list[str]) -> dict[str, Content]:
        own = {"nodes": ["cpu", "gpu"], "users": ["cpu", "gpu"],
               "reach": ["cpu", "gpu", "cpu"], **cells}  # fmt: skip
        return {name: _with_column(name, "resource", own[name]) for name in own}

    cases = [
        Broken("resource in two tables", {**typed(), "users": GOOD["users"]},
               ConfigError,
               "users.csv: column resource: expected in all three tables or in none, "
               "got nothing, though nodes has it"),
        Broken("resource in one table", {"reach": typed()["reach"]}, ConfigError,
               "nodes.csv: column resource: expected in all three tables or in none, "
               "got nothing, though reach has it"),
        Broken("users of an unknown resource", typed(users=["cpu", "tpu"]), ConfigError,
               "users.csv: resource, row 2: expected a resource of the nodes' table, "
               "got 'tpu'"),
        Broken("reach of an unknown resource", typed(reach=["tpu", "gpu", "cpu"]),
               ConfigError,
               "reach.csv: resource, row 1: expected a resource of the nodes' table, "
               "got 'tpu'"),
        Broken("no resource", typed(nodes=["cpu", ""]), ConfigError,
               "nodes.csv: resource, row 2: expected a name, got nothing"),
        Broken("users across types", typed(), ConfigError,
               "reach.csv: user, row 3: expected a name of users of its type, "
               "got 'u2'"),
        Broken("nodes across types",
               {"nodes": "node,capacity,price,resource\nn1,1,1,cpu\nn2,1,1,gpu\n",
                "users": "user,budget,resource\nu,1,cpu\nu,1,gpu\n",
                "reach": "user,node,weight,resource\nu,n1,1,cpu\nu,n1,1,gpu\n"},
               ConfigError,
               "reach.csv: node, row 2: expected a name of nodes of its type, "
               "got 'n1'"),
    ]  # fmt: skip
    return cases


def _parquet_cases() -> list[Broken]:
    users = pl.DataFrame({"user": ["u1", "u2"], "budget": [3.0, 2.5]})
    reach = pl.DataFrame(
        {"user": ["u1", "u2"], "node": ["n1", "n2"], "weight": [1.0, 2.0]}
    )

    def of(frame: pl.DataFrame, column: str, values: list[object]) -> Content:
        return frame.with_columns(pl.Series(column, values))

    def case(
        name: str, table: str, content: Content, kind: type[InputError], line: str
    ) -> Broken:
        return Broken(f"Parquet {name}", {table: content}, kind, line)

    texts = "expected whole numbers or text, got"
    cases = [
        case("fractions as names", "users", of(users, "user", [1.5, 2.5]), ConfigError,
             f"users.parquet: column user: {texts} Float64"),
        case("truths as names", "users", of(users, "user", [True, False]), ConfigError,
             f"users.parquet: column user: {texts} Boolean"),
        case("lists as names", "users", of(users, "user", [["a"], ["b"]]), ConfigError,
             f"users.parquet: column user: {texts} List(String)"),
        case("text as numbers", "users", of(users, "budget", ["3", "2"]), ConfigError,
             "users.parquet: column budget: expected numbers, got String"),
        case("truths as numbers", "users", of(users, "budget", [True, True]),
             ConfigError,
             "users.parquet: column budget: expected numbers, got Boolean"),
        case("null budget", "users", of(users, "budget", [None, 1.0]), DomainError,
             "users.parquet: budget, row 1: expected a number >= 0, got nothing"),
        case("NaN weight", "reach", of(reach, "weight", [1.0, float("nan")]),
             DomainError,
             "reach.parquet: weight, row 2: expected a finite number >= 0, got nan"),
        case("negative whole weight", "reach", of(reach, "weight", [1, -2]),
             DomainError,
             "reach.parquet: weight, row 2: expected a finite number >= 0, got -2"),
        case("null name", "users", of(users, "user", ["u1", None]), ConfigError,
             "users.parquet: user, row 2: expected a name, got nothing"),
        case("null number as name", "users", of(users, "user", [None, 2]), ConfigError,
             "users.parquet: user, row 1: expected a name, got nothing"),
        case("unknown name", "reach", of(reach, "node", ["n1", "n3"]), ConfigError,
             "reach.parquet: node, row 2: expected a name of nodes of its type, "
             "got 'n3'"),
        case("without budget", "users", users.drop("budget"), ConfigError,
             "users.parquet: column budget: expected in the header, got columns user"),
    ]  # fmt: skip
    cut = b"PAR1" + bytes(30)
    cases.append(
        Broken("CSV that is Parquet", {"users": cut}, ConfigError,
               "users.csv: content: expected a table of users in CSV, got a Parquet "
               "file")
    )  # fmt: skip
    return cases


def _unsolvable_cases() -> list[Broken]:
    """What can be read but not solved: degenerate and unbounded users."""
    degenerate = (
        "market: expected for every user a node with weight > 0 and capacity > 0 that "
        "is free or that its budget can pay for (drop_degenerate=True leaves the "
        "others out), got degenerate "
    )
    unbounded = (
        "market: expected for every user a finite capacity or a price and a finite "
        "budget at each node in reach, got unbounded utility of "
    )
    shut = "node,capacity,price\nn1,0,1.5\nn2,inf,2\n"
    free = "node,capacity,price\nn1,4,1.5\nn2,inf,0\n"
    rich = "user,budget\nu1,3\nu2,inf\n"
    poor = "user,budget\nu1,0\nu2,0\n"
    some = "user,node,weight\nu2,n2,2\n"
    crowd = [f"v{k}" for k in range(8)]
    return [
        Broken("no reach", {"reach": some}, DomainError,
               degenerate + "user u1 (no node in reach)"),
        Broken("no weight", {"reach": _cell("reach", "weight", 1, "0")}, DomainError,
               degenerate + "user u1 (no node in reach)"),
        Broken("no capacity", {"nodes": shut}, DomainError,
               degenerate + "user u1 (only nodes without capacity in reach)"),
        Broken("no money", {"users": poor}, DomainError,
               degenerate + "users u1, u2 (no budget, and no free node with capacity "
               "in reach)"),
        Broken("nobody reaches anything", {"reach": "user,node,weight\n"}, DomainError,
               degenerate + "users u1, u2 (no node in reach)"),
        Broken("many without reach",
               {"users": GOOD["users"] + "".join(f"{name},1\n" for name in crowd)},
               DomainError, degenerate + "users v0, v1, v2, v3, v4 and 3 more (no "
               "node in reach)"),
        Broken("free without limit", {"nodes": free}, DomainError,
               unbounded + "user u2"),
        Broken("money without limit", {"users": rich}, DomainError,
               unbounded + "user u2"),
        Broken("degenerate in one type",
               {"nodes": "node,capacity,price,resource\nn,1,1,cpu\nn,1,1,gpu\n",
                "users": "user,budget,resource\nu,1,cpu\nu,0,gpu\n",
                "reach": "user,node,weight,resource\nu,n,1,cpu\nu,n,1,gpu\n"},
               DomainError, degenerate + "user u (gpu) (no budget, and no free node "
               "with capacity in reach)"),
    ]  # fmt: skip


UNREADABLE = [
    *_number_cases(),
    *_name_cases(),
    *_header_cases(),
    *_resource_cases(),
    *_parquet_cases(),
]
UNSOLVABLE = _unsolvable_cases()
