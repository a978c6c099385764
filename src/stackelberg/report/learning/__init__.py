"""What is learnt, on a page: curves beside the exact answer."""

from stackelberg.report.learning.tabular import (
    TabularReportData,
    tabular_part,
    tabular_report_data,
)

__all__ = ["TabularReportData", "tabular_part", "tabular_report_data"]
