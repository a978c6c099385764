"""Every node and every user of one resource type at an answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stackelberg.edge import Market, Outcome
from stackelberg.edge.explanation.virtual_money import VirtualMoney
from stackelberg.edge.market import Bools, Floats, Ints
from stackelberg.report.edge.data import NodeRecord, UserRecord

MOST_ROWS = 2000
"""Told one by one; of more, a picture would show a blot."""

FULL, NEARLY_FULL = 1e-6, 1e-3
"""Share of its capacity left up to which a node is sold out, and up to which it is if
its shadow price says so."""

TRACE = 1e-6
"""Part of a user's largest purchase below which another is the solver's rounding."""


def node_records(
    market: Market, outcome: Outcome, money: float = 1.0
) -> tuple[NodeRecord, ...]:
    """Every node, in the market's order; `money` is the mean virtual money of a user,
    1 in Problem 1.
    """
    buyers = np.bincount(_bought_at(outcome)[1], minlength=market.num_nodes)
    reached = np.bincount(market.weight.indices, minlength=market.num_nodes)
    used = utilisation(market, outcome)
    capacity = market.capacity
    rent = outcome.capacity_shadow_price * np.where(np.isfinite(capacity), capacity, 0)
    full = sold_out(market, outcome, money)
    places = None if market.positions_m is None else market.positions_m.nodes
    return tuple(
        NodeRecord(
            node=str(market.nodes[i]),
            capacity=float(capacity[i]),
            price=float(market.price[i]),
            load=float(outcome.load[i]),
            utilisation=None if np.isnan(used[i]) else float(used[i]),
            sold_out=bool(full[i]),
            shadow_price=float(outcome.capacity_shadow_price[i]),
            rent=float(rent[i] / money),
            revenue=float(market.price[i] * outcome.load[i]),
            reached_by=int(reached[i]),
            buyers=int(buyers[i]),
            x_m=None if places is None else float(places[i, 0]),
            y_m=None if places is None else float(places[i, 1]),
        )
        for i in range(market.num_nodes)
    )


def user_records(
    market: Market,
    outcome: Outcome,
    rows: Ints,
    money: VirtualMoney,
    equal: Outcome | None,
    printed: Outcome | None,
) -> tuple[UserRecord, ...]:
    """Some users at the optimum and elsewhere, evenly spaced where there are many.

    Args:
        market: one resource type.
        outcome: its allocation.
        rows: of the users that count.
        money: where their virtual money goes.
        equal: the equal split, if there is one.
        printed: the printed formula cut to the limits, if it is defined.
    """
    nodes = np.bincount(_bought_at(outcome)[0], minlength=market.num_users)
    limit: Sequence[str] = money.limited_by
    places = None if market.positions_m is None else market.positions_m.users
    return tuple(
        UserRecord(
            user=str(market.users[j]),
            budget=float(market.budget[j]),
            spend=float(outcome.spend[j]),
            utility=float(outcome.utility[j]),
            budget_rent=float(money.budget_rent[j]),
            congestion_rent=float(money.congestion_rent[j]),
            limited_by=limit[j],
            nodes=int(nodes[j]),
            equal_split_utility=None if equal is None else float(equal.utility[j]),
            printed_utility=None if printed is None else float(printed.utility[j]),
            x_m=None if places is None else float(places[j, 0]),
            y_m=None if places is None else float(places[j, 1]),
        )
        for j in rows[:: spacing(len(rows))]
    )


def spacing(count: int) -> int:
    """Of how many rows one is told, so that no more than `MOST_ROWS` are."""
    return max(-(-count // MOST_ROWS), 1)


def utilisation(market: Market, outcome: Outcome) -> Floats:
    """Load over capacity [M]; NaN where the capacity is zero or infinite."""
    tells = np.isfinite(market.capacity) & (market.capacity > 0.0)
    return np.where(tells, outcome.load / np.where(tells, market.capacity, 1.0), np.nan)


def sold_out(market: Market, outcome: Outcome, money: float = 1.0) -> Bools:
    """Whether each node's capacity is used up [M]; `money` as in `node_records`.

    Solvers end before what is left at a scarce node is exactly zero. There the share
    left times the rent (in users' virtual money) is tiny: the larger one tells which
    of the two is zero at the optimum.
    """
    left = 1.0 - utilisation(market, outcome)
    with np.errstate(invalid="ignore"):  # infinite capacity, no shadow price
        rent = outcome.capacity_shadow_price * market.capacity / money
    return (left <= FULL) | ((left <= NEARLY_FULL) & (left < rent))


def _bought_at(outcome: Outcome) -> tuple[Ints, Ints]:
    """User and node of every purchase that is more than rounding."""
    bought = outcome.allocation.tocsr()
    user = np.repeat(np.arange(bought.shape[0]), np.diff(bought.indptr))
    most = np.zeros(bought.shape[0])
    np.maximum.at(most, user, bought.data)
    real = bought.data > TRACE * most[user]
    return user[real], bought.indices[real]
