"""A plan with its cells and its folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from stackelberg.io.files import read_bytes
from stackelberg.study.cases import skipped
from stackelberg.study.cell import Cell, cells
from stackelberg.study.plan import Plan
from stackelberg.study.plan_file import MAX_PLAN_BYTES, plan_folder, plan_from_toml
from stackelberg.study.store import Store


@dataclass(frozen=True)
class Study:
    """A plan, what it asks for, and where that is kept.

    Attributes:
        plan: the plan.
        cells: every run that it asks for, seed by seed.
        store: the folder with the results.
        skipped: optional scenarios that are left out, each with the file it lacks.
    """

    plan: Plan
    cells: tuple[Cell, ...]
    store: Store
    skipped: tuple[tuple[str, str], ...] = ()


def start_study(path: str | os.PathLike[str], output: Path) -> Study:
    """The study of a plan file, kept in `output`; results that are there count.

    Nothing is written before the plan is known to be right. The plan that a study
    keeps in its own folder goes on with that study.

    Args:
        path: the plan.
        output: folder of the study, made if need be.

    Raises:
        ConfigError, PlanError: the plan or the folder is wrong.
    """
    if Store(output).keeps(path):
        return open_study(output)
    folder = plan_folder(path)
    content = read_bytes(path, wanted="a plan file", limit=MAX_PLAN_BYTES)
    found = _study(content, folder, os.fspath(path), output)
    found.store.begin(content, folder)
    return found


def open_study(output: Path) -> Study:
    """A study that was started before.

    Raises:
        ConfigError, PlanError: the folder holds none, or its plan is wrong by now.
    """
    folder = Store(output).plan_folder()
    path = output / "plan.toml"
    content = read_bytes(path, wanted="a plan file", limit=MAX_PLAN_BYTES)
    return _study(content, folder, str(path), output)


def _study(content: bytes, folder: Path, source: str, output: Path) -> Study:
    plan = plan_from_toml(content, source)
    return Study(
        plan,
        tuple(cells(plan, folder, source)),
        Store(output),
        tuple(skipped(plan, folder)),
    )
