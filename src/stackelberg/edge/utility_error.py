"""How far a utility may be from its optimum, given the gap.

The optimum u* maximises a concave welfare over a convex set, so no feasible direction
gains: W(u*) - W(u) >= sum_j b_j u_j^(1 - alpha) g(y_j), y = u / u*, with

    g(y) = y^alpha - 1 - alpha (y^(alpha - 1) - 1)/(alpha - 1),

y - 1 - log y at alpha = 1. So no y_j may have g(y_j) above gap / (b_j u_j^(1 - alpha)).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from stackelberg.edge.market import Floats

_NEWTON_STEPS, _HALVINGS = 60, 50


def utility_error(level: Floats, alpha: float) -> Floats:
    """Bound on |u / u* - 1|, elementwise: the farthest y with g(y) <= `level`.

    Args:
        level: gap over the virtual money b u^(1 - alpha) of the user, >= 0.
        alpha: of the fairness.
    """
    return _errors(np.ascontiguousarray(level, dtype=np.float64), alpha)


@njit(cache=True, error_model="numpy", nogil=True)
def _errors(level: Floats, alpha: float) -> Floats:
    error = np.empty(len(level))
    for j in range(len(level)):
        error[j] = np.inf
        if np.isfinite(level[j]):
            error[j] = math.expm1(_above(level[j], alpha))
            if alpha > 2.0:  # else the side above is the farther one
                error[j] = max(error[j], _below(level[j], alpha))
    return error


@njit(cache=True, error_model="numpy", nogil=True)
def _g(t: float, alpha: float) -> float:
    """The g(e^t) of the module."""
    if alpha == 1.0:
        return math.expm1(t) - t
    return math.expm1(alpha * t) - alpha / (alpha - 1.0) * math.expm1((alpha - 1.0) * t)


@njit(cache=True, error_model="numpy", nogil=True)
def _above(level: float, alpha: float) -> float:
    """The t >= 0 with g(e^t) = level, from above: g is convex there, so that Newton's
    steps from the right stay on the right, and any of them is a bound.
    """
    share = level / alpha
    t = 0.5 * (share + math.sqrt(share * (8.0 + share)))  # g >= alpha t^2 / (2 + t)
    t = min(t, 600.0 / max(alpha, 1.0))
    if not _g(t, alpha) >= level:
        return np.inf
    for _ in range(_NEWTON_STEPS):
        if t <= 0.0:
            break
        slope = alpha * math.exp((alpha - 1.0) * t) * math.expm1(t)
        step = (_g(t, alpha) - level) / slope
        if not step > 1e-14 * t:
            break
        t -= step
    return t


@njit(cache=True, error_model="numpy", nogil=True)
def _below(level: float, alpha: float) -> float:
    """The greatest 1 - y with y <= 1 and g(y) <= level, by halving; 1 if all are."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if _g(math.log1p(-middle), alpha) <= level:
            low = middle
        else:
            high = middle
    return high
