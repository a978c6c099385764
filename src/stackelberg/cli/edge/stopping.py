"""When to end a solve early: at a deadline, or because somebody pressed Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

from stackelberg.cli.interruption import Interruption

StoppedBy = Literal["deadline", "interrupt"]


class Stopping:
    """The `stop` of a solve: shows each step, and ends it when the time has come.

    Attributes:
        stopped_by: what ended the solve early, if anything did.
    """

    def __init__(
        self,
        interruption: Interruption,
        seconds: float | None,
        shown: Callable[[str], None],
    ) -> None:
        self.stopped_by: StoppedBy | None = None
        self._interruption = interruption
        self._end = None if seconds is None else time.monotonic() + seconds
        self._shown = shown

    def __call__(self, step: int, gap_per_user: float) -> bool:
        """Whether to end before this step."""
        self._shown(f"step {step}, gap per user {gap_per_user:.1e}")
        return self._ends()

    def at_step(self, step: int) -> bool:
        """The same for a search that has no gap on its way."""
        self._shown(f"step {step}")
        return self._ends()

    def _ends(self) -> bool:
        if self._interruption.asked:
            self.stopped_by = "interrupt"
        elif self._end is not None and time.monotonic() >= self._end:
            self.stopped_by = "deadline"
        return self.stopped_by is not None
