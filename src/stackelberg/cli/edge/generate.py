"""`stackelberg edge generate`: random cities, reproducible in every bit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from stackelberg.cli import output as terminal
from stackelberg.cli.arguments import options_named
from stackelberg.cli.edge.folders import target_folder
from stackelberg.cli.edge.options import Kind
from stackelberg.cli.edge.words import market_record, market_words
from stackelberg.cli.options import AsJson, Seed
from stackelberg.errors import ConfigError

_OPTIONS = {
    "seed": "--seed",
    "num_users": "--users",
    "num_nodes": "--nodes",
    "radius_m": "--radius",
    "nearest": "--nearest",
    "budget_spread": "--budget-spread",
}
"""Argument of `edge.generate` -> option here, for errors."""


def generate(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder, made if need be.")
    ],
    users: Annotated[int, typer.Option(help="Who buy.")] = 800,
    nodes: Annotated[int, typer.Option(help="Who sell; the area grows with them.")] = (
        125
    ),
    radius: Annotated[
        float, typer.Option(help="A user reaches the nodes within it, m.")
    ] = 200.0,
    nearest: Annotated[
        int | None, typer.Option(help="Reach so many nearest nodes instead.")
    ] = None,
    regime: Annotated[
        Literal["balanced", "budget_rich", "capacity_rich"],
        typer.Option(
            help="balanced: all budgets together buy all capacity, the hardest. "
            "budget_rich: four times as much money. capacity_rich: a quarter."
        ),
    ] = "balanced",
    resources: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,NAME",
            help="Resource types that every node sells, such as cpu,memory.",
        ),
    ] = None,
    budget_spread: Annotated[
        float,
        typer.Option(
            help="Standard deviation of the logarithm of the budgets; at 2.68 one user "
            "in a hundred has 64 % of the money."
        ),
    ] = 1.0,
    seed: Seed = 0,
    kind: Kind = "csv",
    as_json: AsJson = False,
) -> None:
    """Generate a random city of edge nodes and users, and write it as a market."""
    from stackelberg import edge, io

    names = None if resources is None else _names(resources)
    target_folder("-o", output, holds="market")
    arguments: dict[str, Any] = {
        "seed": seed,
        "num_users": users,
        "num_nodes": nodes,
        "radius_m": radius,
        "nearest": nearest,
        "regime": regime,
        "resources": names,
        "budget_spread": budget_spread,
    }
    with terminal.progress("generating"), options_named(_OPTIONS):
        market = edge.generate(**arguments)
        io.write_market(market, output, kind=kind)
    if as_json:
        terminal.print_json({"market": str(output), **market_record(market)})
    else:
        terminal.console().print(f"{market_words(market)}: {output}")


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if "" in names or len(set(names)) < len(names):
        raise ConfigError(
            "--resources",
            expected="different names with commas between them, such as cpu,memory",
            got=repr(text),
        )
    return names
