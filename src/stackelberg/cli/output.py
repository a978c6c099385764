"""What reaches the terminal: JSON on stdout, tables, and progress on stderr."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table

from stackelberg.report.numbers import SHARE_OF, certificate_cell

if TYPE_CHECKING:
    from stackelberg.game import Certificate, Status


def print_json(value: object) -> None:
    """Print `value` as one JSON object; NaN and infinity become null."""
    from stackelberg.io.solution_file import plain

    typer.echo(json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False))


def one_line(text: str) -> str:
    """`text` without line breaks and terminal codes, which names may hold."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


PIPED_COLUMNS = 200
"""Width of a line where no terminal says one: paths and table rows stay whole."""


def console() -> Console:
    """The terminal on stdout. Text is shown as it is: files may be called anything."""
    shown = Console(markup=False, highlight=False, emoji=False)
    if not shown.is_terminal and "COLUMNS" not in os.environ:
        shown.width = PIPED_COLUMNS
    return shown


COMPILES = " (a first run also compiles the solvers, once)"
"""Said of a step that may have to compile."""


@contextmanager
def progress(doing: str) -> Generator[None, None, None]:
    """Show on stderr, where it is a terminal, that `doing` takes a while."""
    with Console(stderr=True, markup=False).status(f"{doing} ..."):
        yield


@contextmanager
def progress_of(doing: str) -> Generator[Callable[[str], None], None, None]:
    """As `progress`, for work in named steps: call what it yields as each begins."""
    with Console(stderr=True, markup=False).status(f"{doing} ...") as shown:
        yield lambda step: shown.update(f"{doing}: {step} ...")


@dataclass
class Stopwatch:
    """Seconds that the block under `timed` took."""

    seconds: float = 0.0


@contextmanager
def timed() -> Generator[Stopwatch, None, None]:
    """Measure the seconds of a block."""
    watch = Stopwatch()
    start = time.perf_counter()
    try:
        yield watch
    finally:
        watch.seconds = time.perf_counter() - start


def table(title: str | None, *columns: str, text: int = 1) -> Table:
    """A table whose first `text` columns are words and whose others are numbers."""
    made = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for i, column in enumerate(columns):
        words = i < text
        made.add_column(
            column,
            justify="left" if words else "right",
            no_wrap=words,
            overflow="fold",
        )
    return made


def certificate_table(
    certificate: Certificate,
    title: str = "certificate",
    share_of: Mapping[str, str] = SHARE_OF,
) -> Table:
    """Every number of a certificate, with its unit and what it means.

    Args:
        certificate: whose rows.
        title: above the table.
        share_of: what the numbers without a unit are a share of, by name.
    """
    made = Table(title=title, title_justify="left", box=None, pad_edge=False)
    made.add_column("number", no_wrap=True)
    made.add_column("value", justify="right", no_wrap=True)
    made.add_column("unit", no_wrap=True)
    made.add_column("meaning", overflow="fold")
    values = {row.name: row.value for row in certificate.rows()}
    for row in certificate.rows():
        value, unit = certificate_cell(row.name, row.unit, values)
        made.add_row(row.name, value, unit or share_of.get(row.name, ""), row.meaning)
    return made


def advice_at(status: Status, tolerance: float) -> str:
    """What a status advises, naming the tolerance."""
    return status.advice.replace(
        "The tolerance asked for", f"The tolerance asked for ({tolerance:g})"
    )


def certificate_values(certificate: Certificate) -> dict[str, float]:
    """The numbers of a certificate by name, for JSON."""
    return {row.name: row.value for row in certificate.rows()}
