"""Tables, figures and the page of a solved game."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stackelberg.report.collect import certificate_records, collect_data
    from stackelberg.report.data import (
        CapRecord,
        CellularRecord,
        CertificateRecord,
        FlatnessRecord,
        MethodRecord,
        PairRecord,
        PlaceRecord,
        ReportData,
        SweepRecord,
    )
    from stackelberg.report.figures import Figure, draw_figures
    from stackelberg.report.methods import method_record
    from stackelberg.report.page import FigureFiles, render_figures, render_page
    from stackelberg.report.pairs import pair_records

_HOME = {
    "CapRecord": "data",
    "CellularRecord": "data",
    "CertificateRecord": "data",
    "Figure": "figures",
    "FigureFiles": "page",
    "FlatnessRecord": "data",
    "MethodRecord": "data",
    "PairRecord": "data",
    "PlaceRecord": "data",
    "ReportData": "data",
    "SweepRecord": "data",
    "certificate_records": "collect",
    "collect_data": "collect",
    "draw_figures": "figures",
    "method_record": "methods",
    "pair_records": "pairs",
    "render_figures": "page",
    "render_page": "page",
}
"""Public name -> module; modules load when first used: plotting is slow to load."""

__all__ = [
    "CapRecord",
    "CellularRecord",
    "CertificateRecord",
    "Figure",
    "FigureFiles",
    "FlatnessRecord",
    "MethodRecord",
    "PairRecord",
    "PlaceRecord",
    "ReportData",
    "SweepRecord",
    "certificate_records",
    "collect_data",
    "draw_figures",
    "method_record",
    "pair_records",
    "render_figures",
    "render_page",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_HOME[name]}")
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
