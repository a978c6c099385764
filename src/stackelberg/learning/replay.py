"""A ring of experience on the device, as part of a learner's state."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int


class Replay(NamedTuple):
    """The last `capacity` records.

    Attributes:
        records: a tree of arrays with a leading axis of the capacity.
        filled: how many hold something.
        position: where the next goes.
    """

    records: Any
    filled: Int[Array, ""]
    position: Int[Array, ""]


def empty(record: Any, capacity: int) -> Replay:
    """Room for `capacity` records like `record` (arrays, or their shapes and types)."""
    records = jax.tree.map(
        lambda leaf: jnp.zeros((capacity, *leaf.shape), leaf.dtype), record
    )
    return Replay(records, jnp.int32(0), jnp.int32(0))


def add(replay: Replay, records: Any) -> Replay:
    """The ring with more records [n, ...] in place of the oldest; n <= capacity."""
    capacity = jax.tree.leaves(replay.records)[0].shape[0]
    number = jax.tree.leaves(records)[0].shape[0]
    rows = (replay.position + jnp.arange(number)) % capacity
    return Replay(
        jax.tree.map(lambda old, new: old.at[rows].set(new), replay.records, records),
        jnp.minimum(replay.filled + number, capacity),
        (replay.position + number) % capacity,
    )


def sample(key: Array, replay: Replay, number: int) -> Any:
    """`number` records drawn evenly, with repetition, from those there are."""
    rows = jax.random.randint(key, (number,), 0, jnp.maximum(replay.filled, 1))
    return jax.tree.map(lambda leaf: leaf[rows], replay.records)
