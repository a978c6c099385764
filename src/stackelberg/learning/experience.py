"""Playing a policy in many environments, and what is kept of each slot.

Shape legend: T slots, E environments, N pairs.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from stackelberg.envs import (
    Action,
    EnvParams,
    FollowerObservation,
    LeaderObservation,
    State,
    observe_followers,
    observe_leader,
    reset,
    step,
)
from stackelberg.envs.slot_game import SlotGame, slot_game
from stackelberg.learning.channel_menu import Menu, channel_menu
from stackelberg.learning.learner import Policy
from stackelberg.learning.policy import LinkPolicy


class Experience(NamedTuple):
    """One slot, as training needs it.

    Attributes:
        leader: what the leader saw.
        followers: what the followers saw, with the charged price.
        game: the slot's, with the true gains, on the channels that were used.
        reuse_price: posted [N].
        transmit_power_w: [N].
        leader_reward: bit/s.
        follower_reward: bit/s [N].
        menu: the slot on all channels; None where nobody learns to choose one.
    """

    leader: LeaderObservation
    followers: FollowerObservation
    game: SlotGame
    reuse_price: Float[Array, " N"]
    transmit_power_w: Float[Array, " N"]
    leader_reward: Float[Array, ""]
    follower_reward: Float[Array, " N"]
    menu: Menu | None = None


def play_slot(
    key: Array,
    state: State,
    policy: Policy,
    params: EnvParams,
    *,
    draw_channels: bool = False,
) -> tuple[State, Experience]:
    """One slot of one environment; a new episode begins where one ends.

    Args:
        key: of the next episode.
        state: before the slot.
        policy: that acts.
        params: the environment's, with `auto_reset`.
        draw_channels: whether pairs try channels, as in training.
    """
    leader_sees = observe_leader(state, params)
    price = policy.act_leader(leader_sees, params)
    followers_see = observe_followers(state, price, params)
    menu = None
    if draw_channels:
        assert isinstance(policy, LinkPolicy)
        tries = jax.random.fold_in(key, 1)
        channel, power = policy.try_followers(tries, followers_see, params)
        menu = channel_menu(state, params)
    else:
        channel, power = policy.act_followers(followers_see, params)
    played = step(key, state, Action(price, channel, power), params)
    return played.state, Experience(
        leader_sees,
        followers_see,
        slot_game(state, params, channel),
        price,
        power,
        played.leader_reward,
        played.follower_reward,
        menu,
    )


def play(
    key: Array,
    states: State,
    policy: Policy,
    params: EnvParams,
    num_slots: int,
    *,
    draw_channels: bool = False,
) -> tuple[State, Experience]:
    """`num_slots` slots of a batch of environments.

    Args:
        key: of the episodes that begin meanwhile.
        states: with a leading axis E.
        policy: one for all.
        params: the environment's, with `auto_reset`.
        num_slots: T.
        draw_channels: see `play_slot`.

    Returns:
        The states after, and the experience with leading axes [T, E].
    """
    batch = jax.tree.leaves(states)[0].shape[0]

    def one(states: State, key: Array) -> tuple[State, Experience]:
        keys = jax.random.split(key, batch)
        slot = partial(play_slot, draw_channels=draw_channels)
        return jax.vmap(slot, in_axes=(0, 0, None, None))(keys, states, policy, params)

    return jax.lax.scan(one, states, jax.random.split(key, num_slots))


def start_states(key: Array, params: EnvParams, batch: int) -> State:
    """The first states of `batch` environments, at different slots of their episodes.

    Else all would end together, and a chunk would see one age only.
    """
    first, second = jax.random.split(key)
    states = jax.vmap(reset, in_axes=(0, None))(jax.random.split(first, batch), params)
    slot = jax.random.randint(second, (batch,), 0, params.horizon_slots)
    return states._replace(slot=slot)


def flat(experience: Any) -> Any:
    """The leading axes [T, E] as one."""
    return jax.tree.map(
        lambda x: x.reshape(x.shape[0] * x.shape[1], *x.shape[2:]), experience
    )


def minibatches(key: Array, experience: Any, size: int) -> Any:
    """Experience [n, ...] in random order as [n // size, size, ...]."""
    n = jax.tree.leaves(experience)[0].shape[0]
    rows = jax.random.permutation(key, n)[: n // size * size].reshape(-1, size)
    return jax.tree.map(lambda x: x[rows], experience)


def mean_over(experience: Any) -> Any:
    """Means over all leading axes of scalars."""
    return jax.tree.map(jnp.mean, experience)
