"""What a package says it exports is there, once, and written where users look."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest
from house.source import PACKAGE, module_name, modules


def exported(source: str) -> list[str] | None:
    """The names in a module's ``__all__``, or None if it has none."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return None


def export_violations(names: list[str], module: object) -> list[str]:
    """Names that are not there, private, or listed twice."""
    return [
        name
        for name in names
        if name.startswith("_") or not hasattr(module, name) or names.count(name) > 1
    ]


PACKAGES = [path for path in modules() if path.name == "__init__.py"]


@pytest.mark.parametrize("path", PACKAGES, ids=module_name)
def test_every_exported_name_is_there(path: Path) -> None:
    names = exported(path.read_text())
    assert names, "a package names what it exports in __all__"
    module = importlib.import_module(module_name(path).removesuffix(".__init__"))
    assert export_violations(names, module) == []


def test_every_public_room_is_exported_by_the_root() -> None:
    names = exported((PACKAGE / "__init__.py").read_text())
    assert names is not None
    rooms = {path.stem for path in PACKAGE.glob("[a-z]*.py")}
    rooms |= {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert set(names) <= rooms
    assert rooms - set(names) <= {"cli", "equations", "service"}


def test_a_name_that_is_not_there_is_found() -> None:
    module = importlib.import_module("stackelberg.units")
    assert export_violations(["LN2", "log10", "LN2"], module) == ["LN2", "log10", "LN2"]
    assert export_violations(["LN2", "_T"], module) == ["_T"]


def test_an_unknown_attribute_of_the_root_is_named() -> None:
    root = importlib.import_module("stackelberg")
    with pytest.raises(AttributeError, match="no attribute 'spectrums'"):
        _ = root.spectrums
