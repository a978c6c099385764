"""`stackelberg equations`: every printed equation and error, and where they live."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from stackelberg import equations as registry


def equations(
    paper: Annotated[
        str | None, typer.Option(help="Only this paper, by its short name, e.g. D2D.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Machine-readable output.")
    ] = False,
) -> None:
    """List every printed equation: where it lives, its tests, and known errors."""
    held, wrong = registry.equations(paper), registry.errata(paper)
    if as_json:
        listing = {
            "equations": [asdict(x) for x in held],
            "errata": [asdict(x) for x in wrong],
        }
        typer.echo(json.dumps(listing, indent=2))
        return
    console = Console()
    console.print(_equation_table(held))
    console.print(_erratum_table(wrong))


def _equation_table(held: tuple[registry.Equation, ...]) -> Table:
    table = Table(title="Printed equations", title_justify="left")
    for heading in ("equation", "says", "function", "test", "errata"):
        table.add_column(heading, overflow="fold")
    for x in held:
        table.add_row(
            f"{x.paper} ({x.number})",
            x.says,
            "\n".join(x.functions),
            "\n".join(x.tests),
            ", ".join(x.errata) or "-",
        )
    return table


def _erratum_table(wrong: tuple[registry.Erratum, ...]) -> Table:
    table = Table(title="Errors in print", title_justify="left")
    for heading in ("erratum", "where", "printed", "correct", "test"):
        table.add_column(heading, overflow="fold")
    for x in wrong:
        table.add_row(
            f"{x.paper} {x.name}", x.where, x.printed, x.correct, "\n".join(x.tests)
        )
    return table
