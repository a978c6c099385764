"""Linear users at one owner's prices: their best bargains, and baskets for the owner.

User j spends its whole budget where w_ij / p_i, or w_0j for an outside good of price 1,
is greatest. Ties are broken as the owner likes best, as a price lower by nothing worth
speaking of would break them. The weights of a game here have steepness 1, so that its
pulls are log w_ij.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from stackelberg.edge.market import Bools, Csr, Floats, Ints
from stackelberg.edge.prices.ces_game import CesGame

TIES = (1e-10, 1e-9, 1e-6)
"""Relative lacks of a bargain that count as a tie, tried in turn until the capacities
have room; what users lose by it is in the certificate."""


@dataclass(frozen=True, eq=False)
class Baskets:
    """Shares of the users' money.

    Attributes:
        share: of user's budget on each edge of the game [E].
        outside: of each user's budget on the outside good [N].
        within: whether the capacities have room for it, up to a linear program's
            own tolerance.
    """

    share: Floats
    outside: Floats
    within: bool


def log_bargains(game: CesGame, log_price: Floats) -> tuple[Floats, Floats]:
    """Log w_ij / p_i of each edge [E], and the best of each user [N], the outside good
    included; -inf for a user who can buy nothing.
    """
    bargain = game.pull - log_price[game.node]
    best = game.outside_pull.copy()
    np.maximum.at(best, game.user, bargain)
    return bargain, best


def buyers(game: CesGame) -> Bools:
    """Users who can buy of a node, having money and reach [N]."""
    return np.diff(game.indptr) > 0


def best_baskets(game: CesGame, log_price: Floats) -> Baskets:
    """The best bargains' shares that cost the owner least, within the capacities.

    Where the capacities have no room at the widest tie, demand exceeds them as little
    as can be.
    """
    for tie in TIES:
        found = _Tied(game, log_price, tie).solve(may_exceed=False)
        if found is not None:
            return found
    found = _Tied(game, log_price, TIES[-1]).solve(may_exceed=True)
    assert found is not None  # some basket always exists
    return found


class _Tied:
    """The linear program over edges whose bargain is a best one.

    Variables: a share of the budget for each tied edge, one for each tied outside
    good, and the excess over each capacity, relative to it.
    """

    def __init__(self, game: CesGame, log_price: Floats, tie: float) -> None:
        self.game = game
        bargain, best = log_bargains(game, log_price)
        some = buyers(game)
        self.edge: Ints = np.flatnonzero(bargain >= best[game.user] - tie)
        with np.errstate(invalid="ignore"):
            beside = some & (game.outside_pull >= best - tie)
        self.beside: Ints = np.flatnonzero(beside)
        self.user, self.node = game.user[self.edge], game.node[self.edge]
        self.rows: Ints = np.flatnonzero(some)
        self.money = game.budget[self.user]
        self.price = np.exp(log_price[self.node])

    def solve(self, may_exceed: bool) -> Baskets | None:
        """The cheapest baskets; None where the capacities have no room."""
        game, edges, nodes = self.game, len(self.edge), self.game.num_nodes
        scale = float(game.budget[self.rows].sum()) or 1.0
        if may_exceed:
            lost = np.concatenate([np.zeros(edges + len(self.beside)), np.ones(nodes)])
        else:
            cost = self.money * game.cost[self.node] / self.price / scale
            lost = np.concatenate(
                [cost, game.budget[self.beside] / scale, np.zeros(nodes)]
            )
        room, limit = self._capacities()
        found: Any = linprog(
            lost, A_ub=room, b_ub=limit, A_eq=self._budgets(),
            b_eq=np.ones(len(self.rows)), method="highs",
            bounds=[(0.0, None)] * (edges + len(self.beside))
            + [(0.0, None if may_exceed else 0.0)] * nodes,
        )  # fmt: skip
        if found.x is None:
            return None
        return self._baskets(np.asarray(found.x, dtype=np.float64), not may_exceed)

    def _budgets(self) -> Csr:
        """Shares of each buyer, which add up to one."""
        place = np.cumsum(buyers(self.game)) - 1
        rows = np.concatenate([place[self.user], place[self.beside]])
        shape = (len(self.rows), len(rows) + self.game.num_nodes)
        return sparse.csr_array(
            (np.ones(len(rows)), (rows, np.arange(len(rows)))), shape=shape
        )

    def _capacities(self) -> tuple[Csr, Floats]:
        """Load less excess of each node, relative to its capacity, at most one."""
        game = self.game
        finite = np.isfinite(game.capacity) & game.open_nodes
        kept = np.flatnonzero(finite[self.node])
        room = self.price[kept] * game.capacity[self.node[kept]]
        nodes = np.flatnonzero(finite)
        first = len(self.edge) + len(self.beside)
        shape = (game.num_nodes, first + game.num_nodes)
        return sparse.csr_array(
            (
                np.concatenate([self.money[kept] / room, -np.ones(len(nodes))]),
                (
                    np.concatenate([self.node[kept], nodes]),
                    np.concatenate([kept, first + nodes]),
                ),
            ),
            shape=shape,
        ), np.ones(game.num_nodes)

    def _baskets(self, x: Floats, within: bool) -> Baskets:
        game = self.game
        share, outside = np.zeros(len(game.node)), np.zeros(game.num_users)
        share[self.edge] = np.maximum(x[: len(self.edge)], 0.0)
        outside[self.beside] = np.maximum(
            x[len(self.edge) : len(self.edge) + len(self.beside)], 0.0
        )
        total = outside + np.bincount(game.user, share, minlength=game.num_users)
        total[total == 0.0] = 1.0
        return Baskets(share / total[game.user], outside / total, within)
