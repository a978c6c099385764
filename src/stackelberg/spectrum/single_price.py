"""The best price of one pair while the other pairs' powers stay put: Proposition 2.

With the letters of the paper (A `cellular_power`, C `interference_offset`, D
`residual_interference`, B `spend_scale`, beta^f, beta^l the weights) the leader earns

    U(alpha) = beta^l (B + alpha C) + beta^f B ln(1 + A alpha / (D alpha + B)).

U' has the sign of -Q(alpha), Q = D (D + A) alpha^2 + B (2D + A) alpha + B^2 (1 + q)
with q = beta^f A / (beta^l C). The printed proposition splits five cases by the signs
of D and D + A (see `published`). Here one root serves all of them: where Q crosses
zero upwards, U has its only local maximum,

    alpha_hat = -2 B (1 + q) / (2D + A + sqrt(A^2 - 4 q D (D + A))),

free of any division by A, D or D + A and of the cancellation in (33).

The scalar kernels below are compiled and may be called from other compiled code; the
array functions check their arguments and call the same kernels.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from stackelberg.errors import DomainError, ShapeError
from stackelberg.spectrum.scenario import Floats


@njit(cache=True, error_model="numpy", nogil=True)
def price_utility_scalar(
    price: float,
    cellular_power: float,
    interference_offset: float,
    residual_interference: float,
    spend_scale: float,
    follower_price_weight: float,
    leader_revenue_weight: float,
) -> float:
    """U(price) of the module's formula; nothing is checked."""
    at_base_station = residual_interference * price + spend_scale
    return leader_revenue_weight * (
        spend_scale + price * interference_offset
    ) + follower_price_weight * spend_scale * math.log1p(
        cellular_power * price / at_base_station
    )


@njit(cache=True, error_model="numpy", nogil=True)
def stationary_price_scalar(
    cellular_power: float,
    interference_offset: float,
    residual_interference: float,
    spend_scale: float,
    follower_price_weight: float,
    leader_revenue_weight: float,
) -> float:
    """alpha_hat, the price of the local maximum; NaN where there is none.

    It may lie outside the price box, be negative, or lie where U means nothing.
    """
    a, d = cellular_power, residual_interference
    q = follower_price_weight * a / (leader_revenue_weight * interference_offset)
    discriminant = a * a - 4.0 * q * d * (d + a)
    if not discriminant >= 0.0:
        return math.nan
    divisor = 2.0 * d + a + math.sqrt(discriminant)
    if not divisor > 0.0:
        return math.nan
    return -2.0 * spend_scale * (1.0 + q) / divisor


@njit(cache=True, error_model="numpy", nogil=True)
def best_price_scalar(
    cellular_power: float,
    interference_offset: float,
    residual_interference: float,
    spend_scale: float,
    follower_price_weight: float,
    leader_revenue_weight: float,
    min_price: float,
    max_price: float,
) -> float:
    """The best price in [min_price, max_price], without checks and without utility.

    The lowest price wins a tie. At most one logarithm, none where D >= 0.
    """
    price = stationary_price_scalar(
        cellular_power,
        interference_offset,
        residual_interference,
        spend_scale,
        follower_price_weight,
        leader_revenue_weight,
    )
    if not price > min_price:  # also where there is no local maximum (NaN)
        price = min_price
    # U rises up to alpha_hat, so `min_price` can win only when alpha_hat is not above
    # it; and U is concave where D >= 0, so `max_price` can then win only as the clip.
    if price >= max_price:
        return max_price
    if residual_interference >= 0.0:
        return price
    rise = max_price - price
    # U(max_price) - U(price) without subtracting two nearly equal utilities.
    gain = leader_revenue_weight * interference_offset * rise + (
        follower_price_weight
        * spend_scale
        * math.log1p(
            cellular_power
            * spend_scale
            * rise
            / (
                (residual_interference * max_price + spend_scale)
                * ((residual_interference + cellular_power) * price + spend_scale)
            )
        )
    )
    return max_price if gain > 0.0 else price


@njit(cache=True, error_model="numpy", nogil=True)
def limited_price_utility_scalar(
    price: float,
    cellular_power: float,
    interference_offset: float,
    residual_interference: float,
    spend_scale: float,
    follower_price_weight: float,
    leader_revenue_weight: float,
    min_received_power: float,
    max_received_power: float,
) -> float:
    """U(price) of a pair that stays within power limits; nothing is checked.

    The limits are p_min gbar and p_max gbar, in W at the base station, as A, C and D
    are. Beyond its knee the pair sits at the limit and U is linear in the price.
    """
    received = spend_scale / price + interference_offset
    if received > max_received_power:
        received = max_received_power
    elif received < min_received_power:
        received = min_received_power
    else:
        return price_utility_scalar(
            price,
            cellular_power,
            interference_offset,
            residual_interference,
            spend_scale,
            follower_price_weight,
            leader_revenue_weight,
        )
    others = residual_interference - interference_offset
    return leader_revenue_weight * price * received + (
        follower_price_weight
        * spend_scale
        * math.log1p(cellular_power / (others + received))
    )


