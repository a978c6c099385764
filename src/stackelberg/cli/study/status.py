"""`stackelberg study status`: what is done, what failed and why, what is missing."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from stackelberg.cli import output as terminal
from stackelberg.cli.options import AsJson
from stackelberg.cli.study.options import StudyFolder, every_mistake_told

if TYPE_CHECKING:
    from stackelberg.study import Standing, Study

MOST_FAILURES = 10


def status(folder: StudyFolder, as_json: AsJson = False) -> None:
    """Say how far a study is; runs nothing."""
    with every_mistake_told(), terminal.progress(f"reading {folder}"):
        from stackelberg.study import open_study, standing

        opened = open_study(folder)
        found = standing(opened.cells, opened.store)
    record = standing_record(opened, found)
    if as_json:
        terminal.print_json(record)
        return
    console = terminal.console()
    table = terminal.table(
        opened.plan.title, "scenario", "method", "done", "failed", "missing", text=2
    )
    for row in record["rows"]:
        table.add_row(*(str(row[key]) for key in _COLUMNS))
    console.print(table)
    print_failures(opened, found)


_COLUMNS = ("scenario", "method", "done", "failed", "missing")


def standing_record(study: Study, found: Standing) -> dict[str, Any]:
    """How far a study is, as plain data."""
    counts = {
        name: Counter((cell.case.name, cell.play.name) for cell in getattr(found, name))
        for name in ("done", "failed", "missing")
    }
    keys = dict.fromkeys((cell.case.name, cell.play.name) for cell in study.cells)
    return {
        "study": str(study.store.folder),
        "title": study.plan.title,
        "cells": len(study.cells),
        "done": len(found.done),
        "failed": len(found.failed),
        "missing": len(found.missing),
        "rows": [
            {
                "scenario": case,
                "method": method,
                **{name: counted[case, method] for name, counted in counts.items()},
            }
            for case, method in keys
        ],
        "failures": [
            {
                "cell": cell.name,
                "error": study.store.failure(cell.address).get("error"),
                "tries": study.store.failure(cell.address).get("tries"),
            }
            for cell in found.failed
        ],
    }


def print_failures(study: Study, found: Standing) -> None:
    """Which cells failed and why; a retry is for the reader to ask for."""
    console = terminal.console()
    for cell in found.failed[:MOST_FAILURES]:
        error = study.store.failure(cell.address).get("error")
        console.print(f"failed: {cell.name}: {terminal.one_line(str(error))}")
    if len(found.failed) > MOST_FAILURES:
        console.print(f"... and {len(found.failed) - MOST_FAILURES} more; see --json")
    if found.failed:
        console.print("--retry-failed runs them again")
