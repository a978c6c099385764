"""The followers' power game on one channel as a box linear complementarity problem.

At given prices the equilibria are the p in [low, high] with, for w = (I + F) p - b:
p_j = low and w_j >= 0, or p_j = high and w_j <= 0, or w_j = 0 in between, where F is
the coupling and b_j = B/(price_j gain_to_bs_j) - noise_j (theory section 2).

`follow_path` finds one for any F >= 0. It adds theta d with d > 0 to w, begins where
all pairs at `low` solve the game, and follows the piecewise linear path of solutions
down to theta = 0, one pivot per kink (Lemke's method in box form). Best response can
cycle; the path cannot. `enumerate_equilibria` lists all of them for few pairs.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from stackelberg.spectrum.scenario import Floats

LOW, FREE, HIGH = -1, 0, 1

_ATTEMPTS = 20
"""Paths tried before the search for an equilibrium is given up."""

_GOLDEN = 0.6180339887498949


@njit(cache=True, error_model="numpy", nogil=True)
def solve_in_place(matrix: Floats, right: Floats) -> bool:
    """Solve in place by elimination with row pivoting; False if singular.

    `matrix` [n, n] is destroyed, `right` [n, m] becomes the solutions.
    """
    n, m = right.shape
    for c in range(n):
        pivot = c
        for r in range(c + 1, n):
            if abs(matrix[r, c]) > abs(matrix[pivot, c]):
                pivot = r
        if abs(matrix[pivot, c]) < 1e-14:
            return False
        if pivot != c:
            for i in range(n):
                matrix[c, i], matrix[pivot, i] = matrix[pivot, i], matrix[c, i]
            for i in range(m):
                right[c, i], right[pivot, i] = right[pivot, i], right[c, i]
        for r in range(c + 1, n):
            ratio = matrix[r, c] / matrix[c, c]
            if ratio != 0.0:
                for i in range(c + 1, n):
                    matrix[r, i] -= ratio * matrix[c, i]
                for i in range(m):
                    right[r, i] -= ratio * right[c, i]
    for c in range(n - 1, -1, -1):
        for i in range(m):
            total = right[c, i]
            for r in range(c + 1, n):
                total -= matrix[c, r] * right[r, i]
            right[c, i] = total / matrix[c, c]
    return True


@njit(cache=True, error_model="numpy", nogil=True)
def _powers_of_sets(
    sets: np.ndarray, target: Floats, cover: Floats, coupling: Floats,
    low: float, high: float, power: Floats, rate: Floats,
) -> bool:  # fmt: skip
    """Powers p(theta) = power + theta * rate with every w_j of a FREE pair zero."""
    k = len(sets)
    free = np.flatnonzero(sets == FREE)
    n = len(free)
    for j in range(k):
        power[j] = high if sets[j] == HIGH else low
        rate[j] = 0.0
    if n == 0:
        return True
    matrix, right = np.empty((n, n)), np.empty((n, 2))
    for a in range(n):
        j = free[a]
        right[a, 0] = target[j]
        right[a, 1] = -cover[j]
        for i in range(k):
            if sets[i] != FREE:
                right[a, 0] -= coupling[j, i] * power[i]
        for c in range(n):
            matrix[a, c] = 1.0 if a == c else coupling[j, free[c]]
    if not solve_in_place(matrix, right):
        return False
    for a in range(n):
        power[free[a]] = right[a, 0]
        rate[free[a]] = right[a, 1]
    return True


@njit(cache=True, error_model="numpy", nogil=True)
def follow_path(
    target: Floats, coupling: Floats, low: float, high: float, power: Floats
) -> int:
    """One equilibrium of the power game, written into `power`.

    Ties and singular sets (exactly equal gains make them) can end a path early. Then
    others are tried: another d, and a coupling changed in its last digits.

    Args:
        target: b [K], W.
        coupling: F [K, K], >= 0, zero diagonal.
        low: least power, W.
        high: greatest power, W.
        power: [K], written.

    Returns:
        Pivots taken; negative if every path was lost, in which case `power` holds the
        least residual met, but need not be an equilibrium.
    """
    k = len(target)
    cover, tried, near = np.empty(k), np.empty(k), coupling
    size = max(high, 1e-300)
    for j in range(k):
        size = max(size, abs(target[j]))
        for i in range(k):
            size = max(size, coupling[j, i] * high)
    least, pivots = math.inf, 0
    for attempt in range(_ATTEMPTS):
        for j in range(k):
            shift = _GOLDEN * (j + 1) + math.sqrt(2.0) * attempt
            cover[j] = 1.0 + 0.37 * (shift % 1.0)
        if attempt > 0:
            near = coupling.copy()
            for j in range(k):
                for i in range(k):
                    shift = math.sqrt(3.0) * (j * k + i + 1) + _GOLDEN * attempt
                    near[j, i] *= 1.0 + 1e-12 * (shift % 1.0)
        taken = _trace_path(target, cover, near, low, high, tried)
        pivots += abs(taken)
        residual = _residual(target, coupling, low, high, tried)
        if residual < least:
            least = residual
            power[:] = tried
        if residual <= 1e-11 * size:
            return pivots
    return -pivots


@njit(cache=True, error_model="numpy", nogil=True)
def _residual(
    target: Floats, coupling: Floats, low: float, high: float, power: Floats
) -> float:
    """Largest distance of any power from its best response, W."""
    worst = 0.0
    for j in range(len(target)):
        wish = target[j]
        for i in range(len(target)):
            wish -= coupling[j, i] * power[i]
        worst = max(worst, abs(min(max(wish, low), high) - power[j]))
    return worst


@njit(cache=True, error_model="numpy", nogil=True)
def _trace_path(
    target: Floats, cover: Floats, coupling: Floats, low: float, high: float,
    power: Floats,
) -> int:  # fmt: skip
    """Follow one path; pivots taken, negative if it was lost."""
    k = len(target)
    sets = np.full(k, LOW)
    base, rate = np.empty(k), np.empty(k)
    theta, entering = 0.0, -1
    for j in range(k):
        power[j] = low
        wish = target[j]
        for i in range(k):
            wish -= (1.0 if i == j else coupling[j, i]) * low
        if wish / cover[j] > theta:
            theta, entering = wish / cover[j], j
    if entering < 0:
        return 0
    sets[entering] = FREE
    came_from, pivot = LOW, 1
    for pivot in range(1, 50 * k + 200):
        if not _powers_of_sets(sets, target, cover, coupling, low, high, base, rate):
            break
        slope = rate[entering]
        if sets[entering] != FREE:
            slope = cover[entering]
            for i in range(k):
                if i != entering:
                    slope += coupling[entering, i] * rate[i]
        inward = 1.0 if came_from == LOW else -1.0
        direction = 1.0 if slope * inward > 0.0 else -1.0
        step = theta if direction < 0.0 else math.inf
        event, side = -1, LOW
        for j in range(k):
            if sets[j] == FREE:
                at, speed = base[j] + theta * rate[j], direction * rate[j]
                if speed < 0.0:
                    reach, hit = (low - at) / speed, LOW
                elif speed > 0.0:
                    reach, hit = (high - at) / speed, HIGH
                else:
                    continue
                if j == entering and came_from == hit:
                    continue
            else:
                at = base[j] - target[j] + theta * cover[j]
                speed = cover[j]
                for i in range(k):
                    if i != j:
                        at += coupling[j, i] * (base[i] + theta * rate[i])
                        speed += coupling[j, i] * rate[i]
                speed *= direction
                if speed * sets[j] <= 0.0 or j == entering:
                    continue
                reach, hit = -at / speed, FREE
            reach = max(reach, 0.0)
            if reach < step:
                step, event, side = reach, j, hit
        if event < 0:
            if direction > 0.0:
                break
            for j in range(k):
                power[j] = min(max(base[j], low), high)
            return pivot
        theta += direction * step
        came_from = sets[event] if side == FREE else side
        sets[event] = side
        entering = event
    for j in range(k):
        power[j] = min(max(base[j] + theta * rate[j], low), high)
    return -pivot


@njit(cache=True, error_model="numpy", nogil=True)
def enumerate_equilibria(
    target: Floats, coupling: Floats, low: float, high: float
) -> tuple[Floats, bool]:
    """All equilibria of the power game, by trying the 3^K sets of limited pairs.

    Returns:
        Equilibria [count, K], ascending by their first differing power; and whether a
        singular set was met, in which case a continuum may be missing.
    """
    k = len(target)
    sets = np.full(k, LOW)
    power, rate, zero = np.empty(k), np.empty(k), np.zeros(k)
    found = np.empty((3**k, k))
    count, singular = 0, False
    tolerance = 1e-11 * max(high, 1e-300)
    for _ in range(3**k):
        if _powers_of_sets(sets, target, zero, coupling, low, high, power, rate):
            good = True
            for j in range(k):
                w = power[j] - target[j]
                for i in range(k):
                    if i != j:
                        w += coupling[j, i] * power[i]
                if sets[j] == FREE:
                    good = good and low - tolerance <= power[j] <= high + tolerance
                else:
                    good = good and w * sets[j] <= tolerance
            if good:
                fresh = True
                for e in range(count):
                    apart = 0.0
                    for j in range(k):
                        apart = max(apart, abs(found[e, j] - power[j]))
                    fresh = fresh and apart > 1e-9 * high
                if fresh:
                    for j in range(k):
                        found[count, j] = min(max(power[j], low), high)
                    count += 1
        else:
            singular = True
        at = k - 1
        while at >= 0 and sets[at] == HIGH:
            sets[at] = LOW
            at -= 1
        if at >= 0:
            sets[at] += 1
    return found[:count].copy(), singular


@njit(cache=True, error_model="numpy", nogil=True)
def least_principal_minor(coupling: Floats) -> float:
    """Least principal minor of I + F over all 2^K - 1 sets: > 0 iff a P-matrix.

    Work grows as 2^K K^3; meant for K <= 12.
    """
    k = coupling.shape[0]
    least = math.inf
    matrix = np.empty((k, k))
    members = np.empty(k, dtype=np.int64)
    for code in range(1, 1 << k):
        n = 0
        for j in range(k):
            if (code >> j) & 1:
                members[n] = j
                n += 1
        for a in range(n):
            for c in range(n):
                matrix[a, c] = 1.0 if a == c else coupling[members[a], members[c]]
        minor = 1.0
        for c in range(n):
            pivot = c
            for r in range(c + 1, n):
                if abs(matrix[r, c]) > abs(matrix[pivot, c]):
                    pivot = r
            if matrix[pivot, c] == 0.0:
                minor = 0.0
                break
            if pivot != c:
                minor = -minor
                for i in range(n):
                    matrix[c, i], matrix[pivot, i] = matrix[pivot, i], matrix[c, i]
            minor *= matrix[c, c]
            for r in range(c + 1, n):
                ratio = matrix[r, c] / matrix[c, c]
                for i in range(c + 1, n):
                    matrix[r, i] -= ratio * matrix[c, i]
        least = min(least, minor)
    return least
