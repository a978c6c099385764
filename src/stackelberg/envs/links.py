"""The gains of a slot, fading included, of those links that are asked for.

`Fader` knows the fading of any link on any channel in one slot. Since a pair uses one
channel, its slot costs its own link, three links to the cellular side, and the links
to the pairs that share its channel: N^2 at most, never M N^2.

Shape legend: M channels, N pairs; transmitters before receivers.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt32

from stackelberg.envs.fading import Fading, Jakes, fading_power
from stackelberg.envs.gains import Gains
from stackelberg.envs.hashing import Stream


class Fader(NamedTuple):
    """Fading in one slot.

    Attributes:
        model: its law.
        seed: of the episode.
        slot: may be negative.
        slot_s: seconds per slot.
    """

    model: Fading
    seed: UInt32[Array, "2"]
    slot: Int[Array, ""]
    slot_s: Float[Array, ""]

    def power(self, stream: Stream, link: Array) -> Float[Array, "*links"]:
        """Fading power of links of one kind."""
        return fading_power(self.model, self.seed, stream, self.slot, link, self.slot_s)


class LinkGains(NamedTuple):
    """Gains of the links that end at or begin from a pair, channel by channel or not.

    Attributes:
        own: transmitter to its receiver [N] or [M, N].
        to_bs: transmitter to the base station [N] or [M, N].
        from_cellular: the channel's cellular user to the receiver [N] or [M, N].
    """

    own: Float[Array, "*links"]
    to_bs: Float[Array, "*links"]
    from_cellular: Float[Array, "*links"]


def cellular_gains(gains: Gains, fader: Fader) -> Float[Array, " M"]:
    """Each cellular user to the base station [M]."""
    channel = jnp.arange(gains.cellular_to_bs.shape[0], dtype=jnp.uint32)
    return gains.cellular_to_bs * fader.power(Stream.CELLULAR_TO_BS, channel)


def gains_on(gains: Gains, fader: Fader, channel: Int[Array, " N"]) -> LinkGains:
    """Each pair's links on its channel, [N] each."""
    num_pairs = len(channel)
    pair = jnp.arange(num_pairs)
    link = channel * num_pairs + pair
    own = gains.d2d if gains.d2d.ndim == 1 else gains.d2d[channel, pair]
    to_bs = gains.d2d_to_bs
    to_bs = to_bs if to_bs.ndim == 1 else to_bs[channel, pair]
    heard = gains.cellular_to_d2d[channel, pair]
    return LinkGains(
        own=own * fader.power(Stream.D2D_TO_D2D, link * num_pairs + pair),
        to_bs=to_bs * fader.power(Stream.D2D_TO_BS, link),
        from_cellular=heard * fader.power(Stream.CELLULAR_TO_D2D, link),
    )


def gains_everywhere(gains: Gains, fader: Fader) -> LinkGains:
    """Each pair's links on every channel, [M, N] each."""
    num_channels, num_pairs = gains.cellular_to_d2d.shape
    pair = jnp.arange(num_pairs)
    link = jnp.arange(num_channels)[:, None] * num_pairs + pair
    return LinkGains(
        own=gains.d2d * fader.power(Stream.D2D_TO_D2D, link * num_pairs + pair),
        to_bs=gains.d2d_to_bs * fader.power(Stream.D2D_TO_BS, link),
        from_cellular=gains.cellular_to_d2d * fader.power(Stream.CELLULAR_TO_D2D, link),
    )


def gains_by_pair(gains: Gains, fader: Fader) -> LinkGains:
    """The same, [N, M] each; drawn in this order, since turning them takes longer."""
    num_channels, num_pairs = gains.cellular_to_d2d.shape
    pair = jnp.arange(num_pairs)[:, None]
    link = jnp.arange(num_channels) * num_pairs + pair
    own, to_bs = (
        gain[:, None] if gain.ndim == 1 else gain.T
        for gain in (gains.d2d, gains.d2d_to_bs)
    )
    heard = gains.cellular_to_d2d.T
    return LinkGains(
        own=own * fader.power(Stream.D2D_TO_D2D, link * num_pairs + pair),
        to_bs=to_bs * fader.power(Stream.D2D_TO_BS, link),
        from_cellular=heard * fader.power(Stream.CELLULAR_TO_D2D, link),
    )


