"""Prices that tie exactly where they nearly do.

At the best prices of one owner every node is held by a cap, by a user's outside good,
or by a user for whom it ties with another node that is held. Links between nodes and
the ground fix differences of log prices; a spanning forest of the tightest, those with
money first, gives every price.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stackelberg.edge.market import Bools, Floats
from stackelberg.edge.prices.ces_game import CesGame
from stackelberg.edge.prices.linear_users import log_bargains


class _Link(NamedTuple):
    """log p_a - log p_b = `apart`; the ground has number M and log price 0."""

    rank: tuple[bool, float]
    a: int
    b: int
    apart: float


def tied_log_prices(
    game: CesGame, log_price: Floats, used: Bools, near: float
) -> Floats:
    """Log prices [M] with ties made exact.

    Args:
        game: of linear users (steepness 1).
        log_price: [M].
        used: edges that must stay best bargains before others [E].
        near: relative lack of a bargain up to which it is meant to tie.
    """
    links = _user_links(game, log_price, used, near)
    with np.errstate(divide="ignore"):
        cap = np.log(game.price_cap)
    for i in np.flatnonzero(np.isfinite(cap) & (cap - log_price <= near)):
        rank = (True, float(cap[i] - log_price[i]))
        links.append(_Link(rank, int(i), -1, float(cap[i])))
    forest = _Forest(game.num_nodes + 1)
    for link in sorted(links):
        forest.join(link.a, link.b % (game.num_nodes + 1), link.apart)
    found = forest.levels(np.append(log_price, 0.0))[:-1]
    return np.where(game.open_nodes, np.minimum(found, cap), log_price)


def _user_links(
    game: CesGame, log_price: Floats, used: Bools, near: float
) -> list[_Link]:
    """From each user's best bargain to the others that nearly tie with it."""
    bargain, best = log_bargains(game, log_price)
    links: list[_Link] = []
    tight = np.flatnonzero(bargain >= best[game.user] - near)
    for j, edges in _by_user(game, tight):
        edges.sort(key=lambda e: (not used[e], -bargain[e]))
        first = edges[0]
        i, pull = int(game.node[first]), float(game.pull[first])
        for e in edges[1:]:
            rank = (not (used[first] and used[e]), float(best[j] - bargain[e]))
            links.append(_Link(rank, i, int(game.node[e]), pull - float(game.pull[e])))
        beside = float(game.outside_pull[j])
        if beside >= best[j] - near:
            rank = (not used[first], float(best[j]) - beside)
            links.append(_Link(rank, i, -1, pull - beside))
    return links


def _by_user(game: CesGame, edges: np.ndarray) -> list[tuple[int, list[int]]]:
    groups: dict[int, list[int]] = {}
    for edge in edges:
        groups.setdefault(int(game.user[edge]), []).append(int(edge))
    return list(groups.items())


class _Forest:
    """Trees of nodes with known differences of level."""

    def __init__(self, count: int) -> None:
        self._root = np.arange(count)
        self._above = np.zeros(count)

    def join(self, a: int, b: int, apart: float) -> None:
        """Let level(a) - level(b) be `apart`, unless another path says already."""
        if self._root[a] == self._root[b]:
            return
        moved = self._root == self._root[a]
        shift = self._above[b] + apart - self._above[a]
        self._above[moved] += shift
        self._root[moved] = self._root[b]

    def levels(self, near: Floats) -> Floats:
        """Levels whose mean in each tree is that of `near`; the ground's is zero."""
        level = self._above.copy()
        for root in np.unique(self._root):
            tree = self._root == root
            if tree[-1]:
                level[tree] -= level[-1]
            else:
                level[tree] += float((near - level)[tree].mean())
        return level
