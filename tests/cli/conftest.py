from __future__ import annotations

import pytest
from cli.command import CommandLine


@pytest.fixture
def stackelberg(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    """The command line as in a terminal of 80 columns, wherever the tests run."""
    monkeypatch.setenv("COLUMNS", "80")
    return CommandLine(capsys)
