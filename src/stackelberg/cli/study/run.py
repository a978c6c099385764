"""`stackelberg study run` and `resume`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stackelberg.cli import output as terminal
from stackelberg.cli.arguments import folder_that_can_be_made
from stackelberg.cli.exit_codes import DONE, INTERRUPTED, NOT_REACHED
from stackelberg.cli.interruption import ending_well
from stackelberg.cli.options import AsJson
from stackelberg.cli.study.options import (
    BackendName,
    Jobs,
    RayAddress,
    RayDashboard,
    RayNoToken,
    RetryFailed,
    StudyFolder,
    backend,
    every_mistake_told,
)
from stackelberg.cli.study.progress import shown_progress
from stackelberg.cli.study.status import print_failures, standing_record

if TYPE_CHECKING:
    from stackelberg.study import Study
    from stackelberg.study.engine import Backend

PlanFile = Annotated[Path, typer.Argument(metavar="PLAN", help="Plan file (TOML).")]


def run(
    plan: PlanFile,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Folder of the study; by default out/studies/PLAN."
        ),
    ] = None,
    jobs: Jobs = None,
    backend_name: BackendName = "process",
    ray_address: RayAddress = None,
    ray_dashboard: RayDashboard = False,
    ray_no_token: RayNoToken = False,
    retry_failed: RetryFailed = False,
    as_json: AsJson = False,
) -> int:
    """Run what is missing of a plan: every scenario x method x seed is a cell.

    Exits with 3 where cells failed; their reasons are kept and shown, and the others
    go on.
    """
    chosen = backend(backend_name, jobs, ray_address, ray_dashboard, ray_no_token)
    folder = output or Path("out") / "studies" / plan.name.removesuffix(".toml")
    with every_mistake_told(), terminal.progress(f"reading {plan.name}"):
        from stackelberg.study import start_study

        started = start_study(plan, folder_that_can_be_made("-o", folder))
    return _go_on(started, chosen, retry_failed, as_json)


def resume(
    folder: StudyFolder,
    jobs: Jobs = None,
    backend_name: BackendName = "process",
    ray_address: RayAddress = None,
    ray_dashboard: RayDashboard = False,
    ray_no_token: RayNoToken = False,
    retry_failed: RetryFailed = False,
    as_json: AsJson = False,
) -> int:
    """Run what is missing of a study that was stopped or killed."""
    chosen = backend(backend_name, jobs, ray_address, ray_dashboard, ray_no_token)
    with every_mistake_told(), terminal.progress(f"reading {folder}"):
        from stackelberg.study import open_study

        opened = open_study(folder)
    return _go_on(opened, chosen, retry_failed, as_json)


def _go_on(study: Study, chosen: Backend, retry_failed: bool, as_json: bool) -> int:
    import sys

    from stackelberg.study import run_missing

    for name, lacks in study.skipped:
        line = terminal.one_line(f"skipped: {name}: {lacks} is missing")
        sys.stderr.write(f"{line}\n")
    with (
        study.store.locked(),
        ending_well("finishing the cells under way") as wish,
        shown_progress(study, retry_failed) as tell,
    ):
        reached = run_missing(
            study.cells,
            study.store,
            chosen,
            retry_failed=retry_failed,
            stop=wish,
            tell=tell,
        )
    record: dict[str, Any] = standing_record(study, reached)
    if as_json:
        terminal.print_json(record)
    else:
        terminal.console().print(
            f"{study.store.folder}: {record['done']} of {record['cells']} cells done, "
            f"{record['failed']} failed"
        )
        print_failures(study, reached)
        if reached.done:
            terminal.console().print(
                f"next: stackelberg study report {study.store.folder}", soft_wrap=True
            )
    if wish.asked and reached.missing:
        return INTERRUPTED
    return NOT_REACHED if reached.failed else DONE
