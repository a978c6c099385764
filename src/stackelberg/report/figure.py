"""What every figure of a report is, whichever game it is of."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import altair as alt

from stackelberg.report.theme import STYLES, Style

WIDTH = 620
"""Width of a single figure, px."""

LONG_NAME = 24
"""Letters of a name from which on a legend has three columns, not four."""

PANEL_WIDTH = 540
"""Width of a figure with names at its side, px."""


@dataclass(frozen=True)
class Figure:
    """A figure of the report.

    Attributes:
        name: of its files and its place in the page.
        title: what it shows.
        caption: how to read it.
        chart: the drawing.
    """

    name: str
    title: str
    caption: str
    chart: Any


def values(rows: Iterable[dict[str, Any]]) -> Any:
    """Inline data; what JSON cannot say (a power of 0 W in dBm) becomes null."""
    return alt.Data(
        values=[
            {
                key: None if isinstance(x, float) and not math.isfinite(x) else x
                for key, x in row.items()
            }
            for row in rows
        ]
    )


def picked(record: object, *names: str) -> dict[str, Any]:
    """Some fields of a record, numbers to what an eye can tell: six digits."""
    row = {name: getattr(record, name) for name in names}
    return {
        name: float(f"{value:.6g}") if isinstance(value, float) else value
        for name, value in row.items()
    }


def log_axis(
    numbers: Iterable[float], title: str, number: str = ".3~g"
) -> dict[str, Any]:
    """Title, scale and axis of positive numbers, arguments of an `alt.X`.

    Args:
        numbers: that are drawn.
        title: of the axis.
        number: format of a tick.
    """
    low, high = log_domain(numbers)
    return {
        "title": title,
        "scale": alt.Scale(type="log", domain=[low, high], nice=False),
        "axis": alt.Axis(format=number, values=log_ticks(low, high)),
    }


def log_domain(numbers: Iterable[float]) -> tuple[float, float]:
    """From the least to the greatest and a little more; never less than a factor 2,
    which would make differences of what is the same but for rounding.
    """
    known = list(numbers) or [1.0]
    middle = math.sqrt(min(known)) * math.sqrt(max(known))
    half = max(math.sqrt(max(known)) / math.sqrt(min(known)) * 1.06, math.sqrt(2.0))
    return middle / half, middle * half


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers from `low` to `high`: powers of ten, and 2 and 5 where few."""
    places = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    decades = math.log10(high) - math.log10(low)
    steps = (1, 2, 5) if decades < 2.5 else (1,)
    every = max(round(decades / 6.0), 1)
    ticks = [step * 10.0**p for p in places if p % every == 0 for step in steps]
    return [tick for tick in ticks if low <= tick <= high]


def named_colour(
    styles: Mapping[str, Style],
    title: str | list[str] | None = None,
    *,
    legend: bool = True,
    **looks: Any,
) -> Any:
    """Colours of what is called `label` in the data: the same for a name everywhere."""
    return alt.Color(
        "label:N",
        title=title,
        scale=alt.Scale(domain=_every_label(styles)),
        legend=_legend(styles, looks) if legend else None,
    )


def named_shape(
    styles: Mapping[str, Style], title: str | list[str] | None = None, **looks: Any
) -> Any:
    """Point shapes of what is called `label`; one legend with its colours."""
    shapes = [style.shape for style in STYLES.values()]
    return alt.Shape(
        "label:N",
        title=title,
        scale=alt.Scale(domain=_every_label(styles), range=shapes),
        legend=_legend(styles, looks),
    )


def named_dash(
    styles: Mapping[str, Style], title: str | None = None, **looks: Any
) -> Any:
    """Dashes of what is called `label`; one legend with its colours."""
    dashes = [list(style.dash) for style in STYLES.values()]
    return alt.StrokeDash(
        "label:N",
        title=title,
        scale=alt.Scale(domain=_every_label(styles), range=dashes),
        legend=_legend(styles, looks),
    )


def _every_label(styles: Mapping[str, Style]) -> list[str]:
    """Every name stays in the domain, so that a colour means one thing everywhere."""
    return [styles.get(key, style).label for key, style in STYLES.items()]


def _legend(styles: Mapping[str, Style], looks: Mapping[str, Any]) -> Any:
    """The names of `styles` in their order, below the figure."""
    present = [style.label for style in styles.values()]
    # Else a legend is as pale as the bands and crowded points that it explains.
    settings: dict[str, Any] = {
        "orient": "bottom",
        "columns": 4 if max(map(len, present), default=0) <= LONG_NAME else 3,
        "symbolOpacity": 1.0,
        **looks,
    }
    return alt.Legend(values=present, **settings)
