"""The spectrum game's part of a report; `stackelberg.report` has all that users need."""

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
