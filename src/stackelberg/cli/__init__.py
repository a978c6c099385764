"""The command line: parse, call, print."""

from __future__ import annotations

import os
import sys
import tempfile

__all__ = ["main"]


def main() -> None:
    """Run the command line on the process's arguments and leave with its exit code."""
    try:
        _give_compiled_code_a_place()
        from stackelberg.cli.application import run
    except KeyboardInterrupt:
        sys.stderr.write("stackelberg: interrupted\n")
        sys.exit(130)

    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # the shell closed it: `>&-`
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    sys.exit(run(sys.argv[1:]))


def _give_compiled_code_a_place() -> None:
    """Keep compiled code for this run alone where no usual folder can be written.

    A read-only installation under an unwritable home would otherwise end at import.
    """
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    home = os.path.expanduser("~")
    if not any(os.access(folder, os.W_OK) for folder in (package, home)):
        os.environ.setdefault("NUMBA_CACHE_DIR", tempfile.mkdtemp(prefix="stackelberg"))
