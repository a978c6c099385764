"""Link tokens: what an agent observes, as rows of numbers near one.

One token per pair. Gains, powers and prices span ten decades, so they enter as
logarithms, relative to physical constants of the cell (noise, greatest power, spend
scale), never to running statistics: a policy means the same in every run and in any
cell. Nothing depends on how many pairs or channels there are.

Shape legend: M channels, N pairs, F features.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from stackelberg.envs import (
    EnvParams,
    Everything,
    FollowerObservation,
    LeaderObservation,
)
from stackelberg.envs.bills import TYPICAL_NOISE, expected_noise_w, read_bills
from stackelberg.envs.recall import LeaderUsual
from stackelberg.learning.conjecture import conjectured_answer_w

_DECADES = 0.25
"""Features are about this many units per factor of ten."""

_LEAST = 1e-6
"""Of a ratio before its logarithm: less is as good as nothing."""


class LeaderTokens(NamedTuple):
    """What the leader knows of each pair.

    Attributes:
        features: [N, F].
        partners: whether a column's pair shares the channel of the row's, itself
            included [N, N].
        quoted_gain: to the base station on the pair's channel, as the leader sees it
            [N].
        channel: the pair is expected on: the one it used last [N].
        conjecture_w: answer b = p + s, in W, of the conjectural equilibrium on what is
            seen, or else billed [N].
    """

    features: Float[Array, "N F"]
    partners: Bool[Array, "N N"]
    quoted_gain: Float[Array, " N"]
    channel: Int[Array, " N"]
    conjecture_w: Float[Array, " N"]


class FollowerTokens(NamedTuple):
    """What each pair knows of itself on one channel each.

    Attributes:
        features: [N, F].
        answer_w: b = B / (price gain_to_bs), what it would pay for, in W [N].
        noise_w: s = (N0 + interference) / own gain as last measured, in W [N].
    """

    features: Float[Array, "N F"]
    answer_w: Float[Array, " N"]
    noise_w: Float[Array, " N"]


def decades(ratio: Float[Array, "*any"]) -> Float[Array, "*any"]:
    """A ratio as a feature: its decimal logarithm, scaled; about 0 where it is 1."""
    return _DECADES * jnp.log10(jnp.maximum(ratio, _LEAST))


def leader_tokens(observation: LeaderObservation, params: EnvParams) -> LeaderTokens:
    """The leader's observation as one token per pair.

    Args:
        observation: of the base station, any information.
        params: the environment's; its constants give the scales.
    """
    radio, channel = params.radio, observation.channel
    noise, most = radio.noise_power_w, radio.max_power_w
    pair = jnp.arange(len(channel))
    to_bs = observation.d2d_to_bs
    quoted = to_bs if to_bs.ndim == 1 else to_bs[channel, pair]
    usual = to_bs if to_bs.ndim == 1 else to_bs.mean(axis=0)
    received = (radio.cellular_power_w * observation.cellular_to_bs)[channel]
    measured = observation.cellular_interference_w[channel]
    partners = channel[:, None] == channel[None, :]
    number = partners.sum(axis=1).astype(quoted.dtype)
    typical = jnp.full_like(quoted, TYPICAL_NOISE * most)
    bills = read_bills(observation, params)
    noise_w = expected_noise_w(observation, bills, params)
    if observation.everything is not None:
        noise_w = _noise_w(observation.everything, channel, params)
    conjecture = conjectured_answer_w(params, channel, noise_w, quoted, received)
    last = jnp.where(bills.any, bills.answer_w, conjecture)
    columns = [
        decades(quoted * most / noise),
        decades(usual * most / noise),
        decades(received / noise),
        decades(1.0 + measured / noise),
        decades(measured / (quoted * last)),
        decades(last / (TYPICAL_NOISE * most)),
        decades(conjecture / (TYPICAL_NOISE * most)),
        bills.any.astype(quoted.dtype),
        decades(number),
        decades(bills.noise_w / typical),
        decades(bills.power_w / most),
        bills.silent.astype(quoted.dtype),
        bills.limited.astype(quoted.dtype),
        decades(observation.quoted_gain * most / noise),
    ]
    if observation.usual is not None:
        columns += _usual_columns(observation.usual, channel, usual, received, params)
    everything = observation.everything
    if everything is not None:
        columns += [decades(noise_w / typical)]
        columns += [decades(everything.d2d[channel, pair] * most / noise)]
        columns += [decades(everything.transmit_power_w / most)]
        columns += store_columns(everything.backlog_bits, everything.energy_j, params)
    return LeaderTokens(
        jnp.stack(columns, axis=1), partners, quoted, channel, conjecture
    )


def follower_tokens(
    observation: FollowerObservation, channel: Int[Array, " N"], params: EnvParams
) -> FollowerTokens:
    """Each pair's own observation as a token, should it use `channel`.

    Args:
        observation: of the pairs, with the price each is charged in this slot.
        channel: one for each pair [N].
        params: the environment's; its constants give the scales.
    """
    radio = params.radio
    noise, most = radio.noise_power_w, radio.max_power_w
    pair = jnp.arange(len(channel))

    def on_channel(rows: Array) -> Array:
        return rows if rows.ndim == 1 else rows[pair, channel]

    def usual(rows: Array) -> Array:
        return rows if rows.ndim == 1 else rows.mean(axis=1)

    own, to_bs = on_channel(observation.own), on_channel(observation.to_bs)
    cellular = on_channel(observation.heard_cellular_w)
    price = on_channel(observation.reuse_price)
    # What others sent is known of the channel used last; elsewhere it may be as much.
    last_cellular = observation.heard_cellular_w
    if last_cellular.ndim == 2:
        last_cellular = last_cellular[pair, observation.channel]
    others = jnp.maximum(observation.interference_w - last_cellular, 0.0)
    noise_w = (noise + cellular + others) / own
    # By logarithms, as `heads.price_of_answer`, so that derivatives stay in float32.
    asked = jnp.log(jnp.maximum(price, _tiny(price))) + jnp.log(to_bs)
    answer = jnp.exp(jnp.minimum(jnp.log(radio.spend_scale) - asked, 60.0))
    columns = [
        decades(own * most / noise),
        decades(usual(observation.own) * most / noise),
        decades(to_bs * most / noise),
        decades(usual(observation.to_bs) * most / noise),
        decades(1.0 + cellular / noise),
        decades(1.0 + others / noise),
        decades(noise_w / (TYPICAL_NOISE * most)),
        decades(jnp.minimum(answer / noise_w, 1e6)),
        decades(observation.transmit_power_w / most),
        (channel == observation.channel).astype(own.dtype),
    ]
    if observation.usual is not None:
        seen = observation.usual
        columns += [
            decades(jnp.where(seen.own > 0.0, seen.own / own, 1.0)),
            decades(jnp.where(seen.to_bs > 0.0, seen.to_bs / to_bs, 1.0)),
            decades(jnp.where(seen.own > 0.0, seen.unit_sinr_power_w / noise_w, 1.0)),
        ]
    columns += store_columns(observation.backlog_bits, observation.energy_j, params)
    return FollowerTokens(jnp.stack(columns, axis=1), answer, noise_w)


def _usual_columns(
    seen: LeaderUsual, channel: Array, usual: Array, received: Array, params: EnvParams
) -> list[Array]:
    """What is usual for a pair and its channel's cellular user."""
    radio = params.radio
    noise, most = radio.noise_power_w, radio.max_power_w
    some = seen.quoted_gain > 0.0
    cellular = radio.cellular_power_w[channel] * seen.cellular_to_bs[channel]
    columns = [
        decades(jnp.where(some, seen.quoted_gain, usual) * most / noise),
        decades(jnp.where(some, cellular, received) / noise),
    ]
    if seen.unit_sinr_power_w is not None:
        typical = TYPICAL_NOISE * most
        columns += [decades(jnp.where(some, seen.unit_sinr_power_w / typical, 1.0))]
    return columns


