"""Progress of a study on stderr: a live table, or a line now and then."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
from rich.table import Table

from stackelberg.cli import output as terminal

if TYPE_CHECKING:
    from stackelberg.study import Cell, Study
    from stackelberg.study.run_cell import Finished

Tell = Callable[["Cell", "Finished"], None]

MOST_ROWS = 24
"""Beyond which rows are methods instead of scenarios by methods."""

LINE_EVERY_S = 5.0
"""Where stderr is no terminal."""


@contextmanager
def shown_progress(study: Study, retry_failed: bool) -> Generator[Tell, None, None]:
    """Show how a run goes; call what it yields with each cell and its end."""
    seen = _Seen(study, retry_failed)
    console = Console(stderr=True, markup=False, highlight=False, emoji=False)
    if not seen.wanted:
        yield seen.take
        return
    if not console.is_terminal:
        yield _lines(seen)
        return
    bar = Progress(
        BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
    )
    task = bar.add_task("cells", total=seen.wanted)
    with Live(Group(seen.table(), bar), console=console, transient=True) as live:

        def tell(cell: Cell, ended: Finished) -> None:
            seen.take(cell, ended)
            bar.update(task, completed=seen.ended)
            live.update(Group(seen.table(), bar))

        yield tell


def _lines(seen: _Seen) -> Tell:
    last = time.monotonic()

    def tell(cell: Cell, ended: Finished) -> None:
        nonlocal last
        seen.take(cell, ended)
        now = time.monotonic()
        soon = now - last < LINE_EVERY_S and seen.ended < seen.wanted
        if ended.error is None and soon:
            return
        last = now
        how = f"{ended.seconds:.2f} s" if ended.error is None else ended.error
        line = f"{seen.ended}/{seen.wanted} {cell.name}: {how}"
        sys.stderr.write(f"{terminal.one_line(line)}\n")

    return tell


class _Seen:
    """What was to be done and what has been, by row."""

    def __init__(self, study: Study, retry_failed: bool) -> None:
        from stackelberg.study import standing

        before = standing(study.cells, study.store)
        rows = {(cell.case.name, cell.play.name) for cell in study.cells}
        self._by_case = len(rows) <= MOST_ROWS
        to_run = before.missing + (before.failed if retry_failed else ())
        self.wanted = len({cell.address for cell in to_run})
        self.ended = 0
        self._total = Counter(self._row(cell) for cell in study.cells)
        self._done = Counter(self._row(cell) for cell in before.done)
        kept = () if retry_failed else before.failed
        self._failed = Counter(self._row(cell) for cell in kept)
        self._seconds: dict[tuple[str, str], float] = {}
        self._timed: Counter[tuple[str, str]] = Counter()

    def _row(self, cell: Cell) -> tuple[str, str]:
        return (cell.case.name if self._by_case else "all", cell.play.name)

    def take(self, cell: Cell, ended: Finished) -> None:
        """Count one more."""
        self.ended += 1
        row = self._row(cell)
        if ended.error is None:
            self._done[row] += 1
            self._seconds[row] = self._seconds.get(row, 0.0) + ended.seconds
            self._timed[row] += 1
        else:
            self._failed[row] += 1

    def table(self) -> Table:
        """Every row with its counts and the mean seconds of a cell."""
        made = terminal.table(
            None, "scenario", "method", "done", "of", "failed", "s a cell", text=2
        )
        for row, total in self._total.items():
            timed = self._timed[row]
            made.add_row(
                *row,
                str(self._done[row]),
                str(total),
                str(self._failed[row]) if self._failed[row] else "",
                f"{self._seconds[row] / timed:.2f}" if timed else "",
            )
        return made
