"""Learning with gradients through the game of each slot, without critics.

The simulator knows the slot's true gains, so the leader's utility is a differentiable
function of its prices, followers' reaction included; agents still act on what they
observe. Followers climb their own utility in the same pass. Four methods share this
driver and differ in what the leader climbs:

- ``response``: its utility at the followers' equilibrium at its prices;
- ``single_level``: the single-level form, powers being its own wish;
- ``imitation``: nearness to the equilibrium's prices.

An objective of one slot is the whole objective only where the world is exogenous.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, NamedTuple, cast

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from stackelberg.envs import EnvParams, FollowerObservation, State
from stackelberg.envs.bills import TYPICAL_NOISE
from stackelberg.envs.equilibrium import slot_equilibrium
from stackelberg.envs.slot_game import SlotGame, unit_sinr_power_w
from stackelberg.errors import ConfigError
from stackelberg.learning import experience as xp
from stackelberg.learning import objectives
from stackelberg.learning.channel_choice import (
    Channels,
    check_channels,
    expected_value,
)
from stackelberg.learning.channel_menu import utility_everywhere
from stackelberg.learning.heads import bounded, price_of_answer, unit_price
from stackelberg.learning.learner import Metrics
from stackelberg.learning.policy import (
    LinkPolicy,
    new_policy,
    scores_of,
    tokens_everywhere,
)
from stackelberg.learning.sizes import check_chunk, check_sizes
from stackelberg.learning.tokens import follower_tokens, leader_tokens
from stackelberg.spectrum.radio import number, whole_number

Objective = Literal["response", "single_level", "imitation"]

NOISE_REACH = 8.0
"""Farthest a guess of s may be from the typical one, nepers."""


class GradientState(NamedTuple):
    """Everything the next chunk depends on.

    Attributes:
        policy: the networks.
        optimiser: of all networks together.
        worlds: one environment per member of the batch.
        key: of all randomness to come.
        env_steps: slots played so far, all environments together.
    """

    policy: LinkPolicy
    optimiser: Any
    worlds: State
    key: Array
    env_steps: Int[Array, ""]


@dataclass(frozen=True)
class GradientSettings:
    """What the gradient methods share.

    Attributes:
        environments: played side by side.
        slots_per_chunk: of each environment.
        minibatch: slots per gradient step.
        epochs: passes over a chunk.
        learning_rate: of Adam, at first; a tenth of it after `decay_env_steps`.
        decay_env_steps: over which it falls, along a cosine.
        width: of the networks.
        rounds: of attention among a channel's pairs.
        gradient_norm: longest gradient; longer ones are cut.
        follower_weight: of the followers' objective beside the leader's.
        channels: whether pairs keep their channels or learn to choose them.
        channel_temperature: where they choose, channels are tried in training with odds
            that tend to exp(utility / temperature), utility in units of W / ln 2.
    """

    environments: int = 32
    slots_per_chunk: int = 50
    minibatch: int = 200
    epochs: int = 1
    learning_rate: float = 3e-3
    decay_env_steps: int = 96_000
    width: int = 32
    rounds: int = 1
    gradient_norm: float = 1.0
    follower_weight: float = 1.0
    channels: Channels = "kept"
    channel_temperature: float = 0.05

    def check(self, params: EnvParams) -> None:
        """Refuse what cannot be learned.

        Raises:
            InputError: a setting is outside its domain; prices are per channel;
                channels cannot be learned, see `channel_choice.check_channels`.
        """
        check_sizes(self)
        check_channels(self.channels, params, self.channel_temperature)
        whole_number("decay_env_steps", self.decay_env_steps, least=1)
        number("learning_rate", self.learning_rate, above=0.0, most=1.0)
        number("gradient_norm", self.gradient_norm, above=0.0)
        number("follower_weight", self.follower_weight, least=0.0)
        check_chunk(self.minibatch, self.environments * self.slots_per_chunk, params)


@dataclass(frozen=True)
class SingleLevel(GradientSettings):
    """Direct training on the single-level form: cheapest, no equilibrium is solved."""

    def learner(self, params: EnvParams) -> GradientLearner:
        """The method in an environment.

        Raises:
            InputError: see `GradientSettings.check`; price bounds are fixed, for which
                the single-level form does not hold.
        """
        self.check(params)
        if params.price_limits is not None:
            raise ConfigError(
                "price_bounds", expected="interference bounds", got="fixed bounds"
            )
        return GradientLearner(
            "single_level", "single_level", self, params, residual=False
        )


@dataclass(frozen=True)
class ResponseGradient(GradientSettings):
    """The leader's gradient through the followers' equilibrium."""

    def learner(self, params: EnvParams) -> GradientLearner:
        """The method in an environment; InputError: see `GradientSettings.check`."""
        self.check(params)
        return GradientLearner(
            "response_gradient", "response", self, params, residual=False
        )


@dataclass(frozen=True)
class ResponseGradientResidual(GradientSettings):
    """The same, the leader correcting the conjectural equilibrium on what it sees."""

    def learner(self, params: EnvParams) -> GradientLearner:
        """The method in an environment; InputError: see `GradientSettings.check`."""
        self.check(params)
        return GradientLearner(
            "response_gradient_residual", "response", self, params, residual=True
        )


@dataclass(frozen=True)
class Imitation(GradientSettings):
    """The leader imitates the equilibrium's prices; followers climb their utility."""

    def learner(self, params: EnvParams) -> GradientLearner:
        """The method in an environment; InputError: see `GradientSettings.check`."""
        self.check(params)
        return GradientLearner("imitation", "imitation", self, params, residual=False)


