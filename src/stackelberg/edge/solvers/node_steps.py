"""The nodes' part of an interior point step: what lies between passes over the users.

Letters as in `interior_point`: s slack of a capacity, lam its price. A node without
limit has s = lam = 0 for good: its unknown is held at zero (`node_system`).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from stackelberg.edge.market import Floats

LOAD, DIAGONAL, RIGHT_SIDE = 0, 1, 2
"""What the first pass adds up per node: amounts, its part of the system's diagonal, and
of the right side of the affine step."""

CORRECTOR, PER_TARGET = 0, 1
"""What the second pass adds up per node: the corrector's right side, and its change per
unit of the complementarity aimed at."""

CAREFUL_SHARE = 0.1
"""Share of the complementarity that a careful step leaves at least."""

SHORT_AFFINE = 0.1
"""An affine step that cannot go farther says nothing of second order. Without this
some solves took six steps of a few per cent in a row near a gap of 2e-4."""


@njit(cache=True, error_model="numpy", nogil=True)
def gathered(
    per_node: Floats, capacity: Floats, s: Floats, lam: Floats
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Add up what the blocks of users left to the nodes, in order.

    Args:
        per_node: of each block [blocks, M or more, 3], see `LOAD`.
        capacity: infinite where nothing limits it [M].
        s: slacks [M].
        lam: prices [M].

    Returns:
        Loads; Q - sum x - s, which rounding makes of zero and the next step takes back;
        s / lam; the system's diagonal; and the affine step's right side, each [M].
    """
    count = len(capacity)
    load, residual, own = np.zeros(count), np.zeros(count), np.zeros(count)
    diagonal, right_side = np.zeros(count), np.zeros(count)
    for k in range(per_node.shape[0]):
        for i in range(count):
            load[i] += per_node[k, i, LOAD]
            diagonal[i] += per_node[k, i, DIAGONAL]
            right_side[i] += per_node[k, i, RIGHT_SIDE]
    for i in range(count):
        if np.isfinite(capacity[i]):
            residual[i] = capacity[i] - load[i] - s[i]
            own[i] = s[i] / lam[i]
            diagonal[i] += own[i]
            right_side[i] -= s[i] + residual[i]
    return load, residual, own, diagonal, right_side


@njit(cache=True, error_model="numpy", nogil=True)
def totals(sums: Floats, s: Floats, lam: Floats) -> tuple[float, float, float]:
    """What the users of all blocks add up to, and in the first number the nodes too.

    Args:
        sums: products, utility gaps and virtual money of each block [blocks, 3].
        s: slacks [M].
        lam: prices [M].
    """
    products = gaps = money = 0.0
    for k in range(sums.shape[0]):
        products += sums[k, 0]
        gaps += sums[k, 1]
        money += sums[k, 2]
    for i in range(len(s)):
        products += s[i] * lam[i]
    return products, gaps, money


@njit(cache=True, error_model="numpy", nogil=True)
def corrected(
    per_node: Floats,
    residual: Floats,
    s: Floats,
    lam: Floats,
    second_order: Floats,
    aim: float,
) -> tuple[Floats, Floats]:
    """What the step itself should change slacks by, and its right side, each [M].

    Args:
        per_node: of each block [blocks, M or more, 2], see `CORRECTOR`.
        residual: as `gathered` found it [M].
        s: slacks [M].
        lam: prices [M].
        second_order: ds dlam of the affine step [M].
        aim: complementarity to aim at.
    """
    wanted, right_side = np.zeros(len(s)), np.zeros(len(s))
    for k in range(per_node.shape[0]):
        for i in range(len(s)):
            right_side[i] += per_node[k, i, CORRECTOR]
            right_side[i] += aim * per_node[k, i, PER_TARGET]
    for i in range(len(s)):
        if lam[i] > 0.0:
            wanted[i] = (aim - second_order[i]) / lam[i] - s[i]
            right_side[i] += wanted[i] - residual[i]
    return wanted, right_side


@njit(cache=True, error_model="numpy", nogil=True)
def longest_steps(
    shrink: Floats, s: Floats, d_s: Floats, lam: Floats, d_lam: Floats, keep: float
) -> tuple[float, float]:
    """Steps up to 1 that go `keep` of the way to where something becomes zero.

    Args:
        shrink: greatest -dx/x and -dz/z of each block's users [blocks, 2].
        s: slacks [M].
        d_s: their step [M].
        lam: prices [M].
        d_lam: their step [M].
        keep: up to 1.
    """
    most_x = most_z = keep
    for k in range(shrink.shape[0]):
        most_x, most_z = max(most_x, shrink[k, 0]), max(most_z, shrink[k, 1])
    for i in range(len(s)):
        if lam[i] > 0.0:
            most_x, most_z = (
                max(most_x, -d_s[i] / s[i]),
                max(most_z, -d_lam[i] / lam[i]),
            )
    return keep / most_x, keep / most_z


@njit(cache=True, error_model="numpy", nogil=True)
def judged(
    sums: Floats,
    shrink: Floats,
    formed: Floats,
    per_node: Floats,
    residual: Floats,
    own: Floats,
    s: Floats,
    lam: Floats,
    d_lam: Floats,
    complementarity: float,
    num_products: int,
    least: float,
    careful: bool,
) -> tuple[bool, float, float, Floats, Floats]:
    """What the affine step says about the step to take.

    Args:
        sums: x dz, z dx and dx dz of each block's users [blocks, 3].
        shrink: greatest -dx/x and -dz/z of each block's users [blocks, 2].
        formed: as `gathered` reads it [blocks, M or more, 3].
        per_node: see `corrected`; overwritten by a plain Newton step's.
        residual: as `gathered` found it [M].
        own: s / lam [M].
        s: slacks [M].
        lam: prices [M].
        d_lam: their affine step [M].
        complementarity: sum of all products.
        num_products: how many they are.
        least: complementarity of one product below which no step aims.
        careful: take a plain Newton step, and not too long a one.

    Returns:
        Whether to take a plain Newton step, without second-order terms, since these
        mislead where steps are short; the share of complementarity that the affine
        step would leave; what to aim at; and for the step itself what slacks should
        change by and the right side, each [M].
    """
    second_order, d_s = np.zeros(len(s)), np.zeros(len(s))
    s_d_lam = lam_d_s = both = 0.0
    for i in range(len(s)):
        d_s[i] = -s[i] - own[i] * d_lam[i]
        s_d_lam += s[i] * d_lam[i]
        lam_d_s += lam[i] * d_s[i]
        both += d_s[i] * d_lam[i]
        second_order[i] = d_s[i] * d_lam[i]
    step_x, step_z = longest_steps(shrink, s, d_s, lam, d_lam, 1.0)
    x_dz = z_dx = dx_dz = 0.0
    for k in range(sums.shape[0]):
        x_dz += sums[k, 0]
        z_dx += sums[k, 1]
        dx_dz += sums[k, 2]
    reached = complementarity + step_z * (x_dz + s_d_lam) + step_x * (z_dx + lam_d_s)
    reached += step_x * step_z * (dx_dz + both)
    share = max(reached, 0.0) / complementarity
    tau = complementarity / num_products
    aim = max(tau * share**2, min(least, tau))
    if careful:
        aim = max(aim, CAREFUL_SHARE * tau)
    plain = careful or min(step_x, step_z) < SHORT_AFFINE
    if plain:
        per_node[:, :, CORRECTOR] = formed[:, :, RIGHT_SIDE]
        second_order[:] = 0.0
    wanted, right_side = corrected(per_node, residual, s, lam, second_order, aim)
    return plain, share, aim, wanted, right_side
