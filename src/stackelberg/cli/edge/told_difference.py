"""A difference between two answers in words and tables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from stackelberg.cli import output as terminal
from stackelberg.report.numbers import (
    ROUNDING,
    counted,
    digits_for,
    listed,
    shown_change,
    significant,
)

if TYPE_CHECKING:
    from rich.table import Table

    from stackelberg.cli.edge.welfare import Welfare
    from stackelberg.edge import Difference
    from stackelberg.edge.explanation.difference import (
        GroupChange,
        InputChange,
        NodeChange,
    )
    from stackelberg.edge.explanation.envelope import Group

_NOUNS: dict[Group, str] = {
    "users": "user",
    "nodes": "node",
    "prices": "posted price",
    "capacities": "capacity",
    "budgets": "budget",
    "weights": "weight",
}
"""What one entry of a kind of input is called."""

NO_RENT = 1e-6
"""Congestion rent, in nats, up to which a shadow price is the solver's rounding."""


_TOLD: dict[Group, str] = {"prices": "posted prices"}
"""What a kind is called beside shadow prices, where its own name would not do."""


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
    gap = max(gaps)
    size = max(abs(found.objective_before), abs(found.objective_after))
    parts: list[str | Table] = [
        f"{ends[0]} -> {ends[1]}: {welfare.noun} "
        f"{digits_for(found.objective_before, gap, size)} -> "
        f"{digits_for(found.objective_after, gap, size)}, "
        f"{_signed(found.change)}{welfare.unit}",
        f"  the optima's own change is this within {significant(gap, 2)}"
        f"{welfare.unit}{_drowned(found, gap)}",
    ]
    if not found.groups:
        parts.append("  both are of the same data")
    else:
        parts += [
            _caused(found, resolved, welfare),
            _effects(found, resolved, welfare),
            *_doubts(found, resolved),
        ]
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


def _drowned(found: Difference, gap: float) -> str:
    if not found.groups or abs(found.change) > gap:
        return ""
    return ": nothing is proved to have changed"


def _caused(
    found: Difference, resolved: Mapping[str, float] | None, welfare: Welfare
) -> str:
    """Which kinds of input changed and what each did, the largest effect first."""
    effect = {
        group.group: group.effect if resolved is None else resolved[group.group]
        for group in found.groups
    }
    ordered = sorted(found.groups, key=lambda g: -abs(_or_zero(effect[g.group])))
    told = [
        f"{_changed(group)} {_signed(effect[group.group])}{welfare.unit}"
        for group in ordered
    ]
    how = "estimated by shadow prices" if resolved is None else "by solving again"
    return f"  because of {listed(told)}, {how}"


def _or_zero(value: float) -> float:
    """`value`, or 0 where it is not known."""
    return 0.0 if math.isnan(value) else value


def _changed(group: GroupChange) -> str:
    """How much of a kind of input changed."""
    kind = group.group
    if kind in ("users", "nodes"):
        return f"{counted(group.count, _NOUNS[kind])} that came or left"
    if kind == "weights":
        return f"{counted(group.count, 'weight')}"
    whose = "user" if kind == "budgets" else "node"
    return f"the {_TOLD.get(kind, kind)} of {counted(group.count, whose)}"


def _effects(
    found: Difference, resolved: Mapping[str, float] | None, welfare: Welfare
) -> Table:
    """Each kind of input with its part of the change."""
    unit = welfare.unit.strip() or welfare.noun
    columns = ["because of", "entries", f"{unit}, mean"]
    columns += ["at old shadow prices", "at new shadow prices"]
    made = terminal.table(None, *columns, *([] if resolved is None else ["by solving"]))
    for group in found.groups:
        made.add_row(
            _TOLD.get(group.group, group.group),
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


def _doubts(found: Difference, resolved: Mapping[str, float] | None) -> list[str]:
    """Where estimates say little, and where shadow prices are not unique."""
    lines = _unknown(resolved)
    ask = "" if resolved is not None else "; --resolve says by solving again"
    opposed = [
        _TOLD.get(group.group, group.group)
        for group in found.groups
        if group.at_before * group.at_after < 0.0
        and min(abs(group.at_before), abs(group.at_after)) > ROUNDING
    ]
    if opposed:
        lines.append(
            f"  {listed(opposed)}: both estimates have opposite signs, so they do not "
            f"say whether the change did good or harm{ask}"
        )
    elif abs(found.remainder) > 0.5 * abs(found.change) > ROUNDING:
        lines.append(
            "  the remainder is large: the change is too great for estimates, which "
            f"take shadow prices as constant{ask}"
        )
    ends = [
        f"{when} at {counted(count, 'node')}"
        for when, count in (("before", found.open_before), ("after", found.open_after))
        if count
    ]
    if ends:
        lines.append(
            f"  shadow prices are not unique {listed(ends)}, where all money and all "
            "capacity are used up together; an estimate takes, of those that prove the "
            "same, the ones nearest to what this change is worth"
        )
    return lines


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
            ", ".join(_TOLD.get(kind, kind) for kind in one.touched_by)
            or "others' changes only",
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
            _shadow_price(
                one.shadow_price_before, one.load_before, one.shadow_price_range_before
            ),
            _shadow_price(
                one.shadow_price_after, one.load_after, one.shadow_price_range_after
            ),
        )
    return made


def _shadow_price(price: float, load: float, ends: tuple[float, float]) -> str:
    """A shadow price; 0 where its rent is rounding; with its range where it has one."""
    told = "0" if price * load <= NO_RENT else significant(price)
    least, most = ends
    if least == most:
        return told
    return f"{told} (any of {significant(least, 3)} to {significant(most, 3)})"


def _signed(value: float) -> str:
    if math.isnan(value):
        return "not known"
    if abs(value) <= ROUNDING:
        return "0"
    return f"{value:+.4g}"
