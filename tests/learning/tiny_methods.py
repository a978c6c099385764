"""Every method at its smallest on the small cell, made once for all tests of a file;
and whether one goes on from a file to the same bits.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import jax
import numpy as np
from learning.small_cells import cell

from stackelberg import io
from stackelberg.learning import METHODS
from stackelberg.learning.training import all_finite, state_structure

_SMALL: dict[str, Any] = {
    "environments": 4,
    "slots_per_chunk": 5,
    "updates_per_chunk": 3,
    "minibatch": 10,
    "capacity": 60,
    "width": 8,
    "warmup_env_steps": 0,
}


@cache
def tiny_learner(name: str, channels: str = "kept") -> Any:
    """The method `name`, with what it has of the small settings."""
    kind: Any = METHODS[name]
    fields = {field.name for field in dataclasses.fields(kind)}
    given = {key: value for key, value in _SMALL.items() if key in fields}
    return begun_at_once(kind(**given, channels=channels).learner(cell()))


def begun_at_once(learner: Any) -> Any:
    """The learner, whose start is traced and compiled once for all who ask for it."""
    learner.start = jax.jit(learner.start)
    return learner


@contextmanager
def compiling_quickly() -> Generator[None]:
    """XLA leaves out most optimisations: a third less of what such tests take."""
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    try:
        yield
    finally:
        jax.config.update("jax_disable_most_optimizations", before)


def assert_goes_on_to_the_same_bits(learner: Any, path: Path) -> None:
    """Train two chunks straight, and one from a checkpoint of the first."""
    first, _ = learner.advance(learner.start(jax.random.key(0)))
    io.write_checkpoint(path, first, {})
    untrained = bits(learner.policy(learner.start(jax.random.key(0))))
    straight, told = learner.advance(first)
    read: Any = io.read_checkpoint(path).tree(state_structure(learner))
    resumed, again = learner.advance(read)
    assert bits(resumed) == bits(straight)
    assert bits(again) == bits(told)
    assert int(resumed.env_steps) == 2 * learner.env_steps_per_chunk
    policy = learner.policy(resumed)
    assert bits(policy) != untrained
    assert all_finite((policy, told))


def bits(tree: Any) -> list[bytes]:
    """All numbers of a tree, keys included."""
    plain = [
        jax.random.key_data(leaf) if str(leaf.dtype).startswith("key") else leaf
        for leaf in jax.tree.leaves(tree)
    ]
    return [np.asarray(leaf).tobytes() for leaf in plain]
