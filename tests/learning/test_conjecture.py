"""The conjectural equilibrium against brute force over powers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from learning.small_cells import cell

from stackelberg.learning.conjecture import conjectured_answer_w


def best_powers(s: Any, gain: Any, received: float, noise: float, ratio: float) -> Any:
    """The leader's best powers of two pairs on a channel, by a grid; s are constants.

    U = beta^f B ln(1 + A / (N0 + sum gbar p)) + beta^l B sum p / (p + s), over B.
    """
    grid = np.concatenate([[0.0], np.geomspace(1e-7, 0.1995, 1200)])
    one, two = np.meshgrid(grid, grid, indexing="ij")
    heard = noise + gain[0] * one + gain[1] * two
    paid = one / (one + s[0]) + two / (two + s[1])
    value = np.log1p(received / heard) + ratio * paid
    i, j = np.unravel_index(value.argmax(), value.shape)
    return np.array([grid[i], grid[j]])


@pytest.mark.parametrize("weight", [0.3, 1.0])
def test_two_pairs_of_a_channel_get_the_leaders_best_powers(weight: float) -> None:
    params = cell()
    radio = params.radio._replace(follower_price_weight=jnp.float32(weight))
    params = replace(params, radio=radio)
    noise = float(radio.noise_power_w)
    s, gain = np.array([4e-5, 2e-4]), np.array([3e-13, 6e-14])
    received = 5e4 * noise
    ratio = float(radio.leader_revenue_weight) / weight
    wanted = best_powers(s, gain, received, noise, ratio)
    answer = conjectured_answer_w(
        params,
        jnp.asarray([1, 1], jnp.int32),
        jnp.asarray(s, jnp.float32),
        jnp.asarray(gain, jnp.float32),
        jnp.full(2, received, jnp.float32),
    )
    found = np.asarray(answer, np.float64) - s
    assert np.all(wanted > 1e-6)
    np.testing.assert_allclose(found, wanted, rtol=0.05)


def test_a_pair_of_another_channel_changes_nothing() -> None:
    params = cell()
    noise = float(params.radio.noise_power_w)

    def answer(channel: list[int], gain: float) -> Any:
        return np.asarray(
            conjectured_answer_w(
                params,
                jnp.asarray(channel, jnp.int32),
                jnp.asarray([4e-5, 2e-4], jnp.float32),
                jnp.asarray([3e-13, gain], jnp.float32),
                jnp.full(2, 1e5 * noise, jnp.float32),
            )
        )

    assert answer([0, 1], 1e-13)[0] == answer([0, 1], 8e-13)[0]
    assert answer([0, 0], 8e-13)[0] > 1.02 * answer([0, 1], 8e-13)[0]
