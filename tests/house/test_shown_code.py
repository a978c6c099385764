"""The code that the pages and the examples show runs as it stands."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from house.source import ROOT, project_files

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str) -> str:
    """The Python blocks of a page, one after the other."""
    return "\n".join(BLOCK.findall(page))


PAGES = [
    path
    for path in project_files()
    if path.suffix == ".md" and blocks(path.read_text())
]
NEEDS = {"train_a_stock_algorithm": pytest.mark.outside}
EXAMPLES = [
    pytest.param(path, marks=NEEDS.get(path.stem, ()))
    for path in sorted((ROOT / "examples").glob("*.py"))
]


def assert_runs(path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Run a script in an empty folder; it must end by itself without an error."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr("sys.argv", [str(path)])
    names = runpy.run_path(str(path), run_name="__main__")
    assert names["__name__"] == "__main__"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_code_on_a_page_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / f"{page.stem}.py"
    script.write_text(blocks(page.read_text()))
    assert_runs(script, monkeypatch, tmp_path)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(
    example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_runs(example, monkeypatch, tmp_path)


def test_a_block_that_fails_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "page.py"
    script.write_text(blocks("text\n```python\nx = 1\n```\n```python\nx / 0\n```\n"))
    with pytest.raises(ZeroDivisionError, match="division by zero"):
        assert_runs(script, monkeypatch, tmp_path)
