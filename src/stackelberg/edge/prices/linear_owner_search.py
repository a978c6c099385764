"""One owner's prices for linear users: where to look, and which of those found is best.

Small markets are searched whole. In others users with elasticities of substitution
that grow towards linear ones lead to prices near good ones; the few users who then
hesitate are searched, the others stay where they are.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from stackelberg.edge.market import Floats, Ints
from stackelberg.edge.prices.ces_game import CesGame
from stackelberg.edge.prices.linear_owner_program import (
    Found,
    Pattern,
    search_prices,
    top_log_price,
)
from stackelberg.edge.prices.linear_users import Baskets, best_baskets, buyers
from stackelberg.edge.prices.operator_search import OperatorSearch
from stackelberg.edge.prices.price_stop import Ending
from stackelberg.edge.prices.tied_prices import tied_log_prices

WHOLE = 120
"""Edges and outside goods up to which every pattern is searched."""

WIDEST = math.log(1e4)
"""Range of log prices up to which the whole search is numerically sound."""

STEEPNESS = (4.0, 14.0, 49.0, 149.0, 449.0)
"""Of the users on the way to linear ones."""

HESITANT = 0.02
"""Share of a user's money that may still go elsewhere."""

NEAR_TIE = 1e-5
"""Of the program's answer."""


class LinearOwnerSearch:
    """One resource type.

    Attributes:
        nodes: of all search trees.
        profit_bound: proved by the whole search alone, by its own account; NaN without.
        complete: whether every pattern was searched.
        impossible: whether the whole search found no prices within the capacities.
    """

    def __init__(self, game: CesGame, max_nodes: int, ending: Ending) -> None:
        self.game, self.max_nodes, self._ending = game, max_nodes, ending
        self.nodes = 0
        self.profit_bound = math.nan
        self.complete = self.impossible = False
        self._best: tuple[tuple[bool, float], Floats, Baskets] | None = None

    def solve(self, capacity_price: Floats) -> tuple[Floats, Baskets]:
        """Log prices [M] and baskets; `capacity_price` [M] is where to begin."""
        game = self.game
        if not game.open_nodes.any():
            self.complete, self.profit_bound = True, 0.0
            nothing = np.zeros(game.num_nodes)
            return nothing, best_baskets(game, nothing)
        leavers = int((buyers(game) & ~np.isneginf(game.outside_pull)).sum())
        least = least_log_price(game)
        wide = float((top_log_price(game) - least)[game.open_nodes].max())
        small = len(game.node) + leavers <= WHOLE and wide <= WIDEST
        if small and not self._ending.due(0):
            found = self._search(Pattern.any_of(game), least)
            self.complete = found.ended
            self.profit_bound = found.profit_bound if found.ended else math.nan
            self.impossible = found.ended and found.log_price is None
        if not self.complete:
            self._follow(capacity_price)
        assert self._best is not None or self.impossible
        if self._best is None:
            self._consider(np.minimum(top_log_price(game), np.log(game.price_cap)))
        assert self._best is not None
        _, log_price, baskets = self._best
        return log_price, baskets

    def due(self) -> bool:
        """Whether to end."""
        return self._ending.due(self.nodes)

    def _follow(self, capacity_price: Floats) -> None:
        """Elasticities up to nearly linear users, then a search among those near."""
        game = self.game
        top = top_log_price(game)
        log_price, kappa = top, capacity_price
        share = np.zeros(len(game.node))
        for steepness in STEEPNESS:
            path = _steeper(game, steepness, top)
            climb = OperatorSearch(path, self._ending)
            low, _ = climb.least_prices()
            log_price, kappa = climb.climb(
                np.maximum(log_price, low), low, kappa, tolerance=1e-5
            )
            share = path.shares(log_price)
        self._consider(log_price)
        self._consider(tied_log_prices(game, log_price, share > 0.5, HESITANT))
        for hesitant in (HESITANT, 1e-3 * HESITANT):
            if self._ending.due(self.nodes):
                break
            found = self._search(_near(game, share, hesitant), log_price - 1.0)
            if found.log_price is not None:
                break

    def _search(self, pattern: Pattern, least: Floats) -> Found:
        found = search_prices(self.game, pattern, least, self.max_nodes)
        self.nodes += found.nodes
        if found.log_price is not None:
            self._consider(found.log_price)
            self._consider(
                tied_log_prices(self.game, found.log_price, found.used, NEAR_TIE)
            )
        return found

    def _consider(self, log_price: Floats) -> None:
        """Keep the prices if they are better: within the capacities first."""
        if not np.isfinite(log_price).all():
            return
        baskets = best_baskets(self.game, log_price)
        rank = (baskets.within, owner_profit(self.game, log_price, baskets))
        if self._best is None or rank > self._best[0]:
            self._best = rank, log_price, baskets


def owner_profit(game: CesGame, log_price: Floats, baskets: Baskets) -> float:
    """What baskets earn at prices, if the capacities have room."""
    money = game.budget[game.user] * baskets.share
    return float(money @ (1.0 - (game.cost * np.exp(-log_price))[game.node]))


def _steeper(game: CesGame, steepness: float, top: Floats) -> CesGame:
    """CES users with the same weights; a free node of endless room would have no best
    price, so it costs a little.
    """
    endless = np.isinf(game.capacity)
    cost = np.where(endless, np.maximum(game.cost, 1e-6 * np.exp(top)), game.cost)
    return replace(
        game,
        steepness=steepness,
        pull=steepness * game.pull,
        outside_pull=steepness * game.outside_pull,
        cost=cost,
    )


def _near(game: CesGame, share: Floats, hesitant: float) -> Pattern:
    """Users do what nearly linear ones do, but for those who hesitate."""
    kept = np.bincount(game.user, share, minlength=game.num_users)
    leaving = np.where(np.isneginf(game.outside_pull), 0.0, 1.0 - kept)
    return Pattern(
        may=share > hesitant,
        must=share > 1.0 - hesitant,
        may_leave=leaving > hesitant,
        must_leave=leaving > 1.0 - hesitant,
    )


def least_log_price(game: CesGame) -> Floats:
    """Log prices [M] below which no held node is at the owner's best prices.

    Every node is held by a cap, an outside good, or a tie with a held node; so its
    price is the lowest that a path of such ties can give.
    """
    m = game.num_nodes
    pin = np.where(game.open_nodes, np.log(game.price_cap), np.inf)
    np.minimum.at(pin, game.node, game.pull - game.outside_pull[game.user])
    step = np.full((m, m), np.inf)
    for start, stop in zip(game.indptr[:-1], game.indptr[1:], strict=True):
        nodes: Ints = game.node[start:stop]
        pull = game.pull[start:stop]
        square = np.ix_(nodes, nodes)
        step[square] = np.minimum(step[square], pull[:, None] - pull[None, :])
    least = pin
    for _ in range(m - 1):
        least = np.minimum(least, (step + least[None, :]).min(axis=1))
    return np.where(game.open_nodes, least, 0.0)
