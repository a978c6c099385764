"""The least price scale against dense scans, and what must hold of it."""

from dataclasses import replace

import numpy as np
import pytest
from oracles import power_game as oracle

from stackelberg.errors import DomainError, InputError
from stackelberg.spectrum import (
    FixedPriceBounds,
    Scenario,
    follower_power,
    generate,
    links,
    outcome,
)
from stackelberg.spectrum.baselines import full_power, random
from stackelberg.spectrum.protect import protect
from stackelberg.units import LN2


def cell(seed: int, **options) -> Scenario:
    return generate(
        seed=seed,
        num_channels=3,
        num_pairs=6,
        channel=[0, 0, 1, 1, 1, 2],
        follower_price_weight=0.1,
        min_power_w=options.pop("min_power_w", 1e-7),
        **options,
    )


def between(scenario: Scenario, share: float) -> float:
    """A target out of reach at full power and within it at the least powers."""
    channel = np.asarray(scenario.channel)
    loud, quiet = (
        links(scenario, channel, np.full(6, p)).cellular_sinr.min()
        for p in (scenario.max_power_w, scenario.min_power_w)
    )
    return float(loud ** (1.0 - share) * quiet**share)


def speaking_up() -> tuple[Scenario, np.ndarray]:
    """Two pairs with B = 1. At scale 1/x, p_1 = 2x - .5 and p_2 = x - .01 - .6 p_1
    within [0, 1]: the second falls from .24 to .14 while the first rises.
    """
    scenario = Scenario(
        bandwidth_hz=LN2,
        noise_power_w=0.01,
        follower_price_weight=1.0,
        leader_revenue_weight=1.0,
        min_power_w=0.0,
        max_power_w=1.0,
        channel=np.array([0, 0]),
        cellular_power_w=np.array([10.0]),
        gain_cellular_to_bs=np.array([1.0]),
        gain_d2d=np.array([0.02, 1.0]),
        gain_d2d_to_bs=np.array([1e-9, 10.0]),
        gain_cellular_to_d2d=np.zeros((1, 2)),
        gain_d2d_to_d2d=np.array([[0.0, 0.6], [0.0, 0.0]]),
    )
    price = 1.0 / (np.array([2.0, 1.0]) * scenario.gain_d2d_to_bs)
    return scenario, price


def test_a_feasible_stretch_below_an_infeasible_one_is_found():
    scenario, price = speaking_up()
    answer = outcome(scenario, [0, 0], price, np.zeros(2))
    target = 10.0 / (0.01 + 10.0 * 0.2 + 1e-9)  # p_2 = .2
    found = protect(scenario, answer, target)
    assert found.scale == pytest.approx(1.0 / 0.81, rel=1e-9)
    assert not found.monotone
    assert found.possible
    assert found.outcome is not None
    np.testing.assert_allclose(found.outcome.transmit_power_w, [1.0, 0.2], rtol=1e-8)
    louder = protect(scenario, answer, 10.0 / (0.01 + 10.0 * 0.3 + 1e-9))
    assert louder.monotone
    assert louder.scale == pytest.approx(1.0 / 0.91, rel=1e-9)
    quieter = protect(scenario, answer, 10.0 / (0.01 + 10.0 * 0.1))
    assert quieter.monotone
    assert quieter.scale == pytest.approx(1.0 / 0.11, rel=1e-9)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_no_smaller_scale_of_a_dense_scan_will_do(seed, share):
    scenario = cell(seed)
    answer = random(scenario, seed=seed)
    target = between(scenario, share)
    found = protect(scenario, answer, target)
    assert found.possible
    assert found.scale > 0.0
    assert found.cellular_sinr.min() >= target
    for less in 1.0 - np.geomspace(1e-6, 0.999, 60):
        price = less * found.scale * answer.reuse_price
        assert _worst_sinr(scenario, price) < target
    assert _worst_sinr(scenario, found.scale * answer.reuse_price) >= target * (
        1 - 1e-9
    )


def _worst_sinr(scenario: Scenario, price: np.ndarray) -> float:
    """Least cellular SINR when the pairs are at equilibrium, by enumeration."""
    worst = np.inf
    for i in range(scenario.num_channels):
        on = np.flatnonzero(scenario.channel == i)
        channel = oracle.Channel(
            own=scenario.own_gain(i)[on],
            to_bs=scenario.gain_to_bs(i)[on],
            cross=scenario.cross_gain(i)[np.ix_(on, on)],
            heard=scenario.cellular_power_w[i] * scenario.gain_cellular_to_d2d[i, on],
            cellular_power=float(scenario.received_cellular_power_w[i]),
            noise=scenario.noise_power_w,
            bandwidth=scenario.bandwidth_hz,
            follower_price_weight=scenario.follower_price_weight,
            leader_revenue_weight=scenario.leader_revenue_weight,
            min_power=scenario.min_power_w,
            max_power=scenario.max_power_w,
        )
        power = oracle.all_equilibria(channel, price[on])[0]
        heard = channel.noise + (power * channel.to_bs).sum()
        worst = min(worst, channel.cellular_power / heard)
    return float(worst)


@pytest.mark.parametrize("seed", range(4))
def test_followers_are_at_equilibrium_and_the_limiting_channel_at_the_target(seed):
    scenario = cell(seed)
    answer = random(scenario, seed=seed)
    target = between(scenario, 0.5)
    found = protect(scenario, answer, target)
    assert found.outcome is not None
    reached = found.outcome
    np.testing.assert_array_equal(reached.reuse_price, found.scale * answer.reuse_price)
    best = follower_power(scenario, reached.reuse_price, reached.transmit_power_w)
    np.testing.assert_allclose(best, reached.transmit_power_w, rtol=1e-9)
    heard = links(scenario, reached.channel, reached.transmit_power_w)
    np.testing.assert_array_equal(found.cellular_sinr, heard.cellular_sinr)
    assert len(found.limiting_channels) == 1
    limiting = found.limiting_channels[0]
    assert limiting == int(np.argmin(found.cellular_sinr))
    assert found.cellular_sinr[limiting] == pytest.approx(target, rel=1e-9)


