"""Colours, dashes and shapes: the same for a name in every figure, light and dark.

Colours follow Okabe and Ito's palette for the colour-blind, moved in lightness so that
neighbours differ in grey too; every name also has a dash and a shape of its own among
those that it is shown with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Style:
    """How something with a name is called and drawn.

    Attributes:
        label: its name for readers.
        light: colour on a light page.
        dark: colour on a dark page.
        dash: lengths of strokes and gaps; ``[1, 0]`` is a full line.
        shape: Vega point shape, or a path in the square from -1 to 1.
    """

    label: str
    light: str
    dark: str
    dash: tuple[int, ...]
    shape: str


_STAR = (
    "M0,-1L0.22,-0.31L0.95,-0.31L0.36,0.12L0.59,0.81L0,0.38"
    "L-0.59,0.81L-0.36,0.12L-0.95,-0.31L-0.22,-0.31Z"
)
_HEXAGON = "M-0.87,-0.5L0,-1L0.87,-0.5L0.87,0.5L0,1L-0.87,0.5Z"
_SALTIRE = (
    "M-0.7,-1L0,-0.3L0.7,-1L1,-0.7L0.3,0L1,0.7"
    "L0.7,1L0,0.3L-0.7,1L-1,0.7L-0.3,0L-1,-0.7Z"
)
_BAR = "M-1,-0.35L1,-0.35L1,0.35L-1,0.35Z"
_POST = "M-0.35,-1L0.35,-1L0.35,1L-0.35,1Z"
_HOURGLASS = "M-1,-0.8L1,-0.8L0,0L1,0.8L-1,0.8L0,0Z"
_BOW_TIE = "M-1,-0.8L0,0L-1,0.8ZM1,-0.8L0,0L1,0.8Z"
_PENTAGON = "M0,-1L0.95,-0.31L0.59,0.81L-0.59,0.81L-0.95,-0.31Z"
_ROOF = "M-1,0.2L0,-0.8L1,0.2L1,0.8L0,-0.2L-1,0.8Z"
_VALLEY = "M-1,-0.2L0,0.8L1,-0.2L1,-0.8L0,0.2L-1,-0.8Z"
_FRAME = (
    "M-0.9,-0.9L0.9,-0.9L0.9,0.9L-0.9,0.9ZM-0.45,-0.45L-0.45,0.45L0.45,0.45L0.45,-0.45Z"
)
_TEE = "M-1,-0.9L1,-0.9L1,-0.3L0.3,-0.3L0.3,0.9L-0.3,0.9L-0.3,-0.3L-1,-0.3Z"
_CORNER = "M-0.9,-0.9L-0.3,-0.9L-0.3,0.3L0.9,0.3L0.9,0.9L-0.9,0.9Z"
_STEPS = "M-0.9,-0.9L0,-0.9L0,0L0.9,0L0.9,0.9L-0.9,0.9Z"
_NEEDLE = "M0,-1L0.5,0L0,1L-0.5,0Z"
_SPINDLE = "M-1,0L0,-0.5L1,0L0,0.5Z"

METHODS: dict[str, Style] = {
    "no_reuse": Style("no reuse", "#767676", "#9b9b9b", (1, 2), "cross"),
    "uniform_price": Style("uniform price", "#c98a00", "#f0b93a", (8, 3), "square"),
    "random": Style("random", "#a3417c", "#e59cc4", (2, 3), "diamond"),
    "full_power": Style(
        "full power", "#b84a00", "#f07d35", (8, 2, 2, 2), "triangle-down"
    ),
    "published": Style("published", "#3fa0d8", "#4fa8e0", (5, 2), "triangle-right"),
    "iterated": Style("iterated", "#00805d", "#2ec79a", (10, 3), "triangle-up"),
    "bilevel": Style("bilevel", "#003f7d", "#c9dcff", (1, 0), "circle"),
}
"""Methods of the spectrum game, in the order of every legend and table."""

SHARINGS: dict[str, Style] = {
    "equal_split": Style("equal split", "#767676", "#9b9b9b", (1, 2), "square"),
    "printed": Style("printed formula", "#3fa0d8", "#4fa8e0", (6, 3), "triangle-right"),
    "optimum": Style("optimum", "#003f7d", "#c9dcff", (1, 0), "circle"),
}
"""Ways to share out an edge market."""

LIMITS: dict[str, Style] = {
    "budget": Style("budget", "#d08a00", "#f5c04a", (1, 0), "triangle-down"),
    "both": Style("both", "#b8527c", "#d980aa", (6, 3), "circle"),
    "capacity": Style("capacity", "#4a1f86", "#8f6fe0", (1, 2), "triangle-up"),
}
"""What can limit an edge user: its money, its nodes, or both alike."""

OTHERS: dict[str, Style] = {
    "other_1": Style("other 1", "#003f7d", "#c9dcff", (1, 0), "circle"),
    "other_2": Style("other 2", "#c98a00", "#f0b93a", (8, 3), "square"),
    "other_3": Style("other 3", "#a3417c", "#e59cc4", (2, 3), "diamond"),
    "other_4": Style("other 4", "#00805d", "#2ec79a", (10, 3), "triangle-up"),
    "other_5": Style("other 5", "#b84a00", "#f07d35", (8, 2, 2, 2), "triangle-down"),
    "other_6": Style("other 6", "#3fa0d8", "#4fa8e0", (5, 2), "triangle-right"),
    "other_7": Style("other 7", "#767676", "#9b9b9b", (1, 2), "cross"),
    "other_8": Style("other 8", "#4a1f86", "#8f6fe0", (12, 2, 2, 2), "triangle-left"),
    "other_9": Style("other 9", "#003f7d", "#c9dcff", (3, 3), _PENTAGON),
    "other_10": Style("other 10", "#c98a00", "#f0b93a", (12, 3), _BOW_TIE),
    "other_11": Style("other 11", "#a3417c", "#e59cc4", (6, 2, 1, 2), _STAR),
    "other_12": Style("other 12", "#00805d", "#2ec79a", (4, 4), _HEXAGON),
    "other_13": Style("other 13", "#b84a00", "#f07d35", (14, 2), _SALTIRE),
    "other_14": Style("other 14", "#3fa0d8", "#4fa8e0", (9, 2, 3, 2), _BAR),
    "other_15": Style("other 15", "#767676", "#9b9b9b", (1, 4), _POST),
    "other_16": Style("other 16", "#4a1f86", "#8f6fe0", (6, 6), _HOURGLASS),
    "other_17": Style("other 17", "#003f7d", "#c9dcff", (4, 2, 1, 2), _ROOF),
    "other_18": Style("other 18", "#c98a00", "#f0b93a", (2, 6), _VALLEY),
    "other_19": Style("other 19", "#a3417c", "#e59cc4", (16, 4), _FRAME),
    "other_20": Style("other 20", "#00805d", "#2ec79a", (1, 3, 6, 3), _TEE),
    "other_21": Style("other 21", "#b84a00", "#f07d35", (3, 6), _CORNER),
    "other_22": Style("other 22", "#3fa0d8", "#4fa8e0", (7, 7), _STEPS),
    "other_23": Style("other 23", "#767676", "#9b9b9b", (2, 2, 8, 2), _NEEDLE),
    "other_24": Style("other 24", "#4a1f86", "#8f6fe0", (16, 2, 1, 2), _SPINDLE),
}
"""For methods of a study that have no style of their own; it gives the labels.

