"""Off-policy actor-critic in the MADDPG and MATD3 family, guided or not.

N + 1 agents: one leader network, one follower network shared by all pairs, and
centralised critics of all of them. ST-Q is this learner with guidance switched on;
with every switch off it is MADDPG (Lowe et al. 2017), or MATD3 with twin critics,
delayed actors and smoothed targets (Fujimoto et al. 2018; Ackermann et al. 2019).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from stackelberg.envs import EnvParams, State
from stackelberg.errors import ConfigError
from stackelberg.learning import experience as xp
from stackelberg.learning import replay as ring
from stackelberg.learning.channel_choice import (
    Channels,
    check_channels,
    drawn_channel,
    expected_value,
)
from stackelberg.learning.critics import Actions, Critic, Values, pessimistic
from stackelberg.learning.learner import Metrics
from stackelberg.learning.objectives import imitation
from stackelberg.learning.policy import LinkPolicy, new_policy, scores_of
from stackelberg.learning.sizes import check_replay, check_sizes
from stackelberg.learning.targets import (
    Guidance,
    continued,
    fading_weight,
    filtered,
    mixed,
)
from stackelberg.learning.transitions import (
    Moment,
    Transition,
    act,
    features_everywhere,
    follower_features,
    play_transitions,
    seen_by_critics,
)
from stackelberg.spectrum.radio import number, whole_number

_GUIDANCE = ("none", "model", "critics", "value")

_CANDIDATES = (0.5, 0.8, 1.0, 1.25, 2.0)
"""Factors on the policy's answers among which the ``critics`` target chooses."""


@dataclass(frozen=True)
class ActorCriticSettings:
    """An actor-critic; the last seven are the switches of guidance.

    Attributes:
        environments: played side by side.
        slots_per_chunk: of each environment.
        updates_per_chunk: gradient steps of the critics after a chunk.
        minibatch: transitions per step.
        capacity: transitions kept.
        gamma: discount; 0: every slot for itself.
        actor_rate: learning rate of Adam.
        critic_rate: likewise.
        target_rate: share by which targets follow in each step.
        twin: whether the smaller of two critics counts in targets.
        actor_every: critic steps per actor step.
        smoothing: standard deviation of noise in targets' actions, nepers.
        leader_noise: of exploration, nepers on the answer asked for.
        follower_noise: likewise on the best response.
        width: of the networks.
        residual: whether the leader corrects the conjectural equilibrium.
        reaction: whether the leader's actor sees the followers' policies answer its
            price; else their actions are constants to it, as in MADDPG, and every
            price wants to rise.
        warmup_env_steps: before any learning.
        saturation: weight of a penalty on outputs far out, so that heads keep slope.
        target: guidance of the critics' target; see `Guidance`.
        kappa: weight of guidance in the target.
        kappa_env_steps: over which it falls to 0; 0: never.
        imitate: weight of imitation of the equilibrium's prices, at first.
        imitate_floor: and in the end.
        imitate_env_steps: over which it falls.
        q_filter: whether only teachers that the critic finds better are imitated.
        prefit_env_steps: the equilibrium plays at first, and critics alone learn.
        channels: whether pairs keep their channels or learn to choose them.
        channel_temperature: where they choose, channels are tried in training with odds
            that tend to exp(value / temperature), the critic's value in units of
            W / ln 2.
    """

    environments: int = 32
    slots_per_chunk: int = 25
    updates_per_chunk: int = 50
    minibatch: int = 128
    capacity: int = 20_000
    gamma: float = 0.9
    actor_rate: float = 1e-3
    critic_rate: float = 5e-3
    target_rate: float = 0.01
    twin: bool = False
    actor_every: int = 1
    smoothing: float = 0.0
    leader_noise: float = 0.5
    follower_noise: float = 0.3
    width: int = 32
    residual: bool = False
    reaction: bool = True
    warmup_env_steps: int = 1600
    saturation: float = 1e-3
    target: Guidance = "none"
    kappa: float = 1.0
    kappa_env_steps: int = 0
    imitate: float = 0.0
    imitate_floor: float = 0.0
    imitate_env_steps: int = 48_000
    q_filter: bool = False
    prefit_env_steps: int = 0
    channels: Channels = "kept"
    channel_temperature: float = 0.05

    @property
    def solves(self) -> bool:
        """Whether equilibria are solved in training."""
        return (
            self.target in ("model", "value")
            or max(self.imitate, self.imitate_floor) > 0.0
            or self.prefit_env_steps > 0
        )

    def check(self, params: EnvParams) -> None:
        """Refuse what cannot be learned.

        Raises:
            InputError: a setting is outside its domain; prices are per channel;
                channels cannot be learned, see `channel_choice.check_channels`.
        """
        check_sizes(self)
        check_channels(self.channels, params, self.channel_temperature)
        for name in (
            "warmup_env_steps",
            "kappa_env_steps",
            "imitate_env_steps",
            "prefit_env_steps",
        ):
            whole_number(name, getattr(self, name), least=0)
        number("gamma", self.gamma, least=0.0, most=0.9999)
        for name in ("actor_rate", "critic_rate", "target_rate"):
            number(name, getattr(self, name), above=0.0, most=1.0)
        for name in ("smoothing", "leader_noise", "follower_noise", "saturation"):
            number(name, getattr(self, name), least=0.0)
        number("kappa", self.kappa, least=0.0, most=1.0)
        number("imitate", self.imitate, least=0.0)
        number("imitate_floor", self.imitate_floor, least=0.0, most=self.imitate)
        if self.target not in _GUIDANCE:
            raise ConfigError(
                "target", expected=" or ".join(_GUIDANCE), got=self.target
            )
        slots = self.environments * self.slots_per_chunk
        check_replay(self.capacity, slots, params)


