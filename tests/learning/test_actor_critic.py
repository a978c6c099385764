"""Targets, guidance and replay against loops; every switch off is plain MADDPG."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learning.slot_games import UNIT, N, arrays, plain
from learning.small_cells import cell
from learning.tiny_methods import (
    assert_goes_on_to_the_same_bits,
    begun_at_once,
    compiling_quickly,
)
from oracles import slot_learning as oracle

from stackelberg.envs.params import PriceLimits
from stackelberg.envs.slot_game import paid_price
from stackelberg.errors import ConfigError, DomainError
from stackelberg.learning import replay
from stackelberg.learning.actor_critic import (
    ActorCritic,
    ActorCriticSettings,
    Maddpg,
    Matd3,
    StackelbergQ,
    followed,
)
from stackelberg.learning.critics import (
    Actions,
    Critic,
    Values,
    critic_features,
    pessimistic,
)
from stackelberg.learning.targets import continued, fading_weight, filtered, mixed
from stackelberg.learning.transitions import Transition, follower_features

TINY: dict[str, Any] = {
    "environments": 4,
    "slots_per_chunk": 5,
    "updates_per_chunk": 3,
    "minibatch": 8,
    "capacity": 50,
    "width": 8,
    "warmup_env_steps": 0,
}


@pytest.fixture(autouse=True)
def quickly() -> Iterator[None]:
    with compiling_quickly():
        yield


@cache
def guided() -> ActorCritic:
    """Everything on."""
    settings = StackelbergQ(
        **TINY, imitate=0.5, imitate_floor=0.1, q_filter=True, kappa=0.5
    )
    return begun_at_once(settings.learner(cell()))


@cache
def after_two_chunks() -> Any:
    state = guided().start(jax.random.key(0))
    before = jax.tree.map(np.asarray, state.networks)
    state, _ = guided().advance(state)
    state, metrics = guided().advance(state)
    return before, state, metrics


@cache
def transition() -> Transition:
    _, state, _ = after_two_chunks()
    return jax.tree.map(lambda leaf: leaf[7], state.replay.records)


@partial(jax.jit, static_argnums=0)
def target_of(settings: ActorCriticSettings, networks: Any, kept: Any) -> Values:
    learner = ActorCritic("any", settings, cell())
    return learner.target(jax.random.key(1), networks, kept, jnp.int32(0))


@pytest.mark.parametrize("guidance", ["none", "model", "value"])
def test_the_target_is_reward_and_discounted_future(guidance: Any) -> None:
    _, state, _ = after_two_chunks()
    kept = transition()
    settings = StackelbergQ(**TINY, target=guidance, smoothing=0.0, gamma=0.7)
    found = target_of(settings, state.networks, kept)
    first, second = state.networks.slow_critics
    after = kept.after
    if guidance == "value":
        future = after.equilibrium_value
    else:
        actions = after.equilibrium
        if guidance == "none":
            policy, params = state.networks.slow_policy, guided().params
            answer = policy.answer_w(policy.speak(after.leader), after.leader, params)
            tokens = follower_features(after, answer, params)
            actions = Actions(answer, policy.power_w(tokens, params))
        one = first(after.game, after.stores, actions)
        two = second(after.game, after.stores, actions)
        future = Values(
            np.minimum(one.leader, two.leader), np.minimum(one.followers, two.followers)
        )
    leader = float(kept.reward.leader) + 0.7 * float(future.leader)
    np.testing.assert_allclose(found.leader, leader, rtol=1e-4)
    followers = np.asarray(kept.reward.followers) + 0.7 * np.asarray(future.followers)
    np.testing.assert_allclose(found.followers, followers, rtol=1e-4, atol=1e-5)


def test_the_critics_target_is_at_least_as_good_for_the_leader_as_the_policys() -> None:
    _, state, _ = after_two_chunks()
    settings: dict[str, Any] = {**TINY, "smoothing": 0.0, "gamma": 0.7}
    own = target_of(
        StackelbergQ(**settings, target="none"), state.networks, transition()
    )
    best = target_of(
        StackelbergQ(**settings, target="critics"), state.networks, transition()
    )
    assert float(best.leader) >= float(own.leader) - 1e-6


def test_without_discount_the_target_is_the_reward() -> None:
    _, state, _ = after_two_chunks()
    found = target_of(StackelbergQ(**TINY, gamma=0.0), state.networks, transition())
    np.testing.assert_array_equal(found.leader, transition().reward.leader)


def test_a_chunk_moves_networks_and_their_slow_copies_a_little_less() -> None:
    before, state, metrics = after_two_chunks()

    def distance(one: Any, other: Any) -> float:
        pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
        return sum(float(np.abs(np.asarray(a) - np.asarray(b)).sum()) for a, b in pairs)

    for fast, slow in (("policy", "slow_policy"), ("critics", "slow_critics")):
        moved = distance(getattr(before, fast), getattr(state.networks, fast))
        lagged = distance(getattr(before, slow), getattr(state.networks, slow))
        assert 0.0 < lagged < moved
    assert int(state.replay.filled) == int(state.env_steps) == 40
    assert all(np.isfinite(float(value)) for value in metrics.values())


def test_stored_equilibria_belong_to_their_slots() -> None:
    records = after_two_chunks()[1].replay.records
    now, after = records.now, records.after
    # Slot t + 1 of an environment is 4 records on, unless a new episode began.
    np.testing.assert_allclose(
        after.equilibrium.power_w[:4], now.equilibrium.power_w[4:8], rtol=1e-5
    )
    assert float(now.equilibrium_value.leader[:40].min()) > 0.0


def test_unguided_learners_solve_no_equilibrium() -> None:
    assert not Maddpg().solves and not Matd3().solves
    assert StackelbergQ().solves
    assert Maddpg(imitate=0.1).solves and Maddpg(prefit_env_steps=1).solves


def test_a_pairs_value_has_derivatives_in_its_own_power_alone() -> None:
    critic = Critic(jax.random.key(2), 0, 8)
    game, nothing = arrays(plain(0)), jnp.zeros((4, 0))
    actions = Actions(jnp.full(4, 0.5), jnp.full(4, 0.3))

    def values(power: Any) -> Any:
        return critic(game, nothing, actions._replace(power_w=power)).followers

    jacobian = np.asarray(jax.jacobian(values)(actions.power_w))
    assert np.abs(np.diag(jacobian)).min() > 1e-4
    np.testing.assert_array_equal(jacobian - np.diag(np.diag(jacobian)), 0.0)
    order = np.array([2, 1, 0, 3])  # swaps the two pairs of a channel
    moved = game._replace(
        bs_gain=game.bs_gain[order],
        noise=game.noise[order],
        coupling=game.coupling[order][:, order],
    )
    one, other = critic(game, nothing, actions), critic(moved, nothing, actions)
    np.testing.assert_allclose(other.followers, one.followers[order], rtol=1e-5)
    np.testing.assert_allclose(other.leader, one.leader, rtol=1e-5)


def test_a_slots_rewards_are_linear_in_what_critics_see_whatever_pairs_send() -> None:
    """Also where they send more than the price asks for, up to seven times as much."""
    game = plain(3)
    price = [0.8, 2.0, 0.3, 1.1]
    asked = [scale / p for scale, p in zip(game["price_scale"], price, strict=True)]
    for excess in (0.2, 1.0, 3.0, 7.0):
        power = [min(excess * b, 5.0) for b in asked]
        actions = Actions(jnp.asarray(asked), jnp.asarray(power))
        seen = critic_features(arrays(game), jnp.zeros((N, 0)), actions, alone=False)
        rate, cellular, paid = (2.0 * np.asarray(seen)[:, i] for i in (3, 4, 7))
        per_pair = game["beta_f"] * game["scale"]
        for j in range(N):
            wanted = oracle.follower(game, price, power, j) / per_pair
            assert rate[j] - paid[j] == pytest.approx(wanted, rel=1e-4, abs=1e-5)
        revenue = game["beta_l"] / game["beta_f"] * paid.sum()
        wanted = oracle.leader(game, price, power) / UNIT
        assert (cellular.sum() + revenue) / N == pytest.approx(wanted, rel=1e-4)


def test_with_fixed_bounds_critics_see_the_payment_at_the_price_within_them() -> None:
    game = plain(3)
    limits = PriceLimits(jnp.float32(0.5), jnp.float32(2.0))
    bound = arrays(game)._replace(price_limits=limits)
    price, power = jnp.asarray([0.1, 1.0, 9.0, 2.0]), jnp.full(N, 1.5)
    asked = jnp.asarray(game["price_scale"]) / price
    seen = critic_features(bound, jnp.zeros((N, 0)), Actions(asked, power), alone=True)
    charged = np.asarray(paid_price(bound, price, power))
    wanted = charged * 1.5 / np.asarray(game["price_scale"])
    np.testing.assert_allclose(2.0 * seen[:, 7], wanted, rtol=1e-5)


def test_targets_and_weights_are_those_of_the_formulas() -> None:
    reward = Values(jnp.float32(1.0), jnp.asarray([0.5, 0.2]))
    future = Values(jnp.float32(4.0), jnp.asarray([1.0, 2.0]))
    going = continued(reward, future, 0.5, jnp.float32(0.0))
    assert (float(going.leader), going.followers.tolist()) == (
        3.0,
        [1.0, 1.2000000476837158],
    )
    ended = continued(reward, future, 0.5, jnp.float32(1.0))
    np.testing.assert_array_equal(ended.followers, reward.followers)
    assert float(mixed(reward, future, jnp.float32(0.25)).leader) == 1.75
    assert float(pessimistic(reward, future).followers[1]) == pytest.approx(0.2)
    steps = [float(fading_weight(0.8, 0.2, 100, jnp.int32(n))) for n in (0, 50, 400)]
    np.testing.assert_allclose(steps, [0.8, 0.5, 0.2], rtol=1e-6)
    assert float(fading_weight(0.8, 0.0, 0, jnp.int32(9))) == pytest.approx(0.8)
    kept = filtered(jnp.ones(2), jnp.asarray([2.0, 0.0]), jnp.asarray([1.0, 1.0]))
    assert kept.tolist() == [1.0, 0.0]


def test_slow_copies_move_by_the_rate() -> None:
    networks: Any = after_two_chunks()[1].networks
    moved = followed(networks, 0.25)
    old = networks.slow_policy.leader.embed.weight
    new = networks.policy.leader.embed.weight
    np.testing.assert_allclose(
        moved.slow_policy.leader.embed.weight, 0.75 * old + 0.25 * new, rtol=1e-4
    )


def test_replay_keeps_the_last_records_and_samples_only_those() -> None:
    ring = replay.empty(jnp.zeros(()), 5)
    ring = replay.add(ring, jnp.asarray([1.0, 2.0, 3.0]))
    early = replay.sample(jax.random.key(0), ring, 64)
    assert set(np.asarray(early).tolist()) == {1.0, 2.0, 3.0}
    ring = replay.add(ring, jnp.asarray([4.0, 5.0, 6.0]))
    assert sorted(np.asarray(ring.records).tolist()) == [2.0, 3.0, 4.0, 5.0, 6.0]
    assert (int(ring.filled), int(ring.position)) == (5, 1)


@pytest.mark.parametrize(
    ("settings", "kind", "words"),
    [
        ({"gamma": 1.0}, DomainError, "gamma"),
        ({"capacity": 10}, DomainError, "capacity"),
        ({"imitate": 0.1, "imitate_floor": 0.2}, DomainError, "imitate_floor"),
        ({"target": "modle"}, ConfigError, "target"),
    ],
)
def test_settings_outside_their_domain_are_refused(
    settings: Any, kind: Any, words: str
) -> None:
    with pytest.raises(kind, match=words):
        Matd3(**settings).learner(cell())


def test_the_leaders_actor_sees_followers_answer_unless_told_not_to() -> None:
    _, state, _ = after_two_chunks()
    networks: Any = state.networks

    def slope(reaction: bool) -> Any:
        learner = Matd3(**TINY, reaction=reaction).learner(cell())

        def loss(policy: Any) -> Any:
            return learner.actor_loss(
                policy,
                networks,
                jax.tree.map(lambda leaf: leaf[:8], state.replay.records),
                jnp.int32(0),
                jax.random.key(0),
            )

        return jax.jit(jax.grad(loss))(networks.policy)

    seen, blind = slope(True), slope(False)
    np.testing.assert_allclose(
        seen.followers.embed.weight, blind.followers.embed.weight, rtol=1e-4, atol=1e-7
    )
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(seen))
    gap = np.abs(np.asarray(seen.leader.embed.weight - blind.leader.embed.weight))
    assert gap.max() > 1e-5


def test_it_goes_on_from_a_file_to_the_same_bits(tmp_path: Path) -> None:
    assert_goes_on_to_the_same_bits(guided(), tmp_path / "one.checkpoint")
