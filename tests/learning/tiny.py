"""The least method of learning: one power for all, tuned by trying others.

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
    learning_rate: float = 0.01
    fails_after: int = 1_000_000

    def learner(self, params: envs.EnvParams) -> TinyLearner:
        if self.batch < 1:
            raise DomainError("batch", expected="a whole number >= 1", got=self.batch)
        return TinyLearner(self, params)


@partial(jax.jit, static_argnums=2, donate_argnums=0)
def _advance(state: TinyState, params: envs.EnvParams, settings: TinySettings) -> Any:
    key, fresh = jax.random.split(state.key)
    noise = 0.3 * jax.random.normal(fresh, (settings.batch,))

    def play(world: Any, noise: Any) -> Any:
        policy = TinyPolicy(state.log_power + noise)

        def one_slot(world: Any, _: None) -> Any:
            price = policy.act_leader(envs.observe_leader(world, params), params)
            seen = envs.observe_followers(world, price, params)
            channel, power = policy.act_followers(seen, params)
            after = envs.step(fresh, world, envs.Action(price, channel, power), params)
            return after.state, after.leader_reward

        return jax.lax.scan(one_slot, world, None, length=settings.slots)

    worlds, rewards = jax.vmap(play)(state.worlds, noise)
    reward = rewards.mean(axis=1)
    better = jnp.sign(jnp.vdot(noise, reward - reward.mean()))
    momentum = 0.9 * state.momentum + better.astype(jnp.bfloat16)
    failed = state.chunks >= settings.fails_after
    step = settings.learning_rate * momentum.astype(jnp.float32)
    after = TinyState(
        log_power=jnp.where(failed, jnp.nan, state.log_power + step),
        momentum=momentum,
        worlds=worlds,
        replay=state.replay.at[state.chunks % 8].set(reward),
        key=key,
        chunks=state.chunks + 1,
    )
    return after, {"leader_utility": reward.mean(), "log_power": after.log_power}
