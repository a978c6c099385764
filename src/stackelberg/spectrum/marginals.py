"""The printed derivatives (25)-(32) and roots (30), (33), each runnable in one line.

Letters of the paper: A `cellular_power`, B `spend_scale`, C `interference_offset`, D
`residual_interference`. Nothing is checked; arguments are floats or arrays that
broadcast. Where print is wrong the corrected formula is here and the printed one in
`published`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stackelberg.spectrum.scenario import Floats, Ints
from stackelberg.units import LN2, nats_to_bits


def follower_marginal_utility(
    transmit_power_w: Floats | float,
    gain_d2d: Floats | float,
    interference_and_noise_w: Floats | float,
    reuse_price: Floats | float,
    gain_to_bs: Floats | float,
    bandwidth_hz: float,
    follower_price_weight: float,
) -> Floats | float:
    """dU^f_j / dp_j of (25): rate gained less price paid per W, bit/s per W.

    Args:
        transmit_power_w: p_j, >= 0.
        gain_d2d: g_j.
        interference_and_noise_w: I_j + N0 at the receiver, > 0.
        reuse_price: alpha_j.
        gain_to_bs: gbar_j.
        bandwidth_hz: W.
        follower_price_weight: beta^f.

    Differs from print: none.
    """
    sinr = gain_d2d * transmit_power_w / interference_and_noise_w
    rate = bandwidth_hz * gain_d2d / (LN2 * (1.0 + sinr) * interference_and_noise_w)
    return rate - follower_price_weight * reuse_price * gain_to_bs


def follower_curvature(
    transmit_power_w: Floats | float,
    gain_d2d: Floats | float,
    interference_and_noise_w: Floats | float,
    bandwidth_hz: float,
) -> Floats | float:
    """d2U^f_j / dp_j^2 of (26), bit/s per W^2: below zero where g_j > 0 and W > 0.

    Differs from print: the formula does not; "<= 0" does not give strictness (E13).
    """
    sinr = gain_d2d * transmit_power_w / interference_and_noise_w
    slope = gain_d2d / ((1.0 + sinr) * interference_and_noise_w)
    return -bandwidth_hz / LN2 * slope**2


def leader_utility_of_prices(
    cellular_power: npt.ArrayLike,
    interference_offset: npt.ArrayLike,
    reuse_price: npt.ArrayLike,
    channel: Ints,
    noise_power_w: float,
    spend_scale: float,
    bandwidth_hz: float,
    leader_revenue_weight: float,
) -> float:
    """U^l of (27) in bit/s: true where no pair sits at a power limit.

    Args:
        cellular_power: A_i, W at the base station [M].
        interference_offset: C_j, W, at the pairs' equilibrium powers [N].
        reuse_price: alpha_j [N].
        channel: channel of each pair [N].
        noise_power_w: N0.
        spend_scale: B.
        bandwidth_hz: W.
        leader_revenue_weight: beta^l.

    Differs from print: none in value. The printed fraction is divided through by the
    product of the channel's prices, which overflows for ten realistic pairs. With power
    limits U^l is piecewise (E11): use `outcome`.
    """
    at_bs = np.asarray(cellular_power, dtype=np.float64)
    offset = np.asarray(interference_offset, dtype=np.float64)
    price = np.asarray(reuse_price, dtype=np.float64)
    received = np.bincount(
        channel, weights=offset + spend_scale / price, minlength=len(at_bs)
    )
    rate = bandwidth_hz * nats_to_bits(np.log1p(at_bs / (noise_power_w + received)))
    revenue = len(price) * spend_scale + (price * offset).sum()
    return float(rate.sum() + leader_revenue_weight * revenue)


def residual_interference(
    interference_offset: Floats | float,
    noise_power_w: float,
    others_received_power: Floats | float,
) -> Floats | float:
    """D_j = C_j + N0 + the other pairs' power at the base station, W.

    Differs from print: takes the powers in use, clipped or not, where print has
    B/alpha_k + C_k (E9). Then D alpha + B = alpha (C + B/alpha + N0 + others), which is
    what the line before case 3 should say (E1).
    """
    return interference_offset + noise_power_w + others_received_power


def price_derivative(
    price: Floats | float,
    cellular_power: Floats | float,
    interference_offset: Floats | float,
    residual_interference: Floats | float,
    spend_scale: Floats | float,
    follower_price_weight: Floats | float,
    leader_revenue_weight: Floats | float,
) -> Floats | float:
    """dU^l / dalpha_j of (28), the others' powers and C, D held fixed.

    Differs from print: none as a partial derivative. It is not the slope the leader
    faces once other pairs share the channel and react (E10), nor past a knee (E11).
    """
    b = spend_scale
    with_cellular = price * (residual_interference + cellular_power) + b
    without = price * residual_interference + b
    return leader_revenue_weight * interference_offset + (
        follower_price_weight * cellular_power * b**2 / (with_cellular * without)
    )


def price_curvature(
    price: Floats | float,
    cellular_power: Floats | float,
    residual_interference: Floats | float,
    spend_scale: Floats | float,
    follower_price_weight: Floats | float,
) -> Floats | float:
    """d2U^l / dalpha_j^2 of (32), valid for every D. Differs from print: none."""
    a, d, b = cellular_power, residual_interference, spend_scale
    denominator = (price * (d + a) + b) ** 2 * (price * d + b) ** 2
    numerator = (a + 2.0 * d) * b + 2.0 * price * d * (d + a)
    return -follower_price_weight * a * b**2 * numerator / denominator


def price_curvature_at_zero_residual(
    price: Floats | float,
    cellular_power: Floats | float,
    spend_scale: Floats | float,
    follower_price_weight: Floats | float,
) -> Floats | float:
    """(29): (32) at D = 0, below zero. Differs from print: none."""
    a, b = cellular_power, spend_scale
    return -follower_price_weight * a**2 * b / (a * price + b) ** 2


def price_curvature_at_opposite_residual(
    price: Floats | float,
    cellular_power: Floats | float,
    spend_scale: Floats | float,
    follower_price_weight: Floats | float,
) -> Floats | float:
    """(31): (32) at D = -A, above zero. Differs from print: none."""
    a, b = cellular_power, spend_scale
    return follower_price_weight * a**2 * b / (b - price * a) ** 2


def stationary_price_at_zero_residual(
    cellular_power: Floats | float,
    interference_offset: Floats | float,
    spend_scale: Floats | float,
    follower_price_weight: Floats | float,
    leader_revenue_weight: Floats | float,
) -> Floats | float:
    """(30): where (28) is zero at D = 0; it may be negative or outside the box (E7).

    Differs from print: none; divides by A (E12), `stationary_prices` does not.
    """
    weight = follower_price_weight / leader_revenue_weight
    return -spend_scale / cellular_power - weight * spend_scale / interference_offset


def stationary_prices(
    cellular_power: npt.ArrayLike,
    interference_offset: npt.ArrayLike,
    residual_interference: npt.ArrayLike,
    spend_scale: npt.ArrayLike,
    follower_price_weight: npt.ArrayLike,
    leader_revenue_weight: npt.ArrayLike,
) -> tuple[Floats, Floats]:
    """Both roots of (28), those of (33): the local maximum and the local minimum.

    NaN where a root is not real or not finite. A root may lie outside the price box,
    or where the utility is not defined.

    Returns:
        maximum: the root with +sqrt(Delta); the smaller of the two in case 4.
        minimum: the root with -sqrt(Delta).

    Differs from print: the values of the +- expression do not, but no root is divided
    by A, D or D + A, and no two nearly equal numbers are subtracted (E12); in case 4
    the maximum is +sqrt(Delta), not -sqrt(Delta) (E4), and Delta may be negative (E5).
    """
    a, c, d, b, follower, leader = np.broadcast_arrays(
        *(
            np.asarray(x, dtype=np.float64)
            for x in (
                cellular_power,
                interference_offset,
                residual_interference,
                spend_scale,
                follower_price_weight,
                leader_revenue_weight,
            )
        )
    )
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        q = follower * a / (leader * c)
        root = np.sqrt(a * a - 4.0 * q * d * (d + a))
        linear = 2.0 * d + a
        # Of each root's two equal forms the one that adds numbers of one sign.
        wide = np.where(linear >= 0.0, linear + root, linear - root)
        product_form = -2.0 * b * (1.0 + q) / wide
        quotient_form = -b * wide / (2.0 * d * (d + a))
        maximum = np.where(linear >= 0.0, product_form, quotient_form)
        minimum = np.where(linear >= 0.0, quotient_form, product_form)
    return (
        np.where(np.isfinite(maximum), maximum, np.nan),
        np.where(np.isfinite(minimum), minimum, np.nan),
    )


def inflection_price(
    cellular_power: Floats | float,
    residual_interference: Floats | float,
    spend_scale: Floats | float,
) -> Floats | float:
    """Where (32) changes sign: -(A + 2D) B / (2D (D + A)); D and D + A not zero.

    Differs from print: the sign (E2). In case 4 it lies between the poles
    -B/(A + D) < inflection < -B/D, the reverse of the printed order (E3).
    """
    a, d = cellular_power, residual_interference
    return -(a + 2.0 * d) * spend_scale / (2.0 * d * (d + a))
