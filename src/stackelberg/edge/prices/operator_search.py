"""Prices of one owner: an augmented Lagrangian in log prices, from one start.

Letters: t log price, D demand, R revenue, kappa >= 0 the price of a capacity. With
charges g_i = c_i + kappa_i and margins m_i = 1 - g_i / p_i the Lagrangian's slope is

    dL/dt_i = R_i g_i / p_i + r sum_j B_j s_ij (M_j - m_i),    M_j = sum_k m_k s_kj.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from scipy.optimize import minimize

from stackelberg.edge.market import Floats, Ints
from stackelberg.edge.prices.ces_game import CesGame
from stackelberg.edge.prices.price_stop import Ending

MAX_ROUNDS = 25
"""Of the augmented Lagrangian: updates of the prices of capacity."""

MAX_STEPS = 300
"""Of the quasi-Newton method in one round."""

PENALTY = 2.0
"""First weight of squared relative excess, as a multiple of a node's share of money."""


@njit(cache=True, error_model="numpy", nogil=True)
def _revenues(
    indptr: Ints, node: Ints, pull: Floats, outside: Floats, steepness: float,
    budget: Floats, log_price: Floats, share: Floats, revenue: Floats,
) -> None:  # fmt: skip
    """Write the users' shares [E] and the nodes' revenues [M]."""
    revenue[:] = 0.0
    for j in range(len(indptr) - 1):
        start, stop = indptr[j], indptr[j + 1]
        if start == stop:
            continue
        most = outside[j]
        for e in range(start, stop):
            share[e] = pull[e] - steepness * log_price[node[e]]
            most = max(most, share[e])
        total = math.exp(outside[j] - most)
        for e in range(start, stop):
            share[e] = math.exp(share[e] - most)
            total += share[e]
        for e in range(start, stop):
            share[e] /= total
            revenue[node[e]] += budget[j] * share[e]


@njit(cache=True, error_model="numpy", nogil=True)
def _margins(
    indptr: Ints, node: Ints, budget: Floats, share: Floats, margin: Floats,
    mixed: Floats,
) -> None:  # fmt: skip
    """Write sum_j B_j s_ij M_j of each node [M]."""
    mixed[:] = 0.0
    for j in range(len(indptr) - 1):
        mean = 0.0
        for e in range(indptr[j], indptr[j + 1]):
            mean += share[e] * margin[node[e]]
        for e in range(indptr[j], indptr[j + 1]):
            mixed[node[e]] += budget[j] * share[e] * mean


