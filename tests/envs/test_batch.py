"""A batch stepped without copies is `vmap` of `step`."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from envs.cells import actions, many_reset, many_step, recorded, standard

from stackelberg import envs

BATCH = 5


@pytest.mark.parametrize(
    "settings",
    [
        {"frames": 3, "slots_per_frame": 1},
        {"auto_reset": True, "horizon_slots": 2, "queues": envs.Queues()},
    ],
    ids=["moving", "beginning anew"],
)
def test_the_same_bits_slot_after_slot_and_equal_arrays_once(settings: Any) -> None:
    make = recorded if "frames" in settings else standard
    params = make(information=envs.delayed(1), **settings)
    keys = jax.random.split(jax.random.key(3), BATCH)
    first = many_reset(keys, params)
    mine = theirs = first._replace(slot=jnp.arange(BATCH, dtype=jnp.int32) % 2)
    theirs = jax.tree.map(jnp.array, theirs)  # a copy: `mine` gives its memory away
    for seed in range(3):
        action = jax.tree.map(lambda leaf: leaf[:BATCH], actions(seed, BATCH, params))
        got = envs.step_batch(keys, mine, action, params)
        wanted = many_step(keys, theirs, action, params)
        assert jax.tree.structure(got) == jax.tree.structure(wanted)
        for ours, other in zip(
            jax.tree.leaves(got), jax.tree.leaves(wanted), strict=True
        ):
            np.testing.assert_allclose(ours, other, rtol=1e-6)
        seen, last = got.observation.leader, got.final_observation.leader
        assert got.outcome.channel is last.channel
        assert (seen.channel is last.channel) != params.auto_reset
        mine, theirs = got.state, wanted.state
