"""Random cells: reproducible, stable when they grow, and physically one link each."""

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from stackelberg.errors import ConfigError, DomainError, InputError, ShapeError
from stackelberg.spectrum import (
    FixedPriceBounds,
    Positions,
    RadioModel,
    Scenario,
    from_positions,
    generate,
    links,
)

GAINS = (
    "gain_cellular_to_bs",
    "gain_d2d",
    "gain_d2d_to_bs",
    "gain_cellular_to_d2d",
    "gain_d2d_to_d2d",
)
PLACES = ("base_station", "cellular", "d2d_transmitter", "d2d_receiver")


def places(scenario: Scenario) -> Positions:
    assert scenario.positions_m is not None
    return scenario.positions_m


def test_the_same_seed_gives_the_same_bits():
    first, second = (
        generate(seed=7, num_channels=4, num_pairs=6, channel="random")
        for _ in range(2)
    )
    for name in (*GAINS, "channel", "cellular_power_w"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    for name in PLACES:
        np.testing.assert_array_equal(
            getattr(places(first), name), getattr(places(second), name)
        )


def test_different_seeds_share_no_gain():
    first, second = (
        generate(seed=seed, num_channels=4, num_pairs=6) for seed in (7, 8)
    )
    for name in GAINS:
        assert not np.any(getattr(first, name) == getattr(second, name))


def test_the_bits_do_not_depend_on_the_number_of_threads():
    code = (
        "import hashlib, stackelberg as sb\n"
        "s = sb.spectrum.generate(seed=3, num_channels=10, num_pairs=60)\n"
        "print(hashlib.sha256(s.gain_d2d_to_d2d.tobytes()).hexdigest())"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "OPENBLAS_NUM_THREADS": n, "OMP_NUM_THREADS": n},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for n in ("1", "2")
    }
    assert len(printed) == 1


@pytest.mark.parametrize("path_loss", ["simple", "los_nlos"])
def test_more_pairs_leave_the_cellular_users_and_first_pairs_as_they_were(path_loss):
    few, many = (
        generate(seed=2, num_channels=3, num_pairs=n, path_loss=path_loss)
        for n in (5, 9)
    )
    np.testing.assert_array_equal(few.gain_cellular_to_bs, many.gain_cellular_to_bs)
    for name in ("gain_d2d", "gain_d2d_to_bs", "gain_cellular_to_d2d"):
        np.testing.assert_array_equal(getattr(few, name), getattr(many, name)[:, :5])
    np.testing.assert_array_equal(few.gain_d2d_to_d2d, many.gain_d2d_to_d2d[:, :5, :5])
    for name in PLACES:
        kept = len(getattr(places(few), name))
        np.testing.assert_array_equal(
            getattr(places(few), name), getattr(places(many), name)[:kept]
        )


def test_more_channels_leave_all_positions_as_they_were():
    few, many = (generate(seed=2, num_channels=m, num_pairs=5) for m in (3, 4))
    np.testing.assert_array_equal(places(few).cellular, places(many).cellular[:3])
    np.testing.assert_array_equal(places(few).d2d_receiver, places(many).d2d_receiver)


def test_more_channels_leave_the_fading_of_the_first_as_it_was():
    """Without shadowing, so that fading is all that is drawn besides positions."""
    off: dict[str, Any] = {
        "base_station_shadowing_std_db": 0.0,
        "device_shadowing_std_db": 0.0,
    }
    few, many = (generate(seed=2, num_channels=m, num_pairs=5, **off) for m in (3, 4))
    for name in ("gain_d2d", "gain_d2d_to_bs", "gain_cellular_to_d2d"):
        np.testing.assert_array_equal(getattr(few, name), getattr(many, name)[:3])


