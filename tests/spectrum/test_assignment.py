"""Channel allocation against trying everything, and what must hold of every method."""

import dataclasses

import numpy as np
import pytest
from oracles import channel_allocation as oracle

from stackelberg.errors import ConfigError, DomainError, InputError
from stackelberg.spectrum import FixedPriceBounds, Scenario, generate, outcome
from stackelberg.spectrum.allocation_values import (
    ChannelValues,
    Request,
    members,
    single_level_values,
)
from stackelberg.spectrum.assignment import Assignment, assign_channels, default_cap
from stackelberg.spectrum.bilevel import solve_games
from stackelberg.spectrum.channel_choice import follower_utilities
from stackelberg.spectrum.channel_game import ChannelGames, channel_games, games_of

SEARCHES = ("exhaustive", "local_search", "best_response")


def cell(seed: int, num_channels: int, num_pairs: int, ratio: float = 1.0) -> Scenario:
    return generate(
        seed=seed,
        num_channels=num_channels,
        num_pairs=num_pairs,
        follower_price_weight=ratio,
    )


def fields_of(scenario: Scenario) -> dict[str, object]:
    return {f.name: getattr(scenario, f.name) for f in dataclasses.fields(scenario)}


def made_up_values(seed: int):
    """A worth of every (channel, set) that follows from nothing but a seed."""

    def evaluate(games: ChannelGames) -> np.ndarray:
        return np.array(
            [
                np.random.default_rng([seed, int(i), *pairs.tolist()]).uniform(-1, 1)
                for i, pairs in zip(games.channel, games.pairs, strict=True)
            ]
        )

    return evaluate


def occupancy(assignment: Assignment) -> int:
    return int(np.bincount(assignment.channel).max(initial=0))


@pytest.mark.parametrize(("num_channels", "num_pairs"), [(2, 4), (3, 3)])
@pytest.mark.parametrize("ratio", [0.1, 1.0])
def test_exhaustive_is_the_best_of_all_by_another_solver(
    num_channels, num_pairs, ratio
):
    scenario = cell(3, num_channels, num_pairs, ratio)
    values = fields_of(scenario)
    wanted, channel = oracle.best_allocation(
        lambda i, on: oracle.channel_worth(values, i, on), num_channels, num_pairs, 3
    )
    found = assign_channels(scenario, method="exhaustive")
    assert found.leader_utility_estimate == pytest.approx(wanted, rel=1e-6)
    np.testing.assert_array_equal(found.channel, channel)
    assert found.exhaustive_gap == 0.0


@pytest.mark.parametrize("cap", [1, 2, 3, 6])
@pytest.mark.parametrize("seed", range(3))
def test_exhaustive_covers_every_allocation(cap, seed):
    num_channels, num_pairs = 3, 5 if cap > 1 else 3
    scenario = cell(0, num_channels, num_pairs)
    evaluate = made_up_values(seed)
    values = ChannelValues(scenario, evaluate)
    wanted, channel = oracle.best_allocation(
        lambda i, on: float(values.of([(i, sum(1 << j for j in on))])[0]),
        num_channels,
        num_pairs,
        cap,
    )
    found = assign_channels(
        scenario, method="exhaustive", max_pairs_per_channel=cap, evaluate=evaluate
    )
    assert found.leader_utility_estimate == pytest.approx(wanted, rel=1e-14)
    np.testing.assert_array_equal(found.channel, channel)


@pytest.mark.parametrize("num_pairs", [1, 3, 4])
def test_matching_is_the_best_with_one_pair_per_channel(num_pairs):
    scenario = cell(8, 4, num_pairs)
    found = assign_channels(scenario, method="matching")
    best = assign_channels(scenario, method="exhaustive", max_pairs_per_channel=1)
    np.testing.assert_array_equal(found.channel, best.channel)
    assert found.leader_utility_estimate == best.leader_utility_estimate
    assert occupancy(found) == 1
    automatic = assign_channels(scenario, max_pairs_per_channel=1)
    assert automatic.method == "matching"
    np.testing.assert_array_equal(automatic.channel, best.channel)


def test_local_search_is_mostly_optimal_on_small_cells_and_never_far():
    shapes = [(3, 5, 3), (3, 6, 2), (4, 7, 3)]
    gaps, without = [], []
    for seed in range(36):
        m, n, cap = shapes[seed % 3]
        scenario = cell(500 + seed, m, n, ratio=(1.0, 0.1)[seed % 2])
        for restarts, into in ((5, gaps), (0, without)):
            found = assign_channels(
                scenario,
                method="local_search",
                max_pairs_per_channel=cap,
                restarts=restarts,
            )
            assert found.exhaustive_gap is not None
            assert found.exhaustive_gap >= 0.0
            into.append(found.exhaustive_gap)
    optimal = np.mean(np.array(gaps) <= 1e-9)
    assert optimal >= 0.9, f"optimal in {optimal:.0%} with five restarts"
    assert max(gaps) <= 0.05
    assert 0.5 <= np.mean(np.array(without) <= 1e-9) < optimal


