"""The three passes over users with smooth utilities that one iteration makes.

As `sweeps`: each pass reads a user's edges once and adds what the nodes need to sums of
its block, in an order fixed by the market. Letters as in `smooth_users`. `ends` holds
(t, mu) per user, both zero where no budget can bind; such a user sees no prices.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from stackelberg.edge.market import Floats, Ints
from stackelberg.edge.solvers.dense_factor import REORDERED, subtract_gram
from stackelberg.edge.solvers.node_steps import (
    CORRECTOR,
    DIAGONAL,
    LOAD,
    PER_TARGET,
    RIGHT_SIDE,
)
from stackelberg.edge.solvers.smooth_user import (
    MOST_BY_DEMAND,
    answer,
    curvature,
    eliminate_budget,
    expenditure_and_shares,
    gap_of_fairness,
    leave_to_nodes,
    reduce_right_side,
    utility_and_shares,
)

USERS_PER_PANEL = 32

BUDGETS, REST, MONEY, RESIDUAL, SIGNS, ASTRAY = 0, 1, 2, 3, 4, 5
"""What `form` sums: t mu; the terms of the gap that are the users' own; the virtual
money; how far amounts are from what the rents call for, in money; x z; and what the
rounding of budgets is worth."""

MOST_GROWTH = 3.0
"""An amount is taken to rise to its demand by at most so many times itself."""


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def _read_money(
    j: int, start: int, d: int, node: Ints, price: Floats, ends: Floats, money: Floats
) -> float:
    """Prices that the user sees, from 0 on; returns t/mu."""
    if ends[j, 1] > 0.0:
        for k in range(d):
            money[k] = price[node[start + k]]
        return ends[j, 0] / ends[j, 1]
    for k in range(d):
        money[k] = 0.0
    return 1.0


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def _by_demand(
    s: float,
    alpha: float,
    b: float,
    e: float,
    unit: float,
    start: int,
    d: int,
    weight: Floats,
    rent: Floats,
    share: Floats,
    x: Floats,
    slope: Floats,
    rest: Floats,
) -> float:
    """Where the amounts should go at these rents: rest = rho, slope = mean amount.

    Below the demand amounts move by x log(demand / x), which never overshoots; above it
    straight to the demand. The slope is that of the chord on which they move.
    """
    demand = (b / e) ** (1.0 / alpha)
    off = 0.0
    for k in range(d):
        i = start + k
        if s == 0.0:
            wanted = demand * unit * weight[i]
        else:
            wanted = demand * e * share[k] / rent[k]
        logs = math.log(wanted / x[i])
        mean = x[i]
        if abs(logs) > 1e-3:
            mean = min((wanted - x[i]) / logs, MOST_GROWTH * x[i])
        slope[i] = mean
        rest[i] = mean * logs
        off += abs(rest[i]) * rent[k]
    return off


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def _by_marginal(
    worth: float,
    start: int,
    d: int,
    rent: Floats,
    share: Floats,
    x: Floats,
    z: Floats,
    slope: Floats,
    rest: Floats,
) -> float:
    """Marginal welfare of each amount: slope = dW/dx, rest = dW/dx - q + z."""
    off = 0.0
    for k in range(d):
        i = start + k
        slope[i] = worth * share[k] / x[i]
        rest[i] = slope[i] - rent[k] + z[i]
        off += abs(rest[i]) * x[i]
    return off


@njit(cache=True, error_model="numpy", nogil=True)
def form(
    first: int,
    last: int,
    longest: int,
    s: float,
    alpha: float,
    indptr: Ints,
    node: Ints,
    weight: Floats,
    price: Floats,
    budget: Floats,
    user_weight: Floats,
    unit: Floats,
    x: Floats,
    z: Floats,
    lam: Floats,
    ends: Floats,
    dx: Floats,
    dz: Floats,
    d_ends: Floats,
    slope: Floats,
    rest: Floats,
    astray: Floats,
    step_x: float,
    step_z: float,
    as_panels: bool,
    sums: Floats,
    per_node: Floats,
    matrix: Floats,
) -> None:
    """Take the last step, then form this block's share of the M x M system.

    Writes x, z, ends, slope, rest and astray (what rounding made of B - p.x - t, which
    the next step takes back) of users `first` to `last`; adds to sums [6],
    per_node [M, 3] and the lower triangle of matrix [M, M], diagonal left apart. `lam`
    is after the step. The right side is that of the affine step.
    """
    rent = np.empty(longest)
    share = np.empty(longest)
    theta = np.empty(longest)
    y = np.empty(longest)
    money = np.empty(longest)
    rho = np.empty(longest)
    reduced = np.empty(longest)
    own = np.empty(longest)
    along = np.empty(longest)
    across = np.empty(longest)
    m = matrix.shape[0]
    by_demand = s <= MOST_BY_DEMAND
    panel = np.zeros((m, USERS_PER_PANEL) if as_panels else (1, 1))
    other_panel = np.zeros((m, USERS_PER_PANEL) if as_panels else (1, 1))
    filled = 0
    sign = 1.0
    for j in range(first, last):
        start, stop = indptr[j], indptr[j + 1]
        d = stop - start
        ends[j, 0] += step_x * d_ends[j, 0]
        ends[j, 1] += step_z * d_ends[j, 1]
        t, mu = ends[j, 0], ends[j, 1]
        looseness = _read_money(j, start, d, node, price, ends, money)
        spent = 0.0
        paid = 0.0
        for k in range(d):
            i = start + k
            x[i] += step_x * dx[i]
            per_node[node[i], LOAD] += x[i]
            rent[k] = lam[node[i]] + mu * money[k]
            spent += rent[k] * x[i]
            paid += money[k] * x[i]
        astray[j] = budget[j] - paid - t if mu > 0.0 else 0.0
        products = 0.0
        b = user_weight[j]
        e = expenditure_and_shares(s, d, start, weight, rent, share) * unit[j]
        if by_demand:
            off = _by_demand(
                s, alpha, b, e, unit[j], start, d, weight, rent, share, x, slope, rest
            )
            u = utility_and_shares(s, start, stop, weight, x, share) / unit[j]
        else:
            u = utility_and_shares(s, start, stop, weight, x, share) / unit[j]
            for k in range(d):
                z[start + k] += step_z * dz[start + k]
                products += x[start + k] * z[start + k]
            worth = b * u ** (1.0 - alpha)
            off = _by_marginal(worth, start, d, rent, share, x, z, slope, rest)
        short, virtual_money = gap_of_fairness(alpha, b, u, e)
        sums[BUDGETS] += t * mu
        sums[ASTRAY] += mu * abs(astray[j])
        sums[REST] += max(spent - e * u, 0.0) + max(short, 0.0)
        sums[MONEY] += virtual_money
        sums[RESIDUAL] += off
        sums[SIGNS] += products

        g = curvature(s, alpha, start, d, slope, x, z, rent, theta, y)
        k_sum, py, delta = eliminate_budget(d, looseness, theta, y, money, g)
        if by_demand:
            for k in range(d):
                rho[k] = rest[start + k]
        else:
            inner = 0.0
            for k in range(d):
                rho[k] = rest[start + k] - z[start + k]
                inner += y[k] * rho[k]
            for k in range(d):
                rho[k] = theta[k] * rho[k] + g * inner * y[k]
        reduce_right_side(
            d,
            g,
            py,
            delta,
            theta,
            y,
            money,
            rho,
            -t - astray[j],
            looseness,
            reduced,
        )
        leave_to_nodes(d, looseness, theta, y, money, k_sum, py, own, along, across)
        factor = g * k_sum / delta
        sign = 1.0 if factor > 0.0 else -1.0
        root = math.sqrt(abs(factor))
        for k in range(d):
            i = node[start + k]
            across[k] *= root
            per_node[i, RIGHT_SIDE] += reduced[k]
            per_node[i, DIAGONAL] += own[k] + sign * across[k] * across[k]
        if as_panels:
            for k in range(d):
                panel[node[start + k], filled] = along[k]
                other_panel[node[start + k], filled] = across[k]
            filled += 1
            if filled == USERS_PER_PANEL or j == last - 1:
                subtract_gram(matrix, panel)
                _add_gram(matrix, other_panel, sign)
                panel[:] = 0.0
                other_panel[:] = 0.0
                filled = 0
        else:
            for k in range(1, d):
                row = matrix[node[start + k]]
                one, two = along[k], sign * across[k]
                for h in range(k):
                    row[node[start + h]] += two * across[h] - one * along[h]


@njit(cache=True, error_model="numpy", nogil=True)
def _add_gram(matrix: Floats, rows: Floats, sign: float) -> None:
    """`matrix` += sign `rows` `rows`' on the lower triangle."""
    if sign > 0.0:
        matrix *= -1.0
        subtract_gram(matrix, rows)
        matrix *= -1.0
    else:
        subtract_gram(matrix, rows)


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def _right_side_of(
    d: int,
    start: int,
    by_demand: bool,
    g: float,
    theta: Floats,
    y: Floats,
    rest: Floats,
    z: Floats,
    target: Floats,
    rho: Floats,
) -> None:
    """Write rho per edge: what dx would be at unchanged rents. By marginal welfare
    `target` counts, the wanted change of x z over x, per edge from 0 on.
    """
    if by_demand:
        for k in range(d):
            rho[k] = rest[start + k]
        return
    inner = 0.0
    for k in range(d):
        rho[k] = rest[start + k] + target[k]
        inner += y[k] * rho[k]
    inner *= g
    for k in range(d):
        rho[k] = theta[k] * rho[k] + inner * y[k]


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def _recall(
    j: int,
    start: int,
    d: int,
    s: float,
    alpha: float,
    node: Ints,
    price: Floats,
    lam: Floats,
    ends: Floats,
    slope: Floats,
    x: Floats,
    z: Floats,
    money: Floats,
    rent: Floats,
    theta: Floats,
    y: Floats,
) -> tuple[float, float, float, float]:
    """What `form` knew of a user's curvature: money, rent, theta and y are written.

    Returns t/mu and, of `curvature` and `eliminate_budget`, g, p.y and delta.
    """
    looseness = _read_money(j, start, d, node, price, ends, money)
    for k in range(d):
        rent[k] = lam[node[start + k]] + ends[j, 1] * money[k]
    g = curvature(s, alpha, start, d, slope, x, z, rent, theta, y)
    _, py, delta = eliminate_budget(d, looseness, theta, y, money, g)
    return looseness, g, py, delta


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED)
def predict(
    first: int,
    last: int,
    longest: int,
    s: float,
    alpha: float,
    indptr: Ints,
    node: Ints,
    price: Floats,
    x: Floats,
    z: Floats,
    lam: Floats,
    ends: Floats,
    slope: Floats,
    rest: Floats,
    astray: Floats,
    d_lam: Floats,
    product: Floats,
    d_ends: Floats,
    sums: Floats,
    longest_step: Floats,
    per_node: Floats,
) -> None:
    """The affine step of each user, and what it says about the step to take.

    Writes product = dx dz per edge and dt dmu into d_ends[:, 0]; adds sums [3] of
    x dz, z dx and dx dz; raises longest_step [2] to the greatest -dx/x and -dz/z; adds
    to per_node [M, 2] the corrector's right side and its change per unit of the
    complementarity aimed at.
    """
    rent = np.empty(longest)
    theta = np.empty(longest)
    y = np.empty(longest)
    money = np.empty(longest)
    rho = np.empty(longest)
    target = np.empty(longest)
    change = np.empty(longest)
    reduced = np.empty(longest)
    by_demand = s <= MOST_BY_DEMAND
    for j in range(first, last):
        start, stop = indptr[j], indptr[j + 1]
        d = stop - start
        t, mu = ends[j, 0], ends[j, 1]
        looseness, g, py, delta = _recall(
            j, start, d, s, alpha, node, price, lam, ends, slope, x, z, money, rent,
            theta, y,
        )  # fmt: skip
        if not by_demand:
            for k in range(d):
                target[k] = -z[start + k]
        _right_side_of(d, start, by_demand, g, theta, y, rest, z, target, rho)
        d_mu = answer(
            d, start, node, g, py, delta, theta, y, money, rho, -t - astray[j],
            looseness, d_lam, change,
        )  # fmt: skip
        shrink_x, shrink_z = longest_step[0], longest_step[1]
        for k in range(d):
            i = start + k
            relative = change[k] / x[i]
            shrink_x = max(shrink_x, -relative)
            if not by_demand:  # dz / z = -1 - dx / x in the affine step
                price_change = -z[i] * (1.0 + relative)
                shrink_z = max(shrink_z, 1.0 + relative)
                sums[0] += x[i] * price_change
                sums[1] += z[i] * change[k]
                both = change[k] * price_change
                sums[2] += both
                product[i] = both
                target[k] = -z[i] - both / x[i]
        wanted = 0.0
        if mu > 0.0:
            d_t = -t - looseness * d_mu
            shrink_x = max(shrink_x, -d_t / t)
            shrink_z = max(shrink_z, -d_mu / mu)
            sums[0] += t * d_mu
            sums[1] += mu * d_t
            both = d_t * d_mu
            sums[2] += both
            d_ends[j, 0] = both
            wanted = -t - both / mu
        longest_step[0], longest_step[1] = shrink_x, shrink_z

        _right_side_of(d, start, by_demand, g, theta, y, rest, z, target, rho)
        reduce_right_side(
            d,
            g,
            py,
            delta,
            theta,
            y,
            money,
            rho,
            wanted - astray[j],
            looseness,
            reduced,
        )
        for k in range(d):
            per_node[node[start + k], CORRECTOR] += reduced[k]
        inner = 0.0
        for k in range(d):
            rho[k] = 0.0 if by_demand else 1.0 / x[start + k]
            inner += y[k] * rho[k]
        for k in range(d):
            rho[k] = theta[k] * rho[k] + g * inner * y[k]
        wanted = 1.0 / mu if mu > 0.0 else 0.0
        reduce_right_side(
            d, g, py, delta, theta, y, money, rho, wanted, looseness, reduced
        )
        for k in range(d):
            per_node[node[start + k], PER_TARGET] += reduced[k]


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED)
def correct(
    first: int,
    last: int,
    longest: int,
    s: float,
    alpha: float,
    indptr: Ints,
    node: Ints,
    price: Floats,
    x: Floats,
    z: Floats,
    lam: Floats,
    ends: Floats,
    slope: Floats,
    rest: Floats,
    astray: Floats,
    d_lam: Floats,
    aim: float,
    dx: Floats,
    dz: Floats,
    d_ends: Floats,
    longest_step: Floats,
) -> None:
    """The step itself, from the nodes' part `d_lam` [M] and complementarity `aim`.

    Reads the products that `predict` left in dx and d_ends[:, 0]; writes dx, dz and
    d_ends; raises longest_step [2].
    """
    rent = np.empty(longest)
    theta = np.empty(longest)
    y = np.empty(longest)
    money = np.empty(longest)
    rho = np.empty(longest)
    target = np.empty(longest)
    change = np.empty(longest)
    by_demand = s <= MOST_BY_DEMAND
    for j in range(first, last):
        start, stop = indptr[j], indptr[j + 1]
        d = stop - start
        t, mu = ends[j, 0], ends[j, 1]
        looseness, g, py, delta = _recall(
            j, start, d, s, alpha, node, price, lam, ends, slope, x, z, money, rent,
            theta, y,
        )  # fmt: skip
        if not by_demand:
            for k in range(d):
                i = start + k
                target[k] = (aim - dx[i]) / x[i] - z[i]
        _right_side_of(d, start, by_demand, g, theta, y, rest, z, target, rho)
        wanted = (aim - d_ends[j, 0]) / mu - t if mu > 0.0 else 0.0
        d_mu = answer(
            d, start, node, g, py, delta, theta, y, money, rho, wanted - astray[j],
            looseness, d_lam, change,
        )  # fmt: skip
        shrink_x, shrink_z = longest_step[0], longest_step[1]
        for k in range(d):
            i = start + k
            dx[i] = change[k]
            relative = change[k] / x[i]
            shrink_x = max(shrink_x, -relative)
            if not by_demand:
                dz[i] = target[k] - z[i] * relative
                shrink_z = max(shrink_z, -dz[i] / z[i])
        d_ends[j, 0] = 0.0
        d_ends[j, 1] = 0.0
        if mu > 0.0:
            d_ends[j, 0] = wanted - looseness * d_mu
            d_ends[j, 1] = d_mu
            shrink_x = max(shrink_x, -d_ends[j, 0] / t)
            shrink_z = max(shrink_z, -d_mu / mu)
        longest_step[0], longest_step[1] = shrink_x, shrink_z