def test_users_stand_where_the_documentation_says():
    scenario = generate(
        seed=1,
        num_channels=400,
        num_pairs=400,
        cell_radius_m=300.0,
        d2d_distance_m=(20.0, 30.0),
        fading=False,
        device_shadowing_std_db=0.0,
        base_station_shadowing_std_db=0.0,
    )
    at = places(scenario)
    for users in (at.cellular, at.d2d_transmitter):
        radius = np.hypot(*users.T)
        assert radius.min() >= 35.0
        assert radius.max() <= 300.0
        # Uniform over the ring: half of its area lies within this radius. 400 draws
        # miss .5 by .1 with probability 6e-5.
        middle = np.sqrt((35.0**2 + 300.0**2) / 2)
        assert abs(np.mean(radius < middle) - 0.5) < 0.1
    apart = np.hypot(*(at.d2d_receiver - at.d2d_transmitter).T)
    assert apart.min() >= 20.0 - 1e-9
    assert apart.max() <= 30.0 + 1e-9
    np.testing.assert_array_equal(at.base_station, [0.0, 0.0])


def test_the_gain_that_carries_a_signal_is_the_gain_that_interferes():
    scenario = generate(seed=5, num_channels=3, num_pairs=8)
    np.testing.assert_array_equal(
        scenario.gain_d2d, np.diagonal(scenario.gain_d2d_to_d2d, axis1=1, axis2=2)
    )


def test_without_fading_gains_over_pairs_are_flat_and_with_it_scatter_around_them():
    flat = generate(seed=5, num_channels=300, num_pairs=4, fading=False)
    faded = generate(seed=5, num_channels=300, num_pairs=4)
    assert flat.gain_d2d.shape == (4,)
    assert flat.gain_d2d_to_bs.shape == (4,)
    assert flat.gain_d2d_to_d2d.shape == (4, 4)
    assert flat.gain_cellular_to_d2d.shape == (300, 4)
    # The mean of 300 unit exponentials has deviation .058: 5 of them, 18 means, 1e-5.
    for name in ("gain_d2d", "gain_d2d_to_bs", "gain_d2d_to_d2d"):
        mean = getattr(faded, name).mean(axis=0) / getattr(flat, name)
        assert np.all(np.abs(mean - 1.0) < 0.29)


def test_a_bare_link_has_the_gain_of_its_path_loss():
    radio = RadioModel(
        fading=False, base_station_shadowing_std_db=0.0, device_shadowing_std_db=0.0
    )
    at = Positions(
        base_station=np.array([0.0, 0.0]),
        cellular=np.array([[1000.0, 0.0]]),
        d2d_transmitter=np.array([[0.0, 100.0], [0.0, 400.0]]),
        d2d_receiver=np.array([[10.0, 100.0], [20.0, 400.0]]),
    )
    scenario = from_positions(at, seed=0, radio=radio)
    np.testing.assert_allclose(scenario.gain_cellular_to_bs, 10**-12.81, rtol=1e-13)
    np.testing.assert_allclose(
        scenario.gain_d2d, [10**-6.8, 10 ** -(14.8 + 4 * np.log10(0.02))], rtol=1e-13
    )
    np.testing.assert_allclose(
        scenario.gain_d2d_to_bs[0], 10 ** -(12.81 + 3.76 * np.log10(0.1)), rtol=1e-13
    )
    across_km = np.hypot(20.0, 300.0) / 1e3  # from transmitter 0 to receiver 1
    np.testing.assert_allclose(
        scenario.gain_d2d_to_d2d[0, 1],
        10 ** -(14.8 + 4 * np.log10(across_km)),
        rtol=1e-13,
    )


def test_scenario_numbers_are_those_of_the_standard_setting():
    scenario = generate(seed=0, num_channels=2, num_pairs=3)
    np.testing.assert_allclose(scenario.cellular_power_w, 0.19952623149688797)
    assert scenario.min_power_w == pytest.approx(1e-3)
    assert scenario.max_power_w == pytest.approx(0.19952623149688797)
    # -174 dBm/Hz + 5 dB + 52.55 dB(180 kHz) = -116.447 dBm
    assert scenario.noise_power_w == pytest.approx(2.2660567e-15, rel=1e-7)
    assert scenario.channel is None
    assert generate(seed=0, num_pairs=1, min_power_w=0.0).min_power_w == 0.0


