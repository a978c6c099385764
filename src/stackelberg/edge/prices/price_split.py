"""No common prices earn an owner more from linear users: a bound by splitting profit.

Each node's price lies in one of K brackets (L, H]. Whatever the prices, with a price
kappa_ik >= 0 on capacity and amounts m_ijk of money, both by bracket k of node i,

    profit <= sum_i max_k (kappa_ik Q_i + sum_j m_ijk)
              + sum_j max over brackets of j's nodes of (V_j - sum_i m_ijk),

since m only moves profit between users and nodes. V_j is the most that j's money can
earn with its nodes' prices in these brackets: it buys at one of them, i, where

    L_i < r_ij = min(cap_i, w_ij / w_0j),    w_ij / L_i >= w_lj / H_l for all l,

and earns B_j (1 - (c_i + kappa_ik) / min(H_i, r_ij)); or it leaves, where H_l >= r_lj
for all l, and earns nothing. The maximum of a user is found exactly: given where it
buys and at what bracket, every other node has a least bracket of its own.

Without m this is the bound of `linear_owner_bound`, every user shown prices of its own.
With m one price per node must serve all its users.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from stackelberg.edge.market import Floats, Ints
from stackelberg.edge.prices.ces_game import CesGame
from stackelberg.edge.prices.linear_owner_bound import greatest_log_price
from stackelberg.edge.prices.linear_users import buyers

TIE = 1e-9
"""Difference of log bargains up to which either may be bought."""

_ROUNDING = 2.0**-52


@dataclass(frozen=True, eq=False)
class PriceSplit:
    """How profit is split between the users and the nodes of a game, by price.

    Attributes:
        log_price: upper ends of each node's brackets, ascending [M, K]. The first
            bracket has no lower end; the last one goes up to the greatest price at
            which anybody buys.
        capacity_price: kappa_ik >= 0 [M, K].
        moved: m_ijk of each edge [E, K].
    """

    log_price: Floats
    capacity_price: Floats
    moved: Floats

    @property
    def below(self) -> Floats:
        """Lower ends [M, K]."""
        return np.concatenate(
            [np.full((len(self.log_price), 1), -np.inf), self.log_price[:, :-1]], axis=1
        )


def most_earned(game: CesGame, split: PriceSplit) -> tuple[Floats, Floats]:
    """What j's whole budget earns at node i at bracket k before kappa, -inf where it
    does not buy, and the least amount it then buys; both [E, K].
    """
    reserve = greatest_log_price(game)[:, None]
    price = np.exp(-np.minimum(split.log_price[game.node], reserve))
    money = game.budget[game.user][:, None]
    earned = money * (1.0 - game.cost[game.node][:, None] * price)
    buys = split.below[game.node] < reserve + TIE
    return np.where(buys, earned, -np.inf), money * price


def split_profit_bound(game: CesGame, split: PriceSplit) -> float:
    """The bound, rounding included. Where capacity is infinite kappa counts as zero."""
    finite = np.isfinite(game.capacity)[:, None]
    kappa = np.where(finite, np.maximum(split.capacity_price, 0.0), 0.0)
    room = np.where(np.isfinite(game.capacity), game.capacity, 0.0)[:, None]
    earned, amount = most_earned(game, split)
    earned -= kappa[game.node] * amount
    held = kappa * room
    np.add.at(held, game.node, split.moved)
    users = _most_of_users(
        game.indptr, game.node, game.pull, game.outside_pull, split.log_price,
        earned, split.moved, _least_taken(split.moved),
    )  # fmt: skip
    parts = np.concatenate([held[game.open_nodes].max(axis=1), users[buyers(game)]])
    size = float(np.abs(parts).sum()) + float(game.budget.sum())
    size += 2.0 * float(np.abs(split.moved).max(axis=1).sum())
    size += float((kappa * room).max(axis=1).sum())
    terms = _ROUNDING * (64.0 + 4.0 * math.log2(len(parts) + 1))
    return math.fsum(parts) + terms * size


def _least_taken(moved: Floats) -> Floats:
    """The most of -m at a bracket k or above [E, K]."""
    return np.maximum.accumulate(-moved[:, ::-1], axis=1)[:, ::-1].copy()


@njit(cache=True, error_model="numpy", nogil=True)
def _most_of_users(
    indptr: Ints,
    node: Ints,
    pull: Floats,
    outside_pull: Floats,
    log_price: Floats,
    earned: Floats,
    moved: Floats,
    above: Floats,
) -> Floats:
    """The second sum's terms [N]; 0 for users without edges."""
    count = log_price.shape[1]
    found = np.zeros(len(indptr) - 1)
    for j in range(len(found)):
        start, stop = indptr[j], indptr[j + 1]
        if start == stop:
            continue
        best = -np.inf
        if outside_pull[j] > -np.inf:
            best = 0.0
            for o in range(start, stop):
                k = 0
                while k < count and log_price[node[o], k] < (
                    pull[o] - outside_pull[j] - TIE
                ):
                    k += 1
                best += above[o, k] if k < count else -np.inf
        value = np.empty(count)
        for a in range(start, stop):
            for k in range(count):
                value[k] = earned[a, k] - moved[a, k]
            for o in range(start, stop):
                if o == a:
                    continue
                least = 0
                for k in range(count):
                    low = log_price[node[a], k - 1] if k > 0 else -np.inf
                    bargain = pull[o] - pull[a] + low - TIE
                    while least < count and log_price[node[o], least] < bargain:
                        least += 1
                    value[k] += above[o, least] if least < count else -np.inf
            best = max(best, value.max())
        found[j] = best
    return found
