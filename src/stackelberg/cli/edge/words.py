"""Markets, answers and proofs in words and as records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from stackelberg.report.numbers import counted, shown_percent

if TYPE_CHECKING:
    from stackelberg.cli.edge.welfare import Welfare
    from stackelberg.edge import EdgeCertificate, Market, Outcome
    from stackelberg.edge.market import Names

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


QUOTA = 1e-3
"""Share of its utility by which one user may be off before that is spoken of."""

LEAST_ASKED = 1e-13
"""Gap per user below which no solver should be sent."""

MANY_EDGES = 2_000_000
"""Pairs in reach beyond which it is not looked whether shadow prices are unique."""


def market_words(market: Market) -> str:
    """The size of a market: nodes, users and pairs by name, whatever they trade."""
    parts = [
        _many(_distinct(market.nodes), "node"),
        _many(_distinct(market.users), "user"),
        f"{_many(market.num_edges, 'pair')} in reach",
    ]
    if len(market.resources) > 1:
        names = ", ".join(map(str, market.resources))
        parts.append(f"{len(market.resources)} resources: {names}")
    return ", ".join(parts)


def _many(count: int, one: str) -> str:
    return f"{count:,} {one}{'' if count == 1 else 's'}"


def _distinct(names: Names) -> int:
    return len(set(names.tolist()))


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


def answer_record(market: Market, outcome: Outcome, welfare: Welfare) -> dict[str, Any]:
    """Who is limited by what, and how many nodes are full, for JSON; both count rows of
    all resource types. `shadow_prices_not_unique` counts nodes; None in a market too
    large to look.
    """
    from stackelberg import edge

    limited = edge.virtual_money(market, outcome).limited_by
    full = outcome.load >= SOLD_OUT * market.capacity
    return {
        "users_limited_by": _counts(limited),
        "nodes_sold_out": int(full.sum()),
        "by_resource": [
            {
                "resource": resource,
                "users": users.stop - users.start,
                "nodes": nodes.stop - nodes.start,
                "users_limited_by": _counts(limited[users]),
                "nodes_sold_out": int(full[nodes].sum()),
            }
            for resource in market.resources
            for users, nodes in [market.rows_of(resource)]
        ],
        "shadow_prices_not_unique": _not_unique(market, outcome, welfare),
    }


def _counts(limited: Sequence[str]) -> dict[str, int]:
    limits = Counter(limited)
    return {name: limits[name] for name in ("budget", "capacity", "both")}


def _not_unique(market: Market, outcome: Outcome, welfare: Welfare) -> int | None:
    from stackelberg import edge

    if market.num_edges > MANY_EDGES:
        return None
    freedom = edge.price_freedom(market, outcome, **welfare.options)
    return int(freedom.not_unique(market, outcome).sum())


def answer_lines(market: Market, record: dict[str, Any]) -> list[str]:
    """`answer_record` in words, a line or two for each resource type."""
    lines: list[str] = []
    several = len(market.resources) > 1
    for one in record["by_resource"]:
        of = f"{one['resource']}: " if several else ""
        limits = one["users_limited_by"]
        by = ", ".join(f"{name} {count:,}" for name, count in limits.items())
        full = f"{one['nodes_sold_out']:,} of {counted(one['nodes'], 'node')} sold out"
        limited = f"users limited by {by}"
        lines += [f"{of}{limited}; {full}"] if several else [limited, full]
    found = record["shadow_prices_not_unique"]
    if found:
        lines.append(
            f"shadow prices are not unique at {counted(found, 'node')}, where all "
            "money and all capacity are used up together: which of the two limits a "
            "user there is a matter of degree, and `edge explain` gives the range"
        )
    return lines


def num_sold_out(market: Market, outcome: Outcome) -> int:
    """Nodes without room, those without any capacity included."""
    return int((outcome.load >= SOLD_OUT * market.capacity).sum())


def single_user_lines(
    certificate: EdgeCertificate, record: dict[str, Any], tolerance: float
) -> list[str]:
    """What the gap means for one user, and which tolerance to ask where that counts.

    A gap of g nats in all leaves a user with a share r of its optimal utility too
    little or too much, r - log(1 + r) <= g, so about the root of 2 g.
    """
    error = float(certificate.utility_error.max(initial=0.0))
    linear = record["utility"] == "linear" and record["fairness"] == 1.0
    if not linear or not QUOTA < error < 1.0:
        return []
    users = max(record["size"]["users"] - len(record["dropped_users"]), 1)
    ask = QUOTA**2 / 2.0 / users
    told = (
        f"one user's utility is known within {shown_percent(error)}: all users "
        f"together lack {certificate.duality_gap:.2g} nat at most, which might be one "
        "user's"
    )
    if not LEAST_ASKED <= ask < tolerance:
        return [told]
    return [
        f"{told}; where every single quota counts, ask for --tolerance {ask:.0e}, "
        f"which leaves {shown_percent(QUOTA)}"
    ]