def cross_gains_everywhere(gains: Gains, fader: Fader) -> Float[Array, "M N N"]:
    """From every transmitter to every other receiver on every channel; 0 diagonal."""
    num_channels, num_pairs = gains.cellular_to_d2d.shape
    channel = jnp.arange(num_channels)[:, None]
    link = _cross_links(jnp.broadcast_to(channel, (num_channels, num_pairs)))
    return gains.d2d_to_d2d * fader.power(Stream.D2D_TO_D2D, link)


def cross_gains_on(
    gains: Gains, fader: Fader, channel: Int[Array, " N"]
) -> Float[Array, "N N"]:
    """From each transmitter, on its own channel, to every other receiver [N, N]."""
    cross = gains.d2d_to_d2d
    if cross.ndim == 3:
        cross = cross[channel, jnp.arange(len(channel))]
    return cross * fader.power(Stream.D2D_TO_D2D, _cross_links(channel))


def shared_channel_gains(
    gains: Gains, fader: Fader, channel: Int[Array, " N"]
) -> Float[Array, "N N"]:
    """From each transmitter to every other receiver on the same channel [N, N].

    0 between pairs on different channels and on the diagonal: a pair's interference is
    a sum with its own link masked out, never a total minus its own signal, which in
    float32 would lose up to 3 b/s/Hz. Does not depend on powers.
    """
    if isinstance(fader.model, Jakes):
        return _between_partners(gains, fader, channel)
    shared = channel[:, None] == channel[None, :]
    return jnp.where(shared, cross_gains_on(gains, fader, channel), 0.0)


def _between_partners(
    gains: Gains, fader: Fader, channel: Int[Array, " N"]
) -> Float[Array, "N N"]:
    """The same, link by link along the pairs that share a channel.

    Worth it where the fading of a link costs much more than looking it up. In a batch
    everybody takes as many rounds as the fullest channel has pairs.
    """
    num_pairs = len(channel)
    pair = jnp.arange(num_pairs)
    follows = next_on_channel(channel)
    cross = gains.d2d_to_d2d

    def one_more(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        partner, found = carry
        at = (partner, pair) if cross.ndim == 2 else (channel, partner, pair)
        link = (channel * num_pairs + partner) * num_pairs + pair
        faded = cross[at] * fader.power(Stream.D2D_TO_D2D, link)
        return follows[partner], found.at[partner, pair].set(faded)

    # A pair that comes back to itself meets the 0 on the diagonal and goes round again.
    begin = (follows, jnp.zeros((num_pairs, num_pairs), cross.dtype))
    longest = on_same_channel(channel).max() - 1
    return jax.lax.fori_loop(0, longest, lambda _, carry: one_more(carry), begin)[1]


def on_same_channel(channel: Int[Array, " N"]) -> Int[Array, " N"]:
    """How many pairs are on each pair's channel, itself included [N]."""
    return (channel[:, None] == channel[None, :]).sum(axis=0)


def _cross_links(channel: Int[Array, "*batch N"]) -> Int[Array, "*batch N N"]:
    """Link numbers from each transmitter on its channel to each receiver."""
    num_pairs = channel.shape[-1]
    pair = jnp.arange(num_pairs)
    return ((channel * num_pairs + pair) * num_pairs)[..., None] + pair


def next_on_channel(channel: Int[Array, " N"]) -> Int[Array, " N"]:
    """The next pair on the same channel, going round; the pair itself if alone."""
    num_pairs = len(channel)
    pair = np.arange(num_pairs)
    ahead = jnp.asarray((pair[:, None] - pair[None, :] - 1) % num_pairs, jnp.int32)
    shared = channel[:, None] == channel[None, :]
    follows = pair + 1 + jnp.where(shared, ahead, num_pairs).min(axis=0)
    return jnp.where(follows >= num_pairs, follows - num_pairs, follows)


def per_channel_sum(
    values: Float[Array, " N"], channel: Int[Array, " N"], num_channels: int
) -> Float[Array, " M"]:
    """Sum over the pairs on each channel [M].

    On a CPU in the order of the pairs, so the same bits every time.
    """
    return jnp.zeros(num_channels, values.dtype).at[channel].add(values)
