"""One user's part of a Newton step, with nothing lost where its edges dominate.

For the edges e of one user let f_e = (p_e, -w_e), theta_e = x_e / z_e. The slack t of
the budget and the utility u behave as two more edges with f = (1, 0), theta = t / mu
and f = (0, 1), theta = u / v, that no node sees; so every loop runs over d + 2 rows.
With H = sum theta f f' (2 x 2), the user leaves to the nodes

    C = Theta - Theta F H^-1 F' Theta,    F_e = f_e.

At the end of a solve one or two thetas are 1e12 times the others and
theta - theta^2 (.) keeps no digit. Hence the pivots: rows a and b of nearly greatest
theta_a theta_b det(f_a, f_b)^2. In their coordinates f = alpha f_a + beta f_b they are
(1, 0) and (0, 1), H = diag(theta_a, theta_b) + R with R from the other rows alone, and
every difference that would cancel is a product of R instead.
"""

from __future__ import annotations

from numba import njit

from stackelberg.edge.dense_factor import REORDERED
from stackelberg.edge.market import Floats


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def express(
    rows: int,
    a: int,
    b: int,
    inverse: float,
    money: Floats,
    worth: Floats,
    alpha: Floats,
    beta: Floats,
) -> None:
    """Coordinates of every row in the pivots, given 1 / det(f_a, f_b)."""
    money_a = money[a] * inverse
    worth_a = worth[a] * inverse
    money_b = money[b] * inverse
    worth_b = worth[b] * inverse
    for k in range(rows):
        alpha[k] = money[k] * worth_b - worth[k] * money_b
        beta[k] = money_a * worth[k] - worth_a * money[k]
    alpha[a] = 1.0
    beta[a] = 0.0
    alpha[b] = 0.0
    beta[b] = 1.0


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def eliminate(
    rows: int,
    theta: Floats,
    money: Floats,
    worth: Floats,
    alpha: Floats,
    beta: Floats,
    part: Floats,
) -> tuple[int, int]:
    """Choose the pivots a, b and express the rows in them.

    Args:
        rows: d + 2.
        theta: per row.
        money: first component of f per row.
        worth: second component of f per row.
        alpha: written, per row.
        beta: written, per row.
        part: written: R11, R12, R22, h11, h22, det H, its two special minors, and
            1 / det(f_a, f_b).
    """
    h_money = 0.0
    h_worth = 0.0
    for k in range(rows):
        h_money += theta[k] * money[k] * money[k]
        h_worth += theta[k] * worth[k] * worth[k]
    by_money = 1.0 / h_money
    by_worth = 1.0 / h_worth
    a = 0
    most = -1.0
    for k in range(rows):
        size = theta[k] * (
            money[k] * money[k] * by_money + worth[k] * worth[k] * by_worth
        )
        if size > most:
            most = size
            a = k
    money_a = money[a]
    worth_a = worth[a]
    b = 0
    most = -1.0
    for k in range(rows):
        area = money_a * worth[k] - worth_a * money[k]
        beta[k] = area
        size = theta[k] * area * area
        if size > most and k != a:
            most = size
            b = k
    inverse = 1.0 / beta[b]
    express(rows, a, b, inverse, money, worth, alpha, beta)
    alpha[a] = 0.0
    beta[b] = 0.0
    r11 = 0.0
    r12 = 0.0
    r22 = 0.0
    theta_a = theta[a]
    theta_b = theta[b]
    for k in range(rows):
        weighted = theta[k] * alpha[k]
        r11 += weighted * alpha[k]
        r12 += weighted * beta[k]
        r22 += theta[k] * beta[k] * beta[k]
    alpha[a] = 1.0
    beta[b] = 1.0
    h11 = theta_a + r11
    h22 = theta_b + r22
    rest = max(r11 * r22 - r12 * r12, 0.0)
    part[0] = r11
    part[1] = r12
    part[2] = r22
    part[3] = h11
    part[4] = h22
    part[5] = theta_a * theta_b + theta_a * r22 + theta_b * r11 + rest
    part[6] = theta_b * r11 + rest  # det H less the part of theta_a
    part[7] = theta_a * r22 + rest  # det H less the part of theta_b
    part[8] = inverse
    return a, b


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def reduce_right_side(
    rows: int,
    a: int,
    b: int,
    theta: Floats,
    alpha: Floats,
    beta: Floats,
    part: Floats,
    target: Floats,
    reduced: Floats,
) -> tuple[float, float]:
    """`reduced` = target - Theta F H^-1 F' target, per row.

    With `target` the right side rho this is what the user leaves to the nodes; with
    rho - theta dlam it is the step dx itself.

    Returns:
        H^-1 F' target in the coordinates of the pivots.
    """
    target_a = target[a]
    target_b = target[b]
    target[a] = 0.0
    target[b] = 0.0
    c1 = 0.0
    c2 = 0.0
    for k in range(rows):
        c1 += target[k] * alpha[k]
        c2 += target[k] * beta[k]
    target[a] = target_a
    target[b] = target_b
    r12 = part[1]
    by_det = 1.0 / part[5]
    first = target_a + c1
    second = target_b + c2
    y1 = (part[4] * first - r12 * second) * by_det
    y2 = (part[3] * second - r12 * first) * by_det
    for k in range(rows):
        reduced[k] = target[k] - theta[k] * (alpha[k] * y1 + beta[k] * y2)
    spread_a = theta[a] * (part[4] * c1 - r12 * second)
    spread_b = theta[b] * (part[3] * c2 - r12 * first)
    reduced[a] = (target_a * part[6] - spread_a) * by_det
    reduced[b] = (target_b * part[7] - spread_b) * by_det
    return y1, y2
