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
        {
            "auto_reset": True,
            "horizon_slots": 2,
            "queues": envs.Queues(),
            "mobility": envs.RandomWaypoint(5.0, 30.0),
            "slots_per_frame": 1,
            "shadowing_waves": 8,
        },
    ],
    ids=["recorded frames", "moving and beginning anew"],
)
def test_the_same_bits_slot_after_slot_and_equal_arrays_once(settings: Any) -> None:
    make = recorded if "frames" in settings else standard
    params = make(information=envs.delayed(1), **settings)
    keys = jax.random.split(jax.random.key(3), BATCH)
    first = many_reset(keys, params)
    mine = theirs = first._replace(slot=jnp.arange(BATCH, dtype=jnp.int32) % 2)
    theirs = jax.tree.map(jnp.array, theirs)  # a copy: `mine` gives its memory away
    before = np.asarray(first.world.gains.d2d_to_bs)
    for seed in range(3):
        action = jax.tree.map(lambda leaf: leaf[:BATCH], actions(seed, BATCH, params))
        fresh = jax.random.split(jax.random.key(seed), BATCH)
        got = envs.step_batch(fresh, mine, action, params)
        wanted = many_step(fresh, theirs, action, params)
        assert jax.tree.structure(got) == jax.tree.structure(wanted)
        for ours, other in zip(
            jax.tree.leaves(got), jax.tree.leaves(wanted), strict=True
        ):
            np.testing.assert_allclose(ours, other, rtol=1e-6)
        gains = np.asarray(got.state.world.gains.d2d_to_bs)
        if params.mobility is not None:  # everybody moved or began anew
            assert np.all((gains != before).any(axis=1))
        before = gains
        seen, last = got.observation.leader, got.final_observation.leader
        assert got.outcome.channel is last.channel
        assert (seen.channel is last.channel) != params.auto_reset
        mine, theirs = got.state, wanted.state
