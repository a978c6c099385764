"""What everybody gets in one slot: equation (1), rates, payments, utilities.

The arithmetic of `spectrum.outcome` in JAX, for gains that exist only where they are
used. Shape legend: M channels, N pairs.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from stackelberg.envs.gains import Gains
from stackelberg.envs.interference import interference_from_pairs_w
from stackelberg.envs.links import (
    Fader,
    LinkGains,
    cellular_gains,
    gains_on,
    per_channel_sum,
)
from stackelberg.envs.params import Radio
from stackelberg.units import LN2


class Slot(NamedTuple):
    """What matters in a slot, once channels and powers are chosen.

    Attributes:
        channel: of each pair [N].
        transmit_power_w: of each pair [N].
        links: each pair's links on its channel [N].
        from_pairs_w: what each receiver hears from the other pairs on its channel [N].
        cellular: each cellular user to the base station [M].
    """

    channel: Int[Array, " N"]
    transmit_power_w: Float[Array, " N"]
    links: LinkGains
    from_pairs_w: Float[Array, " N"]
    cellular: Float[Array, " M"]


class Outcome(NamedTuple):
    """What everybody gets; the fields of `spectrum.Outcome` and what they come from.

    Attributes:
        channel: of each pair [N].
        reuse_price: charged, utility per W of interference [N].
        transmit_power_w: [N].
        payment: before weighting, bit/s [N].
        highest_price: to which bills are held [N]; None where they are not.
        d2d_interference_w: everything a receiver hears but signal and noise [N].
        unit_sinr_power_w: s = (N0 + I) / g, the power for an SINR of one [N].
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
    highest_price: Float[Array, " N"] | None
    d2d_interference_w: Float[Array, " N"]
    unit_sinr_power_w: Float[Array, " N"]
    d2d_sinr: Float[Array, " N"]
    d2d_rate_bps: Float[Array, " N"]
    follower_utility: Float[Array, " N"]
    cellular_interference_w: Float[Array, " M"]
    cellular_sinr: Float[Array, " M"]
    cellular_rate_bps: Float[Array, " M"]
    leader_utility: Float[Array, ""]


def played_slot(
    gains: Gains,
    fader: Fader,
    channel: Int[Array, " N"],
    transmit_power_w: Float[Array, " N"],
) -> Slot:
    """The gains of a slot for pairs on these channels with these powers."""
    slot = Slot(
        channel=channel,
        transmit_power_w=transmit_power_w,
        links=gains_on(gains, fader, channel),
        from_pairs_w=interference_from_pairs_w(gains, fader, channel, transmit_power_w),
        cellular=cellular_gains(gains, fader),
    )
    # The barrier keeps the compiler from drawing a number again wherever it is used.
    return jax.lax.optimization_barrier(slot)


def slot_outcome(
    slot: Slot,
    reuse_price: Float[Array, " N"],
    billed_gain: Float[Array, " N"],
    radio: Radio,
    *,
    limit_payment: bool,
) -> Outcome:
    """Rates and utilities of everybody.

    Args:
        slot: gains and powers.
        reuse_price: charged per W of interference as billed [N].
        billed_gain: gain to the base station that payments go by [N].
        radio: powers, noise, weights.
        limit_payment: whether the price box is `interference`: nobody pays more than
            the price at which it would want the least power, B / (gbar (p_min + s)).
    """
    power = slot.transmit_power_w
    links, noise = slot.links, radio.noise_power_w
    from_cellular = radio.cellular_power_w[slot.channel] * links.from_cellular
    interference = from_cellular + slot.from_pairs_w
    sinr = power * links.own / (interference + noise)
    unit_sinr_power = (interference + noise) / links.own
    price, highest_price = reuse_price, None
    if limit_payment:
        highest = radio.spend_scale / (radio.min_power_w + unit_sinr_power)
        highest_price = highest / billed_gain
        price = jnp.minimum(price, highest_price)
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
        highest_price=highest_price,
        d2d_interference_w=interference,
        unit_sinr_power_w=unit_sinr_power,
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
