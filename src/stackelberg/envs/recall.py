"""What agents remember of all slots so far: running means of logarithms.

A gain of one slot is mostly fading; over many slots its mean tells the link. The base
station remembers what it quoted, heard and was told with the bills, a pair its own
link. Shape legend: M channels, N pairs.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float


class Means(NamedTuple):
    """Of natural logarithms, over the slots so far or about the last `memory_slots`.

    Attributes:
        slots: how many there were.
        cellular_to_bs: of each cellular user's gain as seen [M].
        quoted_gain: of each pair's to the base station, on the channels it used [N].
        own: of each pair's own link as seen, likewise [N].
        unit_sinr_power_w: of s = (N0 + I) / g, which a pair measures in a slot [N].
    """

    slots: Float[Array, ""]
    cellular_to_bs: Float[Array, " M"]
    quoted_gain: Float[Array, " N"]
    own: Float[Array, " N"]
    unit_sinr_power_w: Float[Array, " N"]


class LeaderUsual(NamedTuple):
    """Geometric means of what the base station has known so far; 0 at first.

    Attributes:
        cellular_to_bs: gain of each cellular user as seen [M].
        quoted_gain: of each pair to the base station, on the channels it used [N].
        unit_sinr_power_w: s = (N0 + I) / g of each pair as reported with its bills
            [N]; None with fixed price bounds.
    """

    cellular_to_bs: Float[Array, " M"]
    quoted_gain: Float[Array, " N"]
    unit_sinr_power_w: Float[Array, " N"] | None


class FollowerUsual(NamedTuple):
    """Geometric means of what each pair has known of itself so far; 0 at first.

    Attributes:
        own: gain of its own link as seen, on the channels it used [N].
        to_bs: its gain to the base station as quoted to it, likewise [N].
        unit_sinr_power_w: its s = (N0 + I) / g [N].
    """

    own: Float[Array, " N"]
    to_bs: Float[Array, " N"]
    unit_sinr_power_w: Float[Array, " N"]


def nothing_yet(num_channels: int, num_pairs: int, dtype: jnp.dtype) -> Means:
    """The means before the first slot."""
    pairs = jnp.zeros(num_pairs, dtype)
    return Means(
        jnp.zeros((), dtype), jnp.zeros(num_channels, dtype), pairs, pairs, pairs
    )


def recalled(
    means: Means,
    memory_slots: Float[Array, ""],
    *,
    cellular_to_bs: Float[Array, " M"],
    quoted_gain: Float[Array, " N"],
    own: Float[Array, " N"],
    unit_sinr_power_w: Float[Array, " N"],
) -> Means:
    """The means after one more slot.

    The n-th slot has weight 1 / min(n, memory_slots): plain means at first, then ones
    that forget.
    """
    slots = means.slots + 1.0
    weight = 1.0 / jnp.minimum(slots, memory_slots)

    def moved(mean: Array, value: Array) -> Array:
        return mean + weight * (jnp.log(value) - mean)

    return Means(
        slots,
        moved(means.cellular_to_bs, cellular_to_bs),
        moved(means.quoted_gain, quoted_gain),
        moved(means.own, own),
        moved(means.unit_sinr_power_w, unit_sinr_power_w),
    )


def leader_usual(means: Means, *, reported: bool) -> LeaderUsual:
    """What the base station recalls.

    Args:
        means: of all slots so far.
        reported: whether pairs report their s with the bills.
    """
    some = means.slots > 0.0
    return LeaderUsual(
        cellular_to_bs=jnp.where(some, jnp.exp(means.cellular_to_bs), 0.0),
        quoted_gain=jnp.where(some, jnp.exp(means.quoted_gain), 0.0),
        unit_sinr_power_w=jnp.where(some, jnp.exp(means.unit_sinr_power_w), 0.0)
        if reported
        else None,
    )


def follower_usual(means: Means) -> FollowerUsual:
    """What each pair recalls of itself."""
    some = means.slots > 0.0
    return FollowerUsual(
        own=jnp.where(some, jnp.exp(means.own), 0.0),
        to_bs=jnp.where(some, jnp.exp(means.quoted_gain), 0.0),
        unit_sinr_power_w=jnp.where(some, jnp.exp(means.unit_sinr_power_w), 0.0),
    )
