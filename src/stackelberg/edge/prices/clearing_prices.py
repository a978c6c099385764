"""Prices at which linear users spend their budgets and nodes sell their capacities.

They are the capacity shadow prices lam of Problem 1 without budgets, each user's log
utility weighted by its budget (Eisenberg and Gale, Annals of Mathematical Statistics
30(1), 1959): w_ij B_j / u_j <= lam_i, with equality where x_ij > 0, so that user j
spends sum_i lam_i x_ij = B_j, all of it on its best bargains.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from stackelberg.edge.allocate import EdgeSolution, allocate
from stackelberg.edge.fairness import Fairness
from stackelberg.edge.market import Csr, Floats, Ints, Market
from stackelberg.edge.outcome import segment_sums
from stackelberg.edge.prices.price_stop import PriceStop
from stackelberg.errors import DomainError
from stackelberg.game import Certificate, CertificateRow, Solution


@dataclass(frozen=True, eq=False)
class ClearingPrices:
    """Prices and what everybody gets; rows as in the market, money as in its budgets.

    Attributes:
        price: of one unit [M]; zero where nobody wants more.
        allocation: amounts, CSR [N, M], within the capacities.
        utility: sum_i w_ij x_ij per user row [N].
        spend: sum_i p_i x_ij per user row [N].
        load: sum_j x_ij per node row [M].
    """

    price: Floats
    allocation: Csr
    utility: Floats
    spend: Floats
    load: Floats


@dataclass(frozen=True, eq=False)
class ClearingCertificate(Certificate):
    """How near prices and amounts are to clearing the market.

    Attributes:
        gap_per_money: duality gap of the budget-weighted log utilities, in nats per
            unit of money: the log utility that a unit of money may lack on average.
        unsold: worth of what is not sold, relative to all money.
        budget_error: greatest distance of a spending from its budget, relative to it.
        shortfall: greatest share of the utility that a user's budget buys at these
            prices, and that it does not get.
    """

    gap_per_money: float
    unsold: float
    budget_error: float
    shortfall: float

    def rows(self) -> tuple[CertificateRow, ...]:
        """The numbers, in the order a reader wants them."""
        return (
            CertificateRow("gap_per_money", self.gap_per_money, "nat",
                           "log utility that a unit of money may lack on average"),
            CertificateRow("unsold", self.unsold, "",
                           "worth of unsold capacity, relative to all money"),
            CertificateRow("budget_error", self.budget_error, "",
                           "greatest distance of a spending from its budget"),
            CertificateRow("shortfall", self.shortfall, "",
                           "greatest share of affordable utility that a user lacks"),
        )  # fmt: skip

    def holds(self, tolerance: float = 1e-8) -> bool:
        """Whether the gap is at most `tolerance`. The others follow as its root."""
        return self.gap_per_money <= tolerance


def clearing_prices(
    market: Market,
    tolerance: float = 1e-8,
    *,
    drop_degenerate: bool = False,
    stop: PriceStop | None = None,
) -> Solution[ClearingPrices, ClearingCertificate]:
    """Find prices at which budgets are spent and capacities sold, users being linear.

    Args:
        market: capacities, budgets and weights; its own prices are not read.
        tolerance: gap per unit of money to prove, in nats; 1e-13 is the least.
        drop_degenerate: leave out users with money who reach no capacity, whose money
            nobody can earn; by default they are refused by name. Users without money
            take no part.
        stop: called before each step with the number of those done; returning True
            ends with the best prices so far.

    Returns:
        Solution whose status and iterations are those of the allocation.

    Raises:
        DomainError: a budget or the capacity of a node in reach is infinite, the
            tolerance is out of range, or there are degenerate users.
    """
    endless = np.flatnonzero(np.isinf(market.budget))
    if len(endless):
        raise DomainError(
            f"budget[{market.users[endless[0]]}]",
            expected="a finite number (money that is to be spent)",
            got="inf",
        )
    paying = market.budget > 0.0
    unsupported = paying & (_reach(market, market.capacity > 0.0) == 0)
    if unsupported.any() and not drop_degenerate:
        raise DomainError(
            "market",
            expected="for every user with money a node with weight > 0 and capacity "
            "> 0 (drop_degenerate=True leaves the others out)",
            got="degenerate " + market.named_users(np.flatnonzero(unsupported)),
        )
    active = paying & ~unsupported
    unit = float(market.budget[active].mean()) if active.any() else 1.0
    weight = sparse.csr_array(
        (
            np.where(active[market.user_of_edge], market.weight.data, 0.0),
            market.weight.indices,
            market.weight.indptr,
        ),
        shape=market.weight.shape,
    )
    unlimited = replace(
        market,
        price=np.zeros(market.num_nodes),
        budget=np.full(market.num_users, np.inf),
        weight=weight,
    )
    money = np.where(active, market.budget / unit, 1.0)
    solution = allocate(
        unlimited,
        tolerance,
        fairness=Fairness(alpha=1.0, user_weight=money),
        drop_degenerate=True,
        stop=None if stop is None else lambda step, _: stop(step),
    )
    value = _value(solution, unit)
    return Solution(
        value=value,
        certificate=_certificate(market, active, value, solution),
        status=solution.status,
        iterations=solution.iterations,
        stats={**solution.stats},
    )


def _reach(market: Market, nodes: np.ndarray) -> Ints:
    """How many of the given nodes each user row reaches [N]."""
    found = segment_sums(nodes[market.weight.indices] * 1.0, market.weight.indptr)
    return found.astype(np.int64)


def _value(solution: EdgeSolution, unit: float) -> ClearingPrices:
    answer = solution.value
    price = answer.capacity_shadow_price * unit
    return ClearingPrices(
        price=price,
        allocation=answer.allocation,
        utility=answer.utility,
        spend=np.asarray(answer.allocation @ price),
        load=answer.load,
    )


def _certificate(
    market: Market, active: np.ndarray, value: ClearingPrices, solution: EdgeSolution
) -> ClearingCertificate:
    """What market and prices say by themselves, beside the allocation's own gap."""
    budget = market.budget[active]
    sold = np.isfinite(market.capacity) & (market.capacity > 0.0)
    left = value.price[sold] @ (market.capacity - value.load)[sold]
    with np.errstate(divide="ignore"):
        bargain = market.weight.data / value.price[market.weight.indices]
    bargain[market.capacity[market.weight.indices] == 0.0] = 0.0
    best = np.zeros(market.num_users)
    np.maximum.at(best, market.user_of_edge, bargain)
    lack = 1.0 - value.utility[active] / (best[active] * budget)
    return ClearingCertificate(
        gap_per_money=solution.certificate.gap_per_user,
        unsold=float(left / budget.sum()) if len(budget) else 0.0,
        budget_error=float(np.abs(value.spend[active] / budget - 1.0).max(initial=0.0)),
        shortfall=float(lack.max(initial=0.0)),
    )
