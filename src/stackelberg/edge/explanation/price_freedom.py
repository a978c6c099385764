"""How far shadow prices may move without the answer being any less optimal.

At an optimum lam_i + mu_j p_i is what one more unit of x_ij adds to the welfare,
w_ij / u_j in Problem 1, wherever x_ij > 0, and utilities are unique. So shadow prices
can only move by

    lam_i -> lam_i + t p_i,    mu_j -> mu_j - t

for all nodes and users that purchases join, and only where all those capacities and all
those budgets are used up: a limit with room has price zero and holds the others. Then
money and capacity are short together, and which of them limits a user is a matter of
degree. What a user does not buy must stay too dear for it: t of its group may exceed
that of the node's group by z_ij / p_i at most, z_ij = lam_i + mu_j p_i - w_ij / u_j. So
the shadow prices that prove the same are the solutions of difference constraints, the
greatest and least t of every group are shortest paths, and all groups may be at their
greatest, or all at their least, at once. Leontief users, who ask for nodes in fixed
proportions, fix a sum of prices only; of their freedom nothing is said here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import linprog
from scipy.sparse.csgraph import connected_components, dijkstra

from stackelberg.edge.fairness import PROPORTIONAL, Fairness
from stackelberg.edge.market import Bools, Floats, Ints, Market
from stackelberg.edge.outcome import Outcome, on_edges
from stackelberg.edge.utilities import LINEAR, Utility

BOUGHT = 1e-6
"""Share of a utility from which an edge counts as bought."""

USED_UP = 1e-6
"""Relative room below which a limit counts as used up."""

OPEN = 1e-3
"""Width of a range of shadow prices, relative to its end, from which the price is said
not to be unique."""

RENT = 1e-6
"""Congestion rent (in Problem 1 in nats) up to which it is the solver's rounding."""

MANY_LINKS = 200_000
"""Links between groups from which no linear program is solved."""

_NOTHING = 1e-300
"""A length of zero, which a sparse graph would leave out."""


@dataclass(frozen=True, eq=False)
class Links:
    """t of the group `of_user` exceeds that of the group `of_node` by `spare` at most.

    Attributes:
        of_user, of_node: groups, each pair once [L].
        spare: >= 0 [L].
    """

    of_user: Ints
    of_node: Ints
    spare: Floats


@dataclass(frozen=True, eq=False)
class PriceFreedom:
    """The range of t per group of users and nodes that purchases join.

    Attributes:
        user_group: group of each user row [N].
        node_group: group of each node row [M].
        least: of t per group, <= 0.
        most: of t per group, >= 0; both are 0 where the prices are unique.
        links: what holds groups to one another.
    """

    user_group: Ints
    node_group: Ints
    least: Floats
    most: Floats
    links: Links

    def cheapest(self, slope: Floats) -> Floats:
        """The t per group, of all that prove the same, of least `slope` @ t.

        With more than `MANY_LINKS` links: the best of no move, all groups at their
        least and all at their greatest.
        """
        ends = [np.zeros(len(slope)), self.least, self.most]
        best = min(ends, key=lambda shift: float(slope @ shift))
        size = float(max(self.most.max(initial=0.0), -self.least.min(initial=0.0)))
        scale = float(np.abs(slope).max(initial=0.0))
        links = self.links
        if size * scale == 0.0 or len(links.spare) > MANY_LINKS:
            return best
        rows = np.arange(len(links.spare))
        count = np.ones(len(rows))
        between = sparse.csr_array(
            (
                np.concatenate([count, -count]),
                (
                    np.concatenate([rows, rows]),
                    np.concatenate([links.of_user, links.of_node]),
                ),
            ),
            shape=(len(rows), len(slope)),
        )
        found: Any = linprog(
            slope / scale, A_ub=between if len(rows) else None,
            b_ub=np.minimum(links.spare / size, 4.0) if len(rows) else None,
            bounds=np.column_stack([self.least, self.most]) / size, method="highs",
        )  # fmt: skip
        if found.x is None:
            return best
        return np.clip(size * np.asarray(found.x), self.least, self.most)

    def capacity_price_range(
        self, market: Market, outcome: Outcome
    ) -> tuple[Floats, Floats]:
        """The smallest and the largest shadow price of each node's capacity [M] of all
        that prove the same.
        """
        lam, group = outcome.capacity_shadow_price, self.node_group
        least = np.maximum(lam + self.least[group] * market.price, 0.0)
        return least, lam + self.most[group] * market.price

    def not_unique(self, market: Market, outcome: Outcome) -> Bools:
        """Nodes [M] whose shadow price has a range worth speaking of."""
        least, most = self.capacity_price_range(market, outcome)
        return (most - least > OPEN * most) & ((most - least) * outcome.load > RENT)

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
) -> PriceFreedom:
    """Find the ranges, up to the accuracy of the answer.

    Args:
        market: prices, capacities, budgets and weights.
        outcome: an answer close to the optimum; where it is not, limits have room, and
            there is no freedom.
        utility: of every user, with the market's weights.
        fairness: what the users' utilities are worth together.
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
    least, most = np.full(count, -np.inf), np.full(count, np.inf)
    np.minimum.at(most, user_group, outcome.budget_shadow_price)
    paid = market.price > 0.0
    np.maximum.at(
        least, node_group[paid],
        -outcome.capacity_shadow_price[paid] / market.price[paid],
    )  # fmt: skip
    least, most = np.where(free, least, 0.0), np.where(free, most, 0.0)
    links = _links(
        user_group[user],
        node_group[node],
        spare / np.where(price > 0.0, price, np.inf),
        (price > 0.0) & (free[user_group[user]] | free[node_group[node]]),
    )
    return PriceFreedom(
        user_group=user_group,
        node_group=node_group,
        least=-_shortest(count, links.of_user, links.of_node, links.spare, -least),
        most=_shortest(count, links.of_node, links.of_user, links.spare, most),
        links=links,
    )


def _links(of_user: Ints, of_node: Ints, spare: Floats, there: Bools) -> Links:
    """The tightest of all links between two groups."""
    kept = np.flatnonzero(there & (of_user != of_node) & np.isfinite(spare))
    kept = kept[np.lexsort((spare[kept], of_node[kept], of_user[kept]))]
    pair = np.column_stack([of_user[kept], of_node[kept]])
    first = np.ones(len(kept), dtype=bool)
    first[1:] = (pair[1:] != pair[:-1]).any(axis=1)
    kept = kept[first]
    return Links(of_user[kept], of_node[kept], spare[kept])


def _shortest(
    count: int, start: Ints, end: Ints, length: Floats, reach: Floats
) -> Floats:
    """For each group the least of `reach` of any group and the way from it."""
    ground = np.full(count, count)
    graph: Any = sparse.csr_array(
        (
            np.maximum(np.concatenate([length, reach]), _NOTHING),
            (
                np.concatenate([start, ground]),
                np.concatenate([end, np.arange(count)]),
            ),
        ),
        shape=(count + 1, count + 1),
    )
    found: Any = dijkstra(graph, indices=count)
    distance = np.asarray(found, dtype=np.float64)[:count]
    return np.where(distance <= count * _NOTHING, 0.0, distance)


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
