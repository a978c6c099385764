"""Equations (34)-(39) of the convergence proof, and what is wrong with it."""

from __future__ import annotations

from statistics import fmean

import numpy as np
import pytest
from oracles import stage_games as oracle
from spectrum.cases import fixed_cell

from stackelberg.learning import (
    StqSettings,
    cycle_game,
    iterate_values,
    random_game,
    solve_stage_games,
)
from stackelberg.learning.tabular.answer import one_step
from stackelberg.learning.tabular.convergence import (
    is_global_optimum,
    is_nash,
    is_saddle_point,
    published_learning_rates,
    published_next_value,
)
from stackelberg.learning.tabular.discretise import discretise, power_grid, price_grid
from stackelberg.learning.tabular.stq import (
    advance,
    sampled_target,
    start_stq,
    table_distance,
    updated,
)
from stackelberg.learning.tabular.value_iteration import choose_actions, values_of
from stackelberg.spectrum import Scenario, follower_equilibrium, outcome


@pytest.mark.equation("D2D", 34)
def test_rates_of_one_over_n_give_the_mean_of_the_targets() -> None:
    targets = np.random.default_rng(0).normal(size=50).tolist()
    entry = 7.0
    for n, target in enumerate(targets, start=1):
        entry = updated(entry, 1.0 / n, target)
    assert entry == pytest.approx(fmean(targets), rel=1e-12)


@pytest.mark.equation("D2D", 35, 39)
def test_every_step_of_the_learner_is_the_printed_one_with_its_own_table() -> None:
    game = random_game("general", seed=3, num_states=3, num_leader_actions=2)
    settings = StqSettings(steps=300, seed=4, restart=0.0)
    state = start_stq(game, settings)
    for _ in range(300):
        before, visits = state.table.copy(), state.visits.copy()
        advance(game, settings, state, 1)
        s, a, j = (int(i[0]) for i in np.nonzero(state.visits - visits))
        profile = np.unravel_index(j, game.follower_sizes)
        following = state.state  # without restarts the walk goes on from there
        nested = before.reshape(game.reward.shape)
        leader, reply = oracle.equilibrium(nested.tolist(), following, strong=True)
        rate = float(state.visits[s, a, j]) ** -settings.exponent
        for k, own in enumerate(nested):
            target = sampled_target(
                float(game.reward[(k, s, a, *profile)]),
                float(game.discount[k]),
                own[following],
                (leader, *reply),
            )
            wanted = updated(float(before[k, s, a, j]), rate, target)
            assert state.table[k, s, a, j] == pytest.approx(wanted, rel=1e-12)
        others = state.table != before
        others[:, s, a, j] = False
        assert not others.any()


@pytest.mark.equation("D2D", 37)
def test_at_the_fixed_point_the_sampled_target_is_right_on_average() -> None:
    game = random_game("team", seed=2)
    answer = iterate_values(game, tolerance=1e-12).value
    table, follow = answer.action_value, answer.follower_action
    for s in range(4):
        for action in np.ndindex(*game.reward.shape[2:]):
            mean = sum(
                game.transition[(s, *action, t)]
                * sampled_target(
                    float(game.reward[(0, s, *action)]),
                    0.8,
                    table[0, t],
                    (int(answer.leader_action[t]), *map(int, follow[t])),
                )
                for t in range(4)
            )
            assert mean == pytest.approx(table[(0, s, *action)], abs=1e-9)


@pytest.mark.equation("D2D", 38)
def test_the_distance_of_tables_is_the_largest_of_all_entries() -> None:
    rng = np.random.default_rng(1)
    left, right = rng.normal(size=(2, 3, 2, 2, 3))
    wanted = max(abs(a - b) for a, b in zip(left.flat, right.flat, strict=True))
    assert table_distance(left, right) == wanted
    assert table_distance(left, left) == 0.0


@pytest.mark.erratum("E14")
def test_lemma_1_needs_a_discount_below_one_and_a_vanishing_disturbance() -> None:
    def end(target: object, start: float) -> float:
        value = start
        for t in range(1, 5000):
            value = updated(value, 1.0 / t**0.6 / 2.0, target(value, t))  # type: ignore[operator]
        return value

    # gamma = 1, allowed in print: P Q = Q meets the condition for Q* = 0 and stays.
    assert end(lambda q, t: q, 3.0) == 3.0
    # Nothing printed makes lambda^t vanish: P Q = 1 but P 0 = 0, lambda = 1, gamma = 0.
    assert end(lambda q, t: 1.0 if q else 0.0, 3.0) == pytest.approx(1.0)
    # As meant, gamma < 1 and lambda^t -> 0:
    assert abs(end(lambda q, t: 0.5 * q + 1.0 / t, 3.0)) < 0.02