@pytest.mark.parametrize("method", SEARCHES)
@pytest.mark.parametrize("cap", [2, 3, 7])
def test_no_channel_carries_more_than_the_cap(method, cap):
    scenario = cell(2, 4, 7)
    found = assign_channels(scenario, method=method, max_pairs_per_channel=cap)
    assert occupancy(found) <= cap
    assert found.max_pairs_per_channel == cap
    assert found.channel.shape == (7,)


def test_a_cap_that_just_suffices_fills_every_channel():
    found = assign_channels(cell(2, 3, 6), max_pairs_per_channel=2)
    np.testing.assert_array_equal(np.bincount(found.channel, minlength=3), [2, 2, 2])


def test_a_looser_cap_never_costs_utility():
    scenario = cell(4, 3, 6)
    reached = [
        assign_channels(
            scenario, method="exhaustive", max_pairs_per_channel=cap
        ).leader_utility_estimate
        for cap in (2, 3, 4, 6)
    ]
    assert reached == sorted(reached)


@pytest.mark.parametrize("method", ["exhaustive", "local_search"])
def test_renaming_pairs_and_channels_renames_the_answer(method):
    scenario = cell(6, 4, 7, ratio=0.3)
    random = np.random.default_rng(1)
    pair, channel = random.permutation(7), random.permutation(4)
    renamed = scenario.replace(
        positions_m=None,
        cellular_power_w=scenario.cellular_power_w[channel],
        gain_cellular_to_bs=scenario.gain_cellular_to_bs[channel],
        gain_d2d=scenario.gain_d2d[channel][:, pair],
        gain_d2d_to_bs=scenario.gain_d2d_to_bs[channel][:, pair],
        gain_cellular_to_d2d=scenario.gain_cellular_to_d2d[channel][:, pair],
        gain_d2d_to_d2d=scenario.gain_d2d_to_d2d[channel][:, pair][:, :, pair],
    )
    first = assign_channels(scenario, method=method, restarts=0)
    second = assign_channels(renamed, method=method, restarts=0)
    assert second.leader_utility_estimate == pytest.approx(
        first.leader_utility_estimate, rel=1e-12
    )
    np.testing.assert_array_equal(channel[second.channel], first.channel[pair])


def test_the_estimate_is_the_utility_that_the_batched_solver_reaches():
    scenario = cell(7, 8, 16)
    found = assign_channels(scenario)
    assert found.method == "local_search"
    power, price = np.empty(16), np.empty(16)
    for games in channel_games([scenario], [found.channel]).values():
        p = solve_games(games, games.min_power_w, games.max_power_w).power_w
        s = games.noise + np.einsum("njk,nk->nj", games.coupling, p)
        power[games.pairs], price[games.pairs] = p, games.price_scale / (p + s)
    reached = outcome(scenario, found.channel, price, power).leader_utility
    assert found.leader_utility_estimate == pytest.approx(reached, rel=1e-9)


def test_each_set_on_a_channel_is_solved_once():
    scenario = cell(1, 10, 20)
    solved: list[tuple[int, ...]] = []

    def counting(games: ChannelGames) -> np.ndarray:
        solved.extend(
            (int(i), *pairs.tolist())
            for i, pairs in zip(games.channel, games.pairs, strict=True)
        )
        return single_level_values(games)

    found = assign_channels(scenario, method="local_search", evaluate=counting)
    assert len(solved) == len(set(solved)) == found.evaluations
    assert found.lookups > 2 * found.evaluations
    assert found.ranking == "given"
    assert found.exhaustive_gap is None


def test_values_asked_for_again_are_not_solved_again():
    values = ChannelValues(cell(1, 3, 4), single_level_values)
    requests = [(0, 0b11), (2, 0b1001), (0, 0b11), (1, 0)]
    first = values.of(requests)
    assert (values.evaluations, values.lookups) == (2, 4)
    np.testing.assert_array_equal(values.of(requests), first)
    assert (values.evaluations, values.lookups) == (2, 8)


def test_members_lists_a_set_in_ascending_order():
    assert members(0) == []
    assert members((1 << 70) | 0b1010) == [1, 3, 70]


def test_the_same_seed_gives_the_same_allocation():
    scenario = cell(9, 8, 20)
    first, second = (assign_channels(scenario, seed=4) for _ in range(2))
    np.testing.assert_array_equal(first.channel, second.channel)
    assert first.leader_utility_estimate == second.leader_utility_estimate


def test_restarts_never_cost_utility():
    scenario = cell(10, 8, 20)
    few, many = (assign_channels(scenario, restarts=r) for r in (0, 4))
    assert few.leader_utility_estimate <= many.leader_utility_estimate


