"""Advantages, densities and the clipped surrogate against loops; a rollout by hand."""

from __future__ import annotations

import math
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

from stackelberg.envs.slot_game import utilities
from stackelberg.errors import ConfigError, DomainError
from stackelberg.learning.advantages import (
    clipped_surrogate,
    generalised_advantage,
    normal_log_density,
    standardised,
)
from stackelberg.learning.heads import price_of_answer
from stackelberg.learning.objectives import follower_unit, utility_unit
from stackelberg.learning.proximal import Ippo, Mappo

ENVIRONMENTS, SLOTS = 4, 5


@pytest.fixture(autouse=True)
def quickly() -> Iterator[None]:
    with compiling_quickly():
        yield


@pytest.mark.parametrize(("gamma", "decay"), [(0.9, 0.95), (0.0, 0.5), (0.8, 1.0)])
def test_advantages_are_discounted_sums_that_end_with_their_trace(
    gamma: float, decay: float
) -> None:
    draw = np.random.default_rng(4)
    slots = 12
    reward, value, after = draw.normal(size=(3, slots, 3))
    ended = (draw.uniform(size=slots) < 0.15).astype(float)
    cut = (draw.uniform(size=slots) < 0.2).astype(float)
    assert ended.sum() > 0 and cut.sum() > 0
    found = generalised_advantage(
        jnp.asarray(reward),
        jnp.asarray(value),
        jnp.asarray(after),
        jnp.asarray(ended)[:, None],
        jnp.asarray(cut)[:, None],
        gamma,
        decay,
    )
    for agent in range(3):
        wanted = oracle.advantages(
            list(reward[:, agent]),
            list(value[:, agent]),
            list(after[:, agent]),
            list(ended),
            list(cut),
            gamma,
            decay,
        )
        np.testing.assert_allclose(found[:, agent], wanted, rtol=2e-5, atol=2e-6)


def test_densities_are_those_of_normal_numbers() -> None:
    value, mean, std = [0.3, -1.2, 2.0], [0.0, -1.0, 1.5], [0.5, 0.1, 2.0]
    found = normal_log_density(
        jnp.asarray(value), jnp.asarray(mean), jnp.log(jnp.asarray(std))
    )
    wanted = oracle.log_density(value, mean, std)
    assert float(found.sum()) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("advantage", [1.5, -0.7])
@pytest.mark.parametrize("ratio", [0.5, 0.9, 1.0, 1.1, 1.7])
def test_the_surrogate_stops_rewarding_ratios_far_from_one(
    ratio: float, advantage: float
) -> None:
    def climbed(log_ratio: Any) -> Any:
        return clipped_surrogate(log_ratio, jnp.float32(advantage), 0.2)

    found, slope = jax.value_and_grad(climbed)(jnp.float32(math.log(ratio)))
    assert float(found) == pytest.approx(oracle.surrogate(ratio, advantage, 0.2))
    gone = ratio > 1.2 if advantage > 0.0 else ratio < 0.8
    assert (float(slope) == 0.0) == gone


def test_standardised_numbers_have_mean_0_and_deviation_1() -> None:
    found = standardised(jnp.asarray([1.0, 2.0, 6.0]))
    assert float(found.mean()) == pytest.approx(0.0, abs=1e-6)
    assert float(found.std()) == pytest.approx(1.0, rel=1e-4)


@cache
def rollout() -> tuple[Any, Any]:
    """Agents, and a chunk that they played, flat over [T, E]."""
    learner = tiny_learner("mappo")
    state = learner.start(jax.random.key(0))
    kept = learner._collect(state.worlds, state.agents, jax.random.key(1))[1]
    return state.agents, kept


def traced(leaf: Any) -> np.ndarray[Any, Any]:
    return np.asarray(leaf, float).reshape(SLOTS, ENVIRONMENTS, *leaf.shape[1:])


