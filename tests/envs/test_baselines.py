"""Baselines: sum-rate algorithms against plain loops, policies against their words."""

from __future__ import annotations

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from envs.cells import many_reset, many_seen_first, many_step, reset, standard
from oracles.sum_rate import fractional_programming, rates, wmmse

from stackelberg import envs
from stackelberg.envs import baselines
from stackelberg.errors import ConfigError
from stackelberg.spectrum import FixedPriceBounds, RadioModel, solve_batch

KEY = jax.random.key(17)
WMMSE = jax.jit(baselines.wmmse, static_argnums=1)
FP = jax.jit(baselines.fractional_programming, static_argnums=2)
SLOT_GAME = jax.jit(envs.slot_game)
FREE = RadioModel(min_power_w=0.0, follower_price_weight=0.3)
CELLS, SLOTS = 12, 6


def interference_channel(gain: np.ndarray, noise: float, high: float) -> Any:
    """Links that all share one channel, with no cellular user, as a slot's game."""
    own = np.diag(gain)
    n = len(own)
    ones, one = np.ones(n), np.float64(1.0)
    arrays: dict[str, Any] = dict(
        channel=np.zeros(n, np.int32),
        cellular_snr=np.zeros(1),
        bs_gain=ones,
        noise=noise / own,
        coupling=(gain * (1.0 - np.eye(n))).T / own[:, None],
        price_scale=ones,
        follower_price_weight=one,
        leader_revenue_weight=one,
        spend_scale=one / np.log(2.0),
        min_power_w=0.0 * ones,
        max_power_w=high * ones,
    )
    return envs.SlotGame(**arrays, price_limits=None)


def rayleigh(count: int, links: int) -> np.ndarray:
    return np.random.default_rng(3).exponential(size=(count, links, links))


@pytest.mark.parametrize(
    ("mine", "theirs"), [("wmmse", wmmse), ("fp", fractional_programming)]
)
def test_sum_rate_algorithms_are_those_of_plain_loops_and_never_fall(
    mine: str, theirs: Any
) -> None:
    with jax.enable_x64(True):
        for gain in rayleigh(3, 6):
            game = interference_channel(gain, 0.3, 1.0)
            noise, high = np.full(6, 0.3), np.ones(6)
            path = theirs(gain, noise, 0.0 * high, high, 25)
            value = [rates(gain, noise, power).sum() for power in path]
            assert np.all(np.diff(value) >= -1e-12)
            assert value[-1] > value[0]
            for rounds in (1, 2, 25):
                if mine == "wmmse":
                    power = WMMSE(game, rounds)
                else:
                    power = FP(game, None, rounds)
                np.testing.assert_allclose(power, path[rounds], atol=1e-6)
                assert float(baselines.sum_rate(game, power)) == pytest.approx(
                    value[rounds], rel=1e-9
                )


def test_cellular_users_count_as_links_of_fixed_power() -> None:
    with jax.enable_x64(True):
        params = standard(dtype="float64", radio=FREE)
        state = reset(KEY, params)
        channel = np.array([0, 0, 2, 2], np.int32)
        game = SLOT_GAME(state, params, channel)
        cell = envs.scenario_of(state, params, channel)
        # Links 0..3 are pairs, 4..6 cellular users; gains between channels are 0.
        gain = np.zeros((7, 7))
        on = np.concatenate([channel, np.arange(3)])
        for j in range(4):
            for k in range(4):
                if on[j] == on[k]:
                    cross = cell.gain_d2d_to_d2d[on[j], k, j]
                    gain[k, j] = cell.gain_d2d[on[j], j] if j == k else cross
            gain[j, 4 + on[j]] = cell.gain_d2d_to_bs[on[j], j]
            gain[4 + on[j], j] = cell.gain_cellular_to_d2d[on[j], j]
        for m in range(3):
            gain[4 + m, 4 + m] = cell.gain_cellular_to_bs[m]
        low = np.concatenate([np.zeros(4), cell.cellular_power_w])
        high = np.concatenate([np.full(4, cell.max_power_w), cell.cellular_power_w])
        noise = np.full(7, cell.noise_power_w)
        path = wmmse(gain, noise, low, high, 30)
        power = WMMSE(game, 30)
        np.testing.assert_allclose(
            power, path[30][:4], rtol=1e-6, atol=1e-9 * cell.max_power_w
        )
        total = cell.bandwidth_hz * rates(gain, noise, path[30]).sum()
        assert float(baselines.sum_rate(game, power)) == pytest.approx(total, rel=1e-8)