def test_where_full_power_leaves_the_sinr_no_price_is_needed():
    scenario = cell(1)
    loud = full_power(scenario)
    worst = links(scenario, loud.channel, loud.transmit_power_w).cellular_sinr.min()
    found = protect(scenario, random(scenario), 0.999 * worst)
    assert found.scale == 0.0
    assert found.possible
    assert found.limiting_channels == ()
    assert found.outcome is not None
    np.testing.assert_array_equal(found.outcome.transmit_power_w, scenario.max_power_w)
    assert not found.outcome.reuse_price.any()
    assert protect(scenario, random(scenario), 1.001 * worst).scale > 0.0


def test_where_the_least_powers_are_too_much_it_says_which_channels():
    scenario = cell(2, min_power_w=0.05)
    quiet = links(scenario, np.asarray(scenario.channel), np.full(6, 0.05))
    target = float(np.sort(quiet.cellular_sinr)[1]) * 1.01
    silent = quiet.cellular_signal_w / scenario.noise_power_w
    found = protect(scenario, random(scenario), target)
    assert not found.possible
    assert np.isnan(found.scale)
    assert found.outcome is None
    below = np.flatnonzero(quiet.cellular_sinr < target)
    assert found.limiting_channels == tuple(below.tolist())
    assert len(below) == 2
    assert found.hopeless_channels == tuple(np.flatnonzero(silent < target).tolist())
    np.testing.assert_array_equal(found.cellular_sinr, quiet.cellular_sinr)
    beyond = protect(scenario, random(scenario), 1.01 * silent.max())
    assert beyond.hopeless_channels == (0, 1, 2)


def test_just_above_what_the_least_powers_leave_is_possible():
    scenario = cell(2)
    quiet = links(scenario, np.asarray(scenario.channel), np.full(6, 1e-7))
    worst = quiet.cellular_sinr.min()
    found = protect(scenario, random(scenario), worst * (1 - 1e-9))
    assert found.possible
    assert not protect(scenario, random(scenario), worst * (1 + 1e-9)).possible


@pytest.mark.parametrize("factor", [1e-3, 7.0])
def test_prices_so_many_times_larger_need_so_much_less_scale(factor):
    scenario = cell(3)
    answer = random(scenario)
    larger = replace(answer, reuse_price=factor * answer.reuse_price)
    target = between(scenario, 0.5)
    first = protect(scenario, answer, target)
    second = protect(scenario, larger, target)
    assert first.scale > 0.0
    assert second.scale * factor == pytest.approx(first.scale, rel=1e-9)


def test_a_higher_sinr_never_needs_a_smaller_scale():
    scenario = cell(0)
    answer = random(scenario)
    targets = [between(scenario, x) for x in (0.1, 0.4, 0.7, 0.95)]
    scales = [protect(scenario, answer, x).scale for x in targets]
    assert scales == sorted(scales)
    assert scales[0] < scales[-1]


def test_crossed_price_bounds_are_named():
    scenario = cell(0)
    answer = random(scenario)
    found = protect(scenario, answer, 10.0)
    price = found.scale * answer.reuse_price
    low, high = 0.5 * price, 2.0 * price
    high[[1, 4]] = 0.9 * price[[1, 4]]
    low[[1, 4]] = 0.1 * price[[1, 4]]
    low[2], high[2] = 1.1 * price[2], 1.2 * price[2]
    fixed = scenario.replace(price_bounds=FixedPriceBounds(low, high))
    again = protect(fixed, answer, 10.0)
    assert again.scale == pytest.approx(found.scale, rel=1e-12)
    assert again.above_max_price == (1, 4)
    assert again.below_min_price == (2,)
    assert found.outcome is not None
    silent = np.flatnonzero(found.outcome.transmit_power_w <= scenario.min_power_w)
    assert set(found.above_max_price) <= set(silent.tolist())


def test_the_powers_given_do_not_matter():
    scenario = cell(1)
    answer = random(scenario)
    loud = replace(answer, transmit_power_w=np.full(6, scenario.max_power_w))
    target = between(scenario, 0.5)
    wanted = protect(scenario, answer, target).scale
    assert protect(scenario, loud, target).scale == wanted > 0.0


def test_a_cell_without_pairs_keeps_what_it_has():
    scenario = generate(seed=1, num_channels=3, num_pairs=0)
    answer = outcome(scenario, [], [], [])
    snr = scenario.received_cellular_power_w / scenario.noise_power_w
    assert protect(scenario, answer, 0.5 * snr.min()).scale == 0.0
    assert not protect(scenario, answer, 2.0 * snr.min()).possible


@pytest.mark.parametrize(
    ("target", "price", "message"),
    [
        (
            0.0,
            1.0,
            "min_cellular_sinr: expected a finite ratio > 0 (linear, not dB), got 0.0",
        ),
        (
            float("inf"),
            1.0,
            "min_cellular_sinr: expected a finite ratio > 0 (linear, not dB), got inf",
        ),
        (1.0, 0.0, "reuse_price[0]: expected a finite price > 0, got 0.0"),
    ],
)
def test_wrong_numbers_are_named(target, price, message):
    scenario = cell(0)
    answer = replace(random(scenario), reuse_price=np.full(6, price))
    with pytest.raises(InputError) as caught:
        protect(scenario, answer, target)
    assert type(caught.value) is DomainError
    assert str(caught.value) == message
