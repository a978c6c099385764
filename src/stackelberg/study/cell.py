"""Cells: a case, a method and a seed, with the address of their result."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stackelberg.errors import ConfigError, InputError, suggestion
from stackelberg.io.files import read_bytes
from stackelberg.learning.methods import METHODS as LEARNERS
from stackelberg.study.cases import Case, build, cases, digest
from stackelberg.study.code_version import code_version
from stackelberg.study.methods import edge, environment, spectrum
from stackelberg.study.methods.environment import World
from stackelberg.study.methods.measured import METRICS, OTHER_SIZE
from stackelberg.study.methods.own import check_settings, load
from stackelberg.study.methods.registry import methods_of
from stackelberg.study.plan import Kind, MethodTable, Plan
from stackelberg.study.plan_file import plan_error

ROOMS: dict[Kind, tuple[str, ...]] = {
    "spectrum": spectrum.ROOMS,
    "edge": edge.ROOMS,
    "environment": environment.ROOMS,
}
"""What a result of a user's own method depends on beside its file."""

RESULT_FORMAT = "stackelberg.study.result/1"


@dataclass(frozen=True)
class Play:
    """A method of a plan for problems of one kind; plain data.

    Attributes:
        name: in the plan.
        use: name of the library's method, or of a user's function.
        settings: of the method.
        source: text of the user's file; None for the library's methods.
        source_name: of that file.
    """

    name: str
    use: str
    settings: Mapping[str, Any]
    source: bytes | None = None
    source_name: str = ""

    @property
    def identity(self) -> dict[str, Any]:
        """What the address of its results depends on."""
        own = {} if self.source is None else {"source": digest(self.source)}
        return {"use": self.use, "settings": dict(self.settings), **own}


