"""Slots as an off-policy learner stores them: a slot, what was done, the slot after.

Shape legend: T slots, E environments, N pairs.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from stackelberg.envs import (
    Action,
    EnvParams,
    FollowerObservation,
    State,
    observe_followers,
    observe_leader,
    step,
)
from stackelberg.envs.equilibrium import slot_equilibrium
from stackelberg.envs.slot_game import SlotGame, slot_game
from stackelberg.learning.critics import Actions, Values
from stackelberg.learning.experience import flat
from stackelberg.learning.heads import price_of_answer
from stackelberg.learning.objectives import follower_unit, utility_unit
from stackelberg.learning.policy import LinkPolicy
from stackelberg.learning.tokens import (
    LeaderTokens,
    follower_tokens,
    leader_tokens,
    store_columns,
)


class Moment(NamedTuple):
    """A slot before anybody acts.

    Attributes:
        leader: its tokens.
        followers: what they see; its price is replaced by the one at hand.
        game: true gains.
        stores: fill of queues and batteries [N, S].
        equilibrium: actions of the slot's equilibrium; zeros where nobody asks.
        equilibrium_value: its utilities; likewise.
    """

    leader: LeaderTokens
    followers: FollowerObservation
    game: SlotGame
    stores: Float[Array, "N S"]
    equilibrium: Actions
    equilibrium_value: Values


class Transition(NamedTuple):
    """A moment, what was done, what it brought, the moment after.

    Attributes:
        now: the slot.
        actions: of everybody.
        reward: in the units of `Values`.
        ended: 1 where the episode terminated; a cut-off is no end.
        after: the slot after.
    """

    now: Moment
    actions: Actions
    reward: Values
    ended: Float[Array, ""]
    after: Moment


def moment(state: State, params: EnvParams, *, solve: bool) -> Moment:
    """The slot that is about to be played, on the channels used last.

    Args:
        state: before the slot.
        params: the environment's.
        solve: whether the equilibrium is wanted.
    """
    tokens = leader_tokens(observe_leader(state, params), params)
    seen = observe_followers(state, state.memory.reuse_price, params)
    game = slot_game(state, params, state.memory.channel)
    nothing = jnp.zeros_like(game.noise)
    actions, value = Actions(nothing, nothing), Values(nothing[0], nothing)
    if solve:
        found = slot_equilibrium(game)
        asked = params.radio.spend_scale / (tokens.quoted_gain * found.reuse_price)
        unit = utility_unit(game)
        actions = Actions(asked, found.transmit_power_w)
        value = Values(
            found.leader_utility / unit, found.follower_utility / follower_unit(game)
        )
    columns = store_columns(state.backlog_bits, state.energy_j, params)
    stores = jnp.stack(columns, axis=1) if columns else jnp.zeros((len(nothing), 0))
    return Moment(tokens, seen, game, stores, actions, value)


def follower_features(
    now: Moment, answer_w: Float[Array, " N"], params: EnvParams
) -> Any:
    """The followers' tokens once the leader has asked for these answers."""
    price = price_of_answer(answer_w, now.leader.quoted_gain, params.radio)
    seen = now.followers._replace(reuse_price=price)
    return follower_tokens(seen, now.game.channel, params)


def act(
    key: Array,
    policy: LinkPolicy,
    now: Moment,
    noise: tuple[float, float],
    params: EnvParams,
) -> Actions:
    """The policy's actions with normal noise, nepers, on what networks say.

    Args:
        key: of the noise.
        policy: the networks.
        now: the slot.
        noise: standard deviation for the leader and for followers.
        params: the environment's.
    """
    first, second = jax.random.split(key)
    output = policy.speak(now.leader)
    output += noise[0] * jax.random.normal(first, output.shape)
    answer = policy.answer_w(output, now.leader, params)
    tokens = follower_features(now, answer, params)
    wiggle = noise[1] * jax.random.normal(second, (len(answer), 2))
    return Actions(answer, policy.power_w(tokens, params, wiggle))


def play_transitions(
    key: Array,
    states: State,
    policy: LinkPolicy,
    params: EnvParams,
    num_slots: int,
    noise: tuple[float, float],
    by_the_book: Array,
    *,
    solve: bool,
) -> tuple[State, Transition]:
    """Play a batch of environments and keep transitions, flat [T * E, ...].

    Args:
        key: of noise and new episodes.
        states: with a leading axis E.
        policy: that acts.
        params: the environment's, with `auto_reset`. A slot whose successor begins a
            new episode is kept with that one as its successor: users change, laws do
            not.
        num_slots: T.
        noise: see `act`.
        by_the_book: whether the equilibrium's actions are played instead.
        solve: whether equilibria are solved, for all slots of the chunk.
    """
    batch = jax.tree.leaves(states)[0].shape[0]

    def one(state: State, now: Moment, key: Array) -> tuple[State, Any]:
        first, second = jax.random.split(key)
        actions = act(first, policy, now, noise, params)
        if solve:
            actions = jax.tree.map(
                lambda book, own: jnp.where(by_the_book, book, own),
                now.equilibrium,
                actions,
            )
        price = price_of_answer(actions.answer_w, now.leader.quoted_gain, params.radio)
        action = Action(price, now.game.channel, actions.power_w)
        played = step(second, state, action, params)
        unit = utility_unit(now.game)
        reward = Values(
            played.leader_reward / unit,
            played.follower_reward / follower_unit(now.game),
        )
        ended = played.terminated.astype(jnp.float32)
        after = moment(played.state, params, solve=solve)
        return played.state, (after, (now, actions, reward, ended))

    def slot(carry: Any, key: Array) -> Any:
        states, now = carry
        keys = jax.random.split(key, batch)
        states, (after, kept) = jax.vmap(one)(states, now, keys)
        return (states, after), Transition(*kept, after=after)

    begin = jax.vmap(lambda state: moment(state, params, solve=solve))(states)
    keys = jax.random.split(key, num_slots)
    (states, _), kept = jax.lax.scan(slot, (states, begin), keys)
    return states, flat(kept)
