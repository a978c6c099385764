"""From the scenarios of a plan to cases: one problem for each combination of a sweep.

A case is plain data, so that it can be hashed and sent to another process; `build`
turns it and a seed into the problem that methods are given.
"""

from __future__ import annotations

import hashlib
import itertools
import tempfile
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from pydantic import ValidationError

from stackelberg import edge, io, spectrum
from stackelberg.errors import ConfigError, InputError, suggestion
from stackelberg.io.files import read_bytes
from stackelberg.io.scenario_file import scenario_from_json
from stackelberg.study.methods.environment import World
from stackelberg.study.plan import (
    AnyScenario,
    EnvironmentScenario,
    Kind,
    Plan,
    Strict,
)

Problem: TypeAlias = spectrum.Scenario | edge.Market | World

Files: TypeAlias = Mapping[str, bytes]

Swept: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """One problem of a study, up to its seed.

    Attributes:
        scenario: name of its scenario.
        kind: which game.
        settings: everything that decides the problem beside the seed; plain data.
        swept: the values of the sweep, by argument, or the file's name.
        files: contents of the files that it is read from, by name.
    """

    scenario: str
    kind: Kind
    settings: Mapping[str, Any]
    swept: Swept
    files: Files

    @property
    def name(self) -> str:
        """The scenario's name and what was swept."""
        values = ", ".join(f"{key} {_shown(x)}" for key, x in self.swept.items())
        return f"{self.scenario}: {values}" if values else self.scenario

    @property
    def identity(self) -> dict[str, Any]:
        """What the address of its results depends on; names do not matter."""
        return {
            "kind": self.kind,
            **self.settings,
            "files": {name: digest(content) for name, content in self.files.items()},
        }


def digest(content: bytes) -> str:
    """Short name of a content."""
    return hashlib.sha256(content).hexdigest()[:32]


def cases(plan: Plan, folder: Path) -> list[Case]:
    """Every case of a plan, checked by building it once with the first seed.

    Args:
        plan: the plan.
        folder: that its file names are relative to.

    Raises:
        InputError: a swept argument is unknown, a value cannot be, a file is wrong.
    """
    found: list[Case] = []
    for i, scenario in enumerate(plan.scenario):
        for case in _of_scenario(scenario, f"scenario[{i}]", folder):
            with _located(f"scenario[{i}] ({case.name})"):
                build(case, plan.seed_list[0])
            found.append(case)
    return found


def build(case: Case, seed: int) -> Problem:
    """The problem of a case and a seed; the same arguments give the same bits."""
    if case.kind == "spectrum":
        return _spectrum_cell(case, seed)
    if case.kind == "environment":
        return _world(case, seed)
    return _edge_market(case, seed)


def _spectrum_cell(case: Case, seed: int) -> spectrum.Scenario:
    settings = case.settings
    at_random = settings.get("channels") == "random"
    if case.files:
        cell = scenario_from_json(next(iter(case.files.values())))
        if at_random and cell.channel is None:
            drawn = np.random.default_rng([seed, 0x6368])
            cell = cell.with_channel(
                drawn.integers(cell.num_channels, size=cell.num_pairs)
            )
    else:
        given = dict(settings["generate"])
        bounds = given.pop("fixed_prices", None)
        if bounds is not None:
            count = given.get("num_pairs", 25)
            given["price_bounds"] = spectrum.FixedPriceBounds(
                min=np.full(count, bounds[0]), max=np.full(count, bounds[1])
            )
        if "d2d_distance_m" in given:
            given["d2d_distance_m"] = tuple(given["d2d_distance_m"])
        if at_random:
            given["channel"] = "random"
        cell = spectrum.generate(seed=seed, **given)
    if cell.channel is None:
        found = spectrum.assign_channels(
            cell, max_pairs_per_channel=settings.get("max_pairs_per_channel"), seed=seed
        )
        cell = cell.with_channel(found.channel)
    return cell


