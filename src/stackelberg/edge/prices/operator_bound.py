"""No prices earn an owner of all nodes more: a bound by pricing each user apart.

For any kappa >= 0 on capacities, with g_i = c_i + kappa_i,

    profit <= kappa.Q + sum_j B_j V_j,    V_j = max_p sum_i s_ij (1 - g_i / p_i),

where every user j may be shown prices p of its own up to the caps. V_j is the root of

    h_j(v) = sum_i a_ij max_p p^-r (1 - v - g_i / p) - v a_0j,    a_ij = w_ij^r,

which falls in v; the inner maximum is at p = min(cap, g sigma / (r (1 - v))). So any v
with h_j(v) <= 0 is a bound, whatever found it. The bound is convex in kappa. It is
attained where all users are alike, and misses by what discrimination would bring.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from scipy.optimize import minimize

from stackelberg.edge.market import Floats, Ints
from stackelberg.edge.prices.ces_game import CesGame

MAX_STEPS = 200
"""Of the search for the best kappa; every kappa gives a bound."""

_MAX_ROUNDS = 60
_ROUNDING = 2.0**-52


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def _excess(
    value: float,
    start: int,
    stop: int,
    node: Ints,
    pull: Floats,
    outside: float,
    scale: float,
    steepness: float,
    log_charge: Floats,
    log_cap: Floats,
) -> tuple[float, float, float]:
    """h(v) and the two sums whose ratio is the next v of Dinkelbach's method, all
    divided by exp(scale).
    """
    keep = math.log(1.0 - value)
    markup = math.log((steepness + 1.0) / steepness)
    weights = gains = 0.0
    for e in range(start, stop):
        i = node[e]
        log_price = min(log_cap[i], log_charge[i] + markup - keep)
        size = math.exp(pull[e] - steepness * log_price - scale)
        weights += size
        gains += size * (1.0 - math.exp(log_charge[i] - log_price))
    beside = math.exp(outside - scale)
    return gains - value * (weights + beside), gains, weights + beside


@njit(cache=True, error_model="numpy", nogil=True)
def price_users_apart(
    indptr: Ints,
    node: Ints,
    pull: Floats,
    outside: Floats,
    steepness: float,
    budget: Floats,
    log_charge: Floats,
    log_cap: Floats,
    value: Floats,
    sums: Floats,
) -> None:
    """Write a bound on V_j [N] and, at the users' own best prices, what each node
    sells, the money spent there and the same times log price [3, M].
    """
    markup = math.log((steepness + 1.0) / steepness)
    sums[:] = 0.0
    for j in range(len(indptr) - 1):
        start, stop = indptr[j], indptr[j + 1]
        if start == stop:
            value[j] = 0.0
            continue
        scale = outside[j]
        free = False
        for e in range(start, stop):
            i = node[e]
            if log_charge[i] == -np.inf:
                free = True
            scale = max(
                scale,
                pull[e] - steepness * min(log_cap[i], log_charge[i] + markup),
            )
        if free:  # a price near zero takes all the money at no cost
            value[j] = 1.0
            continue
        found = -np.inf
        below = 0.0
        for e in range(start, stop):  # a v that is surely too low, or zero
            below = min(below, 1.0 - math.exp(log_charge[node[e]] - log_cap[node[e]]))
        v = below
        for _ in range(_MAX_ROUNDS):
            _, gains, weights = _excess(
                v, start, stop, node, pull, outside[j], scale, steepness,
                log_charge, log_cap,
            )  # fmt: skip
            new = gains / weights
            if not new > v + 1e-15 * max(1.0, abs(v)) or new >= 1.0:
                break
            v = new
        found = v
        step = 1e-14
        v = min(found + step, 1.0)
        while v < 1.0:
            over, gains, weights = _excess(
                v, start, stop, node, pull, outside[j], scale, steepness,
                log_charge, log_cap,
            )  # fmt: skip
            if over <= -1e-15 * weights * (1.0 + abs(v)):
                break
            step *= 4.0
            v = min(found + step * max(1.0, abs(found)), 1.0)
        value[j] = v
        keep = math.log(max(1.0 - found, 1e-300))
        total = math.exp(outside[j] - scale)
        for e in range(start, stop):
            i = node[e]
            log_price = min(log_cap[i], log_charge[i] + markup - keep)
            total += math.exp(pull[e] - steepness * log_price - scale)
        for e in range(start, stop):
            i = node[e]
            log_price = min(log_cap[i], log_charge[i] + markup - keep)
            size = math.exp(pull[e] - steepness * log_price - scale)
            money = budget[j] * size / total
            sums[0, i] += money * math.exp(-log_price)
            sums[1, i] += money
            sums[2, i] += money * log_price


class ProfitBound:
    """The bound as a function of kappa, for one resource type.

    Attributes:
        mean_log_price: mean over the money spent of the users' own best log prices at
            the last kappa [M]; NaN where nothing is spent.
    """

    def __init__(self, game: CesGame) -> None:
        self._game = game
        self._value = np.zeros(game.num_users)
        self._sums = np.zeros((3, game.num_nodes))
        self._finite = np.isfinite(game.capacity)
        self._room = np.where(self._finite, game.capacity, 0.0)
        self._money = np.where(np.diff(game.indptr) > 0, game.budget, 0.0)
        self.mean_log_price = np.full(game.num_nodes, np.nan)

    def at(self, kappa: Floats) -> tuple[float, Floats]:
        """The bound and its slope in kappa [M], for kappa >= 0.

        Where capacity is infinite kappa counts as zero, the only value that bounds.
        """
        game = self._game
        kappa = np.where(self._finite, kappa, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            price_users_apart(
                game.indptr, game.node, game.pull, game.outside_pull, game.steepness,
                self._money, np.log(game.cost + kappa), np.log(game.price_cap),
                self._value, self._sums,
            )  # fmt: skip
            sold, spent, weighted = self._sums
            self.mean_log_price = weighted / spent
        parts = np.concatenate([kappa * self._room, self._money * self._value])
        terms = _ROUNDING * (64.0 + math.log2(len(parts) + 1))
        bound = float(parts.sum() + terms * np.abs(parts).sum())
        return bound, np.where(self._finite, game.capacity - sold, 0.0)

    def search(self, kappa: Floats, due: Callable[[], bool] = lambda: False) -> Floats:
        """A kappa [M] with a bound no greater than that of the one given; looks for a
        better one until `due`.
        """
        money = float(self._money.sum())
        if money == 0.0:
            return kappa
        unit = np.where(self._room > 0.0, money / np.maximum(self._room, 1e-300), 0.0)

        def scaled(z: Floats) -> tuple[float, Floats]:
            bound, slope = self.at(z * unit)
            return bound / money, slope * unit / money

        def ended(_: Floats) -> None:
            if due():
                raise StopIteration

        start = np.where(unit > 0.0, kappa / np.where(unit > 0.0, unit, 1.0), 0.0)
        found: Any = minimize(
            scaled, start, jac=True, method="L-BFGS-B",
            bounds=[(0.0, None)] * len(start), callback=ended,
            options={"maxiter": MAX_STEPS, "ftol": 1e-15, "gtol": 1e-10},
        )  # fmt: skip
        better = np.maximum(np.asarray(found.x, dtype=np.float64), 0.0)
        return better * unit if scaled(better)[0] <= scaled(start)[0] else kappa
