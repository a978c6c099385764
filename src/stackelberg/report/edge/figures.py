"""Figures of the edge market: functions from a `ResourceRecord` to an Altair chart.

Colours come from `theme.config`; a name has the same colour, dash and shape everywhere.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import altair as alt

from stackelberg.report.edge.data import EdgeReportData, ResourceRecord, SharingRecord
from stackelberg.report.edge.map import city_map
from stackelberg.report.figure import (
    WIDTH,
    Figure,
    log_axis,
    named_colour,
    named_dash,
    named_shape,
    picked,
    values,
)
from stackelberg.report.numbers import shown_percent
from stackelberg.report.theme import LIMITS, SHARINGS, Style

SIDE = 265
"""Side of each of two square panels side by side, px."""

LETTER = 7.5
"""Room for one letter of the strip of limits, px, some for a gap included."""


def draw_edge_figures(data: EdgeReportData) -> list[Figure]:
    """The figures that `data` has numbers for, in reading order.

    With several resource types each has its own, named after its place among them.
    """
    several = len(data.resources) > 1
    return [
        replace(figure, name=figure_name(figure.name, place if several else None))
        for place, record in enumerate(data.resources)
        for figure in _draw(record, data.money, data.unit, data.worth)
    ]


def figure_name(name: str, place: int | None) -> str:
    """Name of a figure on a page that may hold others, e.g. ``edge-map``.

    Args:
        name: what it shows.
        place: of the resource type, where there are several.
    """
    return f"edge-{name}" if place is None else f"edge-{place}-{name}"


def _draw(record: ResourceRecord, money: str, unit: str, worth: str) -> list[Figure]:
    placed = any(user.x_m is not None for user in record.users)
    drawn = [city_map(record, unit, worth)] if placed else []
    drawn += [prices(record, money, unit, worth), limits(record), utilities(record)]
    return [*drawn, printed(record)] if record.printed else drawn


def prices(record: ResourceRecord, money: str, unit: str, worth: str = "nat") -> Figure:
    """Price against shadow price of each node."""
    rows = values(
        {
            **picked(node, "node", "price", "shadow_price", "utilisation", "revenue"),
            "shown": node.shadow_price if node.sold_out else 0.0,
            "rent": node.rent if node.sold_out else 0.0,
            "state": "sold out" if node.sold_out else "capacity left",
        }
        for node in record.nodes
    )
    states = ["sold out", "capacity left"]
    chart = (
        alt.Chart(rows)
        .mark_point(filled=True, opacity=0.75)
        .encode(
            x=alt.X(
                "price:Q",
                title=f"price ({money} per {unit})",
                scale=alt.Scale(zero=False, padding=12),
                axis=alt.Axis(format="~g", tickCount=6),
            ),
            y=alt.Y(
                "shown:Q",
                title=f"shadow price ({worth} per {unit})",
                axis=alt.Axis(format="~g", tickCount=6),
            ),
            size=alt.Size(
                "rent:Q",
                title=["rent of its scarcity", "(users' virtual money)"],
                scale=alt.Scale(range=[30, 420]),
                legend=alt.Legend(
                    symbolFillColor="#888888", symbolStrokeWidth=0, tickCount=3
                ),
            ),
            shape=alt.Shape(
                "state:N",
                title=None,
                scale=alt.Scale(domain=states, range=["circle", "triangle-down"]),
                legend=alt.Legend(symbolStrokeColor="#888888"),
            ),
            tooltip=[
                "node:N",
                alt.Tooltip("price:Q", title=f"price ({money})", format=".3~g"),
                alt.Tooltip("shadow_price:Q", title="shadow price", format=".3~g"),
                alt.Tooltip("rent:Q", title="rent (users)", format=".3~g"),
                alt.Tooltip("utilisation:Q", format=".3~%"),
                alt.Tooltip("revenue:Q", title=f"revenue ({money})", format=".3~g"),
            ],
        )
        .properties(width=WIDTH - 130, height=300)
    )
    return Figure(
        "prices",
        "Price and shadow price of each node",
        "The price is what a node asks, the shadow price what one more unit of its "
        "capacity is worth to the users together, over and above that price. A node "
        "high up could ask for a little more and still sell everything; one at zero "
        "has capacity left. Area: shadow price times capacity. Where shadow prices are "
        "not unique, these are the ones that prove the answer.",
        chart,
    )


def limits(record: ResourceRecord) -> Figure:
    """Where each user's unit of virtual money goes, and how many are limited by what.

    Users are in the order of the share that goes to their budget, so that the strip of
    numbers above stands over the users that it counts.
    """
    last = len(record.budget_share) - 1
    areas = values(
        {"users": k / last, "label": LIMITS[kind].label, "low": low, "high": high}
        for k, share in enumerate(record.budget_share)
        for kind, low, high in (("budget", 0.0, share), ("capacity", share, 1.0))
    )
    strip = values(_strip(record))
    x = alt.X(
        "users:Q",
        title="users, those limited by capacity first",
        axis=alt.Axis(format="%", tickCount=5),
        scale=alt.Scale(domain=[0, 1]),
    )
    scale = alt.Scale(domain=[0, 1.16], nice=False)
    axis = alt.Axis(format="%", values=[0, 0.25, 0.5, 0.75, 1])
    title = "share of a user's virtual money"
    colour = named_colour(LIMITS, symbolSize=120)
    y = alt.Y("low:Q", title=title, scale=scale, axis=axis)
    shares = (
        alt.Chart(areas)
        .mark_area(opacity=0.85, interpolate="step-after")
        .encode(x=x, y=y, y2="high:Q", color=colour)
    )
    bars = (
        alt.Chart(strip)
        .mark_rect(strokeWidth=0)
        .encode(
            x=alt.X("from:Q"),
            x2="to:Q",
            y=alt.Y("low:Q"),
            y2="high:Q",
            color=colour,
            tooltip=[
                alt.Tooltip("label:N", title="limited by"),
                alt.Tooltip("number:Q", title="users"),
            ],
        )
    )
    words = (
        alt.Chart(strip)
        .mark_text(fontSize=12)
        .encode(x="middle:Q", y="above:Q", text="words:N")
    )
    return Figure(
        "limits",
        "Who is limited by budget, who by capacity",
        "Every user has one unit of virtual money. Its budget's scarcity takes the "
        "lower part, the scarcity of the nodes that it buys from the upper. The strip "
        "counts the users by the larger part; both means that neither is larger by "
        "more than a tenth.",
        (shares + bars + words).properties(width=WIDTH - 40, height=280),
    )


def _strip(record: ResourceRecord) -> list[dict[str, Any]]:
    """Numbers of users by what limits them, side by side as shares."""
    rows: list[dict[str, Any]] = []
    start = 0.0
    for kind, number in reversed(record.limited):
        share = number / record.num_users
        label = LIMITS[kind].label
        fitting = (
            words
            for words in (f"{number} {label}", f"{number}")
            if len(words) * LETTER <= share * (WIDTH - 40)
        )
        rows.append(
            {
                "label": label,
                "number": number,
                "from": start,
                "to": start + share,
                "middle": start + share / 2.0,
                "low": 1.02,
                "high": 1.07,
                "above": 1.12,
                "words": next(fitting, ""),
            }
        )
        start += share
    return rows


def utilities(record: ResourceRecord) -> Figure:
    """Distribution of utilities and their Lorenz curve, for each way of sharing."""
    chart = alt.concat(
        _distribution(record), _lorenz(record), columns=2, spacing=30
    ).resolve_scale(color="shared", strokeDash="shared")
    drawn = {s.sharing: s for s in record.sharings}
    others = " and ".join(
        f"{SHARINGS[name].label} {drawn[name].jain:.2f}"
        for name in SHARINGS
        if name in drawn and name != "optimum"
    )
    against = f", {others}" if others else ""
    return Figure(
        "utilities",
        "Utilities and how evenly they are spread",
        "First: share of users with at most a utility; further right is better. "
        "Second: share of all utility that the poorest users hold; nearer to the "
        f"diagonal is more even. Jain's index: optimum {drawn['optimum'].jain:.2f}"
        f"{against}; it is highest where all have the same, however little. Comparing "
        "users presumes that weights are in one unit.",
        chart,
    )


def _styles(record: ResourceRecord) -> dict[str, Style]:
    """Of the ways of sharing that are drawn, for the legend."""
    drawn = {s.sharing for s in record.sharings}
    return {name: style for name, style in SHARINGS.items() if name in drawn}


def _distribution(record: ResourceRecord) -> Any:
    reached = [u for s in record.sharings for u in s.utility_quantiles if u > 0.0]
    rows = values(
        {"utility": utility, "share": share, **_labelled(s)}
        for s in _drawn(record)
        for share, utility in _evenly(s.utility_quantiles)
        if utility > 0.0
    )
    return (
        alt.Chart(rows)
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X("utility:Q", **log_axis(reached, "utility")),
            y=alt.Y(
                "share:Q",
                title="share of users below",
                axis=alt.Axis(format="%", tickCount=5),
                scale=alt.Scale(domain=[0, 1]),
            ),
            color=named_colour(_styles(record), symbolSize=260),
            strokeDash=named_dash(_styles(record), symbolSize=260),
            order="share:Q",
            tooltip=[
                "label:N",
                alt.Tooltip("utility:Q", format=".3~g"),
                alt.Tooltip("share:Q", title="below", format=".0%"),
            ],
        )
        .properties(width=SIDE, height=SIDE)
    )


def _lorenz(record: ResourceRecord) -> Any:
    rows = values(
        {"users": share, "held": held, **_labelled(s)}
        for s in _drawn(record)
        for share, held in _evenly(s.lorenz)
    )
    percent = alt.Axis(format="%", tickCount=5)
    whole = alt.Scale(domain=[0, 1])
    x = alt.X("users:Q", title="poorest users", axis=percent, scale=whole)
    y = alt.Y("held:Q", title="their share of all utility", axis=percent, scale=whole)
    lines = (
        alt.Chart(rows)
        .mark_line(strokeWidth=2)
        .encode(
            x=x,
            y=y,
            color=named_colour(_styles(record), symbolSize=260),
            strokeDash=named_dash(_styles(record), symbolSize=260),
            order="users:Q",
            tooltip=[
                "label:N",
                alt.Tooltip("users:Q", title="poorest", format=".0%"),
                alt.Tooltip("held:Q", title="hold", format=".3~%"),
            ],
        )
    )
    even = (
        alt.Chart(values([{"users": 0.0, "held": 0.0, "to": 1.0}]))
        .mark_rule(strokeWidth=0.8)
        .encode(x=x, y=y, x2="to:Q", y2="to:Q")
    )
    return (even + lines).properties(width=SIDE, height=SIDE)


def printed(record: ResourceRecord) -> Figure:
    """Utility by the printed formula, cut to the limits, over the optimal, per user."""
    rows: list[dict[str, Any]] = [
        {
            **picked(user, "user", "utility", "printed_utility"),
            "label": LIMITS[user.limited_by].label,
            "ratio": user.printed_utility / user.utility,
        }
        for user in record.users
        if user.printed_utility and user.utility
    ]
    x = log_axis((row["utility"] for row in rows), "utility at the optimum")
    ratios = [1.0, *(row["ratio"] for row in rows)]
    y = log_axis(ratios, "printed formula over optimum", ".3~%")
    points = (
        alt.Chart(values(rows))
        .mark_point(filled=True, size=30, opacity=0.7)
        .encode(
            x=alt.X("utility:Q", **x),
            y=alt.Y("ratio:Q", **y),
            color=named_colour(LIMITS, "a user is limited by", symbolSize=70),
            shape=named_shape(LIMITS, "a user is limited by", symbolSize=70),
            tooltip=[
                "user:N",
                alt.Tooltip("utility:Q", title="optimum", format=".3~g"),
                alt.Tooltip("printed_utility:Q", title="printed", format=".3~g"),
                alt.Tooltip("ratio:Q", format=".3~%"),
                alt.Tooltip("label:N", title="limited by"),
            ],
        )
    )
    same = (
        alt.Chart(values([{"ratio": 1.0}]))
        .mark_rule(strokeWidth=1)
        .encode(y=alt.Y("ratio:Q"))
    )
    share = record.printed.utility_share if record.printed else 1.0
    return Figure(
        "printed",
        "The printed formula against the optimum",
        "One mark a user: what formula (24), cut down to capacities and budgets, gives "
        "it, over what the optimum gives it. Below the line the user loses; the "
        f"geometric mean is {shown_percent(share, 2)}.",
        (same + points).properties(width=WIDTH - 40, height=300),
    )


def _labelled(sharing: SharingRecord) -> dict[str, str]:
    return {"label": SHARINGS[sharing.sharing].label}


def _drawn(record: ResourceRecord) -> list[SharingRecord]:
    """What is drawn last lies on top: the optimum."""
    return sorted(record.sharings, key=lambda s: list(SHARINGS).index(s.sharing))


def _evenly(numbers: tuple[float, ...]) -> list[tuple[float, float]]:
    """Each number with its share of the way from 0 to 1."""
    return [(k / (len(numbers) - 1), number) for k, number in enumerate(numbers)]
