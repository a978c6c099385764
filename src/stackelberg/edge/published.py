"""Theorem 1 as printed, mistakes included, for reproduction only.

The formulas follow the supplement letter by letter, but for indices that would make no
sense (p_jr is read as p_ir, Q_jr as Q_ir, the sum over j in M as over U: errata S3).
What is wrong with them, and by how much, is in ``docs/errata.md``. Use `allocate` for
answers. Prices must be positive and all limits finite.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from stackelberg.edge.allocate import EdgeSolution, allocate
from stackelberg.edge.conditions import marginal_utility
from stackelberg.edge.market import Csr, Floats, Market
from stackelberg.edge.outcome import (
    Ledger,
    Outcome,
    on_edges,
    outcome_of,
    shrunk_to_limits,
)
from stackelberg.errors import DomainError

Branch = Literal["budget", "capacity"]


@dataclass(frozen=True, eq=False)
class PublishedAllocation:
    """(24) as printed, and what it is worth.

    Attributes:
        allocation: the printed amounts, users x nodes, usually not feasible.
        branch: which branch the I test chose, per resource type.
        advantage: I per resource type, in nats.
        capacity_violation: largest excess of a load, relative to the capacity.
        budget_violation: largest excess of a spending, relative to the budget.
        scaled: the same amounts cut to the limits, users first, then nodes. Its shadow
            prices are those of the optimum.
        loss_per_user: log utility that `scaled` lacks on average to the optimum, proved
            to within `gap_per_user`.
        utility_share: exp(-loss_per_user): geometric mean of the utilities of `scaled`
            relative to the optimum.
        gap_per_user: of the optimum that it is compared with.
    """

    allocation: Csr
    branch: tuple[Branch, ...]
    advantage: tuple[float, ...]
    capacity_violation: float
    budget_violation: float
    scaled: Outcome
    loss_per_user: float
    utility_share: float
    gap_per_user: float


def published_allocation(
    market: Market, *, tolerance: float = 1e-8, best: EdgeSolution | None = None
) -> PublishedAllocation:
    """Equation (24): the branch that I prefers, with its violation and its loss.

    Args:
        market: prices > 0, finite capacities and budgets.
        tolerance: gap per user of the optimum that the loss is measured against.
        best: that optimum, where it is known already.

    Raises:
        DomainError: a price is zero, a limit infinite, or the market has degenerate
            users.

    Differs from print: this is the print. See errata S4, S5 and S7.
    """
    _check_domain(market)
    market.solvable_users()
    best = allocate(market, tolerance) if best is None else best
    ledger = Ledger(market)
    first, _ = on_edges(market, published_budget_branch(market))
    second, _ = on_edges(market, published_capacity_branch(market))
    advantage = published_advantage(market)
    chosen = np.array([gain >= 0.0 for gain in advantage])
    by_user = chosen[market.user_type]
    amount = np.where(by_user[market.user_of_edge], first, second)
    load, spend = ledger.per_node(amount), ledger.spend(amount)
    scaled = outcome_of(
        market,
        shrunk_to_limits(ledger, amount),
        best.value.capacity_shadow_price,
        best.value.budget_shadow_price,
        ledger,
    )
    lost = np.log(best.value.utility) - np.log(scaled.utility)
    loss = float(lost.mean()) if len(lost) else 0.0
    return PublishedAllocation(
        allocation=outcome_of(market, amount, *_no_prices(market), ledger).allocation,
        branch=tuple("budget" if first else "capacity" for first in chosen),
        advantage=advantage,
        capacity_violation=_excess(load, market.capacity),
        budget_violation=_excess(spend, market.budget),
        scaled=scaled,
        loss_per_user=loss,
        utility_share=math.exp(-loss),
        gap_per_user=best.certificate.gap_per_user,
    )


def published_budget_branch(market: Market) -> Csr:
    """Equations (12)-(15): x_ij = B_j w_ij / (p_i sum_i w_ij); spends every budget.

    Differs from print: none; exact for Cobb-Douglas users alone, and only where no
    capacity binds. See errata S4.
    """
    _check_domain(market)
    ledger = Ledger(market)
    share = (
        market.weight.data / ledger.per_user(market.weight.data)[market.user_of_edge]
    )
    amount = share * market.budget[market.user_of_edge] / ledger.price_of_edge
    return outcome_of(market, amount, *_no_prices(market), ledger).allocation


def published_capacity_branch(market: Market) -> Csr:
    """The second branch of (24): x_ij = Q_i w_ij / sum_j w_ij, the sum over users.

    Differs from print: (23) prints the sum over nodes, (24) over "j in M"; only the sum
    over users fills the capacities as (22) says. The derivation gives
    `derived_capacity_branch`. See errata S3 and S5.
    """
    return _shared_capacity(market, market.weight.data)


def published_node_normalised(market: Market) -> Csr:
    """Equation (23) as printed: x_ij = Q_i w_ij / sum_i w_ij, the sum over nodes."""
    ledger = Ledger(market)
    total = ledger.per_user(market.weight.data)[market.user_of_edge]
    amount = market.capacity[market.weight.indices] * market.weight.data / total
    return outcome_of(market, amount, *_no_prices(market), ledger).allocation


def derived_capacity_branch(market: Market) -> Csr:
    """What (20)-(22) lead to: x_ij = Q_i a_ij / sum_j a_ij, a_ij = w_ij / sum_i w_ij.

    Exact for Cobb-Douglas users with exponents a where all budgets then hold.
    """
    total = Ledger(market).per_user(market.weight.data)[market.user_of_edge]
    return _shared_capacity(market, market.weight.data / total)


def published_advantage(market: Market) -> tuple[float, ...]:
    """I below (24) per resource type: the objective of branch 1 less that of branch 2,
    feasible or not (errata S7).
    """
    utilities = [
        Ledger(market).utility(on_edges(market, branch)[0])
        for branch in (
            published_budget_branch(market),
            published_capacity_branch(market),
        )
    ]
    gain = np.log(utilities[0]) - np.log(utilities[1])
    return tuple(
        float(gain[market.rows_of(resource)[0]].sum()) for resource in market.resources
    )


def published_stationarity(
    market: Market,
    allocation: object,
    capacity_shadow_price: npt.ArrayLike,
    budget_shadow_price: npt.ArrayLike,
) -> Floats:
    """First line of (2), (9) and (17) per edge: dL/dx_ij, claimed zero for all i, j.

    Differs from print: none; false wherever x_ij = 0 and the node is too dear. See
    errata S1.
    """
    lam, mu = np.asarray(capacity_shadow_price), np.asarray(budget_shadow_price)
    user, node = market.user_of_edge, market.weight.indices
    rent = lam[node] + mu[user] * market.price[node]
    return rent - marginal_utility(market, allocation)


def published_eliminated_price(
    market: Market, allocation: object, budget_shadow_price: npt.ArrayLike
) -> Floats:
    """The bracket of (3) and (10) per edge: w_ij / u_j - mu_j p_i, taken for lam_i.

    Differs from print: none; claimed >= 0 and the same for all j. See errata S2.
    """
    mu = np.asarray(budget_shadow_price)
    paid = mu[market.user_of_edge] * market.price[market.weight.indices]
    return marginal_utility(market, allocation) - paid


def _shared_capacity(market: Market, claim: Floats) -> Csr:
    """Each node's capacity split in proportion to the claims on it."""
    _check_domain(market)
    ledger = Ledger(market)
    node = market.weight.indices
    amount = (market.capacity / _positive(ledger.per_node(claim)))[node] * claim
    return outcome_of(market, amount, *_no_prices(market), ledger).allocation


def _positive(values: Floats) -> Floats:
    """The values, with 1 for a node that nobody reaches."""
    return np.where(values > 0.0, values, 1.0)


def _no_prices(market: Market) -> tuple[Floats, Floats]:
    return np.zeros(market.num_nodes), np.zeros(market.num_users)


def _excess(used: Floats, limit: Floats) -> float:
    over = np.flatnonzero(used > limit)
    with np.errstate(divide="ignore"):
        return float((used[over] / limit[over] - 1.0).max(initial=0.0))


def _check_domain(market: Market) -> None:
    for name, values, names, fine, wanted in (
        ("price", market.price, market.nodes, market.price > 0.0, "a number > 0"),
        ("capacity", market.capacity, market.nodes, np.isfinite(market.capacity),
         "a finite number"),
        ("budget", market.budget, market.users, np.isfinite(market.budget),
         "a finite number"),
    ):  # fmt: skip
        wrong = np.flatnonzero(~fine)
        if len(wrong):
            raise DomainError(
                f"{name}[{names[wrong[0]]}]",
                expected=f"{wanted}, for the printed formula",
                got=float(values[wrong[0]]),
            )
