"""Tables that others publish: CSV with the columns we know among others."""

from __future__ import annotations

import os
from collections.abc import Sequence

from stackelberg.errors import ConfigError, suggestion
from stackelberg.io.csv_text import csv_cells
from stackelberg.io.files import read_bytes
from stackelberg.io.tables import Cells


def published_table(
    path: str | os.PathLike[str], columns: Sequence[str], what: str
) -> Cells:
    """A CSV file, once it has the wanted columns; others are left alone.

    Args:
        path: the file.
        columns: that must be there.
        what: what it lists, for errors.

    Raises:
        ConfigError: it is unreadable or a column is missing. The message begins with
            the file's name.
    """
    source = os.fspath(path)
    wanted = f"a CSV file of {what}"
    frame = csv_cells(read_bytes(path, wanted=wanted), wanted=wanted, source=source)
    for column in columns:
        if column not in frame.columns:
            raise ConfigError(
                f"column {column}",
                expected="in the header" + suggestion(column, frame.columns),
                got="columns " + ", ".join(repr(name)[1:-1] for name in frame.columns),
                source=source,
            )
    return Cells(source, frame)
