"""Looking for the split of `price_split` with the least bound.

First few brackets, then more: of each node those are halved in which it is worth most.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from stackelberg.edge.market import Floats
from stackelberg.edge.prices.ces_game import CesGame
from stackelberg.edge.prices.linear_owner_bound import greatest_log_price
from stackelberg.edge.prices.linear_owner_program import top_log_price
from stackelberg.edge.prices.linear_users import buyers
from stackelberg.edge.prices.price_split import (
    PriceSplit,
    most_earned,
    split_profit_bound,
)
from stackelberg.edge.prices.split_sweeps import sweep

LEVELS = ((12, 40), (18, 40), (27, 40), (40, 40), (60, 80))
"""Brackets of each node, and sweeps with them."""

WORK = 1e9
"""Brackets looked at in all sweeps together, from which no further one is begun."""

IDLE = 3e-5
"""Relative fall of the bound in `BETWEEN` sweeps below which more are not worth it."""

BETWEEN = 8


def search_split(
    game: CesGame, earned: float, tolerance: float, due: Callable[[], bool]
) -> PriceSplit | None:
    """A split whose bound is low, the same in every run.

    Args:
        game: of linear users (steepness 1).
        earned: profit that some prices earn; the search ends at a bound within
            `tolerance` of it.
        tolerance: relative.
        due: whether to end; asked before each round of sweeps.

    Returns:
        A split, or None where there is nothing to split or no time.
    """
    if not game.open_nodes.any() or due():
        return None
    search = _Search(game)
    for count, sweeps in LEVELS:
        search.refine(count - search.split.log_price.shape[1])
        bound = split_profit_bound(game, search.split)
        for _ in range(0, sweeps, BETWEEN):
            search.sweep(BETWEEN)
            last, bound = bound, split_profit_bound(game, search.split)
            if bound - earned <= tolerance * abs(bound) or due() or search.spent:
                return search.split
            if last - bound <= IDLE * abs(bound):
                break
    return search.split


class _Search:
    """A split and what belongs to it.

    Attributes:
        split: the best so far.
        spent: whether the work is done that may be done.
    """

    def __init__(self, game: CesGame) -> None:
        self.game = game
        top = top_log_price(game)
        low = top.copy()
        np.minimum.at(low, game.node, greatest_log_price(game))
        with np.errstate(divide="ignore"):
            low = np.minimum(np.where(game.cost > 0.0, np.log(game.cost), low), top)
        low = np.where(top - low < 0.1, top - 0.1, low)
        steps = np.linspace(0.0, 1.0, LEVELS[0][0])
        log_price = low[:, None] + (top - low)[:, None] * steps
        log_price[:, -1] = top
        self.split = PriceSplit(
            log_price, np.zeros_like(log_price), np.zeros((len(game.node), len(steps)))
        )
        self._worth = np.zeros_like(log_price)
        self._edges = np.argsort(game.node, kind="stable")
        count = np.bincount(game.node, minlength=game.num_nodes)
        self._first = np.concatenate([[0], np.cumsum(count)])
        degree = np.diff(game.indptr)
        self._per_bracket = float((degree.astype(np.float64) ** 3).sum())
        self._done, self._sweeps = 0.0, 0

    @property
    def spent(self) -> bool:
        return self._done >= WORK

    def sweep(self, times: int) -> None:
        """So many sweeps, forth and back in turn."""
        game, split = self.game, self.split
        gain, amount = most_earned(game, split)
        nodes = np.flatnonzero(game.open_nodes)
        money = float(game.budget[buyers(game)].sum())
        for _ in range(times):
            sweep(
                nodes if self._sweeps % 2 == 0 else nodes[::-1].copy(), self._edges,
                self._first, game.user, game.indptr, game.node, game.pull,
                game.outside_pull, game.capacity, money, split.log_price, gain, amount,
                split.capacity_price, split.moved, self._worth,
            )  # fmt: skip
            self._sweeps += 1
            self._done += self._per_bracket * split.log_price.shape[1]
            if self.spent:
                return

    def refine(self, more: int) -> None:
        """Halve so many brackets of each node."""
        if more <= 0:
            return
        split, nodes = self.split, np.arange(self.game.num_nodes)[:, None]
        halved = np.argsort(-self._worth, axis=1, kind="stable")[:, :more]
        log_price = split.log_price
        low = split.below
        low[:, 0] = log_price[:, 0] - (log_price[:, 1] - log_price[:, 0])
        middle = 0.5 * (low + log_price)[nodes, halved]
        count = log_price.shape[1]
        ends = np.concatenate([log_price, middle], axis=1)
        source = np.concatenate(
            [np.broadcast_to(np.arange(count), log_price.shape), halved], axis=1
        )
        order = np.argsort(ends, axis=1, kind="stable")
        source = np.take_along_axis(source, order, axis=1)
        self.split = PriceSplit(
            log_price=np.take_along_axis(ends, order, axis=1),
            capacity_price=_taken(split.capacity_price, source),
            moved=_taken(split.moved, source[self.game.node]),
        )
        self._worth = _taken(self._worth, source)


def _taken(values: Floats, source: np.ndarray) -> Floats:
    return np.take_along_axis(values, source, axis=1)
