"""Whole scenarios: statuses that tell the truth, batches, and degenerate cells."""

import subprocess
import sys

import jax
import numpy as np
import pytest
from oracles import bilevel
from oracles.cells import channel_of, random_cell
from spectrum.cases import CYCLE, cell, fixed_cell, only_games, scenario_of

from stackelberg.errors import ConfigError, DomainError, NotConverged
from stackelberg.game import Status
from stackelberg.spectrum import (
    FixedPriceBounds,
    Scenario,
    certify,
    follower_equilibrium,
    generate,
    outcome,
    solve,
    solve_batch,
)
from stackelberg.spectrum.certify import EXACT
from stackelberg.spectrum.channel_game import channel_games
from stackelberg.spectrum.solve import SpectrumSolution, local_optima

CONCEPTS = pytest.mark.parametrize("concept", ["bilevel", "iterated", "published"])


def check(scenario: Scenario, solution: SpectrumSolution) -> None:
    """What every answer promises, whatever its status."""
    value, certificate = solution.value, solution.certificate
    assert certificate.follower_regret_relative <= EXACT
    assert certificate.power_violation <= EXACT
    assert certificate.utility_error == 0.0
    if solution.status is not Status.MAX_ITERATIONS:
        # Else the last prices may lie outside the box that the followers' answer sets.
        assert certificate.price_violation <= EXACT
        assert value.leader_utility <= certificate.bilevel_bound * (1.0 + 1e-12)
    again = certify(scenario.with_channel(value.channel), value, max_boxes=1)
    assert again.follower_regret == certificate.follower_regret
    assert again.price_regret == certificate.price_regret


def same(one: SpectrumSolution, other: SpectrumSolution) -> bool:
    """Whether two solutions agree in every bit that a user sees."""
    values = all(
        np.array_equal(getattr(one.value, name), getattr(other.value, name))
        for name in one.value.__dataclass_fields__
    )
    numbers = all(
        np.array_equal(getattr(one.certificate, name), getattr(other.certificate, name))
        for name in one.certificate.__dataclass_fields__
    )
    return (
        values
        and numbers
        and one.status is other.status
        and one.iterations == other.iterations
        and dict(one.stats) == dict(other.stats)
    )


@CONCEPTS
def test_a_batch_equals_one_by_one_in_every_bit(concept):
    scenarios = [
        make(seed, n, num_channels=m, coupling=0.3, min_power=least)
        for seed, (make, n, m, least) in enumerate(
            [
                (cell, 6, 2, 0.01),
                (fixed_cell, 6, 2, 0.01),
                (cell, 7, 3, 0.0),
                (cell, 1, 3, 0.01),
                (fixed_cell, 5, 2, 0.0),
                (cell, 0, 2, 0.01),
                (cell, 9, 1, 0.01),
            ]
        )
    ] + [
        generate(seed=s, num_channels=3, num_pairs=8, channel="random") for s in (1, 2)
    ]
    together = solve_batch(scenarios, concept, max_boxes=3000)
    assert len(together) == len(scenarios)
    for scenario, solution in zip(scenarios, together, strict=True):
        assert same(solution, solve(scenario, concept, max_boxes=3000))
        check(scenario, solution)
        assert solution.stats["concept"] == concept
    backwards = solve_batch(scenarios[::-1], concept, max_boxes=3000)[::-1]
    assert all(same(a, b) for a, b in zip(together, backwards, strict=True))


def test_no_scenarios_are_no_solutions():
    assert solve_batch([]) == []


def test_concepts_are_ordered_by_what_the_leader_gets():
    for seed in range(8):
        scenario = generate(
            seed=seed,
            num_channels=4,
            num_pairs=12,
            channel=np.arange(12) % 4,
            follower_price_weight=0.1,
        )
        best = solve(scenario, tolerance=1e-6)
        assert best.status is Status.CONVERGED
        for concept in ("iterated", "published"):
            other = solve(scenario, concept)
            check(scenario, other)
            assert other.value.leader_utility <= best.value.leader_utility * (1 + 1e-6)
            gap = other.certificate.bilevel_gap
            assert gap >= best.value.leader_utility / other.value.leader_utility - 1.0


