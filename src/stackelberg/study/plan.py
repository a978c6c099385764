"""What a study is to do, as typed records: scenarios, methods, seeds, thresholds.

`plan_file.read_plan` makes them from TOML. Whatever a table leaves out keeps the
default of the function that it sets up.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

PLAN_FORMAT = "stackelberg.study.plan/1"

Kind: TypeAlias = Literal["spectrum", "edge", "environment"]

Range: TypeAlias = Annotated[list[float], Field(min_length=2, max_length=2)]
"""Least and greatest."""


class Strict(BaseModel):
    """A table: unknown keys are refused, and kinds of values are not guessed."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False
    )

    def given(self) -> dict[str, Any]:
        """What the plan says of it, without what it leaves to defaults."""
        return self.model_dump(exclude_unset=True, mode="json")


class SpectrumCells(Strict):
    """Arguments of `spectrum.generate`."""

    num_channels: int = 25
    num_pairs: int = 25
    cell_radius_m: float = 500.0
    d2d_distance_m: Range = [10.0, 50.0]
    bandwidth_hz: float = 180e3
    noise_figure_db: float = 5.0
    cellular_power_dbm: float = 23.0
    min_power_dbm: float = 0.0
    max_power_dbm: float = 23.0
    min_power_w: float | None = None
    follower_price_weight: float = 1.0
    leader_revenue_weight: float = 1.0
    fixed_prices: Range | None = None
    path_loss: str = "simple"
    carrier_hz: float = 2e9
    base_station_shadowing_std_db: float = 8.0
    device_shadowing_std_db: float = 7.0
    fading: bool = True


class EdgeMarkets(Strict):
    """Arguments of `edge.generate`."""

    num_users: int = 800
    num_nodes: int = 125
    radius_m: float = 200.0
    nearest: int | None = None
    regime: str = "balanced"
    budget_spread: float | None = None


class EdgePlaces(Strict):
    """Arguments of `io.import_eua_market`; files are relative to the plan."""

    sites: str
    users: str
    radius_m: float = 200.0
    regime: str = "balanced"
    budget_spread: float | None = None


class _Named(Strict):
    name: Annotated[str, Field(min_length=1, max_length=60)]
    sweep: dict[str, Annotated[list[Any], Field(min_length=1)]] = {}


class SpectrumScenario(_Named):
    """Cells of the spectrum game: generated, one for each seed, or read from files.

    Attributes:
        name: of the scenario.
        kind: ``spectrum``.
        generate: arguments of `spectrum.generate`; the seed is the cell's.
        files: scenario files, relative to the plan.
        sweep: values to go through, by argument of `generate`; all combinations.
        channels: ``assigned`` by `spectrum.assign_channels` where the scenario leaves
            them open, or drawn at ``random``.
        max_pairs_per_channel: cap of the assignment.
    """

    kind: Literal["spectrum"]
    generate: SpectrumCells | None = None
    files: Annotated[list[str], Field(min_length=1)] | None = None
    channels: Literal["assigned", "random"] = "assigned"
    max_pairs_per_channel: Annotated[int, Field(ge=1)] | None = None


class EdgeScenario(_Named):
    """Markets of the edge game: generated, at real places, or read from folders.

    Attributes:
        name: of the scenario.
        kind: ``edge``.
        generate: arguments of `edge.generate`; the seed is the cell's.
        files: market folders, relative to the plan.
        places: real sites and users; what they do not say is drawn by the seed.
        optional: whether the scenario is skipped where one of its files is missing.
        sweep: values to go through, by argument of `generate` or `places`; all
            combinations.
        node_cost: what a unit costs every node's owner, in the market's money.
    """

    kind: Literal["edge"]
    generate: EdgeMarkets | None = None
    files: Annotated[list[str], Field(min_length=1)] | None = None
    places: EdgePlaces | None = None
    optional: bool = False
    node_cost: Annotated[float, Field(ge=0.0)] | None = None


class EnvironmentScenario(_Named):
    """A time-varying cell in which policies act and learn, slot by slot.

    Attributes:
        name: of the scenario.
        kind: ``environment``.
        generate: the table ``environment`` of the settings of a training run.
        training: its table ``training``; the seed is the cell's.
        evaluation: its table ``evaluation``; the cell's seed is added to its seed.
        other_pairs: numbers of pairs that a policy is also judged with at the end.
        sweep: values to go through, by key of `generate`; all combinations.
    """

    kind: Literal["environment"]
    generate: dict[str, Any]
    training: dict[str, Any] = {}
    evaluation: dict[str, Any] = {}
    other_pairs: list[Annotated[int, Field(ge=1)]] = []
    files: None = None


AnyScenario: TypeAlias = Annotated[
    SpectrumScenario | EdgeScenario | EnvironmentScenario, Field(discriminator="kind")
]


class MethodTable(Strict):
    """A method that plays the scenarios of its kind.

    Attributes:
        name: in tables and figures.
        use: name of a method of the library; by default `name`.
        file: ``path.py:function`` instead, relative to the plan.
        settings: keyword arguments of the method.
        scenarios: names of those that it plays; by default all of its kind.
    """

    name: Annotated[str, Field(min_length=1, max_length=60)]
    use: str | None = None
    file: str | None = None
    settings: dict[str, Any] = {}
    scenarios: Annotated[list[str], Field(min_length=1)] | None = None


SeedCount: TypeAlias = Annotated[int, Field(ge=1, le=1_000_000)]
"""More are a mistake: a file per cell, and a list of them in memory."""


class SeedRange(Strict):
    """Seeds `first`, `first` + 1, ..., `count` of them."""

    first: Annotated[int, Field(ge=0)] = 0
    count: SeedCount


class ThresholdTable(Strict):
    """A level fixed before the study is run.

    Attributes:
        metric: that is to reach it.
        at_least: reached from this value upwards.
        at_most: reached from this value downwards.
    """

    metric: str
    at_least: float | None = None
    at_most: float | None = None


class Plan(Strict):
    """A study: every scenario x method x seed is a cell of its own.

    Attributes:
        format: `PLAN_FORMAT`.
        title: of the report.
        about: what it is for, how long it takes and on what.
        seeds: how many (from 0), or which.
        metrics: the ones that the report is about, the first one above all; by default
            those of each kind of scenario.
        confidence: of intervals.
        reference: the method that the others are compared with; by default the first.
        scenario: what is played.
        method: who plays.
        threshold: levels; all of them must hold together.
    """

    format: Literal["stackelberg.study.plan/1"]
    title: Annotated[str, Field(min_length=1, max_length=120)]
    about: str = ""
    seeds: SeedCount | list[int] | SeedRange
    metrics: list[str] = []
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)] = 0.95
    reference: str | None = None
    scenario: Annotated[list[AnyScenario], Field(min_length=1)]
    method: Annotated[list[MethodTable], Field(min_length=1)]
    threshold: list[ThresholdTable] = []

    @property
    def seed_list(self) -> list[int]:
        """The seeds, in the order they are run."""
        if isinstance(self.seeds, int):
            return list(range(self.seeds))
        if isinstance(self.seeds, SeedRange):
            return list(range(self.seeds.first, self.seeds.first + self.seeds.count))
        return list(self.seeds)
