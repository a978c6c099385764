from __future__ import annotations

import pytest
from cli.command import CommandLine


@pytest.fixture
def stackelberg(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(capsys)
