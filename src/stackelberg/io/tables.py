"""Tables in a folder, CSV or Parquet, read strictly and written whole.

Every refusal is one line that names the file, the column and the row; rows are counted
from 1 after the header. Sizes are checked before a table is unfolded.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import polars as pl

from stackelberg.edge.market import Floats, Names
from stackelberg.errors import ConfigError, DomainError, InputError, suggestion
from stackelberg.io.csv_text import check_length, csv_cells
from stackelberg.io.files import StagedFiles, read_bytes, refuse_packed
from stackelberg.io.parquet_size import check_unfolded_size

TableKind = Literal["csv", "parquet"]

MAX_NAMES_BYTES = 2**30
"""Largest array of names: each takes four bytes for every letter of the longest."""

MAX_TABLE_BYTES = 2 * 2**30
"""Largest table that is read: CSV of eight nodes each for eight million users."""


class Cells:
    """Columns of a file, with errors that name the file, the column and the row.

    Args:
        path: the file.
        frame: its cells; those of CSV as text.
    """

    def __init__(self, path: str, frame: pl.DataFrame) -> None:
        self.path, self.frame = path, frame

    def has(self, column: str) -> bool:
        """Whether there is such a column."""
        return column in self.frame.columns

    def error(
        self, kind: type[InputError], column: str, row: int, expected: str
    ) -> InputError:
        """The error for one cell; `row` from 0."""
        got = self.frame[column][row]
        shown = "nothing" if got is None or got == "" else repr(got)
        if len(shown) > 60:
            shown = shown[:57] + "..."
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
        values = series.cast(pl.Float64, strict=False).fill_null(math.nan)
        values = values.to_numpy(writable=True)
        fine = ~np.isnan(values) if signed else values >= 0.0
        if not may_be_infinite:
            fine &= np.isfinite(values)
        if not fine.all():
            wanted = "a number" if may_be_infinite else "a finite number"
            wanted += "" if signed else " >= 0"
            raise self.error(DomainError, column, int(np.argmin(fine)), wanted)
        return values

    def names(self, column: str) -> pl.Series:
        """The column as whole numbers or text; none may be empty.

        Blanks around a name are not part of it. In CSV the column is of whole numbers
        if every name is one, written as Python writes it; Parquet says what it is.
        """
        series = self.frame[column]
        if series.dtype.is_integer():
            if series.null_count():
                row = int(series.is_null().arg_true()[0])
                raise self.error(ConfigError, column, row, "a name")
            return _as_int64(series)
        texts = series.str.strip_chars()
        empty = (texts.is_null() | (texts == "")).fill_null(True).arg_true()
        if len(empty):
            raise self.error(ConfigError, column, int(empty[0]), "a name")
        unprintable = texts.str.contains(_CONTROL).arg_true()
        if len(unprintable):
            wanted = "a name without control characters"
            raise self.error(ConfigError, column, int(unprintable[0]), wanted)
        if self.path.endswith(".csv"):
            numbers = whole_numbers(texts)
            return texts if numbers is None else numbers
        return texts


class Table(Cells):
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
        self.path = _only_file(folder, name)
        wanted = f"a table of {name}"
        content = read_bytes(self.path, wanted=wanted, limit=MAX_TABLE_BYTES)
        known = (*required, *optional)
        if self.path.endswith(".csv"):
            frame = csv_cells(content, wanted=wanted, source=self.path)
            self._check_columns(frame.columns, required, known)
        else:
            frame = self._unfolded(content, wanted, required, known)
        super().__init__(self.path, frame)

    def _check_columns(
        self, columns: Sequence[str], required: Sequence[str], known: Sequence[str]
    ) -> None:
        for column in columns:
            if column not in known:
                raise ConfigError(
                    f"column {column[:60]!r}",
                    expected=f"one of {', '.join(known)}{suggestion(column, known)}",
                    got="an unknown name",
                    source=self.path,
                )
        for column in required:
            if column not in columns:
                raise ConfigError(
                    f"column {column}",
                    expected="in the header",
                    got="columns " + ", ".join(columns),
                    source=self.path,
                )

    def _unfolded(
        self,
        content: bytes,
        wanted: str,
        required: Sequence[str],
        known: Sequence[str],
    ) -> pl.DataFrame:
        """The Parquet file as a frame, its header checked before its size, its size
        before its values.
        """
        try:
            refuse_packed(content, wanted)
            check_unfolded_size(content, wanted=wanted)
            with _panics_unheard():
                schema = pl.read_parquet_schema(io.BytesIO(content))
            self._check_columns(list(schema), required, known)
            for column, dtype in schema.items():
                self._check_type(column, dtype)
            with _panics_unheard():
                frame = pl.read_parquet(io.BytesIO(content))
            for column in frame.get_columns():
                if column.dtype == pl.String:
                    check_length(column, column.name)
        except ConfigError as error:
            raise (error if error.source else error.located(self.path)) from None
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            reason = (str(error).splitlines() or ["unreadable"])[0]
            raise ConfigError(
                "content", expected=wanted, got=reason[:200], source=self.path
            ) from None
        return frame

    def _check_type(self, column: str, dtype: pl.DataType) -> None:
        named = column in _TEXT
        if dtype == pl.String if named else dtype.is_float():
            return
        if not dtype.is_integer():
            raise ConfigError(
                f"column {column}",
                expected="whole numbers or text" if named else "numbers",
                got=str(dtype),
            )


@contextmanager
def _panics_unheard() -> Generator[None, None, None]:
    """Keep off stderr what Polars prints of a panic before it raises: pages of trace
    about a damaged file, past Python and straight to the descriptor.
    """
    try:
        kept = os.dup(_STDERR)
    except OSError:  # the process has none
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), _STDERR)
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)


_STDERR = 2
_CONTROL = r"\p{Cc}"
_TEXT = ("node", "user", "resource", "limited_by")
"""Columns that hold text or, but for the last, whole numbers; all others numbers."""


def table_files(folder: str | os.PathLike[str], name: str) -> list[str]:
    """The files in the folder that hold this table: none, one, or one of each kind."""
    kinds = get_args(TableKind)
    paths = [os.path.join(os.fspath(folder), f"{name}.{kind}") for kind in kinds]
    return [path for path in paths if os.path.isfile(path)]


def as_names(table: Cells, column: str) -> Names:
    """A column of names as an array of whole numbers or of text.

    Raises:
        ConfigError: a name is empty, or too long for so many rows.
    """
    names = table.names(column)
    if names.dtype.is_integer():
        return names.to_numpy()
    letters = names.str.len_chars()
    most = MAX_NAMES_BYTES // (4 * max(len(names), 1))
    longest = letters.arg_max()
    if longest is not None and letters[longest] > most:
        wanted = f"a name of at most {most} characters, in {len(names)} rows"
        raise table.error(ConfigError, column, longest, wanted)
    return np.array(names.to_list(), dtype=np.str_)


def check_names(name: str, names: Names) -> None:
    """Refuse names that would not come back from a table as they are.

    Raises:
        ConfigError: a name is empty, has blanks around it, or control characters.
    """
    texts = pl.Series(names)
    if texts.dtype != pl.String:
        return
    wrong = (texts.str.strip_chars() != texts) | (texts == "")
    wrong |= texts.str.contains(_CONTROL)
    if wrong.any():
        raise ConfigError(
            name,
            expected="names without blanks around them or control characters",
            got=repr(texts[int(wrong.arg_true()[0])])[:60],
        )


def whole_numbers(texts: pl.Series) -> pl.Series | None:
    """Text as whole numbers, if every entry is one written as Python writes it."""
    numbers = texts.cast(pl.Int64, strict=False)
    otherwise = texts.str.starts_with("0") & (texts.str.len_bytes() > 1)
    otherwise |= texts.str.starts_with("+") | texts.str.starts_with("-0")
    return None if numbers.null_count() or otherwise.any() else numbers


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
    staged.write(os.path.join(folder, f"{name}.{kind}"), buffer.getbuffer())
    for other in get_args(TableKind):
        if other != kind:
            staged.remove(os.path.join(folder, f"{name}.{other}"))


def _only_file(folder: str | os.PathLike[str], name: str) -> str:
    there = table_files(folder, name)
    if len(there) != 1:
        raise ConfigError(
            os.fspath(folder),
            expected=f"one of {name}.csv and {name}.parquet",
            got="both" if there else "neither",
        )
    return there[0]


def _as_int64(series: pl.Series) -> pl.Series:
    """Whole numbers as 64 bits; text where one is too large for that."""
    numbers = series.cast(pl.Int64, strict=False)
    return series.cast(pl.String) if numbers.null_count() else numbers
