"""The report as one self-contained page, and its figures as SVG and PDF files.

The page loads nothing: scripts, styles, numbers and figures are inside it, and its
content security policy forbids every request.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import jinja2
import vl_convert

from stackelberg.report.figure import Figure
from stackelberg.report.numbers import (
    NO_GAME,
    SHARE_OF,
    certificate_value,
    shown_change,
    shown_percent,
    shown_rate,
    shown_relative,
    significant,
)
from stackelberg.report.spectrum.data import MethodRecord, ReportData
from stackelberg.report.spectrum.figures import draw_figures
from stackelberg.report.theme import METHODS, config


def render_page(data: ReportData) -> str:
    """The report as the text of one HTML file that opens offline."""
    drawn = draw_figures(data)
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    environment.filters.update(
        rate=shown_rate,
        percent=shown_percent,
        change=shown_change,
        significant=significant,
    )
    template = environment.from_string(_shipped("page.html.jinja"))
    return template.render(
        data=data,
        labels={name: style.label for name, style in METHODS.items()},
        certified={row.name: row.value for row in data.certificate},
        certificate_value=certificate_value,
        shares=SHARE_OF,
        relative=_shown_relative,
        figures={figure.name: figure for figure in drawn},
        style=_shipped("page.css"),
        behaviour=_shipped("page.js"),
        bundle=_bundle(),
        specifications=_embedded({figure.name: _spec(figure) for figure in drawn}),
        configurations=_embedded(
            {"light": config(dark=False), "dark": config(dark=True)}
        ),
        numbers=_embedded(data.as_dict()),
    )


def _shown_relative(method: MethodRecord, value: float | None) -> str:
    """A regret or gap of a method; one that plays no game has none."""
    if value is None and method.method == "no_reuse":
        return NO_GAME
    return shown_relative(value)


@dataclass(frozen=True)
class FigureFiles:
    """A figure as files.

    Attributes:
        name: of the figure.
        svg: text of the SVG file.
        pdf: content of the PDF file.
    """

    name: str
    svg: str
    pdf: bytes


def render_figures(data: ReportData) -> list[FigureFiles]:
    """Every figure on a light ground as SVG and PDF."""
    light = config(dark=False)
    return [
        FigureFiles(
            name=figure.name,
            svg=vl_convert.vegalite_to_svg(_spec(figure), config=light),
            pdf=vl_convert.vegalite_to_pdf(_spec(figure), config=light),
        )
        for figure in draw_figures(data)
    ]


def _spec(figure: Figure) -> dict[str, Any]:
    spec: dict[str, Any] = figure.chart.to_dict()
    # Altair writes its own configuration, which would win over the page's.
    spec.pop("config", None)
    return spec


def _embedded(value: object) -> str:
    """`value` as JSON that cannot end the script element that holds it."""
    text = json.dumps(_finite(value), ensure_ascii=False, allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _finite(value: object) -> object:
    """`value` with null for what JSON cannot say."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


_GLOBALS = "Object.assign(window, {vegaEmbed, vegaLite, vega});"
"""What the bundle gives the page: as it does when it is asked for nothing."""


@cache
def _bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed in one script that ends nowhere early."""
    return vl_convert.javascript_bundle(_GLOBALS).replace("</script", "<\\/script")


def _shipped(name: str) -> str:
    return (
        resources.files("stackelberg.report").joinpath(name).read_text(encoding="utf-8")
    )
