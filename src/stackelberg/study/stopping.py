"""The wish to end a study well: what is under way is finished, nothing new begun."""

from __future__ import annotations

from typing import Protocol


class Stop(Protocol):
    """Whether somebody asked for the end."""

    asked: bool


class Never:
    """Nobody asks."""

    asked = False
