"""Tabular games as JSON, format ``stackelberg.learning.tabular-game/1``."""

from __future__ import annotations

import os
from typing import Any, TypeGuard, cast

import numpy as np

from stackelberg.errors import ConfigError, InputError, suggestion
from stackelberg.io.files import read_bytes, write_text_atomically
from stackelberg.io.json_text import (
    JsonObject,
    check_format,
    check_keys,
    object_text,
    parse_object,
    shown,
)
from stackelberg.learning.tabular.game import TabularGame

TABULAR_GAME_FORMAT = "stackelberg.learning.tabular-game/1"

_NAMES = ("states", "leader_actions", "follower_actions")


def read_tabular_game(path: str | os.PathLike[str]) -> TabularGame:
    """Read and validate one tabular game.

    Raises:
        InputError: a subclass that says what is wrong; the message is one line and
            begins with `path`, then names the key and the entry.
    """
    content = read_bytes(path, wanted="a tabular game")
    try:
        return tabular_game_from_json(content)
    except InputError as error:
        raise error.located(os.fspath(path)) from None


def write_tabular_game(game: TabularGame, path: str | os.PathLike[str]) -> None:
    """Write one tabular game; reading it back gives the same bits.

    The file is replaced as a whole or not at all.

    Raises:
        ConfigError: if the file cannot be written.
    """
    write_text_atomically(path, tabular_game_text(game))


def tabular_game_from_json(content: bytes) -> TabularGame:
    """The tabular game that JSON text describes.

    Raises:
        InputError: as `read_tabular_game`, without a file name.
    """
    members = parse_object(content, wanted="a tabular game")
    check_format(members, TABULAR_GAME_FORMAT)
    check_keys(
        members,
        required=("format", "discount", "reward", "transition"),
        optional=(*_NAMES, "terminal"),
    )
    # TabularGame validates kinds, shapes and domains: one set of checks and texts.
    plain = cast("dict[str, Any]", members)
    given = {key: plain[key] for key in _NAMES if members.get(key) is not None}
    ended = {}
    if members.get("terminal") is not None:
        ended["terminal"] = _terminal(members["terminal"], given.get("states"), plain)
    return TabularGame(
        reward=plain["reward"],
        transition=plain["transition"],
        discount=plain["discount"],
        **given,
        **ended,
    )


def tabular_game_text(game: TabularGame) -> str:
    """The JSON text of a tabular game, one key a line."""
    states = cast("tuple[str, ...]", game.states)
    same = bool((game.discount == game.discount[0]).all())
    members: JsonObject = {
        "format": TABULAR_GAME_FORMAT,
        "discount": float(game.discount[0]) if same else game.discount.tolist(),
        **{key: getattr(game, key) for key in _NAMES},
        "terminal": [
            name for name, live in zip(states, game.live, strict=True) if not live
        ],
        "reward": game.reward.tolist(),
        "transition": game.transition.tolist(),
    }
    return object_text(members)


def _terminal(given: object, names: object, plain: dict[str, Any]) -> np.ndarray:
    """Which states are named as terminal [S].

    The rows of terminal states may say anything, so this comes before the game, which
    checks the rows. What is wrong with the states' own names the game says first.
    """
    if not isinstance(given, list):
        raise ConfigError("terminal", expected="a list of states", got=shown(given))
    ended = cast("list[object]", given)
    table = plain["transition"]
    count = len(cast("list[object]", table)) if isinstance(table, list) else 0
    if names is None:
        names = [str(number) for number in range(count)]
    if not _are_names(names, count):
        return np.zeros(count, dtype=np.bool_)
    for i, name in enumerate(ended):
        if name not in names:
            near = suggestion(name, names) if isinstance(name, str) else ""
            raise ConfigError(
                f"terminal[{i}]", expected=f"a state's name{near}", got=shown(name)
            )
        if name in ended[:i]:
            raise ConfigError(
                f"terminal[{i}]", expected="each name once", got=f"{shown(name)} again"
            )
    return np.array([name in ended for name in names], dtype=np.bool_)


def _are_names(names: object, count: int) -> TypeGuard[list[str]]:
    """Whether these may be the names of so many states."""
    if not isinstance(names, list) or len(cast("list[object]", names)) != count:
        return False
    return all(isinstance(name, str) for name in cast("list[object]", names))
