"""What each kind of input brought, by solving markets in which only some changed.

The effects are Shapley values: a kind's effect is what switching it from the first
market to the second adds to the optimum, on average over all orders in which the kinds
can be switched. They add up to the whole change, without a remainder.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
from scipy import sparse

from stackelberg.edge.explanation.envelope import Group
from stackelberg.edge.explanation.pairing import Pair, Side
from stackelberg.edge.market import Bools, Csr, Floats, Ints, Market

Switched = frozenset[Group]
"""The kinds of input taken from the second market."""


def switched_market(matched: Pair, switched: Switched) -> Market:
    """The first market with the `switched` kinds of input of the second.

    ``users`` and ``nodes`` say who is there. A number of somebody whom the market to be
    asked does not have is taken from the other one; a user and a node that never met
    are out of each other's reach.
    """
    has_user = _side(matched, "users", switched).has_user
    has_node = _side(matched, "nodes", switched).has_node
    users, nodes = np.flatnonzero(has_user), np.flatnonzero(has_node)

    def taken(kind: Group, of: Callable[[Side], Floats]) -> Floats:
        mine = of(_side(matched, kind, switched))
        return np.where(np.isnan(mine), of(_other(matched, kind, switched)), mine)

    return Market(
        price=taken("prices", lambda side: side.price)[nodes],
        capacity=taken("capacities", lambda side: side.capacity)[nodes],
        budget=taken("budgets", lambda side: side.budget)[users],
        weight=_weights(matched, switched, has_user, has_node, users, nodes),
        users=matched.users[users],
        nodes=matched.nodes[nodes],
        resources=matched.resources,
        node_type=matched.node_type[nodes],
        user_type=matched.user_type[users],
    )


def intermediate(groups: Sequence[Group]) -> Iterator[Switched]:
    """Every way of switching some of the groups, but neither none nor all."""
    for chosen in _subsets(groups):
        if 0 < len(chosen) < len(groups):
            yield chosen


def shapley_effects(
    groups: Sequence[Group], value: Mapping[Switched, float]
) -> dict[Group, float]:
    """Mean effect of switching each group, over all orders.

    Args:
        groups: kinds of input that differ.
        value: optimum for each subset of them, none and all included.

    Returns:
        Effects that add up to value[all] - value[none]; NaN throughout where some
        value is not finite.
    """
    if not all(math.isfinite(one) for one in value.values()):
        return dict.fromkeys(groups, math.nan)
    count = len(groups)
    effects: dict[Group, float] = {}
    for group in groups:
        one: Switched = frozenset({group})
        others: list[Group] = [other for other in groups if other != group]
        effects[group] = math.fsum(
            _weight(len(chosen), count) * (value[chosen | one] - value[chosen])
            for chosen in _subsets(others)
        )
    return effects


def _subsets(groups: Sequence[Group]) -> Iterator[Switched]:
    for size in range(len(groups) + 1):
        for chosen in combinations(groups, size):
            yield frozenset(chosen)


def _weight(size: int, count: int) -> float:
    """Share of the orders in which just `size` given groups come before a given one."""
    ahead, behind = math.factorial(size), math.factorial(count - size - 1)
    return ahead * behind / math.factorial(count)


def _side(matched: Pair, kind: Group, switched: Switched) -> Side:
    return matched.after if kind in switched else matched.before


def _other(matched: Pair, kind: Group, switched: Switched) -> Side:
    return matched.before if kind in switched else matched.after


def _weights(
    matched: Pair,
    switched: Switched,
    has_user: Bools,
    has_node: Bools,
    users: Ints,
    nodes: Ints,
) -> Csr:
    mine = _side(matched, "weights", switched)
    other = _other(matched, "weights", switched)
    knows = mine.has_user[matched.edge_user] & mine.has_node[matched.edge_node]
    weight = np.where(knows, mine.weight, other.weight)
    there = has_user[matched.edge_user] & has_node[matched.edge_node] & (weight > 0.0)
    user_place, node_place = np.cumsum(has_user) - 1, np.cumsum(has_node) - 1
    return sparse.csr_array(
        (
            weight[there],
            (
                user_place[matched.edge_user[there]],
                node_place[matched.edge_node[there]],
            ),
        ),
        shape=(len(users), len(nodes)),
    )
