"""Gymnasium and PettingZoo: their own test suites, and the core's numbers."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from envs.cells import observe_leader, recorded, reset, standard, step
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from pettingzoo.test import (
    api_test,
    parallel_api_test,
    parallel_seed_test,
    seed_test,
)

from stackelberg import envs, spectrum
from stackelberg.envs import faces
from stackelberg.envs.faces.single import key_of
from stackelberg.envs.reply import equilibrium_reply, price_alone
from stackelberg.errors import ConfigError, DomainError, InputError
from stackelberg.units import from_dbm

# Without types, so that they may be given what is wrong.
Leader: Any = faces.LeaderEnv
Pair: Any = faces.FollowerEnv
Parallel: Any = faces.CellParallel
REPLY, PRICE_ALONE = jax.jit(equilibrium_reply), jax.jit(price_alone)
QUEUES = envs.Queues()
SMALL = {"num_channels": 2, "num_pairs": 3, "horizon_slots": 6}


@pytest.fixture(scope="module")
def params() -> envs.EnvParams:
    """Two channels, three pairs with queues, six slots; recorded gains compile soon."""
    draw = np.random.default_rng(0)

    def drawn(*shape: int) -> jax.Array:
        return jnp.asarray(10.0 ** draw.uniform(-13.0, -10.0, shape), jnp.float32)

    recorded = envs.Gains(
        cellular_to_bs=drawn(1, 2),
        d2d=1e3 * drawn(1, 3),
        d2d_to_bs=drawn(1, 3).at[0, 0].set(1e-5),
        cellular_to_d2d=drawn(1, 2, 3),
        d2d_to_d2d=drawn(1, 3, 3),
    )
    return envs.make_params(
        num_channels=2,
        num_pairs=3,
        horizon_slots=6,
        queues=QUEUES,
        gains=envs.GainTrace(recorded),
    )


def first_key(seed: int) -> jax.Array:
    """The key of the first episode after `reset(seed=seed)`."""
    return key_of(np.random.default_rng(seed))


def test_pettingzoo_accepts_the_cycle(
    params: envs.EnvParams, capsys: pytest.CaptureFixture[str]
) -> None:
    api_test(faces.CellAEC(params), num_cycles=20)
    assert "Passed API test" in capsys.readouterr().out
    seed_test(lambda: faces.CellAEC(params), num_cycles=8)


def test_pettingzoo_accepts_the_parallel_face(
    params: envs.EnvParams, capsys: pytest.CaptureFixture[str]
) -> None:
    parallel_api_test(faces.CellParallel(params), num_cycles=20)
    assert "Passed Parallel API test" in capsys.readouterr().out
    parallel_seed_test(lambda: faces.CellParallel(params), num_cycles=8)


@pytest.mark.parametrize("kind", [faces.LeaderEnv, faces.FollowerEnv])
def test_gymnasium_accepts_the_environment(kind: Any, params: envs.EnvParams) -> None:
    env = kind(params, render_mode="ansi")
    check_env(env)
    env.step(env.action_space.sample())
    assert env.render().startswith("slot ")
    with pytest.raises(gymnasium.error.ResetNeeded, match="call reset"):
        kind(params).step(env.action_space.sample())


def test_the_cycle_plays_the_core_leader_first(params: envs.EnvParams) -> None:
    env = faces.CellAEC(params, same_observation_spaces=False, actions="tuple")
    env.reset(seed=5)
    state = reset(first_key(5), params)
    for slot in range(3):
        prices = np.full((1, 3), 38.0 + slot, np.float32)
        assert env.agent_selection == "leader_0"
        env.step(prices)
        for j in range(3):
            seen, *_ = env.last()
            names = env.observation_names[f"follower_{j}"]
            assert seen is not None
            assert seen[names.index("log_reuse_price")] == pytest.approx(38.0 + slot)
            env.step((j % 2, np.float32(5.0 * j)))
        played = envs.Action(
            jnp.exp(jnp.asarray(prices[0])),
            jnp.asarray([0, 1, 0]),
            jnp.asarray(from_dbm(np.array([0.0, 5.0, 10.0])), jnp.float32),
        )
        result = step(jax.random.key(0), state, played, params)
        state = result.state
        assert env.rewards["leader_0"] == pytest.approx(
            float(result.leader_reward), rel=1e-5
        )
        np.testing.assert_allclose(
            [env.rewards[f"follower_{j}"] for j in range(3)],
            result.follower_reward,
            rtol=1e-4,
        )


def test_the_parallel_face_lags_one_price_behind(params: envs.EnvParams) -> None:
    env, cycle = faces.CellParallel(params), faces.CellAEC(params)
    env.reset(seed=5)
    cycle.reset(seed=5)
    names = env.observation_names["follower_1"]
    assert names[-1].startswith("padding") != env.observation_names["leader_0"][
        -1
    ].startswith("padding")
    where = names.index("log_reuse_price")
    for slot in range(6):
        actions: dict[str, Any] = {"leader_0": np.full((1, 3), 36.0 + slot, np.float32)}
        actions |= {
            f"follower_{j}": np.array([1, 3.0 + j], np.float32) for j in range(3)
        }
        seen, rewards, _, truncated, _ = env.step(actions)
        for agent in cycle.agents:
            cycle.step(actions[agent])
        assert rewards == cycle.rewards
        assert seen["follower_1"][where] == pytest.approx(36.0 + slot)
        assert env.observation_space("follower_1").contains(seen["follower_1"])
        assert truncated["leader_0"] is (slot == 5)
    assert env.agents == []
    assert all(cycle.truncations.values())


def test_followers_answer_the_leader_by_their_equilibrium(
    params: envs.EnvParams,
) -> None:
    env = faces.LeaderEnv(params)
    seen, _ = env.reset(seed=3)
    state = reset(first_key(3), params)
    gains = observe_leader(state, params).cellular_to_bs
    where = env.observation_names.index("cellular_to_bs_db[0]")
    np.testing.assert_allclose(
        seen[where : where + 2], 10.0 * np.log10(gains), rtol=1e-5
    )
    prices = jnp.asarray([36.0, 37.0, 38.0], jnp.float32)
    reply = REPLY(state, jnp.exp(prices), params)
    result = step(
        jax.random.key(0), state, envs.Action(jnp.exp(prices), *reply), params
    )
    _, reward, terminated, truncated, info = env.step(np.asarray(prices)[None])
    assert reward == pytest.approx(float(result.leader_reward), rel=1e-5)
    assert (terminated, truncated) == (False, False)
    assert info["leader_utility_bps"] == reward
    assert info["d2d_sum_rate_bps"] == pytest.approx(
        float(result.outcome.d2d_rate_bps.sum()), rel=1e-4
    )


def test_the_reply_is_an_equilibrium_and_no_pair_alone_prefers_another_channel() -> (
    None
):
    with jax.enable_x64(True):
        wide = standard(num_channels=3, num_pairs=6, dtype="float64")
        state = reset(jax.random.key(1), wide)
        price = PRICE_ALONE(state, wide)
        channel, power = REPLY(state, price, wide)
        scenario = envs.scenario_of(state, wide, channel)
    answer = spectrum.follower_power(scenario, price, power)
    np.testing.assert_allclose(power, answer, rtol=1e-8)
    for j in range(6):
        others = np.arange(6) != j
        alone = [
            _utility_alone(scenario, np.asarray(price), j, i, others) for i in range(3)
        ]
        assert int(np.argmax(alone)) == int(channel[j])


def _utility_alone(
    scenario: Any, price: np.ndarray, j: int, channel: int, others: np.ndarray
) -> float:
    """Best utility of pair j on a channel that it has for itself, on a fine grid."""
    s = scenario
    own = np.broadcast_to(s.gain_d2d, (s.num_channels, s.num_pairs))[channel, j]
    to_bs = np.broadcast_to(s.gain_d2d_to_bs, (s.num_channels, s.num_pairs))
    gain = to_bs[channel, j]
    heard = s.cellular_power_w[channel] * s.gain_cellular_to_d2d[channel, j]
    unit = (s.noise_power_w + heard) / own
    power = np.geomspace(s.min_power_w, s.max_power_w, 20_001)
    rate = s.bandwidth_hz * np.log2(1.0 + power / unit)
    most = s.spend_scale / (gain * (s.min_power_w + unit))
    paid = s.follower_price_weight * min(price[j], most) * gain * power
    assert others.sum() == s.num_pairs - 1
    return float((rate - paid).max())


def test_a_price_for_a_pair_alone_is_the_best_there_is() -> None:
    with jax.enable_x64(True):
        one = standard(num_channels=1, num_pairs=1, dtype="float64")
        state = reset(jax.random.key(4), one)
        price = float(PRICE_ALONE(state, one)[0])
        scenario = envs.scenario_of(state, one, [0])
    s, gain = scenario, float(scenario.gain_d2d_to_bs.ravel()[0])
    heard = s.noise_power_w + s.cellular_power_w[0] * s.gain_cellular_to_d2d[0, 0]
    unit = heard / float(s.gain_d2d.ravel()[0])

    def utility(power: Any) -> Any:
        received = s.cellular_power_w[0] * s.gain_cellular_to_bs[0]
        rate = np.log2(1.0 + received / (s.noise_power_w + gain * power))
        paid = s.spend_scale * power / (power + unit)
        return s.bandwidth_hz * rate + s.leader_revenue_weight * paid

    best = utility(np.geomspace(s.min_power_w, s.max_power_w, 100_001)).max()
    assert utility(s.spend_scale / (price * gain) - unit) == pytest.approx(best, 2e-3)


def test_a_follower_decides_for_itself_alone(params: envs.EnvParams) -> None:
    env = faces.FollowerEnv(params, pair=2)
    boxed = faces.FollowerEnv(params, pair=2, actions="box")
    env.reset(seed=3)
    boxed.reset(seed=3)
    state = reset(first_key(3), params)
    price = PRICE_ALONE(state, params)
    channel, power = REPLY(state, price, params)
    action = envs.Action(
        price, channel.at[2].set(1), power.at[2].set(float(from_dbm(7.0)))
    )
    result = step(jax.random.key(0), state, action, params)
    _, reward, *_ = env.step((1, np.float32(7.0)))
    _, same, *_ = boxed.step(np.array([1.2, 7.0], np.float32))
    assert reward == pytest.approx(float(result.follower_reward[2]), rel=1e-4)
    assert same == reward


def test_others_may_play_any_policy(params: envs.EnvParams) -> None:
    def loud(key: Any, seen: envs.Observation, state: envs.State) -> envs.Action:
        """All on the channel of their strongest gain, at 100 mW."""
        del state
        drawn = jax.random.uniform(key, (3,))
        channel = seen.followers.own.argmax(axis=1)
        return envs.Action(1e12 * (1.0 + drawn), channel, jnp.full(3, 0.1))

    leader = faces.LeaderEnv(params, policy=loud)
    leader.reset(seed=1)
    leader.step(leader.action_space.sample())
    np.testing.assert_allclose(leader.state.memory.transmit_power_w, 0.1)
    pair = faces.FollowerEnv(params, policy=loud)
    seen, _ = pair.reset(seed=1)
    price = seen[pair.observation_names.index("log_reuse_price")]
    assert np.log(1e12) <= price <= np.log(2e12)
    pair.step((0, np.float32(0.0)))
    np.testing.assert_allclose(
        pair.state.memory.transmit_power_w, [1e-3, 0.1, 0.1], rtol=1e-5
    )
    assert np.log(pair.state.memory.reuse_price[0]) == pytest.approx(price, abs=1e-4)


def test_the_vector_face_is_the_single_one_many_times(params: envs.EnvParams) -> None:
    env = faces.LeaderVectorEnv(3, params, autoreset_mode="SameStep")
    assert env.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    begun, _ = env.reset(seed=8)
    again, _ = env.reset(seed=8)
    np.testing.assert_array_equal(begun, again)
    keys = jax.random.split(first_key(8), 3)
    one = reset(keys[1], params)
    seen, info = begun, {}
    for slot in range(6):
        acted = np.full((3, 1, 3), 37.0 + slot, np.float32)
        price = jnp.exp(jnp.asarray(acted[1, 0]))
        reply = REPLY(one, price, params)
        result = step(jax.random.key(0), one, envs.Action(price, *reply), params)
        seen, reward, terminated, truncated, info = env.step(acted)
        one = result.state
        assert reward[1] == pytest.approx(float(result.leader_reward), rel=1e-4)
        assert not terminated.any()
        assert truncated.all() == (slot == 5)
    assert env.observation_space.contains(seen)
    assert info["_final_obs"].tolist() == [True] * 3
    at = [
        env.observation_names.index(f"cellular_interference_dbm[{i}]") for i in (0, 1)
    ]
    last = np.stack(info["final_obs"])
    # A new episode has heard nothing yet.
    assert np.all(last[:, at].max(axis=1) > seen[:, at].max(axis=1) + 3.0)
    assert int(env._turn.state.slot[0]) == 0  # type: ignore[union-attr]


def test_the_next_step_begins_anew_and_pays_nothing(params: envs.EnvParams) -> None:
    env = faces.FollowerVectorEnv(2, params)
    assert env.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    env.reset(seed=8)
    env.action_space.seed(0)
    ends = [env.step(env.action_space.sample()) for _ in range(8)]
    assert [bool(end[3].all()) for end in ends] == [slot == 5 for slot in range(8)]
    assert np.all(ends[6][1] == 0.0)
    assert np.all(ends[7][1] != 0.0)
    assert not ends[6][4]["_leader_utility_bps"].any()


def test_the_caller_may_reset_what_has_ended(params: envs.EnvParams) -> None:
    env = faces.LeaderVectorEnv(3, params, autoreset_mode="Disabled")
    before, _ = env.reset(seed=8)
    fresh, _ = env.reset(options={"reset_mask": np.array([True, False, False])})
    assert np.all(fresh[1:] == before[1:])
    assert np.any(fresh[0] != before[0])
    for _ in range(6):
        env.step(np.zeros((3, 1, 3), np.float32))
    with pytest.raises(gymnasium.error.ResetNeeded, match="whose episode ended"):
        env.step(np.zeros((3, 1, 3), np.float32))
    with pytest.raises(ConfigError, match="reset_mask: expected 3 booleans"):
        env.reset(options={"reset_mask": [1, 0]})


def test_relative_prices_are_what_a_pair_wants_to_pay(params: envs.EnvParams) -> None:
    env = faces.LeaderEnv(params, prices="relative")
    env.reset(seed=2)
    before = env.state
    assert isinstance(env.action_space, gymnasium.spaces.Box)
    low, high = env.action_space.low.min(), env.action_space.high.max()
    assert low < -np.log(0.2) < -np.log(1e-3) < high
    env.step(np.full((1, 3), 4.0, np.float32))
    gain = observe_leader(before, params).d2d_to_bs.mean(axis=0)
    wanted = np.exp(4.0) * float(params.radio.spend_scale) / gain
    np.testing.assert_allclose(env.state.memory.reuse_price, wanted, rtol=1e-4)


def test_names_say_what_every_entry_is() -> None:
    everything = recorded(
        **SMALL, information=envs.full(), queues=QUEUES, batteries=envs.Batteries()
    )
    env = faces.CellParallel(everything, same_observation_spaces=False)
    seen, _ = env.reset(seed=0)
    for agent in env.agents:
        names = env.observation_names[agent]
        assert len(set(names)) == len(names) == len(seen[agent])
        assert env.observation_space(agent).contains(seen[agent])
    names = env.observation_names["follower_0"]
    assert names[:4] == ["own_db[0]", "own_db[1]", "to_bs_db[0]", "to_bs_db[1]"]
    assert seen["follower_0"][names.index("energy_share")] == 1.0
    state = reset(first_key(0), everything)
    shared = observe_leader(state, everything).everything
    assert shared is not None
    assert seen["follower_2"][names.index("all_d2d_to_d2d_db[1][0][2]")] == (
        pytest.approx(10.0 * np.log10(shared.d2d_to_d2d[1, 0, 2]), rel=1e-5)
    )


def test_a_hybrid_box_holds_whole_channels_only() -> None:
    space = faces.ChannelAndPower(4, (0.0, 23.0))
    space.seed(1)
    drawn = np.array([space.sample() for _ in range(400)])
    assert set(drawn[:, 0]) == {0.0, 1.0, 2.0, 3.0}
    assert space.contains(drawn[0])
    assert not space.contains(np.array([1.5, 3.0], np.float32))
    assert not space.contains(np.array([1.0, 24.0], np.float32))
    assert space == faces.ChannelAndPower(4, (0.0, 23.0))
    assert space != faces.ChannelAndPower(5, (0.0, 23.0))
    assert faces.ChannelAndPower(1, (0.0, 9.0)).sample()[0] == 0.0


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (
            lambda p: Pair(p, pair=3),
            DomainError,
            "pair: expected .* 0 to 2",
        ),
        (lambda p: Pair(p, actions="boxx"), ConfigError, "did you mean"),
        (lambda p: Leader(p, prices=1), ConfigError, "prices: expected"),
        (lambda p: Leader(p, render_mode="human"), ConfigError, "render_mode"),
        (lambda p: faces.CellAEC(p, render_mode="x"), ConfigError, "render_mode"),
        (lambda p: Parallel(p, actions=0), ConfigError, "actions: expected"),
        (lambda p: Leader(None), ConfigError, "params: expected EnvParams"),
        (lambda p: faces.LeaderVectorEnv(0, p), DomainError, "num_envs"),
        (
            lambda p: faces.LeaderVectorEnv(2, p, autoreset_mode="Same"),
            ConfigError,
            "autoreset_mode: expected",
        ),
    ],
)
def test_wrong_settings_are_refused_in_one_line(
    make: Any, error: type[Exception], text: str, params: envs.EnvParams
) -> None:
    with pytest.raises(error, match=text) as refused:
        make(params)
    assert "\n" not in str(refused.value)


WRONG_ACTIONS: list[Any] = [
    None,
    "up",
    {},
    3,
    np.zeros(99),
    (0, np.nan),
    (1.0 + 1.0j, 1.0),
]


def test_wrong_actions_are_refused_in_one_line(params: envs.EnvParams) -> None:
    leader, pair, cell = Leader(params), Pair(params), Parallel(params)
    many = faces.LeaderVectorEnv(2, params), faces.FollowerVectorEnv(2, params)
    for env in (leader, pair, cell, *many):
        env.reset(seed=0)
    fine = {agent: cell.action_space(agent).sample() for agent in cell.agents}

    def played(agent: str) -> Any:
        return lambda action: cell.step({**fine, agent: action})

    steps: list[tuple[str, Any]] = [
        ("action", leader.step),
        ("action", pair.step),
        *(("actions", env.step) for env in many),
        ("action of the leader", played("leader_0")),
        ("action of pair 1", played("follower_1")),
    ]
    for words, play in steps:
        for action in WRONG_ACTIONS:
            with pytest.raises(InputError, match=f"^{words}: expected") as refused:
                play(action)
            assert "\n" not in str(refused.value)
    del fine["follower_1"]
    with pytest.raises(ConfigError, match=r"actions\[follower_1\]: expected an action"):
        cell.step(fine)


def test_without_the_extra_the_error_says_what_to_install() -> None:
    script = (
        "import sys; sys.modules['pettingzoo'] = None\n"
        "import stackelberg.envs\n"
        "try:\n    import stackelberg.envs.faces\n"
        "except ImportError as error:\n    print(error)\n"
        "print('gymnasium' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    line, _ = done.stdout.splitlines()
    assert line == (
        'pettingzoo is not installed; install it with: pip install "stackelberg[envs]"'
    )
