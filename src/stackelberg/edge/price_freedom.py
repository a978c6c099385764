"""How far shadow prices may move without the answer being any less optimal.

At an optimum lam_i + mu_j p_i is what one more unit of x_ij adds to the welfare,
w_ij / u_j in Problem 1, wherever x_ij > 0, and utilities are unique. So shadow prices
can only move by

    lam_i -> lam_i + t p_i,    mu_j -> mu_j - t

for all nodes and users that purchases join, and only where all those capacities and all
those budgets are used up: a limit with room has price zero and holds the others. Then
money and capacity are short together, and which of them limits a user is a matter of
degree. Leontief users, who ask for nodes in fixed proportions, fix a sum of prices
only; of their freedom nothing is said here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from stackelberg.edge.fairness import PROPORTIONAL, Fairness
from stackelberg.edge.market import Bools, Floats, Ints, Market
from stackelberg.edge.outcome import Outcome, on_edges
from stackelberg.edge.utilities import LINEAR, Utility

BOUGHT = 1e-6
"""Share of a utility from which an edge counts as bought."""

USED_UP = 1e-6
"""Relative room below which a limit counts as used up."""


@dataclass(frozen=True, eq=False)
class PriceFreedom:
    """The range of t per group of users and nodes that purchases join.

    Attributes:
        user_group: group of each user row [N].
        node_group: group of each node row [M].
        least: of t per group, <= 0.
        most: of t per group, >= 0; both are 0 where the prices are unique.
    """

    user_group: Ints
    node_group: Ints
    least: Floats
    most: Floats

    def shifted(self, market: Market, outcome: Outcome, shift: Floats) -> Prices:
        """Other shadow prices of the same answer: `shift` is t per group."""
        by_node, by_user = shift[self.node_group], shift[self.user_group]
        return Prices(
            capacity=np.maximum(
                outcome.capacity_shadow_price + by_node * market.price, 0.0
            ),
            budget=np.maximum(outcome.budget_shadow_price - by_user, 0.0),
        )


@dataclass(frozen=True, eq=False)
class Prices:
    """Shadow prices of capacities [M] and of budgets [N]."""

    capacity: Floats
    budget: Floats


def price_freedom(
    market: Market,
    outcome: Outcome,
    *,
    utility: Utility = LINEAR,
    fairness: Fairness = PROPORTIONAL,
    together: bool = False,
) -> PriceFreedom:
    """Find the ranges, up to the accuracy of the answer.

    Args:
        market: prices, capacities, budgets and weights.
        outcome: an answer close to the optimum; where it is not, limits have room, and
            there is no freedom.
        utility: of every user, with the market's weights.
        fairness: what the users' utilities are worth together.
        together: find ranges within which all groups may move at once, each by its own
            t; else the widest range for a group that moves alone.
    """
    amount, _ = on_edges(market, outcome.allocation)
    user, node = market.user_of_edge, market.weight.indices
    price = market.price[node]
    value = np.where(outcome.utility > 0.0, outcome.utility, 1.0)
    linear = utility.family == "linear"
    # Smooth users buy some of every node that they may buy from.
    least_bought = BOUGHT * value[user] if linear else 0.0
    bought = market.weight.data * amount > least_bought
    n, m = market.num_users, market.num_nodes
    joined = bought & (price > 0.0)
    graph: Any = sparse.coo_array(
        (np.ones(int(joined.sum())), (user[joined], n + node[joined])),
        shape=(n + m, n + m),
    )
    count, group = connected_components(graph, directed=False)
    group = group.astype(np.int64)
    user_group, node_group = group[:n], group[n:]
    free = _free(market, outcome, count, user_group, node_group)
    free &= utility.family != "leontief"
    rent = outcome.capacity_shadow_price[node]
    rent = rent + outcome.budget_shadow_price[user] * price
    worth = market.weight.data * fairness.marginal(value)[user]
    spare = np.maximum(rent - worth, 0.0) if linear else np.full(len(rent), np.inf)
    if together:
        spare = (
            np.where(free[user_group[user]] & free[node_group[node]], 0.5, 1) * spare
        )
    least, most = np.full(count, -np.inf), np.full(count, np.inf)
    np.minimum.at(most, user_group, outcome.budget_shadow_price)
    paid = market.price > 0.0
    np.maximum.at(
        least, node_group[paid],
        -outcome.capacity_shadow_price[paid] / market.price[paid],
    )  # fmt: skip
    between = (user_group[user] != node_group[node]) & (price > 0.0)
    step = spare[between] / price[between]
    np.minimum.at(most, user_group[user[between]], step)
    np.maximum.at(least, node_group[node[between]], -step)
    return PriceFreedom(
        user_group=user_group,
        node_group=node_group,
        least=np.where(free, least, 0.0),
        most=np.where(free, most, 0.0),
    )


def _free(
    market: Market, outcome: Outcome, count: int, user_group: Ints, node_group: Ints
) -> Bools:
    """Groups of at least one user and one node in which every limit is used up."""
    spent = outcome.spend >= (1.0 - USED_UP) * market.budget
    sold = outcome.load >= (1.0 - USED_UP) * market.capacity
    has_user, has_node = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    has_user[user_group] = True
    has_node[node_group] = True
    with_room = np.zeros(count, dtype=bool)
    with_room[user_group[~spent]] = True
    with_room[node_group[~sold]] = True
    return has_user & has_node & ~with_room
