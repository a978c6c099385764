"""The files that begin a test run are there."""

from __future__ import annotations

import conftest
from house.source import ROOT


def test_every_long_file_is_there() -> None:
    missing = [
        name for name in conftest.LONG_FILES if not (ROOT / "tests" / name).is_file()
    ]
    assert conftest.LONG_FILES != ()
    assert missing == []
