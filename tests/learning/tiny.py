"""The least method of learning: one power for all, tuned by gradient through the slot.

Its state has what those of real methods have: parameters, momentum, environments that
play on, a key, and a replay of what was met.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from stackelberg import envs
from stackelberg.errors import DomainError


class TinyPolicy(NamedTuple):
    """Ask everybody for the same power; everybody gives it."""

    log_power: Any

    def act_leader(self, observation: Any, params: envs.EnvParams) -> Any:
        pair = jnp.arange(params.num_pairs)
        quoted = observation.d2d_to_bs[observation.channel, pair]
        return params.radio.spend_scale / (quoted * jnp.exp(self.log_power))

    def act_followers(self, observation: Any, params: envs.EnvParams) -> Any:
        power = jnp.full(params.num_pairs, jnp.exp(self.log_power))
        return observation.channel, power


class TinyState(NamedTuple):
    log_power: Any
    momentum: Any
    worlds: Any
    replay: Any
    key: Any
    chunks: Any


@dataclass(frozen=True)
class TinyLearner:
    settings: TinySettings
    params: envs.EnvParams
    name: str = "tiny"

    @property
    def env_steps_per_chunk(self) -> int:
        return self.settings.batch * self.settings.slots

    def start(self, key: Any) -> TinyState:
        first, key = jax.random.split(key)
        keys = jax.random.split(first, self.settings.batch)
        return TinyState(
            log_power=jnp.log(jnp.float32(0.1)),
            momentum=jnp.zeros((), jnp.bfloat16),
            worlds=jax.vmap(envs.reset, (0, None))(keys, self.params),
            replay=jnp.zeros((8, self.settings.batch)),
            key=key,
            chunks=jnp.int32(0),
        )

    def advance(self, state: TinyState) -> tuple[TinyState, Any]:
        return _advance(state, self.params, self.settings)

    def policy(self, state: TinyState) -> TinyPolicy:
        return TinyPolicy(state.log_power)


@dataclass(frozen=True)
class TinySettings:
    batch: int = 2
    slots: int = 5
    learning_rate: float = 0.05
    fails_after: int = 1_000_000

    def learner(self, params: envs.EnvParams) -> TinyLearner:
        if self.batch < 1:
            raise DomainError("batch", expected="a whole number >= 1", got=self.batch)
        return TinyLearner(self, params)


@partial(jax.jit, static_argnums=2, donate_argnums=0)
def _advance(state: TinyState, params: envs.EnvParams, settings: TinySettings) -> Any:
    def one_slot(carry: Any, _: None) -> Any:
        world, key, total = carry
        key, noise, again = jax.random.split(key, 3)
        policy = TinyPolicy(carry_power + 0.1 * jax.random.normal(noise))
        price = policy.act_leader(envs.observe_leader(world, params), params)
        seen = envs.observe_followers(world, price, params)
        channel, power = policy.act_followers(seen, params)
        after = envs.step(again, world, envs.Action(price, channel, power), params)
        return (after.state, key, total + after.leader_reward), None

    def loss(log_power: Any, worlds: Any, keys: Any) -> Any:
        nonlocal carry_power
        carry_power = log_power
        zero = jnp.zeros(())

        def play(world: Any, key: Any) -> Any:
            last, _ = jax.lax.scan(
                one_slot, (world, key, zero), None, length=settings.slots
            )
            return last[0], last[2] / settings.slots

        worlds, rewards = jax.vmap(play)(worlds, keys)
        return -rewards.mean(), (worlds, rewards)

    carry_power = state.log_power
    key, fresh = jax.random.split(state.key)
    keys = jax.random.split(fresh, settings.batch)
    (value, (worlds, rewards)), slope = jax.value_and_grad(loss, has_aux=True)(
        state.log_power, state.worlds, keys
    )
    momentum = 0.9 * state.momentum + jnp.sign(slope).astype(jnp.bfloat16)
    failed = state.chunks >= settings.fails_after
    step = settings.learning_rate * momentum.astype(jnp.float32)
    after = TinyState(
        log_power=jnp.where(failed, jnp.nan, state.log_power - step),
        momentum=momentum,
        worlds=worlds,
        replay=state.replay.at[state.chunks % 8].set(rewards),
        key=key,
        chunks=state.chunks + 1,
    )
    metrics = {"loss": value, "leader_utility": rewards.mean()}
    return after, metrics