def test_random_channels_are_in_range_and_vary():
    channel = generate(seed=0, num_channels=5, num_pairs=60, channel="random").channel
    assert channel is not None
    assert set(channel.tolist()) == {0, 1, 2, 3, 4}


def test_given_channels_are_kept():
    channel = generate(seed=0, num_channels=5, num_pairs=3, channel=[4, 0, 4]).channel
    assert channel is not None
    assert channel.tolist() == [4, 0, 4]


@pytest.mark.parametrize("path_loss", ["simple", "los_nlos"])
def test_interference_never_helps(path_loss):
    for seed in range(5):
        scenario = generate(seed=seed, num_channels=3, num_pairs=9, path_loss=path_loss)
        heard = links(scenario, np.arange(9) % 3, np.full(9, scenario.max_power_w))
        assert np.all(heard.d2d_sinr <= heard.d2d_snr)
        assert np.all(heard.d2d_sinr > 0.0)


def test_who_transmits_does_not_change_path_loss_and_shadowing():
    """The same devices with their roles swapped: every link is the same couple."""
    forth = places(generate(seed=4, num_channels=1, num_pairs=3))
    # Pair 1's transmitter talks to pair 0's receiver, and the reverse after the swap.
    one = Positions(
        base_station=forth.base_station,
        cellular=forth.cellular,
        d2d_transmitter=forth.d2d_transmitter[:1],
        d2d_receiver=forth.d2d_receiver[:1],
    )
    back = Positions(
        base_station=forth.base_station,
        cellular=forth.cellular,
        d2d_transmitter=forth.d2d_receiver[:1],
        d2d_receiver=forth.d2d_transmitter[:1],
    )
    radio = RadioModel(fading=False, device_shadowing_std_db=0.0)
    assert (
        from_positions(one, seed=1, radio=radio).gain_d2d[0]
        == from_positions(back, seed=1, radio=radio).gain_d2d[0]
    )


def test_users_on_one_spot_are_allowed():
    scenario = from_positions(
        Positions(
            base_station=np.zeros(2),
            cellular=np.zeros((2, 2)),
            d2d_transmitter=np.zeros((3, 2)),
            d2d_receiver=np.zeros((3, 2)),
        ),
        seed=0,
    )
    assert np.all(np.isfinite(scenario.gain_d2d_to_d2d))
    assert np.all(scenario.gain_d2d_to_d2d > 0.0)


def test_a_cell_without_pairs_is_a_cell():
    scenario = generate(seed=0, num_channels=3, num_pairs=0)
    assert scenario.num_pairs == 0
    assert scenario.gain_d2d_to_d2d.shape == (3, 0, 0)


