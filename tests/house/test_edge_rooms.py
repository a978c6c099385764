"""Inside the edge room: a proof knows no solver, and no solver knows who uses it."""

from __future__ import annotations

import ast
from functools import cache

import pytest
from house.source import PACKAGE, imports, module_name, modules

EDGE = "stackelberg.edge"


@cache
def _imported() -> dict[str, set[str]]:
    """Every module of the edge room, and the others of it that it imports."""
    sources = {
        module_name(path): path
        for path in modules()
        if path.is_relative_to(PACKAGE / "edge") and path.name != "__init__.py"
    }
    return {
        name: {
            part
            for found in imports(ast.parse(path.read_text(encoding="utf-8")), name)
            for part in (found.module, found.module.rpartition(".")[0])
            if part in sources
        }
        for name, path in sources.items()
    }


def _all_below(name: str) -> set[str]:
    """What `name` imports, directly or through others."""
    seen: set[str] = set()
    waiting = {name}
    while waiting:
        found = {part for each in waiting for part in _imported()[each]}
        waiting = found - seen
        seen |= found
    return seen


@pytest.mark.parametrize("proof", ["certify", "conditions"])
def test_a_proof_knows_no_solver(proof: str) -> None:
    known = _all_below(f"{EDGE}.{proof}")
    assert f"{EDGE}.market" in known
    assert not {name for name in known if name.startswith(f"{EDGE}.solvers.")}
    assert f"{EDGE}.allocate" not in known


@pytest.mark.parametrize("room", ["generators", "solvers"])
def test_what_is_below_knows_nothing_above_it(room: str) -> None:
    inside = {name for name in _imported() if name.startswith(f"{EDGE}.{room}.")}
    assert inside
    above = (f"{EDGE}.allocate", f"{EDGE}.prices.", f"{EDGE}.explanation.")
    known = {part for name in inside for part in _imported()[name]}
    assert not {name for name in known if name.startswith(above)}
