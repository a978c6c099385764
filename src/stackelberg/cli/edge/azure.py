"""`stackelberg edge import azure`: a market's budgets minute by minute of a trace."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stackelberg.cli import output as terminal
from stackelberg.cli.arguments import options_named
from stackelberg.cli.edge.folders import target_folder
from stackelberg.cli.edge.options import BudgetSpread, Kind, Regime
from stackelberg.cli.edge.words import market_record, market_words
from stackelberg.cli.options import AsJson, Seed
from stackelberg.errors import DomainError

_OPTIONS = {
    "seed": "--seed",
    "budget_spread": "--user-spread",
    "user_spread": "--user-spread",
    "market": "--market",
    "number of users": "--market",
}


def azure(
    trace: Annotated[
        Path,
        typer.Option(
            help="CSV with the columns TIMESTAMP, ContextTokens, GeneratedTokens."
        ),
    ],
    market: Annotated[
        Path, typer.Option(help="Market whose users ask; its budgets are replaced.")
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", help="Folder, which then holds minute-0, minute-1, ..."
        ),
    ],
    minute: Annotated[
        int | None,
        typer.Option(help="Only this minute, counted from 0, and that as -o itself."),
    ] = None,
    regime: Regime = "balanced",
    user_spread: BudgetSpread = 1.0,
    seed: Seed = 0,
    kind: Kind = "csv",
    as_json: AsJson = False,
) -> None:
    """Budgets per minute of Azure's language-model requests, for a market's users.

    Writes one market a minute. Busy minutes have more money.
    """
    from stackelberg import edge, io

    with terminal.progress("importing"), options_named(_OPTIONS):
        requests = io.read_azure_trace(trace)
        goods = io.read_market(market)
        budgets = io.budgets_per_minute(
            requests, goods, seed=seed, regime=regime, user_spread=user_spread
        )
    targets = _targets(output, minute, len(budgets))
    for folder in targets.values():
        target_folder("-o", folder, holds="market", inputs=[trace, market])
    with terminal.progress_of("writing") as shown:
        for now, one in enumerate(edge.markets_over_time(goods, budgets)):
            if now in targets:
                shown(f"minute {now}")
                io.write_market(one, targets[now], kind=kind)
    record = {
        "markets": [str(folder) for folder in targets.values()],
        "requests_per_minute": requests.requests_per_minute(),
        **market_record(goods),
    }
    if as_json:
        terminal.print_json(record)
    else:
        several = "" if minute is not None else f"{len(targets)} minutes, each "
        terminal.console().print(f"{several}{market_words(goods)}: {output}")


def _targets(output: Path, minute: int | None, count: int) -> dict[int, Path]:
    if minute is not None:
        if not 0 <= minute < count:
            raise DomainError(
                "--minute", expected=f"a whole number from 0 to {count - 1}", got=minute
            )
        return {minute: output}
    width = len(str(count - 1))
    return {k: output / f"minute-{k:0{width}d}" for k in range(count)}
