"""The price iteration against a grid search, its known cycle, and one pair alone."""

import numpy as np
import pytest
from oracles import bilevel, price_iteration
from oracles.cells import channel_of, random_cell
from spectrum.cases import CYCLE, cell, fixed_cell, only_games, scenario_of

from stackelberg.game import Status
from stackelberg.spectrum import Scenario, generate, outcome, solve
from stackelberg.spectrum.channel_game import ChannelGames, channel_games
from stackelberg.spectrum.follower import follower_equilibrium
from stackelberg.spectrum.price_iteration import MAX_SWEEPS, iterate_prices
from stackelberg.spectrum.published import published_price
from stackelberg.spectrum.scenario import FixedPriceBounds


def iterated(games: ChannelGames, published=False):
    price, power = np.empty(games.pairs.shape), np.empty(games.pairs.shape)
    sweeps = np.empty(len(games), dtype=np.int64)
    iterate_prices(
        games.cellular_snr, games.bs_gain, games.noise, games.coupling,
        games.price_scale, games.follower_price_weight, games.leader_revenue_weight,
        games.spend_scale, games.min_power_w, games.max_power_w, games.min_price,
        games.max_price, games.fixed_bounds, published, price, power, sweeps,
    )  # fmt: skip
    return price, power, sweeps


@pytest.mark.parametrize("num_pairs", [1, 2, 3])
def test_fixed_points_agree_with_the_grid_search(num_pairs):
    compared = 0
    for seed in range(6):
        fields = random_cell(
            seed, num_pairs, coupling=0.3, follower_price_weight=(0.1, 1.0)[seed % 2]
        )
        price, power, sweeps = iterated(only_games(Scenario(**fields)))
        if sweeps[0] < 0 or sweeps[0] > 12:
            continue
        channel, _ = channel_of(fields)
        wanted_price, wanted = price_iteration.sweeps(channel, int(sweeps[0]) + 1)[-1]
        reached = channel.leader_utility(price[0], power[0])
        best = channel.leader_utility(wanted_price, wanted)
        assert reached == pytest.approx(best, rel=1e-7)
        np.testing.assert_allclose(power[0], wanted, rtol=1e-3, atol=1e-6)
        np.testing.assert_allclose(price[0], wanted_price, rtol=1e-3)
        compared += 1
    assert compared >= 5


def test_fixed_points_within_fixed_bounds_agree_with_the_grid_search():
    compared = 0
    for seed in range(8):
        scenario = fixed_cell(seed, 2, coupling=0.3, width=(1.5, 8.0)[seed % 2])
        bounds = scenario.price_bounds
        assert isinstance(bounds, FixedPriceBounds)
        price, power, sweeps = iterated(only_games(scenario))
        channel, _ = channel_of(vars(scenario))
        seen = price_iteration.sweeps(
            channel, 1 + min(12, abs(int(sweeps[0]))), (bounds.min, bounds.max)
        )
        utilities = [channel.leader_utility(p, q) for p, q in seen]
        if sweeps[0] < 0:  # a cycle there as well
            assert utilities[-1] != pytest.approx(utilities[-2], rel=1e-6)
            continue
        reached = channel.leader_utility(price[0], power[0])
        assert reached == pytest.approx(utilities[-1], rel=1e-7)
        np.testing.assert_allclose(power[0], seen[-1][1], rtol=1e-3, atol=1e-6)
        compared += 1
    assert compared >= 6


def test_at_a_fixed_point_no_single_price_gains_while_powers_stay():
    for seed in range(10):
        fields = random_cell(seed, 4, coupling=0.2)
        price, power, sweeps = iterated(only_games(Scenario(**fields)))
        if sweeps[0] < 0:
            continue
        channel, _ = channel_of(fields)
        held = channel.leader_utility(price[0], power[0])
        for j in range(4):
            low, high = price_iteration.price_box(channel, power[0], j)
            assert low * (1 - 1e-9) <= price[0][j] <= high * (1 + 1e-9)
            for candidate in np.geomspace(low, high, 200):
                trial, powers = price[0].copy(), power[0].copy()
                trial[j] = candidate
                powers[j] = price_iteration.answer(channel, candidate, power[0], j)
                assert channel.leader_utility(trial, powers) <= held * (1 + 1e-12)


def test_the_known_cycle_does_not_settle():
    scenario = scenario_of(CYCLE["scenario"])
    price, power, sweeps = iterated(only_games(scenario))
    assert sweeps[0] == -MAX_SWEEPS
    channel, _ = channel_of(vars(scenario))
    by_grid = price_iteration.sweeps(channel, 42)
    utilities = [channel.leader_utility(p, q) for p, q in by_grid[-6:]]
    # At the prices and powers that stand when a sweep ends.
    np.testing.assert_allclose(utilities[0::2], 6.5692, atol=1e-4)
    np.testing.assert_allclose(utilities[1::2], 6.5290, atol=1e-4)
    # The reference names the utilities with every price reset to the one that makes
    # the sweep's last powers everybody's best response: the single-level objective.
    powers = np.array([q for _, q in by_grid[-6:]])
    reset = bilevel.leader_utilities(
        channel, bilevel.induced_prices(channel, powers), powers
    )
    expected = CYCLE["expected"]["iterated_leader_utility_alternates"]
    np.testing.assert_allclose(np.sort(reset[:2]), expected, atol=1.5e-4)
    np.testing.assert_allclose(reset[0::2], reset[0], rtol=1e-7)
    np.testing.assert_allclose(reset[1::2], reset[1], rtol=1e-7)
    reached = channel.leader_utility(price[0], power[0])
    assert np.abs(np.array(utilities) - reached).min() <= 1e-4
    # None of the two is an equilibrium of the followers at the prices that stand.
    game = follower_equilibrium(scenario, price[0])
    assert np.abs(game.transmit_power_w - power[0]).max() > 1e-3


