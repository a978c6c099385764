"""SINR, rates and utilities against plain loops, and what must hold for any numbers."""

from typing import Any

import numpy as np
import pytest
from oracles import spectrum_rates as oracle

from stackelberg.errors import DomainError, InputError, ShapeError
from stackelberg.spectrum import Scenario, generate, links, outcome
from stackelberg.spectrum.rates import payments, rate_bps

FIELDS = (
    "bandwidth_hz",
    "noise_power_w",
    "follower_price_weight",
    "leader_revenue_weight",
    "cellular_power_w",
    "gain_cellular_to_bs",
    "gain_d2d",
    "gain_d2d_to_bs",
    "gain_cellular_to_d2d",
    "gain_d2d_to_d2d",
)


def as_lists(scenario: Scenario) -> dict[str, object]:
    values = {name: getattr(scenario, name) for name in FIELDS}
    return {
        name: value if isinstance(value, float) else value.tolist()
        for name, value in values.items()
    }


@pytest.mark.parametrize("fading", [True, False])
@pytest.mark.parametrize("num_pairs", [1, 2, 7])
@pytest.mark.parametrize("num_channels", [1, 3])
def test_every_number_is_that_of_plain_loops(fading, num_pairs, num_channels):
    random = np.random.default_rng(num_pairs + 10 * num_channels)
    scenario = generate(
        seed=5,
        num_channels=num_channels,
        num_pairs=num_pairs,
        fading=fading,
        follower_price_weight=0.3,
        leader_revenue_weight=2.5,
    )
    channel = random.integers(0, num_channels, num_pairs)
    power = random.uniform(0.0, 0.2, num_pairs)
    price = random.uniform(1e9, 1e12, num_pairs)
    power[0] = 0.0
    wanted = oracle.outcome(
        as_lists(scenario), channel.tolist(), price.tolist(), power.tolist()
    )
    heard = links(scenario, channel, power)
    found = outcome(scenario, channel, price, power)
    close: dict[str, Any] = {"rtol": 1e-12, "atol": 0.0}
    for name in ("d2d_sinr", "d2d_snr", "cellular_sinr"):
        np.testing.assert_allclose(getattr(heard, name), wanted[name], **close)
    for name in ("d2d_rate_bps", "cellular_rate_bps"):
        np.testing.assert_allclose(getattr(found, name), wanted[name], **close)
    np.testing.assert_allclose(
        payments(scenario, channel, price, power), wanted["payments"], **close
    )
    # Rate minus payment may cancel: compare at the size of what is subtracted.
    size = np.array(wanted["d2d_rate_bps"]) + 0.3 * np.array(wanted["payments"])
    error = np.abs(found.follower_utility - wanted["follower_utility"])
    assert np.all(error <= 1e-12 * size)
    assert found.leader_utility == pytest.approx(wanted["leader_utility"], rel=1e-12)


def test_the_diagonal_of_the_cross_gains_is_ignored():
    scenario = generate(seed=1, num_channels=2, num_pairs=4)
    cross = scenario.gain_d2d_to_d2d.copy()
    cross[:, np.arange(4), np.arange(4)] = 1e300
    absurd = scenario.replace(gain_d2d_to_d2d=cross)
    channel, power = [0, 0, 1, 1], np.full(4, 0.1)
    np.testing.assert_array_equal(
        links(scenario, channel, power).d2d_interference_w,
        links(absurd, channel, power).d2d_interference_w,
    )


def test_a_weak_interferer_next_to_a_strong_signal_is_not_lost():
    """Total minus own signal would lose it: 1e-20 of the signal."""
    scenario = generate(seed=1, num_channels=1, num_pairs=2, fading=False).replace(
        noise_power_w=1e-300,
        cellular_power_w=[0.0],
        gain_d2d=[1.0, 1.0],
        gain_d2d_to_d2d=[[0.0, 1e-20], [1e-20, 0.0]],
    )
    heard = links(scenario, [0, 0], [0.1, 0.1])
    np.testing.assert_allclose(heard.d2d_interference_w, 1e-21, rtol=1e-15)
    np.testing.assert_allclose(heard.d2d_sinr, 1e20, rtol=1e-15)


def test_pairs_on_other_channels_do_not_interfere():
    scenario = generate(seed=1, num_channels=2, num_pairs=2)
    alone = links(scenario, [0, 1], [0.1, 0.0])
    both = links(scenario, [0, 1], [0.1, 0.2])
    assert alone.d2d_interference_w[0] == both.d2d_interference_w[0]
    assert alone.cellular_interference_w[0] == both.cellular_interference_w[0]


def test_a_small_sinr_keeps_its_digits():
    assert rate_bps(1.0, np.array([1e-18]))[0] == pytest.approx(
        1e-18 / np.log(2.0), rel=1e-15
    )


@pytest.mark.parametrize(
    ("channel", "power", "kind", "message"),
    [
        (
            [0, 1],
            [0.1, 0.1, 0.1],
            ShapeError,
            "channel: expected 3 channel numbers, one per pair (or null), "
            "got shape [2]",
        ),
        (
            [0, 1, 2],
            [0.1, 0.1, 0.1],
            DomainError,
            "channel[2]: expected a channel number from 0 to 1, got 2",
        ),
        (
            [0, 1, 1],
            [0.1, 0.1],
            ShapeError,
            "transmit_power_w: expected 3 numbers, one per pair, got shape [2]",
        ),
        (
            [0, 1, 1],
            [0.1, -0.1, 0.1],
            DomainError,
            "transmit_power_w[1]: expected a finite number of W >= 0, got -0.1",
        ),
        (
            [0, 1, 1],
            [0.1, 0.1, float("nan")],
            DomainError,
            "transmit_power_w[2]: expected a finite number of W >= 0, got nan",
        ),
    ],
)
def test_wrong_channels_and_powers_are_named(channel, power, kind, message):
    scenario = generate(seed=1, num_channels=2, num_pairs=3)
    with pytest.raises(InputError) as caught:
        links(scenario, channel, power)
    assert type(caught.value) is kind
    assert str(caught.value) == message


def test_a_price_per_pair_is_needed():
    scenario = generate(seed=1, num_channels=2, num_pairs=3)
    with pytest.raises(ShapeError) as caught:
        outcome(scenario, [0, 1, 1], [1.0], [0.1, 0.1, 0.1])
    assert str(caught.value) == (
        "reuse_price: expected 3 numbers, one per pair, got shape [1]"
    )