def test_a_wider_box_never_hurts_the_leader():
    narrow = fixed_cell(2, 4, num_channels=2, width=2.0)
    bounds = narrow.price_bounds
    assert isinstance(bounds, FixedPriceBounds)
    before = 0.0
    for width in (1.0, 1.5, 2.0, 8.0):
        box = FixedPriceBounds(bounds.min, width * bounds.min)
        reached = solve(narrow.replace(price_bounds=box), tolerance=1e-7)
        assert reached.value.leader_utility >= before * (1.0 - 1e-7)
        before = reached.value.leader_utility


def test_the_status_says_whether_the_proof_was_finished():
    scenario = cell(5, 8, coupling=0.5)
    short = solve(scenario, tolerance=1e-6, max_boxes=3)
    assert short.status is Status.ALMOST_CONVERGED
    assert short.certificate.bilevel_gap > 1e-6
    assert short.stats["boxes"] == short.iterations <= 4
    with pytest.raises(NotConverged, match="almost_converged: The answer is usable"):
        short.raise_for_status()
    full = solve(scenario, tolerance=1e-3)
    assert full.status is Status.CONVERGED
    assert full.raise_for_status() is full
    assert 0.0 <= full.certificate.bilevel_gap <= 1e-3
    assert full.value.leader_utility >= short.value.leader_utility * (1 - 1e-3)


def test_an_unsettled_iteration_says_so_even_if_other_channels_settled():
    cycle = scenario_of(CYCLE["scenario"])
    solution = solve(cycle, "iterated")
    assert solution.status is Status.MAX_ITERATIONS
    check(cycle, solution)
    with pytest.raises(NotConverged, match="max_iterations: The iteration did not"):
        solution.raise_for_status()
    mixed = solve_batch([cell(1, 2), cycle, cell(2, 2)], "iterated")
    assert [s.status for s in mixed] == [
        Status.CONVERGED,
        Status.MAX_ITERATIONS,
        Status.CONVERGED,
    ]


def test_a_published_answer_is_the_last_word_of_its_iteration_only():
    fields = random_cell(3, 3, follower_price_weight=0.1)
    solution = solve(Scenario(**fields), "published")
    assert solution.status in (Status.CONVERGED, Status.MAX_ITERATIONS)
    assert solution.stats["boxes"] == 0
    check(Scenario(**fields), solution)


@pytest.mark.parametrize("num_pairs, gap", [(12, 1e-4), (16, 1e-3)])
def test_crowded_realistic_channels_are_certified(num_pairs, gap):
    scenario = generate(
        seed=7,
        num_channels=2,
        num_pairs=2 * num_pairs,
        channel=np.arange(2 * num_pairs) % 2,
    )
    solution = solve(scenario, tolerance=gap)
    assert solution.status is Status.CONVERGED
    assert solution.certificate.bilevel_gap <= gap


@CONCEPTS
def test_sixty_pairs_on_one_channel_get_a_point_and_an_honest_gap(concept):
    scenario = generate(
        seed=1, num_channels=2, num_pairs=60, channel=np.zeros(60, dtype=int)
    )
    solution = solve(scenario, concept, max_boxes=40)
    check(scenario, solution)
    assert 0.0 < solution.certificate.bilevel_gap < 0.5
    assert solution.certificate.num_equilibria.shape == (2,)


@CONCEPTS
@pytest.mark.parametrize("least", [0.0, 1e-300, 1e-12, 0.01])
def test_one_pair_and_one_channel(concept, least):
    fields = random_cell(2, 1, min_power=least, follower_price_weight=0.2)
    scenario = Scenario(**fields)
    solution = solve(scenario, concept, tolerance=1e-8)
    assert solution.status is Status.CONVERGED
    check(scenario, solution)
    best = bilevel.best_powers(channel_of(fields)[0]).utility
    if concept != "published":
        assert solution.value.leader_utility == pytest.approx(best, rel=1e-8)
    assert solution.value.leader_utility <= best * (1.0 + 1e-8)


