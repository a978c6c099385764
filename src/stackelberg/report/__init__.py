"""Tables, figures and the page of a solved game."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stackelberg.report.certificate import CertificateRecord, certificate_records
    from stackelberg.report.edge.collect import edge_report_data
    from stackelberg.report.edge.data import (
        EdgeReportData,
        NodeRecord,
        PrintedRecord,
        ResourceRecord,
        SharingRecord,
        UserRecord,
    )
    from stackelberg.report.edge.figures import draw_edge_figures
    from stackelberg.report.figure import Figure
    from stackelberg.report.learning.policy import (
        PolicyReportData,
        policy_report_data,
    )
    from stackelberg.report.learning.tabular import (
        TabularReportData,
        tabular_report_data,
    )
    from stackelberg.report.page import FigureFiles, render_figures, render_page
    from stackelberg.report.spectrum.collect import collect_data
    from stackelberg.report.spectrum.data import (
        CapRecord,
        CellularRecord,
        FlatnessRecord,
        MethodRecord,
        PairRecord,
        PlaceRecord,
        ReportData,
        SweepRecord,
    )
    from stackelberg.report.spectrum.figures import draw_figures
    from stackelberg.report.spectrum.methods import method_record
    from stackelberg.report.spectrum.pairs import pair_records
    from stackelberg.report.study.data import StudyData
    from stackelberg.report.study.figures import draw_study_figures

_HOME = {
    "edge_report_data": "edge.collect",
    "draw_edge_figures": "edge.figures",
    "UserRecord": "edge.data",
    "SharingRecord": "edge.data",
    "ResourceRecord": "edge.data",
    "PrintedRecord": "edge.data",
    "NodeRecord": "edge.data",
    "EdgeReportData": "edge.data",
    "CapRecord": "spectrum.data",
    "CellularRecord": "spectrum.data",
    "CertificateRecord": "certificate",
    "Figure": "figure",
    "FigureFiles": "page",
    "FlatnessRecord": "spectrum.data",
    "MethodRecord": "spectrum.data",
    "PairRecord": "spectrum.data",
    "PlaceRecord": "spectrum.data",
    "PolicyReportData": "learning.policy",
    "ReportData": "spectrum.data",
    "StudyData": "study.data",
    "SweepRecord": "spectrum.data",
    "TabularReportData": "learning.tabular",
    "draw_study_figures": "study.figures",
    "certificate_records": "certificate",
    "collect_data": "spectrum.collect",
    "draw_figures": "spectrum.figures",
    "method_record": "spectrum.methods",
    "pair_records": "spectrum.pairs",
    "policy_report_data": "learning.policy",
    "render_figures": "page",
    "render_page": "page",
    "tabular_report_data": "learning.tabular",
}
"""Public name -> module; modules load when first used: plotting is slow to load."""

__all__ = [
    "CapRecord",
    "CellularRecord",
    "CertificateRecord",
    "EdgeReportData",
    "Figure",
    "FigureFiles",
    "FlatnessRecord",
    "MethodRecord",
    "NodeRecord",
    "PairRecord",
    "PlaceRecord",
    "PolicyReportData",
    "PrintedRecord",
    "ReportData",
    "ResourceRecord",
    "SharingRecord",
    "StudyData",
    "SweepRecord",
    "TabularReportData",
    "UserRecord",
    "certificate_records",
    "collect_data",
    "draw_edge_figures",
    "draw_figures",
    "draw_study_figures",
    "edge_report_data",
    "method_record",
    "pair_records",
    "policy_report_data",
    "render_figures",
    "render_page",
    "tabular_report_data",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_HOME[name]}")
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
