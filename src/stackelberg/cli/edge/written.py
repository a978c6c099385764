"""Write a market that a command made, and say so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from stackelberg.cli import output as terminal
from stackelberg.cli.edge.words import market_record, market_words

if TYPE_CHECKING:
    from stackelberg.edge import Market
    from stackelberg.io.tables import TableKind


def write_and_tell(
    market: Market, folder: Path, kind: TableKind, as_json: bool
) -> None:
    """Write `market` to `folder`; print its size and where it is."""
    from stackelberg import io

    with terminal.progress("writing"):
        io.write_market(market, folder, kind=kind)
    if as_json:
        terminal.print_json({"market": str(folder), **market_record(market)})
    else:
        terminal.console().print(f"{market_words(market)}: {folder}")
