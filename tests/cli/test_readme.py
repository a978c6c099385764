"""The commands of the README run, one after the other, in an empty folder."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from cli.command import CommandLine

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def commands(page: str) -> list[list[str]]:
    """Every `stackelberg ...` line of the page's shell blocks, as words."""
    shown = "".join(re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))
    lines = [line for line in shown.splitlines() if line.startswith("stackelberg ")]
    return [shlex.split(line, comments=True)[1:] for line in lines]


def test_commands_of_a_page_are_found() -> None:
    page = "x\n```sh\n./run demo\nstackelberg a 'b c'  # d\n```\nstackelberg no\n"
    assert commands(page) == [["a", "b c"]]


def test_the_commands_of_the_readme_run(
    stackelberg: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "studies").symlink_to(ROOT / "studies")
    monkeypatch.chdir(tmp_path)
    shown = commands(README)
    assert len(shown) >= 10
    for words in shown:
        ended = stackelberg(*words)
        assert ended.code == 0, f"{' '.join(words)}: {ended.err}"
