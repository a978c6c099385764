"""A small market, solved, as the numbers of a report."""

from __future__ import annotations

from stackelberg import edge
from stackelberg.report import EdgeReportData, edge_report_data


def example_market(*, num_users: int = 60, num_nodes: int = 20) -> edge.Market:
    return edge.generate(seed=5, num_users=num_users, num_nodes=num_nodes)


def example_edge_data(title: str = "A market") -> EdgeReportData:
    market = example_market()
    return edge_report_data(
        market, edge.allocate(market), title=title, money="USD", unit="vCPU-hour"
    )
