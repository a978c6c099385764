"""Centralised critics: they see the slot's true gains and everybody's actions.

A critic is one network for all pairs over physical sums (what a pair hears, what the
base station hears), so it is a deep set: reordering the pairs reorders the followers'
values and leaves the leader's alone. Shape legend: N pairs, F features.
"""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from stackelberg.envs.bills import TYPICAL_NOISE
from stackelberg.envs.slot_game import SlotGame
from stackelberg.learning.networks import Dense, Perceptron
from stackelberg.learning.objectives import utility_unit
from stackelberg.learning.tokens import decades


class Actions(NamedTuple):
    """What everybody does in a slot.

    Attributes:
        answer_w: what each price asks for, B / (price gain) as billed, W [N].
        power_w: transmit powers [N].
        channel: of each pair [N]; None where pairs keep theirs.
    """

    answer_w: Float[Array, " N"]
    power_w: Float[Array, " N"]
    channel: Int[Array, " N"] | None = None


class Values(NamedTuple):
    """What agents expect.

    Attributes:
        leader: in units of `utility_unit`.
        followers: in units of W / ln 2 each [N].
    """

    leader: Float[Array, "*batch"]
    followers: Float[Array, "*batch N"]


class Critic(eqx.Module):
    """The values of all agents.

    Attributes:
        network: features to a pair's value and its share of the leader's.
        direct: the same, linearly: a slot's rewards are nearly so in the features.
    """

    network: Perceptron
    direct: Dense

    def __init__(self, key: Array, stores: int, width: int):
        first, second = jax.random.split(key)
        features = NUM_FEATURES + stores
        self.network = Perceptron(first, features, 2, width, last_scale=0.1)
        self.direct = Dense(second, features, 2, scale=0.1)

    def __call__(
        self, game: SlotGame, stores: Float[Array, "N S"], actions: Actions
    ) -> Values:
        """Values in one slot.

        Args:
            game: the slot's.
            stores: fill of queues and batteries; no column without them.
            actions: of everybody. The followers' values have derivatives in a pair's
                own power alone: each climbs its own value, others being given.
        """

        def read(*, alone: bool) -> Array:
            features = critic_features(game, stores, actions, alone=alone)
            return self.network(features) + self.direct(features)

        return Values(read(alone=False)[:, 1].mean(), read(alone=True)[:, 0])

    def of_pair(
        self,
        game: SlotGame,
        stores: Float[Array, "N S"],
        actions: Actions,
        pair: Int[Array, ""],
    ) -> Float[Array, ""]:
        """The value of one pair; see `__call__`."""
        features = critic_features(game, stores, actions, alone=True)[pair]
        return (self.network(features) + self.direct(features))[0]


NUM_FEATURES = 9


def critic_features(
    game: SlotGame, stores: Float[Array, "N S"], actions: Actions, *, alone: bool
) -> Float[Array, "N F"]:
    """One row per pair: its links, what it hears and causes, its price.

    Args:
        game: the slot's.
        stores: [N, S].
        actions: of everybody.
        alone: whether derivatives see others' powers as constants.

    Where bills are quoted, a slot's rewards are linear in them, payments at any power
    included: a payment cut at b hides from the critic what a pair that sends more
    pays, and leaders find prices that live off it.
    """
    power = actions.power_w
    others = jax.lax.stop_gradient(power) if alone else power
    typical = TYPICAL_NOISE * game.max_power_w
    noise = game.noise + (game.coupling * others).sum(axis=-1)
    received = game.bs_gain * power
    shared = game.channel[:, None] == game.channel[None, :]
    not_own = shared & ~jnp.eye(len(power), dtype=bool)
    from_others = jnp.where(not_own, game.bs_gain * others, 0.0).sum(axis=-1)
    heard = 1.0 + received + from_others
    cellular = game.cellular_snr[game.channel]
    most = jnp.log1p(game.cellular_snr).sum() * game.follower_price_weight
    most = most * game.spend_scale / utility_unit(game)
    number = shared.sum(axis=-1).astype(power.dtype)
    columns = [
        decades(game.bs_gain * typical),
        decades(game.noise / typical),
        decades(cellular),
        jnp.log1p(power / noise),
        jnp.log1p(cellular / heard) / number,
        decades(heard),
        decades(actions.answer_w / noise),
        # The payment over B, not cut at 1: who sends more than it would pay for must
        # be seen to pay for it.
        power / _paid_answer_w(game, actions.answer_w, noise),
        jnp.full_like(power, most),
    ]
    features = jnp.stack(columns, axis=1)
    return jnp.concatenate([0.5 * features, stores], axis=1)


def _paid_answer_w(
    game: SlotGame, answer_w: Float[Array, " N"], noise_w: Float[Array, " N"]
) -> Float[Array, " N"]:
    """The answer that the price really charged asks for; see `slot_game.paid_price`."""
    limits = game.price_limits
    if limits is None:
        return jnp.maximum(answer_w, game.min_power_w + noise_w)
    return jnp.clip(
        answer_w, game.price_scale / limits.max, game.price_scale / limits.min
    )


def pessimistic(one: Values, other: Values) -> Values:
    """The smaller of two critics' values, agent by agent."""
    return Values(
        jnp.minimum(one.leader, other.leader),
        jnp.minimum(one.followers, other.followers),
    )