@dataclass(frozen=True)
class Maddpg(ActorCriticSettings):
    """MADDPG: one critic, no guidance."""

    def learner(self, params: EnvParams) -> ActorCritic:
        """The method in an environment; InputError: see `ActorCriticSettings.check`."""
        self.check(params)
        return ActorCritic("maddpg", self, params)


@dataclass(frozen=True)
class Matd3(ActorCriticSettings):
    """MATD3: twin critics, actors every second step, smoothed targets; no guidance."""

    twin: bool = True
    actor_every: int = 2
    smoothing: float = 0.1

    def learner(self, params: EnvParams) -> ActorCritic:
        """The method in an environment; InputError: see `ActorCriticSettings.check`."""
        self.check(params)
        return ActorCritic("matd3", self, params)


@dataclass(frozen=True)
class StackelbergQ(ActorCriticSettings):
    """Deep ST-Q: MATD3 with the equilibrium's actions in the target, the default."""

    twin: bool = True
    actor_every: int = 2
    smoothing: float = 0.1
    target: Guidance = "model"

    def learner(self, params: EnvParams) -> ActorCritic:
        """The method in an environment; InputError: see `ActorCriticSettings.check`."""
        self.check(params)
        return ActorCritic("stq", self, params)


class Networks(NamedTuple):
    """What learns, and its slow copies.

    Attributes:
        policy: of all agents.
        critics: two, of which one may idle.
        slow_policy: follows `policy`.
        slow_critics: follow `critics`.
    """

    policy: LinkPolicy
    critics: tuple[Critic, Critic]
    slow_policy: LinkPolicy
    slow_critics: tuple[Critic, Critic]


class ActorCriticState(NamedTuple):
    """Everything the next chunk depends on.

    Attributes:
        networks: all.
        optimisers: of actors and critics.
        replay: transitions.
        worlds: the environments.
        key: of all randomness to come.
        env_steps: slots played so far, all environments together.
    """

    networks: Networks
    optimisers: tuple[Any, Any]
    replay: ring.Replay
    worlds: State
    key: Array
    env_steps: Int[Array, ""]


