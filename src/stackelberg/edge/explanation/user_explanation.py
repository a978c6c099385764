"""One user of an answer, in its own numbers.

What a limit costs is read off the shadow prices: lam_i is what one more unit of node i
would add to the welfare (in Problem 1 the sum of log utilities, in nats), mu_j what one
more unit of user j's money would. Welfare is concave in capacities and budgets, so for
larger steps both are upper bounds. What a linear user alone can make of it, everybody
else's purchases as they are, is a lower bound; it is a knapsack whose parts may be cut,
solved by w / p.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from stackelberg.edge.explanation.best_alone import best_alone
from stackelberg.edge.explanation.price_freedom import (
    BOUGHT,
    PriceFreedom,
    price_freedom,
)
from stackelberg.edge.explanation.virtual_money import (
    LimitedBy,
    VirtualMoney,
    utility_shares,
)
from stackelberg.edge.fairness import PROPORTIONAL, Fairness
from stackelberg.edge.market import Floats, Ints, Market, Name
from stackelberg.edge.outcome import Outcome
from stackelberg.edge.utilities import LINEAR, Utility
from stackelberg.errors import DomainError

ONE_PERCENT = 0.01


@dataclass(frozen=True)
class Purchase:
    """What a user gets from one node.

    Attributes:
        node: its name.
        amount: units.
        spend: money, p_i x_ij.
        utility_share: part of its utility that it owes to this node.
        congestion_rent: lam_i x_ij, part of the user's virtual money.
        utilisation: load of the node over its capacity; 0 without a limit.
    """

    node: Name
    amount: float
    spend: float
    utility_share: float
    congestion_rent: float
    utilisation: float


@dataclass(frozen=True)
class OnePercentMore:
    """What 1 % more of a limit would bring.

    Attributes:
        amount: so much of it.
        market_gain: to the welfare, at most.
        own_gain: to the user's own log utility if nobody else changed anything, nats;
            None where the utility is not linear.
    """

    amount: float
    market_gain: float
    own_gain: float | None


@dataclass(frozen=True)
class WantedNode:
    """The node in reach of which one more unit is worth most to a user.

    Attributes:
        node: its name.
        surplus: welfare that the unit adds for this user, less what it pays for it.
        shadow_price: lam_i, what the unit is worth to the market.
        utilisation: load over capacity.
        more: 1 % more capacity, all of it for this user.
    """

    node: Name
    surplus: float
    shadow_price: float
    utilisation: float
    more: OnePercentMore


@dataclass(frozen=True)
class UserExplanation:
    """One user row of an answer.

    Attributes:
        user: its name.
        resource: type of the row.
        utility: of what it gets.
        budget: money it has; may be infinite.
        spend: money it spends.
        budget_shadow_price: mu_j, welfare per unit of money.
        budget_rent: mu_j B_j.
        congestion_rent: sum_i lam_i x_ij.
        due: what both add up to at an optimum: 1 in Problem 1.
        least_budget_rent: smallest of all shadow prices that prove the same.
        most_budget_rent: largest one; both are `budget_rent` where prices are unique.
        limited_by: where the larger part of the unit goes.
        purchases: largest part of the utility first, without what is negligible.
        num_in_reach: nodes in reach.
        more_money: 1 % more budget; None where there is no budget or no limit.
        wanted: the node it would want more of; None if none is congested.
    """

    user: Name
    resource: Name
    utility: float
    budget: float
    spend: float
    budget_shadow_price: float
    budget_rent: float
    congestion_rent: float
    due: float
    least_budget_rent: float
    most_budget_rent: float
    limited_by: LimitedBy
    purchases: tuple[Purchase, ...]
    num_in_reach: int
    more_money: OnePercentMore | None
    wanted: WantedNode | None

    @property
    def virtual_money(self) -> float:
        """Both rents together: `due` at an optimum."""
        return self.budget_rent + self.congestion_rent


def explain_user(
    market: Market,
    outcome: Outcome,
    row: int,
    *,
    utility: Utility = LINEAR,
    fairness: Fairness = PROPORTIONAL,
) -> UserExplanation:
    """Explain a user row: what it got, what limits it, what it would want more of.

    Args:
        market: prices, capacities, budgets and weights.
        outcome: an allocation that keeps the limits, and shadow prices.
        row: of the market's users.
        utility: of every user, with the market's weights.
        fairness: what the users' utilities are worth together.

    Raises:
        DomainError: if there is no such row.
    """
    check_row(row, market.num_users)
    view = _View(market, outcome, row, utility, fairness)
    mu, budget = float(outcome.budget_shadow_price[row]), view.budget
    least_mu, most_mu = view.budget_price_range()
    budget_rent, limit = mu * view.limit, view.limit
    congestion_rent = float(outcome.capacity_shadow_price[view.node] @ view.amount)
    money = VirtualMoney(np.array([budget_rent]), np.array([congestion_rent]))
    return UserExplanation(
        user=market.users[row].item(),
        resource=market.resources[market.user_type[row]],
        utility=view.utility,
        budget=budget,
        spend=float(outcome.spend[row]),
        budget_shadow_price=mu,
        budget_rent=budget_rent,
        congestion_rent=congestion_rent,
        due=float(fairness.virtual_money(outcome.utility)[row]),
        least_budget_rent=least_mu * limit,
        most_budget_rent=most_mu * limit,
        limited_by=money.limited_by[0],
        purchases=view.purchases(),
        num_in_reach=len(view.node),
        more_money=view.more_money(least_mu),
        wanted=view.wanted(),
    )


def check_row(row: int, count: int) -> None:
    """Refuse a row that is not there.

    Raises:
        DomainError: naming `row`.
    """
    if not 0 <= row < count:
        raise DomainError(
            "row", expected=f"a whole number from 0 to {count - 1}", got=row
        )


def utilisation_of(market: Market, outcome: Outcome, node: int) -> float:
    """Load over capacity; 0 without a limit, 1 where nothing can be sold."""
    load, capacity = float(outcome.load[node]), float(market.capacity[node])
    if math.isinf(capacity):
        return 0.0
    return load / capacity if capacity > 0.0 else 1.0


class _View:
    """The market as one user sees it, everybody else's purchases as they are."""

    def __init__(
        self,
        market: Market,
        outcome: Outcome,
        row: int,
        utility: Utility,
        fairness: Fairness,
    ) -> None:
        edges = slice(market.weight.indptr[row], market.weight.indptr[row + 1])
        self.market, self.outcome, self.row = market, outcome, row
        self.node: Ints = market.weight.indices[edges]
        self.weight: Floats = market.weight.data[edges]
        bought: Floats = outcome.allocation[[row]].toarray().ravel()
        self.amount = bought[self.node]
        self.price = market.price[self.node]
        self.utility = float(outcome.utility[row])
        self.budget = float(market.budget[row])
        self.limit = self.budget if math.isfinite(self.budget) else 0.0
        self.linear = utility.family == "linear"
        self.share = utility_shares(market, outcome, utility)[edges]
        self.marginal_welfare = float(fairness.marginal(outcome.utility)[row])
        self.freedom: PriceFreedom = price_freedom(
            market, outcome, utility=utility, fairness=fairness
        )

    def budget_price_range(self) -> tuple[float, float]:
        """The smallest and the largest mu_j of all that prove the same."""
        mu = float(self.outcome.budget_shadow_price[self.row])
        group = self.freedom.user_group[self.row]
        least, most = self.freedom.least[group], self.freedom.most[group]
        return max(mu - float(most), 0.0), max(mu - float(least), 0.0)

    def purchases(self) -> tuple[Purchase, ...]:
        lam = self.outcome.capacity_shadow_price
        made = [
            Purchase(
                node=self.market.nodes[i].item(),
                amount=float(x),
                spend=float(self.market.price[i] * x),
                utility_share=float(share),
                congestion_rent=float(lam[i] * x),
                utilisation=utilisation_of(self.market, self.outcome, int(i)),
            )
            for i, share, x in zip(self.node, self.share, self.amount, strict=True)
            if share > BOUGHT or (not self.linear and x > BOUGHT * self.outcome.load[i])
        ]
        return tuple(sorted(made, key=lambda one: -one.utility_share))

    def more_money(self, mu: float) -> OnePercentMore | None:
        if not (self.limit > 0.0 and self.utility > 0.0):
            return None
        more = ONE_PERCENT * self.limit
        return OnePercentMore(more, mu * more, self._gain(self.budget + more))

    def wanted(self) -> WantedNode | None:
        """The node with the greatest surplus, if its capacity is in the way."""
        if not (len(self.node) and self.utility > 0.0):
            return None
        surplus = self._surplus()
        best = int(np.argmax(surplus))
        i = int(self.node[best])
        lam = float(self.outcome.capacity_shadow_price[i])
        # At an optimum the surplus is at most lam: of a node with room nobody wants
        # more.
        mu = float(self.outcome.budget_shadow_price[self.row])
        worth_seeing = BOUGHT * (surplus[best] + mu * self.price[best])
        if not min(surplus[best], lam) > worth_seeing:
            return None
        more = ONE_PERCENT * float(self.market.capacity[i])
        least = self.freedom.least[self.freedom.node_group[i]] * self.price[best]
        gain = max(lam + float(least), 0.0) * more
        return WantedNode(
            node=self.market.nodes[i].item(),
            surplus=float(surplus[best]),
            shadow_price=lam,
            utilisation=utilisation_of(self.market, self.outcome, i),
            more=OnePercentMore(more, gain, self._gain(self.budget, best, more)),
        )

    def _surplus(self) -> Floats:
        """What one more unit of each node adds for this user, less what it pays."""
        if not self.linear:  # at an optimum: what the unit is worth to anybody
            return self.outcome.capacity_shadow_price[self.node]
        mu = float(self.outcome.budget_shadow_price[self.row])
        return self.weight * self.marginal_welfare - mu * self.price

    def _gain(
        self, budget: float, at: int | None = None, more: float = 0.0
    ) -> float | None:
        """Own log utility gained with so much money, and so much more at one node."""
        if not self.linear:
            return None
        free = self.market.capacity[self.node] - self.outcome.load[self.node]
        # A priced node without limit is bought from as far as the money goes.
        afford = np.full(len(self.price), np.inf)
        np.divide(budget, self.price, out=afford, where=self.price > 0.0)
        most = np.minimum(self.amount + np.maximum(free, 0.0), afford)
        if at is not None:
            most[at] += more
        _, utility = best_alone(self.weight, self.price, most, budget)
        return math.log(utility / self.utility)
