"""ST-Q from samples against exact value iteration; what it says where there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stackelberg.errors import ConfigError, DomainError
from stackelberg.game import Status
from stackelberg.learning import (
    StqSettings,
    cycle_game,
    iterate_values,
    learn_stq,
    random_game,
)
from stackelberg.learning.tabular.classes import (
    CONVERGENT,
    GameClass,
    choice_that_converges,
)
from stackelberg.learning.tabular.stq import (
    advance,
    learn_in_chunks,
    start_stq,
    table_distance,
)

SEEDS = range(5)


@pytest.mark.parametrize("kind", CONVERGENT)
def test_the_error_shrinks_with_steps_in_convergent_classes(kind: GameClass) -> None:
    choice = choice_that_converges(kind)
    game = random_game(kind, seed=1)
    exact = iterate_values(game, choice).value
    errors: list[list[float]] = []
    for seed in SEEDS:
        errors.append([])
        for steps in (4_000, 40_000, 400_000):
            settings = StqSettings(steps=steps, seed=seed)
            found = learn_stq(game, choice, settings=settings)
            error = table_distance(found.value.action_value, exact.action_value)
            errors[-1].append(error)
            # Both are within a contraction of each other once the policies agree.
            if np.array_equal(found.value.reply, exact.reply):
                assert error <= 5.0 * found.certificate.residual + 1e-6
        assert found.certificate.relative_residual < 0.05
        assert found.certificate.relative_regret < 0.05
        assert found.status in (Status.CONVERGED, Status.ALMOST_CONVERGED)
    mean = np.mean(errors, axis=0)
    assert mean[1] < 0.75 * mean[0]
    assert mean[2] < 0.75 * mean[1]
    assert mean[2] < 0.05


@pytest.mark.parametrize("seed", SEEDS)
def test_the_cycle_game_is_not_converged_though_its_tables_settle(seed: int) -> None:
    found = learn_stq(cycle_game(), settings=StqSettings(steps=100_000, seed=seed))
    assert found.status is Status.MAX_ITERATIONS
    history: Any = found.stats["history"]
    # What a learner without a model sees calms down; the truth does not.
    assert history[-1].table_change < 0.02 * history[0].table_change
    assert min(row.residual for row in history) > 0.3
    assert found.stats["flips"] > 50  # type: ignore[operator]
    assert found.certificate.relative_regret > 0.08


def test_the_same_seed_gives_the_same_bits_in_any_chunks() -> None:
    game, settings = random_game("general", seed=5), StqSettings(steps=3000, seed=7)
    whole, parts = start_stq(game, settings), start_stq(game, settings)
    advance(game, settings, whole, 3000)
    for size in (1, 999, 2000):
        advance(game, settings, parts, size)
    assert np.array_equal(whole.table, parts.table)
    assert np.array_equal(whole.visits, parts.visits)
    other = StqSettings(steps=3000, seed=8)
    third = start_stq(game, other)
    advance(game, other, third, 3000)
    assert not np.array_equal(whole.table, third.table)


def test_checkpoints_end_at_the_last_step_and_history_counts_up() -> None:
    game = random_game("team", seed=0)
    steps = [r.step for _, r in learn_in_chunks(game, StqSettings(steps=1234))]
    assert steps[-1] == 1234
    assert steps == sorted(set(steps))
    assert [r.step for _, r in learn_in_chunks(game, StqSettings(steps=1))] == [1]


def test_terminal_states_are_neither_played_nor_continued() -> None:
    game = cycle_game()
    settings = StqSettings(steps=2000)
    state = start_stq(game, settings)
    advance(game, settings, state, 2000)
    assert state.visits[1].sum() == 0
    assert state.visits.sum() == 2000
    assert (state.table[:, 1] == 0.0).all()
    assert state.table[0, 0, 1].tolist() == [0.0, 0.0]  # stop: paid once, then over
    assert state.table[1, 0, 1].tolist() == [1.0, 1.0]


def test_playing_the_equilibrium_still_visits_everything_that_exploration_draws() -> (
    None
):
    game = random_game("team", seed=2)
    settings = StqSettings(steps=50_000, exploration=0.2, restart=0.0)
    found = learn_stq(game, settings=settings)
    exact = iterate_values(game).value
    assert np.array_equal(found.value.leader_action, exact.leader_action)
    state = start_stq(game, settings)
    advance(game, settings, state, 50_000)
    assert state.visits.min() > 0
    on_path = (np.arange(4), exact.leader_action)
    assert state.visits[on_path].sum() > 0.7 * 50_000


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"steps": 0}, "steps: expected at least 1, got 0"),
        ({"steps": 10**30}, "steps: expected at most 1000000000000000, got 1000"),
        ({"exponent": 0.5}, r"exponent: expected a number in \(.5, 1\]"),
        ({"exploration": 0.0}, "exploration"),
        ({"restart": 1.5}, "restart"),
        ({"seed": -1}, "seed"),
    ],
)
def test_wrong_settings_are_refused(options: Any, text: str) -> None:
    with pytest.raises(DomainError, match=text):
        StqSettings(**options)


def test_an_unknown_choice_is_refused() -> None:
    with pytest.raises(ConfigError, match="strong or weak"):
        learn_stq(cycle_game(), "best")  # type: ignore[arg-type]
