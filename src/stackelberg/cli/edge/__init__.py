"""`stackelberg edge`: the game in which nodes price capacity and users buy it."""

from __future__ import annotations

import typer

from stackelberg.cli.edge.azure import azure
from stackelberg.cli.edge.certify import certify
from stackelberg.cli.edge.diff import diff
from stackelberg.cli.edge.explain import explain
from stackelberg.cli.edge.generate import generate
from stackelberg.cli.edge.imports import imports
from stackelberg.cli.edge.price import price
from stackelberg.cli.edge.solve import solve

__all__ = ["edge"]

edge = typer.Typer(
    help="Edge nodes price their capacity; users with budgets buy it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
edge.command("generate")(generate)
imports.command("azure")(azure)
edge.add_typer(imports, name="import")
edge.command("solve")(solve)
edge.command("certify")(certify)
edge.command("price")(price)
edge.command("explain")(explain)
edge.command("diff")(diff)
