"""`stackelberg edge import`: markets from published data sets."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from stackelberg.cli import output as terminal
from stackelberg.cli.arguments import options_named
from stackelberg.cli.edge.folders import target_folder
from stackelberg.cli.edge.options import BudgetSpread, Kind, MarketOutput, Regime
from stackelberg.cli.edge.written import write_and_tell
from stackelberg.cli.options import AsJson, Seed
from stackelberg.errors import ConfigError

imports = typer.Typer(
    help="Markets from published data sets, read as they were published.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_OPTIONS = {
    "seed": "--seed",
    "radius_m": "--radius",
    "budget_spread": "--budget-spread",
    "reach": "--reach",
    "num_jobs": "--jobs",
    "workers": "--worker",
}
"""Argument of an importer -> option here, for errors."""


@imports.command("eua")
def eua(
    sites: Annotated[
        Path, typer.Option(help="CSV with the columns SITE_ID, LATITUDE, LONGITUDE.")
    ],
    users: Annotated[
        Path, typer.Option(help="CSV with the columns Latitude, Longitude.")
    ],
    output: MarketOutput,
    radius: Annotated[
        float, typer.Option(help="A user reaches the sites within it, m.")
    ] = 200.0,
    regime: Regime = "balanced",
    budget_spread: BudgetSpread = 1.0,
    seed: Seed = 0,
    kind: Kind = "csv",
    as_json: AsJson = False,
) -> None:
    """A market of real base-station sites and users (EUA data sets).

    Weights fall with distance; prices, capacities and budgets are drawn.
    """
    from stackelberg import io

    target_folder("-o", output, holds="market", inputs=[sites, users])
    with terminal.progress("importing"), options_named(_OPTIONS):
        market = io.import_eua_market(
            sites,
            users,
            radius_m=radius,
            seed=seed,
            regime=regime,
            budget_spread=budget_spread,
        )
    write_and_tell(market, output, kind, as_json)


@imports.command("alibaba")
def alibaba(
    nodes: Annotated[Path, typer.Option(help="CSV of the cluster's nodes.")],
    pods: Annotated[Path, typer.Option(help="CSV of the pods.")],
    output: MarketOutput,
    reach: Annotated[
        int, typer.Option(help="How many of the nodes that suit it a pod reaches.")
    ] = 8,
    all_nodes: Annotated[
        bool, typer.Option("--all-nodes", help="A pod reaches every node that suits.")
    ] = False,
    regime: Regime = "balanced",
    seed: Seed = 0,
    kind: Kind = "csv",
    as_json: AsJson = False,
) -> None:
    """A market of Alibaba's GPU cluster: pods buy CPU, memory and GPU of nodes."""
    from stackelberg import io

    target_folder("-o", output, holds="market", inputs=[nodes, pods])
    with terminal.progress("importing"), options_named(_OPTIONS):
        market = io.import_alibaba(
            nodes, pods, reach=None if all_nodes else reach, seed=seed, regime=regime
        )
    write_and_tell(market, output, kind, as_json)


@imports.command("gavel")
def gavel(
    throughputs: Annotated[Path, typer.Option(help="JSON of measured throughputs.")],
    output: MarketOutput,
    jobs: Annotated[
        int | None,
        typer.Option(
            help="So many jobs of configurations drawn at random; without it each "
            "configuration once."
        ),
    ] = None,
    worker: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND=NUMBER@PRICE",
            help="A kind of GPU, such as v100=8@2.48; may be given several times. By "
            "default 24 k80 at 0.45, 16 p100 at 1.46, 8 v100 at 2.48: an assumption.",
        ),
    ] = None,
    regime: Regime = "balanced",
    budget_spread: BudgetSpread = 0.0,
    seed: Seed = 0,
    kind: Kind = "csv",
    as_json: AsJson = False,
) -> None:
    """A market of Gavel's throughputs: jobs buy time on kinds of GPU."""
    from stackelberg import io
    from stackelberg.io.gavel import WORKERS

    workers = dict(map(_worker, worker)) if worker else WORKERS
    target_folder("-o", output, holds="market", inputs=[throughputs])
    with terminal.progress("importing"), options_named(_OPTIONS):
        market = io.import_gavel(
            throughputs,
            num_jobs=jobs,
            workers=workers,
            seed=seed,
            regime=regime,
            budget_spread=budget_spread,
        )
    write_and_tell(market, output, kind, as_json)


def _worker(text: str) -> tuple[str, tuple[float, float]]:
    kind, equals, rest = text.partition("=")
    number, at, price = rest.partition("@")
    try:
        numbers = float(number), float(price)
    except ValueError:
        numbers = math.nan, math.nan
    if not (equals and at and kind.strip() and min(numbers) >= 0.0):
        raise ConfigError(
            "--worker", expected="KIND=NUMBER@PRICE such as v100=8@2.48", got=repr(text)
        )
    return kind.strip(), numbers
