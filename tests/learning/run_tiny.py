"""The command line with the tiny method in it, as a process of its own."""

from __future__ import annotations

import sys

from learning.tiny import TinySettings

from stackelberg.cli.application import run
from stackelberg.learning import METHODS

if __name__ == "__main__":
    METHODS["tiny"] = TinySettings
    sys.exit(run(sys.argv[1:]))