@njit(cache=True, error_model="numpy", nogil=True)
def best_limited_price_scalar(
    cellular_power: float,
    interference_offset: float,
    residual_interference: float,
    spend_scale: float,
    follower_price_weight: float,
    leader_revenue_weight: float,
    min_price: float,
    max_price: float,
    min_received_power: float,
    max_received_power: float,
) -> float:
    """The best price of a pair that stays within power limits (fixed price bounds).

    The knees are B / (p gbar - C) at both limits. Below the lower knee U rises with
    slope beta^l p_max gbar, above the upper one with beta^l p_min gbar (flat at
    p_min = 0, and then the lowest of the tied prices is returned).
    """
    lower_knee = spend_scale / (max_received_power - interference_offset)
    upper_knee = spend_scale / (min_received_power - interference_offset)
    if lower_knee >= max_price:
        return max_price
    if upper_knee <= min_price:
        return max_price if min_received_power > 0.0 else min_price
    if upper_knee >= max_price:
        upper_knee = max_price
    price = best_price_scalar(
        cellular_power,
        interference_offset,
        residual_interference,
        spend_scale,
        follower_price_weight,
        leader_revenue_weight,
        max(lower_knee, min_price),
        upper_knee,
    )
    if upper_knee == max_price or min_received_power <= 0.0:
        return price
    at_knee = price_utility_scalar(
        upper_knee,
        cellular_power,
        interference_offset,
        residual_interference,
        spend_scale,
        follower_price_weight,
        leader_revenue_weight,
    )
    at_price = price_utility_scalar(
        price,
        cellular_power,
        interference_offset,
        residual_interference,
        spend_scale,
        follower_price_weight,
        leader_revenue_weight,
    )
    rise = leader_revenue_weight * min_received_power * (max_price - upper_knee)
    return max_price if rise > at_price - at_knee else price


@njit(cache=True, error_model="numpy", nogil=True)
def _best_prices(columns: Floats, price: Floats, utility: Floats) -> None:
    """Fill `price` and `utility` [n] from `columns` [10, n], in the order above."""
    for i in range(price.shape[0]):
        a, c, d, b, follower, leader, low, high, p_min, p_max = columns[:, i]
        price[i] = best_limited_price_scalar(
            a, c, d, b, follower, leader, low, high, p_min, p_max
        )
        utility[i] = limited_price_utility_scalar(
            price[i], a, c, d, b, follower, leader, p_min, p_max
        )


def price_given_others(
    cellular_power: npt.ArrayLike,
    interference_offset: npt.ArrayLike,
    residual_interference: npt.ArrayLike,
    spend_scale: npt.ArrayLike,
    follower_price_weight: npt.ArrayLike,
    leader_revenue_weight: npt.ArrayLike,
    min_price: npt.ArrayLike,
    max_price: npt.ArrayLike,
    *,
    min_received_power: npt.ArrayLike | None = None,
    max_received_power: npt.ArrayLike | None = None,
) -> tuple[Floats, Floats]:
    """Best price of one pair, and the leader's utility there, others' powers held.

    Proposition 2 with one rule: the best of both bounds and alpha_hat, which replaces
    (30) and (33) in all five cases. It is a Stackelberg equilibrium only where the
    pair is alone on its channel: with more pairs the others would react.

    All arguments broadcast against each other; a problem is one entry.

    Args:
        cellular_power: A, the cellular user's power at the base station, W, >= 0.
        interference_offset: C = -(I + N0) gbar / g, W, < 0.
        residual_interference: D = C + N0 + the other pairs' power at the base station,
            W, from the powers they actually use; D price + B must stay > 0.
        spend_scale: B = W / (ln 2 beta^f), > 0.
        follower_price_weight: beta^f, > 0.
        leader_revenue_weight: beta^l, > 0.
        min_price: lowest price, utility per W at the base station, > 0.
        max_price: highest price, >= `min_price`. Below -B/C, where the pair would fall
            silent, unless a power limit is given.
        min_received_power: p_min gbar, W at the base station, >= 0. Where one of the
            two limits is given, U is piecewise: past the knee the pair sits at its
            limit and U is linear. The other limit defaults to 0 or infinity.
        max_received_power: p_max gbar, W at the base station, > `min_received_power`.

    Returns:
        price, utility: float64, of the broadcast shape. Equal utilities resolve to the
        lowest price.

    Raises:
        ShapeError: if the arguments do not broadcast.
        DomainError: if a number is outside its domain; the message names the entry.

    Differs from print: E2-E8 and E12 (cases 1-5, (30), (33)), E11 (power limits).
    """
    limited = min_received_power is not None or max_received_power is not None
    columns = price_columns(
        cellular_power=cellular_power,
        interference_offset=interference_offset,
        residual_interference=residual_interference,
        spend_scale=spend_scale,
        follower_price_weight=follower_price_weight,
        leader_revenue_weight=leader_revenue_weight,
        min_price=min_price,
        max_price=max_price,
        min_received_power=0.0 if min_received_power is None else min_received_power,
        max_received_power=np.inf if max_received_power is None else max_received_power,
    )
    check_price_problem(columns, limited=limited)
    shape = columns["max_price"].shape
    flat = np.stack([column.ravel() for column in columns.values()])
    price, utility = np.empty(flat.shape[1]), np.empty(flat.shape[1])
    _best_prices(flat, price, utility)
    return price.reshape(shape), utility.reshape(shape)


