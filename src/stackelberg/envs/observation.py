"""What each agent sees: the table in `docs/environment.md`, as code.

Shape legend: M channels, N pairs, A ages of a packet. In a follower's arrays the first
axis is the pair that sees the row, and only its row.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from stackelberg.envs.gains import Gains
from stackelberg.envs.hashing import Stream, hash_key, normal, random_bits
from stackelberg.envs.links import (
    Fader,
    LinkGains,
    cellular_gains,
    cross_gains_everywhere,
    cross_gains_on,
    gains_by_pair,
    gains_everywhere,
    gains_on,
)
from stackelberg.envs.params import EnvParams
from stackelberg.envs.recall import (
    FollowerUsual,
    LeaderUsual,
    follower_usual,
    leader_usual,
)
from stackelberg.envs.state import State
from stackelberg.envs.world import fader, seen_gains

_KINDS = {
    Stream.CELLULAR_TO_BS: 0,
    Stream.D2D_TO_BS: 1,
    Stream.CELLULAR_TO_D2D: 2,
    Stream.D2D_TO_D2D: 3,
}


class Everything(NamedTuple):
    """What all agents see under ``full`` information, besides their own.

    Attributes:
        cellular_to_bs: gains [M].
        d2d: [M, N].
        d2d_to_bs: [M, N].
        cellular_to_d2d: [M, N].
        d2d_to_d2d: from transmitter, to receiver, 0 diagonal [M, N, N].
        channel: last used [N].
        transmit_power_w: last used [N].
        backlog_bits: [N, A]; None without queues.
        energy_j: [N]; None without batteries.
    """

    cellular_to_bs: Float[Array, " M"]
    d2d: Float[Array, "M N"]
    d2d_to_bs: Float[Array, "M N"]
    cellular_to_d2d: Float[Array, "M N"]
    d2d_to_d2d: Float[Array, "M N N"]
    channel: Int[Array, " N"]
    transmit_power_w: Float[Array, " N"]
    backlog_bits: Float[Array, "N A"] | None
    energy_j: Float[Array, " N"] | None


class LeaderObservation(NamedTuple):
    """What the base station sees before it posts prices.

    Attributes:
        cellular_to_bs: gain of each cellular user [M].
        d2d_to_bs: gain of each pair's transmitter [M, N], or on its last channel [N].
        channel: last used by each pair [N].
        reuse_price: charged last [N] or [M, N].
        payment: billed to each pair in the last slot, before weighting, bit/s [N].
        quoted_gain: of each pair to the base station as quoted in the last slot, on
            its channel of then [N].
        highest_price: to which each bill of the last slot was held, B / (billed gain
            (p_min + s)) [N]; None with fixed price bounds.
        cellular_interference_w: measured on each channel in the last slot [M].
        usual: means of all slots so far; None without `memory_slots`.
        everything: under ``full`` information.
    """

    cellular_to_bs: Float[Array, " M"]
    d2d_to_bs: Float[Array, "*links"]
    channel: Int[Array, " N"]
    reuse_price: Float[Array, "*price"]
    payment: Float[Array, " N"]
    quoted_gain: Float[Array, " N"]
    highest_price: Float[Array, " N"] | None
    cellular_interference_w: Float[Array, " M"]
    usual: LeaderUsual | None
    everything: Everything | None


class FollowerObservation(NamedTuple):
    """What each pair sees before it acts; row j belongs to pair j.

    Attributes:
        own: gain of its own link [N, M], or on its last channel [N].
        to_bs: its gain to the base station, as quoted to it, likewise.
        heard_cellular_w: power it receives from each channel's cellular user, likewise.
        reuse_price: its own price in this slot [N] or [N, M].
        channel: it used last [N].
        transmit_power_w: it used last [N].
        interference_w: it measured in the last slot, signal and noise left out [N].
        backlog_bits: its own [N, A]; None without queues.
        energy_j: its own [N]; None without batteries.
        usual: means of all slots so far; None without `memory_slots`.
        everything: under ``full`` information; the same for all.
    """

    own: Float[Array, "N *links"]
    to_bs: Float[Array, "N *links"]
    heard_cellular_w: Float[Array, "N *links"]
    reuse_price: Float[Array, "N *price"]
    channel: Int[Array, " N"]
    transmit_power_w: Float[Array, " N"]
    interference_w: Float[Array, " N"]
    backlog_bits: Float[Array, "N A"] | None
    energy_j: Float[Array, " N"] | None
    usual: FollowerUsual | None
    everything: Everything | None


class Observation(NamedTuple):
    """What everybody sees.

    Attributes:
        leader: the base station.
        followers: the pairs.
    """

    leader: LeaderObservation
    followers: FollowerObservation


class Report(NamedTuple):
    """The channel as agents see it in a slot: aged and inexact.

    Attributes:
        gains: without fading.
        fader: of the slot that is seen.
        params: the environment's.
        slot: in which it is seen.
    """

    gains: Gains
    fader: Fader
    params: EnvParams
    slot: Int[Array, ""]

    def links(self, channel: Int[Array, " N"] | None) -> LinkGains:
        """Each pair's links on its channel [N], or on all [M, N]."""
        num_pairs = self.params.num_pairs
        pair = jnp.arange(num_pairs)
        if channel is None:
            exact = gains_everywhere(self.gains, self.fader)
            link = jnp.arange(self.params.num_channels)[:, None] * num_pairs + pair
        else:
            exact = gains_on(self.gains, self.fader, channel)
            link = channel * num_pairs + pair
        return self._links_with_error(exact, link, pair)

    def links_by_pair(self) -> LinkGains:
        """Each pair's links on all channels [N, M]."""
        num_pairs = self.params.num_pairs
        pair = jnp.arange(num_pairs)[:, None]
        link = jnp.arange(self.params.num_channels) * num_pairs + pair
        exact = gains_by_pair(self.gains, self.fader)
        return self._links_with_error(exact, link, pair)

    def _links_with_error(
        self, exact: LinkGains, link: Array, pair: Array
    ) -> LinkGains:
        first = link * self.params.num_pairs
        return LinkGains(
            self._with_error(Stream.D2D_TO_D2D, first + pair, exact.own),
            self._with_error(Stream.D2D_TO_BS, link, exact.to_bs),
            self._with_error(Stream.CELLULAR_TO_D2D, link, exact.from_cellular),
        )

    def cellular(self) -> Float[Array, " M"]:
        """Each cellular user to the base station [M]."""
        exact = cellular_gains(self.gains, self.fader)
        channel = jnp.arange(len(exact))
        return self._with_error(Stream.CELLULAR_TO_BS, channel, exact)

    def cross(self) -> Float[Array, "M N N"]:
        """Between pairs on every channel, 0 diagonal [M, N, N]."""
        exact = cross_gains_everywhere(self.gains, self.fader)
        link = jnp.arange(exact.size).reshape(exact.shape)
        return self._with_error(Stream.D2D_TO_D2D, link, exact)

    def shared(self, channel: Int[Array, " N"]) -> Float[Array, "N N"]:
        """Between pairs on the same channel, else 0 [N, N]; a part of `cross`."""
        exact = cross_gains_on(self.gains, self.fader, channel)
        pair = jnp.arange(len(channel))
        first = (channel * len(channel) + pair) * len(channel)
        link = first[:, None] + pair
        told = self._with_error(Stream.D2D_TO_D2D, link, exact)
        return jnp.where(channel[:, None] == channel[None, :], told, 0.0)

    def _with_error(
        self, stream: Stream, link: Array, exact: Float[Array, "*links"]
    ) -> Float[Array, "*links"]:
        std_db = self.params.information.error_std_db
        if std_db is None:
            return exact
        key = hash_key(self.fader.seed, Stream.REPORT_ERROR, _KINDS[stream], self.slot)
        drawn = normal(random_bits(key, link), exact.dtype)
        neper_per_db = jnp.log(jnp.asarray(10.0, exact.dtype)) / 10.0
        return exact * jnp.exp(drawn * (std_db * neper_per_db))