def test_goals_are_advantages_on_top_of_values_and_hold_the_slots_rewards() -> None:
    agents, kept = rollout()
    params = cell()

    def of_slot(slot: Any) -> Any:
        answer = agents.policy.answer_w(
            jnp.stack([slot.choice.leader] * 2, axis=1), slot.now.leader, params
        )
        price = price_of_answer(answer, slot.now.leader.quoted_gain, params.radio)
        said = agents.policy.followers(slot.followers.features, jnp.zeros((4, 4), bool))
        power = agents.policy.power_w(
            slot.followers, params, slot.choice.followers - said
        )
        leader, followers = utilities(slot.now.game, price, power)
        return (
            leader / utility_unit(slot.now.game),
            followers / follower_unit(slot.now.game),
            agents.values(slot.now, slot.followers),
        )

    leader, followers, value = jax.jit(jax.vmap(of_slot))(kept)
    np.testing.assert_allclose(
        kept.goal.leader, kept.advantage.leader + value.leader, rtol=1e-4
    )
    gamma, decay = 0.9, 0.95
    for reward, values, advantage in (
        (leader, value.leader, kept.advantage.leader),
        (followers, value.followers, kept.advantage.followers),
    ):
        v, a = traced(values), traced(advantage)
        # A_t - gamma lambda A_{t+1} = r_t + gamma V_{t+1} - V_t
        found = a[:-1] - gamma * decay * a[1:] - gamma * v[1:] + v[:-1]
        np.testing.assert_allclose(found, traced(reward)[:-1], rtol=2e-3, atol=2e-3)


def test_densities_of_a_chunk_are_the_oracles_and_the_first_ratio_is_one() -> None:
    agents, kept = rollout()
    slot = jax.tree.map(lambda leaf: leaf[6], kept)
    said = np.asarray(agents.policy.speak(slot.now.leader))[:, 0]
    wanted = oracle.log_density(
        np.asarray(slot.choice.leader, float).tolist(), said.tolist(), [0.5] * 4
    )
    assert float(slot.log_density.leader) == pytest.approx(wanted, rel=1e-3)
    told = jax.jit(tiny_learner("mappo").loss)(agents, kept)[1]
    wanted = -float(
        kept.advantage.leader.mean() + kept.advantage.followers.mean()
    )  # ratio 1
    assert float(told["actor_loss"]) == pytest.approx(wanted, rel=1e-3, abs=1e-4)
    missed = sum(
        float(jnp.square(leaf / agents.values.scale).mean()) for leaf in kept.advantage
    )
    assert float(told["value_loss"]) == pytest.approx(missed, rel=1e-3)


def test_central_values_see_true_gains_and_own_ones_do_not() -> None:
    _, kept = rollout()
    slot = jax.tree.map(lambda leaf: leaf[3], kept)
    worse = slot.now._replace(
        game=slot.now.game._replace(noise=9 * slot.now.game.noise)
    )
    dearer = slot.followers._replace(features=slot.followers.features + 0.1)
    for name, central in (("mappo", True), ("ippo", False)):
        values = tiny_learner(name).start(jax.random.key(2)).agents.values
        plain = values(slot.now, slot.followers)
        other = values(worse, slot.followers)
        assert (float(plain.leader) != float(other.leader)) == central
        assert bool((plain.followers != other.followers).any()) == central
        # The leader's value knows nothing of the prices that followers see.
        assert float(values(slot.now, dearer).leader) == float(plain.leader)
        first = slot.followers.features.at[0].add(0.5)
        moved = values(slot.now, slot.followers._replace(features=first)).followers
        heard = np.asarray(moved != plain.followers)
        partners = np.asarray(slot.now.leader.partners[:, 0])
        np.testing.assert_array_equal(heard, partners if central else np.eye(4)[0] > 0)


@pytest.mark.parametrize(
    ("settings", "kind", "words"),
    [
        ({"gamma": 1.0}, DomainError, "gamma"),
        ({"minibatch": 10_000}, DomainError, "minibatch"),
        ({"clip": 0.0}, DomainError, "clip"),
        ({"trace_decay": 1.5}, DomainError, "trace_decay"),
        ({"epochs": 0.5}, ConfigError, "epochs"),
    ],
)
def test_settings_outside_their_domain_are_refused(
    settings: Any, kind: Any, words: str
) -> None:
    with pytest.raises(kind, match=words):
        Mappo(**settings).learner(cell())
    with pytest.raises(ConfigError, match="price_per_channel"):
        Ippo().learner(cell(price_per_channel=True))


def test_it_goes_on_from_a_file_to_the_same_bits(tmp_path: Path) -> None:
    assert_goes_on_to_the_same_bits(tiny_learner("mappo"), tmp_path / "one.checkpoint")
