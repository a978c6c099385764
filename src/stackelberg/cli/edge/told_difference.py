"""A difference between two answers in words and tables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from stackelberg.cli import output as terminal
from stackelberg.report.numbers import ROUNDING, shown_change, significant

if TYPE_CHECKING:
    from rich.table import Table

    from stackelberg.cli.edge.welfare import Welfare
    from stackelberg.edge import Difference
    from stackelberg.edge.difference import InputChange, NodeChange
    from stackelberg.edge.envelope import Group

_NOUNS: dict[Group, str] = {
    "users": "user",
    "nodes": "node",
    "prices": "price",
    "capacities": "capacity",
    "budgets": "budget",
    "weights": "weight",
}
"""What one entry of a kind of input is called."""


def difference_parts(
    found: Difference,
    ends: tuple[str, str],
    gaps: tuple[float, float],
    resolved: Mapping[str, float] | None,
    welfare: Welfare,
    most: int,
) -> list[str | Table]:
    """Everything about a difference, to be printed.

    Args:
        found: the difference.
        ends: what both answers are called.
        gaps: of both answers.
        resolved: effects by solving, if asked for.
        welfare: that both are judged by.
        most: so many single inputs, of all kinds together.
    """
    parts: list[str | Table] = [
        f"{ends[0]} -> {ends[1]}: {welfare.noun} "
        f"{significant(found.objective_before, 7)} -> "
        f"{significant(found.objective_after, 7)}, "
        f"{_signed(found.change)}{welfare.unit}",
        f"  the optima's own change is this within {significant(max(gaps), 2)}"
        f"{welfare.unit}",
    ]
    if not found.groups:
        parts.append("  both are of the same data")
    else:
        parts += [_effects(found, resolved, welfare), *_unknown(resolved)]
        parts += _inputs(found, welfare, most)
    if found.users:
        parts.append(_users(found))
    for title, changes in (
        ("loads changed most", found.loads),
        ("shadow prices changed most", found.shadow_prices),
    ):
        if changes:
            parts.append(_nodes(title, changes))
    return parts


def _effects(
    found: Difference, resolved: Mapping[str, float] | None, welfare: Welfare
) -> Table:
    """Each kind of input with its part of the change."""
    part = welfare.unit.strip() or welfare.noun
    columns = ["because of", "entries", part, "by A's prices", "by B's prices"]
    made = terminal.table(None, *columns, *([] if resolved is None else ["by solving"]))
    for group in found.groups:
        made.add_row(
            group.group,
            f"{group.count:,}",
            _signed(group.effect),
            _signed(group.at_before),
            _signed(group.at_after),
            *([] if resolved is None else [_signed(resolved[group.group])]),
        )
    made.add_row(
        "remainder", "", _signed(found.remainder), "", "",
        *([] if resolved is None else [_signed(_left(found, resolved))]),
    )  # fmt: skip
    made.add_row("all", "", _signed(found.change))
    return made


def _left(found: Difference, resolved: Mapping[str, float]) -> float:
    return found.change - sum(resolved.values())


def _unknown(resolved: Mapping[str, float] | None) -> list[str]:
    if resolved is None or all(math.isfinite(one) for one in resolved.values()):
        return []
    return [
        "  not known by solving: with some of the inputs changed, some user can get "
        "nothing or without limit"
    ]


def _inputs(found: Difference, welfare: Welfare, most: int) -> list[str]:
    """The single inputs that matter most, of all kinds together."""
    every: list[tuple[Group, InputChange]] = [
        (group.group, one) for group in found.groups for one in group.largest
    ]
    every.sort(key=lambda pair: -abs(pair[1].effect))
    return [
        f"  {_whose(kind, one)}: {_step(one)}, {_signed(one.effect)}{welfare.unit}"
        for kind, one in every[:most]
    ]


def _whose(kind: Group, one: InputChange) -> str:
    noun = _NOUNS[kind]
    if kind == "weights":
        return f"{noun} of node {one.node} to user {one.user}"
    if kind in ("users", "nodes"):
        return f"{noun} {one.user if kind == 'users' else one.node}"
    return f"{noun} of {f'user {one.user}' if one.node is None else f'node {one.node}'}"


def _step(one: InputChange) -> str:
    if one.before is None:
        return f"new, {significant(one.after)}"
    if one.after is None:
        return f"gone, {significant(one.before)}"
    text = f"{significant(one.before)} -> {significant(one.after)}"
    if 0.0 < one.before < math.inf and one.after < math.inf:
        text += f" ({shown_change(one.after / one.before - 1.0)})"
    return text


def _users(found: Difference) -> Table:
    made = terminal.table(
        "utilities changed most", "user", "before", "after", "change", "touched by"
    )
    for one in found.users:
        made.add_row(
            str(one.user),
            significant(one.utility_before),
            significant(one.utility_after),
            shown_change(math.expm1(one.log_change)),
            ", ".join(one.touched_by) or "others only",
        )
    return made


def _nodes(title: str, changes: tuple[NodeChange, ...]) -> Table:
    made = terminal.table(
        title, "node", "load before", "after", "shadow price before", "after"
    )
    for one in changes:
        made.add_row(
            str(one.node),
            significant(one.load_before),
            significant(one.load_after),
            significant(one.shadow_price_before),
            significant(one.shadow_price_after),
        )
    return made


def _signed(value: float) -> str:
    if math.isnan(value):
        return "not known"
    if abs(value) <= ROUNDING:
        return "0"
    return f"{value:+.4g}"