From the ninth on, colours come again, with other dashes and shapes.
"""

STYLES: dict[str, Style] = {**METHODS, **SHARINGS, **LIMITS, **OTHERS}
"""Everything with a colour of its own; its place here is its place in the range."""

_FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"


def config(*, dark: bool) -> dict[str, Any]:
    """The Vega-Lite configuration of a light or dark page."""
    ink = "#e6e8ec" if dark else "#1d2126"
    soft = "#a3abb6" if dark else "#59616b"
    line = "#3a414b" if dark else "#d7dbe0"
    categories = [style.dark if dark else style.light for style in STYLES.values()]
    ramp = (
        ["#6d5bd0", "#b658b0", "#ef7a72", "#fbc766", "#fff3b0"]
        if dark
        else ["#f2a93b", "#dd5f4a", "#a92f7c", "#5b1f8a", "#1f1147"]
    )
    axis = {
        "labelColor": soft,
        "titleColor": ink,
        "gridColor": line,
        "domainColor": soft,
        "tickColor": soft,
        "labelFontSize": 12,
        "titleFontSize": 12.5,
        "titleFontWeight": 500,
        "titlePadding": 8,
        "gridOpacity": 0.7,
    }
    return {
        "background": "transparent" if dark else "white",
        "font": _FONT,
        "axis": axis,
        "legend": {
            "labelColor": ink,
            "titleColor": ink,
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": 500,
            "symbolStrokeWidth": 2,
            "labelLimit": 260,
            "titleLimit": 320,
        },
        "header": {"labelColor": ink, "titleColor": ink, "labelFontSize": 13},
        "title": {"color": ink, "fontSize": 13.5, "anchor": "start", "fontWeight": 600},
        "view": {"stroke": line},
        "range": {"category": categories, "ramp": ramp, "heatmap": ramp},
        "rule": {"color": soft},
        "text": {"color": ink, "fontSize": 12},
        "mark": {"color": "#7fa9e8" if dark else "#003f7d"},
        "point": {"color": ink},
        "style": {"soft": {"stroke": soft}},
    }