class ActorCritic:
    """An actor-critic in one environment; see `Learner`."""

    def __init__(self, name: str, settings: ActorCriticSettings, params: EnvParams):
        self.name = name
        self.settings = settings
        self.params = replace(params, auto_reset=True)
        self.env_steps_per_chunk = settings.environments * settings.slots_per_chunk
        self._actors = _adam(settings.actor_rate)
        self._critics = _adam(settings.critic_rate)
        self._collect = jax.jit(self._played, donate_argnums=(0, 1))
        self._update = jax.jit(self._updated, donate_argnums=(0, 1))

    def start(self, key: Array) -> ActorCriticState:
        """The state before the first chunk."""
        settings, params = self.settings, self.params
        keys = jax.random.split(key, 6)
        policy = new_policy(
            keys[0],
            params,
            width=settings.width,
            residual=settings.residual,
            channels=settings.channels,
        )
        worlds = xp.start_states(keys[1], params, settings.environments)
        record = jax.eval_shape(
            lambda k: self._transitions(k, worlds, policy, jnp.int32(0))[1], keys[2]
        )
        one = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), record
        )
        choosing = settings.channels == "learned"
        stores = one.now.stores.shape[-1] + int(choosing)
        critics = (
            Critic(keys[3], stores, settings.width),
            Critic(keys[4], stores, settings.width),
        )
        # Copies: buffers are donated, and none may be given away twice.
        slow = jax.tree.map(lambda leaf: leaf + 0.0, (policy, critics))
        return ActorCriticState(
            Networks(policy, critics, *slow),
            (
                self._actors.init(cast("Any", policy)),
                self._critics.init(cast("Any", critics)),
            ),
            ring.empty(one, settings.capacity),
            worlds,
            keys[5],
            jnp.int32(0),
        )

    def advance(self, state: ActorCriticState) -> tuple[ActorCriticState, Metrics]:
        """Play a chunk, then learn from the replay."""
        key, playing, learning = jax.random.split(state.key, 3)
        worlds, replay, played = self._collect(
            state.worlds, state.replay, state.networks.policy, playing, state.env_steps
        )
        steps = state.env_steps + self.env_steps_per_chunk
        networks, optimisers, metrics = self._update(
            state.networks, state.optimisers, replay, learning, steps
        )
        state = ActorCriticState(networks, optimisers, replay, worlds, key, steps)
        return state, {**played, **metrics}

    def policy(self, state: ActorCriticState) -> LinkPolicy:
        """The policy learned so far."""
        return state.networks.policy

    def _transitions(
        self, key: Array, worlds: State, policy: LinkPolicy, env_steps: Array
    ) -> tuple[State, Transition]:
        settings = self.settings
        return play_transitions(
            key,
            worlds,
            policy,
            self.params,
            settings.slots_per_chunk,
            (settings.leader_noise, settings.follower_noise),
            env_steps < settings.prefit_env_steps,
            solve=settings.solves,
        )

    def _played(
        self,
        worlds: State,
        replay: ring.Replay,
        policy: LinkPolicy,
        key: Array,
        env_steps: Array,
    ) -> tuple[State, ring.Replay, Metrics]:
        worlds, kept = self._transitions(key, worlds, policy, env_steps)
        metrics = {
            "leader_reward": kept.reward.leader.mean(),
            "follower_reward": kept.reward.followers.mean(),
        }
        return worlds, ring.add(replay, kept), metrics

    def _updated(
        self,
        networks: Networks,
        optimisers: tuple[Any, Any],
        replay: ring.Replay,
        key: Array,
        env_steps: Array,
    ) -> tuple[Networks, tuple[Any, Any], Metrics]:
        settings = self.settings
        ready = env_steps > settings.warmup_env_steps
        acting = ready & (env_steps > settings.prefit_env_steps)

        def one(carry: tuple[Networks, Any, Any], at: tuple[Array, Array]) -> Any:
            networks, actors, critics = carry
            key, count = at
            first, second = jax.random.split(key)
            part = ring.sample(first, replay, settings.minibatch)
            found, gradient = jax.value_and_grad(self.critic_loss)(
                networks.critics, networks, part, second, env_steps
            )
            step, critics = self._critics.update(gradient, critics)
            new = optax.apply_updates(cast("Any", networks.critics), step)
            networks = networks._replace(critics=cast("Any", new))
            loss, gradient = jax.value_and_grad(self.actor_loss)(
                networks.policy, networks, part, env_steps, jax.random.fold_in(key, 3)
            )
            step, moved = self._actors.update(gradient, actors)
            new = optax.apply_updates(cast("Any", networks.policy), step)
            due = acting & (count % settings.actor_every == 0)
            policy, actors = jax.tree.map(
                lambda a, b: jnp.where(due, a, b),
                (new, moved),
                (networks.policy, actors),
            )
            networks = followed(networks._replace(policy=policy), settings.target_rate)
            return (networks, actors, critics), {
                "critic_loss": found,
                "actor_loss": loss,
            }

        keys = jax.random.split(key, settings.updates_per_chunk)
        counts = jnp.arange(settings.updates_per_chunk)
        begin = (networks, *optimisers)
        (networks, actors, critics), metrics = jax.lax.scan(one, begin, (keys, counts))
        return networks, (actors, critics), xp.mean_over(metrics)

    def critic_loss(
        self,
        critics: tuple[Critic, Critic],
        networks: Networks,
        part: Transition,
        key: Array,
        env_steps: Array,
    ) -> Float[Array, ""]:
        """Mean square error of both critics against the target, all agents alike."""
        keys = jax.random.split(key, self.settings.minibatch)
        goal = jax.vmap(lambda k, t: self.target(k, networks, t, env_steps))(keys, part)
        goal = jax.lax.stop_gradient(goal)

        def error(critic: Critic) -> Array:
            seen = jax.vmap(seen_by_critics)(part.now, part.actions)
            found = jax.vmap(critic)(*seen)
            leader = jnp.square(found.leader - goal.leader).mean()
            return leader + jnp.square(found.followers - goal.followers).mean()

        second = error(critics[1]) if self.settings.twin else 0.0
        return error(critics[0]) + second

    def target(
        self, key: Array, networks: Networks, kept: Transition, env_steps: Array
    ) -> Values:
        """What the critics should say of one transition."""
        settings, after = self.settings, kept.after
        if settings.gamma == 0.0:
            return kept.reward
        smooth = (settings.smoothing, settings.smoothing)
        own = act(key, networks.slow_policy, after, smooth, self.params)
        future = self._slow_values(networks, after, own)
        if settings.target != "none":
            guided = self._guided(networks, after, own)
            kappa = fading_weight(
                settings.kappa, 0.0, settings.kappa_env_steps, env_steps
            )
            future = mixed(future, guided, kappa)
        return continued(kept.reward, future, settings.gamma, kept.ended)

    def _guided(self, networks: Networks, after: Moment, own: Actions) -> Values:
        if self.settings.target == "value":
            return after.equilibrium_value
        if self.settings.target == "model":
            return self._slow_values(networks, after, after.equilibrium)

        def candidate(factor: Array) -> Values:
            answer = own.answer_w * factor
            tokens = follower_features(after, answer, self.params, own.channel)
            power = networks.slow_policy.power_w(tokens, self.params)
            actions = Actions(answer, power, own.channel)
            return self._slow_values(networks, after, actions)

        values = jax.vmap(candidate)(jnp.asarray(_CANDIDATES))
        best = values.leader.argmax()
        return jax.tree.map(lambda leaf: leaf[best], values)

    def _slow_values(self, networks: Networks, now: Moment, actions: Actions) -> Values:
        first, second = networks.slow_critics
        seen = seen_by_critics(now, actions)
        found = first(*seen)
        if not self.settings.twin:
            return found
        return pessimistic(found, second(*seen))

    def actor_loss(
        self,
        policy: LinkPolicy,
        networks: Networks,
        part: Transition,
        env_steps: Array,
        key: Array,
    ) -> Float[Array, ""]:
        """Minus each agent's value, plus imitation and the penalty on far outputs.

        `key` draws the channels of pairs that choose.
        """
        settings = self.settings
        weight = fading_weight(
            settings.imitate,
            settings.imitate_floor,
            settings.imitate_env_steps,
            env_steps,
        )

        def one(now: Moment, key: Array) -> Array:
            return self._slot_actor_loss(policy, networks, now, weight, key)

        keys = jax.random.split(key, self.settings.minibatch)
        return jax.vmap(one)(part.now, keys).mean()

    def _slot_actor_loss(
        self,
        policy: LinkPolicy,
        networks: Networks,
        now: Moment,
        weight: Array,
        key: Array,
    ) -> Float[Array, ""]:
        settings, critic = self.settings, networks.critics[0]
        output = policy.speak(now.leader)
        answer = policy.answer_w(output, now.leader, self.params)
        given = jax.lax.stop_gradient(answer)
        follow, power, channel = self._followed(policy, critic, now, given, key)
        answered = jax.lax.stop_gradient(power)
        if settings.reaction:
            others = jax.lax.stop_gradient(policy)
            answered = others.power_w(
                follower_features(now, answer, self.params, channel), self.params
            )
        leads = critic(*seen_by_critics(now, Actions(answer, answered, channel)))
        loss = -leads.leader - follow
        loss += settings.saturation * jnp.square(output).mean()
        if max(settings.imitate, settings.imitate_floor) > 0.0:
            distance = imitation(answer, now.equilibrium.answer_w)
            if settings.q_filter:
                taught = critic(*seen_by_critics(now, now.equilibrium))
                distance = filtered(distance, taught.leader, leads.leader)
            loss += weight * distance
        return loss

    def _followed(
        self, policy: LinkPolicy, critic: Critic, now: Moment, given: Array, key: Array
    ) -> tuple[Array, Array, Array | None]:
        """What followers climb, their powers, and channels where they choose.

        Args:
            policy: the networks.
            critic: of values.
            now: the slot.
            given: answers asked for, constants [N].
            key: of the channels drawn; every pair looks at all of them, the others
                being where they were drawn.
        """
        if policy.chooser is None:
            tokens = follower_features(now, given, self.params)
            power = policy.power_w(tokens, self.params)
            value = critic(*seen_by_critics(now, Actions(given, power)))
            return value.followers.mean(), power, None
        tokens = features_everywhere(now, given, self.params)
        scores = scores_of(policy.chooser, tokens)
        channel = drawn_channel(key, jax.lax.stop_gradient(scores))
        each = jax.vmap(lambda one: policy.power_w(one, self.params))(tokens).T
        pair = jnp.arange(len(channel))
        power = each[pair, channel]
        value = values_everywhere(critic, now, Actions(given, power, channel), each)
        expected = expected_value(scores, value, self.settings.channel_temperature)
        return expected.mean(), power, channel


