"""What proximal policy optimisation climbs: advantages, densities, clipped ratios.

Schulman et al., "High-dimensional continuous control using generalized advantage
estimation" (2016) and "Proximal policy optimization algorithms" (2017). Shape legend:
T slots.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def generalised_advantage(
    reward: Float[Array, "T *agents"],
    value: Float[Array, "T *agents"],
    after: Float[Array, "T *agents"],
    ended: Float[Array, "T *agents"],
    cut: Float[Array, "T *agents"],
    gamma: float,
    trace_decay: float,
) -> Float[Array, "T *agents"]:
    """A_t = d_t + gamma trace_decay A_{t+1}, d_t = r_t + gamma V(s_{t+1}) - V(s_t).

    Args:
        reward: r_t.
        value: V(s_t).
        after: V(s_{t+1}).
        ended: 1 where the episode terminated: nothing follows, d_t = r_t - V(s_t).
        cut: 1 where the trace ends although something follows: V(s_{t+1}) still
            counts, A_{t+1} does not.
        gamma: discount.
        trace_decay: lambda; 0: one slot ahead, 1: to the end of the chunk.
    """
    step = reward + gamma * (1.0 - ended) * after - value
    going = gamma * trace_decay * (1.0 - ended) * (1.0 - cut)

    def back(later: Array, at: tuple[Array, Array]) -> tuple[Array, Array]:
        now = at[0] + at[1] * later
        return now, now

    _, found = jax.lax.scan(back, jnp.zeros_like(step[0]), (step, going), reverse=True)
    return found


def normal_log_density(
    value: Float[Array, "*any"],
    mean: Float[Array, "*any"],
    log_std: Float[Array, "*any"],
) -> Float[Array, "*any"]:
    """Logarithm of the normal density, number by number."""
    ratio = (value - mean) * jnp.exp(-log_std)
    return -0.5 * jnp.square(ratio) - log_std - 0.5 * math.log(2.0 * math.pi)


def clipped_surrogate(
    log_ratio: Float[Array, "*any"], advantage: Float[Array, "*any"], reach: float
) -> Float[Array, "*any"]:
    """min(rho A, clip(rho, 1 - reach, 1 + reach) A), rho = exp(log_ratio)."""
    ratio = jnp.exp(log_ratio)
    held = jnp.clip(ratio, 1.0 - reach, 1.0 + reach)
    return jnp.minimum(ratio * advantage, held * advantage)


def standardised(advantage: Float[Array, "*any"]) -> Float[Array, "*any"]:
    """Less the mean, over the standard deviation."""
    return (advantage - advantage.mean()) / (advantage.std() + 1e-6)
