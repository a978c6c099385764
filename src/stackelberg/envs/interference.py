"""What the pairs that share a channel do to each other.

Without fading, or with Rayleigh fading, which takes a nanosecond to draw, one
transmitter after the other is added to whoever shares its channel. Jakes fading is
dear, so only links that are used are drawn: along the pairs of a channel, a round at a
time. Some rounds are played by all members of a batch; further ones only where a
channel is fuller than usual. Shape legend: M channels, N pairs.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from stackelberg.envs.fading import Fading, Jakes
from stackelberg.envs.gains import Gains
from stackelberg.envs.hashing import Stream
from stackelberg.envs.lazily import where_needed
from stackelberg.envs.links import Fader, cross_gains_on, next_on_channel


@jax.custom_jvp
def interference_from_pairs_w(
    gains: Gains,
    fader: Fader,
    channel: Int[Array, " N"],
    transmit_power_w: Float[Array, " N"],
) -> Float[Array, " N"]:
    """Power that each receiver hears from the other pairs on its channel [N].

    A sum that leaves a pair's own link out, never a total less its own signal, which in
    float32 would lose up to 3 b/s/Hz. The order of the sum is that of the pairs; with
    Jakes fading it goes round from the receiver's own.

    Args:
        gains: of the frame.
        fader: of the slot.
        channel: of each pair [N].
        transmit_power_w: [N].
    """
    if not by_partners(fader.model):
        return _link_by_link(gains, fader, channel, transmit_power_w)
    num_channels = gains.cellular_to_d2d.shape[0]
    rounds = usual_rounds(len(channel), num_channels)
    follows = next_on_channel(channel)
    used = _Used(gains.d2d_to_d2d, fader, channel, transmit_power_w, follows)
    pair = jnp.arange(len(channel))
    heard = _Heard(follows, follows != pair, jnp.zeros_like(transmit_power_w))
    for _ in range(rounds):
        heard = _one_more(used, heard)
    if rounds >= len(channel) - 1:
        return heard.total_w
    return where_needed(heard.more.any(), _others, (used, heard), heard.total_w)


@interference_from_pairs_w.defjvp
def _slope(primals: Any, tangents: Any) -> tuple[Array, Array]:
    _, slope = jax.jvp(_by_all_links, primals, tangents)
    return interference_from_pairs_w(*primals), slope


def by_partners(fading: Fading) -> bool:
    """Whether going from partner to partner is quicker than looking at every link.

    Not where fading is none or Rayleigh: looking up a partner takes as long as several
    draws.
    """
    return isinstance(fading, Jakes)


def usual_rounds(num_pairs: int, num_channels: int) -> int:
    """How many partners of a pair are looked at in every member of a batch.

    The mean number of pairs on a channel and twice its standard deviation, were
    channels chosen at random: about one member in ten has a fuller channel.
    """
    mean = num_pairs / num_channels
    return min(num_pairs - 1, math.floor(mean + 2.0 * math.sqrt(mean)))


class _Used(NamedTuple):
    cross: Float[Array, "*channel N N"]
    fader: Fader
    channel: Int[Array, " N"]
    power_w: Float[Array, " N"]
    follows: Int[Array, " N"]


class _Heard(NamedTuple):
    partner: Int[Array, " N"]
    more: Bool[Array, " N"]
    total_w: Float[Array, " N"]


def _one_more(used: _Used, heard: _Heard) -> _Heard:
    """Add the next partner of each pair that has one left."""
    partner, channel = heard.partner, used.channel
    num_pairs = len(channel)
    pair = jnp.arange(num_pairs)
    if used.cross.ndim == 2:
        gain = _rows(used.cross, partner)
    else:
        gain = used.cross[channel, partner, pair]
    link = (channel * num_pairs + partner) * num_pairs + pair
    gain = gain * used.fader.power(Stream.D2D_TO_D2D, link)
    added = jnp.where(heard.more, gain * _entries(used.power_w, partner), 0.0)
    partner = _entries(used.follows, partner)
    return _Heard(partner, heard.more & (partner != pair), heard.total_w + added)


def _others(argument: tuple[_Used, _Heard]) -> Float[Array, " N"]:
    """The total once no pair has a partner left."""
    used, heard = argument
    return jax.lax.while_loop(
        lambda heard: heard.more.any(), lambda heard: _one_more(used, heard), heard
    ).total_w


def _by_all_links(
    gains: Gains, fader: Fader, channel: Array, transmit_power_w: Array
) -> Float[Array, " N"]:
    """The same as one sum, for derivatives."""
    shared = channel[:, None] == channel[None, :]
    gain = jnp.where(shared, cross_gains_on(gains, fader, channel), 0.0)
    return (transmit_power_w[:, None] * gain).sum(axis=0)


def _link_by_link(
    gains: Gains, fader: Fader, channel: Array, transmit_power_w: Array
) -> Float[Array, " N"]:
    """The same, one transmitter after the other.

    All links of a batch at once would be N^2 new numbers a member, more than a cache
    holds; at 200 pairs and 256 members, half of the time went into asking the system
    for that memory.
    """
    num_pairs = len(channel)
    pair = jnp.arange(num_pairs)
    cross = gains.d2d_to_d2d

    def add(sender: Array, total_w: Array) -> Array:
        at = sender if cross.ndim == 2 else (channel[sender], sender)
        link = (channel[sender] * num_pairs + sender) * num_pairs + pair
        gain = cross[at] * fader.power(Stream.D2D_TO_D2D, link)
        shared = channel == channel[sender]
        return total_w + jnp.where(shared, gain * transmit_power_w[sender], 0.0)

    nothing = jnp.zeros_like(transmit_power_w)
    return jax.lax.fori_loop(0, num_pairs, add, nothing)


def _rows(matrix: Float[Array, "N N"], row: Int[Array, " N"]) -> Float[Array, " N"]:
    """Entry [row[j], j] of each column j."""
    found = jnp.take_along_axis(matrix, row[None], axis=0, mode="promise_in_bounds")
    return found[0]


def _entries(vector: Array, at: Int[Array, " N"]) -> Array:
    # In a batch half as dear as indexing, for which XLA writes down every index.
    return jnp.take_along_axis(vector, at, axis=0, mode="promise_in_bounds")
