"""What each input is worth to an answer, by the envelope theorem.

V, the greatest welfare, changes with its data as the envelope theorem says, in
Problem 1 with x' = x / u as

    dV = sum lam dQ + sum mu dB - sum mu x dp + sum x' dw.

Other utilities change x' alone: with q = lam + mu p it is q x / w for CES users, -q u
for Leontief users, and b u^(1 - alpha) (log x - sum a log x) / sum w for Cobb-Douglas
users with shares a.

Each sum is taken with the first answer's shadow prices and with the second's; where
these are not unique, with those that price this change, the slope on its side. V is
concave in capacities and budgets together, so where only those changed the true change
lies between the two. Their mean errs in the third order of the change. A user that came
brings its welfare (its log utility) less the congestion rent that it pays; a node that
came brings the congestion rent that it takes; what left took the same away.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from stackelberg.edge.explanation.pairing import Pair, Side, amounts
from stackelberg.edge.explanation.price_freedom import PriceFreedom, price_freedom
from stackelberg.edge.fairness import Fairness
from stackelberg.edge.market import Floats
from stackelberg.edge.outcome import Outcome
from stackelberg.edge.utilities import Utility

Group = Literal["users", "nodes", "prices", "capacities", "budgets", "weights"]

GROUPS: tuple[Group, ...] = get_args(Group)


class PricedAnswer:
    """One answer on the rows and edges of the pair.

    Attributes:
        utility, spend: per user of the pair, 0 where it is absent.
        load: per node of the pair.
        lam, mu: shadow prices; those of the answer until `price_towards` is called.
        amount: per edge of the pair.
        counts: which users have a utility > 0.
        welfare: of those, else 0.
        objective: their sum.
    """

    def __init__(
        self,
        side: Side,
        matched: Pair,
        outcome: Outcome,
        family: Utility,
        fairness: Fairness,
    ) -> None:
        self.side, self.matched, self.outcome = side, matched, outcome
        self.family, self.fairness = family, fairness
        self.utility = side.on_users(outcome.utility)
        self.spend = side.on_users(outcome.spend)
        self.load = side.on_nodes(outcome.load)
        self.mu = side.on_users(outcome.budget_shadow_price)
        self.lam = side.on_nodes(outcome.capacity_shadow_price)
        self.amount = amounts(side, matched, outcome.allocation)
        self.counts = self.utility > 0.0
        self.some_utility = np.where(self.counts, self.utility, 1.0)
        self.welfare = np.where(self.counts, fairness.welfare(self.some_utility), 0.0)
        self.objective = float(self.welfare.sum())

    def price_towards(self, other: PricedAnswer, *, forward: bool) -> None:
        """Take the shadow prices that price the way to (or from) the other answer.

        Of all that prove the same, V falls most along them: its one-sided slope.
        """
        freedom = price_freedom(
            self.side.market,
            self.outcome,
            utility=self.family,
            fairness=self.fairness,
        )
        slope = _slope_per_group(self, other, freedom, forward=forward)
        shift = freedom.cheapest(slope if forward else -slope)
        prices = freedom.shifted(self.side.market, self.outcome, shift)
        self.mu = self.side.on_users(prices.budget)
        self.lam = self.side.on_nodes(prices.capacity)

    @property
    def per_weight(self) -> Floats:
        """Slope of the objective in each weight; 0 for users who do not count."""
        user, node = self.matched.edge_user, self.matched.edge_node
        rent = self.lam[node] + self.mu[user] * np.nan_to_num(self.side.price)[node]
        weight, amount = self.side.weight, self.amount
        there = weight > 0.0
        if self.family.family == "linear":
            slope = amount * self.fairness.marginal(self.some_utility)[user]
        elif self.family.family == "leontief":
            slope = -rent * self.utility[user]
        elif self.family.family == "ces":
            slope = rent * amount / np.where(there, weight, np.inf)
        else:
            slope = self._per_cobb_douglas_weight()
        return np.where(self.counts[user], slope, 0.0)

    def _per_cobb_douglas_weight(self) -> Floats:
        user, weight = self.matched.edge_user, self.side.weight
        total = by_user(self.matched, weight)
        total = np.where(total > 0.0, total, 1.0)
        some = self.amount > 0.0
        logs = np.log(np.where(some, self.amount, 1.0))
        mean = by_user(self.matched, weight * logs) / total
        money = self.fairness.virtual_money(self.some_utility) / total
        return np.where(some, money[user] * (logs - mean[user]), 0.0)

    @property
    def per_price(self) -> Floats:
        """Slope of the objective in each node's price: -sum_j mu_j x_ij."""
        paid = self.mu[self.matched.edge_user] * self.amount
        return -by_node(self.matched, paid)

    @property
    def rent(self) -> Floats:
        """Congestion rent that each user pays."""
        return by_user(self.matched, self.lam[self.matched.edge_node] * self.amount)


def _slope_per_group(
    one: PricedAnswer, other: PricedAnswer, freedom: PriceFreedom, *, forward: bool
) -> Floats:
    """How the priced change depends on t, for each group of `freedom`."""
    matched, side = one.matched, one.side
    first, second = (one, other) if forward else (other, one)
    sign = 1.0 if forward else -1.0
    gone_user = side.has_user & ~other.side.has_user
    gone_node = side.has_node & ~other.side.has_node
    capacity = np.where(
        gone_node, -sign * one.load, step_of("capacities", first, second)
    )
    capacity = capacity + sign * by_node(
        matched, one.amount * gone_user[matched.edge_user]
    )
    price_step = step_of("prices", first, second)
    budget = step_of("budgets", first, second) - by_user(
        matched, one.amount * price_step[matched.edge_node]
    )
    count = len(freedom.least)
    nodes, users = side.node_row[side.has_node], side.user_row[side.has_user]
    gained = side.market.price[nodes] * capacity[side.has_node]
    slope = np.zeros(count)
    np.add.at(slope, freedom.node_group[nodes], gained)
    np.subtract.at(slope, freedom.user_group[users], budget[side.has_user])
    return slope


def step_of(kind: Group, first: PricedAnswer, second: PricedAnswer) -> Floats:
    """Change of prices, capacities or budgets; 0 where one market lacks the row."""
    a, b = first.side, second.side
    if kind == "prices":
        step = b.price - a.price
    elif kind == "capacities":
        step = _limit(b.capacity, a.capacity, second.load)
        step = step - _limit(a.capacity, b.capacity, first.load)
    else:
        step = _limit(b.budget, a.budget, second.spend)
        step = step - _limit(a.budget, b.budget, first.spend)
    return np.where(np.isnan(step), 0.0, step)


def _limit(limit: Floats, other: Floats, used: Floats) -> Floats:
    """A limit, or where there is none the least that would change nothing."""
    finite = np.where(np.isfinite(other), other, 0.0)
    return np.where(np.isinf(limit), np.maximum(used, finite), limit)


def by_user(matched: Pair, values: Floats) -> Floats:
    """Sum over each user's edges."""
    sums = np.bincount(matched.edge_user, values, minlength=len(matched.users))
    return sums.astype(np.float64)


def by_node(matched: Pair, values: Floats) -> Floats:
    """Sum over each node's edges."""
    sums = np.bincount(matched.edge_node, values, minlength=len(matched.nodes))
    return sums.astype(np.float64)
