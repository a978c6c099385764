"""Run the command line inside the test process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from stackelberg.cli.application import run


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class CommandLine:
    """Calls `stackelberg ARGUMENTS` and returns what it printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: object) -> Ended:
        self._capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        printed = self._capsys.readouterr()
        return Ended(code, printed.out, printed.err)


def assert_refused(ended: Ended, *parts: str) -> None:
    """Exit 2, nothing on stdout, one line on stderr that has every part in it."""
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.count("\n") == 1, ended.err
    assert "Traceback" not in ended.err
    missing = [part for part in parts if part not in ended.err]
    assert missing == [], ended.err
