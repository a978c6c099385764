"""The most that a node could earn at any price, the others' prices fixed: proved.

With CES users the revenue R(p) = sum_j B_j s_j(p) and the demand D = R / p fall with
the node's own price, so on prices from a to b

    profit (p - c) min(Q, D(p)) <= min((b - c) Q, (1 - c / b) R(a)).

In t = log p the function f = log((1 - c / p) R) has f' = c / (p - c) - r A and
f'' = -c p / (p - c)^2 - r^2 (E s - 2 E s^2 + (E s)^2), where E is the mean weighted by
B_j s_j and A = 1 - E s. Moments of s fall with t, which bounds f'' on an interval; with
it a parabola at either end bounds f, and near a maximum that bound is nearly exact.
Branch and bound over intervals of t, from the price that sells the capacity (or the
cost) to the cap (or infinity), splits the interval with the greatest bound.
"""

from __future__ import annotations

import heapq
import itertools
import math
from typing import NamedTuple

import numpy as np
from numba import njit

from stackelberg.edge.market import Floats
from stackelberg.edge.prices.ces_game import CesGame

MAX_EVALUATIONS = 2_000
"""Of one node's sales; a bound is proved whenever the search ends."""

_ROUNDING = 2.0**-52
_TERMS = 256


class _Point(NamedTuple):
    """Sales at one log price: sum B s, sum B s^2, sum B s^3, and what follows."""

    t: float
    money: float
    square: float
    cube: float
    value: float
    slope: float


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def _moments(
    steepness: float, log_odds: Floats, budget: Floats, delta: float
) -> tuple[float, float, float]:
    """Moments of the shares after the log price moves by `delta`; blocks of terms, so
    that rounding grows slowly.
    """
    money = square = cube = 0.0
    for start in range(0, len(budget), _TERMS):
        a = b = c = 0.0
        for e in range(start, min(start + _TERMS, len(budget))):
            share = 1.0 / (1.0 + math.exp(log_odds[e] + steepness * delta))
            term = budget[e] * share
            a += term
            term *= share
            b += term
            c += term * share
        money += a
        square += b
        cube += c
    return money, square, cube


class _Node:
    """One node's problem: its users' odds at a log price, its cost and its limits."""

    def __init__(
        self,
        steepness: float,
        log_odds: Floats,
        budget: Floats,
        log_price: float,
        cost: float,
        capacity: float,
        cap: float,
    ) -> None:
        self.steepness = steepness
        self.log_odds, self.budget, self.base = log_odds, budget, log_price
        self.cost, self.capacity, self.cap = cost, capacity, cap
        self.evaluations = 0
        self.best_profit, self.best_price = 0.0, math.exp(log_price)

    def at(self, t: float) -> _Point:
        """Evaluate one log price."""
        self.evaluations += 1
        money, square, cube = _moments(
            self.steepness, self.log_odds, self.budget, t - self.base
        )
        price = math.exp(min(t, 700.0))
        profit = (price - self.cost) * min(self.capacity, money / price)
        if profit > self.best_profit:
            self.best_profit, self.best_price = profit, price
        margin = 1.0 - self.cost / price
        if not (margin > 0.0 and money > 0.0):
            return _Point(t, money, square, cube, -math.inf, math.nan)
        away = 1.0 - square / money
        slope = self.cost / (price - self.cost) - self.steepness * away
        return _Point(t, money, square, cube, math.log(margin * money), slope)

    def bound(self, left: _Point, right: _Point | None) -> float:
        """Most profit between two points; `right` None: up to any price."""
        if right is None:
            return left.money
        high = math.exp(min(right.t, 700.0))
        margin = max(1.0 - self.cost / high, 0.0)
        most = min(margin * left.money, max(high - self.cost, 0.0) * self.capacity)
        if right.money > 0.0 and most > 0.0 and high > self.cost:
            curve = self._curvature(left, right, high)
            length = right.t - left.t
            for end, slope in ((left, left.slope), (right, -right.slope)):
                if math.isfinite(end.value):
                    top = end.value + _highest(slope, curve, length)
                    most = min(most, math.exp(min(top, 700.0)))
        return most

    def _curvature(self, left: _Point, right: _Point, high: float) -> float:
        """Upper bound on f'' between two points."""
        mean_low = right.square / left.money
        square_high = left.cube / right.money
        concave = mean_low + mean_low**2 - 2.0 * square_high
        return (
            -(self.steepness**2) * concave - self.cost * high / (high - self.cost) ** 2
        )

    def price_that_sells_out(self) -> float:
        """A log price at which demand is the capacity or barely more; -inf where
        capacity is infinite or is enough at every price.
        """
        if math.isinf(self.capacity):
            return -math.inf
        goal = math.log(self.capacity)
        high = math.log(self.budget.sum()) - goal  # nobody can buy Q above it
        low, step = high - 1.0, 1.0
        for _ in range(60):
            if self._log_demand(low) >= goal:
                break
            high, step = low, 2.0 * step
            low -= step
        else:
            return -math.inf
        for _ in range(200):
            middle = 0.5 * (low + high)
            if not low < middle < high:
                break
            if self._log_demand(middle) >= goal:
                low = middle
            else:
                high = middle
        return low

    def _log_demand(self, t: float) -> float:
        money, _, _ = _moments(
            self.steepness, self.log_odds, self.budget, t - self.base
        )
        return (math.log(money) if money > 0.0 else -math.inf) - t


