"""A study's folder: one file for each result, each timing and each failure.

results/ab/<address>.json     what a cell gave: the same bits whenever it is run
timings/<address>.json        seconds it took, kept apart because no two runs agree
failures/<address>.json       what went wrong, until a retry succeeds
plan.toml, study.json         the plan, and where its files are
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from stackelberg.errors import ConfigError
from stackelberg.io.files import files_together, read_bytes, write_text_atomically
from stackelberg.io.part_files import left_overs
from stackelberg.study.cell import Cell
from stackelberg.study.run_cell import Finished

STUDY_FORMAT = "stackelberg.study/1"


@dataclass(frozen=True)
class Store:
    """Reads and writes the folder of a study.

    Attributes:
        folder: of the study.
    """

    folder: Path

    def result_path(self, address: str) -> Path:
        """Where the result of a cell is."""
        return self.folder / "results" / address[:2] / f"{address}.json"

    def timing_path(self, address: str) -> Path:
        """Where the seconds of a cell are."""
        return self.folder / "timings" / f"{address}.json"

    def failure_path(self, address: str) -> Path:
        """Where the failure of a cell is, if it failed."""
        return self.folder / "failures" / f"{address}.json"

    def is_done(self, address: str) -> bool:
        """Whether there is a result; results appear whole or not at all."""
        return self.result_path(address).is_file()

    def has_failed(self, address: str) -> bool:
        """Whether the last try failed."""
        return not self.is_done(address) and self.failure_path(address).is_file()

    def keep(self, cell: Cell, ended: Finished) -> None:
        """Write how a cell ended."""
        address = ended.address
        if ended.content is None:
            tries = self.failure(address).get("tries")
            self._write(
                self.failure_path(address),
                {
                    "address": address,
                    "cell": cell.name,
                    "error": ended.error,
                    "tries": (tries if isinstance(tries, int) else 0) + 1,
                    "trace": ended.trace,
                },
            )
            return
        self._write(
            self.timing_path(address),
            {
                "address": address,
                "seconds": ended.seconds,
                "clock": {name: list(x) for name, x in ended.clock.items()},
            },
        )
        path = self.result_path(address)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text_atomically(path, ended.content)
        self.failure_path(address).unlink(missing_ok=True)

    def result(self, address: str) -> dict[str, Any]:
        """The record of a result.

        Raises:
            ConfigError: it is missing, or no longer what was written.
        """
        path = self.result_path(address)
        found = _object(path)
        if found.get("address") != address:
            raise ConfigError(
                str(path), expected=f"the result {address}", got="another file"
            )
        metrics, series = found.get("metrics"), found.get("series")
        if not (
            isinstance(metrics, dict)
            and isinstance(series, dict)
            and all(_is_score(x) for x in cast("dict[str, Any]", metrics).values())
        ):
            raise ConfigError(
                str(path), expected="metrics and series as written", got="others"
            )
        return found

    def seconds(self, address: str) -> float | None:
        """How long a cell took, where that is known."""
        path = self.timing_path(address)
        if not path.is_file():
            return None
        seconds = _object(path).get("seconds")
        if seconds is None or not _is_score(seconds):
            raise ConfigError(f"{path}: seconds", expected="a number", got="another")
        return float(seconds)

    def clock(self, address: str) -> dict[str, list[float]]:
        """Seconds of processor time that its method kept, by name.

        Raises:
            ConfigError: the file is no longer what was written.
        """
        path = self.timing_path(address)
        kept: Any = _object(path).get("clock", {}) if path.is_file() else {}
        try:
            return {name: [float(one) for one in x] for name, x in kept.items()}
        except (AttributeError, TypeError, ValueError):
            raise ConfigError(
                f"{path}: clock", expected="lists of numbers", got="another"
            ) from None

    def failure(self, address: str) -> dict[str, Any]:
        """The record of a failure; empty where there is none."""
        path = self.failure_path(address)
        return _object(path) if path.is_file() else {}

    def keeps(self, plan: str | os.PathLike[str]) -> bool:
        """Whether this is the very plan that a study keeps here."""
        there = self.folder / "plan.toml"
        return (self.folder / "study.json").is_file() and (
            os.path.realpath(there) == os.path.realpath(plan)
        )

    def begin(self, plan_text: bytes, plan_folder: Path) -> None:
        """Make the folder and keep the plan in it.

        Raises:
            ConfigError: a plan of no study lies there already, which it would replace.
        """
        text = plan_text.decode("utf-8-sig").encode()
        there = self.folder / "plan.toml"
        begun = (self.folder / "study.json").is_file()
        if not begun and there.exists() and there.read_bytes() not in (text, plan_text):
            raise ConfigError(
                str(there),
                expected="no file, or the plan of an earlier run of the study",
                got="another file, which would be replaced",
            )
        for part in ("results", "timings", "failures"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        record = {"format": STUDY_FORMAT, "plan_folder": str(plan_folder)}
        with files_together(self.folder) as staged:
            staged.write(there, text)
            staged.write(self.folder / "study.json", _text(record).encode())

    def plan_folder(self) -> Path:
        """The folder that the plan's file names are relative to.

        Raises:
            ConfigError: this is no folder of a study.
        """
        path = self.folder / "study.json"
        if not path.is_file():
            raise ConfigError(
                str(self.folder), expected="the folder of a study", got="no study.json"
            )
        found = _object(path)
        if found.get("format") != STUDY_FORMAT:
            raise ConfigError(
                f"{path}: format",
                expected=repr(STUDY_FORMAT),
                got=repr(found.get("format")),
            )
        folder = found.get("plan_folder")
        if not isinstance(folder, str) or "\0" in folder:
            raise ConfigError(
                f"{path}: plan_folder", expected="a folder", got=repr(folder)[:40]
            )
        return Path(folder)

    @contextmanager
    def locked(self) -> Generator[None, None, None]:
        """Keep a second run out of the folder; the lock dies with the process.

        What a run that was killed in the middle of writing left behind is removed.

        Raises:
            ConfigError: another run is at work in it.
        """
        with open(self.folder / ".lock", "a", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise ConfigError(
                    str(self.folder),
                    expected="a study that nobody runs at the moment",
                    got="another run",
                ) from None
            self._tidy()
            yield

    def _tidy(self) -> None:
        folders = [self.folder / "timings", self.folder / "failures"]
        for folder in (*folders, *(self.folder / "results").glob("??")):
            for path in left_overs(folder) if folder.is_dir() else ():
                path.unlink(missing_ok=True)

    def _write(self, path: Path, record: Mapping[str, Any]) -> None:
        write_text_atomically(path, _text(record))


def _text(record: Mapping[str, Any]) -> str:
    return json.dumps(record, indent=1) + "\n"


def _is_score(value: object) -> bool:
    """Whether a result may say this of a metric: a finite number, or None."""
    if value is None:
        return True
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    return abs(value) <= sys.float_info.max  # NaN is not


def _object(path: Path) -> dict[str, Any]:
    content = read_bytes(path, wanted="a file of the study")
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ConfigError(str(path), expected="a JSON object", got="something else")
    return cast("dict[str, Any]", found)
