"""Exact value iteration: where it converges, where it cannot, and what it then says."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import tabular_games as oracle

from stackelberg.errors import ConfigError, DomainError
from stackelberg.game import Status
from stackelberg.learning import (
    TabularGame,
    certify_tables,
    cycle_game,
    iterate_values,
    random_game,
    solve_stage_games,
)
from stackelberg.learning.tabular.answer import one_step, policy_value
from stackelberg.learning.tabular.classes import (
    CONVERGENT,
    GameClass,
    choice_that_converges,
)
from stackelberg.learning.tabular.value_iteration import choose_actions, values_of

GAMES_PER_CLASS = 40
"""The first of those that benchmarks/tabular_classes.py takes 200 of."""


@pytest.mark.equation("D2D", 36)
@given(
    st.sampled_from(get_args(GameClass)),
    st.integers(0, 10**6),
    st.sampled_from([(2,), (2, 3), (2, 2, 2)]),
    st.booleans(),
)
@settings(max_examples=40)
def test_one_sweep_is_that_of_loops(
    kind: GameClass, seed: int, sizes: tuple[int, ...], strong: bool
) -> None:
    game = random_game(
        kind, seed=seed, num_states=3, num_leader_actions=2, follower_sizes=sizes
    ).replace(terminal=[False, True, False])
    table = np.random.default_rng(seed).integers(-3, 4, game.reward.shape) / 2.0
    actions = choose_actions(table, "strong" if strong else "weak")
    found = one_step(game, values_of(table, *actions))
    wanted = oracle.backed_up(
        game.reward, game.transition, game.discount, game.terminal, table, strong
    )
    assert np.allclose(found, wanted, rtol=0.0, atol=1e-12)


@pytest.mark.parametrize("kind", CONVERGENT)
def test_every_game_of_a_convergent_class_is_solved(kind: GameClass) -> None:
    choice = choice_that_converges(kind)
    failures = [
        seed
        for seed in range(GAMES_PER_CLASS)
        if iterate_values(random_game(kind, seed=seed), choice).status
        is not Status.CONVERGED
    ]
    assert failures == []


@pytest.mark.parametrize("seed", range(3))
def test_a_team_gets_what_one_mind_would(seed: int) -> None:
    game = random_game("team", seed=seed)
    found = iterate_values(game).value.state_value
    best = oracle.best_common_value(game.reward[0], game.transition, 0.8)
    assert np.allclose(found, best, rtol=0.0, atol=1e-7)


@pytest.mark.parametrize(("seed", "sizes"), [(0, (3,)), (1, (3, 2)), (2, (2, 2, 2))])
def test_a_zero_sum_leader_gets_its_max_min(seed: int, sizes: tuple[int, ...]) -> None:
    game = random_game("zero-sum", seed=seed, follower_sizes=sizes)
    found = iterate_values(game, "weak").value.state_value
    assert np.allclose(
        found[-1],
        oracle.max_min_value(game.reward[-1], game.transition, 0.8),
        rtol=0.0,
        atol=1e-7,
    )
    assert np.allclose(found[:-1], -found[-1], rtol=0.0, atol=1e-7)


def test_exogenous_games_are_played_as_one_shot_games() -> None:
    for seed in range(5):
        game = random_game("exogenous", seed=seed)
        answer = iterate_values(game).value
        once = solve_stage_games(game.reward)
        assert np.array_equal(answer.leader_action, once.leader_action)
        assert np.array_equal(answer.reply, once.reply)


def test_followers_with_strict_gaps_keep_their_dominant_actions() -> None:
    for seed in range(5):
        game = random_game("strict-gaps", seed=seed, discount=0.9)
        assert (game.discount[:-1] > 0.1).all()
        answer = iterate_values(game).value
        assert np.array_equal(answer.reply, solve_stage_games(game.reward).reply)


@pytest.mark.parametrize("choice", ["strong", "weak"])
def test_the_cycle_game_is_not_converged(choice: Any) -> None:
    found = iterate_values(cycle_game(), choice)
    assert found.status is Status.MAX_ITERATIONS
    assert found.stats["cycle_length"] == 2
    assert found.certificate.residual == 4.5
    history: Any = found.stats["history"]
    assert [row.residual for row in history[-2:]] == [4.5, 4.5]
    assert found.stats["flips"] > 0  # type: ignore[operator]
    assert not found.certificate.holds(0.5)


def test_no_policy_of_the_cycle_game_is_an_equilibrium() -> None:
    # Every pure policy of the live state, evaluated exactly, invites a deviation.
    game = cycle_game()
    start = iterate_values(game).value
    for leader in range(2):
        for waited in range(2):
            reply = start.reply.copy()
            reply[0, 0, 0] = waited
            action = start.leader_action.copy()
            action[0] = leader
            policy = type(start)(start.action_value, action, reply, "strong")
            table = one_step(game, policy_value(game, policy))
            checked = type(start)(table, action, reply, "strong")
            certificate = certify_tables(game, checked)
            assert certificate.residual < 1e-12
            assert certificate.relative_regret > 0.08


def test_games_without_structure_may_cycle() -> None:
    # One follower always has a best reply, so every failure is a failure to converge.
    endings = [
        iterate_values(random_game("general", seed=seed, follower_sizes=(3,)))
        for seed in range(60)
    ]
    cycled = [end for end in endings if end.status is Status.MAX_ITERATIONS]
    assert 0 < len(cycled) < 30
    assert all(end.stats["cycle_length"] != 1 for end in cycled)
    assert all(end.certificate.relative_residual > 1e-3 for end in cycled)


def test_a_fixed_point_without_equilibrium_is_not_called_converged() -> None:
    pennies = [[[3.0, -1.0], [-1.0, 1.0]], [[-3.0, 1.0], [1.0, -1.0]], [[0.0] * 2] * 2]
    pennies[0][1][1] = 1.5  # one cell has the least regret, bar rounding
    game = one_state(np.array(pennies)[:, None, None], 0.5)
    found = iterate_values(game)
    assert found.status is Status.ALMOST_CONVERGED
    assert found.certificate.without_equilibrium == 1
    assert found.certificate.fallback_states == 1
    assert found.certificate.follower_regret == pytest.approx(2.0)


def test_a_perturbed_answer_fails_its_certificate() -> None:
    game = random_game("team", seed=3)
    answer = iterate_values(game).value
    assert certify_tables(game, answer).holds(1e-7)
    table = answer.action_value.copy()
    table[0, 0, 0, 0, 0] += 0.1
    moved = certify_tables(game, type(answer)(table, *_policy(answer)))
    assert moved.residual == pytest.approx(0.1, rel=0.2)
    leader = answer.leader_action.copy()
    leader[0] = (leader[0] + 1) % 3
    worse = type(answer)(answer.action_value, leader, answer.reply, "strong")
    assert certify_tables(game, worse).leader_regret > 0.0
    reply = answer.reply.copy()
    reply[0, leader[0], 0] = (reply[0, leader[0], 0] + 1) % 3
    wrong = type(answer)(answer.action_value, answer.leader_action, reply, "strong")
    assert certify_tables(game, wrong).follower_regret > 0.0


def test_the_wrong_equilibrium_of_several_is_seen() -> None:
    reward = np.array([[[[1.0, 0.0], [0.0, 1.0]]], [[[1.0, 0.0], [0.0, 1.0]]],
                       [[[0.2, 0.0], [0.0, 0.7]]]])[:, None]  # fmt: skip
    game = one_state(reward, 0.0)
    strong, weak = iterate_values(game), iterate_values(game, "weak")
    assert strong.value.follower_action.tolist() == [[1, 1]]
    assert weak.value.follower_action.tolist() == [[0, 0]]
    answer = weak.value
    swapped = type(answer)(
        answer.action_value, answer.leader_action, answer.reply, "strong"
    )
    assert certify_tables(game, swapped).choice_regret == pytest.approx(0.5)


def one_state(reward: np.ndarray, discount: float) -> TabularGame:
    return TabularGame(
        reward=reward, transition=np.ones((1, 1)), discount=np.array(discount)
    )


def _policy(answer: Any) -> tuple[Any, Any, Any]:
    return answer.leader_action, answer.reply, answer.choice


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ({"choice": "weka"}, ConfigError, "did you mean 'weak'"),
        ({"tolerance": 0.0}, DomainError, "tolerance"),
        ({"max_sweeps": 0}, DomainError, "max_sweeps"),
    ],
)
def test_wrong_options_are_refused(
    arguments: Any, kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=text):
        iterate_values(cycle_game(), **arguments)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"kind": "teem", "seed": 0}, "did you mean 'team'"),
        ({"kind": "team", "seed": -1}, "seed: expected a whole number >= 0, got -1"),
        ({"kind": "team", "seed": 0, "follower_sizes": ()}, "follower_sizes"),
    ],
)
def test_wrong_classes_are_refused(arguments: Any, text: str) -> None:
    with pytest.raises((ConfigError, DomainError), match=text):
        random_game(**arguments)
