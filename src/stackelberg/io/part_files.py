"""Files on their way: temporary names, and which of them a dead writer left.

A writer holds a lock on each temporary file as long as it is at work. The lock dies
with the process, so that what can be locked is nobody's any more.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
from collections.abc import Generator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

_PART = re.compile(r"\.[0-9a-f]{16}\.part")


def left_overs(folder: Path) -> list[Path]:
    """What writers that were killed left in a folder; or are just writing there."""
    return [path for path in folder.iterdir() if _PART.fullmatch(path.name)]


def new_part(folder: str) -> FileIO:
    """A new file under a temporary name, locked until it is closed.

    Raises:
        OSError: it cannot be made.
    """
    with alone_in(folder):  # or it could be taken for a dead writer's before its lock
        file = FileIO(os.path.join(folder, f".{secrets.token_hex(8)}.part"), "x")
        with suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return file


def remove_dead_parts(folder: str) -> None:
    """Remove what writers that were killed left in a folder, as far as it can be."""
    with suppress(OSError):
        if not left_overs(Path(folder)):
            return
        with alone_in(folder):
            for path in left_overs(Path(folder)):
                _remove_dead(path)


@contextmanager
def alone_in(folder: str) -> Generator[None, None, None]:
    """Wait for other writers in `folder` that are here too, where it can be locked."""
    descriptor = None
    try:
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _remove_dead(path: Path) -> None:
    with suppress(OSError), path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails while one writes
        path.unlink()
