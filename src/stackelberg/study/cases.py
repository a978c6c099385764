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
from stackelberg.edge import Market
from stackelberg.errors import ConfigError, InputError, suggestion
from stackelberg.io.files import read_bytes
from stackelberg.io.scenario_file import scenario_from_json
from stackelberg.study.methods.environment import World
from stackelberg.study.plan import (
    AnyScenario,
    EdgePlaces,
    EdgeScenario,
    EnvironmentScenario,
    Kind,
    Plan,
    Strict,
)

Problem: TypeAlias = spectrum.Scenario | Market | World

Files: TypeAlias = Mapping[str, bytes]

Swept: TypeAlias = Mapping[str, Any]

SITES, USERS = "sites.csv", "users.csv"
"""What the two files of `places` are called in a case."""


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
    left_out = dict(skipped(plan, folder))
    for i, scenario in enumerate(plan.scenario):
        if scenario.name in left_out:
            continue
        for case in _of_scenario(scenario, f"scenario[{i}]", folder):
            with _located(f"scenario[{i}] ({case.name})"):
                build(case, plan.seed_list[0])
            found.append(case)
    return found


def skipped(plan: Plan, folder: Path) -> list[tuple[str, str]]:
    """Optional scenarios of which a file is missing, each with the first such file."""
    found: list[tuple[str, str]] = []
    for scenario in plan.scenario:
        if not isinstance(scenario, EdgeScenario) or not scenario.optional:
            continue
        names = list(scenario.files or ())
        if scenario.places is not None:
            names += [scenario.places.sites, scenario.places.users]
        missing = [name for name in names if not (folder / name).exists()]
        if missing:
            found.append((scenario.name, missing[0]))
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


def _edge_market(case: Case, seed: int) -> Market:
    settings = case.settings
    if case.files:
        with tempfile.TemporaryDirectory() as folder:
            for name, content in case.files.items():
                (Path(folder) / name).write_bytes(content)
            market = _read_market(Path(folder), settings.get("places"), seed)
    else:
        market = edge.generate(seed=seed, **settings["generate"])
    cost = settings.get("node_cost")
    if cost is None:
        return market
    return replace(market, cost=np.full(market.num_nodes, float(cost)))


def _read_market(folder: Path, places: Mapping[str, Any] | None, seed: int) -> Market:
    if places is None:
        return io.read_market(folder)
    return io.import_eua_market(folder / SITES, folder / USERS, seed=seed, **places)


def _of_scenario(scenario: AnyScenario, place: str, folder: Path) -> Iterator[Case]:
    settings = scenario.given()
    for key in ("name", "kind", "sweep", "files", "generate", "places", "optional"):
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
    if isinstance(scenario, EdgeScenario) and scenario.places is not None:
        yield from _at_places(scenario, scenario.places, settings, place, folder)
        return
    for swept in _combinations(scenario, place):
        generate = _swept_settings(_generator(scenario), swept, place)
        yield Case(
            scenario.name, scenario.kind, {**settings, "generate": generate}, swept, {}
        )


def _at_places(
    scenario: EdgeScenario,
    places: EdgePlaces,
    settings: Mapping[str, Any],
    place: str,
    folder: Path,
) -> Iterator[Case]:
    files = {
        SITES: read_bytes(folder / places.sites, wanted="a file of sites"),
        USERS: read_bytes(folder / places.users, wanted="a file of users"),
    }
    for swept in _combinations(scenario, place):
        given = _swept_settings(places, swept, place)
        for name in ("sites", "users"):  # their contents decide, not their names
            given.pop(name)
        made = {**settings, "places": given}
        yield Case(scenario.name, scenario.kind, made, swept, files)


def _generator(scenario: AnyScenario) -> Strict:
    made = scenario.generate
    if made is None and isinstance(scenario, EdgeScenario):
        made = scenario.places
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
    fields = type(_generator(scenario)).model_fields
    known = [name for name in fields if name not in ("sites", "users")]
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
