"""What limits each user: where its one unit of virtual money goes.

At an optimum of Problem 1 sum_i lam_i x_ij + mu_j B_j = 1 for every user: scale the
user's purchases by 1 + t, its log utility rises by t, and the limits that are in the
way charge exactly that. With another fairness the sum is b_j u_j^(1 - alpha),
`Fairness.virtual_money`; the utility may be any that grows with its amounts as here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from stackelberg.edge.market import Floats, Market
from stackelberg.edge.outcome import Outcome, on_edges, segment_sums
from stackelberg.edge.utilities import LINEAR, Utility

LimitedBy = Literal["budget", "capacity", "both"]

LIMITS: tuple[LimitedBy, ...] = ("budget", "capacity", "both")

EVEN_WITHIN = 0.1
"""Rents that differ by no more than this share of their sum limit alike."""


@dataclass(frozen=True, eq=False)
class VirtualMoney:
    """The two rents of each user row; their sum is 1 at an optimum of Problem 1.

    Attributes:
        budget_rent: mu_j B_j [N]; zero where the budget is infinite.
        congestion_rent: sum_i lam_i x_ij [N].
    """

    budget_rent: Floats
    congestion_rent: Floats

    @property
    def limited_by(self) -> tuple[LimitedBy, ...]:
        """What takes the larger part from each user row; ``both`` within a tenth."""
        closer = np.where(self.budget_rent > self.congestion_rent, 0, 1)
        difference = np.abs(self.budget_rent - self.congestion_rent)
        even = difference <= EVEN_WITHIN * (self.budget_rent + self.congestion_rent)
        return tuple(LIMITS[k] for k in np.where(even, 2, closer))


def virtual_money(market: Market, outcome: Outcome) -> VirtualMoney:
    """Where each user's virtual money goes, at the outcome's shadow prices."""
    budget = np.where(np.isfinite(market.budget), market.budget, 0.0)
    return VirtualMoney(
        budget_rent=outcome.budget_shadow_price * budget,
        congestion_rent=outcome.allocation @ outcome.capacity_shadow_price,
    )


def utility_shares(
    market: Market, outcome: Outcome, utility: Utility = LINEAR
) -> Floats:
    """Which part of its utility a user owes to each edge, in the order of the weights.

    w_ij x_ij / u_j for linear users; else the part of its virtual money that the edge
    takes, (lam_i + mu_j p_i) x_ij over their sum, which at an optimum is the same
    thing: the elasticity of the utility in that amount. 0 for users without utility.
    """
    amount, _ = on_edges(market, outcome.allocation)
    user, node = market.user_of_edge, market.weight.indices
    if utility.family == "linear":
        part, whole = market.weight.data * amount, outcome.utility
    else:
        rent = outcome.capacity_shadow_price[node]
        rent = rent + outcome.budget_shadow_price[user] * market.price[node]
        part = rent * amount
        whole = segment_sums(part, market.weight.indptr)
    return part / np.where(whole > 0.0, whole, np.inf)[user]
