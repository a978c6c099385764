"""What the figures of a study share: names, units, styles, lines with bands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import altair as alt
import numpy as np

from stackelberg.report.figure import WIDTH, named_colour, named_dash, named_shape
from stackelberg.report.numbers import rate_unit
from stackelberg.report.study.data import MetricName, StudyData
from stackelberg.report.theme import STYLES, Style


def within(value: float, ends: tuple[float, float] | None) -> bool:
    """Whether `value` is in a frame that `frame` gave."""
    return ends is None or ends[0] <= value <= ends[1]


def outside_note(named: Sequence[str]) -> str:
    """The end of a caption that names what the frame leaves out; empty for nothing."""
    return f" Outside the frame: {'; '.join(named)}." if named else ""


def sentence_start(text: str) -> str:
    """A text whose first letter is a capital; the others (of "D2D") stay."""
    return text[:1].upper() + text[1:]


def lines_with_bands(
    table: Any, styles: Mapping[str, Style], x_title: str, y_title: str
) -> Any:
    """Lines of `value` over `x`, each with dots and a band from `low` to `high`."""
    few = alt.Axis(format=",~f", tickMinStep=1)
    # Room at the sides, so that no mark is cut by the frame.
    room = alt.Scale(zero=False, nice=False, padding=10)
    x = alt.X("x:Q", title=x_title, scale=room, axis=few)
    y = alt.Y("value:Q", title=y_title, scale=alt.Scale(zero=False, padding=6))
    base = alt.Chart(table, width=WIDTH, height=300)
    band = base.mark_area(opacity=0.16).encode(
        x=x, y=alt.Y("low:Q", title=y_title), y2="high:Q",
        color=named_colour(styles),
    )  # fmt: skip
    tooltip = [
        alt.Tooltip("label:N", title="method"),
        alt.Tooltip("x:Q", title=x_title, format=".6~g"),
        alt.Tooltip("value:Q", title=y_title, format=".4~g"),
        alt.Tooltip("low:Q", format=".4~g"),
        alt.Tooltip("high:Q", format=".4~g"),
    ]
    line = base.mark_line(strokeWidth=2).encode(
        x=x, y=y, color=named_colour(styles), strokeDash=named_dash(styles)
    )
    dots = base.mark_point(filled=True, size=55, opacity=1.0).encode(
        x=x,
        y=y,
        color=named_colour(styles),
        shape=named_shape(styles),
        tooltip=tooltip,
    )
    return alt.layer(band, line, dots)


FAR = 3.5
"""Spreads from the median beyond which a value is outside the frame."""

SQUEEZED = 2.5
"""How many times wider the frame must become before anything is left outside it."""


def frame(
    spans: Sequence[tuple[float, float]], *also: float
) -> tuple[float, float] | None:
    """From where to where most spans lie; None where one frame shows them all well.

    A span is inside if its middle is within `FAR` spreads of the median middle, a
    spread being twice the median distance from there or the width of a usual span,
    whichever is more. So what most have in common counts, up to half being far off.

    Args:
        spans: lower and upper ends.
        also: numbers that are in the frame whatever the spans.
    """
    ends = np.array(spans, float).reshape(-1, 2)
    middle = ends.mean(axis=1)
    away = np.abs(middle - np.median(middle))
    spread = max(2.0 * np.median(away), np.median(ends[:, 1] - ends[:, 0]))
    kept = ends[away <= FAR * spread]
    near, whole = (np.array([*x.ravel(), *also]) for x in (kept, ends))
    if len(kept) == len(ends) or np.ptp(whole) < SQUEEZED * np.ptp(near):
        return None
    return float(near.min()), float(near.max())


def styles_of(data: StudyData, methods: Sequence[str]) -> dict[str, Style]:
    """Styles of some methods with the study's labels, in its order."""
    return {
        method.style: replace(STYLES[method.style], label=method.label)
        for method in data.methods
        if method.name in methods
    }


def swept_title(name: str) -> str:
    """What was swept, for an axis."""
    known = {
        "num_pairs": "number of D2D pairs",
        "num_channels": "number of channels",
        "d2d_distance_m": "middle of the D2D distances (m)",
        "follower_price_weight": "price weight of the followers",
        "num_users": "number of users",
        "num_nodes": "number of nodes",
    }
    return known.get(name, name.replace("_", " "))


def slug(name: str) -> str:
    """A name for a file."""
    return "".join(c if c.isalnum() else "-" for c in name.lower()).strip("-") or "x"


def unit_of(metric: MetricName, numbers: Sequence[float]) -> tuple[float, str]:
    """Factor and text of the unit of a column of numbers."""
    if metric.unit == "bit/s":
        factor, unit = rate_unit(numbers)
        return factor, f" ({unit})"
    return 1.0, f" ({metric.unit})" if metric.unit else ""


def label_of(data: StudyData, method: str) -> str:
    """A method's name for readers."""
    return next(m.label for m in data.methods if m.name == method)
