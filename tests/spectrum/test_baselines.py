"""Baselines: what followers do under each, and the best common price against grids."""

from typing import Any

import numpy as np
import pytest
from oracles import power_game as oracle

from stackelberg.errors import ConfigError
from stackelberg.game import Status
from stackelberg.spectrum import (
    FixedPriceBounds,
    Scenario,
    certify,
    follower_power,
    generate,
    outcome,
    solve,
)
from stackelberg.spectrum.baselines import (
    METHODS,
    compare,
    full_power,
    no_reuse,
    random,
    run_method,
    uniform_price,
)
from stackelberg.spectrum.price_box import implied_price, price_box

SIMPLE = ("no_reuse", "uniform_price", "random", "full_power")


def cell(**options) -> Scenario:
    settings: dict[str, Any] = {
        "seed": 3,
        "num_channels": 4,
        "num_pairs": 9,
        "channel": [0, 0, 0, 1, 1, 2, 2, 2, 2],
        "follower_price_weight": 0.3,
    }
    return generate(**(settings | options))


def fixed(scenario: Scenario, low: float, high: float) -> Scenario:
    """Bounds around the prices that make half the greatest power a best response."""
    channel = np.asarray(scenario.channel)
    power = np.full(scenario.num_pairs, 0.5 * scenario.max_power_w)
    middle = implied_price(scenario, channel, power)
    return scenario.replace(price_bounds=FixedPriceBounds(low * middle, high * middle))


