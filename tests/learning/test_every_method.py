"""Every method's chunk gives back the state that it took, and its policy acts.

That one of each kind goes on from a file to the same bits is tested where that kind is
compiled: `test_gradient`, `test_actor_critic`, `test_proximal`, `test_independent_q`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from learning.small_cells import cell
from learning.tiny_methods import tiny_learner

from stackelberg import envs
from stackelberg.learning import METHODS
from stackelberg.learning.training import policy_structure, state_structure


@cache
def observed() -> tuple[Any, Any]:
    """A slot of the cell as agents see it: shapes only."""

    def seen(key: Any) -> tuple[Any, Any]:
        state = envs.reset(key, cell())
        leader = envs.observe_leader(state, cell())
        price = jnp.full(4, 1e20, jnp.float32)
        return leader, envs.observe_followers(state, price, cell())

    return jax.eval_shape(seen, jax.random.key(3))


CHOOSING = ("independent_q", "ippo", "maddpg")
"""Tried with channels that pairs choose; others of their kinds keep them."""


@pytest.mark.parametrize("name", sorted(METHODS))
def test_a_chunk_gives_back_the_state_it_took_and_the_policy_acts(name: str) -> None:
    learner = tiny_learner(name, "learned" if name in CHOOSING else "kept")
    assert learner.name == name
    state = state_structure(learner)
    after, told = jax.eval_shape(learner.advance, state)
    assert jax.tree.structure(after) == jax.tree.structure(state)
    shapes = [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(state)]
    assert [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(after)] == shapes
    assert all(value.shape == () for value in told.values())
    assert {"leader_reward", "follower_reward"} <= told.keys()
    policy = policy_structure(learner)
    leader, followers = observed()
    price = jax.eval_shape(lambda p, o: p.act_leader(o, cell()), policy, leader)
    channel, power = jax.eval_shape(
        lambda p, o: p.act_followers(o, cell()), policy, followers
    )
    assert price.shape == channel.shape == power.shape == (4,)
