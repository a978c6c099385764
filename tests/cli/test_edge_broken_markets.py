"""Every wrong market ends `edge solve` with 2, one line, and nothing written."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.command import CommandLine
from edge.broken_markets import UNREADABLE, UNSOLVABLE, Broken, write_broken


def refused(stackelberg: CommandLine, folder: Path, case: Broken, *options: str) -> str:
    """The line that refuses it, without the program's name before it."""
    market, output = folder / "market", folder / "solution"
    market.mkdir()
    write_broken(market, case)
    before = {path: path.read_bytes() for path in market.iterdir()}
    ended = stackelberg("edge", "solve", market, "-o", output, *options)
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.count("\n") == 1
    written = list(output.iterdir()) if output.exists() else []
    assert written == []
    assert {path: path.read_bytes() for path in market.iterdir()} == before
    return ended.err.strip()


@pytest.mark.parametrize("case", UNREADABLE, ids=lambda case: case.name)
def test_what_cannot_be_read_is_refused(
    stackelberg: CommandLine, tmp_path: Path, case: Broken
) -> None:
    between = "" if case.line.startswith(":") else "/"
    line = refused(stackelberg, tmp_path, case)
    assert line.endswith(f"{tmp_path}/market{between}{case.line}")


@pytest.mark.parametrize("case", UNSOLVABLE, ids=lambda case: case.name)
def test_what_cannot_be_solved_is_refused(
    stackelberg: CommandLine, tmp_path: Path, case: Broken
) -> None:
    line = refused(stackelberg, tmp_path, case)
    users = case.line.partition(", got ")[2]
    assert f"{tmp_path}/market: expected for every user a" in line
    assert line.endswith(f", got {users}")


def test_a_refusal_in_json_is_the_same_line(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    case = UNREADABLE[0]
    line = refused(stackelberg, tmp_path, case, "--json")
    assert line.endswith(f"{tmp_path}/market/{case.line}")
