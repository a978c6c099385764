"""Settings that cannot be, told in one line; settings that can, kept."""

from __future__ import annotations

import itertools
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from envs.cells import observe_leader, recorded, reset, standard, step

from stackelberg import envs
from stackelberg.errors import ConfigError, DomainError, InputError, ShapeError
from stackelberg.spectrum import FixedPriceBounds, RadioModel

KEY = jax.random.key(5)


def gains(frames: int = 1, **changes: Any) -> envs.GainTrace:
    """Recorded gains of 3 channels and 4 pairs."""
    parts: dict[str, Any] = {
        "cellular_to_bs": np.full((frames, 3), 1e-11),
        "d2d": np.full((frames, 4), 1e-9),
        "d2d_to_bs": np.full((frames, 4), 1e-12),
        "cellular_to_d2d": np.full((frames, 3, 4), 1e-13),
        "d2d_to_d2d": np.full((frames, 4, 4), 1e-13),
    }
    return envs.GainTrace(envs.Gains(**{**parts, **changes}))


def places(walkers: int, receivers: int, frames: tuple[int, int] = (1, 1)) -> Any:
    walker = np.full((frames[0], walkers, 2), 100.0)
    return envs.PlaceTrace(
        envs.Places(jnp.asarray(walker), jnp.full((frames[1], receivers, 2), 90.0))
    )


def fixed(low: Any, high: Any) -> RadioModel:
    return RadioModel(price_bounds=FixedPriceBounds(low, high))


