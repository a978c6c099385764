"""What a tabular game accepts, and what it says of what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stackelberg.errors import ConfigError, DomainError, InputError, ShapeError
from stackelberg.learning import TabularGame

REWARD = np.arange(2 * 2 * 3 * 2, dtype=float).reshape(2, 2, 3, 2)
CHAIN = np.array([[0.25, 0.75], [0.5, 0.5]])


def game(**changes: Any) -> TabularGame:
    fields: dict[str, Any] = {"reward": REWARD, "transition": CHAIN, "discount": 0.5}
    return TabularGame(**{**fields, **changes})


def test_sizes_names_and_read_only_tables() -> None:
    made = game(terminal=[False, True])
    assert (made.num_followers, made.num_states, made.num_leader_actions) == (1, 2, 3)
    assert made.follower_sizes == (2,)
    assert made.exogenous
    assert made.states == ("0", "1")
    assert made.follower_actions == (("0", "1"),)
    assert made.discount.tolist() == [0.5, 0.5]
    assert made.reward_span.tolist() == [5.0, 5.0]  # of the live state alone
    with pytest.raises(ValueError, match="read-only"):
        made.reward[0, 0, 0, 0] = 1.0


def test_expected_values_of_the_next_state() -> None:
    value = np.array([[1.0, 5.0], [2.0, -2.0]])
    flat = game().expected_next(value)
    whole = game(
        transition=np.broadcast_to(CHAIN[:, None, None], (2, 3, 2, 2))
    ).expected_next(value)
    assert np.array_equal(flat, whole)
    assert flat[0, 0, 1, 1] == 0.25 * 1.0 + 0.75 * 5.0
    assert flat[1, 1, 2, 0] == 0.5 * 2.0 - 0.5 * 2.0
    ended = game(terminal=[True, False]).expected_next(value)
    assert (ended[:, 0] == 0.0).all()
    assert np.array_equal(ended[:, 1], flat[:, 1])


def test_transitions_of_a_terminal_state_need_not_add_up() -> None:
    chain = [[0.5, 0.5], [0.0, 0.0]]
    assert game(transition=chain, terminal=[False, True]).num_states == 2
    with pytest.raises(DomainError, match=r"transition\[1\]: .*add up to 1, got 0"):
        game(transition=chain)


@pytest.mark.parametrize(
    ("changes", "kind", "text"),
    [
        ({"reward": 1.0}, ShapeError, r"reward: expected \[N \+ 1\]\[S\]\[L\]"),
        ({"reward": np.zeros((2, 0, 3, 2))}, ShapeError, "at least one state"),
        ({"reward": [[1.0], [1.0, 2.0]]}, ShapeError, "rows of equal length"),
        ({"reward": [[True]]}, ConfigError, r"reward\[0\]\[0\]: .*got True"),
        ({"transition": np.eye(3)}, ShapeError, r"or shape \[2, 3, 2, 2\]"),
        ({"transition": [[-0.5, 1.5], [0, 1]]}, DomainError, r"transition\[0\]\[0\]"),
        ({"discount": 1.0}, DomainError, "discount: expected 0 <= discount < 1, got 1"),
        ({"discount": [0.5] * 3}, ShapeError, "a number or 2 numbers"),
        ({"discount": [0.5, -0.1]}, DomainError, r"discount\[1\]"),
        ({"terminal": [0, 1]}, ConfigError, "truth values"),
        ({"terminal": [True]}, ShapeError, "2 truth values"),
        ({"terminal": [True, True]}, DomainError, "a state that is not terminal"),
        ({"states": ["a", "a"]}, ConfigError, r"states\[1\]: expected each name once"),
        ({"states": ["a"]}, ShapeError, "states: expected 2 names, got 1"),
        ({"states": "ab"}, ConfigError, "a list of names"),
        ({"leader_actions": ["a", "b", ""]}, ConfigError, "a name of one line"),
        ({"follower_actions": [["a", "b"]] * 2}, ShapeError, "1 lists"),
        ({"follower_actions": [["a"]]}, ShapeError, r"follower_actions\[0\]"),
        ({"follower_actions": 3}, ConfigError, "lists of names"),
        ({"follower_actions": [None]}, ConfigError,
         r"follower_actions\[0\]: expected a list of names, got null"),
        ({"reward": np.full((2, 2, 3, 2), 1e308)}, DomainError,
         r"reward\[0\]\[0\]\[0\]\[0\]: expected a number within 1e\+100 of 0"),
    ],
)  # fmt: skip
def test_wrong_games_are_refused(
    changes: dict[str, Any], kind: type[InputError], text: str
) -> None:
    with pytest.raises(kind, match=text) as caught:
        game(**changes)
    assert "\n" not in str(caught.value)
