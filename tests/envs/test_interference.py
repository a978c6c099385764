"""Interference along the pairs of a channel against a sum over all links."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from envs.cells import every_gain, reset

from stackelberg import envs
from stackelberg.envs.interference import (
    by_partners,
    interference_from_pairs_w,
    usual_rounds,
)
from stackelberg.envs.world import fader

M, N = 4, 12
FADING: dict[str, envs.Fading] = {
    "rayleigh": envs.Rayleigh(),
    "jakes": envs.Jakes(waves=8),
    "none": None,
}
draw = np.random.default_rng(3)
CHANNEL = np.stack(
    [
        draw.integers(0, M, N),
        np.zeros(N, int),  # far more than the usual number of partners
        np.arange(N) % M,
        np.r_[0, 1, np.full(N - 2, 2)],
    ]
)
POWER = draw.uniform(0.01, 0.2, CHANNEL.shape)


def params_with(fading: str) -> envs.EnvParams:
    return envs.make_params(
        num_channels=M, num_pairs=N, fading=FADING[fading], dtype="float64"
    )


def heard(state: envs.State, channel: Any, power: Any, params: envs.EnvParams) -> Any:
    now = fader(state.world, state.slot, params)
    return interference_from_pairs_w(state.world.gains, now, channel, power)


@pytest.mark.parametrize("fading", FADING)
def test_crowded_and_lone_pairs_hear_what_a_sum_over_links_gives(fading: str) -> None:
    assert usual_rounds(N, M) < N - 1
    assert by_partners(FADING[fading]) == (fading == "jakes")
    with jax.enable_x64(True):
        params = params_with(fading)
        state = reset(jax.random.key(4), params)
        cross = np.asarray(every_gain(state, params)["d2d_to_d2d"])
        cross = np.broadcast_to(cross, (M, N, N))
        one = jax.jit(heard)
        many = jax.jit(jax.vmap(heard, in_axes=(None, 0, 0, None)))
        channels, powers = jnp.asarray(CHANNEL, jnp.int32), jnp.asarray(POWER)
        batch = np.asarray(many(state, channels, powers, params))
        for member, (channel, power) in enumerate(zip(CHANNEL, POWER, strict=True)):
            wanted = [
                sum(
                    power[k] * cross[channel[j], k, j]
                    for k in range(N)
                    if k != j and channel[k] == channel[j]
                )
                for j in range(N)
            ]
            np.testing.assert_allclose(batch[member], wanted, rtol=1e-12)
            alone = one(state, channels[member], powers[member], params)
            np.testing.assert_allclose(alone, batch[member], rtol=1e-14)


@pytest.mark.parametrize("fading", ["rayleigh", "jakes"])
def test_all_pairs_on_one_channel_hear_each_other(fading: str) -> None:
    with jax.enable_x64(True):
        params = envs.make_params(
            num_channels=1, num_pairs=N, fading=FADING[fading], dtype="float64"
        )
        state = reset(jax.random.key(4), params)
        cross = np.asarray(every_gain(state, params)["d2d_to_d2d"])[0]
        channel, power = jnp.zeros(N, jnp.int32), jnp.asarray(POWER[0])
        found = jax.jit(heard)(state, channel, power, params)
    np.testing.assert_allclose(found, POWER[0] @ cross, rtol=1e-12)


def test_slopes_are_those_of_the_gains_in_a_batch_too() -> None:
    with jax.enable_x64(True):
        params = params_with("rayleigh")
        state = reset(jax.random.key(4), params)
        channels, powers = jnp.asarray(CHANNEL, jnp.int32), jnp.asarray(POWER)

        def slopes(channel: Any, power: Any) -> Any:
            def last(power: Any) -> Any:
                return heard(state, channel, power, params)[N - 1]

            return jax.grad(last)(power)

        found = np.asarray(jax.jit(jax.vmap(slopes))(channels, powers))
        cross = np.asarray(every_gain(state, params)["d2d_to_d2d"])
    for channel, slope in zip(CHANNEL, found, strict=True):
        wanted = np.where(channel == channel[-1], cross[channel[-1], :, -1], 0.0)
        np.testing.assert_allclose(slope, wanted, rtol=1e-12)