# Mean sum rates, b/s/Hz, by the rule of Sun et al. (2018): see `published_instances`.
PUBLISHED = {10: 2.792, 30: 4.124}


def published_instances(users: int) -> np.ndarray:
    """The 1,000 channels of their Table I as their program draws them: unit powers and
    noise, Rayleigh fading, NumPy's generator with seed 7 (github.com/Haoran-S/TSP-DNN,
    test.py). There WMMSE begins at full power and stops once a round gains less than
    1e-3 b/s/Hz, at the latest after 100.
    """
    draw = np.random.RandomState(7)
    parts = draw.randn(1000, 2, users, users)
    return (parts**2).sum(axis=1).swapaxes(1, 2) / 2.0


@pytest.mark.parametrize("users", PUBLISHED)
def test_sum_rates_of_the_published_setting(users: int) -> None:
    with jax.enable_x64(True):
        games = jax.tree.map(
            lambda *leaves: np.stack(leaves),
            *[interference_channel(g, 1.0, 1.0) for g in published_instances(users)],
        )
        power = jax.jit(jax.vmap(baselines.wmmse))(games)
        rate = jax.jit(jax.vmap(baselines.sum_rate))
        best = float(np.mean(rate(games, power)))
        loud = float(np.mean(rate(games, jnp.asarray(games.max_power_w))))
    # All 100 rounds gain a little more than stopping early.
    assert PUBLISHED[users] <= best <= 1.006 * PUBLISHED[users]
    assert loud < 0.55 * best


@cache
def begun(**settings: Any) -> tuple[envs.EnvParams, Any, Any]:
    """A few cells before their first slot, with late channel state."""
    late = {"radio": FREE, "information": envs.delayed(1)}
    params = standard(**{**late, **settings})
    states = many_reset(jax.random.split(KEY, CELLS), params)
    return params, states, many_seen_first(states, params)


@cache
def acting(name: str, **settings: Any) -> Any:
    """A baseline in all these cells at once, compiled."""
    params, _, _ = begun(**settings)
    return jax.jit(jax.vmap(baselines.make_baseline(name, params)))


@cache
def rolled_out(name: str, slots: int = SLOTS, **settings: Any) -> tuple[Any, Any, Any]:
    """The cells over a few slots: states and results [cell, slot], in NumPy."""
    params, state, seen = begun(**settings)
    act = acting(name, **settings)
    rows: list[Any] = []
    for key in jax.random.split(KEY, slots):
        keys = jax.random.split(key, CELLS)
        result = many_step(keys, state, act(keys, seen, state), params)
        rows.append(jax.device_get((state, result)))
        state, seen = result.state, result.observation
    states, results = jax.tree.map(lambda *leaves: np.stack(leaves, axis=1), *rows)
    return params, states, results


def at(tree: Any, *index: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf[index], tree)


@pytest.mark.parametrize("name", ["random", "full_power", "greedy_sinr", "wmmse"])
def test_simple_policies_keep_the_rules(name: str) -> None:
    params, states, results = rolled_out(name)
    power = results.outcome.transmit_power_w
    most = float(params.radio.max_power_w)
    assert np.all(power <= np.float32(most))
    assert np.all(np.isfinite(results.leader_reward))
    if name in ("full_power", "greedy_sinr"):
        assert np.all(power == np.float32(most))
    if name == "wmmse":  # at the prices its powers imply nobody wants another power
        _, lost = judged(states, results.outcome, params)
        assert lost.max() <= 1e-4 * results.outcome.d2d_rate_bps.max()


def judged(states: Any, outcome: Any, params: envs.EnvParams) -> Any:
    """The leader's utility once pairs are at equilibrium, and each pair's regret."""
    flat = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), (states, outcome))
    return jax.device_get(_judged(*flat, params))


@jax.jit
def _judged(states: Any, outcomes: Any, params: envs.EnvParams) -> Any:
    def one(state: Any, out: Any) -> Any:
        game = envs.slot_game(state, params, out.channel)
        regret = envs.follower_regret(game, out.reuse_price, out.transmit_power_w)
        return envs.re_equilibrated_utility(game, out.reuse_price), regret

    return jax.vmap(one)(states, outcomes)


