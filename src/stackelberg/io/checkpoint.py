"""Checkpoints of training: the state between two chunks, so that it can go on."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stackelberg.errors import ConfigError
from stackelberg.io.files import files_together
from stackelberg.io.json_text import JsonObject
from stackelberg.io.part_files import left_overs
from stackelberg.io.tree_file import TreeFile, read_tree_file, write_tree

CHECKPOINT_FORMAT = "stackelberg.learning.checkpoint/1"

MAX_CHECKPOINT_BYTES = 16 * 2**30

_NAME = re.compile(r"(\d{12})\.checkpoint")


def write_checkpoint(
    path: str | os.PathLike[str], state: Any, metadata: JsonObject
) -> None:
    """Write the state of a learner, whole or not at all.

    Args:
        path: the file.
        state: a tree of arrays.
        metadata: what a reader should know: settings, seed, steps, code version.

    Raises:
        ConfigError: a leaf is no array, or the file cannot be written.
    """
    write_tree(path, state, metadata, file_format=CHECKPOINT_FORMAT)


def read_checkpoint(path: str | os.PathLike[str]) -> TreeFile:
    """A checkpoint whose checksum holds; `tree(like)` gives the state.

    Raises:
        ConfigError: it is missing, torn, altered or something else, in one line.
    """
    return read_tree_file(
        path,
        file_format=CHECKPOINT_FORMAT,
        wanted="a checkpoint",
        limit=MAX_CHECKPOINT_BYTES,
    )


@dataclass(frozen=True)
class CheckpointFolder:
    """The last checkpoints of one run, named by the steps they were taken after.

    Attributes:
        path: the folder, there already.
        keep: how many stay; older ones go once a newer one is on the disk.
    """

    path: Path
    keep: int = 3

    def write(self, env_steps: int, state: Any, metadata: JsonObject) -> Path:
        """Write one, then remove those that are too old.

        Raises:
            ConfigError: as `write_checkpoint`.
        """
        target = self.path / f"{env_steps:012d}.checkpoint"
        write_checkpoint(target, state, metadata)
        self._remove(self.files()[: -self.keep])
        return target

    def files(self) -> list[Path]:
        """The checkpoints, oldest first."""
        found = [path for path in self.path.iterdir() if _NAME.fullmatch(path.name)]
        return sorted(found)

    def latest(self) -> Path:
        """The newest.

        Raises:
            ConfigError: if there is none.
        """
        files = self.files()
        if not files:
            raise ConfigError(
                os.fspath(self.path), expected="a checkpoint", got="none yet"
            )
        return files[-1]

    def tidy(self) -> None:
        """Remove what a writer that was killed left behind."""
        self._remove(left_overs(self.path))

    def _remove(self, unwanted: list[Path]) -> None:
        if not unwanted:
            return
        with files_together(self.path) as staged:
            for path in unwanted:
                staged.remove(path)