def on_channel(scenario: Scenario, i: int) -> oracle.Channel:
    on = np.flatnonzero(scenario.channel == i)
    return oracle.Channel(
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


@pytest.mark.parametrize("name", SIMPLE)
@pytest.mark.parametrize("bounds", ["interference", "fixed"])
def test_prices_are_within_bounds_and_numbers_are_those_of_the_outcome(name, bounds):
    scenario = cell() if bounds == "interference" else fixed(cell(), 0.2, 5.0)
    found = METHODS[name](scenario)
    least, most = price_box(scenario, found.channel, found.transmit_power_w)
    assert np.all(found.reuse_price >= least * (1 - 1e-12))
    assert np.all(found.reuse_price <= most * (1 + 1e-12))
    again = outcome(scenario, found.channel, found.reuse_price, found.transmit_power_w)
    assert found.leader_utility == again.leader_utility
    np.testing.assert_array_equal(found.channel, np.asarray(scenario.channel))


@pytest.mark.parametrize("name", ["uniform_price", "random", "full_power"])
def test_followers_answer_with_best_responses(name):
    scenario = cell()
    found = METHODS[name](scenario)
    answer = follower_power(scenario, found.reuse_price, found.transmit_power_w)
    np.testing.assert_allclose(answer, found.transmit_power_w, rtol=1e-9)


@pytest.mark.parametrize("name", ["uniform_price", "random"])
def test_followers_answer_fixed_prices_with_best_responses(name):
    scenario = fixed(cell(), 0.2, 5.0)
    found = METHODS[name](scenario)
    answer = follower_power(scenario, found.reuse_price, found.transmit_power_w)
    np.testing.assert_allclose(answer, found.transmit_power_w, rtol=1e-9)


def test_without_reuse_every_channel_has_its_cellular_rate_and_no_one_pays():
    scenario = cell()
    found = no_reuse(scenario)
    assert not found.transmit_power_w.any()
    snr = scenario.received_cellular_power_w / scenario.noise_power_w
    rate = scenario.bandwidth_hz * np.log2(1.0 + snr)
    np.testing.assert_allclose(found.cellular_rate_bps, rate, rtol=1e-13)
    assert found.leader_utility == pytest.approx(rate.sum(), rel=1e-13)
    assert not found.follower_utility.any()


def test_full_power_asks_the_largest_price_that_allows_it():
    scenario = cell()
    found = full_power(scenario)
    np.testing.assert_array_equal(found.transmit_power_w, scenario.max_power_w)
    dearer = follower_power(
        scenario, found.reuse_price * (1 + 1e-6), found.transmit_power_w
    )
    assert np.all(dearer < scenario.max_power_w)


def test_full_power_under_fixed_bounds_is_an_equilibrium_only_where_they_allow_it():
    lax, dear = fixed(cell(), 1e-3, 1.0), fixed(cell(), 2.0, 3.0)
    cheap = full_power(lax)
    assert certify(lax, cheap).follower_regret_relative <= 1e-12
    assert isinstance(dear.price_bounds, FixedPriceBounds)
    np.testing.assert_array_equal(full_power(dear).reuse_price, dear.price_bounds.min)
    assert certify(dear, full_power(dear)).follower_regret_relative > 1e-3


@pytest.mark.parametrize("ratio", [0.1, 1.0])
def test_no_common_price_on_a_fine_grid_is_better(ratio):
    scenario = cell(
        num_channels=1, num_pairs=2, channel=[0, 0], follower_price_weight=ratio
    )
    channel = on_channel(scenario, 0)
    found = uniform_price(scenario)
    spend = scenario.spend_scale / channel.to_bs
    best = 0.0
    lowest = (spend / (scenario.max_power_w + 1.0)).min()
    for price in np.geomspace(lowest, 1e7 * lowest, 4000):
        (power,) = oracle.all_equilibria(channel, np.full(2, price))
        s = [
            (channel.interference(power, j) + channel.noise) / channel.own[j]
            for j in range(2)
        ]
        clipped = spend / (power + s)
        best = max(best, channel.leader_utility(clipped, power))
    assert found.leader_utility == pytest.approx(best, rel=1e-4)
    assert found.leader_utility >= best * (1 - 1e-7)


def test_a_common_price_is_common_to_all_pairs_inside_their_limits():
    scenario = cell(follower_price_weight=0.05, min_power_w=0.0)
    found = uniform_price(scenario)
    p = found.transmit_power_w
    inside = (p > 1e-6 * scenario.max_power_w) & (p < scenario.max_power_w * 0.999999)
    assert inside.sum() >= 2
    np.testing.assert_allclose(
        found.reuse_price[inside], found.reuse_price[inside][0], rtol=1e-9
    )


def test_a_common_price_within_fixed_bounds_is_clipped_to_each_pairs_own():
    scenario = fixed(cell(), 0.9, 1.1)
    found = uniform_price(scenario)
    assert isinstance(scenario.price_bounds, FixedPriceBounds)
    low, high = scenario.price_bounds.min, scenario.price_bounds.max
    common = [
        price
        for price in found.reuse_price
        if np.array_equal(np.clip(price, low, high), found.reuse_price)
    ]
    assert len(common) >= 1


def test_random_prices_follow_the_seed():
    scenario = cell()
    first, again, other = (random(scenario, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first.reuse_price, again.reuse_price)
    assert np.all(first.reuse_price != other.reuse_price)
    p = np.concatenate([random(scenario, seed=s).transmit_power_w for s in range(60)])
    share = np.log(p / scenario.min_power_w) / np.log(
        scenario.max_power_w / scenario.min_power_w
    )
    assert abs(share.mean() - 0.5) < 0.05
    assert share.min() >= 0.0
    assert share.max() <= 1.0


def test_random_powers_without_a_least_one_span_thirty_db():
    p = random(cell(min_power_w=0.0)).transmit_power_w
    assert np.all((p >= 0.999e-3 * 0.19952623) & (p <= 0.2))


def test_compare_runs_every_method_and_none_beats_the_proved_bound():
    scenario = cell()
    results = compare(scenario, seed=2)
    assert [r.name for r in results] == list(METHODS)
    best = results[-1]
    assert best.certificate is not None
    for r in results:
        assert r.status is Status.CONVERGED
        assert r.outcome.leader_utility <= best.certificate.bilevel_bound
        if r.name == "no_reuse":
            assert r.certificate is None
            continue
        assert r.certificate is not None
        assert r.certificate.bilevel_bound == best.certificate.bilevel_bound
        assert r.certificate.bilevel_gap >= 0.0
        assert r.certificate.follower_regret_relative <= 1e-9
    np.testing.assert_array_equal(
        results[2].outcome.reuse_price, random(scenario, seed=2).reuse_price
    )


def test_compare_assigns_channels_once_where_they_are_open():
    results = compare(cell(channel=None, num_pairs=6))
    for r in results:
        np.testing.assert_array_equal(r.outcome.channel, results[0].outcome.channel)


@pytest.mark.parametrize("concept", ["published", "iterated", "bilevel"])
def test_solution_concepts_are_those_of_solve(concept):
    scenario = cell()
    wanted = solve(scenario, concept)
    np.testing.assert_array_equal(
        METHODS[concept](scenario).reuse_price, wanted.value.reuse_price
    )
    result = run_method(scenario, concept)
    assert result.status is wanted.status
    assert result.outcome.leader_utility == wanted.value.leader_utility


@pytest.mark.parametrize("name", list(METHODS))
def test_no_method_invents_channels(name):
    with pytest.raises(ConfigError) as caught:
        METHODS[name](cell(channel=None))
    assert str(caught.value).startswith("channel: expected a channel per pair")


def test_an_unknown_method_is_named():
    with pytest.raises(ConfigError) as caught:
        run_method(cell(), "full_powr")
    assert str(caught.value) == (
        "name: expected one of no_reuse, uniform_price, random, full_power, "
        "published, iterated, bilevel (did you mean 'full_power'?), got 'full_powr'"
    )


@pytest.mark.parametrize("name", SIMPLE)
def test_a_cell_without_pairs_is_allowed(name):
    found = METHODS[name](cell(num_pairs=0, channel=[]))
    assert found.reuse_price.shape == (0,)
    assert found.leader_utility == pytest.approx(found.cellular_rate_bps.sum())
