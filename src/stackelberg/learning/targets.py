"""What critics are fitted to, and by how much the equilibrium guides.

The names are those of the settings. Shape legend: N pairs.
"""

from __future__ import annotations

from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from stackelberg.learning.critics import Values

Guidance = Literal["none", "model", "critics", "value"]
"""Whose actions continue the target: ``none``: the policy's own; ``model``: those of
the slot's Stackelberg equilibrium, Q(s', a_SE(s')); ``critics``: the leader's best
among candidates by its critic, followers answering; ``value``: U_SE(s') itself."""


def continued(
    reward: Values, future: Values, gamma: float, ended: Float[Array, "*batch"]
) -> Values:
    """R + gamma (1 - ended) future, agent by agent."""
    going = gamma * (1.0 - ended)
    return Values(
        reward.leader + going * future.leader,
        reward.followers + going[..., None] * future.followers,
    )


def mixed(own: Values, guided: Values, kappa: Float[Array, ""]) -> Values:
    """(1 - kappa) own + kappa guided."""
    return jax.tree.map(lambda a, b: (1.0 - kappa) * a + kappa * b, own, guided)


def fading_weight(
    first: float, floor: float, over_env_steps: int, env_steps: Array
) -> Float[Array, ""]:
    """A weight that falls linearly from `first` to `floor` and stays there.

    Over no steps it is `first` for ever.
    """
    if over_env_steps == 0:
        return jnp.asarray(first, jnp.float32)
    done = jnp.minimum(env_steps / over_env_steps, 1.0)
    return jnp.asarray(first + (floor - first) * done, jnp.float32)


def filtered(
    distance: Float[Array, "*batch"],
    teacher_value: Float[Array, "*batch"],
    own_value: Float[Array, "*batch"],
) -> Float[Array, "*batch"]:
    """The distance to the teacher where its action is worth more, else 0 (Q-filter)."""
    better = jax.lax.stop_gradient(teacher_value > own_value)
    return jnp.where(better, distance, 0.0)
