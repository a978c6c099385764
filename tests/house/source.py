"""The project's files and what its modules import, read without running them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "stackelberg"


class Import(NamedTuple):
    """One imported module (or name in it) and the line that imports it."""

    module: str
    line: int


def imports(tree: ast.AST, module: str) -> Iterator[Import]:
    """Everything `tree`, the source of `module`, imports, at any depth.

    ``from a import b`` yields ``a.b``, since ``b`` may be a module.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            parents = module.split(".")[: -node.level] if node.level else []
            source = ".".join([*parents, *filter(None, [node.module])])
            for alias in node.names:
                yield Import(f"{source}.{alias.name}", node.lineno)


def module_name(path: Path) -> str:
    """Dotted name of a file of the package, e.g. ``stackelberg.game.status``.

    A package is named by its ``__init__``, so that relative imports resolve.
    """
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)


def modules() -> list[Path]:
    """Every Python file of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def files_of_tests() -> list[Path]:
    """Every Python file of the tests."""
    return sorted((ROOT / "tests").rglob("*.py"))


def project_files() -> list[Path]:
    """Every file of the project, without the folders that git ignores."""
    lines = (ROOT / ".gitignore").read_text().splitlines()
    ignored = {".git", *(line.rstrip("/") for line in lines if line.endswith("/"))}
    return sorted(_files_below(ROOT, ignored))


def _files_below(folder: Path, ignored: set[str]) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_file():
            yield path
        elif path.is_dir() and path.name not in ignored:
            yield from _files_below(path, ignored)


def text_of(path: Path) -> str:
    """The text of a file, empty if it is not text."""
    content = path.read_bytes()
    return "" if b"\0" in content else content.decode("utf-8", errors="replace")
