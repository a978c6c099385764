"""Options that the commands of a study share, and what they mean."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from stackelberg.cli import output as terminal
from stackelberg.errors import ConfigError, DomainError, InputError

if TYPE_CHECKING:
    from stackelberg.study.engine import Backend

StudyFolder = Annotated[
    Path, typer.Argument(metavar="DIR", help="Folder of a study that was run.")
]

Jobs = Annotated[
    int | None,
    typer.Option("--jobs", "-j", help="Cells at a time; by default one per core."),
]

BackendName = Annotated[
    Literal["process", "ray"],
    typer.Option("--backend", help="Processes of this machine, or a Ray cluster."),
]

RayAddress = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT",
        help="A running Ray cluster; without it, one is started on this machine alone.",
    ),
]

RayDashboard = Annotated[
    bool, typer.Option("--ray-dashboard", help="Start Ray's dashboard too.")
]

RayNoToken = Annotated[
    bool, typer.Option("--ray-no-token", help="Start Ray without a token.")
]

RetryFailed = Annotated[
    bool, typer.Option("--retry-failed", help="Run cells again that failed before.")
]


def backend(
    name: Literal["process", "ray"],
    jobs: int | None,
    address: str | None,
    dashboard: bool,
    no_token: bool,
) -> Backend:
    """What runs the cells.

    Raises:
        ConfigError, DomainError: options that do not fit together.
    """
    from stackelberg.study import ProcessBackend, RayBackend

    if jobs is not None and jobs < 1:
        raise DomainError("--jobs", expected="a whole number >= 1", got=jobs)
    if name == "process":
        for option, given in (
            ("--ray-address", address is not None),
            ("--ray-dashboard", dashboard),
            ("--ray-no-token", no_token),
        ):
            if given:
                raise ConfigError(
                    option, expected="nothing without --backend ray", got="a value"
                )
        return ProcessBackend(jobs or len(os.sched_getaffinity(0)))
    return RayBackend(address, jobs, dashboard=dashboard, token=not no_token)


@contextmanager
def every_mistake_told() -> Generator[None, None, None]:
    """Print a line for each further mistake of a plan; the first is left to raise."""
    try:
        yield
    except InputError as error:
        for other in getattr(error, "others", ()):
            sys.stderr.write(f"stackelberg: {terminal.one_line(str(other))}\n")
        raise
