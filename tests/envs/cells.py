"""Small environments, compiled once, and episodes played in them."""

from __future__ import annotations

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from stackelberg import envs, spectrum
from stackelberg.envs.links import (
    cellular_gains,
    cross_gains_everywhere,
    gains_everywhere,
)
from stackelberg.envs.world import fader

reset = jax.jit(envs.reset)
step = jax.jit(envs.step)
observe_leader = jax.jit(envs.observe_leader)
observe_followers = jax.jit(envs.observe_followers)


many_reset = jax.jit(jax.vmap(envs.reset, (0, None)))
many_step = jax.jit(jax.vmap(envs.step, (0, 0, 0, None)))


@jax.jit
def seen_first(state: envs.State, params: envs.EnvParams) -> envs.Observation:
    """What everybody sees before the first slot."""
    return envs.Observation(
        envs.observe_leader(state, params),
        envs.observe_followers(state, state.memory.reuse_price, params),
    )


many_seen_first = jax.jit(jax.vmap(seen_first, (0, None)))


def actions(seed: int, slots: int, params: envs.EnvParams) -> envs.Action:
    """Random prices, channels and powers for each slot [slots, ...]."""
    draw = np.random.default_rng(seed)
    m, n = params.num_channels, params.num_pairs
    shape = (slots, m, n) if params.price_per_channel else (slots, n)
    low, high = float(params.radio.min_power_w), float(params.radio.max_power_w)
    return envs.Action(
        jnp.asarray(10.0 ** draw.uniform(15.0, 19.0, shape), params.dtype),
        jnp.asarray(draw.integers(0, m, (slots, n)), jnp.int32),
        jnp.asarray(draw.uniform(low, high, (slots, n)), params.dtype),
    )


@jax.jit
def play(state: envs.State, plan: envs.Action, params: envs.EnvParams) -> Any:
    """All steps of an episode whose actions are given, and the states before them."""
    key = jax.random.key(9)

    def one(state: envs.State, action: envs.Action) -> Any:
        result = envs.step(key, state, action, params)
        return result.state, (state, result)

    return jax.lax.scan(one, state, plan)[1]


@jax.jit
def every_gain(state: envs.State, params: envs.EnvParams) -> dict[str, jax.Array]:
    """All gains of the slot, channel by channel."""
    gains, now = state.world.gains, fader(state.world, state.slot, params)
    links = gains_everywhere(gains, now)
    return {
        "cellular_to_bs": cellular_gains(gains, now),
        "d2d": links.own,
        "d2d_to_bs": links.to_bs,
        "cellular_to_d2d": links.from_cellular,
        "d2d_to_d2d": cross_gains_everywhere(gains, now),
    }


@cache
def standard(**settings: Any) -> envs.EnvParams:
    """3 channels, 4 pairs, and whatever else is said."""
    return _cell(**settings)


def _cell(**settings: Any) -> envs.EnvParams:
    sizes: dict[str, Any] = {"num_channels": 3, "num_pairs": 4}
    return envs.make_params(**{**sizes, **settings})


@cache
def recorded(frames: int = 1, **settings: Any) -> envs.EnvParams:
    """The same with recorded gains, another cell in each frame: it compiles sooner."""
    sizes = (settings.get("num_channels", 3), settings.get("num_pairs", 4))
    cells = [
        spectrum.generate(
            seed=frame, num_channels=sizes[0], num_pairs=sizes[1], fading=False
        )
        for frame in range(frames)
    ]

    def together(name: str) -> Any:
        return np.stack([getattr(cell, name) for cell in cells]).astype(np.float32)

    gains = envs.Gains(
        cellular_to_bs=together("gain_cellular_to_bs"),
        d2d=together("gain_d2d"),
        d2d_to_bs=together("gain_d2d_to_bs"),
        cellular_to_d2d=together("gain_cellular_to_d2d"),
        d2d_to_d2d=together("gain_d2d_to_d2d"),
    )
    return _cell(gains=envs.GainTrace(gains), **settings)
