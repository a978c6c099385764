"""`stackelberg demo`: a generated city cell, solved, certified and shown."""

from __future__ import annotations

from stackelberg.cli.options import AsJson


def demo(as_json: AsJson = False) -> int:
    """Solve a generated city cell, compare every method on it, and show it."""
    return 0
