"""The code that the pages show runs as it stands."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from house.source import project_files

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str) -> str:
    """The Python blocks of a page, one after the other."""
    return "\n".join(BLOCK.findall(page))


PAGES = [
    path
    for path in project_files()
    if path.suffix == ".md" and blocks(path.read_text())
]


def assert_runs(shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a text's blocks as a script; it must end by itself without an error."""
    script = tmp_path / "page.py"
    script.write_text(blocks(shown))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [str(script)])
    names = runpy.run_path(str(script), run_name="__main__")
    assert names["__name__"] == "__main__"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_code_on_a_page_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_runs(page.read_text(), tmp_path, monkeypatch)


def test_a_block_that_fails_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = "text\n```python\nx = 1\n```\n```python\nx / 0\n```\n"
    with pytest.raises(ZeroDivisionError, match="division by zero"):
        assert_runs(shown, tmp_path, monkeypatch)
