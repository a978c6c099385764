"""The users' part of a Newton step, with nothing lost where an edge dominates.

For the edges e of one user let f_e = (p_e, -w_e), theta_e = x_e / z_e. The slack t of
the budget and the utility u behave as two more edges with f = (1, 0), theta = t / mu
and f = (0, 1), theta = u / (alpha v), that no node sees; so every loop runs over d + 2
rows. With H = sum theta f f' (2 x 2), the user leaves to the nodes

    C = Theta - Theta F H^-1 F' Theta,    F_e = f_e.

At the end of a solve one or two thetas are 1e12 times the others and
theta - theta^2 (.) keeps no digit. Hence the pivots: rows a and b of nearly greatest
theta_a theta_b det(f_a, f_b)^2. In their coordinates f = first f_a + second f_b they
are (1, 0) and (0, 1), H = diag(theta_a, theta_b) + R with R from the other rows alone,
and every difference that would cancel is a product of R instead. `first` and `second`
therefore hold zeros for the pivots themselves.

Users are taken `LANES` at a time, row k of each side by side, so that one instruction
serves several users; a lane without a row k has theta, money and worth zero there.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from stackelberg.edge.dense_factor import REORDERED
from stackelberg.edge.market import Floats, Ints

LANES = 32
"""Users that one loop serves."""

R11, R12, R22, BY_DET = 0, 1, 2, 3
"""What is kept of each user's elimination; the last is 1 / det(f_a, f_b)."""


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED)
def express(
    rows: int,
    pivot: Ints,
    by_det: Floats,
    money: Floats,
    worth: Floats,
    first: Floats,
    second: Floats,
) -> None:
    """Coordinates of every row in the pivots; zero for the pivots themselves.

    Args:
        rows: d + 2.
        pivot: a and b of each lane [2, LANES].
        by_det: 1 / det(f_a, f_b) [LANES].
        money: first component of f [rows, LANES].
        worth: second component of f.
        first: written.
        second: written.
    """
    money_a, worth_a = np.empty(LANES), np.empty(LANES)
    money_b, worth_b = np.empty(LANES), np.empty(LANES)
    for lane in range(LANES):
        a, b = pivot[0, lane], pivot[1, lane]
        money_a[lane] = money[a, lane] * by_det[lane]
        worth_a[lane] = worth[a, lane] * by_det[lane]
        money_b[lane] = money[b, lane] * by_det[lane]
        worth_b[lane] = worth[b, lane] * by_det[lane]
    for k in range(rows):
        for lane in range(LANES):
            p, w = money[k, lane], worth[k, lane]
            first[k, lane] = p * worth_b[lane] - w * money_b[lane]
            second[k, lane] = money_a[lane] * w - worth_a[lane] * p
    for lane in range(LANES):
        a, b = pivot[0, lane], pivot[1, lane]
        first[a, lane] = 0.0
        second[a, lane] = 0.0
        first[b, lane] = 0.0
        second[b, lane] = 0.0


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED)
def eliminate(
    rows: int,
    theta: Floats,
    money: Floats,
    worth: Floats,
    first: Floats,
    second: Floats,
    pivot: Ints,
    part: Floats,
) -> None:
    """Choose the pivots of each lane and express its rows in them.

    Args:
        rows: d + 2.
        theta: of each row [rows, LANES].
        money: first component of f.
        worth: second component of f.
        first: written, coordinates along f_a.
        second: written, coordinates along f_b.
        pivot: written, a and b [2, LANES].
        part: written, R11, R12, R22 and 1 / det(f_a, f_b) [4, LANES].
    """
    by_money, by_worth = np.zeros(LANES), np.zeros(LANES)
    most, place = np.empty(LANES), np.empty(LANES)
    money_a, worth_a = np.empty(LANES), np.empty(LANES)
    for k in range(rows):
        for lane in range(LANES):
            p, w = money[k, lane], worth[k, lane]
            by_money[lane] += theta[k, lane] * p * p
            by_worth[lane] += theta[k, lane] * w * w
    for lane in range(LANES):
        by_money[lane] = 1.0 / by_money[lane]
        by_worth[lane] = 1.0 / by_worth[lane]
        most[lane] = -1.0
        place[lane] = 0.0
    for k in range(rows):
        for lane in range(LANES):
            p, w = money[k, lane], worth[k, lane]
            size = theta[k, lane] * (p * p * by_money[lane] + w * w * by_worth[lane])
            larger = size > most[lane]
            most[lane] = size if larger else most[lane]
            place[lane] = float(k) if larger else place[lane]
    for lane in range(LANES):
        a = int(place[lane])
        pivot[0, lane] = a
        money_a[lane] = money[a, lane]
        worth_a[lane] = worth[a, lane]
        most[lane] = -1.0
    by_money[:] = place
    for k in range(rows):
        for lane in range(LANES):
            area = money_a[lane] * worth[k, lane] - worth_a[lane] * money[k, lane]
            second[k, lane] = area
            size = theta[k, lane] * area * area
            larger = size > most[lane] and by_money[lane] != float(k)
            most[lane] = size if larger else most[lane]
            place[lane] = float(k) if larger else place[lane]
    for lane in range(LANES):
        b = int(place[lane])
        pivot[1, lane] = b
        part[BY_DET, lane] = 1.0 / second[b, lane]
    express(rows, pivot, part[BY_DET], money, worth, first, second)
    r11, r12, r22 = part[R11], part[R12], part[R22]
    for lane in range(LANES):
        r11[lane], r12[lane], r22[lane] = 0.0, 0.0, 0.0
    for k in range(rows):
        for lane in range(LANES):
            one, two = first[k, lane], second[k, lane]
            r11[lane] += theta[k, lane] * one * one
            r12[lane] += theta[k, lane] * one * two
            r22[lane] += theta[k, lane] * two * two


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED)
def reduce_right_side(
    rows: int,
    theta: Floats,
    first: Floats,
    second: Floats,
    pivot: Ints,
    part: Floats,
    target: Floats,
    reduced: Floats,
) -> None:
    """`reduced` = target - Theta F H^-1 F' target, per row.

    With `target` the right side rho this is what the user leaves to the nodes; with
    rho - theta dlam it is the step dx itself. Arguments as for `eliminate`, which has
    filled all but the last two [rows, LANES].
    """
    c1, c2 = np.zeros(LANES), np.zeros(LANES)
    y1, y2 = np.empty(LANES), np.empty(LANES)
    at_a, at_b = np.empty(LANES), np.empty(LANES)
    for k in range(rows):
        for lane in range(LANES):
            c1[lane] += target[k, lane] * first[k, lane]
            c2[lane] += target[k, lane] * second[k, lane]
    for lane in range(LANES):
        a, b = pivot[0, lane], pivot[1, lane]
        at_a[lane], at_b[lane] = theta[a, lane], theta[b, lane]
        y1[lane], y2[lane] = target[a, lane], target[b, lane]
    for lane in range(LANES):
        r11, r12, r22 = part[R11, lane], part[R12, lane], part[R22, lane]
        theta_a, theta_b = at_a[lane], at_b[lane]
        rest = max(r11 * r22 - r12 * r12, 0.0)
        by_det = 1.0 / (theta_a * theta_b + theta_a * r22 + theta_b * r11 + rest)
        one, two = y1[lane] + c1[lane], y2[lane] + c2[lane]
        spread_a = theta_a * ((theta_b + r22) * c1[lane] - r12 * two)
        spread_b = theta_b * ((theta_a + r11) * c2[lane] - r12 * one)
        at_a[lane] = (y1[lane] * (theta_b * r11 + rest) - spread_a) * by_det
        at_b[lane] = (y2[lane] * (theta_a * r22 + rest) - spread_b) * by_det
        y1[lane] = ((theta_b + r22) * one - r12 * two) * by_det
        y2[lane] = ((theta_a + r11) * two - r12 * one) * by_det
    for k in range(rows):
        for lane in range(LANES):
            spread = first[k, lane] * y1[lane] + second[k, lane] * y2[lane]
            reduced[k, lane] = target[k, lane] - theta[k, lane] * spread
    for lane in range(LANES):
        reduced[pivot[0, lane], lane] = at_a[lane]
        reduced[pivot[1, lane], lane] = at_b[lane]
