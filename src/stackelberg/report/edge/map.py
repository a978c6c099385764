"""The market from above: how full its nodes are, how scarce, and whom that limits."""

from __future__ import annotations

import math
from typing import Any

import altair as alt

from stackelberg.report.edge.data import ResourceRecord
from stackelberg.report.figure import Figure, named_colour, named_shape, picked, values
from stackelberg.report.theme import LIMITS

PANEL = 285
"""Width of each of two panels side by side, px."""

TALLEST = 520
"""Height of a panel, px, beyond which it is made narrower instead."""

ROOMY_NODES, ROOMY_USERS = 150, 900
"""Nodes, and users, beyond which their marks are made smaller."""

MARGIN = 0.03
"""Of the area, around the outermost."""


def city_map(record: ResourceRecord, unit: str, worth: str = "nat") -> Figure:
    """Nodes coloured by utilisation and by shadow price, users by what limits them."""
    area = _area(record)
    nodes = values(
        {
            **picked(node, *_OF_NODE),
            "shown": node.shadow_price if node.sold_out else 0.0,
        }
        for node in record.nodes
    )
    users = values(
        {**picked(user, *_OF_USER), "label": LIMITS[user.limited_by].label}
        for user in record.users
    )
    places = values(picked(user, "x_m", "y_m") for user in record.users)
    room = _room(len(record.nodes), ROOMY_NODES)
    space = _room(len(record.users), ROOMY_USERS)
    full = _nodes(nodes, area, unit, room).encode(
        fill=alt.Fill(
            "utilisation:Q",
            title=["utilisation of a node", "(load over capacity)"],
            scale=alt.Scale(domain=[0, 1]),
            legend=_gradient("%"),
        ),
    )
    scarce = _nodes(nodes, area, unit, room).encode(
        fill=alt.Fill(
            "shown:Q",
            title=["shadow price of a node", f"({worth} per {unit})"],
            scale=alt.Scale(type="sqrt"),  # a few nodes are far scarcer than most
            legend=_gradient("~g"),
        ),
    )
    dots = (
        alt.Chart(places)
        .mark_point(filled=True, size=5, opacity=0.55, style="soft")
        .encode(x=area.x("x_m"), y=area.y("y_m"))
    )
    limited = alt.Chart(users).mark_point(filled=True, size=22 * space, opacity=0.85)
    limited = limited.encode(
        x=area.x("x_m"),
        y=area.y("y_m"),
        tooltip=_user_tooltip(),
        color=named_colour(LIMITS, _LIMITED_BY, **_UPRIGHT),
        shape=named_shape(LIMITS, _LIMITED_BY, **_UPRIGHT),
    )
    size = {"width": area.width, "height": area.height}
    chart = alt.concat(
        alt.layer(dots, full).properties(**size),
        alt.layer(limited, scarce).properties(**size),
        columns=1 if area.width > PANEL else 2,
        spacing=25,
    ).resolve_scale(fill="independent", color="independent", shape="independent")
    return Figure(
        "map",
        "The market from above",
        "Discs are nodes, their area the capacity. Left, or above: how much of it they "
        "sell. Right, or below: what one more unit there would be worth; a node that "
        "is not sold out has a shadow price of zero. The small marks are users.",
        chart,
    )


_LIMITED_BY = ["users,", "limited by"]
_UPRIGHT: dict[str, Any] = {"symbolSize": 60, "columns": 1}
"""Of the users' legend: in one row it would run into the nodes' beside it, and
so would a title in one line."""

_OF_NODE = (
    "node", "x_m", "y_m", "capacity", "utilisation", "price", "shadow_price", "buyers",
)  # fmt: skip
_OF_USER = ("user", "x_m", "y_m", "budget", "spend", "utility")


class _Plane:
    """Scales that keep the area's proportions."""

    def __init__(self, low: tuple[float, float], high: tuple[float, float]) -> None:
        margin = MARGIN * max(high[0] - low[0], high[1] - low[1], 1.0)
        self.west, self.south = low[0] - margin, low[1] - margin
        self.east, self.north = high[0] + margin, high[1] + margin
        ratio = (self.north - self.south) / (self.east - self.west)
        widest = PANEL if ratio >= 0.6 else 2 * PANEL  # flat areas: one below another
        self.width = round(min(widest, TALLEST / ratio))
        self.height = round(self.width * ratio)

    def x(self, field: str) -> Any:
        scale = alt.Scale(domain=[self.west, self.east], nice=False)
        axis = alt.Axis(tickCount=4)
        return alt.X(f"{field}:Q", title="east (m)", scale=scale, axis=axis)

    def y(self, field: str) -> Any:
        scale = alt.Scale(domain=[self.south, self.north], nice=False)
        return alt.Y(f"{field}:Q", title="north (m)", scale=scale)


def _area(record: ResourceRecord) -> _Plane:
    all_of = (*record.nodes, *record.users)
    east = [place.x_m for place in all_of if place.x_m is not None]
    north = [place.y_m for place in all_of if place.y_m is not None]
    return _Plane((min(east), min(north)), (max(east), max(north)))


def _room(number: int, roomy: int) -> float:
    """By how much the area of so many marks shrinks."""
    return min(math.sqrt(roomy / number), 1.0)


def _nodes(nodes: Any, area: _Plane, unit: str, room: float) -> Any:
    return (
        alt.Chart(nodes)
        .mark_circle(opacity=0.95, strokeWidth=0.7, stroke="#888888")
        .encode(
            x=area.x("x_m"),
            y=area.y("y_m"),
            size=alt.Size(
                "capacity:Q",
                scale=alt.Scale(range=[20 * room, 240 * room]),
                legend=None,
            ),
            tooltip=[
                "node:N",
                alt.Tooltip("capacity:Q", title=f"capacity ({unit})", format=".4~g"),
                alt.Tooltip("utilisation:Q", format=".3~%"),
                alt.Tooltip("price:Q", format=".3~g"),
                alt.Tooltip("shadow_price:Q", title="shadow price", format=".3~g"),
                alt.Tooltip("buyers:Q", title="users served"),
            ],
        )
    )


def _user_tooltip() -> list[Any]:
    return [
        "user:N",
        alt.Tooltip("budget:Q", format=".3~g"),
        alt.Tooltip("spend:Q", format=".3~g"),
        alt.Tooltip("utility:Q", format=".3~g"),
        alt.Tooltip("label:N", title="limited by"),
    ]


def _gradient(number: str) -> Any:
    return alt.Legend(
        orient="bottom", format=number, gradientLength=120, tickCount=3, titleLimit=260
    )
