"""The listing of equations in a narrow terminal."""

from __future__ import annotations

import pytest
from cli.command import CommandLine

from stackelberg import equations


def test_one_block_per_equation_in_80_columns(
    stackelberg: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = stackelberg("equations").out
    lines = out.splitlines()
    assert max(map(len, lines)) <= 88
    words = " ".join(out.split())
    for held in equations.equations(None):
        assert f"{held.paper} ({held.number})" in lines
        for name in held.functions:
            assert f"  function {name}" in lines
    for wrong in equations.errata(None):
        assert f"{wrong.paper} {wrong.name}, " in words
        assert " ".join(wrong.correct.split()) in words
