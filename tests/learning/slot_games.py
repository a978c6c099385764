"""Small pricing games of one slot, for the oracle and as arrays."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from stackelberg.envs.slot_game import SlotGame

N = 4
UNIT = 0.5 * 2.0 * N
"""beta^f B for each pair: what objectives are divided by."""


def plain(seed: int = 0, snr: float = 30.0) -> dict[str, Any]:
    """Two channels with two pairs each, weakly coupled."""
    draw = np.random.default_rng(seed)
    channel = [0, 1, 0, 1]
    coupling = draw.uniform(0.05, 0.3, (N, N))
    for j in range(N):
        for k in range(N):
            if j == k or channel[j] != channel[k]:
                coupling[j, k] = 0.0
    return {
        "channel": channel,
        "cellular_snr": [snr, 2.0 * snr],
        "bs_gain": list(draw.uniform(1.0, 5.0, N)),
        "noise": list(draw.uniform(0.1, 0.4, N)),
        "coupling": coupling.tolist(),
        "price_scale": list(draw.uniform(1.0, 3.0, N)),
        "beta_f": 0.5,
        "beta_l": 1.2,
        "scale": 2.0,
        "most": 5.0,
    }


def arrays(game: dict[str, Any]) -> SlotGame:
    def f32(value: Any) -> Any:
        return jnp.asarray(value, jnp.float32)

    return SlotGame(
        channel=jnp.asarray(game["channel"]),
        cellular_snr=f32(game["cellular_snr"]),
        bs_gain=f32(game["bs_gain"]),
        noise=f32(game["noise"]),
        coupling=f32(game["coupling"]),
        price_scale=f32(game["price_scale"]),
        follower_price_weight=f32(game["beta_f"]),
        leader_revenue_weight=f32(game["beta_l"]),
        spend_scale=f32(game["scale"]),
        min_power_w=jnp.zeros(N),
        max_power_w=jnp.full(N, game["most"]),
        price_limits=None,
    )
