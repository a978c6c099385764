"""Independent Q-learning over a grid of prices and powers.

Every agent learns the values of its own grid from its own observation and reward, as if
the others were part of its world (Tan 1993; deep, with replay and slow targets, as Mnih
et al. 2015). The leader is one agent with a price for each pair; its action value is
the mean of one number per pair, so that its best prices are found pair by pair. The
grids lie where the other methods' outputs do: answers around a typical or conjectured
one, powers around the delayed best response.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int

from stackelberg.envs import (
    Action,
    EnvParams,
    FollowerObservation,
    LeaderObservation,
    State,
    step,
)
from stackelberg.errors import DomainError
from stackelberg.learning import experience as xp
from stackelberg.learning import replay as ring
from stackelberg.learning.channel_choice import Channels, check_channels
from stackelberg.learning.critics import Values
from stackelberg.learning.heads import answer_w, follower_power_w, price_of_answer
from stackelberg.learning.learner import Metrics
from stackelberg.learning.networks import LinkNetwork
from stackelberg.learning.objectives import follower_unit, utility_unit
from stackelberg.learning.policy import feature_counts, tokens_everywhere
from stackelberg.learning.sizes import check_replay, check_sizes
from stackelberg.learning.targets import continued, fading_weight
from stackelberg.learning.tokens import (
    FollowerTokens,
    LeaderTokens,
    follower_tokens,
    leader_tokens,
)
from stackelberg.learning.transitions import (
    Moment,
    follower_features,
    moment,
    with_price,
)
from stackelberg.spectrum.radio import number, whole_number


@dataclass(frozen=True)
class IndependentQ:
    """Settings of independent Q-learning.

    Attributes:
        environments: played side by side.
        slots_per_chunk: of each environment.
        updates_per_chunk: gradient steps after a chunk.
        minibatch: transitions per step.
        capacity: transitions kept.
        gamma: discount; 0: every slot for itself.
        learning_rate: of Adam.
        target_rate: share by which the target follows in each step.
        price_levels: answers on the grid, evenly spaced in nepers; odd.
        price_span: from the centre to the ends, nepers.
        power_levels: factors on the delayed best response's answer; odd.
        power_span: from 1 to the ends, nepers.
        explore: share of random actions at first.
        explore_floor: and in the end.
        explore_env_steps: over which it falls.
        warmup_env_steps: before any learning.
        width: of the networks.
        residual: whether the leader's grid lies around the conjectural equilibrium.
        channels: whether pairs keep their channels or learn to choose them: the grid is
            then of channels times powers, and random actions go to any channel.
    """

    environments: int = 32
    slots_per_chunk: int = 25
    updates_per_chunk: int = 50
    minibatch: int = 128
    capacity: int = 20_000
    gamma: float = 0.9
    learning_rate: float = 2e-3
    target_rate: float = 0.01
    price_levels: int = 15
    price_span: float = 4.0
    power_levels: int = 7
    power_span: float = 0.6
    explore: float = 1.0
    explore_floor: float = 0.05
    explore_env_steps: int = 12_000
    warmup_env_steps: int = 1600
    width: int = 32
    residual: bool = False
    channels: Channels = "kept"

    def check(self, params: EnvParams) -> None:
        """Refuse what cannot be learned.

        Raises:
            InputError: a setting is outside its domain; prices are per channel;
                channels cannot be learned, see `channel_choice.check_channels`.
        """
        check_sizes(self)
        check_channels(self.channels, params)
        for name in ("explore_env_steps", "warmup_env_steps"):
            whole_number(name, getattr(self, name), least=0)
        for name in ("price_levels", "power_levels"):
            levels = whole_number(name, getattr(self, name), least=3, most=1001)
            if levels % 2 == 0:
                raise DomainError(name, expected="an odd number", got=levels)
        for name in ("price_span", "power_span"):
            number(name, getattr(self, name), above=0.0, most=20.0)
        for name in ("learning_rate", "target_rate"):
            number(name, getattr(self, name), above=0.0, most=1.0)
        number("gamma", self.gamma, least=0.0, most=0.9999)
        number("explore", self.explore, least=0.0, most=1.0)
        number("explore_floor", self.explore_floor, least=0.0, most=self.explore)
        slots = self.environments * self.slots_per_chunk
        check_replay(self.capacity, slots, params)

    def learner(self, params: EnvParams) -> IndependentQLearner:
        """The method in an environment; InputError: see `check`."""
        self.check(params)
        return IndependentQLearner(self, params)


class GridPolicy(eqx.Module):
    """Action values on grids; each agent takes its best.

    Attributes:
        leader: tokens to the value of each answer, pair by pair.
        followers: tokens to the value of each power.
        price_span: from the centre of the leader's grid to its ends, nepers.
        power_span: likewise of the followers'.
        residual: whether the leader's grid lies around the conjectural equilibrium.
        scale: of all values, 1 / (1 - gamma): networks say numbers near those of a
            slot whatever the discount.
        channels: whether pairs keep or choose them.
    """

    leader: LinkNetwork
    followers: LinkNetwork
    price_span: float = eqx.field(static=True)
    power_span: float = eqx.field(static=True)
    residual: bool = eqx.field(static=True)
    scale: float = eqx.field(static=True)
    channels: Channels = eqx.field(static=True, default="kept")

    def act_leader(
        self, observation: LeaderObservation, params: EnvParams
    ) -> Float[Array, " N"]:
        """The posted prices [N]."""
        tokens = leader_tokens(observation, params)
        level = self.leader_values(tokens.features, tokens.partners).argmax(axis=-1)
        answer = self.answer_w(level, tokens, params)
        return price_of_answer(answer, tokens.quoted_gain, params.radio)

    def act_followers(
        self, observation: FollowerObservation, params: EnvParams
    ) -> tuple[Int[Array, " N"], Float[Array, " N"]]:
        """Each pair's channel and transmit power in W."""
        channel, level = observation.channel, None
        if self.channels == "learned":
            channel, level = best_of(self.values_everywhere(observation, params))
        tokens = follower_tokens(observation, channel, params)
        if level is None:
            level = self.follower_values(tokens.features).argmax(axis=-1)
        return channel, self.power_w(level, tokens, params)

    def values_everywhere(
        self, observation: FollowerObservation, params: EnvParams
    ) -> Float[Array, "N M levels"]:
        """The value of each power on each channel, each pair by itself."""
        rows = tokens_everywhere(observation, params).features
        return jax.vmap(self.follower_values, out_axes=1)(rows)

    def leader_values(
        self, features: Float[Array, "N F"], partners: Bool[Array, "N N"]
    ) -> Float[Array, "N levels"]:
        """The share of each pair's answers in the leader's value."""
        return self.scale * self.leader(features, partners)

    def follower_values(
        self, features: Float[Array, "N F"]
    ) -> Float[Array, "N levels"]:
        """The value of each power, each pair by itself."""
        alone = jnp.zeros((len(features),) * 2, bool)
        return self.scale * self.followers(features, alone)

    def answer_w(
        self, level: Int[Array, " N"], tokens: LeaderTokens, params: EnvParams
    ) -> Float[Array, " N"]:
        """The answers of grid points, W [N]."""
        said = grid(self.leader, self.price_span)[level]
        return answer_w(said, tokens, params, residual=self.residual)

    def power_w(
        self, level: Int[Array, " N"], tokens: FollowerTokens, params: EnvParams
    ) -> Float[Array, " N"]:
        """The powers of grid points, W [N]."""
        said = grid(self.followers, self.power_span)[level]
        both = jnp.stack([said, jnp.zeros_like(said)], axis=1)
        return follower_power_w(both, tokens, params)


