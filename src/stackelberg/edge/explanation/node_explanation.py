"""One node of an answer, in its own numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stackelberg.edge.explanation.price_freedom import BOUGHT, price_freedom
from stackelberg.edge.explanation.user_explanation import (
    ONE_PERCENT,
    check_row,
    utilisation_of,
)
from stackelberg.edge.explanation.virtual_money import utility_shares
from stackelberg.edge.fairness import PROPORTIONAL, Fairness
from stackelberg.edge.market import Market, Name
from stackelberg.edge.outcome import Outcome, on_edges
from stackelberg.edge.utilities import LINEAR, Utility


@dataclass(frozen=True)
class Sale:
    """What a node sells to one user.

    Attributes:
        user: its name.
        amount: units.
        spend: money, p_i x_ij.
        load_share: of all that the node sells.
        utility_share: of the user's utility.
        congestion_rent: lam_i x_ij of the user's virtual money.
    """

    user: Name
    amount: float
    spend: float
    load_share: float
    utility_share: float
    congestion_rent: float


@dataclass(frozen=True)
class NodeExplanation:
    """One node row of an answer.

    Attributes:
        node: its name.
        resource: type of the row.
        capacity: units; may be infinite.
        load: units sold.
        utilisation: load over capacity; 0 without a limit.
        price: of a unit.
        revenue: p_i times load.
        shadow_price: lam_i, welfare per unit (nats in Problem 1).
        least_shadow_price: smallest of all shadow prices that prove the same.
        most_shadow_price: largest one; both are lam_i where prices are unique.
        congestion_rent: lam_i times load: virtual money of all users that ends here.
        market_gain: of 1 % more capacity to the welfare, at most.
        sales: largest first, without what is negligible to the user.
        num_in_reach: users who reach the node.
    """

    node: Name
    resource: Name
    capacity: float
    load: float
    utilisation: float
    price: float
    revenue: float
    shadow_price: float
    least_shadow_price: float
    most_shadow_price: float
    congestion_rent: float
    market_gain: float
    sales: tuple[Sale, ...]
    num_in_reach: int


def explain_node(
    market: Market,
    outcome: Outcome,
    row: int,
    *,
    utility: Utility = LINEAR,
    fairness: Fairness = PROPORTIONAL,
) -> NodeExplanation:
    """Explain a node row: what it sells to whom, and what it is short of.

    Args:
        market: prices, capacities, budgets and weights.
        outcome: an allocation that keeps the limits, and shadow prices.
        row: of the market's nodes.
        utility: of every user, with the market's weights.
        fairness: what the users' utilities are worth together.

    Raises:
        DomainError: if there is no such row.
    """
    check_row(row, market.num_nodes)
    edges = np.flatnonzero(market.weight.indices == row)
    sold, _ = on_edges(market, outcome.allocation)
    share = utility_shares(market, outcome, utility)
    load, price = float(outcome.load[row]), float(market.price[row])
    lam = float(outcome.capacity_shadow_price[row])
    freedom = price_freedom(market, outcome, utility=utility, fairness=fairness)
    group = freedom.node_group[row]
    least = max(lam + price * float(freedom.least[group]), 0.0)
    sales = [
        Sale(
            user=market.users[j].item(),
            amount=float(sold[k]),
            spend=float(price * sold[k]),
            load_share=float(sold[k] / load),
            utility_share=float(share[k]),
            congestion_rent=float(lam * sold[k]),
        )
        for j, k in zip(market.user_of_edge[edges], edges, strict=True)
        if share[k] > BOUGHT or (utility != LINEAR and sold[k] > BOUGHT * load)
    ]
    capacity = float(market.capacity[row])
    return NodeExplanation(
        node=market.nodes[row].item(),
        resource=market.resources[market.node_type[row]],
        capacity=capacity,
        load=load,
        utilisation=utilisation_of(market, outcome, row),
        price=price,
        revenue=price * load,
        shadow_price=lam,
        least_shadow_price=least,
        most_shadow_price=lam + price * float(freedom.most[group]),
        congestion_rent=lam * load,
        market_gain=ONE_PERCENT * least * capacity if least > 0.0 else 0.0,
        sales=tuple(sorted(sales, key=lambda sale: -sale.amount)),
        num_in_reach=len(edges),
    )
