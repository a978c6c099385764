"""Policies that need no training, to judge the trained ones by.

All keep the channels that pairs have. They are for interference price bounds; fixed
bounds cut their prices.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from stackelberg.envs.observation import FollowerObservation, LeaderObservation
from stackelberg.envs.params import EnvParams
from stackelberg.learning.heads import price_of_answer
from stackelberg.learning.learner import Policy
from stackelberg.learning.tokens import follower_tokens, leader_tokens

_SILENCING_W = 1e-9
_INVITING_W = 1e3
"""Powers beyond all limits, asked for by prices that silence or invite."""


class Silent(NamedTuple):
    """Prices that silence everybody, and silence (the least power)."""

    def act_leader(
        self, observation: LeaderObservation, params: EnvParams
    ) -> Float[Array, "*price"]:
        """Prices beyond what any pair would pay."""
        return _price_for(_SILENCING_W, observation, params)

    def act_followers(
        self, observation: FollowerObservation, params: EnvParams
    ) -> tuple[Int[Array, " N"], Float[Array, " N"]]:
        """The least power."""
        return observation.channel, _powers(params.radio.min_power_w, params)


class FullPower(NamedTuple):
    """Next to no price, and the greatest power."""

    def act_leader(
        self, observation: LeaderObservation, params: EnvParams
    ) -> Float[Array, "*price"]:
        """Prices at which every pair wants its greatest power."""
        return _price_for(_INVITING_W, observation, params)

    def act_followers(
        self, observation: FollowerObservation, params: EnvParams
    ) -> tuple[Int[Array, " N"], Float[Array, " N"]]:
        """The greatest power."""
        return observation.channel, _powers(params.radio.max_power_w, params)


class Random(NamedTuple):
    """Prices and powers at random, log-uniform; drawn from the bits of what is seen."""

    def act_leader(
        self, observation: LeaderObservation, params: EnvParams
    ) -> Float[Array, "*price"]:
        """The price at which a pair without interference wants a random power."""
        key = _key_of(observation.cellular_to_bs)
        return _price_for(_draw(key, params), observation, params)

    def act_followers(
        self, observation: FollowerObservation, params: EnvParams
    ) -> tuple[Int[Array, " N"], Float[Array, " N"]]:
        """A random power."""
        return observation.channel, _draw(_key_of(observation.own), params)


class Conjectural(NamedTuple):
    """The equilibrium on what is observed, without learning.

    The leader prices as if no pair's s moved from what it expects by its bills; the
    pairs answer best to what they measured last.
    """

    def act_leader(
        self, observation: LeaderObservation, params: EnvParams
    ) -> Float[Array, "*price"]:
        """The conjectural equilibrium's prices."""
        tokens = leader_tokens(observation, params)
        price = price_of_answer(tokens.conjecture_w, tokens.quoted_gain, params.radio)
        if not params.price_per_channel:
            return price
        return jnp.broadcast_to(price, (params.num_channels, params.num_pairs))

    def act_followers(
        self, observation: FollowerObservation, params: EnvParams
    ) -> tuple[Int[Array, " N"], Float[Array, " N"]]:
        """The best answers to what was measured last."""
        tokens = follower_tokens(observation, observation.channel, params)
        wanted = tokens.answer_w - tokens.noise_w
        radio = params.radio
        power = jnp.clip(wanted, radio.min_power_w, radio.max_power_w)
        return observation.channel, power


SIMPLE: dict[str, Policy] = {
    "conjectural": Conjectural(),
    "silent": Silent(),
    "full_power": FullPower(),
    "random": Random(),
}
"""By name."""


def _price_for(
    power_w: float | Float[Array, " N"],
    observation: LeaderObservation,
    params: EnvParams,
) -> Float[Array, "*price"]:
    """The price at which a pair wants about `power_w`, B / (gbar p)."""
    quoted = observation.d2d_to_bs
    if quoted.ndim == 2 and not params.price_per_channel:
        quoted = quoted[observation.channel, jnp.arange(params.num_pairs)]
    return params.radio.spend_scale / (quoted * power_w)


def _powers(power_w: Float[Array, ""], params: EnvParams) -> Float[Array, " N"]:
    return jnp.full(params.num_pairs, power_w, params.dtype)


def _draw(key: Array, params: EnvParams) -> Float[Array, " N"]:
    """Powers, log-uniform over three decades below the greatest [N]."""
    share = jax.random.uniform(key, (params.num_pairs,), params.dtype, -3.0, 0.0)
    return params.radio.max_power_w * jnp.exp(share * jnp.log(10.0).astype(share.dtype))


def _key_of(seen: Array) -> Array:
    bits = jax.lax.bitcast_convert_type(seen.astype(jnp.float32), jnp.uint32)
    return jax.random.key(bits.sum())