def best_of(
    values: Float[Array, "N M levels"],
) -> tuple[Int[Array, " N"], Int[Array, " N"]]:
    """The channel and the power level of each pair's greatest value."""
    levels = values.shape[-1]
    at = values.reshape(len(values), -1).argmax(axis=1)
    return (at // levels).astype(jnp.int32), at % levels


def grid(network: LinkNetwork, span: float) -> Float[Array, " levels"]:
    """The grid of a network's outputs, from -span to span nepers."""
    levels = network.read.layers[-1].bias.shape[-1]
    return jnp.linspace(-span, span, levels, dtype=jnp.float32)


class Taken(NamedTuple):
    """Grid points that were chosen.

    Attributes:
        leader: [N].
        followers: [N].
    """

    leader: Int[Array, " N"]
    followers: Int[Array, " N"]


class Kept(NamedTuple):
    """A transition.

    Attributes:
        leader: the leader's features [N, F].
        partners: whether the row hears of the column [N, N].
        followers: the followers' features on the channels they took, with the price
            that was posted [N, F].
        taken: by everybody.
        reward: in the units of `Values`.
        ended: 1 where the episode terminated.
        after: the slot after.
    """

    leader: Float[Array, "N F"]
    partners: Bool[Array, "N N"]
    followers: Float[Array, "N F"]
    taken: Taken
    reward: Values
    ended: Float[Array, ""]
    after: Moment


class IndependentQState(NamedTuple):
    """Everything the next chunk depends on.

    Attributes:
        policy: the action values.
        slow: their slow copy, for targets.
        optimiser: of `policy`.
        replay: transitions.
        worlds: the environments.
        key: of all randomness to come.
        env_steps: slots played so far, all environments together.
    """

    policy: GridPolicy
    slow: GridPolicy
    optimiser: Any
    replay: ring.Replay
    worlds: State
    key: Array
    env_steps: Int[Array, ""]


class IndependentQLearner:
    """Independent Q-learning in one environment; see `Learner`."""

    name = "independent_q"

    def __init__(self, settings: IndependentQ, params: EnvParams):
        self.settings = settings
        self.params = replace(params, auto_reset=True)
        self.env_steps_per_chunk = settings.environments * settings.slots_per_chunk
        self._optimiser = optax.chain(
            optax.clip_by_global_norm(1.0), optax.adam(settings.learning_rate)
        )
        self._collect = jax.jit(self._played, donate_argnums=(0, 1))
        self._update = jax.jit(self._updated, donate_argnums=(0, 1, 2))

    def start(self, key: Array) -> IndependentQState:
        """The state before the first chunk."""
        settings, params = self.settings, self.params
        keys = jax.random.split(key, 4)
        of_leader, of_followers = feature_counts(params)
        width = settings.width
        policy = GridPolicy(
            LinkNetwork(keys[0], of_leader, settings.price_levels, width, 1),
            LinkNetwork(keys[1], of_followers, settings.power_levels, width, 0),
            settings.price_span,
            settings.power_span,
            settings.residual,
            1.0 / (1.0 - settings.gamma),
            settings.channels,
        )
        worlds = xp.start_states(keys[2], params, settings.environments)
        record = jax.eval_shape(
            lambda key: self._transitions(key, worlds, policy, jnp.float32(0.0))[1],
            keys[3],
        )
        one = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), record
        )
        return IndependentQState(
            policy,
            # A copy: buffers are donated, and none may be given away twice.
            jax.tree.map(lambda leaf: leaf + 0.0, policy),
            self._optimiser.init(cast("Any", policy)),
            ring.empty(one, settings.capacity),
            worlds,
            keys[3],
            jnp.int32(0),
        )

    def advance(self, state: IndependentQState) -> tuple[IndependentQState, Metrics]:
        """Play a chunk, some of it at random, then learn from the replay."""
        key, playing, learning = jax.random.split(state.key, 3)
        worlds, replay, told = self._collect(
            state.worlds, state.replay, state.policy, playing, state.env_steps
        )
        steps = state.env_steps + self.env_steps_per_chunk
        policy, slow, optimiser, metrics = self._update(
            state.policy, state.slow, state.optimiser, replay, learning, steps
        )
        state = IndependentQState(policy, slow, optimiser, replay, worlds, key, steps)
        return state, {**told, **metrics}

    def policy(self, state: IndependentQState) -> GridPolicy:
        """The policy learned so far: every agent's best grid point."""
        return state.policy

    def _played(
        self,
        worlds: State,
        replay: ring.Replay,
        policy: GridPolicy,
        key: Array,
        env_steps: Array,
    ) -> tuple[State, ring.Replay, Metrics]:
        settings = self.settings
        explore = fading_weight(
            settings.explore,
            settings.explore_floor,
            settings.explore_env_steps,
            env_steps,
        )
        worlds, kept = self._transitions(key, worlds, policy, explore)
        told = {
            "leader_reward": kept.reward.leader.mean(),
            "follower_reward": kept.reward.followers.mean(),
            "explored": explore,
        }
        return worlds, ring.add(replay, kept), told

    def _transitions(
        self, key: Array, worlds: State, policy: GridPolicy, explore: Array
    ) -> tuple[State, Kept]:
        params = self.params

        def one(state: State, now: Moment, key: Array) -> tuple[State, Any]:
            keys = jax.random.split(key, 3)
            values = policy.leader_values(now.leader.features, now.leader.partners)
            leader = _chosen(keys[0], values, explore)
            answer = policy.answer_w(leader, now.leader, params)
            price = price_of_answer(answer, now.leader.quoted_gain, params.radio)
            channel, tokens, followers = self._tried(
                keys[1], policy, now, answer, explore
            )
            power = policy.power_w(followers, tokens, params)
            action = Action(price, channel, power)
            played = step(keys[2], state, action, params)
            reward = Values(
                played.leader_reward / utility_unit(now.game),
                played.follower_reward / follower_unit(now.game),
            )
            after = moment(played.state, params, solve=False)
            return played.state, Kept(
                now.leader.features,
                now.leader.partners,
                tokens.features,
                Taken(leader, followers),
                reward,
                played.terminated.astype(jnp.float32),
                after,
            )

        def slot(carry: Any, key: Array) -> Any:
            states, now = carry
            keys = jax.random.split(key, self.settings.environments)
            states, kept = jax.vmap(one)(states, now, keys)
            return (states, kept.after), kept

        begin = jax.vmap(lambda state: moment(state, params, solve=False))(worlds)
        keys = jax.random.split(key, self.settings.slots_per_chunk)
        (worlds, _), kept = jax.lax.scan(slot, (worlds, begin), keys)
        return worlds, xp.flat(kept)

    def _tried(
        self,
        key: Array,
        policy: GridPolicy,
        now: Moment,
        answer: Array,
        explore: Array,
    ) -> tuple[Array, FollowerTokens, Array]:
        """The followers' channels, their tokens there, and their power levels."""
        params, channel = self.params, now.game.channel
        if policy.channels == "kept":
            tokens = follower_features(now, answer, params)
            values = policy.follower_values(tokens.features)
            return channel, tokens, _chosen(key, values, explore)
        seen = with_price(now, answer, params)
        values = policy.values_everywhere(seen, params)
        at = _chosen(key, values.reshape(len(channel), -1), explore)
        levels = values.shape[-1]
        channel = (at // levels).astype(jnp.int32)
        return channel, follower_tokens(seen, channel, params), at % levels

    def _updated(
        self,
        policy: GridPolicy,
        slow: GridPolicy,
        optimiser: Any,
        replay: ring.Replay,
        key: Array,
        env_steps: Array,
    ) -> tuple[GridPolicy, GridPolicy, Any, Metrics]:
        settings = self.settings
        ready = env_steps > settings.warmup_env_steps

        def one(carry: tuple[Any, Any, Any], key: Array) -> Any:
            policy, slow, optimiser = carry
            part = ring.sample(key, replay, settings.minibatch)
            found, gradient = jax.value_and_grad(self.loss)(policy, slow, part)
            step, moved = self._optimiser.update(gradient, optimiser)
            new = optax.apply_updates(policy, step)
            policy, optimiser = jax.tree.map(
                lambda a, b: jnp.where(ready, a, b), (new, moved), (policy, optimiser)
            )
            slow = jax.tree.map(
                lambda old, new: old + settings.target_rate * (new - old), slow, policy
            )
            return (policy, slow, optimiser), {"value_loss": found}

        keys = jax.random.split(key, settings.updates_per_chunk)
        (policy, slow, optimiser), metrics = jax.lax.scan(
            one, (policy, slow, optimiser), keys
        )
        return policy, slow, optimiser, xp.mean_over(metrics)

    def loss(
        self, policy: GridPolicy, slow: GridPolicy, part: Kept
    ) -> Float[Array, ""]:
        """Mean square error per slot of reward, all agents alike."""
        goal = jax.vmap(lambda kept: self.target(slow, kept))(part)
        goal = jax.lax.stop_gradient(goal)
        found = jax.vmap(lambda kept: values_of(policy, kept))(part)
        leader = jnp.square((found.leader - goal.leader) / policy.scale).mean()
        followers = jnp.square((found.followers - goal.followers) / policy.scale)
        return leader + followers.mean()

    def target(self, slow: GridPolicy, kept: Kept) -> Values:
        """R + gamma max Q(s', .) of each agent; followers see the leader's best."""
        after = kept.after
        shares = slow.leader_values(after.leader.features, after.leader.partners)
        answer = slow.answer_w(shares.argmax(axis=-1), after.leader, self.params)
        if slow.channels == "kept":
            tokens = follower_features(after, answer, self.params)
            best = slow.follower_values(tokens.features).max(axis=-1)
        else:
            seen = with_price(after, answer, self.params)
            best = slow.values_everywhere(seen, self.params).max(axis=(1, 2))
        future = Values(shares.max(axis=-1).mean(), best)
        return continued(kept.reward, future, self.settings.gamma, kept.ended)


def values_of(policy: GridPolicy, kept: Kept) -> Values:
    """The values of the grid points that were taken."""
    leader = policy.leader_values(kept.leader, kept.partners)
    followers = policy.follower_values(kept.followers)
    pair = jnp.arange(len(followers))
    return Values(
        leader[pair, kept.taken.leader].mean(), followers[pair, kept.taken.followers]
    )


def _chosen(
    key: Array, values: Float[Array, "N levels"], explore: Array
) -> Int[Array, " N"]:
    """The best level of each row, or with probability `explore` any [N]."""
    first, second = jax.random.split(key)
    rows, levels = values.shape
    other = jax.random.randint(first, (rows,), 0, levels)
    strays = jax.random.uniform(second, (rows,)) < explore
    return jnp.where(strays, other, values.argmax(axis=-1))
