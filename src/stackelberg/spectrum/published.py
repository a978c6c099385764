"""Proposition 2 as printed, mistakes included, for reproduction only.

The formulas follow the paper letter by letter, with A `cellular_power`, C
`interference_offset`, D `residual_interference`, B `spend_scale`; which of them are
wrong, and by how much, is in ``docs/errata.md``. Use `single_price` for answers.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from stackelberg.spectrum.scenario import Floats, Ints
from stackelberg.spectrum.single_price import (
    check_price_problem,
    price_columns,
    price_utility_scalar,
)


@njit(cache=True, error_model="numpy", nogil=True)
def published_case_scalar(cellular_power: float, residual_interference: float) -> int:
    """The printed case, 1 to 5, by exact comparison of D and A + D with zero."""
    if residual_interference == 0.0:
        return 1
    if cellular_power + residual_interference == 0.0:
        return 2
    if residual_interference > 0.0:
        return 3
    if cellular_power + residual_interference > 0.0:
        return 4
    return 5


@njit(cache=True, error_model="numpy", nogil=True)
def published_root_scalar(
    cellular_power: float,
    interference_offset: float,
    residual_interference: float,
    spend_scale: float,
    follower_price_weight: float,
    leader_revenue_weight: float,
) -> float:
    """The printed root: (30) in case 1, (33) with + in case 3, with - in case 4.

    NaN in cases 2 and 5, which have none, and where Delta < 0 or A = 0.
    """
    a, c, d, b = (
        cellular_power,
        interference_offset,
        residual_interference,
        spend_scale,
    )
    case = published_case_scalar(a, d)
    if case == 1:
        return -b / a - follower_price_weight * b / (leader_revenue_weight * c)
    if case == 2 or case == 5:
        return math.nan
    delta = (
        a
        * a
        * b
        * b
        * (
            1.0
            - 4.0
            * follower_price_weight
            / (leader_revenue_weight * c)
            * (d * d / a + d)
        )
    )
    if not delta >= 0.0:
        return math.nan
    root = math.sqrt(delta) if case == 3 else -math.sqrt(delta)
    return (-b * (2.0 * d + a) + root) / (2.0 * d * (d + a))


@njit(cache=True, error_model="numpy", nogil=True)
def published_price_scalar(
    cellular_power: float,
    interference_offset: float,
    residual_interference: float,
    spend_scale: float,
    follower_price_weight: float,
    leader_revenue_weight: float,
    min_price: float,
    max_price: float,
) -> tuple[float, int]:
    """The price of the printed rule, put back into the box, and the printed case.

    Nothing is checked. See `published_price`.
    """
    a, c, d, b = (
        cellular_power,
        interference_offset,
        residual_interference,
        spend_scale,
    )
    follower, leader = follower_price_weight, leader_revenue_weight
    case = published_case_scalar(a, d)
    best = max_price
    highest = price_utility_scalar(max_price, a, c, d, b, follower, leader)
    if case != 4:
        at_min = price_utility_scalar(min_price, a, c, d, b, follower, leader)
        if at_min >= highest:
            best, highest = min_price, at_min
    root = published_root_scalar(a, c, d, b, follower, leader)
    if math.isfinite(root):
        at_root = price_utility_scalar(root, a, c, d, b, follower, leader)
        if at_root > highest:
            best = root
    return min(max(best, min_price), max_price), case


@njit(cache=True, error_model="numpy", nogil=True)
def _published_prices(
    columns: Floats, price: Floats, utility: Floats, case: Ints
) -> None:
    for i in range(price.shape[0]):
        a, c, d, b, follower, leader, low, high = columns[:, i]
        price[i], case[i] = published_price_scalar(
            a, c, d, b, follower, leader, low, high
        )
        utility[i] = price_utility_scalar(price[i], a, c, d, b, follower, leader)


def published_price(
    cellular_power: npt.ArrayLike,
    interference_offset: npt.ArrayLike,
    residual_interference: npt.ArrayLike,
    spend_scale: npt.ArrayLike,
    follower_price_weight: npt.ArrayLike,
    leader_revenue_weight: npt.ArrayLike,
    min_price: npt.ArrayLike,
    max_price: npt.ArrayLike,
) -> tuple[Floats, Floats, Ints]:
    """The price of one pair by the five printed cases, for reproduction.

    The printed candidates are, by case:

    1. D = 0: min_price, (30), max_price.
    2. A + D = 0: min_price, max_price.
    3. D > 0: min_price, (33) with +sqrt(Delta), max_price.
    4. D < 0 < A + D: (33) with -sqrt(Delta), max_price; not min_price.
    5. A + D < 0: min_price, max_price.

    The candidate with the highest utility is taken, roots counted wherever they lie,
    as printed; a root outside the price box is then moved to the nearest bound, since
    only prices in the box can be charged. Arguments and errors are those of
    `price_given_others` without power limits.

    Returns:
        price, utility: float64, of the broadcast shape; the utility is the true one at
        that price.
        case: the printed case, 1 to 5.

    Differs from print: none; wrong as printed, see E2-E8 and E12.
    """
    columns = price_columns(
        cellular_power=cellular_power,
        interference_offset=interference_offset,
        residual_interference=residual_interference,
        spend_scale=spend_scale,
        follower_price_weight=follower_price_weight,
        leader_revenue_weight=leader_revenue_weight,
        min_price=min_price,
        max_price=max_price,
    )
    check_price_problem(columns)
    shape = columns["max_price"].shape
    flat = np.stack([column.ravel() for column in columns.values()])
    price, utility = np.empty(flat.shape[1]), np.empty(flat.shape[1])
    case = np.empty(flat.shape[1], dtype=np.int64)
    _published_prices(flat, price, utility, case)
    return price.reshape(shape), utility.reshape(shape), case.reshape(shape)


def published_root(
    cellular_power: float,
    interference_offset: float,
    residual_interference: float,
    spend_scale: float,
    follower_price_weight: float,
    leader_revenue_weight: float,
) -> float:
    """The root the printed case names, by (30) or (33) as printed; NaN if none.

    Case 4 takes -sqrt(Delta), "the smaller root". Differs from print: none; wrong as
    printed in case 4 (E4), outside the box (E7) and at A = 0 (E12).
    """
    return float(
        published_root_scalar(
            float(cellular_power),
            float(interference_offset),
            float(residual_interference),
            float(spend_scale),
            float(follower_price_weight),
            float(leader_revenue_weight),
        )
    )


def published_inflection(
    cellular_power: float, residual_interference: float, spend_scale: float
) -> float:
    """Where case 4 says U'' changes sign: (A + 2D) B / (2D (D + A)).

    Differs from print: none; the sign is wrong as printed (E2).
    """
    a, d = cellular_power, residual_interference
    return (a + 2.0 * d) * spend_scale / (2.0 * d * (d + a))


def published_base_station_term(
    interference_offset: npt.ArrayLike,
    reuse_price: npt.ArrayLike,
    noise_power_w: float,
    spend_scale: float,
    pair: int,
) -> float:
    """D alpha + B of `pair` as printed before case 3: sum C alpha + sum B + N0 alpha.

    Sums run over the pairs of the channel. Differs from print: none; wrong as printed
    (E1) with two or more pairs.
    """
    offset = np.asarray(interference_offset, dtype=np.float64)
    price = np.asarray(reuse_price, dtype=np.float64)
    return float(
        (offset * price).sum() + len(price) * spend_scale + noise_power_w * price[pair]
    )


def published_residual_interference(
    interference_offset: npt.ArrayLike,
    reuse_price: npt.ArrayLike,
    noise_power_w: float,
    spend_scale: float,
    pair: int,
) -> float:
    """D of `pair` as printed after (28): sum C + sum over the others of B/alpha + N0.

    Differs from print: none; wrong as printed (E9) once another pair sits at a power
    limit, since B/alpha_k + C_k is then not its power at the base station.
    """
    offset = np.asarray(interference_offset, dtype=np.float64)
    price = np.asarray(reuse_price, dtype=np.float64)
    others = np.arange(len(price)) != pair
    return float(offset.sum() + (spend_scale / price[others]).sum() + noise_power_w)
