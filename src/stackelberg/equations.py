"""Which printed equations the library holds: where each lives, which test holds it.

The list and the known errors are kept by hand in ``printed.toml``; the tests are read
off their markers by ``tests/equation_markers.py``, which writes ``printed_tests.json``.
Both files are shipped with the package.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any

from stackelberg.errors import ConfigError, suggestion


@dataclass(frozen=True)
class Equation:
    """One printed, numbered equation.

    Attributes:
        paper: short name of the paper, e.g. ``D2D``.
        number: as printed.
        says: what it says, in one clause.
        functions: dotted names of what computes it.
        errata: names of the errors in it, if any.
        tests: tests that hold it, as ``file::test``.
    """

    paper: str
    number: int
    says: str
    functions: tuple[str, ...]
    errata: tuple[str, ...]
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Erratum:
    """One error in print.

    Attributes:
        paper: short name of the paper.
        name: e.g. ``E4``.
        where: place in the paper.
        equations: numbers of the equations it touches; often none.
        printed: what is printed.
        correct: what should stand there.
        example: a counterexample, with numbers.
        cost: what believing the print costs.
        functions: dotted names of the printed and the corrected formula.
        tests: tests that show both, as ``file::test``.
    """

    paper: str
    name: str
    where: str
    equations: tuple[int, ...]
    printed: str
    correct: str
    example: str
    cost: str
    functions: tuple[str, ...]
    tests: tuple[str, ...]


def papers() -> dict[str, str]:
    """Short name of each paper and its full title."""
    return {name: paper["title"] for name, paper in _printed()["papers"].items()}


def equations(paper: str | None = None) -> tuple[Equation, ...]:
    """Every equation held, of one paper or of all, in the order of print.

    Raises:
        ConfigError: if `paper` is unknown.
    """
    wrong = errata(paper)
    tests: dict[str, list[str]] = _tests()["equations"]
    return tuple(
        Equation(
            paper=entry["paper"],
            number=entry["number"],
            says=entry["says"],
            functions=tuple(entry["functions"]),
            errata=tuple(
                erratum.name
                for erratum in wrong
                if erratum.paper == entry["paper"]
                and entry["number"] in erratum.equations
            ),
            tests=tuple(tests.get(f"{entry['paper']} {entry['number']}", ())),
        )
        for entry in _of(paper, _printed()["equation"])
    )


def errata(paper: str | None = None) -> tuple[Erratum, ...]:
    """Every known error in print, of one paper or of all.

    Raises:
        ConfigError: if `paper` is unknown.
    """
    tests: dict[str, list[str]] = _tests()["errata"]
    return tuple(
        Erratum(
            paper=entry["paper"],
            name=entry["name"],
            where=entry["where"],
            equations=tuple(entry.get("equations", ())),
            printed=entry["printed"],
            correct=entry["correct"],
            example=entry["example"],
            cost=entry["cost"],
            functions=tuple(entry["functions"]),
            tests=tuple(tests.get(entry["name"], ())),
        )
        for entry in _of(paper, _printed()["erratum"])
    )


def _of(paper: str | None, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    known = papers()
    if paper is not None and paper not in known:
        raise ConfigError(
            "paper",
            expected=f"one of {', '.join(known)}{suggestion(paper, known)}",
            got=repr(paper),
        )
    return [entry for entry in entries if paper in (None, entry["paper"])]


def _printed() -> dict[str, Any]:
    return tomllib.loads(_shipped("printed.toml"))


def _tests() -> dict[str, dict[str, list[str]]]:
    return json.loads(_shipped("printed_tests.json"))


def _shipped(name: str) -> str:
    return resources.files("stackelberg").joinpath(name).read_text(encoding="utf-8")
