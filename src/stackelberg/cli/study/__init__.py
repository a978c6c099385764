"""`stackelberg study`: many methods on many problems with many seeds."""

from __future__ import annotations

import typer

from stackelberg.cli.study.report import report
from stackelberg.cli.study.run import resume, run
from stackelberg.cli.study.status import status

__all__ = ["study"]

study = typer.Typer(
    help="Compare methods on many problems with many seeds; resumable.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
study.command("run")(run)
study.command("resume")(resume)
study.command("status")(status)
study.command("report")(report)
