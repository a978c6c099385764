"""Which room may import which, and what the pure rooms must not touch."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from house.source import Import, imports

_FOUNDATION = {"errors", "units"}
_GAMES = {*_FOUNDATION, "game"}
_UP_TO_LEARNING = {*_GAMES, "spectrum", "envs"}
_UP_TO_IO = {*_UP_TO_LEARNING, "edge", "learning", "io"}
_UP_TO_STUDY = {*_UP_TO_IO, "report", "study"}

_LISTING = {"equations"}  # what is printed where; no game needs it

MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "units": set(),
    "game": _FOUNDATION,
    "spectrum": _GAMES,
    "edge": _GAMES,
    "envs": {*_GAMES, "spectrum"},
    "learning": _UP_TO_LEARNING,
    "io": _UP_TO_IO - {"io"},
    "equations": _FOUNDATION,
    "report": {*_UP_TO_IO, *_LISTING},
    "study": {*_UP_TO_IO, "report"},
    "cli": {*_UP_TO_STUDY, *_LISTING},
    "service": {*_UP_TO_STUDY, *_LISTING},
}
"""Room: the other rooms it may import."""

PURE = {"errors", "units", "game", "spectrum", "edge", "envs", "learning"}

_IMPURE_MODULES = {
    "altair", "datetime", "io", "jinja2", "logging", "multiprocessing", "os",
    "pathlib", "polars", "random", "rich", "shutil", "socket", "subprocess",
    "tempfile", "time", "typer", "vl_convert",
}  # fmt: skip
_IMPURE_CALLS = {"open", "print", "input", "breakpoint"}
_IMPURE_METHODS = {"config.update", "random.seed"}


def room(module: str) -> str | None:
    """The room a dotted name belongs to; None outside the package and at its root."""
    parts = module.split(".")
    inside = parts[0] == "stackelberg" and len(parts) > 1
    return parts[1] if inside and not parts[1].startswith("__") else None


def order_violations(source: str, module: str) -> Iterator[str]:
    """What `module` imports from rooms that it must not know."""
    own = room(module)
    if own is None:
        return
    allowed = {own, *MAY_IMPORT.get(own, set())}
    for found in imports(ast.parse(source), module):
        other = room(found.module)
        if found.module == "stackelberg":
            yield _message(module, found, "imports the whole package")
        elif other is not None and other not in allowed:
            yield _message(module, found, f"{own} must not know {other}")


def purity_violations(source: str, module: str) -> Iterator[str]:
    """Files, clocks, terminals, pictures and globals that a pure room touches."""
    if room(module) not in PURE:
        return
    tree = ast.parse(source)
    for found in imports(tree, module):
        if found.module.split(".")[0] in _IMPURE_MODULES:
            yield _message(module, found, "a pure room must not import it")
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            yield f"{module}:{node.lineno}: global {', '.join(node.names)}"
        elif isinstance(node, ast.Call) and _is_impure(node.func):
            yield f"{module}:{node.lineno}: calls {ast.unparse(node.func)}"


def _is_impure(function: ast.expr) -> bool:
    name = ast.unparse(function)
    method = ".".join(name.split(".")[-2:])
    return name in _IMPURE_CALLS or method in _IMPURE_METHODS


def _message(module: str, found: Import, why: str) -> str:
    return f"{module}:{found.line}: {found.module}: {why}"
