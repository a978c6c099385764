"""One game's part of a page: its numbers, its figures, its text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stackelberg.report.figure import Figure


@dataclass(frozen=True)
class Part:
    """What a game gives to a page.

    Attributes:
        name: of the game; its place in the page.
        title: of the part, and of the page where there is no other.
        lead: what was solved, in one line.
        template: its body, a file of this package.
        context: what the body shows.
        figures: in reading order.
        numbers: all of them, for whoever wants to compute with them.
        numbers_id: the element that holds them as JSON.
    """

    name: str
    title: str
    lead: str
    template: str
    context: Mapping[str, Any]
    figures: tuple[Figure, ...]
    numbers: Mapping[str, Any]
    numbers_id: str
