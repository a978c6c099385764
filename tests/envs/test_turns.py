"""Sine and cosine in turns."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from stackelberg.envs.turns import cos_turns, sin_turns


def test_they_are_sine_and_cosine() -> None:
    turns = np.linspace(-3.0, 3.0, 48_001)
    exact_cos, exact_sin = np.cos(2 * np.pi * turns), np.sin(2 * np.pi * turns)
    with jax.enable_x64(True):
        double = jnp.asarray(turns, jnp.float64)
        np.testing.assert_allclose(cos_turns(double), exact_cos, atol=2e-13)
        np.testing.assert_allclose(sin_turns(double), exact_sin, atol=2e-13)
    single = jnp.asarray(turns, jnp.float32)
    exact = 2 * np.pi * np.asarray(single, np.float64)
    np.testing.assert_allclose(cos_turns(single), np.cos(exact), atol=4e-7)
    np.testing.assert_allclose(sin_turns(single), np.sin(exact), atol=4e-7)
