"""What every figure of a report is, whichever game it is of."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import altair as alt

WIDTH = 620
"""Width of a single figure, px."""

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
