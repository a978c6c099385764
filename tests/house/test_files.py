"""No file speaks of the machine it was written on or of where packages came from."""

from __future__ import annotations

import re

import pytest
from house.source import ROOT, project_files, text_of

MACHINE = re.compile(r"(?<![\w.~)])/(?:home|mnt|root|Users|work|workspace)/\w")
ADDRESS = re.compile(
    r"index[-_]url|find[-_]links|trusted[-_]host|python[h]osted|://[^\s/]+/+simple\b",
    re.IGNORECASE,
)
LOCKS = re.compile(r"uv\.lock|pylock.*\.toml|poetry\.lock|pdm\.lock|Pipfile\.lock")
LINK = re.compile(r"\]\((?!\w+:)([^)#\s]+)(?:#[^)]*)?\)")
LIMIT_BYTES = 1_000_000


def test_no_file_names_a_machine_or_a_package_address() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in project_files()
        for pattern in (MACHINE, ADDRESS)
        for match in pattern.finditer(text_of(path))
    ]
    assert found == []


def test_no_lock_file_and_no_large_file() -> None:
    files = project_files()
    assert ROOT / "pyproject.toml" in files
    assert [path for path in files if LOCKS.fullmatch(path.name)] == []
    assert [path for path in files if path.stat().st_size > LIMIT_BYTES] == []


def test_every_link_between_pages_leads_somewhere() -> None:
    pages = [path for path in project_files() if path.suffix == ".md"]
    found = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in LINK.findall(page.read_text())
        if not (page.parent / target).exists()
    ]
    assert ROOT / "README.md" in pages
    assert found == []


@pytest.mark.parametrize(
    "line",
    ["see /" + "home/someone/x", "'/" + "root/a'", "(/" + "Users/b/c)"],
)
def test_a_path_of_a_machine_is_found(line: str) -> None:
    assert MACHINE.search(line)


@pytest.mark.parametrize(
    "line", ["--extra-index-" + "url x", "https://host/" + "simple/", "FIND_" + "LINKS"]
)
def test_an_address_of_packages_is_found(line: str) -> None:
    assert ADDRESS.search(line)


@pytest.mark.parametrize("line", ["../shared/data/x", "src/home/a", "$HOME/x"])
def test_a_relative_path_passes(line: str) -> None:
    assert MACHINE.search(line) is None


def test_a_link_is_read_without_its_anchor() -> None:
    text = "[a](docs/b.md#c) [d](https://e) [f](#g)"
    assert LINK.findall(text) == ["docs/b.md"]
