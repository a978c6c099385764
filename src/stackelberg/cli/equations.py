"""`stackelberg equations`: every printed equation and error, and where they live."""

from __future__ import annotations

import json
from dataclasses import asdict
from textwrap import wrap
from typing import Annotated

import typer
from rich.console import Console

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
    console = Console(markup=False, highlight=False, emoji=False)
    console.print("Printed equations")
    for equation in held:
        _print_block(console, _equation_block(equation))
    console.print("\nErrors in print")
    for erratum in wrong:
        _print_block(console, _erratum_block(erratum))


def _equation_block(x: registry.Equation) -> list[str]:
    """Number, what it says, and one line per function and test."""
    return [
        f"{x.paper} ({x.number})",
        f"  {x.says}",
        *(f"  function {name}" for name in x.functions),
        *(f"  test     {name}" for name in x.tests),
        *(f"  erratum  {name}" for name in x.errata),
    ]


def _erratum_block(x: registry.Erratum) -> list[str]:
    return [
        f"{x.paper} {x.name}, {x.where}",
        f"  printed  {x.printed}",
        f"  correct  {x.correct}",
        *(f"  test     {name}" for name in x.tests),
    ]


def _print_block(console: Console, lines: list[str]) -> None:
    """A block after an empty line; a long line goes on under its own words."""
    console.print()
    for line in lines:
        indent = 11 if line.startswith("  ") and line[2:11] in _LABELS else 2
        shown = line if len(line) <= console.width else line.replace("::", ":: ")
        for part in wrap(
            shown,
            console.width,
            subsequent_indent=" " * indent,
            break_long_words=False,
            break_on_hyphens=False,
        ):
            console.print(part, soft_wrap=True)


_LABELS = ("function ", "test     ", "erratum  ", "printed  ", "correct  ")
