"""What everybody gets where nobody optimises: equal parts of every node."""

from __future__ import annotations

import numpy as np

from stackelberg.edge.market import Market
from stackelberg.edge.outcome import Ledger, Outcome, outcome_of, shrunk_to_limits
from stackelberg.errors import DomainError


def equal_split(market: Market) -> Outcome:
    """Each node's capacity in equal parts among the users who reach it.

    Only users who can pay for something there count, and none is helped out of what
    another leaves. A user who cannot pay for all its parts buys the same share of each.
    The outcome keeps every limit; its shadow prices are zero.

    Raises:
        DomainError: a node in reach has infinite capacity, which has no equal parts.
    """
    usable = market.usable_edges()
    node = market.weight.indices
    endless = np.unique(node[usable & np.isinf(market.capacity[node])])
    if len(endless):
        raise DomainError(
            f"capacity[{market.nodes[endless[0]]}]",
            expected="a finite number, for an equal split",
            got=float("inf"),
        )
    ledger = Ledger(market)
    users = ledger.per_node(usable.astype(np.float64))
    part = market.capacity / np.maximum(users, 1.0)
    amount = shrunk_to_limits(ledger, np.where(usable, part[node], 0.0))
    no_rent = np.zeros(market.num_nodes), np.zeros(market.num_users)
    return outcome_of(market, amount, *no_rent, ledger)