def price_columns(**arguments: npt.ArrayLike) -> dict[str, Floats]:
    """The arguments as float64 arrays of one common shape, by name.

    Raises:
        ShapeError: if they do not broadcast.
        DomainError: if one does not hold real numbers.
    """
    arrays: dict[str, Floats] = {}
    for name, value in arguments.items():
        try:
            arrays[name] = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError):
            raise DomainError(name, expected="real numbers", got=repr(value)) from None
    try:
        shape = np.broadcast_shapes(*(array.shape for array in arrays.values()))
    except ValueError:
        shapes = ", ".join(
            f"{name} {list(array.shape)}"
            for name, array in arrays.items()
            if array.ndim
        )
        raise ShapeError(
            "arguments", expected="shapes that broadcast", got=shapes
        ) from None
    return {name: np.broadcast_to(array, shape) for name, array in arrays.items()}


def check_price_problem(columns: dict[str, Floats], *, limited: bool = False) -> None:
    """Raise the first `DomainError` of one-price problems, if any.

    Args:
        columns: the arguments of `price_given_others`, by name, all of one shape; the
            power limits may be absent.
        limited: whether power limits were given, so that prices past -B/C make sense.
    """
    with np.errstate(all="ignore"):
        _check_numbers(columns)
        _check_price_box(columns)
        _check_reach(columns, limited=limited)


def _require(
    name: str,
    values: Floats,
    good: np.ndarray,
    expected: str,
    limit: Floats | None = None,
) -> None:
    if good.all():
        return
    index = tuple(int(i) for i in np.argwhere(~good)[0])
    where = f"[{', '.join(map(str, index))}]" if index else ""
    if limit is not None:
        expected += f" = {limit[index]:.6g}"
    raise DomainError(name + where, expected=expected, got=float(values[index]))


def _check_numbers(columns: dict[str, Floats]) -> None:
    domains = {
        "spend_scale": "> 0",
        "follower_price_weight": "> 0",
        "leader_revenue_weight": "> 0",
        "min_price": "> 0",
        "max_price": "> 0",
        "cellular_power": ">= 0",
        "min_received_power": ">= 0",
        "interference_offset": "< 0",
        "residual_interference": "",
    }
    for name, domain in domains.items():
        if name in columns:
            values = columns[name]
            good = np.isfinite(values) & _INSIDE[domain](values, 0.0)
            _require(name, values, good, f"a finite number {domain}".rstrip())


_INSIDE = {
    "> 0": np.greater,
    ">= 0": np.greater_equal,
    "< 0": np.less,
    "": lambda values, _: np.full(values.shape, True),
}


def _check_price_box(columns: dict[str, Floats]) -> None:
    high, low = columns["max_price"], columns["min_price"]
    _require("max_price", high, high >= low, "at least min_price", low)
    if "max_received_power" in columns:
        least, most = columns["min_received_power"], columns["max_received_power"]
        expected = "more than min_received_power"
        _require("max_received_power", most, most > least, expected, least)


def _check_reach(columns: dict[str, Floats], *, limited: bool) -> None:
    """Refuse prices that silence the pair, and negative power at the base station."""
    high, offset = columns["max_price"], columns["interference_offset"]
    spend, residual = columns["spend_scale"], columns["residual_interference"]
    if limited:
        high = np.minimum(high, spend / (columns["min_received_power"] - offset))
    else:
        expected = "less than the price that silences the pair, -B/C"
        _require("max_price", high, high * -offset < spend, expected, spend / -offset)
    _require(
        "residual_interference",
        residual,
        residual * high + spend > 0.0,
        "more than -spend_scale/max_price",
        -spend / high,
    )