def own_utility(scenario: Scenario, channel: np.ndarray, pair: int) -> float:
    """A pair's utility when the leader prices its channel best for itself."""
    on = np.flatnonzero(channel == channel[pair])
    games = games_of([scenario], [(0, int(channel[pair]), on)])
    p = solve_games(games, games.min_power_w, games.max_power_w).power_w
    s = games.noise + np.einsum("njk,nk->nj", games.coupling, p)
    power, price = np.full(len(channel), 0.0), np.ones(len(channel))
    power[on], price[on] = p[0], (games.price_scale / (p + s))[0]
    return float(outcome(scenario, channel, price, power).follower_utility[pair])


def test_pairs_foresee_the_utility_that_the_leaders_prices_leave_them():
    scenario = cell(2, 3, 5, ratio=0.3)
    known: dict[Request, np.ndarray] = {}
    follower_utilities(scenario, [(1, 0b10110), (0, 0b1)], known)
    for (i, pairs), utility in known.items():
        channel = np.full(5, 2)
        channel[members(pairs)] = i
        wanted = [own_utility(scenario, channel, j) for j in members(pairs)]
        np.testing.assert_allclose(utility, wanted, rtol=1e-6)


def test_no_pair_gains_by_moving_where_best_response_settles():
    scenario = cell(2, 3, 5)
    found = assign_channels(scenario, method="best_response")
    assert found.converged
    assert not found.cycled
    for pair in range(5):
        stays = own_utility(scenario, found.channel, pair)
        for to in range(3):
            moved = found.channel.copy()
            moved[pair] = to
            if np.bincount(moved).max() <= found.max_pairs_per_channel:
                assert own_utility(scenario, moved, pair) <= stays * (1 + 1e-8)


def test_best_response_that_goes_round_says_so():
    found = assign_channels(cell(0, 20, 30), method="best_response")
    assert not found.converged
    assert found.cycled
    assert found.evaluations < found.lookups


def test_fixed_bounds_are_ranked_without_them_and_say_so():
    scenario = cell(1, 3, 4)
    free = assign_channels(scenario)
    bound = assign_channels(
        scenario.replace(
            price_bounds=FixedPriceBounds(np.full(4, 1e3), np.full(4, 1e20))
        )
    )
    assert free.ranking == "single_level"
    assert bound.ranking == "single_level_ignoring_bounds"
    np.testing.assert_array_equal(bound.channel, free.channel)


def test_no_pairs_and_no_least_power_are_allowed():
    empty = generate(seed=1, num_channels=3, num_pairs=0)
    found = assign_channels(empty)
    assert found.channel.shape == (0,)
    alone = outcome(empty, found.channel, [], []).leader_utility
    assert found.leader_utility_estimate == pytest.approx(alone, rel=1e-14)
    silent = generate(seed=1, num_channels=3, num_pairs=4, min_power_w=0.0)
    least = generate(seed=1, num_channels=3, num_pairs=4)
    assert (
        assign_channels(silent).leader_utility_estimate
        >= assign_channels(least).leader_utility_estimate
    )


@pytest.mark.parametrize(
    ("num_channels", "num_pairs", "cap"), [(25, 50, 3), (20, 60, 3), (10, 45, 5)]
)
def test_default_cap(num_channels, num_pairs, cap):
    assert default_cap(num_channels, num_pairs) == cap


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        (
            {"method": "exhaustiv"},
            ConfigError,
            "method: expected one of auto, exhaustive, matching, local_search, "
            "best_response (did you mean 'exhaustive'?), got 'exhaustiv'",
        ),
        (
            {"max_pairs_per_channel": 2},
            DomainError,
            "max_pairs_per_channel: expected at least 3, to place 30 pairs on 10 "
            "channels, got 2",
        ),
        (
            {"max_pairs_per_channel": 0},
            DomainError,
            "max_pairs_per_channel: expected a whole number >= 1, got 0",
        ),
        (
            {"method": "matching"},
            ConfigError,
            "method: expected local_search (matching needs num_pairs <= num_channels "
            "= 10), got matching with 30 pairs",
        ),
        (
            {"method": "matching", "max_pairs_per_channel": 3},
            ConfigError,
            "max_pairs_per_channel: expected 1 for matching, got 3",
        ),
        (
            {"method": "exhaustive"},
            DomainError,
            "method: expected local_search (exhaustive would take too long), got "
            "exhaustive with 45250 sets of pairs to solve",
        ),
        ({"seed": -1}, DomainError, "seed: expected a whole number >= 0, got -1"),
        (
            {"restarts": 1.5},
            ConfigError,
            "restarts: expected a whole number, got 1.5",
        ),
    ],
)
def test_wrong_options_are_named(options, kind, message):
    with pytest.raises(InputError) as caught:
        assign_channels(cell(0, 10, 30), **options)
    assert type(caught.value) is kind
    assert str(caught.value) == message


def test_best_response_needs_interference_bounds():
    fixed = cell(1, 3, 4).replace(
        price_bounds=FixedPriceBounds(np.full(4, 1e3), np.full(4, 1e20))
    )
    with pytest.raises(ConfigError) as caught:
        assign_channels(fixed, method="best_response")
    assert str(caught.value) == (
        "method: expected another method (best_response needs interference price "
        "bounds), got best_response"
    )
