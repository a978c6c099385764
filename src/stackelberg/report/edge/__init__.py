"""The edge market's part of a report; users import from `stackelberg.report`."""

from stackelberg.report.edge.data import (
    EdgeReportData,
    NodeRecord,
    PrintedRecord,
    ResourceRecord,
    SharingRecord,
    UserRecord,
)

__all__ = [
    "EdgeReportData",
    "NodeRecord",
    "PrintedRecord",
    "ResourceRecord",
    "SharingRecord",
    "UserRecord",
]
