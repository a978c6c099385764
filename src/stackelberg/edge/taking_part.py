"""Which users count, given what they find useful; who makes a market unsolvable."""

from __future__ import annotations

import numpy as np

from stackelberg.edge.degenerate import told_degenerate
from stackelberg.edge.market import Bools, Ints, Market
from stackelberg.edge.utilities import Utility
from stackelberg.errors import DomainError


def users_taking_part(
    market: Market, utility: Utility, drop_degenerate: bool = False
) -> Bools:
    """The user rows that count in the welfare [N]; linear: `Market.solvable_users`.

    A user is degenerate if its utility is zero whatever anybody does: where utility
    needs an amount of every node in reach (elasticity at most 1), one node that can
    carry nothing is enough. It is unbounded if its best amounts are: a node without
    limit to it (infinite capacity, and free or an infinite budget) is enough, but with
    `leontief` utility, where amounts go together, all nodes must be without limit.

    Args:
        market: who reaches what.
        utility: of every user.
        drop_degenerate: leave degenerate users out instead of refusing them.

    Raises:
        DomainError: there are degenerate or unbounded users; names them.
    """
    if utility.family == "linear":
        return market.solvable_users(drop_degenerate)
    unbounded = market.unbounded_users()
    if utility.family == "leontief" and len(unbounded):
        unbounded = _without_any_limit(market)
    if len(unbounded):
        raise DomainError(
            "market",
            expected="for every user a finite capacity or a price and a finite "
            f"budget at {_nodes_that_matter(utility)} in reach",
            got="unbounded amounts of " + market.named_users(unbounded),
        )
    degenerate = (
        _lacking_a_node(market)
        if utility.needs_every_node
        else market.degenerate_users()
    )
    if len(degenerate) and not drop_degenerate:
        each = "every node in reach" if utility.needs_every_node else "a node"
        raise DomainError(
            "market",
            expected=f"for every user {each} with capacity > 0 that is free or that "
            "its budget can pay for (drop_degenerate=True leaves the others out)",
            got=told_degenerate(market, degenerate, utility.needs_every_node),
        )
    counted = np.ones(market.num_users, dtype=bool)
    counted[degenerate] = False
    return counted


def _nodes_that_matter(utility: Utility) -> str:
    return "some node" if utility.family == "leontief" else "each node"


def _without_any_limit(market: Market) -> Ints:
    """Users who reach something, all of it without limit."""
    price = market.price[market.weight.indices]
    user = market.user_of_edge
    limited = np.isfinite(market.capacity)[market.weight.indices] | (
        (price > 0.0) & np.isfinite(market.budget)[user]
    )
    limits = np.bincount(user, limited, minlength=market.num_users)
    return np.flatnonzero((limits == 0.0) & (np.diff(market.weight.indptr) > 0))


def _lacking_a_node(market: Market) -> Ints:
    """Users who reach nothing, or a node that can carry nothing for them."""
    closed = np.bincount(
        market.user_of_edge, ~market.usable_edges(), minlength=market.num_users
    )
    return np.flatnonzero((closed > 0.0) | (np.diff(market.weight.indptr) == 0))
