"""How far a training run is, on stderr."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def shown_progress(
    doing: str, total: int
) -> Generator[Callable[[int, str], None], None, None]:
    """Show a bar where stderr is a terminal; call what it yields as steps are done.

    Args:
        doing: the name of the method.
        total: steps of the whole run.
    """
    console = Console(stderr=True, markup=False)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f} steps", markup=False),
        TimeRemainingColumn(),
        TextColumn("{task.fields[told]}", markup=False),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(doing, total=total, told="")
        yield lambda done, told: bar.update(task, completed=done, told=told)
