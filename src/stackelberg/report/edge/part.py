"""The edge market's part of a page."""

from __future__ import annotations

from stackelberg.report.edge.data import EdgeReportData
from stackelberg.report.edge.figures import draw_edge_figures, figure_name
from stackelberg.report.edge.story import printed_sentences
from stackelberg.report.part import Part
from stackelberg.report.theme import SHARINGS

MOST_ROWS = 1000
"""Of a table of the page; its numbers as JSON hold more."""


def edge_part(data: EdgeReportData) -> Part:
    """The text, figures and numbers of one market's allocation."""
    return Part(
        name="edge",
        title=data.title,
        lead=data.subtitle,
        template="edge/part.html.jinja",
        context={
            "data": data,
            "figure_name": figure_name,
            "labels": {name: style.label for name, style in SHARINGS.items()},
            "most": MOST_ROWS,
            "printed_sentences": printed_sentences,
            "several": len(data.resources) > 1,
        },
        figures=tuple(draw_edge_figures(data)),
        numbers=data.as_dict(),
        numbers_id="edge-report-data",
    )
