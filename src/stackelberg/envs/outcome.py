"""What everybody gets in one slot: equation (1), rates, payments, utilities.

The arithmetic of `spectrum.outcome` in JAX, for gains that exist only where they are
used. Shape legend: M channels, N pairs.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from stackelberg.envs.gains import Gains
from stackelberg.envs.links import (
    Fader,
    LinkGains,
    cellular_gains,
    gains_on,
    per_channel_sum,
    shared_channel_gains,
)
from stackelberg.envs.params import Radio
from stackelberg.units import LN2


class Slot(NamedTuple):
    """The gains that matter in a slot, once channels are chosen.

    Attributes:
        channel: of each pair [N].
        links: each pair's links on its channel [N].
        shared: from transmitter to receiver where both share a channel, else 0 [N, N].
        cellular: each cellular user to the base station [M].
    """

    channel: Int[Array, " N"]
    links: LinkGains
    shared: Float[Array, "N N"]
    cellular: Float[Array, " M"]


class Outcome(NamedTuple):
    """What everybody gets; the fields of `spectrum.Outcome` and what they come from.

    Attributes:
        channel: of each pair [N].
        reuse_price: charged, utility per W of interference [N].
        transmit_power_w: [N].
        payment: before weighting, bit/s [N].
        d2d_interference_w: everything a receiver hears but signal and noise [N].
        d2d_sinr: [N].
        d2d_rate_bps: [N].
        follower_utility: rate less weighted payment, bit/s [N].
        cellular_interference_w: from the pairs, at the base station [M].
        cellular_sinr: [M].
        cellular_rate_bps: [M].
        leader_utility: sum of cellular rates plus weighted payments, bit/s.
    """

    channel: Int[Array, " N"]
    reuse_price: Float[Array, " N"]
    transmit_power_w: Float[Array, " N"]
    payment: Float[Array, " N"]
    d2d_interference_w: Float[Array, " N"]
    d2d_sinr: Float[Array, " N"]
    d2d_rate_bps: Float[Array, " N"]
    follower_utility: Float[Array, " N"]
    cellular_interference_w: Float[Array, " M"]
    cellular_sinr: Float[Array, " M"]
    cellular_rate_bps: Float[Array, " M"]
    leader_utility: Float[Array, ""]


def slot_gains(gains: Gains, fader: Fader, channel: Int[Array, " N"]) -> Slot:
    """The gains of a slot for pairs on these channels."""
    return Slot(
        channel=channel,
        links=gains_on(gains, fader, channel),
        shared=shared_channel_gains(gains, fader, channel),
        cellular=cellular_gains(gains, fader),
    )


def slot_outcome(
    slot: Slot,
    reuse_price: Float[Array, " N"],
    transmit_power_w: Float[Array, " N"],
    billed_gain: Float[Array, " N"],
    radio: Radio,
    *,
    limit_payment: bool,
) -> Outcome:
    """Rates and utilities of everybody.

    Args:
        slot: the gains.
        reuse_price: charged per W of interference as billed [N].
        transmit_power_w: [N], >= 0.
        billed_gain: gain to the base station that payments go by [N].
        radio: powers, noise, weights.
        limit_payment: whether the price box is `interference`: nobody pays more than
            the price at which it would want the least power, B / (gbar (p_min + s)).
    """
    power = transmit_power_w
    links, noise = slot.links, radio.noise_power_w
    interference = radio.cellular_power_w[slot.channel] * links.from_cellular + (
        power[:, None] * slot.shared
    ).sum(axis=0)
    sinr = power * links.own / (interference + noise)
    unit_sinr_power = (interference + noise) / links.own
    price = reuse_price
    if limit_payment:
        highest = radio.spend_scale / (radio.min_power_w + unit_sinr_power)
        price = jnp.minimum(price, highest / billed_gain)
    payment = price * (power * billed_gain)
    rate = rate_bps(radio.bandwidth_hz, sinr)
    at_base_station = per_channel_sum(
        power * links.to_bs, slot.channel, len(slot.cellular)
    )
    received = radio.cellular_power_w * slot.cellular
    cellular_sinr = received / (at_base_station + noise)
    cellular_rate = rate_bps(radio.bandwidth_hz, cellular_sinr)
    return Outcome(
        channel=slot.channel,
        reuse_price=price,
        transmit_power_w=power,
        payment=payment,
        d2d_interference_w=interference,
        d2d_sinr=sinr,
        d2d_rate_bps=rate,
        follower_utility=rate - radio.follower_price_weight * payment,
        cellular_interference_w=at_base_station,
        cellular_sinr=cellular_sinr,
        cellular_rate_bps=cellular_rate,
        leader_utility=cellular_rate.sum()
        + radio.leader_revenue_weight * payment.sum(),
    )


def rate_bps(
    bandwidth_hz: Float[Array, ""], sinr: Float[Array, "*links"]
) -> Float[Array, "*links"]:
    """Shannon rate in bit/s, accurate for small SINR too."""
    return bandwidth_hz * (jnp.log1p(sinr) / LN2)
