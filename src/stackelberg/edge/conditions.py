"""The Lagrangian of Problem 1 and its optimality conditions, for markets of any size.

Equations (1)-(11) and (16)-(19) of the edge supplement, with what is missing there; the
printed forms are in `published`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stackelberg.edge.market import Floats, Market
from stackelberg.edge.outcome import Ledger, on_edges


@dataclass(frozen=True, eq=False)
class OptimalityResiduals:
    """What is left of each optimality condition; all zero at an optimum and only there.

    Attributes:
        reduced_price: z_ij = lam_i + mu_j p_i - w_ij / u_j per edge, >= 0 at an
            optimum. It is the multiplier of x_ij >= 0.
        edge_complementarity: x_ij z_ij per edge.
        capacity_complementarity: lam_i (Q_i - sum_j x_ij) [M].
        budget_complementarity: mu_j (B_j - sum_i p_i x_ij) [N].
        capacity_excess: sum_j x_ij - Q_i where positive [M].
        budget_excess: sum_i p_i x_ij - B_j where positive [N].
    """

    reduced_price: Floats
    edge_complementarity: Floats
    capacity_complementarity: Floats
    budget_complementarity: Floats
    capacity_excess: Floats
    budget_excess: Floats

    @property
    def worst(self) -> float:
        """The largest departure from an optimum."""
        parts = (
            np.maximum(-self.reduced_price, 0.0),
            np.abs(self.edge_complementarity),
            np.abs(self.capacity_complementarity),
            np.abs(self.budget_complementarity),
            self.capacity_excess,
            self.budget_excess,
        )
        return max(float(part.max(initial=0.0)) for part in parts)


def lagrangian(
    market: Market,
    allocation: object,
    capacity_shadow_price: npt.ArrayLike,
    budget_shadow_price: npt.ArrayLike,
) -> float:
    """Equation (1): minus the sum of log utilities, plus priced excesses.

    Args:
        market: with finite capacities and budgets.
        allocation: users x nodes.
        capacity_shadow_price: lam [M].
        budget_shadow_price: mu [N].

    Differs from print: none; p_i there is p_ir, as below it.
    """
    ledger = Ledger(market)
    amount, _ = on_edges(market, allocation)
    lam, mu = np.asarray(capacity_shadow_price), np.asarray(budget_shadow_price)
    return float(
        -np.log(ledger.utility(amount)).sum()
        + lam @ (ledger.per_node(amount) - market.capacity)
        + mu @ (ledger.spend(amount) - market.budget)
    )


def marginal_utility(market: Market, allocation: object) -> Floats:
    """w_ij / u_j per edge, in the order of `market.weight.data`: the slope of j's log
    utility in x_ij, which (4), (11) and (19) compare with prices.
    """
    amount, _ = on_edges(market, allocation)
    utility = Ledger(market).utility(amount)
    return market.weight.data / utility[market.user_of_edge]


def optimality_residuals(
    market: Market,
    allocation: object,
    capacity_shadow_price: npt.ArrayLike,
    budget_shadow_price: npt.ArrayLike,
) -> OptimalityResiduals:
    """The Karush-Kuhn-Tucker conditions of Problem 1, complete.

    Differs from print: (2), (9) and (17) ask for z_ij = 0 everywhere and leave out
    feasibility; see errata S1. Arguments as `lagrangian`.
    """
    ledger = Ledger(market)
    amount, _ = on_edges(market, allocation)
    lam = np.asarray(capacity_shadow_price, dtype=np.float64)
    mu = np.asarray(budget_shadow_price, dtype=np.float64)
    user, node = market.user_of_edge, market.weight.indices
    rent = lam[node] + mu[user] * ledger.price_of_edge
    reduced = rent - marginal_utility(market, allocation)
    free = market.capacity - ledger.per_node(amount)
    unspent = market.budget - ledger.spend(amount)
    return OptimalityResiduals(
        reduced_price=reduced,
        edge_complementarity=amount * reduced,
        capacity_complementarity=lam * free,
        budget_complementarity=mu * unspent,
        capacity_excess=np.maximum(-free, 0.0),
        budget_excess=np.maximum(-unspent, 0.0),
    )
