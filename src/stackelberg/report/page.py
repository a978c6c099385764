"""Solved games as one self-contained page, and its figures as SVG and PDF files.

The page loads nothing: scripts, styles, numbers and figures are inside it, and its
content security policy forbids every request.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, TypeAlias

import jinja2
import vl_convert

from stackelberg.report.certificate import CertificateRecord
from stackelberg.report.edge.data import EdgeReportData
from stackelberg.report.edge.part import edge_part
from stackelberg.report.embedded import embedded
from stackelberg.report.figure import Figure
from stackelberg.report.learning.policy import PolicyReportData, policy_part
from stackelberg.report.learning.tabular import TabularReportData, tabular_part
from stackelberg.report.numbers import (
    SHARE_OF,
    certificate_cell,
    shown_change,
    shown_percent,
    shown_rate,
    shown_relative,
    significant,
)
from stackelberg.report.part import Part
from stackelberg.report.spectrum.data import ReportData
from stackelberg.report.spectrum.part import spectrum_part
from stackelberg.report.study.data import StudyData
from stackelberg.report.study.part import study_part
from stackelberg.report.theme import config

GameData: TypeAlias = (
    ReportData | EdgeReportData | TabularReportData | PolicyReportData | StudyData
)

_PART_OF: dict[type, Callable[[Any], Part]] = {
    ReportData: spectrum_part,
    EdgeReportData: edge_part,
    TabularReportData: tabular_part,
    StudyData: study_part,
    PolicyReportData: policy_part,
}
"""How its part of a page is made."""


def render_page(*games: GameData, title: str = "", lead: str = "") -> str:
    """The report as the text of one HTML file that opens offline.

    Args:
        games: what was solved, a part of the page each, at most one of a game.
        title: of the page; by default that of its first part.
        lead: below the title; by default that of its first part.
    """
    parts = [_PART_OF[type(game)](game) for game in games]
    environment = _environment()
    level = 1 if len(parts) == 1 else 2
    bodies = {
        part.name: environment.get_template(part.template).render(
            **part.context,
            figures={figure.name: figure for figure in part.figures},
            level=level,
        )
        for part in parts
    }
    return environment.get_template("page.html.jinja").render(
        title=title or parts[0].title,
        lead=lead or parts[0].lead,
        parts=parts,
        bodies=bodies,
        style=_shipped("page.css"),
        behaviour=_shipped("page.js"),
        bundle=_bundle(),
        specifications={
            figure.name: _spec(figure) for part in parts for figure in part.figures
        },
        configurations={"light": config(dark=False), "dark": config(dark=True)},
    )


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        autoescape=True,
        loader=jinja2.FunctionLoader(_shipped),
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(_FILTERS)
    return environment


def _certified(
    row: CertificateRecord, rows: tuple[CertificateRecord, ...]
) -> tuple[str, str]:
    values = {other.name: other.value for other in rows}
    value, unit = certificate_cell(row.name, row.unit, values)
    return value, unit or SHARE_OF.get(row.name, "")


_FILTERS: dict[str, Callable[..., object]] = {
    "certified": _certified,
    "change": shown_change,
    "embedded": embedded,
    "percent": shown_percent,
    "nearly": shown_relative,
    "rate": shown_rate,
    "significant": significant,
}
"""What templates may call."""


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


def render_figures(*games: GameData) -> list[FigureFiles]:
    """Every figure on a light ground as SVG and PDF."""
    light = config(dark=False)
    return [
        FigureFiles(
            name=figure.name,
            svg=vl_convert.vegalite_to_svg(_spec(figure), config=light),
            pdf=vl_convert.vegalite_to_pdf(_spec(figure), config=light),
        )
        for game in games
        for figure in _PART_OF[type(game)](game).figures
    ]


def _spec(figure: Figure) -> dict[str, Any]:
    spec: dict[str, Any] = figure.chart.to_dict()
    # Altair writes its own configuration, which would win over the page's.
    spec.pop("config", None)
    return spec


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
