"""What a result owes to the code: the sources of some rooms and of numerical packages.

Results made by other code have other addresses, so they are never mixed.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from typing import Any

PACKAGES = ("jax", "jaxlib", "numba", "numpy", "scipy")
"""Whose versions may change the last bits of a result."""

_OWN_FILES = ("cases.py", "run_cell.py")


@cache
def code_version(rooms: tuple[str, ...]) -> dict[str, Any]:
    """Digest of the sources of `rooms` and of what runs cells, and package versions.

    Args:
        rooms: folders, modules or files of the package.
    """
    package = resources.files("stackelberg")
    study = package.joinpath("study")
    sources = hashlib.sha256()
    for room in rooms:
        _digest(_place(package, room), room, sources)
    for name in _OWN_FILES:
        _digest(study.joinpath(name), name, sources)
    return {
        "rooms": list(rooms),
        "sources": sources.hexdigest()[:32],
        "packages": {name: metadata.version(name) for name in PACKAGES},
    }


def _place(package: Traversable, room: str) -> Traversable:
    named = package.joinpath(room)
    there = named.is_dir() or named.is_file()
    return named if there else package.joinpath(f"{room}.py")


def _digest(place: Traversable, name: str, into: Any) -> None:
    """Add a file, or every Python file below a folder, in the order of their names."""
    if place.is_file():
        if name.endswith(".py") or place.name.endswith(".py"):
            into.update(name.encode() + b"\0" + place.read_bytes() + b"\0")
        return
    for entry in sorted(place.iterdir(), key=lambda one: one.name):
        if entry.name != "__pycache__":
            _digest(entry, f"{name}/{entry.name}", into)
