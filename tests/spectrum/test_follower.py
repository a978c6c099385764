"""The followers' equilibrium and the leader's gradient: reference cases and oracles."""

import numpy as np
import pytest
from oracles import power_game
from oracles.cells import channel_of, random_cell
from spectrum.cases import MULTI_PAIR, cell, fixed_cell, scenario_of

from stackelberg.errors import ConfigError, DomainError, ShapeError
from stackelberg.spectrum import (
    FixedPriceBounds,
    InterferencePriceBounds,
    Scenario,
    follower_equilibrium,
    follower_power,
    leader_gradient,
    outcome,
)

CASES = pytest.mark.parametrize("case", MULTI_PAIR, ids=lambda case: case["id"])

UNIQUE = pytest.mark.parametrize(
    "case",
    [case for case in MULTI_PAIR if case["expected"]["equilibrium_unique"]],
    ids=lambda case: case["id"],
)


def power_game_scenario(coupling, target, *, high=1.0, low=0.0, cellular=1.0):
    """A channel with the given F and b at prices of one."""
    k = len(target)
    noise = 0.5
    # B/(price gbar) = 1/gbar, so that b_j = 1/gbar_j - noise with unit own gains.
    return Scenario(
        bandwidth_hz=float(np.log(2.0)),
        noise_power_w=noise,
        follower_price_weight=1.0,
        leader_revenue_weight=1.0,
        min_power_w=low,
        max_power_w=high,
        channel=np.zeros(k, dtype=int),
        cellular_power_w=np.array([cellular]),
        gain_cellular_to_bs=np.ones(1),
        gain_d2d=np.ones(k),
        gain_d2d_to_bs=1.0 / (np.asarray(target) + noise),
        gain_cellular_to_d2d=np.zeros((1, k)),
        gain_d2d_to_d2d=np.asarray(coupling, dtype=float).T.copy(),
        price_bounds=InterferencePriceBounds(),
    )


THREE_EQUILIBRIA = power_game_scenario([[0.0, 2.0], [2.0, 0.0]], [1.0, 1.0])


@CASES
def test_the_reference_equilibria_are_found(case):
    expected = case["expected"]
    scenario = scenario_of(case["scenario"])
    game = follower_equilibrium(scenario, case["reuse_price"])
    scale = scenario.max_power_w
    assert game.residual_w <= 1e-12 * scale
    assert scenario.channel is not None
    for i, listed in enumerate(expected["all_equilibria_per_channel"]):
        found, wanted = game.equilibria[i], np.array(listed)
        assert game.num_equilibria[i] == len(found) == len(wanted)
        for power in wanted:
            assert np.abs(found - power).max(axis=1).min() <= 1e-9 * scale
    if expected["equilibrium_unique"]:
        np.testing.assert_allclose(
            game.transmit_power_w, expected["transmit_power_w"], atol=1e-9 * scale
        )
    assert [bool(x) for x in game.p_matrix] == expected["p_matrix"]
    np.testing.assert_allclose(
        game.spectral_radius, expected["spectral_radius"], rtol=1e-9, atol=1e-12
    )


@UNIQUE
def test_the_reference_utilities_are_reproduced(case):
    expected = case["expected"]
    scenario = scenario_of(case["scenario"])
    reached = outcome(
        scenario,
        case["scenario"]["channel"],
        case["reuse_price"],
        expected["transmit_power_w"],
    )
    assert reached.leader_utility == pytest.approx(expected["leader_utility"], rel=1e-9)
    np.testing.assert_allclose(
        reached.follower_utility, expected["follower_utility"], rtol=1e-9, atol=1e-12
    )


@UNIQUE
def test_the_reference_gradient_is_reproduced(case):
    expected = case["expected"]
    scenario = scenario_of(case["scenario"])
    gradient = leader_gradient(
        scenario, case["reuse_price"], expected["transmit_power_w"]
    )
    wanted = np.array(expected["leader_gradient"])
    np.testing.assert_allclose(
        gradient, wanted, rtol=1e-6, atol=1e-12 * np.abs(wanted).max()
    )


def test_all_twenty_reference_cases_are_there():
    assert len(MULTI_PAIR) == 20
    assert sum(not case["expected"]["equilibrium_unique"] for case in MULTI_PAIR) == 2
    assert sum(case.get("bilevel") is not None for case in MULTI_PAIR) == 16


