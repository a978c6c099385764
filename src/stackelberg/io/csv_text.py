"""CSV read strictly: every cell as text, every refusal one line that says where.

Polars does the work. It fills short rows up, renames columns that come twice and says
little about what it refuses, so the header is checked before it runs, and where it
stumbles or leaves a gap, Python's own reader finds the row.
"""

from __future__ import annotations

import codecs
import csv
import io

import polars as pl

from stackelberg.errors import ConfigError
from stackelberg.io.files import refuse_packed

MAX_HEADER_BYTES = 65_536
"""Longest header: a file without line ends is refused before it is cut into cells."""

MAX_CELL_BYTES = 1_000
"""Longest cell: a name or a number of more is a mistake."""

_PARQUET = b"PAR1"


def csv_cells(content: bytes, *, wanted: str, source: str) -> pl.DataFrame:
    """The table with every cell as text; an empty cell is null.

    Args:
        content: UTF-8, with or without a byte-order mark; cells divided by commas, a
            header, empty lines at the end only.
        wanted: what the file should be, for errors.
        source: its name, for errors.

    Raises:
        ConfigError: packed or empty, not text, a column twice or without a name, a
            row with too few or too many cells, a quote never closed, a cell too long.
            Rows are counted from 1 after the header.
    """
    try:
        return _cells(content, wanted)
    except ConfigError as error:
        raise error.located(source) from None


def _cells(content: bytes, wanted: str) -> pl.DataFrame:
    refuse_packed(content, wanted)
    if content.startswith(_PARQUET):
        raise ConfigError("content", expected=f"{wanted} in CSV", got="a Parquet file")
    if not content.strip(b" \t\r\n\xef\xbb\xbf"):
        raise ConfigError("content", expected=wanted, got="nothing")
    where = content.find(b"\0")
    if where >= 0:
        _check_encoding(content[:where])
        line = content.count(b"\n", 0, where) + 1
        raise ConfigError(f"line {line}", expected="UTF-8 text", got="a NUL byte")
    header = _header(content)
    if content.endswith((b"\n\n", b"\n\r\n")):
        content = content.rstrip(b"\r\n")
    try:
        cells = pl.read_csv(content, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        _find_fault(content, header)
        reason = (str(error).splitlines() or ["unreadable text"])[0]
        raise ConfigError("content", expected=wanted, got=reason) from None
    if any(column.null_count() for column in cells):
        _find_fault(content, header)
    cells.columns = header
    for name in header:
        check_length(cells[name], name)
    return cells


def check_length(cells: pl.Series, name: str) -> None:
    """Refuse a column of text with a cell of more than `MAX_CELL_BYTES`.

    Raises:
        ConfigError: names column and row.
    """
    length = cells.str.len_bytes()
    longest = length.max()
    if isinstance(longest, int) and longest > MAX_CELL_BYTES:
        row = int((length > MAX_CELL_BYTES).arg_true()[0])
        raise ConfigError(
            f"{name}, row {row + 1}",
            expected=f"at most {MAX_CELL_BYTES} bytes",
            got=f"{length[row]} bytes",
        )


def _header(content: bytes) -> list[str]:
    end = content.find(b"\n", 0, MAX_HEADER_BYTES)
    if end < 0 and len(content) > MAX_HEADER_BYTES:
        raise ConfigError(
            "line 1",
            expected=f"a header of at most {MAX_HEADER_BYTES} bytes",
            got="a longer line",
        )
    line = content[:end] if end >= 0 else content
    _check_encoding(line)
    text = line.decode("utf-8-sig").removesuffix("\r")
    try:
        names = next(csv.reader([text], strict=True), [])
    except csv.Error:
        raise ConfigError(
            "line 1", expected="quotes around whole cells", got="a stray quote"
        ) from None
    if len(names) == 1 and any(mark in names[0] for mark in ";\t|"):
        raise ConfigError(
            "line 1", expected="cells divided by commas", got=repr(names[0][:60])
        )
    for place, name in enumerate(names):
        if not name.strip():
            raise ConfigError(f"column {place + 1}", expected="a name", got="nothing")
        if name in names[:place]:
            raise ConfigError(
                f"column {name!r}"[:80], expected="each column once", got="it twice"
            )
    if not names:
        raise ConfigError("line 1", expected="a header", got="an empty line")
    return names


def _find_fault(content: bytes, header: list[str]) -> None:
    """Raise what is wrong with the shape of the table, if anything is."""
    _check_encoding(content)
    text = io.StringIO(content.decode("utf-8-sig"), newline="")
    rows = csv.reader(text, strict=True)
    row, line = -1, 1
    try:
        for row, cells in enumerate(rows):
            if len(cells) != len(header):
                raise ConfigError(
                    f"row {row}",
                    expected=f"{len(header)} cells, as in the header",
                    got=str(len(cells)) if cells else "an empty line",
                )
            line = rows.line_num + 1
    except csv.Error as error:
        reason = str(error)
        raise ConfigError(
            f"row {row + 1}, line {line}",
            expected="a quote that closes, around a whole cell"
            if "field larger" not in reason
            else f"cells of at most {MAX_CELL_BYTES} bytes",
            got="one that does not" if "field larger" not in reason else "a longer one",
        ) from None


def _check_encoding(content: bytes) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    step = 2**20
    for start in range(0, len(content), step):
        part = content[start : start + step]
        try:
            decoder.decode(part, final=start + step >= len(content))
        except UnicodeDecodeError as error:
            held = len(error.object) - len(part)
            place = start - held + error.start
            line = content.count(b"\n", 0, place) + 1
            raise ConfigError(
                f"line {line}",
                expected="UTF-8 text",
                got=f"byte 0x{content[place]:02x}",
            ) from None
