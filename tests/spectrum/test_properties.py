"""What must hold for every cell: symmetry, units, company, and nobody gaining alone."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.cells import channel_of, random_cell
from spectrum.cases import cell, fixed_cell

from stackelberg.spectrum import (
    FixedPriceBounds,
    Scenario,
    follower_equilibrium,
    leader_gradient,
    solve,
    solve_batch,
)

GAP = 1e-6

SEEDS = st.integers(0, 10_000)


@st.composite
def cells(draw, most_pairs: int = 4, least_pairs: int = 1) -> Scenario:
    """A small cell with either kind of price bounds."""
    num_pairs = draw(st.integers(least_pairs, most_pairs))
    make = draw(st.sampled_from([cell, fixed_cell]))
    return make(
        draw(SEEDS),
        num_pairs,
        num_channels=draw(st.integers(1, 2)),
        coupling=draw(st.sampled_from([0.0, 0.1, 0.4])),
        spread=draw(st.sampled_from([0.3, 1.0])),
        min_power=draw(st.sampled_from([0.0, 0.01])),
        follower_price_weight=draw(st.sampled_from([0.1, 1.0, 5.0])),
        leader_revenue_weight=draw(st.sampled_from([0.3, 1.0])),
    )


def prices_of(scenario: Scenario, seed: int) -> np.ndarray:
    """Prices that ask for powers all over the range."""
    power = np.random.default_rng(seed).uniform(0.02, 1.5, scenario.num_pairs)
    price = np.empty(scenario.num_pairs)
    for i in range(scenario.num_channels):
        channel, on = channel_of(vars(scenario), i)
        s = (channel.noise + channel.heard) / channel.own
        price[on] = scenario.spend_scale / (channel.to_bs * (power[on] + s))
    return price


def permuted(scenario: Scenario, order: np.ndarray) -> Scenario:
    """The cell with its pairs in another order, or only some of them."""
    assert scenario.channel is not None
    bounds = scenario.price_bounds
    if isinstance(bounds, FixedPriceBounds):
        bounds = FixedPriceBounds(bounds.min[order], bounds.max[order])
    return scenario.replace(
        channel=scenario.channel[order],
        gain_d2d=scenario.gain_d2d[order],
        gain_d2d_to_bs=scenario.gain_d2d_to_bs[order],
        gain_cellular_to_d2d=scenario.gain_cellular_to_d2d[:, order],
        gain_d2d_to_d2d=scenario.gain_d2d_to_d2d[np.ix_(order, order)],
        price_bounds=bounds,
    )


def scaled_bounds(scenario: Scenario, factor: float):
    bounds = scenario.price_bounds
    if isinstance(bounds, FixedPriceBounds):
        return FixedPriceBounds(factor * bounds.min, factor * bounds.max)
    return bounds


@settings(max_examples=60)
@given(scenario=cells(5), seed=SEEDS)
def test_permuting_the_pairs_permutes_the_followers_and_the_gradient(scenario, seed):
    order = np.random.default_rng(seed).permutation(scenario.num_pairs)
    price = prices_of(scenario, seed)
    one = follower_equilibrium(scenario, price)
    other = follower_equilibrium(permuted(scenario, order), price[order])
    np.testing.assert_allclose(
        other.transmit_power_w, one.transmit_power_w[order], rtol=1e-9, atol=1e-12
    )
    np.testing.assert_array_equal(other.num_equilibria, one.num_equilibria)
    np.testing.assert_allclose(other.spectral_radius, one.spectral_radius, rtol=1e-9)
    gradient = leader_gradient(scenario, price, one.transmit_power_w)
    moved = leader_gradient(
        permuted(scenario, order), price[order], one.transmit_power_w[order]
    )
    scale = np.abs(gradient).max()
    np.testing.assert_allclose(moved, gradient[order], rtol=1e-9, atol=1e-10 * scale)


@settings(max_examples=40)
@given(scenario=cells(), seed=SEEDS)
def test_permuting_the_pairs_leaves_the_leaders_optimum(scenario, seed):
    order = np.random.default_rng(seed).permutation(scenario.num_pairs)
    one = solve(scenario, tolerance=GAP, max_boxes=20_000)
    other = solve(permuted(scenario, order), tolerance=GAP, max_boxes=20_000)
    for here, there in ((one, other), (other, one)):
        bound = there.certificate.bilevel_bound
        assert here.value.leader_utility <= bound * (1.0 + 1e-12)


@settings(max_examples=40)
@given(
    scenario=cells(),
    seed=SEEDS,
    gain=st.floats(1e-9, 1e9),
    watt=st.floats(1e-6, 1e6),
    hertz=st.floats(1e-3, 1e6),
)
def test_units_change_nothing(scenario, seed, gain, watt, hertz):
    """Gains x gain, powers x watt, noise x both, rates and utilities x hertz."""
    price = prices_of(scenario, seed)
    factor = hertz / (gain * watt)  # price: utility per W at the base station
    other = scenario.replace(
        bandwidth_hz=hertz * scenario.bandwidth_hz,
        noise_power_w=gain * watt * scenario.noise_power_w,
        min_power_w=watt * scenario.min_power_w,
        max_power_w=watt * scenario.max_power_w,
        cellular_power_w=watt * scenario.cellular_power_w,
        gain_cellular_to_bs=gain * scenario.gain_cellular_to_bs,
        gain_d2d=gain * scenario.gain_d2d,
        gain_d2d_to_bs=gain * scenario.gain_d2d_to_bs,
        gain_cellular_to_d2d=gain * scenario.gain_cellular_to_d2d,
        gain_d2d_to_d2d=gain * scenario.gain_d2d_to_d2d,
        price_bounds=scaled_bounds(scenario, factor),
    )
    here = follower_equilibrium(scenario, price)
    there = follower_equilibrium(other, factor * price)
    np.testing.assert_allclose(
        there.transmit_power_w, watt * here.transmit_power_w, rtol=1e-9,
        atol=1e-12 * watt,
    )  # fmt: skip
    one = solve(scenario, tolerance=GAP, max_boxes=20_000)
    two = solve(other, tolerance=GAP, max_boxes=20_000)
    for a, b in ((one, two), (two, one)):
        unit = hertz if a is two else 1.0 / hertz
        bound = unit * b.certificate.bilevel_bound
        assert a.value.leader_utility <= bound * (1.0 + 1e-11)
    # The answer carries over and is certified by the other game's bound.
    np.testing.assert_allclose(
        two.certificate.bilevel_bound / hertz,
        one.certificate.bilevel_bound,
        rtol=2 * GAP,
    )


@settings(max_examples=40)
@given(scenario=cells(), seed=SEEDS)
def test_weights_and_prices_are_one_currency(scenario, seed):
    """Payments counted in another currency: both weights / c, prices x c."""
    price, factor = prices_of(scenario, seed), 7.0
    other = scenario.replace(
        follower_price_weight=scenario.follower_price_weight / factor,
        leader_revenue_weight=scenario.leader_revenue_weight / factor,
        price_bounds=scaled_bounds(scenario, factor),
    )
    np.testing.assert_allclose(
        follower_equilibrium(other, factor * price).transmit_power_w,
        follower_equilibrium(scenario, price).transmit_power_w,
        rtol=1e-9,
        atol=1e-12,
    )
    one = solve(scenario, tolerance=GAP, max_boxes=20_000)
    two = solve(other, tolerance=GAP, max_boxes=20_000)
    np.testing.assert_allclose(
        two.certificate.bilevel_bound, one.certificate.bilevel_bound, rtol=2 * GAP
    )


@settings(max_examples=30)
@given(first=cells(), second=cells(), third=cells())
def test_a_batch_equals_a_loop(first, second, third):
    together = solve_batch([first, second, third], max_boxes=500)
    for scenario, solution in zip((first, second, third), together, strict=True):
        alone = solve(scenario, max_boxes=500)
        np.testing.assert_array_equal(
            solution.value.reuse_price, alone.value.reuse_price
        )
        np.testing.assert_array_equal(
            solution.value.transmit_power_w, alone.value.transmit_power_w
        )
        assert solution.value.leader_utility == alone.value.leader_utility
        assert solution.certificate.bilevel_bound == alone.certificate.bilevel_bound


@settings(max_examples=40)
@given(seed=SEEDS, extra=st.integers(1, 4))
def test_pairs_on_other_channels_do_not_matter(seed, extra):
    fields = random_cell(seed, 3 + extra, num_channels=2, coupling=0.3)
    fields["channel"] = np.array([0, 0, 0] + [1] * extra)
    crowded = Scenario(**fields)
    few = permuted(crowded, np.arange(3))
    price = prices_of(crowded, seed)
    np.testing.assert_array_equal(
        follower_equilibrium(crowded, price).transmit_power_w[:3],
        follower_equilibrium(few, price[:3]).transmit_power_w,
    )
    for concept in ("bilevel", "iterated"):
        one, other = solve(crowded, concept), solve(few, concept)
        np.testing.assert_array_equal(
            one.value.reuse_price[:3], other.value.reuse_price
        )
        assert one.value.cellular_rate_bps[0] == other.value.cellular_rate_bps[0]


@settings(max_examples=25)
@given(scenario=cells(3))
def test_no_player_gains_by_deviating_on_a_grid(scenario):
    solution = solve(scenario, tolerance=GAP, max_boxes=20_000)
    price, power = solution.value.reuse_price, solution.value.transmit_power_w
    bound = 0.0
    for i in range(scenario.num_channels):
        channel, on = channel_of(vars(scenario), i)
        bound += channel.leader_utility(price[on], power[on])
        for j in range(len(on)):
            held = channel.follower_utility(price[on], power[on], j)
            trial = power[on].copy()
            for candidate in np.linspace(channel.min_power, channel.max_power, 101):
                trial[j] = candidate
                gained = channel.follower_utility(price[on], trial, j) - held
                assert gained <= 1e-9 * scenario.spend_scale
    assert np.isclose(bound, solution.value.leader_utility, rtol=1e-12)
    # The leader: every pair's price moved within its box, the followers answering.
    for j in range(scenario.num_pairs):
        for factor in (0.5, 0.9, 0.99, 1.01, 1.1, 2.0):
            moved = price.copy()
            moved[j] *= factor
            answered = follower_equilibrium(scenario, moved).transmit_power_w
            if leaves_the_box(scenario, moved, answered):
                continue
            total = 0.0
            for i in range(scenario.num_channels):
                channel, on = channel_of(vars(scenario), i)
                total += channel.leader_utility(moved[on], answered[on])
            assert total <= solution.certificate.bilevel_bound * (1.0 + 1e-9)


def leaves_the_box(scenario: Scenario, price: np.ndarray, power: np.ndarray) -> bool:
    bounds = scenario.price_bounds
    if isinstance(bounds, FixedPriceBounds):
        return bool(((price < bounds.min) | (price > bounds.max)).any())
    for i in range(scenario.num_channels):
        channel, on = channel_of(vars(scenario), i)
        for j, pair in enumerate(on):
            heard = channel.noise + channel.interference(power[on], j)
            s = heard / channel.own[j]
            scale = scenario.spend_scale / channel.to_bs[j]
            low, high = scale / (channel.max_power + s), scale / (channel.min_power + s)
            if not low <= price[pair] <= high:
                return True
    return False


@settings(max_examples=40)
@given(scenario=cells(4, 2), seed=SEEDS)
def test_a_dearer_price_never_makes_its_own_pair_louder(scenario, seed):
    price = prices_of(scenario, seed)
    game = follower_equilibrium(scenario, price)
    if (game.spectral_radius >= 1.0).any():
        return
    for j in range(scenario.num_pairs):
        dearer = price.copy()
        dearer[j] *= 1.3
        answer = follower_equilibrium(scenario, dearer).transmit_power_w
        assert answer[j] <= game.transmit_power_w[j] + 1e-12
