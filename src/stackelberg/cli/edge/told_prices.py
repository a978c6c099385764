"""Prices that somebody chose, node by node, and what is proved about them."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from stackelberg.cli import output as terminal
from stackelberg.report.numbers import beside, shown_change, shown_percent, significant

if TYPE_CHECKING:
    from rich.table import Table

    from stackelberg.edge import Market
    from stackelberg.game import Solution

SHARE_OF = {
    "relative_regret": "of its best profit",
    "other_regret": "of its best profit",
    "gap": "of the bound",
    "capacity_excess": "of the capacity",
    "bargain_error": "of its best utility",
    "unsold": "of all money",
}
"""What a number of a price certificate is a share of."""


def price_records(market: Market, value: Any) -> dict[str, Any]:
    """Every number per node that the outcome has, for JSON, columns by name."""
    columns = {
        field.name: getattr(value, field.name)
        for field in fields(value)
        if getattr(getattr(value, field.name), "shape", None) == market.price.shape
        and field.name != "spend"
    }
    return {
        "node": market.nodes,
        "resource": [market.resources[k] for k in market.node_type],
        "price_before": market.price,
        **columns,
    }


def price_advice(solution: Solution[Any, Any]) -> str:
    """What the status advises; of one owner's prices for linear users, that others may
    be better, since nothing there iterates towards an end.
    """
    from stackelberg.edge import LinearOperatorCertificate
    from stackelberg.game import Status

    proof = solution.certificate
    searched = isinstance(proof, LinearOperatorCertificate) and proof.feasible()
    if not (searched and solution.status is Status.MAX_ITERATIONS):
        return solution.status.advice
    return (
        "Better prices may exist: these earn "
        f"{beside(proof.profit, proof.upper_bound)}, and it is proved that none earn "
        f"more than {beside(proof.upper_bound, proof.profit)}."
    )


def price_parts(
    market: Market, solution: Solution[Any, Any], most: int
) -> list[str | Table]:
    """Totals, the nodes that earn most, and the certificate."""
    import numpy as np

    value = solution.value
    revenue = np.nan_to_num(value.price) * value.load
    profit = getattr(value, "profit", revenue - market.cost * value.load)
    parts: list[str | Table] = [
        f"  all nodes: revenue {significant(float(revenue.sum()))}, profit "
        f"{significant(float(profit.sum()))}; users have "
        f"{significant(float(market.budget.sum()))}"
    ]
    made = terminal.table(
        None, "node", "price", "change", "sells", "full", "revenue", "profit"
    )
    order = np.argsort(-profit, kind="stable")
    for i in order[:most]:
        made.add_row(
            str(market.nodes[i]),
            significant(float(value.price[i])),
            _change(float(market.price[i]), float(value.price[i])),
            significant(float(value.load[i])),
            _full(float(value.load[i]), float(market.capacity[i])),
            significant(float(revenue[i])),
            significant(float(profit[i])),
        )
    if len(order) > most:
        made.add_row(f"and {len(order) - most} more")
    return [
        *parts,
        made,
        terminal.certificate_table(solution.certificate, share_of=SHARE_OF),
    ]


def _change(before: float, after: float) -> str:
    return shown_change(after / before - 1.0) if before > 0.0 else ""


def _full(load: float, capacity: float) -> str:
    return shown_percent(load / capacity) if capacity > 0.0 else ""
