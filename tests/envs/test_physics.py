"""What simulators get wrong: seeds, SINR above SNR, float32, batches, endings."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from envs.cells import actions, play, reset, standard

from stackelberg import envs

KEY = jax.random.key(21)


def leaves_equal(one: Any, other: Any) -> bool:
    same = jax.tree.map(lambda a, b: bool(np.array_equal(a, b)), one, other)
    return all(jax.tree.leaves(same))


def test_sinr_never_exceeds_snr_and_seeds_decide_everything() -> None:
    params = standard()
    plan = actions(2, 40, params)
    results = play(reset(KEY, params), plan, params)
    outcome = results[1].outcome
    heard = np.asarray(outcome.d2d_interference_w, np.float64)
    noise = float(params.radio.noise_power_w)
    snr = np.asarray(outcome.d2d_sinr) * (heard + noise) / noise
    assert np.all(outcome.d2d_sinr <= snr * (1.0 + 1e-6))
    assert np.all(heard > 0.0)
    assert leaves_equal(results, play(reset(KEY, params), plan, params))
    other = play(reset(jax.random.key(22), params), plan, params)
    rates = np.asarray(outcome.d2d_rate_bps)
    assert np.all(rates != np.asarray(other[1].outcome.d2d_rate_bps))


def test_actions_leave_the_world_and_an_exogenous_future_alone() -> None:
    for settings in ({}, {"switching_loss": 0.5}):
        params = standard(**settings)
        same = actions(3, 8, params)
        ends: list[Any] = []
        for seed in (4, 5):  # two beginnings, then the same actions
            early = actions(seed, 8, params)
            plan = jax.tree.map(
                lambda begun, late: jnp.concatenate([begun[:4], late[4:]]), early, same
            )
            # One beginning leaves pairs on the channels they use next, one does not.
            before = (same.channel[4] + (seed - 4)) % params.num_channels
            plan = plan._replace(channel=plan.channel.at[3].set(before))
            ends.append(play(reset(KEY, params), plan, params))
        (states, one), (others, two) = ends
        assert leaves_equal(states.world, others.world)
        rewards_agree = np.array_equal(one.follower_reward[4:], two.follower_reward[4:])
        assert params.exogenous == rewards_agree


def test_float32_rates_at_50_pairs_are_those_of_float64() -> None:
    def rates(dtype: str, trace: envs.Trace | None) -> np.ndarray:
        params = envs.make_params(num_channels=5, num_pairs=50, dtype=dtype)
        if trace is not None:
            params = envs.replay(params, trace)
        outcome = play(reset(KEY, params), actions(6, 20, params), params)[1].outcome
        both = [outcome.d2d_rate_bps, outcome.cellular_rate_bps]
        return np.concatenate([np.asarray(r, np.float64) for r in both], -1) / 180e3

    with jax.enable_x64(True):
        exact = envs.make_params(num_channels=5, num_pairs=50, dtype="float64")
        trace = envs.record(KEY[None], exact, 20)
        double = rates("float64", trace)
        np.testing.assert_allclose(double, rates("float64", None), rtol=1e-9)
    single = rates("float32", trace)
    assert np.abs(single - double).max() < 1e-3
    # Drawing the places and shadows themselves in float32 moves rates a little more.
    assert np.abs(rates("float32", None) - double).max() < 1e-2


def test_a_batch_resets_those_who_are_done_and_keeps_what_they_saw_last() -> None:
    params = standard(auto_reset=True, horizon_slots=3)
    keys = jax.random.split(KEY, 4)
    states = jax.jit(jax.vmap(envs.reset, in_axes=(0, None)))(keys, params)
    states = states._replace(slot=jnp.asarray([2, 0, 2, 1], jnp.int32))
    action = jax.tree.map(lambda leaf: leaf[:4], actions(7, 4, params))
    fresh = jax.random.split(jax.random.key(99), 4)
    run = jax.jit(jax.vmap(envs.step, in_axes=(0, 0, 0, None)))
    result = run(fresh, states, action, params)
    assert result.truncated.tolist() == [True, False, True, False]
    assert not result.terminated.any()
    assert result.state.slot.tolist() == [0, 1, 0, 2]
    for member in range(4):
        mine = jax.tree.map(lambda leaf, at=member: leaf[at], result)
        seen, last = mine.observation.leader, mine.final_observation.leader
        if mine.truncated:
            begun = reset(fresh[member], params)
            assert leaves_equal(mine.state.world.seed, begun.world.seed)
            np.testing.assert_allclose(
                mine.state.world.gains.d2d, begun.world.gains.d2d, rtol=1e-4
            )
            assert np.all(mine.state.memory.transmit_power_w == 0.0)
            assert np.all(seen.cellular_to_bs != last.cellular_to_bs)
        else:
            assert leaves_equal(seen, last)


def test_rewards_are_differentiable_in_powers_and_prices() -> None:
    params = standard()
    state = reset(KEY, params)
    action = jax.tree.map(lambda leaf: leaf[0], actions(8, 1, params))

    @jax.jit
    def slopes(power: jax.Array) -> jax.Array:
        def leader(power: jax.Array) -> jax.Array:
            chosen = action._replace(transmit_power_w=power)
            return envs.step(KEY, state, chosen, params).leader_reward

        return jax.grad(leader)(power)

    found = slopes(action.transmit_power_w)
    assert np.all(np.isfinite(found))
    assert np.any(np.asarray(found) != 0.0)
