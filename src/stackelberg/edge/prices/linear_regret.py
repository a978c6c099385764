"""How good prices are for nodes with linear users: intervals of regret, no equilibrium.

Revenue jumps where bargains tie and is a set there, so best responses undercut one
another and an equilibrium need not exist. What can be said of given prices is how much
a node gains for sure by a price that was tried, whatever basket the users choose, and
how much no price can gain.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from stackelberg.edge.market import Floats, Market
from stackelberg.edge.prices.ces_game import per_row
from stackelberg.edge.prices.revenue_intervals import (
    TOLERANCE,
    RevenueIntervals,
    revenue_intervals,
)
from stackelberg.errors import DomainError, ShapeError
from stackelberg.game import Certificate, CertificateRow
from stackelberg.game.numbers import real_numbers


@dataclass(frozen=True, eq=False)
class LinearRegret(Certificate):
    """What nodes could gain by other prices, the others' prices fixed.

    Attributes:
        present: what they earn at the market's prices.
        best_sure: most that a tried price earns each node whatever optimal basket users
            choose [M].
        best_tried: most that a tried price earns in some optimal basket [M].
        best_price: the tried price of `best_sure` [M].
        best_profit: proved: no price up to the cap earns more in any basket [M].
    """

    present: RevenueIntervals
    best_sure: Floats
    best_tried: Floats
    best_price: Floats
    best_profit: Floats

    @property
    def regret_at_least(self) -> Floats:
        """Gain for sure by a tried price, whatever the baskets before and after [M]."""
        return np.maximum(self.best_sure - self.present.greatest_profit, 0.0)

    @property
    def regret_at_most(self) -> Floats:
        """No price gains more [M]."""
        return self.best_profit - self.present.least_profit

    @property
    def total_regret_at_least(self) -> float:
        """The nodes' regrets together, given that a sale to one is none to another."""
        most = self.present.greatest_total_profit
        return max(float(self.best_sure.sum()) - most, 0.0)

    @property
    def total_regret_of_tried(self) -> float:
        """The same if users choose the best basket for a node that tries a price: the
        limit of undercutting a tie by less and less.
        """
        most = self.present.greatest_total_profit
        return max(float(self.best_tried.sum()) - most, 0.0)

    def rows(self) -> tuple[CertificateRow, ...]:
        """The numbers, in the order a reader wants them."""
        return tuple(
            CertificateRow(*row)
            for row in (
                ("regret_at_least", float(self.regret_at_least.max(initial=0.0)),
                 "money", "the most that a node gains for sure by a tried price"),
                ("total_regret_at_least", self.total_regret_at_least, "money",
                 "the same of all nodes together"),
                ("total_regret_of_tried", self.total_regret_of_tried, "money",
                 "the same where ties go to whoever tries a price"),
                ("regret_at_most", float(self.regret_at_most.max(initial=0.0)),
                 "money", "no price up to the cap gains a node more"),
            )
        )  # fmt: skip

    def holds(self, tolerance: float = 1e-6) -> bool:
        """Whether no price can gain a node more than `tolerance` of its best profit."""
        return bool(np.all(self.regret_at_most <= tolerance * self.best_profit))


def linear_regret(
    market: Market,
    candidates: npt.ArrayLike,
    *,
    cost: npt.ArrayLike | None = None,
    price_cap: npt.ArrayLike | None = None,
    tolerance: float = TOLERANCE,
) -> LinearRegret:
    """Measure the regret of the market's prices where users are linear.

    One allocation and linear programs for every node and candidate: for small markets.

    Args:
        market: prices to judge, capacities, budgets, linear weights.
        candidates: prices that every node tries, one axis, finite, >= 0.
        cost: of one unit, a number or [M]; by default the market's.
        price_cap: greatest price allowed, a number or [M]; None for none. Candidates
            above it are left out.
        tolerance: gap per user of the allocations.

    Raises:
        ConfigError, ShapeError, DomainError: an argument is of the wrong kind or out of
            range, or the market has unbounded users at some candidate.
    """
    tried = real_numbers("candidates", candidates, "one axis of prices")
    if tried.ndim != 1:
        raise ShapeError(
            "candidates",
            expected="one axis of prices",
            got=f"shape {list(tried.shape)}",
        )
    wrong = np.flatnonzero(~((tried >= 0.0) & np.isfinite(tried)))
    if len(wrong):
        raise DomainError(
            f"candidates[{wrong[0]}]",
            expected="a finite number >= 0",
            got=float(tried[wrong[0]]),
        )
    m = market.num_nodes
    costs = market.cost
    if cost is not None:
        costs = per_row("cost", cost, m, market.nodes)
    caps = np.full(m, np.inf)
    if price_cap is not None:
        caps = per_row("price_cap", price_cap, m, market.nodes, may_be_infinite=True)
    present = revenue_intervals(market, cost=costs, tolerance=tolerance).value
    sure, some = present.least_profit.copy(), present.greatest_profit.copy()
    best = market.price.copy()
    for i in range(m):
        for price in tried[tried <= caps[i]]:
            prices = market.price.copy()
            prices[i] = price
            there = revenue_intervals(
                replace(market, price=prices), cost=costs, tolerance=tolerance
            ).value
            some[i] = max(some[i], there.greatest_profit[i])
            if there.least_profit[i] > sure[i]:
                sure[i], best[i] = there.least_profit[i], price
    return LinearRegret(
        present=present,
        best_sure=sure,
        best_tried=some,
        best_price=best,
        best_profit=np.maximum(_most(market, costs, caps), some),
    )


def _most(market: Market, cost: Floats, cap: Floats) -> Floats:
    """At price p a node earns at most (p - c) Q and (1 - c / p) times all money in its
    reach; both rise with p.
    """
    money = np.bincount(
        market.weight.indices,
        market.budget[market.user_of_edge],
        minlength=market.num_nodes,
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        by_capacity = np.where(market.capacity > 0.0, (cap - cost) * market.capacity, 0)
        by_money = np.where(money > 0.0, money * (1.0 - cost / cap), 0.0)
    return np.maximum(np.minimum(by_capacity, by_money), 0.0)
