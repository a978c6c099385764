"""Slots as an off-policy learner stores them: a slot, what was done, the slot after.

Shape legend: T slots, E environments, N pairs.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

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
from stackelberg.learning.channel_choice import Channels, drawn_channel
from stackelberg.learning.channel_menu import Menu, channel_menu, game_on
from stackelberg.learning.critics import Actions, Values
from stackelberg.learning.experience import flat
from stackelberg.learning.heads import price_of_answer
from stackelberg.learning.objectives import follower_unit, utility_unit
from stackelberg.learning.policy import LinkPolicy, scores_of, tokens_everywhere
from stackelberg.learning.tokens import (
    FollowerTokens,
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
        menu: the slot on all channels; None where pairs keep theirs.
    """

    leader: LeaderTokens
    followers: FollowerObservation
    game: SlotGame
    stores: Float[Array, "N S"]
    equilibrium: Actions
    equilibrium_value: Values
    menu: Menu | None = None


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


def moment(
    state: State, params: EnvParams, *, solve: bool, channels: Channels = "kept"
) -> Moment:
    """The slot that is about to be played, on the channels used last.

    Args:
        state: before the slot.
        params: the environment's.
        solve: whether the equilibrium is wanted. It is that of the channels used last,
            also where pairs choose.
        channels: whether pairs keep or choose them.
    """
    tokens = leader_tokens(observe_leader(state, params), params)
    seen = observe_followers(state, state.memory.reuse_price, params)
    game = slot_game(state, params, state.memory.channel)
    nothing = jnp.zeros_like(game.noise)
    chosen = None if channels == "kept" else game.channel
    actions, value = Actions(nothing, nothing, chosen), Values(nothing[0], nothing)
    if solve:
        found = slot_equilibrium(game)
        asked = params.radio.spend_scale / (tokens.quoted_gain * found.reuse_price)
        unit = utility_unit(game)
        actions = Actions(asked, found.transmit_power_w, chosen)
        value = Values(
            found.leader_utility / unit, found.follower_utility / follower_unit(game)
        )
    columns = store_columns(state.backlog_bits, state.energy_j, params)
    stores = jnp.stack(columns, axis=1) if columns else jnp.zeros((len(nothing), 0))
    menu = None if channels == "kept" else channel_menu(state, params)
    return Moment(tokens, seen, game, stores, actions, value, menu)


def follower_features(
    now: Moment,
    answer_w: Float[Array, " N"],
    params: EnvParams,
    channel: Int[Array, " N"] | None = None,
) -> FollowerTokens:
    """The followers' tokens once the leader has asked for these answers.

    Args:
        now: the slot.
        answer_w: asked for [N].
        params: the environment's.
        channel: of each pair; None: those used last.
    """
    seen = with_price(now, answer_w, params)
    chosen = now.game.channel if channel is None else channel
    return follower_tokens(seen, chosen, params)


def features_everywhere(
    now: Moment, answer_w: Float[Array, " N"], params: EnvParams
) -> FollowerTokens:
    """`follower_features` on every channel, with leading axes [M, N]."""
    return tokens_everywhere(with_price(now, answer_w, params), params)


def with_price(
    now: Moment, answer_w: Float[Array, " N"], params: EnvParams
) -> FollowerObservation:
    """What followers see once the leader has asked for these answers."""
    price = price_of_answer(answer_w, now.leader.quoted_gain, params.radio)
    return now.followers._replace(reuse_price=price)


def seen_by_critics(
    now: Moment, actions: Actions
) -> tuple[SlotGame, Float[Array, "N S"], Actions]:
    """A slot's game, stores and actions on the channels that pairs are on.

    Where pairs choose, one more column of stores says who leaves its channel, and what
    a price asks for is that of the new channel's gain.
    """
    if actions.channel is None or now.menu is None:
        return now.game, now.stores, actions
    game = game_on(now.menu, now.game, actions.channel)
    moved = (actions.channel != now.game.channel).astype(now.stores.dtype)
    answer = actions.answer_w * (game.price_scale / now.game.price_scale)
    stores = jnp.concatenate([now.stores, moved[:, None]], axis=1)
    return game, stores, actions._replace(answer_w=answer)


def act(
    key: Array,
    policy: LinkPolicy,
    now: Moment,
    noise: tuple[float, float],
    params: EnvParams,
) -> Actions:
    """The policy's actions with normal noise, nepers, on what networks say.

    Channels, where pairs choose, are drawn with the odds of their scores.

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
    channel = None
    if policy.chooser is not None:
        scores = scores_of(policy.chooser, features_everywhere(now, answer, params))
        channel = drawn_channel(jax.random.fold_in(key, 2), scores)
    tokens = follower_features(now, answer, params, channel)
    wiggle = noise[1] * jax.random.normal(second, (len(answer), 2))
    return Actions(answer, policy.power_w(tokens, params, wiggle), channel)


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
    channels: Channels = "kept" if policy.chooser is None else "learned"

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
        chosen = now.game.channel if actions.channel is None else actions.channel
        action = Action(price, chosen, actions.power_w)
        played = step(second, state, action, params)
        unit = utility_unit(now.game)
        reward = Values(
            played.leader_reward / unit,
            played.follower_reward / follower_unit(now.game),
        )
        ended = played.terminated.astype(jnp.float32)
        after = moment(played.state, params, solve=solve, channels=channels)
        return played.state, (after, (now, actions, reward, ended))

    def slot(carry: Any, key: Array) -> Any:
        states, now = carry
        keys = jax.random.split(key, batch)
        states, (after, kept) = jax.vmap(one)(states, now, keys)
        return (states, after), Transition(*kept, after=after)

    begin = jax.vmap(
        lambda state: moment(state, params, solve=solve, channels=channels)
    )(states)
    keys = jax.random.split(key, num_slots)
    (states, _), kept = jax.lax.scan(slot, (states, begin), keys)
    return states, flat(kept)
