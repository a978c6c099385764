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

SolverMethod = Annotated[
    Literal["dense", "sparse", "first_order"] | None,
    typer.Option(
        "--method",
        help="dense, sparse: interior point, with that factor of its matrix of nodes "
        "by nodes. first_order: no matrix, for many nodes and gaps down to 1e-6. By "
        "default the one predicted to be the soonest.",
    ),
]

MarketOutput = Annotated[
    Path,
    typer.Option("-o", "--output", help="Folder for the market, made if need be."),
]

Regime = Annotated[
    Literal["balanced", "budget_rich", "capacity_rich"],
    typer.Option(
        help="balanced: all budgets together buy all capacity, the hardest. "
        "budget_rich: four times as much money. capacity_rich: a quarter."
    ),
]

BudgetSpread = Annotated[
    float,
    typer.Option(
        help="Standard deviation of the logarithm of the budgets; at 2.68 one user in "
        "a hundred has 64 % of the money."
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
    "method": "--method",
    "memory_limit": "--memory-limit",
}
"""Argument of `edge.allocate` -> option here, for errors."""
