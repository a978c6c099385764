"""A training run on the disk: settings, log, checkpoints, the trained policy."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, cast

from stackelberg.errors import ConfigError, InputError
from stackelberg.io.checkpoint import (
    CheckpointFolder,
    read_checkpoint,
    write_checkpoint,
)
from stackelberg.io.files import write_text_atomically
from stackelberg.io.json_text import JsonObject, parse_object
from stackelberg.io.settings_file import read_settings, write_settings
from stackelberg.io.solution_file import plain
from stackelberg.learning.settings import RunSettings

SETTINGS, LOG, CHECKPOINTS = "settings.toml", "log.jsonl", "checkpoints"
POLICY = "trained.policy"
LOCK = ".lock"
NONFINITE = ("before-nonfinite.checkpoint", "nonfinite.checkpoint")


class Saved(NamedTuple):
    """What the newest checkpoint holds.

    Attributes:
        state: of the learner.
        env_steps: that led to it.
        seconds: that these took.
    """

    state: Any
    env_steps: int
    seconds: float


class RunFolder:
    """The folder of one run.

    Attributes:
        path: the folder.
        settings: with every key.
    """

    def __init__(self, path: Path, settings: RunSettings) -> None:
        self.path = path
        self.settings = settings

    @classmethod
    def new(cls, path: Path, settings: RunSettings) -> RunFolder:
        """A folder for a run that begins; made if need be.

        Raises:
            ConfigError: if another run is there already, or it cannot be written.
        """
        if (path / SETTINGS).exists():
            raise ConfigError(
                os.fspath(path),
                expected="a folder without a run (`learn resume` continues one)",
                got="a run",
            )
        _refuse_others_files(path)
        folder = cls(path, settings)
        (path / CHECKPOINTS).mkdir(parents=True, exist_ok=True)
        try:
            (path / LOG).write_bytes(b"")
            write_settings(settings, path / SETTINGS)
        except BaseException:
            folder.discard_unbegun()
            raise
        return folder

    @classmethod
    def existing(cls, path: Path) -> RunFolder:
        """The folder of a run that was begun.

        Raises:
            InputError: if there is none, or its settings are broken.
        """
        if not (path / SETTINGS).is_file():
            raise ConfigError(
                os.fspath(path),
                expected=f"the folder of a run, with {SETTINGS}",
                got="none",
            )
        return cls(path, read_settings(path / SETTINGS))

    @contextmanager
    def locked(self) -> Generator[None, None, None]:
        """Keep a second process from training here; the lock dies with the process.

        Raises:
            ConfigError: another one is at work.
        """
        with open(self.path / LOCK, "a", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise ConfigError(
                    os.fspath(self.path),
                    expected="a run that nobody trains at the moment",
                    got="another process at work in it",
                ) from None
            yield

    def discard_unbegun(self) -> None:
        """Take away what `new` made, where the run has no checkpoint yet."""
        checkpoints = self.path / CHECKPOINTS
        if checkpoints.is_dir() and self._checkpoints.files():
            return
        self.tidy()
        for name in (LOG, SETTINGS, LOCK):
            (self.path / name).unlink(missing_ok=True)
        for made in (checkpoints, self.path):
            with suppress(OSError):  # others' files are in it
                made.rmdir()

    def tidy(self) -> None:
        """Remove what a writer that was killed left behind; only under the lock."""
        self._checkpoints.tidy()

    @property
    def policy_file(self) -> Path:
        """Where the trained policy goes."""
        return self.path / POLICY

    @property
    def _checkpoints(self) -> CheckpointFolder:
        folder = self.path / CHECKPOINTS
        folder.mkdir(exist_ok=True)
        return CheckpointFolder(folder, self.settings.training.keep_checkpoints)

    def save(self, state: Any, env_steps: int, seconds: float) -> Path:
        """Write a checkpoint."""
        return self._checkpoints.write(env_steps, state, self._told(env_steps, seconds))

    def saved(self, like: Any) -> Saved | None:
        """The newest checkpoint; None before the first.

        Args:
            like: the structure of the learner's state.

        Raises:
            InputError: if the newest checkpoint is torn, altered, of other settings or
                of another structure, in one line that begins with its path. An older
                one is never taken in its place: remove the broken one to do that.
        """
        folder = self._checkpoints
        if not folder.files():
            return None
        latest = folder.latest()
        found = read_checkpoint(latest)
        told = found.metadata
        if told.get("settings") != self._told(0, 0.0)["settings"]:
            raise ConfigError(
                f"{latest}: settings",
                expected=f"those of {self.path / SETTINGS}",
                got="others",
            )
        return Saved(
            found.tree(like),
            int(cast("int", told["env_steps"])),
            float(cast("float", told["seconds"])),
        )

    def save_nonfinite(self, before: Any, after: Any, env_steps: int) -> list[Path]:
        """Keep the state before and after the chunk that met NaN, replay included.

        Args:
            before: None if it could not be had again.
            after: the state with NaN in it.
            env_steps: of `after`.
        """
        written: list[Path] = []
        for name, state in zip(NONFINITE, (before, after), strict=True):
            if state is not None:
                told = self._told(env_steps, 0.0)
                write_checkpoint(self.path / name, state, told)
                written.append(self.path / name)
        return written

    def note(self, line: JsonObject, *, to_disk: bool = False) -> None:
        """Append one line to the log.

        Args:
            line: for a JSON object.
            to_disk: whether it must be on the disk when this returns.
        """
        text = json.dumps(plain(line), allow_nan=False) + "\n"
        with open(self.path / LOG, "ab") as file:
            file.write(text.encode())
            if to_disk:
                file.flush()
                os.fsync(file.fileno())

    def cut_log(self, env_steps: int) -> None:
        """Drop what the log has of steps that are about to be done again."""
        kept = [one for one in self.log() if _steps(one) <= env_steps]
        lines = [json.dumps(one, allow_nan=False) + "\n" for one in kept]
        write_text_atomically(self.path / LOG, "".join(lines))

    def log(self) -> list[JsonObject]:
        """The lines of the log; one that was torn by a kill is left out."""
        path = self.path / LOG
        if not path.exists():
            return []
        lines: list[JsonObject] = []
        for i, text in enumerate(path.read_bytes().splitlines(keepends=True)):
            if text.endswith(b"\n"):
                lines.append(_log_line(text, f"{path}: line {i + 1}"))
        return lines

    def _told(self, env_steps: int, seconds: float) -> JsonObject:
        tables = json.loads(json.dumps(plain(self.settings.tables())))
        return {"env_steps": env_steps, "seconds": seconds, "settings": tables}


def _refuse_others_files(path: Path) -> None:
    """Refuse a folder with files of no run whose names a run would write over."""
    checkpoints = path / CHECKPOINTS
    found = checkpoints.is_dir() and any(checkpoints.iterdir())
    taken = [CHECKPOINTS] if found else []
    for name in (LOG, POLICY, *NONFINITE):
        there = path / name
        if there.exists() and not (there.is_file() and there.stat().st_size == 0):
            taken.append(name)
    if taken:
        raise ConfigError(
            os.fspath(path),
            expected="a folder without files of the names that a run writes",
            got=f"{taken[0]} of no run",
        )


def _log_line(text: bytes, place: str) -> JsonObject:
    """One line of the log, as `note` wrote it."""
    try:
        line = parse_object(text, wanted="a line of the log")
    except InputError as error:
        raise ConfigError(
            place, expected="a line as it was written", got=str(error.got)
        ) from None
    if not (
        isinstance(line.get("kind"), str)
        and isinstance(line.get("env_steps"), int)
        and isinstance(line.get("metrics", {}), dict)
    ):
        raise ConfigError(
            place, expected="a line with `kind` and `env_steps`", got="others"
        )
    return line


def _steps(line: JsonObject) -> int:
    return int(cast("int", line.get("env_steps", 0)))
