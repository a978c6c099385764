"""What the base station's bills tell about each pair, and what it may expect from it.

Shape legend: N pairs.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from stackelberg.envs.fading import Jakes, Rayleigh
from stackelberg.envs.observation import LeaderObservation
from stackelberg.envs.params import EnvParams

TYPICAL_NOISE = 10.0**-3.5
"""s over the greatest power, of the usual pair: -12 dBm against 23 dBm (30 m, an
interference of -100 dBm)."""

BETWEEN_PAIRS = 4.8
"""Variance of ln s from pair to pair, nepers squared: 7 dB of shadowing and distances
of 10 to 50 m."""

FADED = math.pi**2 / 6.0
"""Variance of the logarithm of Rayleigh fading power, nepers squared."""


class Bills(NamedTuple):
    """The last slot of each pair, by its bill.

    Attributes:
        any: whether there was a slot before.
        power_w: it sent [N].
        answer_w: b = p + s that its price asked for [N].
        noise_w: s = (N0 + I) / g: as reported, or as its answer tells [N].
        silent: whether it sent nothing [N].
        limited: whether it sent the greatest power [N].
    """

    any: Bool[Array, " N"]
    power_w: Float[Array, " N"]
    answer_w: Float[Array, " N"]
    noise_w: Float[Array, " N"]
    silent: Bool[Array, " N"]
    limited: Bool[Array, " N"]


def read_bills(observation: LeaderObservation, params: EnvParams) -> Bills:
    """What the bills of the last slot tell.

    Under `interference` price bounds pairs report s. With fixed bounds an answer
    within the limits tells it, s = b - p; a silent pair has s >= b, one at the
    greatest power s <= b - p_max, and s is taken no farther than that from typical.

    Args:
        observation: of the base station.
        params: the environment's.
    """
    radio = params.radio
    channel, pair = observation.channel, jnp.arange(len(observation.channel))
    price = observation.reuse_price
    price = price if price.ndim == 1 else price[channel, pair]
    known = observation.quoted_gain > 0.0
    quoted = jnp.where(known, observation.quoted_gain, 1.0)
    charged = jnp.where(known, price, 1.0)
    highest = observation.highest_price
    if highest is not None:
        highest = jnp.where(known, highest, 1.0)
        charged = jnp.minimum(charged, highest)
    # By logarithms: price times gain leaves float32 on the way.
    unit_w = jnp.exp(jnp.log(radio.spend_scale) - jnp.log(charged) - jnp.log(quoted))
    power = observation.payment / radio.spend_scale * unit_w
    power = jnp.minimum(power, radio.max_power_w)
    answer = jnp.exp(jnp.log(radio.spend_scale) - jnp.log(price) - jnp.log(quoted))
    answer = jnp.where(price > 0.0, answer, radio.max_power_w)
    silent = power <= 1e-7 * radio.max_power_w
    limited = power >= (1.0 - 1e-4) * radio.max_power_w
    typical = TYPICAL_NOISE * radio.max_power_w
    if highest is not None:
        least = jnp.log(highest) + jnp.log(quoted)
        noise = jnp.exp(jnp.log(radio.spend_scale) - least) - radio.min_power_w
    else:
        noise = jnp.where(silent, jnp.maximum(answer, typical), answer - power)
        noise = jnp.where(limited, jnp.minimum(answer - power, typical), noise)
    least_noise = 1e-6 * typical
    return Bills(
        known,
        jnp.where(known, power, 0.0),
        answer,
        jnp.where(known, jnp.maximum(noise, least_noise), typical),
        silent,
        limited,
    )


def expected_noise_w(
    observation: LeaderObservation, bills: Bills, params: EnvParams
) -> Float[Array, " N"]:
    """The geometric mean of each pair's s in this slot, given its last and its usual.

    ln s is a mean that stays, plus the logarithm of fading, whose correlation from slot
    to slot follows from the fading; the best linear guess weighs the last s and the
    mean. Without a memory the mean is the usual pair's.

    Args:
        observation: of the base station.
        bills: `read_bills` of it.
        params: the environment's.
    """
    again = log_fading_correlation(params)
    usual = observation.usual
    if usual is not None and usual.unit_sinr_power_w is not None:
        mean, weight = usual.unit_sinr_power_w, again
    else:
        mean = jnp.asarray(TYPICAL_NOISE * params.radio.max_power_w, params.dtype)
        weight = (BETWEEN_PAIRS + again * FADED) / (BETWEEN_PAIRS + FADED)
    mean = jnp.where(bills.any, mean, bills.noise_w)
    return jnp.exp(weight * jnp.log(bills.noise_w) + (1.0 - weight) * jnp.log(mean))


def log_fading_correlation(params: EnvParams) -> Float[Array, ""]:
    """Correlation of the logarithm of fading power from slot to slot.

    Li2(rho^2) / (pi^2 / 6), rho that of the complex amplitude: 0 for independent
    fading, 1 without fading.
    """
    if params.fading is None:
        return jnp.asarray(1.0, params.dtype)
    if isinstance(params.fading, Rayleigh):
        return jnp.asarray(0.0, params.dtype)
    assert isinstance(params.fading, Jakes)
    rho = amplitude_correlation(params.fading, params, 1)
    power = jnp.arange(1, 400, dtype=params.dtype)
    square = jnp.minimum(rho * rho, 1.0)
    return (square**power / power**2).sum() / FADED


def amplitude_correlation(
    fading: Jakes, params: EnvParams, slots: int
) -> Float[Array, ""]:
    """J0(2 pi f_D t) over so many slots."""
    doppler = jnp.asarray(fading.doppler_hz, params.dtype)
    phase = 2.0 * jnp.pi * doppler * params.slot_s * slots
    angle = (jnp.arange(64, dtype=params.dtype) + 0.5) * (jnp.pi / 64)
    return jnp.cos(phase * jnp.sin(angle)).mean()
