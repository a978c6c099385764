"""The study that the demo runs and shows: `studies/quick.toml` with fewer seeds."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stackelberg.report import StudyData
    from stackelberg.study.engine import Backend

PLAN = Path(str(resources.files("stackelberg.cli.study"))) / "demo.toml"

JOBS = 2


def shown_study(folder: Path) -> StudyData:
    """Run what is missing of the demo's plan, and collect what its page shows.

    Args:
        folder: of the study, made if need be; results that are there count.
    """
    from stackelberg.study import run_missing, start_study, study_data

    study = start_study(PLAN, folder)
    with study.store.locked():
        run_missing(study.cells, study.store, backend())
    return study_data(study)


def backend() -> Backend:
    """What runs the cells."""
    from stackelberg.study import ProcessBackend

    return ProcessBackend(JOBS)


def study_lines(data: StudyData) -> tuple[str, ...]:
    """What the terminal says of it: each scenario's first metric."""
    first = [f"{scenario}, " for scenario, _ in data.reference]
    return tuple(
        next((line for line in data.story if line.startswith(name)), "")
        for name in first
    )
