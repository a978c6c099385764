"""How far a utility may be from its optimum, given the gap.

The optimum u* maximises a concave welfare over a convex set, so no feasible direction
gains: W(u*) - W(u) >= sum_j b_j u_j^(1 - alpha) g(y_j), y = u / u*, with

    g(y) = y^alpha - 1 - alpha (y^(alpha - 1) - 1)/(alpha - 1),

y - 1 - log y at alpha = 1. So no y_j may have g(y_j) above gap / (b_j u_j^(1 - alpha)).
"""

from __future__ import annotations

import math

import numpy as np

from stackelberg.edge.market import Floats

_NEWTON_STEPS, _HALVINGS = 60, 50


def utility_error(level: Floats, alpha: float) -> Floats:
    """Bound on |u / u* - 1|, elementwise: the farthest y with g(y) <= `level`.

    Args:
        level: gap over the virtual money b u^(1 - alpha) of the user, >= 0.
        alpha: of the fairness.
    """
    level = np.where(np.isnan(level), math.inf, level)
    error = np.full(level.shape, math.inf)
    finite = np.isfinite(level)
    error[finite] = np.expm1(_above(level[finite], alpha))
    if alpha > 2.0:  # else the side above is the farther one
        error[finite] = np.maximum(error[finite], _below(level[finite], alpha))
    return error


def _g(t: Floats, alpha: float) -> Floats:
    """The g(e^t) of the module."""
    if alpha == 1.0:
        return np.expm1(t) - t
    return np.expm1(alpha * t) - alpha / (alpha - 1.0) * np.expm1((alpha - 1.0) * t)


def _above(level: Floats, alpha: float) -> Floats:
    """The t >= 0 with g(e^t) = level, from above: g is convex there, so that Newton's
    steps from the right stay on the right, and any of them is a bound.
    """
    share = level / alpha
    t = 0.5 * (share + np.sqrt(share * (8.0 + share)))  # g >= alpha t^2 / (2 + t)
    t = np.minimum(t, 600.0 / max(alpha, 1.0))
    t = np.where(_g(t, alpha) >= level, t, math.inf)
    for _ in range(_NEWTON_STEPS):
        moving = (t > 0.0) & np.isfinite(t)
        near = np.where(moving, t, 1.0)
        slope = alpha * np.exp((alpha - 1.0) * near) * np.expm1(near)
        step = np.where(moving, (_g(near, alpha) - level) / slope, 0.0)
        if not np.any(step > 1e-14 * near):
            break
        t = np.where(moving, near - np.maximum(step, 0.0), t)
    return t


def _below(level: Floats, alpha: float) -> Floats:
    """The greatest 1 - y with y <= 1 and g(y) <= level, by halving; 1 if all are."""
    low, high = np.zeros(level.shape), np.ones(level.shape)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        inside = _g(np.log1p(-middle), alpha) <= level
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return high