@CONCEPTS
def test_nobody_at_all(concept):
    scenario = cell(1, 0, num_channels=3)
    solution = solve(scenario, concept)
    assert solution.status is Status.CONVERGED
    free = np.log2(1.0 + scenario.received_cellular_power_w / scenario.noise_power_w)
    assert solution.value.leader_utility == pytest.approx(float(free.sum()))
    assert solution.certificate.bilevel_gap == pytest.approx(0.0, abs=1e-12)
    assert solution.value.reuse_price.shape == (0,)
    assert solution.certificate.num_equilibria.tolist() == [1, 1, 1]
    check(scenario, solution)


@CONCEPTS
@pytest.mark.parametrize("least", [0.0, 0.01])
def test_a_cellular_user_nobody_hears(concept, least):
    fields = random_cell(4, 3, min_power=least)
    fields["gain_cellular_to_bs"] = np.zeros(1)
    scenario = Scenario(**fields)
    solution = solve(scenario, concept, tolerance=1e-6)
    assert solution.status is Status.CONVERGED
    assert solution.value.cellular_rate_bps[0] == 0.0
    check(scenario, solution)
    if concept == "bilevel":
        best = bilevel.best_powers(channel_of(fields)[0]).utility
        assert solution.value.leader_utility == pytest.approx(best, rel=1e-6)


def test_pairs_that_do_not_hear_each_other_are_priced_in_closed_form():
    # A = 0 and no cross gains: each ratio p / (p + s) is largest at the greatest power.
    fields = random_cell(6, 5)
    fields["gain_d2d_to_d2d"] = np.zeros((5, 5))
    fields["gain_cellular_to_bs"] = np.zeros(1)
    scenario = Scenario(**fields)
    solution = solve(scenario, tolerance=1e-9)
    np.testing.assert_allclose(solution.value.transmit_power_w, 1.0, rtol=1e-12)
    channel, _ = channel_of(fields)
    noise = (channel.noise + channel.heard) / channel.own
    wanted = scenario.spend_scale * (1.0 / (1.0 + noise)).sum()
    assert solution.value.leader_utility == pytest.approx(wanted, rel=1e-12)
    assert solution.stats["boxes"] == 1


def test_pairs_that_drown_each_other_are_priced_one_at_a_time():
    fields = random_cell(6, 4, min_power=0.0)
    fields["gain_d2d_to_d2d"] = 1e12 * np.ones((4, 4))
    scenario = Scenario(**fields)
    solution = solve(scenario, tolerance=1e-6)
    assert solution.status is Status.CONVERGED
    check(scenario, solution)
    alone = max(
        solve(scenario.replace(**one_pair(fields, j))).value.leader_utility
        for j in range(4)
    )
    assert solution.value.leader_utility == pytest.approx(alone, rel=1e-4)


def one_pair(fields, j):
    return {
        "channel": np.zeros(1, dtype=int),
        "gain_d2d": fields["gain_d2d"][[j]],
        "gain_d2d_to_bs": fields["gain_d2d_to_bs"][[j]],
        "gain_cellular_to_d2d": fields["gain_cellular_to_d2d"][:, [j]],
        "gain_d2d_to_d2d": np.zeros((1, 1)),
    }


@pytest.mark.parametrize("make", [cell, fixed_cell])
def test_twelve_decades_of_gains_are_solved_or_admitted(make):
    for seed in range(6):
        scenario = make(seed, 4, spread=7.0, coupling=1.0)
        for concept in ("bilevel", "iterated", "published"):
            solution = solve(scenario, concept, max_boxes=3000)
            check(scenario, solution)
            assert np.isfinite(solution.certificate.bilevel_bound)