def values_everywhere(
    critic: Critic, now: Moment, actions: Actions, each_w: Float[Array, "N M"]
) -> Float[Array, "N M"]:
    """Each pair's value, should it alone go to each channel [N, M].

    Args:
        critic: that is asked.
        now: the slot, with its menu.
        actions: of everybody; the others' are constants.
        each_w: of each pair on each channel.
    """
    others = jax.lax.stop_gradient(actions.power_w)
    chosen = actions.channel
    assert chosen is not None

    def one(pair: Array, channel: Array, power: Array) -> Array:
        moved = actions._replace(
            power_w=others.at[pair].set(power), channel=chosen.at[pair].set(channel)
        )
        return critic.of_pair(*seen_by_critics(now, moved), pair)

    pairs, channels = jnp.arange(each_w.shape[0]), jnp.arange(each_w.shape[1])
    over_channels = jax.vmap(one, in_axes=(None, 0, 0))
    return jax.vmap(over_channels, in_axes=(0, None, 0))(pairs, channels, each_w)


def followed(networks: Networks, rate: float) -> Networks:
    """The slow copies moved by `rate` of the way (Polyak averaging)."""
    slow = jax.tree.map(
        lambda old, new: old + rate * (new - old),
        (networks.slow_policy, networks.slow_critics),
        (networks.policy, networks.critics),
    )
    return networks._replace(slow_policy=slow[0], slow_critics=slow[1])


def _adam(rate: float) -> optax.GradientTransformation:
    return optax.chain(optax.clip_by_global_norm(1.0), optax.adam(rate))