WRONG: list[tuple[dict[str, Any], type[InputError], str]] = [
    ({"num_channels": 0}, DomainError, "num_channels: expected"),
    ({"num_channels": 2.5}, InputError, "num_channels: expected"),
    ({"num_pairs": 0}, DomainError, "num_pairs: expected"),
    ({"num_pairs": 40_000}, DomainError, "num_pairs: expected fewer than 2^32 links"),
    ({"radio": None}, ConfigError, "radio: expected RadioModel(...)"),
    ({"radio": fixed([1.0] * 3, 2.0)}, ShapeError, "price_bounds.min: expected"),
    ({"radio": fixed(1.0, [2.0] * 5)}, ShapeError, "price_bounds.max: expected"),
    ({"cell_radius_m": 10.0}, DomainError, "cell_radius_m: expected"),
    ({"cell_radius_m": np.nan}, DomainError, "cell_radius_m: expected"),
    ({"cell_radius_m": 1e10}, DomainError, "> 35 and <= 100000, got 1"),
    ({"d2d_distance_m": (1.0, 1e10)}, DomainError, "d2d_distance_m[1]: expected"),
    *(
        ({"radio": radio}, DomainError, f"radio.{name}: expected")
        for name, radio in {
            "bandwidth_hz": RadioModel(bandwidth_hz=1e300),
            "follower_price_weight": RadioModel(follower_price_weight=1e-30),
            "leader_revenue_weight": RadioModel(leader_revenue_weight=1e30),
            "device_decorrelation_m": RadioModel(device_decorrelation_m=1e300),
        }.items()
    ),
    ({"radio": fixed(1e-300, 1.0)}, DomainError, "price_bounds.min: expected 1e-30"),
    ({"radio": fixed(1.0, 1e300)}, DomainError, "price_bounds.max: expected 1e-30"),
    ({"d2d_distance_m": (50.0, 10.0)}, InputError, "d2d_distance_m"),
    ({"mobility": "walk"}, ConfigError, "mobility: expected RandomWaypoint(...) or"),
    (
        {"mobility": envs.RandomWaypoint(3.0, 1.0)},
        DomainError,
        "mobility.max_speed_m_per_s: expected at least min_speed_m_per_s = 3",
    ),
    ({"mobility": envs.RandomWaypoint(0.0, 1.0)}, DomainError, "min_speed_m_per_s"),
    ({"mobility": envs.GaussMarkov(-1.0)}, DomainError, "mobility.speed_m_per_s"),
    ({"mobility": envs.GaussMarkov(1.0, 0.0)}, DomainError, "mobility.memory_s"),
    ({"mobility": places(6, 4)}, ShapeError, "mobility.places.walker: expected [T, 7"),
    ({"mobility": places(7, 3)}, ShapeError, "mobility.places.receiver: expected [T"),
    ({"mobility": places(7, 4, (2, 1))}, ShapeError, "receiver: expected 2 frames"),
    ({"slots_per_frame": 0}, DomainError, "slots_per_frame: expected"),
    ({"shadowing_waves": 7}, DomainError, "shadowing_waves: expected"),
    ({"gains": 1.0}, ConfigError, "gains: expected GainTrace(...) or None"),
    (
        {"gains": gains(), "mobility": envs.RandomWaypoint()},
        ConfigError,
        "mobility: expected PlaceTrace(...) or None where gains are recorded",
    ),
    ({"gains": gains(d2d=np.ones((1, 5)))}, ShapeError, "gains.d2d: expected [T, 4]"),
    ({"gains": gains(d2d=np.ones((2, 4)))}, ShapeError, "gains.d2d: expected 1 frames"),
    ({"gains": gains(d2d=np.zeros((1, 4)))}, DomainError, "gains.d2d[0][0]: expected"),
    (
        {"gains": gains(cellular_to_d2d=np.full((1, 3, 4), np.inf))},
        DomainError,
        "gains.cellular_to_d2d[0][0][0]: expected a finite number",
    ),
    ({"fading": "rayleigh"}, ConfigError, "fading: expected Rayleigh(...) or"),
    ({"fading": envs.Jakes(-1.0)}, DomainError, "fading.doppler_hz: expected"),
    ({"fading": envs.Jakes(10.0, waves=7)}, DomainError, "fading.waves: expected"),
    ({"information": None}, ConfigError, "information: expected Information(...)"),
    ({"information": envs.delayed(-1)}, DomainError, "information.delay_slots"),
    ({"information": envs.noisy(-1.0)}, DomainError, "information.error_std_db"),
    (
        {"information": envs.Information(scope="locl")},  # type: ignore[arg-type]
        ConfigError,
        "information.scope: expected 'local' or 'full' (did you mean 'local'?)",
    ),
    (
        {"information": envs.Information(sensing="none")},  # type: ignore[arg-type]
        ConfigError,
        "information.sensing: expected 'all' or 'own'",
    ),
    (
        {"information": envs.Information(scope="full", sensing="own")},
        ConfigError,
        "information.sensing: expected 'all' with full information",
    ),
    ({"queues": 3}, ConfigError, "queues: expected Queues(...) or None"),
    ({"queues": envs.Queues(1.5)}, DomainError, "queues.arrival_probability"),
    ({"queues": envs.Queues(packet_bits=0.0)}, DomainError, "queues.packet_bits"),
    ({"queues": envs.Queues(loss_weight=-1.0)}, DomainError, "queues.loss_weight"),
    ({"queues": envs.Queues(deadline_slots=0)}, DomainError, "queues.deadline_slots"),
    ({"batteries": True}, ConfigError, "batteries: expected Batteries(...) or None"),
    ({"batteries": envs.Batteries(0.0)}, DomainError, "batteries.capacity_j"),
    ({"batteries": envs.Batteries(1.0, -1.0)}, DomainError, "circuit_power_w"),
    ({"batteries": envs.Batteries(harvest_w=np.nan)}, DomainError, "harvest_w"),
    ({"switching_loss": 0.0}, DomainError, "switching_loss: expected"),
    ({"switching_loss": 1.1}, DomainError, "switching_loss: expected"),
    ({"price_inertia": 1.0}, DomainError, "price_inertia: expected"),
    (
        {"billing": "quotd"},
        ConfigError,
        "billing: expected 'instantaneous' or 'quoted'",
    ),
    (
        {"price_per_channel": 1},
        ConfigError,
        "price_per_channel: expected True or False",
    ),
    ({"max_pairs_per_channel": 0}, DomainError, "max_pairs_per_channel: expected"),
    ({"slot_s": 0.0}, DomainError, "slot_s: expected"),
    ({"horizon_slots": 0}, DomainError, "horizon_slots: expected"),
    ({"auto_reset": "yes"}, ConfigError, "auto_reset: expected True or False"),
    ({"dtype": "float16"}, ConfigError, "dtype: expected float32 or float64"),
    ({"dtype": "float64"}, ConfigError, "dtype: expected float64 only with"),
]


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    WRONG,
    ids=[f"{next(iter(w[0]))}-{k}" for k, w in enumerate(WRONG)],
)
def test_a_wrong_setting_is_refused_in_one_line(
    settings: dict[str, Any], error: type[InputError], text: str
) -> None:
    whole: dict[str, Any] = {"num_channels": 3, "num_pairs": 4, **settings}
    with pytest.raises(error, match=re.escape(text)) as refused:
        envs.make_params(**whole)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"cell_radius_m": 1e5, "d2d_distance_m": (1e5, 1e5)},
        {"radio": RadioModel(bandwidth_hz=1e12, follower_price_weight=1e-9)},
        {"radio": RadioModel(bandwidth_hz=1e-3, leader_revenue_weight=1e9)},
        {"radio": fixed(1e-30, 1e30)},
    ],
    ids=["far", "wide and cheap", "narrow and greedy", "any price"],
)
def test_what_is_seen_stays_finite_at_the_ends_of_the_domains(
    settings: dict[str, Any],
) -> None:
    params = standard(**settings)
    state = reset(KEY, params)
    power = jnp.broadcast_to(params.radio.max_power_w, 4)
    action = envs.Action(jnp.full(4, 1e12), jnp.asarray([0, 1, 2, 0]), power)
    result = step(KEY, state, action, params)
    for leaf in jax.tree.leaves(result._replace(state=None)):
        assert not jnp.issubdtype(leaf.dtype, jnp.floating) or jnp.isfinite(leaf).all()


