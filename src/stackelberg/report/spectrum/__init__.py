"""The spectrum game's part of a report; users import from `stackelberg.report`."""

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

__all__ = [
    "CapRecord",
    "CellularRecord",
    "FlatnessRecord",
    "MethodRecord",
    "PairRecord",
    "PlaceRecord",
    "ReportData",
    "SweepRecord",
]
