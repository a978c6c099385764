"""What is imported is declared, and what is declared is pinned."""

from __future__ import annotations

import re

import pytest
from house.requirements import declared, names, undeclared_imports
from house.source import ROOT, files_of_tests, modules
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PIN = re.compile(r"[a-z0-9-]+==[0-9][a-z0-9.]*( ; [a-z_]+ [<>=!]+ '[\w.]+')?")
INTERPRETERS = ("3.11", "3.12", "3.13")


def pins(python: str) -> dict[str, str]:
    """Pinned version by distribution, for an interpreter on Linux."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    environment = {
        "python_full_version": f"{python}.1",
        "python_version": python,
        "sys_platform": "linux",
        "implementation_name": "cpython",
    }
    requirements = [Requirement(line) for line in lines]
    return {
        canonicalize_name(requirement.name): next(iter(requirement.specifier)).version
        for requirement in requirements
        if requirement.marker is None or requirement.marker.evaluate(environment)
    }


def test_constraints_hold_pins_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert len(lines) > 40
    assert [line for line in lines if not PIN.fullmatch(line)] == []


@pytest.mark.parametrize("line", ["-i x", "a @ file:x", "a==1 # via b", "a>=1"])
def test_a_line_that_is_no_pin_is_found(line: str) -> None:
    assert PIN.fullmatch(line) is None


@pytest.mark.parametrize("python", INTERPRETERS)
def test_every_requirement_has_a_pin_it_accepts(python: str) -> None:
    pinned = pins(python)
    refused = [
        f"{requirement} ({pinned.get(canonicalize_name(requirement.name))})"
        for requirements in declared().values()
        for requirement in requirements
        if requirement.marker is None
        or requirement.marker.evaluate({"python_version": python})
        if pinned.get(canonicalize_name(requirement.name), "0")
        not in requirement.specifier
        or canonicalize_name(requirement.name) not in pinned
    ]
    assert refused == []


def test_the_library_imports_only_what_is_declared() -> None:
    allowed = set[str]().union(*map(names, declared().values()))
    allowed |= {"pydantic-core"}  # a part of pydantic
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in modules()
        for line in undeclared_imports(path.read_text(), allowed, {"stackelberg"})
    ]
    assert found == []


def test_the_tests_import_only_what_run_test_installs() -> None:
    extras = declared()
    installed = ["", "cluster", "dev", "docs", "envs", "oracle"]
    allowed = set[str]().union(*(names(extras[extra]) for extra in installed))
    allowed |= {"packaging"}  # pytest needs it
    own = {"stackelberg", *(path.stem for path in (ROOT / "tests").iterdir())}
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in files_of_tests()
        for line in undeclared_imports(path.read_text(), allowed, own)
    ]
    assert found == []


def test_oracles_never_import_the_library() -> None:
    library = {"stackelberg"}
    found = [
        f"{path.name}:{line}"
        for path in sorted((ROOT / "tests" / "oracles").glob("*.py"))
        for line in undeclared_imports(path.read_text(), set(), {"oracles"})
        if line.endswith(tuple(library))
    ]
    assert found == []


def test_an_undeclared_import_is_found() -> None:
    source = "import os\nimport stackelberg\nfrom jaxlib import xla\nimport nowhere\n"
    found = list(undeclared_imports(source, {"jax"}, {"stackelberg"}))
    assert found == ["3: jaxlib", "4: nowhere"]