def test_a_sliver_of_a_power_range():
    for seed in range(4):
        for high in (np.nextafter(0.5, 1.0), 0.5 * (1.0 + 1e-12), 0.5 * (1.0 + 1e-6)):
            scenario = cell(seed, 3, min_power=0.5, max_power=float(high))
            solution = solve(scenario, tolerance=1e-9)
            assert solution.status is Status.CONVERGED
            check(scenario, solution)
            value = solve(scenario, "iterated").value.leader_utility
            assert solution.value.leader_utility >= value * (1 - 1e-9)


def test_identical_pairs_tie_and_are_solved():
    fields = random_cell(1, 4, min_power=0.001)
    fields |= {
        "gain_d2d": np.ones(4),
        "gain_d2d_to_bs": np.ones(4),
        "gain_cellular_to_d2d": 0.1 * np.ones((1, 4)),
    }
    for cross in (0.0, 0.3, 1.0, 3.0):
        fields["gain_d2d_to_d2d"] = np.full((4, 4), cross)
        scenario = Scenario(**fields)
        for concept in ("bilevel", "iterated", "published"):
            solution = solve(scenario, concept)
            check(scenario, solution)
        # Equal gains make a continuum of optima: slow to prove, and honestly so.
        assert solve(scenario, max_boxes=20_000).certificate.bilevel_gap <= 0.011


def test_where_followers_have_several_answers_the_leader_gets_the_best():
    """Fixed prices with three followers' equilibria: the best counts."""
    fields = random_cell(1, 2, min_power=0.001)
    fields |= {
        "gain_d2d": np.ones(2),
        "gain_d2d_to_bs": np.array([0.5, 0.1]),
        "gain_cellular_to_d2d": np.zeros((1, 2)),
        "gain_d2d_to_d2d": np.array([[0.0, 3.0], [3.0, 0.0]]),
    }
    free = Scenario(**fields)
    games = only_games(free)
    price = games.price_scale[0] / (1.0 + games.noise[0])
    scenario = free.replace(price_bounds=FixedPriceBounds(price, price))
    listed = follower_equilibrium(scenario, price).equilibria[0]
    assert len(listed) == 3
    utilities = [outcome(scenario, [0, 0], price, p).leader_utility for p in listed]
    solution = solve(scenario)
    assert solution.value.leader_utility == pytest.approx(max(utilities), rel=1e-12)
    assert solution.certificate.num_equilibria.tolist() == [3]
    assert solution.certificate.holds(1e-4)


def test_local_optima_are_those_of_the_kernel_on_any_number_of_threads():
    scenarios = [
        generate(seed=s, num_channels=8, num_pairs=16, channel=np.arange(16) % 8)
        for s in range(80)
    ]
    games = channel_games(scenarios, [np.arange(16) % 8] * 80)[2]
    together = local_optima(games, games.min_power_w, games.max_power_w)
    for rows in (np.arange(3), np.arange(600, 640)):
        part = games.take(rows)
        alone = local_optima(part, part.min_power_w, part.max_power_w)
        np.testing.assert_array_equal(alone, together[rows])


def test_options_out_of_range_are_refused():
    scenario = cell(1, 2)
    text = r"^concept: expected one of bilevel, iterated, published \(did you mean 'it"
    with pytest.raises(ConfigError, match=text):
        solve(scenario, "iterate")  # type: ignore[arg-type]
    for tolerance in (0.0, 1.0, -1.0, float("nan")):
        with pytest.raises(DomainError, match=r"^tolerance: expected a number between"):
            solve(scenario, tolerance=tolerance)
    with pytest.raises(DomainError, match=r"^max_boxes: expected a whole number"):
        solve(scenario, max_boxes=0)


def test_solving_leaves_the_precision_setting_alone():
    before = jax.config.read("jax_enable_x64")
    solve_batch([cell(1, 3), fixed_cell(1, 3)])
    assert jax.config.read("jax_enable_x64") == before


def test_importing_leaves_the_precision_setting_alone():
    code = (
        "import jax; import stackelberg.spectrum.bilevel; "
        "import stackelberg.spectrum.reaction; import stackelberg; "
        "print(jax.config.read('jax_enable_x64'))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["False"]
