"""`stackelberg learn`: policies that act like the equilibrium, or better."""

from __future__ import annotations

import typer

from stackelberg.cli.learn.evaluate import evaluate
from stackelberg.cli.learn.tabular import tabular
from stackelberg.cli.learn.train import resume, train

__all__ = ["learn"]

learn = typer.Typer(
    help="Policies for cells where users move and channels fade, trained and judged "
    "beside the equilibrium.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@learn.callback()
def _group() -> None:
    """The group's own options: none."""


learn.command("train")(train)
learn.command("resume")(resume)
learn.command("tabular")(tabular)
learn.command("evaluate")(evaluate)
