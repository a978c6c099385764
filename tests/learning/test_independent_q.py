"""Independent Q-learning: targets by hand, grids, greedy choices."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learning.small_cells import cell
from learning.tiny_methods import (
    assert_goes_on_to_the_same_bits,
    compiling_quickly,
    tiny_learner,
)
from oracles import policy_gradient as oracle

from stackelberg import envs
from stackelberg.errors import ConfigError, DomainError
from stackelberg.learning.independent_q import IndependentQ, grid, values_of
from stackelberg.learning.tokens import follower_tokens, leader_tokens


@pytest.fixture(autouse=True)
def quickly() -> Iterator[None]:
    with compiling_quickly():
        yield


@cache
def played() -> tuple[Any, Any, Any]:
    """Action values, others as their slow copy, and the records of a chunk."""
    learner = tiny_learner("independent_q")
    state = learner.start(jax.random.key(0))
    slow = jax.tree.map(lambda leaf: 1.3 * leaf, state.slow)
    replay = learner._collect(
        state.worlds, state.replay, state.policy, jax.random.key(1), state.env_steps
    )[1]
    return state.policy, slow, replay.records


def test_targets_are_rewards_and_the_discounted_best_of_the_next_slot() -> None:
    learner, (_, slow, records) = tiny_learner("independent_q"), played()
    kept = jax.tree.map(lambda leaf: leaf[7], records)
    target = jax.jit(learner.target)
    for ended in (0.0, 1.0):
        one = kept._replace(ended=jnp.float32(ended))
        found = target(slow, one)
        after = one.after
        shares = np.asarray(
            slow.leader_values(after.leader.features, after.leader.partners)
        )
        best = float(np.mean([max(row) for row in shares.tolist()]))
        wanted = oracle.bootstrapped(float(one.reward.leader), best, ended, 0.9)
        assert float(found.leader) == pytest.approx(wanted, rel=1e-5)
        level = jnp.asarray([int(np.argmax(row)) for row in shares])
        answer = slow.answer_w(level, after.leader, learner.params)
        price = learner.params.radio.spend_scale / (after.leader.quoted_gain * answer)
        seen = after.followers._replace(reuse_price=price)
        tokens = follower_tokens(seen, after.game.channel, learner.params)
        values = np.asarray(slow.follower_values(tokens.features))
        for pair in range(4):
            reward = float(one.reward.followers[pair])
            wanted = oracle.bootstrapped(reward, float(max(values[pair])), ended, 0.9)
            assert float(found.followers[pair]) == pytest.approx(wanted, rel=1e-4)


def test_the_loss_is_the_mean_square_miss_per_slot_of_reward() -> None:
    learner, (policy, slow, records) = tiny_learner("independent_q"), played()
    target = jax.jit(learner.target)
    part = jax.tree.map(lambda leaf: leaf[:3], records)
    found = float(jax.jit(learner.loss)(policy, slow, part))
    leader: list[float] = []
    followers: list[float] = []
    for i in range(3):
        kept = jax.tree.map(lambda leaf, i=i: leaf[i], part)
        goal, own = target(slow, kept), values_of(policy, kept)
        rows = np.asarray(policy.leader_values(kept.leader, kept.partners))
        taken = np.asarray(kept.taken.leader)
        share = np.mean([rows[j, taken[j]] for j in range(4)])
        leader.append(float((share - goal.leader) / 10.0) ** 2)
        followers += [float(x / 10.0) ** 2 for x in own.followers - goal.followers]
    assert found == pytest.approx(np.mean(leader) + np.mean(followers), rel=1e-4)


def test_every_agent_takes_its_best_grid_point() -> None:
    policy, params = played()[0], cell()
    state = envs.reset(jax.random.key(5), params)
    seen = envs.observe_leader(state, params)
    price = policy.act_leader(seen, params)
    tokens = leader_tokens(seen, params)
    values = np.asarray(policy.leader_values(tokens.features, tokens.partners))
    wanted = policy.answer_w(jnp.asarray(values.argmax(axis=1)), tokens, params)
    asked = params.radio.spend_scale / (price * tokens.quoted_gain)
    np.testing.assert_allclose(asked, wanted, rtol=1e-5)
    points = np.asarray(grid(policy.leader, policy.price_span))
    assert len(points) == 15 and points[7] == 0.0
    assert points[-1] == -points[0] == 4.0
    followers = envs.observe_followers(state, price, params)
    tokens = follower_tokens(followers, followers.channel, params)
    middle = jnp.full(4, 3)  # the delayed best response itself
    best = np.clip(tokens.answer_w - tokens.noise_w, 0.0, params.radio.max_power_w)
    np.testing.assert_allclose(policy.power_w(middle, tokens, params), best, rtol=1e-5)


def test_exploring_agents_take_any_point_and_others_only_the_best() -> None:
    from stackelberg.learning.independent_q import _chosen

    values = jnp.tile(jnp.asarray([0.0, 2.0, 1.0]), (3000, 1))
    best = _chosen(jax.random.key(0), values, jnp.float32(0.0))
    assert set(np.asarray(best).tolist()) == {1}
    often = np.bincount(_chosen(jax.random.key(0), values, jnp.float32(0.6)))
    np.testing.assert_allclose(often / 3000, [0.2, 0.6, 0.2], atol=0.04)


@pytest.mark.parametrize(
    ("settings", "kind", "words"),
    [
        ({"price_levels": 4}, DomainError, "price_levels.*odd"),
        ({"power_levels": 2000}, DomainError, "power_levels.*1001"),
        ({"capacity": 10}, DomainError, "capacity"),
        ({"explore": 0.1, "explore_floor": 0.2}, DomainError, "explore_floor"),
        ({"price_span": "far"}, ConfigError, "price_span"),
    ],
)
def test_settings_outside_their_domain_are_refused(
    settings: Any, kind: Any, words: str
) -> None:
    with pytest.raises(kind, match=words):
        IndependentQ(**settings).learner(cell())


def test_it_goes_on_from_a_file_to_the_same_bits(tmp_path: Path) -> None:
    assert_goes_on_to_the_same_bits(
        tiny_learner("independent_q"), tmp_path / "one.checkpoint"
    )
