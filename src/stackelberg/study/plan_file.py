"""Plans as TOML files, with one line for each thing that is wrong."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from stackelberg.errors import ConfigError, InputError, suggestion
from stackelberg.io.files import read_bytes
from stackelberg.io.toml_text import parse_tables
from stackelberg.study.plan import (
    AnyScenario,
    EdgeMarkets,
    EdgePlaces,
    EdgeScenario,
    EnvironmentScenario,
    MethodTable,
    Plan,
    SeedRange,
    SpectrumCells,
    SpectrumScenario,
    ThresholdTable,
)

MAX_PLAN_BYTES = 2**20

_TABLES: dict[tuple[str, ...], type[BaseModel]] = {
    (): Plan,
    ("seeds",): SeedRange,
    ("scenario", "spectrum"): SpectrumScenario,
    ("scenario", "spectrum", "generate"): SpectrumCells,
    ("scenario", "edge"): EdgeScenario,
    ("scenario", "edge", "generate"): EdgeMarkets,
    ("scenario", "edge", "places"): EdgePlaces,
    ("scenario", "environment"): EnvironmentScenario,
    ("method",): MethodTable,
    ("threshold",): ThresholdTable,
}
"""Table by its place: its known keys are what a wrong one may have meant."""


class PlanError(ConfigError):
    """The first thing that is wrong with a plan; `others` holds the rest."""

    others: tuple[InputError, ...] = ()


def plan_error(errors: Sequence[InputError], source: str) -> PlanError:
    """All that is wrong, as one error."""
    first, *rest = errors
    made = PlanError(
        first.argument, expected=first.expected, got=first.got, source=source
    )
    made.others = tuple(other.located(source) for other in rest)
    return made


def read_plan(path: str | os.PathLike[str]) -> Plan:
    """Read and check one plan; names of methods and metrics are checked later.

    Raises:
        ConfigError: unreadable, no TOML (with line and column).
        PlanError: a key is unknown or missing, a value of the wrong kind or out of
            range; its `others` are further mistakes. Each is one line that begins with
            the file's name.
    """
    source = os.fspath(path)
    content = read_bytes(path, wanted="a plan file", limit=MAX_PLAN_BYTES)
    return plan_from_toml(content, source)


def plan_from_toml(content: bytes, source: str) -> Plan:
    """The plan that TOML text describes.

    Raises:
        ConfigError, PlanError: as `read_plan`.
    """
    try:
        members = parse_tables(content)
    except ConfigError as error:
        raise error.located(source) from None
    try:
        plan = Plan.model_validate(members)
    except ValidationError as error:
        # An unknown key first: what is missing may be what it was meant to be.
        details = sorted(error.errors(), key=lambda one: one["type"] == "missing")
        told = [
            _input_error(cast("dict[str, Any]", one))
            for one in details
            if _of_the_kind_given(one["loc"], members)
        ]
        raise plan_error(told or [_no_seeds(members["seeds"])], source) from None
    wrong = list(_inconsistencies(plan))
    if wrong:
        raise plan_error(wrong, source)
    return plan


def plan_folder(path: str | os.PathLike[str]) -> Path:
    """The folder that a plan's file names are relative to."""
    return Path(os.path.realpath(path)).parent


_SEEDS_GIVEN_AS = {int: "constrained-int", list: "list[int]", dict: "SeedRange"}


def _of_the_kind_given(
    place: tuple[int | str, ...], members: Mapping[str, Any]
) -> bool:
    """Whether a mistake is of the kind of seeds that the plan has.

    Seeds may be a number, a list or a table, and the checks complain of all three.
    """
    if place[:1] != ("seeds",) or len(place) == 1:
        return True
    return place[1] == _SEEDS_GIVEN_AS.get(type(members["seeds"]))


def _no_seeds(got: object) -> InputError:
    return ConfigError(
        "seeds",
        expected="a whole number, a list of them, or a table with `first` and `count`",
        got=_short(got),
    )