WRONG = [
    ({"seed": -1}, DomainError, "seed: expected a whole number >= 0, got -1"),
    ({"seed": 1.5}, ConfigError, "seed: expected a whole number, got 1.5"),
    ({"seed": True}, ConfigError, "seed: expected a whole number, got True"),
    ({"seed": "1"}, ConfigError, "seed: expected a whole number, got '1'"),
    (
        {"num_channels": 0},
        DomainError,
        "num_channels: expected a whole number >= 1, got 0",
    ),
    (
        {"num_pairs": -2},
        DomainError,
        "num_pairs: expected a whole number >= 0, got -2",
    ),
    (
        {"cell_radius_m": 30.0},
        DomainError,
        "cell_radius_m: expected a finite number > 35, got 30.0",
    ),
    (
        {"d2d_distance_m": 30.0},
        ConfigError,
        "d2d_distance_m: expected two distances in m, (least, greatest), got 30.0",
    ),
    (
        {"d2d_distance_m": (50.0, 10.0)},
        DomainError,
        "d2d_distance_m[1]: expected a finite number >= 50, got 10.0",
    ),
    (
        {"d2d_distance_m": (0.0, 10.0)},
        DomainError,
        "d2d_distance_m[0]: expected a finite number > 0, got 0.0",
    ),
    (
        {"bandwidth_hz": 0.0},
        DomainError,
        "bandwidth_hz: expected a finite number > 0, got 0.0",
    ),
    (
        {"noise_figure_db": -1.0},
        DomainError,
        "noise_figure_db: expected a finite number >= 0 and <= 100, got -1.0",
    ),
    (
        {"cellular_power_dbm": float("nan")},
        DomainError,
        "cellular_power_dbm: expected a finite number >= -200 and <= 100, got nan",
    ),
    (
        {"min_power_dbm": float("-inf")},
        DomainError,
        "min_power_dbm: expected a finite number >= -200 and <= 100, got -inf",
    ),
    (
        {"min_power_dbm": 23.0},
        DomainError,
        "max_power_dbm: expected more than 23 (min_power_dbm), got 23.0",
    ),
    (
        {"min_power_w": 1.0},
        DomainError,
        "max_power_dbm: expected more than 1 W (min_power_w), got 23.0",
    ),
    (
        {"min_power_w": -1.0},
        DomainError,
        "min_power_w: expected a finite number >= 0, got -1.0",
    ),
    (
        {"follower_price_weight": 0.0},
        DomainError,
        "follower_price_weight: expected a finite number > 0, got 0.0",
    ),
    (
        {"leader_revenue_weight": None},
        ConfigError,
        "leader_revenue_weight: expected a number, got None",
    ),
    (
        {"price_bounds": "fixed"},
        ConfigError,
        "price_bounds: expected InterferencePriceBounds() or "
        "FixedPriceBounds(min, max), got 'fixed'",
    ),
    (
        {"price_bounds": FixedPriceBounds(np.ones(3), np.ones(3))},
        ShapeError,
        "price_bounds.min: expected a number or 4 numbers, one per pair, got shape [3]",
    ),
    (
        {"path_loss": "los_nlso"},
        ConfigError,
        "path_loss: expected 'simple' or 'los_nlos' (did you mean 'los_nlos'?), "
        "got 'los_nlso'",
    ),
    (
        {"carrier_hz": 28e9},
        DomainError,
        "carrier_hz: expected a finite number >= 4.5e+08 and <= 6e+09, "
        "got 28000000000.0",
    ),
    (
        {"base_station_shadowing_std_db": -8.0},
        DomainError,
        "base_station_shadowing_std_db: expected a finite number >= 0 and <= 40, "
        "got -8.0",
    ),
    (
        {"device_shadowing_std_db": 100.0},
        DomainError,
        "device_shadowing_std_db: expected a finite number >= 0 and <= 40, got 100.0",
    ),
    (
        {"base_station_decorrelation_m": 0.0},
        DomainError,
        "base_station_decorrelation_m: expected a finite number > 0, got 0.0",
    ),
    (
        {"device_decorrelation_m": float("inf")},
        DomainError,
        "device_decorrelation_m: expected a finite number > 0, got inf",
    ),
    ({"fading": 1}, ConfigError, "fading: expected True or False, got 1"),
    (
        {"channel": "randm"},
        ConfigError,
        "channel: expected 'random', channel numbers or None "
        "(did you mean 'random'?), got 'randm'",
    ),
    (
        {"channel": [0, 1, 2, 3]},
        DomainError,
        "channel[3]: expected a channel number from 0 to 2, got 3",
    ),
]


@pytest.mark.parametrize(("change", "kind", "message"), WRONG)
def test_each_wrong_argument_is_named(change, kind: type[InputError], message):
    arguments: dict[str, Any] = {"seed": 0, "num_channels": 3, "num_pairs": 4, **change}
    with pytest.raises(kind) as caught:
        generate(**arguments)
    assert type(caught.value) is kind
    assert str(caught.value) == message