class GradientLearner:
    """A gradient method in one environment; see `Learner`."""

    def __init__(
        self,
        name: str,
        objective: Objective,
        settings: GradientSettings,
        params: EnvParams,
        *,
        residual: bool,
    ):
        self.name = name
        self.settings = settings
        self.params = replace(params, auto_reset=True)
        self.env_steps_per_chunk = settings.environments * settings.slots_per_chunk
        self._objective: Objective = objective
        self._residual = residual
        self._optimiser = adam(
            settings.learning_rate,
            settings.decay_env_steps // settings.minibatch * settings.epochs,
            settings.gradient_norm,
        )
        self._collect = jax.jit(self._played, donate_argnums=0)
        self._update = jax.jit(self._updated, donate_argnums=(0, 1))

    def start(self, key: Array) -> GradientState:
        """The state before the first chunk."""
        first, second, third = jax.random.split(key, 3)
        settings = self.settings
        policy = new_policy(
            first,
            self.params,
            width=settings.width,
            rounds=settings.rounds,
            residual=self._residual,
            channels=settings.channels,
        )
        worlds = xp.start_states(second, self.params, settings.environments)
        return GradientState(
            policy,
            self._optimiser.init(cast("Any", policy)),
            worlds,
            third,
            jnp.int32(0),
        )

    def advance(self, state: GradientState) -> tuple[GradientState, Metrics]:
        """Play a chunk with the policy as it is, then learn from it."""
        key, playing, learning = jax.random.split(state.key, 3)
        worlds, kept = self._collect(state.worlds, state.policy, playing)
        policy, optimiser, metrics = self._update(
            state.policy, state.optimiser, kept, learning
        )
        steps = state.env_steps + self.env_steps_per_chunk
        return GradientState(policy, optimiser, worlds, key, steps), metrics

    def policy(self, state: GradientState) -> LinkPolicy:
        """The policy learned so far."""
        return state.policy

    def _played(
        self, worlds: State, policy: LinkPolicy, key: Array
    ) -> tuple[State, xp.Experience]:
        slots = self.settings.slots_per_chunk
        learned = self.settings.channels == "learned"
        worlds, kept = xp.play(
            key, worlds, policy, self.params, slots, draw_channels=learned
        )
        return worlds, xp.flat(kept)

    def _updated(
        self, policy: LinkPolicy, optimiser: Any, kept: xp.Experience, key: Array
    ) -> tuple[LinkPolicy, Any, Metrics]:
        settings = self.settings
        taught = teacher(kept) if self._objective == "imitation" else None
        loss = partial(
            batch_loss,
            objective=self._objective,
            follower_weight=settings.follower_weight,
            temperature=settings.channel_temperature,
            params=self.params,
        )

        def one(carry: tuple[Any, Any], part: Any) -> tuple[tuple[Any, Any], Metrics]:
            policy, optimiser = carry
            gradient, metrics = jax.grad(loss, has_aux=True)(policy, *part)
            step, optimiser = self._optimiser.update(gradient, optimiser, policy)
            metrics["gradient_norm"] = optax.tree.norm(gradient)
            return (optax.apply_updates(policy, step), optimiser), metrics

        def epoch(
            carry: tuple[Any, Any], key: Array
        ) -> tuple[tuple[Any, Any], Metrics]:
            parts = xp.minibatches(key, (kept, taught), settings.minibatch)
            return jax.lax.scan(one, carry, parts)

        keys = jax.random.split(key, settings.epochs)
        (policy, optimiser), metrics = jax.lax.scan(epoch, (policy, optimiser), keys)
        metrics["leader_reward"] = kept.leader_reward
        metrics["follower_reward"] = kept.follower_reward
        return policy, optimiser, xp.mean_over(metrics)


def adam(
    learning_rate: float, decay_steps: int, gradient_norm: float
) -> optax.GradientTransformation:
    """Adam with gradients cut to a norm and a rate that falls to a tenth."""
    rate = optax.cosine_decay_schedule(learning_rate, max(decay_steps, 1), 0.1)
    return optax.chain(optax.clip_by_global_norm(gradient_norm), optax.adam(rate))