def test_best_worst_and_first_of_three_equilibria():
    price = np.ones(2)
    games = {
        choice: follower_equilibrium(THREE_EQUILIBRIA, price, choice)  # type: ignore[arg-type]
        for choice in ("best", "worst", "first")
    }
    listed = games["best"].equilibria[0]
    utilities = [
        outcome(THREE_EQUILIBRIA, [0, 0], price, p).leader_utility for p in listed
    ]
    assert len(listed) == games["first"].num_equilibria[0] == 3
    assert max(utilities) > min(utilities) * 1.01
    for choice, wanted in (("best", max(utilities)), ("worst", min(utilities))):
        power = games[choice].transmit_power_w
        reached = outcome(THREE_EQUILIBRIA, [0, 0], price, power).leader_utility
        assert reached == pytest.approx(wanted, rel=1e-14)
        assert games[choice].choice == choice
    first = games["first"].transmit_power_w
    assert np.abs(listed - first).max(axis=1).min() <= 1e-12
    assert games["first"].p_matrix[0] == 0
    assert games["first"].spectral_radius[0] == pytest.approx(2.0)


def test_the_best_of_several_equilibria_is_the_oracles_best():
    seen = 0
    for seed in range(40):
        fields = random_cell(seed, 3, coupling=2.0, min_power=0.0)
        fields["noise_power_w"] = 0.01
        scenario = Scenario(**fields)
        channel, _ = channel_of(fields)
        price = np.full(3, 1.0)
        all_of_them = power_game.all_equilibria(channel, price)
        utilities = [channel.leader_utility(price, p) for p in all_of_them]
        game = follower_equilibrium(scenario, price)
        assert len(game.equilibria[0]) == len(all_of_them)
        for choice, wanted in (("best", max(utilities)), ("worst", min(utilities))):
            power = follower_equilibrium(scenario, price, choice).transmit_power_w  # type: ignore[arg-type]
            assert channel.leader_utility(price, power) == pytest.approx(wanted)
        seen += len(all_of_them) > 1
    assert seen >= 5


def test_best_response_is_the_best_power_on_a_grid():
    fields = random_cell(3, 4, num_channels=2)
    scenario = Scenario(**fields)
    power = np.array([0.05, 0.9, 0.3, 0.01])
    price = np.array([0.8, 1.5, 3.0, 0.2])
    answer = follower_power(scenario, price, power)
    for i in (0, 1):
        channel, on = channel_of(fields, i)
        for j, pair in enumerate(on):
            trial = power[on].copy()
            on_grid = power_game.best_response_on_grid(channel, price[on], trial, j)
            assert answer[pair] == pytest.approx(on_grid, abs=1e-3)
            trial[j] = answer[pair]
            reached = channel.follower_utility(price[on], trial, j)
            trial[j] = on_grid
            assert reached >= channel.follower_utility(price[on], trial, j) - 1e-12


def test_no_pair_gains_by_deviating_from_the_equilibrium_on_a_grid():
    for seed in range(8):
        fields = random_cell(seed, 5, coupling=0.6)
        scenario = Scenario(**fields)
        price = np.random.default_rng(seed).uniform(0.2, 3.0, 5)
        power = follower_equilibrium(scenario, price).transmit_power_w
        channel, _ = channel_of(fields)
        for j in range(5):
            held = channel.follower_utility(price, power, j)
            trial = power.copy()
            for candidate in np.linspace(0.01, 1.0, 400):
                trial[j] = candidate
                assert channel.follower_utility(price, trial, j) <= held + 1e-12


def test_the_gradient_is_the_slope_of_the_solved_game():
    checked = 0
    for seed in range(12):
        fields = random_cell(seed, 3, coupling=0.25)
        scenario = Scenario(**fields)
        channel, _ = channel_of(fields)
        price = np.random.default_rng(seed).uniform(0.4, 2.0, 3)
        if len(power_game.all_equilibria(channel, price)) != 1:
            continue
        power = follower_equilibrium(scenario, price).transmit_power_w
        gradient = leader_gradient(scenario, price, power)
        for j in range(3):
            slope = power_game.leader_slope(channel, price, j)
            assert gradient[j] == pytest.approx(slope, rel=1e-5, abs=1e-7)
            checked += 1
    assert checked >= 30


def test_large_channels_say_what_was_not_decided():
    weak = cell(1, 13, coupling=0.01)
    strong = cell(1, 13, coupling=0.5)
    price = np.full(13, 1.0)
    unique = follower_equilibrium(weak, price)
    assert unique.p_matrix[0] == 1
    assert unique.num_equilibria[0] == 1
    assert unique.equilibria == {}
    several = follower_equilibrium(strong, price)
    assert several.p_matrix[0] in (0, -1)
    assert several.num_equilibria[0] == -1
    assert several.residual_w <= 1e-12


