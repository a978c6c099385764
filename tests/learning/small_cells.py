"""A small cell whose gains are given, so that it compiles fast."""

from __future__ import annotations

from functools import cache
from typing import Any

import jax.numpy as jnp

from stackelberg import envs
from stackelberg.spectrum import RadioModel


@cache
def cell(billing: Any = "quoted", **more: Any) -> envs.EnvParams:
    """Two channels, four pairs, given gains, slow fading, gains one slot old."""
    given = envs.Gains(
        jnp.asarray([[2e-11, 6e-11]]),
        jnp.asarray([[2e-8, 8e-9, 4e-8, 1e-8]]),
        jnp.asarray([[3e-13, 2e-12, 1e-12, 6e-13]]),
        jnp.full((1, 2, 4), 5e-12),
        jnp.full((1, 4, 4), 2e-12),
    )
    return envs.make_params(
        num_channels=2,
        num_pairs=4,
        radio=RadioModel(min_power_w=0.0, follower_price_weight=0.3),
        gains=envs.GainTrace(given),
        fading=envs.Jakes(2.0),
        information=envs.delayed(1),
        billing=billing,
        **more,
    )
