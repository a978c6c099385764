"""`stackelberg edge generate`: random cities, reproducible in every bit."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from stackelberg.cli import output as terminal
from stackelberg.cli.arguments import options_named
from stackelberg.cli.edge.folders import target_folder
from stackelberg.cli.edge.options import BudgetSpread, Kind, MarketOutput, Regime
from stackelberg.cli.edge.written import write_and_tell
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
    output: MarketOutput,
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
    regime: Regime = "balanced",
    resources: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,NAME",
            help="Resource types that every node sells, such as cpu,memory.",
        ),
    ] = None,
    budget_spread: BudgetSpread = 1.0,
    seed: Seed = 0,
    kind: Kind = "csv",
    as_json: AsJson = False,
) -> None:
    """Generate a random city of edge nodes and users, and write it as a market."""
    from stackelberg import edge

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
    write_and_tell(market, output, kind, as_json)


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if "" in names or len(set(names)) < len(names):
        raise ConfigError(
            "--resources",
            expected="different names with commas between them, such as cpu,memory",
            got=repr(text),
        )
    return names
