"""Proximal policy optimisation with several agents: MAPPO and IPPO.

On-policy: a chunk is played with noise on what networks say, advantages are estimated
along it, and a few passes climb the clipped surrogate (Schulman et al. 2017; Yu et al.
2022; de Witt et al. 2020). The leader is one agent with one price per pair; followers
are agents that share a network. Rewards alone teach: no gradient passes through the
game and no equilibrium is solved. The leader's reward comes after its followers have
answered, so their reaction is in it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from stackelberg.envs import Action, EnvParams, State, step
from stackelberg.learning import experience as xp
from stackelberg.learning.advantages import (
    clipped_surrogate,
    generalised_advantage,
    normal_log_density,
    standardised,
)
from stackelberg.learning.channel_choice import (
    Channels,
    channel_entropy,
    channel_log_odds,
    check_channels,
    drawn_channel,
)
from stackelberg.learning.critics import Values
from stackelberg.learning.heads import price_of_answer
from stackelberg.learning.learner import Metrics
from stackelberg.learning.objectives import follower_unit, utility_unit
from stackelberg.learning.policy import (
    LinkPolicy,
    feature_counts,
    new_policy,
    on_channel,
    scores_of,
)
from stackelberg.learning.sizes import check_chunk, check_sizes
from stackelberg.learning.state_values import StateValues
from stackelberg.learning.tokens import FollowerTokens
from stackelberg.learning.transitions import (
    Moment,
    features_everywhere,
    follower_features,
    moment,
)
from stackelberg.spectrum.radio import number


@dataclass(frozen=True)
class ProximalSettings:
    """What MAPPO and IPPO share.

    Attributes:
        environments: played side by side.
        slots_per_chunk: of each environment.
        minibatch: slots per gradient step.
        epochs: passes over a chunk.
        learning_rate: of Adam.
        gamma: discount; 0: every slot for itself.
        trace_decay: lambda of the generalised advantage.
        clip: how far the ratio of densities may be from 1.
        value_weight: of the values' square error, per slot.
        entropy_weight: of the noise's entropy.
        leader_noise: standard deviation at first, nepers on the answer asked for.
        follower_noise: likewise on the best response.
        gradient_norm: longest gradient; longer ones are cut.
        width: of the networks.
        residual: whether the leader corrects the conjectural equilibrium.
        channels: whether pairs keep their channels or learn to choose them.
        channel_temperature: where they choose, weight of the entropy of a pair's odds;
            advantages have deviation 1.
    """

    environments: int = 32
    slots_per_chunk: int = 25
    minibatch: int = 200
    epochs: int = 4
    learning_rate: float = 2e-3
    gamma: float = 0.9
    trace_decay: float = 0.95
    clip: float = 0.2
    value_weight: float = 0.5
    entropy_weight: float = 1e-3
    leader_noise: float = 0.5
    follower_noise: float = 0.3
    gradient_norm: float = 1.0
    width: int = 32
    residual: bool = False
    channels: Channels = "kept"
    channel_temperature: float = 0.01

    def check(self, params: EnvParams) -> None:
        """Refuse what cannot be learned.

        Raises:
            InputError: a setting is outside its domain; prices are per channel;
                channels cannot be learned, see `channel_choice.check_channels`.
        """
        check_sizes(self)
        check_channels(self.channels, params, self.channel_temperature)
        for name in ("learning_rate", "clip"):
            number(name, getattr(self, name), above=0.0, most=1.0)
        for name in ("gradient_norm", "leader_noise", "follower_noise"):
            number(name, getattr(self, name), above=0.0)
        for name in ("value_weight", "entropy_weight"):
            number(name, getattr(self, name), least=0.0)
        number("gamma", self.gamma, least=0.0, most=0.9999)
        number("trace_decay", self.trace_decay, least=0.0, most=1.0)
        check_chunk(self.minibatch, self.environments * self.slots_per_chunk, params)


@dataclass(frozen=True)
class Mappo(ProximalSettings):
    """MAPPO: values see true gains and partners, in training only."""

    def learner(self, params: EnvParams) -> ProximalLearner:
        """The method in an environment; InputError: see `ProximalSettings.check`."""
        self.check(params)
        return ProximalLearner("mappo", self, params, central=True)


@dataclass(frozen=True)
class Ippo(ProximalSettings):
    """IPPO: every agent's value sees its own observation alone."""

    def learner(self, params: EnvParams) -> ProximalLearner:
        """The method in an environment; InputError: see `ProximalSettings.check`."""
        self.check(params)
        return ProximalLearner("ippo", self, params, central=False)


