"""Tables in a folder, CSV or Parquet, read strictly and written whole.

Every refusal is one line that names the file, the column and the row; rows are counted
from 1 after the header.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import polars as pl

from stackelberg.edge.market import Floats, Ints, Names
from stackelberg.errors import ConfigError, DomainError, InputError, suggestion
from stackelberg.io.files import StagedFiles, read_bytes

TableKind = Literal["csv", "parquet"]

MAX_CELLS = 150_000_000
"""Largest table that is unfolded, rows times columns: about 1.2 GB of numbers."""

_PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"BZh", b"\xfd7zXZ")


class Table:
    """One table of a folder, with errors that name the file, the column and the row.

    Args:
        folder: where `name`.csv or `name`.parquet lies.
        name: of the table.
        required: columns that must be there.
        optional: columns that may be there; no other may.

    Raises:
        ConfigError: the table is missing, given as both kinds, unreadable, packed, too
            large, or has other columns.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        name: str,
        required: Sequence[str],
        optional: Sequence[str] = (),
    ) -> None:
        self.path, self.frame = _read_table(folder, name)
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

    def numbers(
        self, column: str, *, may_be_infinite: bool = False, signed: bool = False
    ) -> Floats:
        """The column as numbers, >= 0 unless `signed`."""
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
        fine = ~np.isnan(values) if signed else values >= 0.0
        if not may_be_infinite:
            fine &= np.isfinite(values)
        wrong = np.flatnonzero(~fine)
        if len(wrong):
            wanted = "a number" if may_be_infinite else "a finite number"
            wanted += "" if signed else " >= 0"
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


def table_files(folder: str | os.PathLike[str], name: str) -> list[str]:
    """The files in the folder that hold this table: none, one, or one of each kind."""
    kinds = get_args(TableKind)
    paths = [os.path.join(os.fspath(folder), f"{name}.{kind}") for kind in kinds]
    return [path for path in paths if os.path.isfile(path)]


def _read_table(folder: str | os.PathLike[str], name: str) -> tuple[str, pl.DataFrame]:
    there = table_files(folder, name)
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


def index_of(values: pl.Series, known: pl.Series) -> Ints:
    """Place of each value among the distinct `known`, or -1."""
    table = pl.DataFrame({"key": known, "place": np.arange(len(known))})
    found = pl.DataFrame({"key": values}).join(
        table, on="key", how="left", maintain_order="left"
    )
    return found["place"].fill_null(-1).to_numpy().astype(np.int64)


def check_kind(kind: str) -> None:
    """Refuse a kind of table that cannot be written.

    Raises:
        ConfigError: as said.
    """
    if kind not in get_args(TableKind):
        raise ConfigError("kind", expected="csv or parquet", got=repr(kind))


def made_folder(folder: str | os.PathLike[str]) -> str:
    """The folder, made with its parents where it is missing.

    Raises:
        ConfigError: if it cannot be.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            os.fspath(folder),
            expected="a folder that can be written",
            got=(error.strerror or str(error)).lower(),
        ) from None
    return os.fspath(folder)


def write_table(
    staged: StagedFiles,
    frame: pl.DataFrame,
    folder: str,
    name: str,
    kind: TableKind,
) -> None:
    """Write one table, together with others; one of the other kind is removed."""
    buffer = io.BytesIO()
    writers: dict[TableKind, Callable[[io.BytesIO], None]] = {
        "csv": frame.write_csv,
        "parquet": frame.write_parquet,
    }
    writers[kind](buffer)
    staged.write(os.path.join(folder, f"{name}.{kind}"), buffer.getvalue())
    for other in get_args(TableKind):
        if other != kind:
            staged.remove(os.path.join(folder, f"{name}.{other}"))
