"""One owner's best prices for linear users, as a mixed-integer program.

With y_i = 1 / p_i and beta_j = max(w_0j, max_i w_ij y_i), the best bargain, user j's
basket has

    sum_i w_ij x_ij + w_0j x_0j = beta_j B_j,

and buys at best bargains alone: x_ij > 0 only if z_ij = 1, which says beta_j = w_ij
y_i. Profit, sum_j (B_j - x_0j) - sum_i c_i sum_j x_ij, is linear in these, and so are
the capacities. Prices are the only product of two unknowns, and they are gone.

Scaled: prices by the greatest at which anybody buys, amounts by what a budget buys
there, bargains by the least that a user may be left with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from stackelberg.edge.market import Bools, Csr, Floats, Ints
from stackelberg.edge.prices.ces_game import CesGame
from stackelberg.edge.prices.linear_owner_bound import greatest_log_price
from stackelberg.edge.prices.linear_users import buyers

_within: Any = LinearConstraint  # its stubs know numbers alone

ACCURACY = 1e-7
"""Relative gap at which the search ends."""


@dataclass(frozen=True, eq=False)
class Pattern:
    """Who may buy where, and who must.

    Attributes:
        may: per edge [E]; must: per edge, which its bargain must then be a best of.
        may_leave, must_leave: the same for the outside good, per user [N].
    """

    may: Bools
    must: Bools
    may_leave: Bools
    must_leave: Bools

    @classmethod
    def any_of(cls, game: CesGame) -> Pattern:
        """Everything is allowed."""
        edges, users = len(game.node), game.num_users
        return cls(
            np.ones(edges, dtype=bool),
            np.zeros(edges, dtype=bool),
            ~np.isneginf(game.outside_pull),
            np.zeros(users, dtype=bool),
        )


@dataclass(frozen=True, eq=False)
class Found:
    """What a search ended with.

    Attributes:
        log_price: [M], up to the program's tolerance; None where it found none.
        used: edges with some money [E].
        profit_bound: the search's own; NaN where it has none.
        nodes: of the search tree.
        ended: whether nothing was left to search.
    """

    log_price: Floats | None
    used: Bools
    profit_bound: float
    nodes: int
    ended: bool


def top_log_price(game: CesGame) -> Floats:
    """Log of the greatest price at which anybody buys at each node [M]; 0 if closed."""
    top = np.full(game.num_nodes, -np.inf)
    np.maximum.at(top, game.node, greatest_log_price(game))
    return np.where(game.open_nodes, top, 0.0)


def search_prices(
    game: CesGame, pattern: Pattern, least: Floats, max_nodes: int
) -> Found:
    """The most profitable prices, from `least` log price [M], of a pattern."""
    program = _Program(game, least)
    bounds = program.bounds(pattern)
    result: Any = milp(
        program.lost,
        integrality=program.whole,
        bounds=bounds,
        constraints=program.constraints(),
        options={"node_limit": max_nodes, "mip_rel_gap": ACCURACY},
    )
    nodes = int(result.mip_node_count or 0)
    nothing = np.zeros(len(game.node), dtype=bool)
    if result.x is None:
        return Found(None, nothing, np.nan, nodes, result.status == 2)
    x = np.asarray(result.x, dtype=np.float64)
    spent = float(game.budget[buyers(game)].sum())
    least_lost = -np.inf if result.mip_dual_bound is None else result.mip_dual_bound
    return Found(
        log_price=program.top - np.log(x[program.y]),
        used=x[program.x] > 1e-6 * np.maximum(1.0, bounds.ub[program.x]),
        profit_bound=spent * (1.0 - float(least_lost)),
        nodes=nodes,
        ended=result.status == 0,
    )


class _Program:
    """Rows and columns; the columns are y [M], beta [N], x [E], z [E], then the money
    that leaves and whether it may, for users with an outside good.
    """

    def __init__(self, game: CesGame, least: Floats) -> None:
        self.game = game
        self.top = top_log_price(game)
        self.most_y = np.exp(np.maximum(self.top - least, 0.0))
        user, node = game.user, game.node
        floor = game.outside_pull.copy()
        np.maximum.at(floor, user, game.pull - self.top[node])
        self.bargain = np.exp(game.pull - self.top[node] - floor[user])
        self.leavers: Ints = np.flatnonzero(
            buyers(game) & ~np.isneginf(game.outside_pull)
        )
        self.beside = np.exp(game.outside_pull[self.leavers] - floor[self.leavers])
        self.most_beta = np.ones(game.num_users)
        np.maximum.at(self.most_beta, user, self.bargain * self.most_y[node])
        sizes = [game.num_nodes, game.num_users, len(node), len(node)]
        sizes += [len(self.leavers)] * 2
        ends = np.cumsum(sizes)
        self.count = int(ends[-1])
        self.y, self.beta, self.x, self.z, self.left, self.leaves = (
            slice(int(end - size), int(end))
            for end, size in zip(ends, sizes, strict=True)
        )
        money = float(game.budget[buyers(game)].sum()) or 1.0
        self.lost = np.zeros(self.count)
        cost = game.cost[node] * np.exp(-self.top[node])
        self.lost[self.x] = cost * game.budget[user] / money
        self.lost[self.left] = game.budget[self.leavers] / money
        self.whole = np.zeros(self.count)
        self.whole[self.z] = self.whole[self.leaves] = 1.0

    def bounds(self, pattern: Pattern) -> Any:
        """Of the columns."""
        low, high = np.zeros(self.count), np.ones(self.count)
        low[self.y], high[self.y] = 1.0, self.most_y
        low[self.beta], high[self.beta] = 1.0, self.most_beta
        high[self.x] = self._most_x()
        low[self.z], high[self.z] = pattern.must, pattern.may
        low[self.leaves] = pattern.must_leave[self.leavers]
        high[self.leaves] = pattern.may_leave[self.leavers]
        limits: Any = Bounds  # its stubs know numbers alone
        return limits(low, high)

    def constraints(self) -> list[Any]:
        """All of them."""
        game = self.game
        user, node = game.user, game.node
        edge, leaver = np.arange(len(node)), np.arange(len(self.leavers))
        nothing = np.full(len(node), -np.inf)
        beta = (edge, self.beta.start + user, np.ones(len(node)))
        offer = (edge, self.y.start + node, -self.bargain)
        spare = self.most_beta[user] - self.bargain
        best = self._rows(len(node), beta, offer)
        tied = self._rows(len(node), beta, offer, (edge, self.z.start + edge, spare))
        bought = self._rows(
            len(node),
            (edge, self.x.start + edge, np.ones(len(node))),
            (edge, self.z.start + edge, -self._most_x()),
        )
        some = np.flatnonzero(buyers(game))
        worth = self._rows(
            game.num_users,
            (user, self.x.start + edge, self.bargain),
            (self.leavers, self.left.start + leaver, self.beside),
            (some, self.beta.start + some, -np.ones(len(some))),
        )
        found = [
            _within(best, 0.0, np.inf),
            _within(tied, nothing, spare),
            _within(bought, nothing, 0.0),
            _within(worth, 0.0, 0.0),
            _within(self._loads(), -np.inf, 1.0),
        ]
        if len(leaver):
            found += self._leaving(leaver)
        return found

    def _leaving(self, leaver: Ints) -> list[Any]:
        one = np.ones(len(leaver))
        spare = self.most_beta[self.leavers] - self.beside
        left = self._rows(
            len(leaver),
            (leaver, self.left.start + leaver, one),
            (leaver, self.leaves.start + leaver, -one),
        )
        tied = self._rows(
            len(leaver),
            (leaver, self.beta.start + self.leavers, one),
            (leaver, self.leaves.start + leaver, spare),
        )
        return [
            _within(left, -np.inf, 0.0),
            _within(tied, -np.inf, spare + self.beside),
        ]

    def _loads(self) -> Csr:
        game = self.game
        node = game.node
        kept = np.flatnonzero(np.isfinite(game.capacity)[node])
        load = game.budget[game.user[kept]] * np.exp(-self.top[node[kept]])
        load /= game.capacity[node[kept]]
        return self._rows(game.num_nodes, (node[kept], self.x.start + kept, load))

    def _most_x(self) -> Floats:
        """In what the budget buys at the greatest price."""
        game = self.game
        room = game.capacity * np.exp(self.top)
        return np.minimum(
            self.most_y[game.node], room[game.node] / game.budget[game.user]
        )

    def _rows(self, count: int, *parts: tuple[Ints, Ints, Floats]) -> Csr:
        row, column, value = (np.concatenate(part) for part in zip(*parts, strict=True))
        return sparse.csr_array((value, (row, column)), shape=(count, self.count))
