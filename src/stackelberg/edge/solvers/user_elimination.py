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

Users come side by side (`lanes`). What a group needs lies in two arrays: `work`, with a
row for each of the d + 2, in it one number a lane for each of the fields THETA to BY_Z;
and `own`, the same for the user as a whole. As fields of one array they are known not
to overlap; of arrays apart the compiler cannot tell, and takes one user at a time.
"""

from __future__ import annotations

from numba import njit

from stackelberg.edge.market import Floats
from stackelberg.edge.solvers.dense_factor import REORDERED
from stackelberg.edge.solvers.lanes import LANES

THETA, MONEY, WORTH = 0, LANES, 2 * LANES
FIRST, SECOND = MONEY, WORTH
TARGET = REDUCED = 3 * LANES
AMOUNT, BY_Z = 4 * LANES, 5 * LANES
STRIDE = 6 * LANES
"""Fields of a row of `work`: theta; f (money, worth), in whose place `recall` puts f in
the pivots' coordinates; a right side, in whose place what is left of it comes; x and
1 / z; and the length of a row. A group should fit into the nearest cache."""

PIVOT_A, PIVOT_B = 0, LANES
R11, R12, R22, BY_DET = 2 * LANES, 3 * LANES, 4 * LANES, 5 * LANES
KEPT = 6 * LANES
"""Fields of `own` that later passes need too, and how many numbers that is: the rows a
and b, R and 1 / det(f_a, f_b)."""

MONEY_A, WORTH_A = KEPT, KEPT + LANES
MONEY_B, WORTH_B = KEPT + 2 * LANES, KEPT + 3 * LANES
THETA_A, THETA_B = KEPT + 4 * LANES, KEPT + 5 * LANES
C1, C2 = KEPT + 6 * LANES, KEPT + 7 * LANES
Y1, Y2 = KEPT + 8 * LANES, KEPT + 9 * LANES
AT_A, AT_B = KEPT + 10 * LANES, KEPT + 11 * LANES
OWN = KEPT + 12 * LANES
"""Other fields of `own`, and its length: f and theta of the pivots, and sums."""


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def recall(rows: int, work: Floats, own: Floats) -> None:
    """What the pivots' rows hold; coordinates of every row, zero for the pivots.

    Args:
        rows: d + 2.
        work: theta, money and worth are read, these two become first and second.
        own: the fields kept are read, those of the pivots written.
    """
    for lane in range(LANES):
        a = int(own[PIVOT_A + lane])
        b = int(own[PIVOT_B + lane])
        own[MONEY_A + lane], own[WORTH_A + lane] = (
            work[a, MONEY + lane],
            work[a, WORTH + lane],
        )
        own[MONEY_B + lane], own[WORTH_B + lane] = (
            work[b, MONEY + lane],
            work[b, WORTH + lane],
        )
        own[THETA_A + lane], own[THETA_B + lane] = (
            work[a, THETA + lane],
            work[b, THETA + lane],
        )
    for k in range(rows):
        number = float(k)
        for lane in range(LANES):
            p, w = work[k, MONEY + lane], work[k, WORTH + lane]
            chosen = (own[PIVOT_A + lane] == number) | (own[PIVOT_B + lane] == number)
            scale = 0.0 if chosen else own[BY_DET + lane]
            along_a = p * own[WORTH_B + lane] - w * own[MONEY_B + lane]
            along_b = own[MONEY_A + lane] * w - own[WORTH_A + lane] * p
            work[k, FIRST + lane] = along_a * scale
            work[k, SECOND + lane] = along_b * scale


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def eliminate(rows: int, work: Floats, own: Floats) -> None:
    """Choose the pivots of each lane and express its rows in them.

    Args:
        rows: d + 2.
        work: theta, money and worth are read, these two become first and second.
        own: written, the sums C1 to Y2 apart.
    """
    _first_pivot(rows, work, own)
    _second_pivot(rows, work, own)
    recall(rows, work, own)
    for lane in range(LANES):
        own[R11 + lane], own[R12 + lane], own[R22 + lane] = 0.0, 0.0, 0.0
    for k in range(rows):
        for lane in range(LANES):
            one, two = work[k, FIRST + lane], work[k, SECOND + lane]
            theta = work[k, THETA + lane]
            own[R11 + lane] += theta * one * one
            own[R12 + lane] += theta * one * two
            own[R22 + lane] += theta * two * two


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def _first_pivot(rows: int, work: Floats, own: Floats) -> None:
    """Row a: of greatest share in either diagonal entry of H."""
    for lane in range(LANES):
        own[C1 + lane], own[C2 + lane] = 0.0, 0.0
    for k in range(rows):
        for lane in range(LANES):
            p, w = work[k, MONEY + lane], work[k, WORTH + lane]
            theta = work[k, THETA + lane]
            own[C1 + lane] += theta * p * p
            own[C2 + lane] += theta * w * w
    for lane in range(LANES):
        own[C1 + lane] = 1.0 / own[C1 + lane]
        own[C2 + lane] = 1.0 / own[C2 + lane]
        own[Y1 + lane], own[PIVOT_A + lane] = -1.0, 0.0
    for k in range(rows):
        number = float(k)
        for lane in range(LANES):
            p, w = work[k, MONEY + lane], work[k, WORTH + lane]
            share = p * p * own[C1 + lane] + w * w * own[C2 + lane]
            size, most = work[k, THETA + lane] * share, own[Y1 + lane]
            place = own[PIVOT_A + lane]
            own[Y1 + lane] = size if size > most else most
            own[PIVOT_A + lane] = number if size > most else place
    for lane in range(LANES):
        a = int(own[PIVOT_A + lane])
        own[MONEY_A + lane], own[WORTH_A + lane] = (
            work[a, MONEY + lane],
            work[a, WORTH + lane],
        )


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def _second_pivot(rows: int, work: Floats, own: Floats) -> None:
    """Row b: of greatest theta_b det(f_a, f_b)^2, and 1 / det."""
    for lane in range(LANES):
        own[Y1 + lane], own[PIVOT_B + lane], own[Y2 + lane] = -1.0, 0.0, 1.0
    for k in range(rows):
        number = float(k)
        for lane in range(LANES):
            area = own[MONEY_A + lane] * work[k, WORTH + lane]
            area -= own[WORTH_A + lane] * work[k, MONEY + lane]
            size, most = work[k, THETA + lane] * area * area, own[Y1 + lane]
            larger = (size > most) & (own[PIVOT_A + lane] != number)
            place, det = own[PIVOT_B + lane], own[Y2 + lane]
            own[Y1 + lane] = size if larger else most
            own[PIVOT_B + lane] = number if larger else place
            own[Y2 + lane] = area if larger else det
    for lane in range(LANES):
        own[BY_DET + lane] = 1.0 / own[Y2 + lane]


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def reduce_right_side(rows: int, work: Floats, own: Floats) -> None:
    """TARGET - Theta F H^-1 F' TARGET, in its place, per row of `work`.

    With the right side rho as target this is what the user leaves to the nodes; with
    rho - theta dlam it is the step dx itself. `eliminate` or `recall` has filled the
    rest.
    """
    for lane in range(LANES):
        own[C1 + lane], own[C2 + lane] = 0.0, 0.0
        own[Y1 + lane], own[Y2 + lane] = 0.0, 0.0
    for k in range(rows):
        number = float(k)
        for lane in range(LANES):
            target = work[k, TARGET + lane]
            own[C1 + lane] += target * work[k, FIRST + lane]
            own[C2 + lane] += target * work[k, SECOND + lane]
            own[Y1 + lane] += target if own[PIVOT_A + lane] == number else 0.0
            own[Y2 + lane] += target if own[PIVOT_B + lane] == number else 0.0
    for lane in range(LANES):
        r11, r12, r22 = own[R11 + lane], own[R12 + lane], own[R22 + lane]
        theta_a, theta_b = own[THETA_A + lane], own[THETA_B + lane]
        c1, c2, y1, y2 = own[C1 + lane], own[C2 + lane], own[Y1 + lane], own[Y2 + lane]
        rest = max(r11 * r22 - r12 * r12, 0.0)
        by_det = 1.0 / (theta_a * theta_b + theta_a * r22 + theta_b * r11 + rest)
        one, two = y1 + c1, y2 + c2
        spread_a = theta_a * ((theta_b + r22) * c1 - r12 * two)
        spread_b = theta_b * ((theta_a + r11) * c2 - r12 * one)
        own[AT_A + lane] = (y1 * (theta_b * r11 + rest) - spread_a) * by_det
        own[AT_B + lane] = (y2 * (theta_a * r22 + rest) - spread_b) * by_det
        own[Y1 + lane] = ((theta_b + r22) * one - r12 * two) * by_det
        own[Y2 + lane] = ((theta_a + r11) * two - r12 * one) * by_det
    for k in range(rows):
        number = float(k)
        for lane in range(LANES):
            spread = work[k, FIRST + lane] * own[Y1 + lane]
            spread += work[k, SECOND + lane] * own[Y2 + lane]
            left = work[k, TARGET + lane] - work[k, THETA + lane] * spread
            left = own[AT_A + lane] if own[PIVOT_A + lane] == number else left
            left = own[AT_B + lane] if own[PIVOT_B + lane] == number else left
            work[k, REDUCED + lane] = left