def test_equilibria_on_less_information_earn_less() -> None:
    params, states, results = rolled_out("equilibrium")
    best, _ = judged(states, results.outcome, params)
    np.testing.assert_allclose(best, results.leader_reward.ravel(), rtol=1e-4)
    for name in ("equilibrium_reported", "equilibrium_local"):
        _, states, results = rolled_out(name)
        other, _ = judged(states, results.outcome, params)
        assert np.all(other <= best * (1.0 + 1e-3))
        assert other.mean() < best.mean() * (1.0 - 1e-3)


def test_the_printed_rule_is_the_solver_s() -> None:
    params, states, results = rolled_out("published")
    cells = [
        envs.scenario_of(at(states, i, 0), params, states.memory.channel[i, 0])
        for i in range(CELLS)
    ]
    for i, answer in enumerate(solve_batch(cells, "published", max_boxes=10)):
        assert float(results.leader_reward[i, 0]) == pytest.approx(
            answer.value.leader_utility, rel=2e-4
        )


def test_exhaustive_is_the_best_of_all_allocations() -> None:
    """In every slot: the true world does not depend on what was played before."""
    slots = 3
    _, _, best = rolled_out("exhaustive", slots)
    most = best.leader_reward * (1.0 + 1e-4)
    for name in ("published", "wmmse", "fractional_programming"):
        _, _, other = rolled_out(name)
        assert np.all(other.leader_reward[:, :slots] <= most)
        total = [
            run.outcome.d2d_rate_bps[:, :slots].sum()
            + run.outcome.cellular_rate_bps[:, :slots].sum()
            for run in (best, other)
        ]
        if name == "fractional_programming":
            assert total[1] > total[0]


def test_policies_know_nothing_but_what_they_say() -> None:
    """The same observations, another true channel: the same action."""
    _, states, seen = begun()
    keys = jax.random.split(KEY, CELLS)
    gains = states.world.gains._replace(d2d=3.0 * states.world.gains.d2d)
    others = states._replace(world=states.world._replace(gains=gains))
    blind = ("random", "full_power", "greedy_sinr", "equilibrium_local")
    for name in (*blind, "wmmse", "water_filling"):
        kind = baselines.BASELINES[name]
        act = acting(name)
        one, two = act(keys, seen, states), act(keys, seen, others)
        same = np.isclose(one.reuse_price, two.reuse_price, rtol=1e-6).all(axis=1)
        assert np.all(same == (name in blind))
        assert np.all(same == (kind.reads == "observations"))


def test_fixed_price_bounds_and_prices_per_channel() -> None:
    radio = RadioModel(
        follower_price_weight=0.3,
        price_bounds=FixedPriceBounds(np.full(4, 3e15), np.full(4, 3e17)),
    )
    settings = {"radio": radio, "price_per_channel": True}
    _, _, results = rolled_out("equilibrium_local", 2, **settings)
    price = results.outcome.reuse_price
    assert np.all((price >= 2.99e15) & (price <= 3.01e17))


def test_conjectured_gains_are_the_geometric_means_of_cells() -> None:
    with jax.enable_x64(True):
        params = standard(dtype="float64", num_pairs=8)
        usual = jax.jit(baselines.typical_gains)(params)
        worlds = many_reset(jax.random.split(KEY, 400), params).world.gains
        fading = np.exp(-np.euler_gamma)
        own = np.exp(np.log(np.asarray(worlds.d2d)).mean()) * fading
        cross = np.asarray(worlds.d2d_to_d2d)
        others = np.exp(np.log(cross[cross > 0.0]).mean()) * fading
    # Standard error of a mean logarithm: 0.1 nepers at the most.
    assert np.log(float(usual.own) / own) == pytest.approx(0.0, abs=0.3)
    assert np.log(float(usual.cross) / others) == pytest.approx(0.0, abs=0.5)


def test_unknown_and_too_large_baselines_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"name: .*did you mean 'wmmse'"):
        baselines.make_baseline("wmse", standard())
    with pytest.raises(ConfigError, match=r"params: .*25\^25"):
        baselines.make_baseline("exhaustive", envs.make_params())