def _highest(slope: float, curve: float, length: float) -> float:
    """Greatest slope x + curve x^2 / 2 for 0 <= x <= length."""
    highest = max(0.0, slope * length + 0.5 * curve * length**2)
    if curve < 0.0 and 0.0 < slope < -curve * length:
        highest = max(highest, -0.5 * slope**2 / curve)
    return highest


def best_prices(
    game: CesGame, log_price: Floats, tolerance: float
) -> tuple[Floats, Floats]:
    """Bound every node's profit over all its prices, the others' prices as given.

    Args:
        game: the users and the nodes.
        log_price: [M]; entries of closed nodes are not read.
        tolerance: relative accuracy at which the search of a node ends.

    Returns:
        A bound that no price of the node exceeds [M], with its own rounding added, and
        the best price met [M]; zero and NaN for closed nodes.
    """
    log_odds, money = game.log_odds(log_price), game.budget[game.user]
    order = np.argsort(game.node, kind="stable")
    bounds = np.searchsorted(game.node[order], np.arange(game.num_nodes + 1))
    opened = game.open_nodes
    size = float(np.abs(log_price[opened]).max(initial=0.0)) * game.steepness
    size += float(np.abs(game.pull).max(initial=0.0))
    bound, price = np.zeros(game.num_nodes), np.full(game.num_nodes, np.nan)
    for i in np.flatnonzero(opened):
        edges = order[bounds[i] : bounds[i + 1]]
        node = _Node(
            game.steepness,
            log_odds[edges],
            money[edges],
            float(log_price[i]),
            float(game.cost[i]),
            float(game.capacity[i]),
            float(game.price_cap[i]),
        )
        terms = _TERMS + len(edges) / _TERMS
        allowance = (64.0 + terms + 8.0 * size) * _ROUNDING
        bound[i] = _branch_and_bound(node, tolerance) * (1.0 + allowance)
        price[i] = node.best_price
    return bound, price


def _branch_and_bound(node: _Node, tolerance: float) -> float:
    """No price earns more than this; leaves the best price met in `node`."""
    top = math.log(node.cap) if math.isfinite(node.cap) else math.inf
    least = node.price_that_sells_out()
    if least >= top:  # sold out at every price allowed, and the highest is best
        node.at(top)
        return node.best_profit
    if node.cost > 0.0:
        least = max(least, math.log(node.cost))
    last = top if math.isfinite(top) else max(least, node.base) + 2.0
    points = [node.at(t) for t in sorted({least, last})]
    if least < node.base < last:
        points.insert(1, node.at(node.base))
    heap: list[tuple[float, int, _Point, _Point | None, float]] = []

    def push(left: _Point, right: _Point | None, step: float) -> None:
        entry = (-node.bound(left, right), node.evaluations, left, right, step)
        heapq.heappush(heap, entry)

    for left, right in itertools.pairwise(points):
        push(left, right, 0.0)
    if math.isinf(top):
        push(points[-1], None, 2.0)
    while heap and node.evaluations < MAX_EVALUATIONS:
        bound, _, left, right, step = heap[0]
        if -bound <= node.best_profit * (1.0 + tolerance):
            break
        middle = left.t + step if right is None else 0.5 * (left.t + right.t)
        if right is not None and not left.t < middle < right.t:
            break
        heapq.heappop(heap)
        point = node.at(middle)
        push(left, point, 0.0)
        push(point, right, 2.0 * step)
    return max(-heap[0][0] if heap else 0.0, node.best_profit)
