"""Training as a sequence of chunks, between which whoever drives it may do anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from stackelberg.learning.learner import Learner, Metrics


class Chunk(NamedTuple):
    """Where training stands after a chunk.

    Attributes:
        state: of the learner; good until the next chunk begins, which takes it over.
        env_steps: slots of all environments together so far.
        metrics: of this chunk.
        finite: whether every metric and every number of the policy is finite.
    """

    state: Any
    env_steps: int
    metrics: Metrics
    finite: bool


def chunks(
    learner: Learner, state: Any, env_steps: int, *, until: int
) -> Iterator[Chunk]:
    """Train chunk by chunk.

    Args:
        learner: a method in an environment.
        state: to begin with; it is used up.
        env_steps: that led to `state`.
        until: no chunk begins once so many steps are done.
    """
    while env_steps < until:
        state, metrics = learner.advance(state)
        env_steps += learner.env_steps_per_chunk
        finite = all_finite(metrics) and all_finite(learner.policy(state))
        yield Chunk(state, env_steps, metrics, finite)


def start_key(seed: int) -> Key[Array, ""]:
    """The key from which everything random in a run follows."""
    return jax.random.key(seed)


def state_structure(learner: Learner) -> Any:
    """The shapes of the learner's state, found without computing it."""
    return eqx.filter_eval_shape(learner.start, start_key(0))


def policy_structure(learner: Learner) -> Any:
    """The shapes of the learner's policy, found without computing it."""
    return eqx.filter_eval_shape(
        lambda key: learner.policy(learner.start(key)), start_key(0)
    )


def all_finite(tree: Any) -> bool:
    """Whether no number of the tree is NaN or infinite."""
    leaves = [
        leaf
        for leaf in jax.tree.leaves(tree)
        if isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jnp.inexact)
    ]
    return all(bool(jnp.isfinite(leaf).all()) for leaf in leaves)
