"""Why a user's utility is zero whatever anybody does, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from stackelberg.edge.market import Ints, Market

TOLD_AT_MOST = 5
"""Users whose reasons are told; as many as are named."""


def told_degenerate(market: Market, rows: Ints, every_node: bool = False) -> str:
    """Names of degenerate users with the reasons.

    Args:
        market: who reaches what.
        rows: of the users.
        every_node: whether utility needs an amount of every node in reach.
    """
    named = f"degenerate {market.named_users(rows)}"
    reasons = [_reason(market, int(j), every_node) for j in rows[:TOLD_AT_MOST]]
    if len(set(reasons)) == 1:
        return f"{named} ({reasons[0]})"
    groups: dict[str, list[str]] = {}
    for j, reason in zip(rows[:TOLD_AT_MOST], reasons, strict=True):
        groups.setdefault(reason, []).append(str(market.users[j]))
    told = "; ".join(f"{', '.join(who)}: {why}" for why, who in groups.items())
    return f"{named} ({told})"


def _reason(market: Market, user: int, every_node: bool) -> str:
    weight = market.weight
    node = weight.indices[weight.indptr[user] : weight.indptr[user + 1]]
    if not len(node):
        return "no node in reach"
    closed = market.capacity[node] == 0.0
    if every_node and closed.any():
        return f"node {market.nodes[node[np.argmax(closed)]]} has no capacity"
    if every_node:
        dear = int(np.argmax(market.price[node] > 0.0))
        return f"no budget for node {market.nodes[node[dear]]}"
    if closed.all():
        return "only nodes without capacity in reach"
    return "no budget, and no free node with capacity in reach"
