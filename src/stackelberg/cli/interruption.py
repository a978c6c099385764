"""Ctrl-C as a wish: the first asks to end well, the second ends at once."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class Interruption:
    """Whether Ctrl-C was pressed under `ending_well`."""

    asked: bool = False


@contextmanager
def ending_well(doing: str) -> Generator[Interruption, None, None]:
    """Under it the first Ctrl-C only sets `asked`; the next raises as ever.

    Args:
        doing: what goes on until the end, for the line on stderr.
    """
    wish = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield wish  # signals reach the main thread alone
        return

    def ask(number: int, frame: FrameType | None) -> None:
        wish.asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.stderr.write(f"\nstackelberg: {doing}; Ctrl-C again ends at once\n")

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield wish
    finally:
        signal.signal(signal.SIGINT, before)