def test_the_known_cycle_is_reported_and_beaten_by_the_bilevel_optimum():
    scenario = scenario_of(CYCLE["scenario"])
    cycle = solve(scenario, "iterated")
    assert cycle.status is Status.MAX_ITERATIONS
    assert cycle.status.label == "max_iterations"
    assert CYCLE["expected"]["iterated_status"] == "not converged"
    assert cycle.stats["unsettled_channels"] == 1
    assert cycle.iterations == MAX_SWEEPS
    assert not cycle.certificate.holds(1e-4, "iterated")
    assert cycle.certificate.follower_regret_relative <= 1e-12
    assert cycle.certificate.price_regret > 1e-3
    best = solve(scenario, tolerance=1e-6)
    floor = CYCLE["expected"]["bilevel_leader_utility_at_least"]
    assert best.status is Status.CONVERGED
    assert best.value.leader_utility >= floor
    assert best.certificate.bilevel_gap <= 1e-6
    assert cycle.value.leader_utility < best.value.leader_utility


def test_one_pair_per_channel_makes_iterated_and_bilevel_one():
    for seed in range(10):
        for make in (cell, fixed_cell):
            scenario = make(
                seed, 4, num_channels=4, follower_price_weight=(0.1, 2.0)[seed % 2]
            )
            one = solve(scenario, "iterated").value
            other = solve(scenario, tolerance=1e-9).value
            assert one.leader_utility == pytest.approx(other.leader_utility, rel=2e-9)
    realistic = generate(seed=1, num_channels=12, num_pairs=12, channel=np.arange(12))
    one, other = solve(realistic, "iterated"), solve(realistic, tolerance=1e-9)
    assert one.iterations <= 2
    np.testing.assert_allclose(
        one.value.leader_utility, other.value.leader_utility, rtol=1e-9
    )


def test_published_prices_are_the_printed_rules_fixed_point():
    seen = 0
    for seed in range(20):
        scenario = cell(seed, 3, coupling=0.2, follower_price_weight=0.3)
        price, power, sweeps = iterated(only_games(scenario), published=True)
        if sweeps[0] < 0:
            continue
        channel, _ = channel_of(vars(scenario))
        for j in range(3):
            s = (channel.noise + channel.interference(power[0], j)) / channel.own[j]
            offset = -s * channel.to_bs[j]
            others = power[0] @ channel.to_bs - power[0][j] * channel.to_bs[j]
            low, high = price_iteration.price_box(channel, power[0], j)
            printed = published_price(
                cellular_power=channel.cellular_power,
                interference_offset=offset,
                residual_interference=offset + channel.noise + others,
                spend_scale=scenario.spend_scale,
                follower_price_weight=scenario.follower_price_weight,
                leader_revenue_weight=scenario.leader_revenue_weight,
                min_price=low,
                max_price=high,
            )
            assert price[0][j] == pytest.approx(float(printed[0]), rel=1e-9)
        seen += 1
    assert seen >= 10


def test_faint_links_settle_too():
    for noise in (1e3, 1e6, 1e9):
        fields = random_cell(4, 5, coupling=0.3)
        fields["noise_power_w"] = noise
        price, power, sweeps = iterated(only_games(Scenario(**fields)))
        assert sweeps[0] > 0
        assert np.isfinite(price).all()
        assert ((power >= 0.01) & (power <= 1.0)).all()


def test_a_channel_does_not_depend_on_the_batch_it_is_in():
    scenarios = [cell(seed, 6, num_channels=2, coupling=0.3) for seed in range(20)]
    games = channel_games(scenarios, [np.arange(6) % 2] * 20)[3]
    price, power, sweeps = iterated(games)
    for row in (0, 7, 39):
        alone = iterated(games.take(np.array([row])))
        np.testing.assert_array_equal(alone[0][0], price[row])
        np.testing.assert_array_equal(alone[1][0], power[row])
        assert alone[2][0] == sweeps[row]


def test_a_solution_that_settled_is_the_kernels():
    scenario = cell(3, 3, coupling=0.2)
    price, power, sweeps = iterated(only_games(scenario))
    assert sweeps[0] > 0
    solution = solve(scenario, "iterated")
    np.testing.assert_array_equal(solution.value.reuse_price, price[0])
    np.testing.assert_array_equal(solution.value.transmit_power_w, power[0])
    assert solution.iterations == sweeps[0]
    again = outcome(scenario, [0, 0, 0], price[0], power[0])
    assert solution.value.leader_utility == again.leader_utility
    assert solution.certificate.holds(1e-9, "iterated")