def _noise_w(
    everything: Everything, channel: Array, params: EnvParams
) -> Float[Array, " N"]:
    """(N0 + I) / g of each pair, should all send again as last, W [N]."""
    pair = jnp.arange(len(channel))
    shared = channel[:, None] == channel[None, :]
    cross = jnp.where(shared, everything.d2d_to_d2d[channel, pair], 0.0)
    cellular = params.radio.cellular_power_w[channel]
    heard = cellular * everything.cellular_to_d2d[channel, pair]
    heard += (cross * everything.transmit_power_w[:, None]).sum(axis=0)
    return (params.radio.noise_power_w + heard) / everything.d2d[channel, pair]


def store_columns(
    backlog: Array | None, energy: Array | None, params: EnvParams
) -> list[Array]:
    """How full queues are, in slots of one bit/s/Hz, and batteries."""
    columns: list[Array] = []
    if backlog is not None:
        slot_bits = params.radio.bandwidth_hz * params.slot_s
        columns += [
            jnp.log1p(backlog.sum(axis=1) / slot_bits),
            jnp.log1p(backlog[:, -1] / slot_bits),
        ]
    if energy is not None and params.batteries is not None:
        columns += [energy / params.batteries.capacity_j]
    return columns


def _tiny(value: Array) -> Array:
    return jnp.asarray(jnp.finfo(value.dtype).tiny, value.dtype)
