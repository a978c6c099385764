"""The command line: parse, call, print."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line on the process's arguments and leave with its exit code."""
    from stackelberg.cli.application import run

    sys.exit(run(sys.argv[1:]))
