"""One user of an answer in words: a sentence, a bar, and what it would want more of."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from stackelberg.cli import output as terminal
from stackelberg.cli.edge.words import SOLD_OUT, named
from stackelberg.report.numbers import counted, listed, shown_percent, significant

if TYPE_CHECKING:
    from rich.table import Table

    from stackelberg.cli.edge.welfare import Welfare
    from stackelberg.edge import UserExplanation
    from stackelberg.edge.explanation.user_explanation import OnePercentMore

BAR = 40
"""Characters of the bar."""

DROWNED = 1e-6
"""Change of a log utility below which a gain is the solver's remainder."""

NAMED = 3
"""Nodes that a sentence names."""

OFF = 1e-3
"""Largest deviation of both rents together from 1 that is not spoken of."""


def user_record(one: UserExplanation, welfare: Welfare, most: int) -> dict[str, Any]:
    """An explanation for JSON, with the largest purchases and the sentence."""
    return {
        **asdict(replace(one, purchases=one.purchases[:most])),
        "virtual_money": one.virtual_money,
        "sentence": limit_sentence(one, welfare),
    }


def user_parts(one: UserExplanation, welfare: Welfare, most: int) -> list[str | Table]:
    """Everything about one user, to be printed."""
    if one.utility <= 0.0:
        return [limit_sentence(one, welfare)]
    return [
        limit_sentence(one, welfare),
        f"  budget {limit_bar(one)} capacity",
        *_doubts(one),
        f"  utility {significant(one.utility)}, spends {significant(one.spend)} of "
        f"{significant(one.budget)}, buys at {counted(len(one.purchases), 'node')} of "
        f"{one.num_in_reach} in reach",
        _purchases(one, most),
        *_more_money(one, welfare),
        *_wanted(one, welfare),
        *_needs_both(one),
    ]


def limit_sentence(one: UserExplanation, welfare: Welfare) -> str:
    """What limits the user, in one sentence."""
    who = named("user", one.user, one.resource)
    if one.utility <= 0.0:
        return f"{who} gets nothing: no node in reach has room that it can pay for"
    by = {
        "budget": "its budget",
        "capacity": "the capacity of its nodes",
        "both": "its budget and the capacity of its nodes alike",
    }[one.limited_by]
    total = one.virtual_money or 1.0
    unit = "one unit of " if welfare.is_log else ""
    return (
        f"{who} is limited by {by}: of its {unit}virtual money "
        f"{_percent(one.budget_rent / total)} is the rent of its budget and "
        f"{_percent(one.congestion_rent / total)} that of {_congested(one)}"
    )


def _congested(one: UserExplanation) -> str:
    """The nodes that take congestion rent from a user, the one that takes most first:
    sold out at an optimum, else what they are.
    """
    total = one.virtual_money or 1.0
    taking = [
        purchase
        for purchase in sorted(one.purchases, key=lambda p: -p.congestion_rent)
        if purchase.congestion_rent >= 0.005 * total
    ]
    if not taking:
        return "sold-out nodes"
    full = all(purchase.utilisation >= SOLD_OUT for purchase in taking)
    kind = "sold-out" if full else "congested"
    if len(taking) == 1:
        return f"{kind} node {taking[0].node}"
    told = [f"{p.node} ({_percent(p.congestion_rent / total)})" for p in taking]
    if len(told) > NAMED:
        told = [*told[:NAMED], f"{len(told) - NAMED} more"]
    return f"{kind} nodes {listed(told)}"


def limit_bar(one: UserExplanation) -> str:
    """Budget rent from the left, congestion rent from the right."""
    total = one.virtual_money or 1.0
    filled = round(BAR * one.budget_rent / total)
    return f"[{'#' * filled}{'-' * (BAR - filled)}]"


def _doubts(one: UserExplanation) -> list[str]:
    """Where the split is not unique, or the answer no optimum."""
    lines: list[str] = []
    least, most = one.least_budget_rent, one.most_budget_rent
    if most - least > OFF * one.due:
        lines.append(
            "  not unique: any split from "
            f"{shown_percent(least / one.due)} to {shown_percent(most / one.due)} "
            "for the budget proves the same: around it all money and all capacity "
            "are used up together"
        )
    if abs(one.virtual_money - one.due) > OFF * one.due:
        lines.append(
            f"  both rents add up to {significant(one.virtual_money)} instead of "
            f"{significant(one.due)}: the answer is not the optimum"
        )
    return lines


def _purchases(one: UserExplanation, most: int) -> Table:
    made = terminal.table(
        None, "  from node", "amount", "pays", "of its utility", "of its virtual money",
        "node full",
    )  # fmt: skip
    for bought in one.purchases[:most]:
        made.add_row(
            f"  {bought.node}",
            significant(bought.amount),
            significant(bought.spend),
            shown_percent(bought.utility_share),
            shown_percent(bought.congestion_rent / one.due),
            shown_percent(bought.utilisation),
        )
    if len(one.purchases) > most:
        made.add_row(f"  and {len(one.purchases) - most} more")
    return made


def _more_money(one: UserExplanation, welfare: Welfare) -> list[str]:
    more = one.more_money
    if more is None:
        return []
    return [
        f"  1 % more money ({significant(more.amount)}) would {_bring(more, welfare)}"
    ]


def _wanted(one: UserExplanation, welfare: Welfare) -> list[str]:
    wanted = one.wanted
    if wanted is None:
        return ["  it would want more of no node: where it buys there is room"]
    lines = [
        f"  it would want more of node {wanted.node}: after paying, one more unit is "
        f"worth {significant(wanted.surplus, 3)}{welfare.unit} to it and "
        f"{significant(wanted.shadow_price, 3)}{welfare.unit} to the market",
    ]
    more = wanted.more
    if more.amount > 0.0:
        lines.append(
            f"  1 % more of it ({significant(more.amount)}), all for this user, would "
            f"{_bring(more, welfare)}"
        )
    return lines


def _needs_both(one: UserExplanation) -> list[str]:
    """Why neither more money nor more of a node helps a user by itself."""
    if one.more_money is None or one.wanted is None or one.wanted.more.amount <= 0.0:
        return []
    gains = (one.more_money.own_gain, one.wanted.more.own_gain)
    if any(gain is None or gain >= DROWNED for gain in gains):
        return []
    return [
        "  neither helps it alone, since its money is spent and what it buys is sold "
        "out: it needs both"
    ]


def _bring(more: OnePercentMore, welfare: Welfare) -> str:
    """What 1 % more brings; what the answer's own accuracy drowns is nothing."""
    told = (
        f"raise the {welfare.noun} by at most {significant(more.market_gain, 3)}"
        f"{welfare.unit}"
    )
    if more.own_gain is None:
        return told
    drowned = more.own_gain < DROWNED
    own = "not at all" if drowned else f"by {shown_percent(more.own_gain)}"
    return f"{told}, and its own utility {own} if nobody else changed anything"


def _percent(share: float) -> str:
    return f"{100.0 * share:.0f} %"
