"""What `evaluate` says of a policy, against the same episodes played one by one."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learning.tiny import TinyPolicy

from stackelberg import envs
from stackelberg.learning.evaluation import METRICS, Evaluation, evaluate
from stackelberg.learning.simple_policies import SIMPLE
from stackelberg.spectrum.radio import RadioModel

SEED, EPISODES, SLOTS = 11, 3, 4


@cache
def cell(**settings: Any) -> envs.EnvParams:
    sizes: dict[str, Any] = {"num_channels": 2, "num_pairs": 3}
    radio = RadioModel(min_power_w=0.0, follower_price_weight=0.3)
    return envs.make_params(radio=radio, **{**sizes, **settings})


@cache
def with_queues() -> envs.EnvParams:
    return cell(queues=envs.Queues(packet_bits=5e4, deadline_slots=2))


@cache
def judged(name: str) -> Evaluation:
    policy: Any = {**SIMPLE, "tiny": TinyPolicy(jnp.log(jnp.float32(0.05)))}[name]
    return evaluate(policy, with_queues(), seed=SEED, episodes=EPISODES, slots=SLOTS)


def test_every_metric_is_that_of_the_episodes_played_one_by_one() -> None:
    params = replace(with_queues(), equilibrium="bilevel")
    policy = TinyPolicy(jnp.log(jnp.float32(0.05)))
    total: dict[str, float] = {}

    def add(name: str, value: Any) -> None:
        total[name] = total.get(name, 0.0) + float(np.sum(np.asarray(value)))

    step = jax.jit(envs.step)
    for key in jax.random.split(jax.random.key(SEED), EPISODES):
        state = jax.jit(envs.reset)(key, params)
        for _ in range(SLOTS):
            price = policy.act_leader(envs.observe_leader(state, params), params)
            seen = envs.observe_followers(state, price, params)
            action = envs.Action(price, *policy.act_followers(seen, params))
            after = step(key, state, action, params)
            state, outcome, info = after.state, after.outcome, after.info
            assert info is not None
            add("leader", outcome.leader_utility)
            add("silent", info.equilibrium.silent_utility)
            add("best", info.equilibrium.leader_utility)
            add("missed", info.leader_regret)
            add("follower", outcome.follower_utility)
            add("reward", after.follower_reward)
            add("regret", info.follower_regret)
            add("d2d", outcome.d2d_rate_bps)
            add("cellular", outcome.cellular_rate_bps)
            below = 10.0 * np.log10(np.asarray(outcome.cellular_sinr)) < 5.0
            add("outage", below)
            add("served", after.served_bits)
            add("expired", after.expired_bits)
    played = EPISODES * SLOTS
    worth = total["best"] - total["silent"]
    expected = {
        "gain": (total["leader"] - total["silent"]) / worth,
        "re_equilibrated_gain": 1.0 - total["missed"] / worth,
        "follower_regret": total["regret"] / (total["d2d"] + total["regret"]),
        "leader_regret": total["missed"] / total["best"],
        "leader_utility_bps": total["leader"] / played,
        "follower_utility_bps": total["follower"] / played / 3,
        "follower_reward_bps": total["reward"] / played / 3,
        "sum_rate_bps": (total["d2d"] + total["cellular"]) / played,
        "cellular_outage": total["outage"] / played / 2,
        "deadline_misses": total["expired"] / (total["served"] + total["expired"]),
        "equilibrium_found": 1.0,
    }
    found = judged("tiny").metrics()
    assert found.keys() == expected.keys() == METRICS.keys()
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=2e-4, abs=1e-5), name
    assert 0.0 < expected["deadline_misses"] < 1.0
    assert expected["follower_reward_bps"] < 0.9 * expected["follower_utility_bps"]
    assert 0.0 < expected["follower_regret"] < 1.0


def test_the_same_call_gives_the_same_bits() -> None:
    params = with_queues()
    again = evaluate(
        SIMPLE["random"], params, seed=SEED, episodes=EPISODES, slots=SLOTS
    )
    assert np.array_equal(again.leader_utility, judged("random").leader_utility)
    other = evaluate(
        SIMPLE["random"], params, seed=SEED + 1, episodes=EPISODES, slots=SLOTS
    )
    assert not np.array_equal(other.leader_utility, again.leader_utility)


def test_policies_meet_the_same_worlds() -> None:
    for name in ("silent", "full_power", "random"):
        found, beside = judged(name), judged("tiny")
        np.testing.assert_allclose(
            found.equilibrium_utility, beside.equilibrium_utility, rtol=1e-5
        )


def test_silence_earns_nothing_and_full_power_lets_no_follower_down() -> None:
    silent, loud = judged("silent").metrics(), judged("full_power").metrics()
    assert silent["gain"] == pytest.approx(0.0, abs=1e-4)
    assert silent["re_equilibrated_gain"] == pytest.approx(0.0, abs=1e-3)
    assert silent["leader_regret"] is not None and silent["leader_regret"] > 0.01
    assert silent["deadline_misses"] == 1.0
    assert loud["follower_regret"] == pytest.approx(0.0, abs=1e-4)
    assert loud["gain"] is not None and loud["gain"] < 0.0


def test_prices_drawn_at_random_differ_from_slot_to_slot_and_pair_to_pair() -> None:
    params = cell()
    reset, seen = jax.jit(envs.reset), jax.jit(envs.observe_followers)
    states = [reset(jax.random.key(i), params) for i in range(2)]
    asked = [
        np.asarray(
            SIMPLE["random"].act_followers(seen(s, jnp.ones(3), params), params)[1]
        )
        for s in states
    ]
    assert len(np.unique(np.concatenate(asked))) == 6
    assert np.all(np.concatenate(asked) <= params.radio.max_power_w)


def test_without_queues_no_deadline_is_missed_or_kept() -> None:
    found = judged("tiny")._replace(queues=False)
    assert found.metrics()["deadline_misses"] is None
    assert found.metrics()["follower_reward_bps"] is None


def test_episodes_are_told_apart() -> None:
    found = judged("tiny")
    rates = [one["sum_rate_bps"] for one in found.by_episode()]
    assert len(set(rates)) == EPISODES
    assert np.mean(np.array(rates)) == pytest.approx(found.metrics()["sum_rate_bps"])