class OperatorSearch:
    """One resource type of one owner."""

    def __init__(self, game: CesGame, ending: Ending, before: int = 0) -> None:
        self.game, self._ending, self._before = game, ending, before
        self.evaluations = 0
        self.money = float(game.budget[np.diff(game.indptr) > 0].sum())
        self._share = np.empty(len(game.node))
        self._revenue = np.empty(game.num_nodes)
        self._mixed = np.empty(game.num_nodes)
        self._finite = np.isfinite(game.capacity) & game.open_nodes

    def due(self) -> bool:
        """Whether to end here."""
        return self._ending.due(self._before + self.evaluations)

    def demand(self, log_price: Floats) -> Floats:
        """What users want [M]."""
        game = self.game
        self.evaluations += 1
        _revenues(
            game.indptr, game.node, game.pull, game.outside_pull, game.steepness,
            game.budget, log_price, self._share, self._revenue,
        )  # fmt: skip
        return self._revenue * np.exp(-log_price)

    def slope(self, log_price: Floats, charge: Floats) -> Floats:
        """Slope of profit at the charges, by log price [M]; after `demand` there."""
        game = self.game
        cost_share = charge * np.exp(-log_price)
        margin = 1.0 - cost_share
        _margins(game.indptr, game.node, game.budget, self._share, margin, self._mixed)
        revenue = self._revenue
        return revenue * cost_share + game.steepness * (self._mixed - margin * revenue)

    def least_prices(self, limit: int = 400) -> tuple[Floats, bool]:
        """Log prices [M] that no prices within the capacities are below, and whether
        caps allow any.

        From below, each price rises by the sigma-th root of its node's excess demand:
        own elasticity is at most sigma, and raising others' prices only adds demand.
        """
        game = self.game
        sigma = game.steepness + 1.0
        with np.errstate(divide="ignore", invalid="ignore"):
            cap = np.log(game.price_cap)
            room = np.log(game.capacity)
            start = np.log(game.money_in_reach()) - room - 14.0
            base = np.log(game.cost) - 5.0
        log_price = np.where(self._finite, start, base)
        log_price = np.minimum(np.where(game.open_nodes, log_price, 0.0), cap)
        possible = True
        for _ in range(limit):
            with np.errstate(divide="ignore", invalid="ignore"):
                excess = np.log(self.demand(log_price)) - room
            excess = np.where(self._finite, excess, 0.0)
            possible = not np.any((log_price >= cap) & (excess > 1e-9))
            rise = np.minimum(np.maximum(excess, 0.0) / sigma, cap - log_price)
            log_price = log_price + rise
            if not possible or rise.max(initial=0.0) < 1e-13:
                break
        return log_price, possible

    def climb(
        self, start: Floats, low: Floats, kappa: Floats, tolerance: float
    ) -> tuple[Floats, Floats]:
        """Log prices and prices of capacity [M] near a local optimum."""
        game = self.game
        with np.errstate(divide="ignore", invalid="ignore"):
            high = np.minimum(np.log(game.price_cap), np.maximum(low, start) + 40.0)
        # Below the least prices capacities bind, and their prices must say so.
        bounds = list(zip(np.minimum(low - 1.0, high), high, strict=True))
        room = np.where(self._finite, game.capacity, 1.0)
        t = np.clip(start, low, high)
        weight, worst = PENALTY / int(game.open_nodes.sum()), math.inf
        price_of = kappa * room / self.money
        accuracy = 1e-3
        for _ in range(MAX_ROUNDS):
            if self.due():
                break
            accuracy = max(0.1 * accuracy, 0.1 * tolerance)

            def lagrangian(
                t: Floats, fixed: Floats = price_of, weight: float = weight
            ) -> tuple[float, Floats]:
                demand = self.demand(t)
                over = np.where(self._finite, demand / room - 1.0, 0.0)
                moved = np.where(self._finite, np.maximum(fixed + weight * over, 0), 0)
                profit = float((np.exp(t) - game.cost) @ demand) / self.money
                slope = self.slope(t, game.cost + moved * self.money / room)
                penalty = float((moved**2 - fixed**2).sum()) / (2.0 * weight)
                return penalty - profit, -slope / self.money

            found: Any = minimize(
                lagrangian, t, jac=True, method="L-BFGS-B", bounds=bounds,
                callback=self._end_if_due,
                options={"maxiter": MAX_STEPS, "ftol": 0.0, "gtol": accuracy,
                         "maxcor": 20},
            )  # fmt: skip
            t = np.asarray(found.x, dtype=np.float64)
            over = np.where(self._finite, self.demand(t) / room - 1.0, 0.0)
            new = np.where(self._finite, np.maximum(price_of + weight * over, 0.0), 0.0)
            change = float(np.abs(new - price_of).max(initial=0.0))
            price_of = new
            if change <= accuracy <= 0.1 * tolerance:
                break
            left = float(np.abs(np.maximum(over, -price_of / weight)).max(initial=0.0))
            if left > 0.5 * worst:
                weight = min(4.0 * weight, 1e6)
            worst = left
        return self.within_capacities(t), price_of * self.money / room

    def _end_if_due(self, _: Floats) -> None:
        if self.due():
            raise StopIteration

    def within_capacities(self, log_price: Floats) -> Floats:
        """The prices, raised where demand is above a capacity and caps allow."""
        game = self.game
        with np.errstate(divide="ignore", invalid="ignore"):
            cap = np.log(game.price_cap)
            room = np.log(game.capacity)
        for _ in range(100):
            with np.errstate(divide="ignore", invalid="ignore"):
                excess = np.log(self.demand(log_price)) - room
            rise = np.where(self._finite, np.maximum(excess, 0.0), 0.0)
            if rise.max(initial=0.0) <= 0.0:
                break
            log_price = np.minimum(log_price + rise + 1e-16, cap)
        return log_price
