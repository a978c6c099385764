"""One node of an answer in words: how full it is, and who uses it."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from stackelberg.cli import output as terminal
from stackelberg.cli.edge.words import SOLD_OUT, named
from stackelberg.report.numbers import counted, shown_percent, significant

if TYPE_CHECKING:
    from rich.table import Table

    from stackelberg.cli.edge.welfare import Welfare
    from stackelberg.edge import NodeExplanation


def node_record(one: NodeExplanation, most: int) -> dict[str, Any]:
    """An explanation for JSON, with the largest sales."""
    return {
        **asdict(replace(one, sales=one.sales[:most])),
        "num_buyers": len(one.sales),
    }


def node_parts(one: NodeExplanation, welfare: Welfare, most: int) -> list[str | Table]:
    """Everything about one node, to be printed."""
    return [
        f"{named('node', one.node, one.resource)} {_how_full(one)}",
        f"  price {significant(one.price)}, revenue {significant(one.revenue)}",
        f"  shadow price {_shadow_price(one, welfare)}",
        *_more(one, welfare),
        f"  {counted(len(one.sales), 'user')} of {one.num_in_reach} in reach "
        f"{'buys' if len(one.sales) == 1 else 'buy'}",
        *([_sales(one, most)] if one.sales and most else []),
    ]


def _how_full(one: NodeExplanation) -> str:
    if math.isinf(one.capacity):
        return f"sells {significant(one.load)} and has no limit"
    if one.capacity == 0.0:
        return "has no capacity"
    if one.utilisation >= SOLD_OUT:
        return f"is sold out: {significant(one.capacity)}"
    return (
        f"sells {significant(one.load)} of {significant(one.capacity)} "
        f"({shown_percent(one.utilisation)})"
    )


def _shadow_price(one: NodeExplanation, welfare: Welfare) -> str:
    text = f"{significant(one.shadow_price)}{welfare.unit} per unit"
    spread = one.most_shadow_price - one.least_shadow_price
    if spread > 1e-3 * one.most_shadow_price:
        text += (
            f"; not unique: any from {significant(one.least_shadow_price)} to "
            f"{significant(one.most_shadow_price)} proves the same"
        )
    return text


def _more(one: NodeExplanation, welfare: Welfare) -> list[str]:
    if math.isinf(one.capacity) or one.capacity == 0.0:
        return []
    return [
        f"  1 % more capacity would raise the {welfare.noun} by at most "
        f"{significant(one.market_gain, 3)}{welfare.unit}"
    ]


def _sales(one: NodeExplanation, most: int) -> Table:
    made = terminal.table(
        None, "  to user", "amount", "pays", "of the load", "of the user's utility"
    )
    for sale in one.sales[:most]:
        made.add_row(
            f"  {sale.user}",
            significant(sale.amount),
            significant(sale.spend),
            shown_percent(sale.load_share),
            shown_percent(sale.utility_share),
        )
    if len(one.sales) > most:
        made.add_row(f"  and {len(one.sales) - most} more")
    return made
