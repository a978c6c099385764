"""How far an interior point step goes, once its direction is known.

Letters as in `interior_point`; users lie side by side (`lanes`).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from stackelberg.edge.market import Floats
from stackelberg.edge.solvers.dense_factor import REORDERED
from stackelberg.edge.solvers.lanes import LANES
from stackelberg.edge.solvers.node_steps import longest_steps
from stackelberg.edge.solvers.sweeps import U, V

LOWEST_RATIO = 1e-4
"""u^alpha v / b stays between this and its inverse, once it is."""

MOST_CUTS = 30


@njit(cache=True, error_model="numpy", nogil=True)
def taken(
    shrink: Floats,
    wanted: Floats,
    own: Floats,
    s: Floats,
    lam: Floats,
    d_lam: Floats,
    keep: float,
    careful: bool,
    ends: Floats,
    d_ends: Floats,
    user_weight: Floats,
    power: float,
) -> tuple[float, float, Floats, Floats]:
    """How far to go in x, s, t and in lam, mu, v, z; slacks and prices there [M].

    No farther than `keep` of the way to where something becomes zero, and each utility
    and its price stay near one another's best answer: u and v move by different steps,
    and nothing else holds u^alpha v near b.

    Args:
        shrink: greatest -dx/x and -dz/z of each block's users [blocks, 2].
        wanted: what slacks should change by, as `judged` found it [M].
        own: s / lam [M].
        s: slacks [M].
        lam: prices [M].
        d_lam: their step [M].
        keep: below 1.
        careful: the same step for all.
        ends: (t, mu, u, v) of the users, side by side.
        d_ends: their step.
        user_weight: b, side by side.
        power: alpha.
    """
    d_s = wanted - own * d_lam
    step_x, step_z = longest_steps(shrink, s, d_s, lam, d_lam, keep)
    if careful:
        step_x = step_z = min(step_x, step_z)
    low, high = _band(ends, d_ends, user_weight, power, 0.0, 0.0)
    low, high = min(LOWEST_RATIO, 0.5 * low), max(1.0 / LOWEST_RATIO, 2.0 * high)
    for _ in range(MOST_CUTS):
        least, most = _band(ends, d_ends, user_weight, power, step_x, step_z)
        if low <= least and most <= high:
            break
        if step_x > step_z:
            step_x = max(0.5 * step_x, step_z)
        elif step_z > step_x:
            step_z = max(0.5 * step_z, step_x)
        else:
            step_x, step_z = 0.5 * step_x, 0.5 * step_z
    return step_x, step_z, s + step_x * d_s, lam + step_z * d_lam


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def _band(
    ends: Floats,
    d_ends: Floats,
    user_weight: Floats,
    power: float,
    step_x: float,
    step_z: float,
) -> tuple[float, float]:
    """Least and greatest u^alpha v / b of all users after a step, at least around 1."""
    low, high = np.ones(LANES), np.ones(LANES)
    for group in range(len(user_weight)):
        for lane in range(LANES):
            utility = ends[group, U + lane] + step_x * d_ends[group, U + lane]
            ratio = ends[group, V + lane] + step_z * d_ends[group, V + lane]
            if power == 1.0:
                ratio *= utility / user_weight[group, lane]
            else:
                ratio *= utility**power / user_weight[group, lane]
            low[lane], high[lane] = min(low[lane], ratio), max(high[lane], ratio)
    least, most = 1.0, 1.0
    for lane in range(LANES):
        least, most = min(least, low[lane]), max(most, high[lane])
    return least, most