@dataclass(frozen=True)
class Cell:
    """One run of one method on one problem.

    Attributes:
        case: the problem, up to the seed.
        play: the method.
        seed: of the problem and of the method.
        code: what runs it, see `code_version`.
    """

    case: Case
    play: Play
    seed: int
    code: Mapping[str, Any]

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that decides the result, as plain data."""
        return {
            "format": RESULT_FORMAT,
            "case": self.case.identity,
            "method": self.play.identity,
            "seed": self.seed,
            "code": dict(self.code),
        }

    @cached_property
    def address(self) -> str:
        """Name of the result: a digest of `identity`."""
        return digest(json.dumps(self.identity, sort_keys=True).encode())

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.case.name}, {self.play.name}, seed {self.seed}"


def cells(plan: Plan, folder: Path, source: str) -> list[Cell]:
    """Every cell of a plan, seed by seed, once all of its names are known to exist.

    Seeds are outermost, so that a study that is stopped early has whole comparisons.

    Args:
        plan: the plan.
        folder: that its file names are relative to.
        source: name of the plan, for errors.

    Raises:
        PlanError: a method, setting, metric or file is unknown or wrong.
    """
    wrong: list[InputError] = []
    found: list[Case] = []
    try:
        found = cases(plan, folder)
    except InputError as error:
        wrong.append(error)
    kinds: list[Kind] = list(dict.fromkeys(one.kind for one in plan.scenario))
    plays: dict[tuple[str, Kind], Play] = {}
    for i, table in enumerate(plan.method):
        try:
            for kind in _kinds(plan, table, kinds, f"method[{i}]"):
                plays[table.name, kind] = _play(table, kind, folder, f"method[{i}]")
        except InputError as error:
            wrong.append(error)
    wrong.extend(_unknown_metrics(plan))
    wrong.extend(_wrong_learners(plan, found, plays))
    if wrong:
        raise plan_error(wrong, source)
    return [
        Cell(case, play, seed, _code(play, case.kind))
        for seed in plan.seed_list
        for case in found
        for table in plan.method
        if (play := plays.get((table.name, case.kind))) is not None
        and (table.scenarios is None or case.scenario in table.scenarios)
    ]


def _kinds(
    plan: Plan, table: MethodTable, kinds: list[Kind], place: str
) -> Sequence[Kind]:
    """The kinds of problems in the plan that the method is there for."""
    if table.scenarios is not None:
        kinds = [
            kind
            for kind in kinds
            if any(s.kind == kind and s.name in table.scenarios for s in plan.scenario)
        ]
    if table.file is not None:
        return kinds
    use = table.use or table.name
    able: list[Kind] = [kind for kind in kinds if use in methods_of(kind)]
    if not able or (table.scenarios is not None and len(able) < len(kinds)):
        known = [name for kind in kinds for name in methods_of(kind)]
        near = suggestion(use, [name for name in known if name != use])
        raise ConfigError(
            f"{place}.{'use' if table.use else 'name'}",
            expected=f"one of {', '.join(known)}{near}",
            got=repr(use),
        )
    return able


def _play(table: MethodTable, kind: Kind, folder: Path, place: str) -> Play:
    if table.file is not None:
        return _own_play(table, folder, place)
    use = table.use or table.name
    method = methods_of(kind)[use]
    try:
        method.settings.model_validate(table.settings)
    except ValidationError as error:
        detail = error.errors()[0]
        key = ".".join(map(str, detail["loc"]))
        if detail["type"] == "extra_forbidden":
            near = suggestion(key, method.settings.model_fields)
            raise ConfigError(
                f"{place}.settings.{key}",
                expected=f"a setting of {use}{near}",
                got="an unknown one",
            ) from None
        raise ConfigError(
            f"{place}.settings.{key}",
            expected=detail["msg"].replace("Input should be ", ""),
            got=repr(detail["input"])[:40],
        ) from None
    return Play(table.name, use, table.settings)


def _own_play(table: MethodTable, folder: Path, place: str) -> Play:
    name, colon, function = (table.file or "").rpartition(":")
    if not colon or not name.endswith(".py") or not function.isidentifier():
        raise ConfigError(
            f"{place}.file", expected="path.py:function", got=repr(table.file)
        )
    source = read_bytes(folder / name, wanted="a Python file")
    check_settings(load(source, name, function), table.settings, place)
    return Play(table.name, function, table.settings, source, name)


def _unknown_metrics(plan: Plan) -> list[InputError]:
    """Metrics that nobody has; a user's own method may have any."""
    if any(table.file is not None for table in plan.method):
        return []
    asked = [(f"metrics[{i}]", name) for i, name in enumerate(plan.metrics)]
    asked += [
        (f"threshold[{i}].metric", t.metric) for i, t in enumerate(plan.threshold)
    ]
    return [
        ConfigError(
            place, expected="a known metric" + suggestion(name, METRICS), got=repr(name)
        )
        for place, name in asked
        if name not in METRICS and not OTHER_SIZE.fullmatch(name)
    ]


def _wrong_learners(
    plan: Plan, found: Sequence[Case], plays: Mapping[tuple[str, Kind], Play]
) -> list[InputError]:
    """Settings of learners are known to be right only with their environment."""
    wrong: list[InputError] = []
    for i, table in enumerate(plan.method):
        play = plays.get((table.name, "environment"))
        if play is None or play.source is not None or play.use not in LEARNERS:
            continue
        for case in found:
            if case.kind == "environment":
                world = build(case, plan.seed_list[0])
                assert isinstance(world, World)
                try:
                    world.settings(play.use, play.settings, plan.seed_list[0])
                except InputError as error:
                    place = f"method[{i}] in {case.name}: {error.argument}"
                    wrong.append(
                        ConfigError(place, expected=error.expected, got=error.got)
                    )
                break
    return wrong


def _code(play: Play, kind: Kind) -> Mapping[str, Any]:
    if play.source is None:
        return code_version(methods_of(kind)[play.use].rooms)
    return code_version((*ROOMS[kind], "study/methods/own.py"))
