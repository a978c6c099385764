"""What the commands of learning say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from stackelberg.cli.learn.driving import Run
    from stackelberg.io.run_folder import RunFolder

_ENDED = {
    "done": "trained",
    "interrupted": "interrupted after a whole chunk; `learn resume` goes on",
    "nonfinite": "stopped: NaN or infinity in the metrics or in the policy",
}


def say_each(errors: Sequence[Exception], code: int) -> int:
    """One line on stderr for each error; returns `code`."""
    for error in errors:
        line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(error))
        typer.echo(f"stackelberg: {line}", err=True)
    return code


def run_lines(folder: RunFolder, run: Run) -> Iterator[str]:
    """How a run ended, for people: its last evaluation, or else its last chunk."""
    yield f"{folder.path}: {_ENDED[run.ended]}"
    yield f"  {folder.settings.method}, {run.env_steps} environment steps"
    told = run.metrics if run.evaluation is None else run.evaluation
    for name, value in told.items():
        if value is not None:
            yield f"  {name}: {value:.6g}"
    for path in run.written:
        yield f"written: {path}"
    yield f"{run.seconds:.1f} s, compilation included"