def _input_error(detail: Mapping[str, Any]) -> InputError:
    place = [part for part in detail["loc"] if part not in _CHOICES]
    name = _spelled(place)
    kind, got = detail["type"], detail["input"]
    if kind == "extra_forbidden":
        table = _TABLES.get(_table_of(detail["loc"][:-1]))
        known = list(table.model_fields) if table else []
        near = suggestion(str(place[-1]), known)
        return ConfigError(
            name, expected=f"one of the known keys{near}", got="an unknown key"
        )
    if kind == "missing":
        return ConfigError(name, expected="a value", got="nothing")
    if kind == "union_tag_not_found":
        return ConfigError(f"{name}.kind", expected=_kinds(), got="nothing")
    if kind == "union_tag_invalid":
        tag = cast("dict[str, Any]", got).get("kind")
        near = suggestion(str(tag), KINDS)
        return ConfigError(f"{name}.kind", expected=_kinds() + near, got=repr(tag))
    message = detail["msg"].replace("Input should be ", "")
    near = _near_choice(detail)
    return ConfigError(name, expected=message + near, got=_short(got))


KINDS = ("spectrum", "edge", "environment")

_CHOICES = (*KINDS, "int", "list[int]", "SeedRange", "constrained-int")


def _kinds() -> str:
    return "one of " + ", ".join(KINDS)


def _near_choice(detail: Mapping[str, Any]) -> str:
    if detail["type"] != "literal_error" or not isinstance(detail["input"], str):
        return ""
    text = str(detail.get("ctx", {}).get("expected", ""))
    return suggestion(detail["input"], text.replace("'", "").split(" or "))


def _table_of(place: Sequence[int | str]) -> tuple[str, ...]:
    names = [part for part in place if isinstance(part, str)]
    return tuple("seeds" if n == "SeedRange" else n for n in dict.fromkeys(names))


def _spelled(place: Sequence[int | str]) -> str:
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "content"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _inconsistencies(plan: Plan) -> Iterator[InputError]:
    """What the tables say together that cannot be."""
    for table in ("scenario", "method"):
        names = [one.name for one in getattr(plan, table)]
        for i, name in enumerate(names):
            if name in names[:i]:
                yield ConfigError(
                    f"{table}[{i}].name", expected="each name once", got=repr(name)
                )
    seeds = plan.seed_list
    if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
        yield ConfigError(
            "seeds", expected="different whole numbers >= 0", got=_short(seeds)
        )
    for i, scenario in enumerate(plan.scenario):
        yield from _sources(scenario, f"scenario[{i}]")
    names = [one.name for one in plan.scenario]
    for i, method in enumerate(plan.method):
        if method.use is not None and method.file is not None:
            yield ConfigError(f"method[{i}]", expected="either use or file", got="both")
        for name in method.scenarios or ():
            if name not in names:
                yield ConfigError(
                    f"method[{i}].scenarios",
                    expected="names of scenarios" + suggestion(name, names),
                    got=repr(name),
                )
    for i, level in enumerate(plan.threshold):
        if (level.at_least is None) == (level.at_most is None):
            yield ConfigError(
                f"threshold[{i}]",
                expected="either at_least or at_most",
                got="neither" if level.at_least is None else "both",
            )
    methods = [one.name for one in plan.method]
    if plan.reference is not None and plan.reference not in methods:
        yield ConfigError(
            "reference",
            expected="the name of a method" + suggestion(plan.reference, methods),
            got=repr(plan.reference),
        )


def _sources(scenario: AnyScenario, place: str) -> Iterator[InputError]:
    """A scenario comes from one source, and a sweep from none but files."""
    sources = ["generate", "files"]
    if isinstance(scenario, EdgeScenario):
        sources.append("places")
    given = [name for name in sources if getattr(scenario, name) is not None]
    if len(given) != 1:
        either = "either " + ", ".join(sources[:-1]) + " or " + sources[-1]
        got = " and ".join(given) or "neither"
        yield ConfigError(place, expected=either, got=got)
    elif scenario.sweep and given == ["files"]:
        yield ConfigError(
            f"{place}.sweep", expected="nothing with files", got="a sweep"
        )