def _world(case: Case, seed: int) -> World:
    settings = case.settings
    world = World(
        {
            "environment": settings["generate"],
            "training": settings.get("training", {}),
            "evaluation": settings.get("evaluation", {}),
        },
        tuple(settings.get("other_pairs", ())),
    )
    world.any_settings(seed)
    return world


def _edge_market(case: Case, seed: int) -> edge.Market:
    settings = case.settings
    if case.files:
        with tempfile.TemporaryDirectory() as folder:
            for name, content in case.files.items():
                (Path(folder) / name).write_bytes(content)
            market = io.read_market(folder)
    else:
        market = edge.generate(seed=seed, **settings["generate"])
    cost = settings.get("node_cost")
    if cost is None:
        return market
    return replace(market, cost=np.full(market.num_nodes, float(cost)))


def _of_scenario(scenario: AnyScenario, place: str, folder: Path) -> Iterator[Case]:
    settings = scenario.given()
    for key in ("name", "kind", "sweep", "files", "generate"):
        settings.pop(key, None)
    if scenario.files is not None:
        for name in scenario.files:
            swept = {"file": name} if len(scenario.files) > 1 else {}
            files = _contents(folder / name, scenario.kind)
            yield Case(scenario.name, scenario.kind, settings, swept, files)
        return
    if isinstance(scenario, EnvironmentScenario):
        for values in itertools.product(*scenario.sweep.values()):
            swept = dict(zip(scenario.sweep, values, strict=True))
            generate = {**scenario.generate, **swept}
            made = {**settings, "generate": generate}
            yield Case(scenario.name, scenario.kind, made, swept, {})
        return
    for swept in _combinations(scenario, place):
        generate = _swept_settings(_generator(scenario), swept, place)
        yield Case(
            scenario.name, scenario.kind, {**settings, "generate": generate}, swept, {}
        )


def _generator(scenario: AnyScenario) -> Strict:
    made = scenario.generate
    assert isinstance(made, Strict)  # it has no files, and one of the two
    return made


def _contents(path: Path, kind: Kind) -> dict[str, bytes]:
    if kind == "spectrum":
        return {path.name: read_bytes(path, wanted="a scenario file")}
    if not path.is_dir():
        raise ConfigError(str(path), expected="a market folder", got="no such folder")
    tables = sorted(
        entry
        for entry in path.iterdir()
        if entry.suffix in (".csv", ".parquet")
        and entry.stem in ("nodes", "users", "reach")
    )
    return {one.name: read_bytes(one, wanted="a market's table") for one in tables}


def _combinations(scenario: AnyScenario, place: str) -> Iterator[dict[str, Any]]:
    known = type(_generator(scenario)).model_fields
    for key in scenario.sweep:
        if key not in known:
            raise ConfigError(
                f"{place}.sweep.{key}",
                expected=f"an argument of generate{suggestion(key, known)}",
                got="an unknown one",
            )
    for values in itertools.product(*scenario.sweep.values()):
        yield dict(zip(scenario.sweep, values, strict=True))


def _swept_settings(table: Strict, swept: Swept, place: str) -> dict[str, Any]:
    """The table's settings with the values of the sweep in them, checked again."""
    try:
        merged = type(table).model_validate({**table.given(), **swept})
    except ValidationError as error:
        detail = error.errors()[0]
        key = str(detail["loc"][0])
        raise ConfigError(
            f"{place}.sweep.{key}",
            expected=detail["msg"].replace("Input should be ", ""),
            got=repr(swept.get(key)),
        ) from None
    return merged.given()


@contextmanager
def _located(place: str) -> Generator[None, None, None]:
    """Name the place in the plan in whatever input error passes."""
    try:
        yield
    except InputError as error:
        raise type(error)(
            f"{place}: {error.argument}", expected=error.expected, got=error.got
        ) from None


def _shown(value: object) -> str:
    if isinstance(value, list):
        return "-".join(_shown(part) for part in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
