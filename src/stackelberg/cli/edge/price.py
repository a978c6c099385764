"""`stackelberg edge price`: prices that the nodes' owners would choose, with proof."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from stackelberg.cli import output as terminal
from stackelberg.cli.arguments import options_named
from stackelberg.cli.edge.answers import told_of
from stackelberg.cli.edge.folders import target_folder
from stackelberg.cli.edge.options import Kind, MarketFolder, Most
from stackelberg.cli.edge.stopping import Stopping
from stackelberg.cli.edge.told_prices import price_advice, price_parts, price_records
from stackelberg.cli.exit_codes import DONE, INTERRUPTED, NOT_REACHED
from stackelberg.cli.interruption import ending_well
from stackelberg.cli.options import AsJson
from stackelberg.cli.quantities import amount_or_multiple
from stackelberg.errors import ConfigError

if TYPE_CHECKING:
    from stackelberg.edge import Market
    from stackelberg.game import Solution

Concept = Literal["clearing", "equilibrium", "operator"]

_OPTIONS = {
    "elasticity": "--elasticity",
    "cost": "--cost",
    "price_cap": "--price-cap",
    "outside_weight": "--outside-weight",
    "tolerance": "--tolerance",
    "drop_degenerate": "--drop-degenerate",
}
"""Argument of the library -> option here, for errors."""


def price(
    market: MarketFolder,
    concept: Annotated[
        Concept,
        typer.Option(
            help="clearing: budgets are spent and capacities sold. "
            "equilibrium: every node chooses its own price for profit, users have "
            "CES utilities. operator: one owner chooses all prices; users have CES "
            "utilities with --elasticity, linear ones without."
        ),
    ],
    elasticity: Annotated[
        float | None,
        typer.Option(help="Of substitution between nodes, > 1, for CES users."),
    ] = None,
    cost: Annotated[
        str | None,
        typer.Option(
            metavar="0.02 or 0.5x",
            help="Of a unit: an amount, or a multiple of each node's price in the "
            "market. By default the market's costs.",
        ),
    ] = None,
    price_cap: Annotated[
        str | None,
        typer.Option(
            metavar="0.5 or 20x", help="Greatest price allowed, given as --cost is."
        ),
    ] = None,
    outside_weight: Annotated[
        float,
        typer.Option(help="Weight of a good of price 1 that users may buy instead."),
    ] = 0.0,
    tolerance: Annotated[
        float | None,
        typer.Option(help="What is to be proved; by default the concept's."),
    ] = None,
    drop_degenerate: Annotated[
        bool,
        typer.Option(
            "--drop-degenerate",
            help="With clearing: leave users out whose money no capacity can take, "
            "instead of refusing them.",
        ),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Write the market with these prices here."),
    ] = None,
    kind: Kind = "csv",
    most: Most = 10,
    as_json: AsJson = False,
) -> int:
    """Find prices that the nodes' owners would choose, and prove how good they are.

    Exits with 3 where --tolerance was not reached, also where no equilibrium exists,
    and with 130 after Ctrl-C; the best prices so far are printed and written with
    their honest certificate all the same.
    """
    from stackelberg import io

    if output is not None:
        target_folder("-o", output, holds="market", inputs=[market])
    with (
        terminal.timed() as watch,
        ending_well("ending with the best prices so far") as wish,
        terminal.progress_of("pricing") as shown,
        told_of(market),
        options_named(_OPTIONS),
    ):
        goods = io.read_market(market)
        shown(f"starting{terminal.COMPILES}")
        given = {
            "elasticity": elasticity,
            "cost": None
            if cost is None
            else amount_or_multiple("--cost", cost, goods.price),
            "price_cap": None
            if price_cap is None
            else amount_or_multiple("--price-cap", price_cap, goods.price),
            "outside_weight": outside_weight,
            "tolerance": tolerance,
            "drop_degenerate": drop_degenerate or None,
            "stop": Stopping(wish, None, shown).at_step,
        }
        solution = _CONCEPTS[concept](goods, given)
        priced = _with_prices(goods, solution.value.price)
        if output is not None:
            io.write_market(priced, output, kind=kind)
    if as_json:
        terminal.print_json(
            {
                "market": str(market),
                "concept": concept,
                "written": None if output is None else str(output),
                "status": solution.status.label,
                "advice": price_advice(solution),
                "iterations": solution.iterations,
                "stopped_by": "interrupt" if wish.asked else None,
                "seconds": watch.seconds,
                "certificate": terminal.certificate_values(solution.certificate),
                "nodes": price_records(goods, solution.value),
            }
        )
    else:
        console = terminal.console()
        console.print(f"{market}: {concept}, {solution.status.label}")
        console.print(f"  {price_advice(solution)}")
        if wish.asked:
            console.print("  ended early by Ctrl-C")
        for part in price_parts(goods, solution, most):
            console.print(part)
        if output is not None:
            console.print(f"written: {output}")
        console.print(f"{watch.seconds:.2f} s, compilation included")
    if wish.asked:
        return INTERRUPTED
    return NOT_REACHED if solution.status else DONE


def _clearing(market: Market, given: dict[str, Any]) -> Solution[Any, Any]:
    from stackelberg import edge

    for name in ("elasticity", "cost", "price_cap", "outside_weight"):
        one = given[name]
        if one is not None and not (name == "outside_weight" and one == 0.0):
            raise ConfigError(
                name, expected="nothing with --concept clearing", got="a value"
            )
    wanted = {k: given[k] for k in ("tolerance", "drop_degenerate", "stop")}
    return edge.clearing_prices(market, **_options(wanted))


def _equilibrium(market: Market, given: dict[str, Any]) -> Solution[Any, Any]:
    from stackelberg import edge

    if given["elasticity"] is None:
        raise ConfigError(
            "elasticity",
            expected="a number > 1, for --concept equilibrium",
            got="nothing",
        )
    _refuse_dropping(given)
    return edge.price_equilibrium(market, **_options(given))


def _operator(market: Market, given: dict[str, Any]) -> Solution[Any, Any]:
    from stackelberg import edge

    _refuse_dropping(given)
    return edge.operator_prices(market, **_options(given))


def _refuse_dropping(given: dict[str, Any]) -> None:
    if given["drop_degenerate"]:
        raise ConfigError(
            "drop_degenerate",
            expected="nothing but with --concept clearing (whoever reaches nothing "
            "buys nothing)",
            got="the option",
        )


def _options(given: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in given.items() if one is not None}


_CONCEPTS: dict[Concept, Callable[[Market, dict[str, Any]], Solution[Any, Any]]] = {
    "clearing": _clearing,
    "equilibrium": _equilibrium,
    "operator": _operator,
}


def _with_prices(market: Market, price: Any) -> Market:
    """The market with these prices; where there is none the node keeps its own."""
    import numpy as np

    return replace(market, price=np.where(np.isnan(price), market.price, price))
