"""Ending a search for prices early, with the best met so far."""

from __future__ import annotations

from collections.abc import Callable

PriceStop = Callable[[int], bool]
"""Called with the number of steps done; True asks to end."""


class Ending:
    """Asks `stop` until it has once said yes.

    Attributes:
        asked: whether it has.
    """

    def __init__(self, stop: PriceStop | None) -> None:
        self.asked = False
        self._stop = stop

    def due(self, step: int) -> bool:
        """Whether to end before this step."""
        if not self.asked and self._stop is not None:
            self.asked = self._stop(step)
        return self.asked
