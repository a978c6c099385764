"""Options that several edge commands share, each described once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

MarketFolder = Annotated[
    Path,
    typer.Argument(metavar="FOLDER", help="Market: tables of nodes, users and reach."),
]

SolutionFolder = Annotated[
    Path,
    typer.Argument(
        metavar="SOLUTION",
        help="Solution: a table `allocation`, and where there are any `users`, `nodes` "
        "and solution.json.",
    ),
]

Tolerance = Annotated[
    float,
    typer.Option(help="Largest accepted gap per user, in nats of log utility."),
]

DropDegenerate = Annotated[
    bool,
    typer.Option(
        "--drop-degenerate",
        help="Leave users out whose utility is zero whatever anybody does, instead of "
        "refusing them.",
    ),
]

Kind = Annotated[
    Literal["csv", "parquet"], typer.Option("--kind", help="Of the tables written.")
]

Most = Annotated[
    int, typer.Option("--most", min=0, help="List so many of each, the largest.")
]

LIBRARY_NAMES = {
    "tolerance": "--tolerance",
    "threads": "--threads",
}
"""Argument of `edge.allocate` -> option here, for errors."""
