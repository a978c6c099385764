"""The spectrum game's part of a page."""

from __future__ import annotations

from stackelberg.report.numbers import NO_GAME, shown_percent
from stackelberg.report.part import Part
from stackelberg.report.spectrum.data import MethodRecord, ReportData
from stackelberg.report.spectrum.figures import draw_figures
from stackelberg.report.theme import METHODS


def spectrum_part(data: ReportData) -> Part:
    """The text, figures and numbers of one scenario's answer."""
    return Part(
        name="spectrum",
        title=data.title,
        lead=data.subtitle,
        template="spectrum/part.html.jinja",
        context={
            "data": data,
            "labels": {name: style.label for name, style in METHODS.items()},
            "relative": _shown_relative,
        },
        figures=tuple(draw_figures(data)),
        numbers=data.as_dict(),
        numbers_id="report-data",
    )


def _shown_relative(method: MethodRecord, value: float | None) -> str:
    """A regret or gap of a method in percent; one that plays no game has none."""
    if value is None and method.method == "no_reuse":
        return NO_GAME
    return shown_percent(value, 2)