class Agents(NamedTuple):
    """What learns.

    Attributes:
        policy: the means of all actions.
        leader_log_std: of the noise on the answer asked for.
        follower_log_std: of the noise on both corrections [2].
        values: of states.
    """

    policy: LinkPolicy
    leader_log_std: Float[Array, ""]
    follower_log_std: Float[Array, " 2"]
    values: StateValues


class Choice(NamedTuple):
    """What networks said in a slot, noise included, in nepers.

    Attributes:
        leader: on the answers asked for [N].
        followers: corrections of the best response [N, 2].
        channel: of each pair [N]; None where pairs keep theirs.
    """

    leader: Float[Array, " N"]
    followers: Float[Array, "N 2"]
    channel: Int[Array, " N"] | None = None


class Sight(NamedTuple):
    """The followers' tokens, with the price that was posted.

    Attributes:
        last: on the channels used last.
        everywhere: on all channels, with leading axes [M, N]; None where pairs keep
            theirs.
    """

    last: FollowerTokens
    everywhere: FollowerTokens | None

    def on(self, channel: Int[Array, " N"] | None) -> FollowerTokens:
        """On the channels that were chosen."""
        if channel is None or self.everywhere is None:
            return self.last
        return on_channel(self.everywhere, channel)


class Slot(NamedTuple):
    """One slot as the update needs it.

    Attributes:
        now: before anybody acts.
        followers: their tokens, with the price that was posted.
        choice: of everybody.
        log_density: of the choice when it was made, one number per agent.
        advantage: likewise.
        goal: what values should have said.
        everywhere: the followers' tokens on all channels, where pairs choose.
    """

    now: Moment
    followers: FollowerTokens
    choice: Choice
    log_density: Values
    advantage: Values
    goal: Values
    everywhere: FollowerTokens | None = None


class ProximalState(NamedTuple):
    """Everything the next chunk depends on.

    Attributes:
        agents: the networks.
        optimiser: of all networks together.
        worlds: one environment per member of the batch.
        key: of all randomness to come.
        env_steps: slots played so far, all environments together.
    """

    agents: Agents
    optimiser: Any
    worlds: State
    key: Array
    env_steps: Int[Array, ""]


