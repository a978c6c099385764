"""Run what is missing of a study, and keep it as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from stackelberg.study.cell import Cell
from stackelberg.study.run_cell import Finished
from stackelberg.study.stopping import Never, Stop
from stackelberg.study.store import Store


class Backend(Protocol):
    """Something that runs cells."""

    def run(self, cells: Sequence[Cell], stop: Stop) -> Iterator[Finished]:
        """Yield each cell's end as it comes; after `stop`, those under way."""
        ...


@dataclass(frozen=True)
class Standing:
    """How far a study is.

    Attributes:
        done: cells with a result.
        failed: cells whose last try failed.
        missing: cells without either.
    """

    done: tuple[Cell, ...]
    failed: tuple[Cell, ...]
    missing: tuple[Cell, ...]


def standing(cells: Sequence[Cell], store: Store) -> Standing:
    """Which cells are done, failed or missing."""
    done: list[Cell] = []
    failed: list[Cell] = []
    missing: list[Cell] = []
    for cell in cells:
        if store.is_done(cell.address):
            done.append(cell)
        elif store.has_failed(cell.address):
            failed.append(cell)
        else:
            missing.append(cell)
    return Standing(tuple(done), tuple(failed), tuple(missing))


def _nobody(cell: Cell, ended: Finished) -> None:
    """Tell nobody."""


def run_missing(
    cells: Sequence[Cell],
    store: Store,
    backend: Backend,
    *,
    retry_failed: bool = False,
    stop: Stop | None = None,
    tell: Callable[[Cell, Finished], None] = _nobody,
) -> Standing:
    """Run the cells that have no result, and say how far the study is then.

    Every end is on disk before the next is awaited, so whatever happens to this
    process, only cells under way are lost.

    Args:
        cells: of the study; the same cell twice is run once.
        store: its folder.
        backend: what runs them.
        retry_failed: whether to run those again that failed before.
        stop: asks for the end.
        tell: called with each cell and its end once that is on disk.
    """
    before = standing(cells, store)
    wanted = before.missing + (before.failed if retry_failed else ())
    by_address = {cell.address: cell for cell in wanted}
    for ended in backend.run(list(by_address.values()), stop or Never()):
        cell = by_address[ended.address]
        store.keep(cell, ended)
        tell(cell, ended)
    return standing(cells, store)
