"""What the project declares it needs, and what its modules import."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import packages_distributions

from house.source import ROOT, imports
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def declared() -> dict[str, list[Requirement]]:
    """Requirements by extra; those always installed under the empty name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = {"": project["dependencies"], **project["optional-dependencies"]}
    return {
        extra: [Requirement(line) for line in lines] for extra, lines in groups.items()
    }


def names(requirements: Iterable[Requirement]) -> set[str]:
    """Canonical distribution names."""
    return {canonicalize_name(requirement.name) for requirement in requirements}


@cache
def _distributions() -> dict[str, list[str]]:
    return dict(packages_distributions())


def undeclared_imports(source: str, allowed: set[str], own: set[str]) -> Iterator[str]:
    """Modules that `source` imports from elsewhere than the `allowed` distributions.

    Args:
        source: Python source.
        allowed: canonical names of distributions.
        own: top-level modules of the project itself.
    """
    distributions = _distributions()
    for found in imports(ast.parse(source), "tests"):
        top = found.module.partition(".")[0]
        if top in sys.stdlib_module_names or top in own:
            continue
        sources = {canonicalize_name(name) for name in distributions.get(top, [top])}
        if not sources & allowed:
            yield f"{found.line}: {top}"