class ProximalLearner:
    """MAPPO or IPPO in one environment; see `Learner`."""

    def __init__(
        self, name: str, settings: ProximalSettings, params: EnvParams, *, central: bool
    ):
        self.name = name
        self.settings = settings
        self.params = replace(params, auto_reset=True)
        self.env_steps_per_chunk = settings.environments * settings.slots_per_chunk
        self._central = central
        self._optimiser = optax.chain(
            optax.clip_by_global_norm(settings.gradient_norm),
            optax.adam(settings.learning_rate),
        )
        self._collect = jax.jit(self._played, donate_argnums=0)
        self._update = jax.jit(self._updated, donate_argnums=(0, 1))

    def start(self, key: Array) -> ProximalState:
        """The state before the first chunk."""
        settings, params = self.settings, self.params
        keys = jax.random.split(key, 4)
        worlds = xp.start_states(keys[1], params, settings.environments)
        one = jax.tree.map(lambda leaf: leaf[0], worlds)
        seen = jax.eval_shape(lambda state: moment(state, params, solve=False), one)
        agents = Agents(
            new_policy(
                keys[0],
                params,
                width=settings.width,
                residual=settings.residual,
                channels=settings.channels,
            ),
            jnp.log(jnp.float32(settings.leader_noise)),
            jnp.full(2, jnp.log(jnp.float32(settings.follower_noise))),
            StateValues(
                keys[2],
                feature_counts(params),
                seen.stores.shape[-1],
                settings.width,
                central=self._central,
                scale=1.0 / (1.0 - settings.gamma),
            ),
        )
        optimiser = self._optimiser.init(cast("Any", agents))
        return ProximalState(agents, optimiser, worlds, keys[3], jnp.int32(0))

    def advance(self, state: ProximalState) -> tuple[ProximalState, Metrics]:
        """Play a chunk with noise, then climb the clipped surrogate on it."""
        key, playing, learning = jax.random.split(state.key, 3)
        worlds, kept, told = self._collect(state.worlds, state.agents, playing)
        agents, optimiser, metrics = self._update(
            state.agents, state.optimiser, kept, learning
        )
        steps = state.env_steps + self.env_steps_per_chunk
        state = ProximalState(agents, optimiser, worlds, key, steps)
        return state, {**told, **metrics}

    def policy(self, state: ProximalState) -> LinkPolicy:
        """The policy learned so far, without noise."""
        return state.agents.policy

    def _played(
        self, worlds: State, agents: Agents, key: Array
    ) -> tuple[State, Slot, Metrics]:
        settings, params = self.settings, self.params

        def one(state: State, key: Array) -> tuple[State, Any]:
            first, second = jax.random.split(key)
            now = moment(state, params, solve=False)
            choice, price, power, sight = self._act(first, agents, now)
            chosen = now.game.channel if choice.channel is None else choice.channel
            played = step(second, state, Action(price, chosen, power), params)
            reward = Values(
                played.leader_reward / utility_unit(now.game),
                played.follower_reward / follower_unit(now.game),
            )
            ended = played.terminated.astype(jnp.float32)
            cut = played.truncated.astype(jnp.float32)
            kept = (now, sight, choice, self._density(agents, now, sight, choice))
            value = agents.values(now, sight.last)
            return played.state, (kept, reward, value, ended, cut)

        def slot(states: State, key: Array) -> Any:
            keys = jax.random.split(key, settings.environments)
            return jax.vmap(one)(states, keys)

        playing, last = jax.random.split(key)
        keys = jax.random.split(playing, settings.slots_per_chunk)
        worlds, (kept, reward, value, ended, cut) = jax.lax.scan(slot, worlds, keys)
        now, sight, choice, density = kept
        after = _shifted(value, self._values_now(agents, worlds, last))
        found = Values(
            self._advantage(reward.leader, value.leader, after.leader, ended, cut),
            self._advantage(
                reward.followers,
                value.followers,
                after.followers,
                ended[..., None],
                cut[..., None],
            ),
        )
        goal = jax.tree.map(jnp.add, found, value)
        told = {
            "leader_reward": reward.leader.mean(),
            "follower_reward": reward.followers.mean(),
        }
        slots = Slot(now, sight.last, choice, density, found, goal, sight.everywhere)
        return worlds, xp.flat(slots), told

    def _advantage(
        self, reward: Array, value: Array, after: Array, ended: Array, cut: Array
    ) -> Array:
        """The generalised advantage; a new episode follows in the same world's laws.

        Where an episode was cut off, the value of the one that begins stands for what
        would have come: users change, laws do not.
        """
        settings = self.settings
        return generalised_advantage(
            reward, value, after, ended, cut, settings.gamma, settings.trace_decay
        )

    def _act(
        self, key: Array, agents: Agents, now: Moment
    ) -> tuple[Choice, Array, Array, Sight]:
        """Choice, prices, powers, and the followers' tokens in between."""
        first, second = jax.random.split(key)
        policy, params = agents.policy, self.params
        output = policy.speak(now.leader)
        noise = jnp.exp(agents.leader_log_std) * jax.random.normal(
            first, output.shape[:1]
        )
        leader = output[:, 0] + noise
        answer = policy.answer_w(output.at[:, 0].set(leader), now.leader, params)
        price = price_of_answer(answer, now.leader.quoted_gain, params.radio)
        sight, channel = Sight(follower_features(now, answer, params), None), None
        if policy.chooser is not None:
            everywhere = features_everywhere(now, answer, params)
            scores = scores_of(policy.chooser, everywhere)
            channel = drawn_channel(jax.random.fold_in(key, 2), scores)
            sight = sight._replace(everywhere=everywhere)
        tokens = sight.on(channel)
        wiggle = jnp.exp(agents.follower_log_std) * jax.random.normal(
            second, (len(leader), 2)
        )
        power = policy.power_w(tokens, params, wiggle)
        followers = _corrections(policy, tokens) + wiggle
        return Choice(leader, followers, channel), price, power, sight

    def _density(
        self, agents: Agents, now: Moment, sight: Sight, choice: Choice
    ) -> Values:
        """`log_density` of a choice, that of channels included."""
        said = self._said(agents, now, sight.on(choice.channel))
        density = log_density(agents, said, choice)
        chooser = agents.policy.chooser
        if chooser is None or sight.everywhere is None or choice.channel is None:
            return density
        odds = channel_log_odds(scores_of(chooser, sight.everywhere), choice.channel)
        return density._replace(followers=density.followers + odds)

    def _said(self, agents: Agents, now: Moment, tokens: FollowerTokens) -> Choice:
        """What networks say, without noise."""
        policy = agents.policy
        return Choice(policy.speak(now.leader)[:, 0], _corrections(policy, tokens))

    def _values_now(self, agents: Agents, worlds: State, key: Array) -> Values:
        """Values of the slots after the chunk [E]."""

        def one(state: State, key: Array) -> Values:
            now = moment(state, self.params, solve=False)
            sight = self._act(key, agents, now)[-1]
            return agents.values(now, sight.last)

        keys = jax.random.split(key, self.settings.environments)
        return jax.vmap(one)(worlds, keys)

    def _updated(
        self, agents: Agents, optimiser: Any, kept: Slot, key: Array
    ) -> tuple[Agents, Any, Metrics]:
        settings = self.settings
        even = jax.tree.map(standardised, kept.advantage)
        kept = kept._replace(advantage=even)

        def one(carry: tuple[Any, Any], part: Slot) -> tuple[tuple[Any, Any], Metrics]:
            agents, optimiser = carry
            gradient, metrics = jax.grad(self.loss, has_aux=True)(agents, part)
            step, optimiser = self._optimiser.update(gradient, optimiser)
            return (optax.apply_updates(agents, step), optimiser), metrics

        def epoch(
            carry: tuple[Any, Any], key: Array
        ) -> tuple[tuple[Any, Any], Metrics]:
            return jax.lax.scan(
                one, carry, xp.minibatches(key, kept, settings.minibatch)
            )

        keys = jax.random.split(key, settings.epochs)
        (agents, optimiser), metrics = jax.lax.scan(epoch, (agents, optimiser), keys)
        return agents, optimiser, xp.mean_over(metrics)

    def loss(self, agents: Agents, part: Slot) -> tuple[Float[Array, ""], Metrics]:
        """What a gradient step descends, over a batch of slots, with its parts."""
        settings = self.settings

        def one(slot: Slot) -> tuple[Values, Values]:
            sight = Sight(slot.followers, slot.everywhere)
            density = self._density(agents, slot.now, sight, slot.choice)
            climbed = jax.tree.map(
                lambda new, old, gain: clipped_surrogate(
                    new - old, gain, settings.clip
                ),
                density,
                slot.log_density,
                slot.advantage,
            )
            found = agents.values(slot.now, slot.followers)
            scale = agents.values.scale
            missed = jax.tree.map(
                lambda a, b: jnp.square((a - b) / scale), found, slot.goal
            )
            return climbed, missed

        climbed, missed = jax.vmap(one)(part)
        actors = -climbed.leader.mean() - climbed.followers.mean()
        values = missed.leader.mean() + missed.followers.mean()
        # The entropy of normal noise, but for constants.
        entropy = agents.leader_log_std + agents.follower_log_std.sum()
        loss = actors + settings.value_weight * values
        loss -= settings.entropy_weight * entropy
        chooser = agents.policy.chooser
        if chooser is not None:
            scores = jax.vmap(lambda rows: scores_of(chooser, rows))(part.everywhere)
            several = jax.vmap(channel_entropy)(scores).mean()
            loss -= settings.channel_temperature * several
        return loss, {
            "actor_loss": actors,
            "value_loss": values,
            "leader_noise": jnp.exp(agents.leader_log_std),
            "follower_noise": jnp.exp(agents.follower_log_std).mean(),
        }


def log_density(agents: Agents, said: Choice, choice: Choice) -> Values:
    """The logarithm of the density of a choice, one number per agent.

    Args:
        agents: for the noise.
        said: the means.
        choice: what was chosen.
    """
    leader = normal_log_density(choice.leader, said.leader, agents.leader_log_std)
    followers = normal_log_density(
        choice.followers, said.followers, agents.follower_log_std
    )
    return Values(leader.sum(), followers.sum(axis=-1))


def _corrections(policy: LinkPolicy, tokens: FollowerTokens) -> Float[Array, "N 2"]:
    """What the followers' network says, each pair by itself."""
    alone = jnp.zeros((len(tokens.features),) * 2, bool)
    return policy.followers(tokens.features, alone)


def _shifted(value: Values, last: Values) -> Values:
    """The values one slot later [T, E], `last` at the end."""
    return jax.tree.map(
        lambda all_of, end: jnp.concatenate([all_of[1:], end[None]]), value, last
    )