def report(state: State, params: EnvParams) -> Report:
    """The channel as agents see it."""
    seen = state.slot - params.information.delay_slots
    return Report(
        seen_gains(state.world, state.slot, params),
        fader(state.world, seen, params),
        params,
        state.slot,
    )


def observe_leader(state: State, params: EnvParams) -> LeaderObservation:
    """What the base station sees before it posts prices."""
    seen = report(state, params)
    memory = state.memory
    return LeaderObservation(
        cellular_to_bs=seen.cellular(),
        d2d_to_bs=seen.links(_sensed(state, params)).to_bs,
        channel=memory.channel,
        reuse_price=memory.reuse_price,
        payment=memory.payment,
        quoted_gain=memory.quoted_gain,
        highest_price=memory.highest_price,
        cellular_interference_w=memory.cellular_interference_w,
        usual=None
        if memory.means is None
        else leader_usual(memory.means, reported=params.price_limits is None),
        everything=_everything(state, params, seen),
    )


def observe_followers(
    state: State, charged_price: Float[Array, "*price"], params: EnvParams
) -> FollowerObservation:
    """What each pair sees once prices are posted.

    Args:
        state: before the slot.
        charged_price: what the slot will charge: `charged_price` of the posted ones.
        params: the environment's.
    """
    seen = report(state, params)
    memory = state.memory
    power = params.radio.cellular_power_w
    if params.information.sensing == "all":
        links = seen.links_by_pair()
    else:
        links = seen.links(memory.channel)
        power = power[memory.channel]
    return FollowerObservation(
        own=links.own,
        to_bs=links.to_bs,
        heard_cellular_w=power * links.from_cellular,
        reuse_price=charged_price.T,
        channel=memory.channel,
        transmit_power_w=memory.transmit_power_w,
        interference_w=memory.d2d_interference_w,
        backlog_bits=state.backlog_bits,
        energy_j=state.energy_j,
        usual=None if memory.means is None else follower_usual(memory.means),
        everything=_everything(state, params, seen),
    )


def quoted_gain(
    state: State, channel: Int[Array, " N"], params: EnvParams
) -> Float[Array, " N"]:
    """Each pair's gain to the base station on its channel as the leader sees it [N]."""
    return report(state, params).links(channel).to_bs


def _sensed(state: State, params: EnvParams) -> Int[Array, " N"] | None:
    return None if params.information.sensing == "all" else state.memory.channel


def _everything(state: State, params: EnvParams, seen: Report) -> Everything | None:
    if params.information.scope == "local":
        return None
    links = seen.links(None)
    return Everything(
        cellular_to_bs=seen.cellular(),
        d2d=links.own,
        d2d_to_bs=links.to_bs,
        cellular_to_d2d=links.from_cellular,
        d2d_to_d2d=seen.cross(),
        channel=state.memory.channel,
        transmit_power_w=state.memory.transmit_power_w,
        backlog_bits=state.backlog_bits,
        energy_j=state.energy_j,
    )