def test_exogenous_is_true_just_where_no_dynamics_are_on() -> None:
    parts: dict[str, dict[str, Any]] = {
        "queues": {"queues": envs.Queues()},
        "batteries": {"batteries": envs.Batteries()},
        "switching": {"switching_loss": 0.2},
        "inertia": {"price_inertia": 0.5},
    }
    for on in itertools.product([False, True], repeat=4):
        chosen = [name for name, wanted in zip(parts, on, strict=True) if wanted]
        settings = {k: v for name in chosen for k, v in parts[name].items()}
        params = standard(**settings)
        assert params.dynamics == tuple(chosen)
        assert params.exogenous == (not chosen)


def test_fixed_price_bounds_cut_what_is_posted() -> None:
    low, high = [1e15, 2e15, 3e15, 4e15], 1e16
    params = standard(radio=fixed(tuple(low), high))
    state = reset(KEY, params)
    posted = jnp.asarray([1e10, 5e15, 1e20, 4.5e15], jnp.float32)
    action = envs.Action(posted, jnp.asarray([0, 1, 2, 0]), jnp.full(4, 0.01))
    result = step(KEY, state, action, params)
    charged = [1e15, 5e15, 1e16, 4.5e15]
    np.testing.assert_allclose(result.state.memory.reuse_price, charged, rtol=1e-6)
    paid = np.asarray(result.outcome.payment) / np.asarray(charged)
    gain = observe_leader(state, params).d2d_to_bs
    wanted = 0.01 * np.asarray(gain)[[0, 1, 2, 0], np.arange(4)]
    np.testing.assert_allclose(paid, wanted, rtol=1e-5)


def test_with_los_and_nlos_gains_follow_either_law() -> None:
    from stackelberg.spectrum import propagation as law

    radio = RadioModel(path_loss="los_nlos", device_shadowing_std_db=0.0)
    params = standard(radio=radio, num_channels=3, num_pairs=40, fading=None)
    state = reset(KEY, params)
    places = state.world.places
    assert places is not None
    apart = np.asarray(places.transmitter)[:, None] - np.asarray(places.receiver)
    distance = np.hypot(apart[..., 0], apart[..., 1])
    loss_db = -10.0 * np.log10(
        np.where(np.eye(40) > 0, state.world.gains.d2d, state.world.gains.d2d_to_d2d)
    )
    sight = np.abs(loss_db - law.line_of_sight_path_loss_db(distance, 2e9)) < 0.01
    hidden = np.abs(loss_db - law.obstructed_path_loss_db(distance, 2e9)) < 0.01
    assert np.all(sight | hidden)
    expected = law.line_of_sight_probability(distance)
    spread = np.sqrt((expected * (1.0 - expected)).sum())
    assert abs(sight.sum() - expected.sum()) < 4.5 * spread + (sight & hidden).sum()
    assert 0 < sight.sum() < sight.size


def test_an_empty_battery_silences_and_the_last_one_ends_the_episode() -> None:
    params = recorded(batteries=envs.Batteries(4e-3, 0.05, 0.0), horizon_slots=3)
    state = reset(KEY, params)
    wanted = jnp.asarray([0.19, 0.01, 0.01, 0.01])
    action = envs.Action(jnp.full(4, 1e16), jnp.asarray([0, 1, 2, 0]), wanted)
    # 4 mJ last for 200 mW in a slot of 20 ms, 50 mW of which the circuits take.
    sent = ([0.15, 0.01, 0.01, 0.01], [0.0, 0.01, 0.01, 0.01], [0.0, 0.01, 0.01, 0.01])
    left = ([0.0, 2.8e-3], [0.0, 1.6e-3], [0.0, 4e-4])
    for slot in range(3):
        result = step(KEY, state, action, params)
        state = result.state
        np.testing.assert_allclose(
            result.outcome.transmit_power_w, sent[slot], rtol=1e-5, atol=1e-9
        )
        assert state.energy_j is not None
        np.testing.assert_allclose(state.energy_j[:2], left[slot], atol=1e-8)
        silent = np.asarray(result.outcome.transmit_power_w) == 0.0
        assert np.all(np.asarray(result.outcome.payment)[silent] == 0.0)
        # 0.4 mJ do not keep the circuits on for a slot. The horizon is reached too.
        assert bool(result.terminated) == (slot == 2)
        assert not bool(result.truncated)


def test_jakes_fading_moves_slowly_through_steps() -> None:
    slow, fast = (
        recorded(fading=envs.Jakes(doppler), num_pairs=30) for doppler in (1.0, 400.0)
    )
    moved: list[float] = []
    for params in (slow, fast):
        state = reset(KEY, params)
        action = envs.Action(jnp.full(30, 1e12), jnp.arange(30) % 3, jnp.full(30, 0.1))
        first = observe_leader(state, params).d2d_to_bs
        result = step(KEY, state, action, params)
        second = result.observation.leader.d2d_to_bs
        assert np.all(np.asarray(result.outcome.d2d_rate_bps) > 0.0)
        moved.append(float(np.median(np.abs(np.log(np.asarray(second / first))))))
    assert moved[0] < 0.2 < 0.5 < moved[1]