def teacher(kept: xp.Experience) -> Float[Array, "n N"]:
    """The equilibrium's prices in every slot [n, N]."""
    return jax.vmap(lambda game: slot_equilibrium(game).reuse_price)(kept.game)


def batch_loss(
    policy: LinkPolicy,
    kept: xp.Experience,
    taught: Float[Array, "n N"] | None,
    *,
    objective: Objective,
    follower_weight: float,
    temperature: float,
    params: EnvParams,
) -> tuple[Float[Array, ""], Metrics]:
    """What a gradient step descends, over a batch of slots.

    Args:
        policy: the networks.
        kept: the slots [n].
        taught: the teacher's prices [n, N], for ``imitation``.
        objective: of the leader.
        follower_weight: of the followers' objective.
        temperature: of the choice of channels.
        params: the environment's.
    """
    one = partial(
        slot_loss, policy, objective=objective, temperature=temperature, params=params
    )
    leader, followers = jax.vmap(one)(kept, taught)
    metrics = {"leader_loss": leader.mean(), "follower_loss": followers.mean()}
    return leader.mean() + follower_weight * followers.mean(), metrics


def slot_loss(
    policy: LinkPolicy,
    kept: xp.Experience,
    taught: Float[Array, " N"] | None,
    *,
    objective: Objective,
    temperature: float,
    params: EnvParams,
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """The leader's and the followers' loss in one slot.

    Where channels are chosen the leader's is on those that were: they are constants to
    it.
    """
    tokens = leader_tokens(kept.leader, params)
    output = policy.speak(tokens)
    answer = policy.answer_w(output, tokens, params)
    game = objectives.in_price_units(kept.game, params.radio)
    price = unit_price(answer, tokens.quoted_gain, params.radio)
    if objective == "response":
        leader = -objectives.leader_through_reaction(price, game)
    elif objective == "single_level":
        asked = answer if kept.menu is None else game.price_scale / price
        leader = single_level_loss(asked, output[:, 1], game, params)
    else:
        assert taught is not None
        wanted = params.radio.spend_scale / (tokens.quoted_gain * taught)
        leader = objectives.imitation(answer, wanted)
    charged = jax.lax.stop_gradient(price)
    posted = price_of_answer(answer, tokens.quoted_gain, params.radio)
    seen = kept.followers._replace(reuse_price=jax.lax.stop_gradient(posted))
    if kept.menu is not None:
        return leader, -_chosen_value(policy, kept, seen, charged, temperature, params)
    power = policy.power_w(follower_tokens(seen, game.channel, params), params)
    return leader, -objectives.followers_own(power, charged, game)


def _chosen_value(
    policy: LinkPolicy,
    kept: xp.Experience,
    seen: FollowerObservation,
    charged: Float[Array, " N"],
    temperature: float,
    params: EnvParams,
) -> Float[Array, ""]:
    """What pairs climb that choose channels: their mean expectation over all of them.

    Args:
        policy: the networks.
        kept: the slot, with its menu.
        seen: by the followers, with the prices at hand.
        charged: the same prices in units of B / N0.
        temperature: of the choice.
        params: the environment's.
    """
    assert policy.chooser is not None and kept.menu is not None
    unit = params.radio.spend_scale / params.radio.noise_power_w
    menu = kept.menu._replace(price_scale=kept.menu.price_scale / unit)
    tokens = tokens_everywhere(seen, params)
    power = jax.vmap(lambda one: policy.power_w(one, params))(tokens).T
    value = utility_everywhere(
        menu,
        objectives.in_price_units(kept.game, params.radio),
        seen.channel,
        charged,
        kept.transmit_power_w,
        power,
    )
    return expected_value(scores_of(policy.chooser, tokens), value, temperature).mean()


def single_level_loss(
    answer: Float[Array, " N"],
    output: Float[Array, " N"],
    game: SlotGame,
    params: EnvParams,
) -> Float[Array, ""]:
    """The leader wishes powers b - s; it learns b from the objective, s by guessing.

    Where the price is posted the pair will answer b less its own s, which the leader
    does not see: its guess is trained by regression on the logarithm.

    Args:
        answer: b, in W [N].
        output: the network's about s, nepers [N].
        game: the slot's.
        params: the environment's.
    """
    typical = TYPICAL_NOISE * params.radio.max_power_w
    guess = typical * jnp.exp(bounded(output, NOISE_REACH))
    wish = answer - jax.lax.stop_gradient(guess)
    power = jnp.clip(wish, game.min_power_w, game.max_power_w)
    truth = unit_sinr_power_w(game, jax.lax.stop_gradient(power))
    return objectives.imitation(guess, truth) - objectives.single_level(power, game)
