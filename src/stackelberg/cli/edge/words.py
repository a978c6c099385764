"""Markets, answers and proofs in words and as records."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from stackelberg.report.numbers import counted

if TYPE_CHECKING:
    from stackelberg.edge import Market, Outcome

SHARE_OF = {
    "capacity_violation": "of the capacity",
    "budget_violation": "of the budget",
    "entry_violation": "of the node's sales",
    "moved": "of the utility",
    "utility_error": "of its utility",
}
"""What a number of an edge certificate is a share of."""

SOLD_OUT = 1.0 - 1e-6
"""Share of its capacity from which a node counts as sold out."""


def market_words(market: Market) -> str:
    """The size of a market."""
    parts = [
        f"{market.num_nodes:,} nodes",
        f"{market.num_users:,} users",
        f"{market.num_edges:,} pairs in reach",
    ]
    if len(market.resources) > 1:
        parts.append("resources " + ", ".join(map(str, market.resources)))
    return ", ".join(parts)


def market_record(market: Market) -> dict[str, Any]:
    """The size of a market for JSON; rows are counted per resource type."""
    return {
        "nodes": market.num_nodes,
        "users": market.num_users,
        "edges": market.num_edges,
        "resources": list(market.resources),
    }


def named(who: str, name: object, resource: object) -> str:
    """A user or node with its resource type, where that has a name of its own."""
    from stackelberg.edge.market import ONLY_RESOURCE

    of_type = "" if resource == ONLY_RESOURCE else f" ({resource})"
    return f"{who} {name}{of_type}"


def answer_record(market: Market, outcome: Outcome) -> dict[str, Any]:
    """Who is limited by what, and how many nodes are full, for JSON."""
    from stackelberg.edge import virtual_money

    limits = Counter(virtual_money(market, outcome).limited_by)
    return {
        "users_limited_by": {
            name: limits[name] for name in ("budget", "capacity", "both")
        },
        "nodes_sold_out": num_sold_out(market, outcome),
    }


def answer_lines(market: Market, record: dict[str, Any]) -> list[str]:
    """`answer_record` in words."""
    limits = record["users_limited_by"]
    by = ", ".join(f"{name} {count:,}" for name, count in limits.items())
    return [
        f"users limited by {by}",
        f"{record['nodes_sold_out']:,} of {counted(market.num_nodes, 'node')} sold out",
    ]


def num_sold_out(market: Market, outcome: Outcome) -> int:
    """Nodes without room, those without any capacity included."""
    return int((outcome.load >= SOLD_OUT * market.capacity).sum())
