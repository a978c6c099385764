"""What is learnt, on a page: curves beside the exact answer."""

from stackelberg.report.learning.policy import (
    PolicyReportData,
    policy_part,
    policy_report_data,
)
from stackelberg.report.learning.tabular import (
    TabularReportData,
    tabular_part,
    tabular_report_data,
)

__all__ = [
    "PolicyReportData",
    "TabularReportData",
    "policy_part",
    "policy_report_data",
    "tabular_part",
    "tabular_report_data",
]
