"""The `render` of every face."""

from __future__ import annotations

from typing import Any

from stackelberg.envs.params import EnvParams
from stackelberg.envs.picture import frame
from stackelberg.envs.state import State
from stackelberg.envs.words import told

MODES = ("rgb_array", "ansi")


def drawn(mode: str | None, state: State | None, params: EnvParams) -> Any:
    """The cell as `mode` wants it; None where there is nothing to show."""
    if mode is None or state is None:
        return None
    return frame(state, params) if mode == "rgb_array" else told(state, params)
