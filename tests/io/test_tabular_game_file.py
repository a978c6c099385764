"""Tabular games in files: every bit kept, every mistake one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from stackelberg.errors import InputError
from stackelberg.io import read_tabular_game, write_tabular_game
from stackelberg.learning import TabularGame, cycle_game, random_game
from stackelberg.learning.tabular.classes import GameClass

ENDS = TabularGame(
    reward=np.array([[[[1.0, 0.0]], [[0.0, 1.0]]], [[[1.0, 2.0]], [[0.0, 1.0]]]]),
    transition=np.array([[0.5, 0.5], [0.0, 0.0]]),
    discount=np.array([0.5, 0.5]),
    terminal=np.array([False, True]),
)
"""The row of its terminal state plays no part and is no distribution."""

GAMES = [
    ENDS,
    cycle_game(),
    *(random_game(kind, seed=1) for kind in get_args(GameClass)),
]


@pytest.mark.parametrize("game", GAMES)
def test_a_game_comes_back_in_every_bit(game: TabularGame, tmp_path: Path) -> None:
    path = tmp_path / "game.json"
    write_tabular_game(game, path)
    back = read_tabular_game(path)
    for name in ("reward", "transition", "discount", "terminal"):
        assert np.array_equal(getattr(back, name), getattr(game, name)), name
    for name in ("states", "leader_actions", "follower_actions"):
        assert getattr(back, name) == getattr(game, name)
    assert back.exogenous == game.exogenous


def test_names_and_terminal_states_may_be_left_out(tmp_path: Path) -> None:
    members = _members(tmp_path)
    for key in ("states", "leader_actions", "follower_actions", "terminal"):
        del members[key]
    members["transition"][1] = [[[0.0, 1.0]] * 2] * 2
    game = read_tabular_game(_written(tmp_path, members))
    assert game.states == ("0", "1")
    assert game.live.all()


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("format", "stackelberg.learning.tabular-game/2", "format: expected"),
        ("discount", 1.0, "discount: expected 0 <= discount < 1, got 1"),
        ("discount", "high", "discount: expected a number, got 'high'"),
        ("discount", [0.5], "discount: expected a number or 2 numbers"),
        ("reward", [[1.0]], r"reward: expected \[N \+ 1\]\[S\]\[L\]"),
        ("reward", None, "reward: expected a number, got null"),
        ("reward", [[[[1.0, 2.0], [3.0]]]], "reward: expected rows of equal length"),
        ("transition", [[0.5, 0.4], [0, 1]], r"\[0\]: .*add up to 1, got 0.9"),
        ("transition", [[1.5, -0.5], [0, 1]], r"transition\[0\]\[0\]: expected a prob"),
        ("transition", {"a": 1}, "transition: expected a number, got {'a': 1}"),
        ("states", ["open"], "states: expected 2 names, got 1"),
        ("states", ["open", 3], r"states\[1\]: expected a name of one line, got 3"),
        ("terminal", ["ovr"], r"terminal\[0\]: .*did you mean 'over'.*got \"ovr\""),
        ("terminal", "over", "terminal: expected a list of states"),
        ("terminal", ["open", "over"], "a state that is not terminal"),
        ("rewards", [], r"did you mean 'reward'|expected one of the known keys"),
    ],
)  # fmt: skip
def test_wrong_files_are_refused_in_one_line(
    tmp_path: Path, key: str, value: Any, text: str
) -> None:
    path = _written(tmp_path, {**_members(tmp_path), key: value})
    with pytest.raises(InputError, match=text) as caught:
        read_tabular_game(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "an empty file"),
        (b"[1]", "one JSON object"),
        (b"{", "line 1, column 2: expected JSON"),
        (b'{"reward": NaN}', "reward: expected a finite number, got NaN"),
        (b"{}", "format: expected .*, got nothing"),
        (b"\xff", "byte 0"),
    ],
)
def test_what_is_no_game_is_refused(tmp_path: Path, content: bytes, text: str) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=text):
        read_tabular_game(path)


def _members(folder: Path) -> dict[str, Any]:
    path = folder / "good.json"
    write_tabular_game(cycle_game(), path)
    return json.loads(path.read_text())


def _written(folder: Path, members: dict[str, Any]) -> Path:
    path = folder / "game.json"
    path.write_text(json.dumps(members))
    return path


def test_a_state_ends_once_and_no_list_says_that_none_does(tmp_path: Path) -> None:
    members = _members(tmp_path)
    members["terminal"] = [members["states"][1]] * 2
    with pytest.raises(InputError, match=r"terminal\[1\]: expected each name once"):
        read_tabular_game(_written(tmp_path, members))
    members["terminal"] = None
    members["transition"][1] = [[[0.0, 1.0]] * 2] * 2
    assert read_tabular_game(_written(tmp_path, members)).live.all()


def test_too_many_followers_are_told_as_such(tmp_path: Path) -> None:
    reward: Any = 1.0
    for _ in range(62):
        reward = [reward]
    members = _members(tmp_path)
    members["reward"] = [[[reward]]] * 63
    with pytest.raises(InputError, match=r"reward: .*\(61 followers\), got 65 deep"):
        read_tabular_game(_written(tmp_path, members))