@pytest.mark.erratum("E15")
def test_assumption_2_compares_rates_where_it_means_entries() -> None:
    rates = np.array([0.5, 0.5, 0.25])
    printed, meant = published_learning_rates(rates, (0,))
    assert printed.tolist() == [0.5, 0.5, 0.0]  # the second was not visited
    assert meant.tolist() == [0.5, 0.0, 0.0]


@pytest.mark.erratum("E16")
def test_the_printed_continuation_ignores_the_next_state() -> None:
    # Reward 1 in the first state, then nothing for ever; discount .5; one action each.
    reward, chain = np.array([1.0, 0.0]), np.array([1, 1])
    printed, meant = np.zeros((2, 1, 1)), np.zeros((2, 1, 1))
    for _ in range(100):
        for s in range(2):
            printed[s] = reward[s] + 0.5 * published_next_value(printed, s, (0, 0))
            meant[s] = sampled_target(reward[s], 0.5, meant[chain[s]], (0, 0))
    assert meant.ravel().tolist() == [1.0, 0.0]
    assert printed.ravel().tolist() == [2.0, 0.0]


@pytest.mark.erratum("E17")
def test_a_stackelberg_equilibrium_need_not_be_a_nash_equilibrium() -> None:
    # Two prices, two powers: a higher price makes the follower send less.
    stage = np.array([[[2.0, 3.0], [1.5, 1.0]], [[1.0, 2.0], [2.0, 4.0]]])
    found = solve_stage_games(stage[:, None])
    action = (int(found.leader_action[0]), int(found.follower_action[0, 0]))
    assert stage[-1][action] == 2.0
    assert not is_nash(stage, action)
    assert stage[-1][1, action[1]] == 4.0  # what the leader gets at a fixed reply
    # And in the spectrum game: at fixed powers every price rise pays.
    cell = fixed_cell(0, 2)
    channel, price = cell.channel, cell.price_bounds.min  # type: ignore[union-attr]
    power = follower_equilibrium(cell, price).transmit_power_w
    earned = [
        outcome(cell, channel, factor * price, power).leader_utility  # type: ignore[arg-type]
        for factor in (1.0, 1.1, 1.2)
    ]
    assert earned[0] < earned[1] < earned[2]


def stage_game_of(cell: Scenario) -> np.ndarray:
    """A cell's one-shot game with 4 prices and 6 powers per pair."""
    return discretise(
        [cell], np.ones((1, 1)), price_grid(cell, 4), power_grid(cell, 6)
    ).reward[:, 0]


@pytest.mark.erratum("E18")
def test_assumption_3_fails_on_discretised_cells() -> None:
    nash = optima = saddles = 0
    for seed in range(300):
        stage = stage_game_of(fixed_cell(seed, 2))
        found = solve_stage_games(stage[:, None])
        assert not found.fallback[0]
        action = (
            int(found.leader_action[0]),
            *(int(i) for i in found.follower_action[0]),
        )
        nash += is_nash(stage, action)
        optima += is_global_optimum(stage, action)
        saddles += is_saddle_point(stage, action)
    # Here 0, 1 and 90; a near tie may fall otherwise on another processor.
    assert optima == 0
    assert saddles <= 2
    assert 88 <= nash <= 92


def test_optima_and_saddle_points_are_told_from_others() -> None:
    team = np.array([[[3.0, 1.0], [0.0, 2.0]]] * 2)
    assert is_global_optimum(team, (0, 0))
    assert not is_global_optimum(team, (1, 1))
    assert is_nash(team, (1, 1))
    assert not is_saddle_point(team, (1, 1))  # spoiled if the other deviates
    zero_sum = np.array([[[-2.0, -3.0], [-1.0, -4.0]], [[2.0, 3.0], [1.0, 4.0]]])
    assert is_saddle_point(zero_sum, (0, 0))
    assert not is_global_optimum(zero_sum, (0, 0))


@pytest.mark.erratum("E19")
def test_lemma_4_and_theorem_1_fail_in_the_cycle_game() -> None:
    game = cycle_game()
    near = np.array(game.reward)
    near[0, 0, 0, 0] = 5.0 - 1e-6  # the follower would rather quit
    far = near.copy()
    far[0, 0, 0, 0] = 5.0 + 1e-6  # ... rather stay
    assert table_distance(near, far) == pytest.approx(2e-6)
    stepped = [
        one_step(game, values_of(table, *choose_actions(table, "strong")))
        for table in (near, far)
    ]
    assert table_distance(*stepped) == 4.5  # not 1.8e-6
    assert iterate_values(game).stats["cycle_length"] == 2