def test_a_possible_continuum_is_not_counted():
    scenario = power_game_scenario([[0.0, 1.0], [1.0, 0.0]], [1.0, 1.0])
    game = follower_equilibrium(scenario, [1.0, 1.0])
    assert game.num_equilibria[0] == -1
    assert game.residual_w <= 1e-12
    assert game.p_matrix[0] == 0


def test_identical_pairs_are_solved_however_many():
    for k in (2, 5, 8, 9, 20):
        coupling = np.ones((k, k)) - np.eye(k)
        scenario = power_game_scenario(coupling, np.ones(k), low=0.01)
        game = follower_equilibrium(scenario, np.ones(k))
        assert game.residual_w <= 1e-9


def test_sixty_pairs_on_one_channel_reach_equilibrium():
    scenario = cell(2, 60, coupling=0.3)
    game = follower_equilibrium(scenario, np.full(60, 0.7))
    assert game.residual_w <= 1e-12
    assert game.num_equilibria[0] in (1, -1)


def test_no_pairs_have_an_empty_equilibrium():
    scenario = cell(0, 0)
    game = follower_equilibrium(scenario, [])
    assert game.transmit_power_w.shape == (0,)
    assert game.residual_w == 0.0
    assert game.num_equilibria.tolist() == [1]
    assert leader_gradient(scenario, [], []).shape == (0,)
    assert follower_power(scenario, [], []).shape == (0,)


def test_a_gain_per_channel_is_the_one_of_the_pairs_own_channel():
    fields = random_cell(5, 4, num_channels=2)
    flat = Scenario(**fields)
    by_channel = {
        name: np.stack([fields[name], 7.0 * fields[name]])
        for name in ("gain_d2d", "gain_d2d_to_bs", "gain_d2d_to_d2d")
    }
    on = np.asarray(fields["channel"])
    for name in ("gain_d2d", "gain_d2d_to_bs"):
        by_channel[name][1, on == 1] = fields[name][on == 1]
    by_channel["gain_d2d_to_d2d"][1] = fields["gain_d2d_to_d2d"]
    layered = flat.replace(**by_channel)
    price, power = np.full(4, 0.9), np.full(4, 0.3)
    for ask in (follower_power, leader_gradient):
        np.testing.assert_array_equal(
            ask(flat, price, power), ask(layered, price, power)
        )
    np.testing.assert_array_equal(
        follower_equilibrium(flat, price).transmit_power_w,
        follower_equilibrium(layered, price).transmit_power_w,
    )


def test_fixed_bounds_change_nothing_for_the_followers():
    fixed = fixed_cell(4, 3)
    free = fixed.replace(price_bounds=InterferencePriceBounds())
    price = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(
        follower_equilibrium(fixed, price).transmit_power_w,
        follower_equilibrium(free, price).transmit_power_w,
    )
    assert isinstance(fixed.price_bounds, FixedPriceBounds)


@pytest.mark.parametrize("ask", [follower_power, leader_gradient])
def test_a_scenario_without_channels_is_refused(ask):
    scenario = cell(0, 2).with_channel(None)
    with pytest.raises(ConfigError, match=r"^channel: expected a channel per pair"):
        ask(scenario, [1.0, 1.0], [0.1, 0.1])
    with pytest.raises(ConfigError, match=r"^channel: expected a channel per pair"):
        follower_equilibrium(scenario, [1.0, 1.0])


@pytest.mark.parametrize("price", [0.0, -1.0, np.nan, np.inf])
def test_a_price_that_is_no_price_is_refused(price):
    scenario = cell(0, 2)
    text = r"^reuse_price\[1\]: expected a finite price > 0, got"
    with pytest.raises(DomainError, match=text):
        follower_equilibrium(scenario, [1.0, price])
    with pytest.raises(DomainError, match=text):
        follower_power(scenario, [1.0, price], [0.1, 0.1])


def test_wrong_lengths_and_choices_are_refused():
    scenario = cell(0, 2)
    with pytest.raises(ShapeError, match=r"^reuse_price: expected 2 numbers"):
        follower_equilibrium(scenario, [1.0])
    with pytest.raises(ShapeError, match=r"^transmit_power_w: expected 2 numbers"):
        leader_gradient(scenario, [1.0, 1.0], [0.1])
    with pytest.raises(DomainError, match=r"^transmit_power_w\[0\]: expected a finite"):
        follower_power(scenario, [1.0, 1.0], [-0.1, 0.1])
    with pytest.raises(ConfigError, match=r"^choice: expected best, worst or first"):
        follower_equilibrium(scenario, [1.0, 1.0], "any")  # type: ignore[arg-type]
