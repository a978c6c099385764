"""What the page of a study shows, as frozen records of numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

WITHOUT_CHANCE = "no randomness"
"""Verdict where all seeds of both methods give one value: there is no interval."""


@dataclass(frozen=True)
class MethodName:
    """A method of the study and how it is drawn.

    Attributes:
        name: in the plan.
        label: for readers.
        style: key of `theme.STYLES`.
    """

    name: str
    label: str
    style: str


@dataclass(frozen=True)
class MetricName:
    """A metric of the study.

    Attributes:
        name: in the plan.
        label: for readers.
        unit: empty for a pure number.
        better: ``higher``, ``lower`` or None.
        meaning: in a sentence.
    """

    name: str
    label: str
    unit: str
    better: str | None
    meaning: str


@dataclass(frozen=True)
class Score:
    """A metric of a method on one case: interquartile mean over seeds.

    Attributes:
        scenario: its name.
        case: the scenario and what was swept.
        swept: name of the swept argument; empty where there is not exactly one.
        x: its value where that is a number; of a range, the middle.
        method: name.
        metric: name.
        seeds: that have the metric.
        value: interquartile mean.
        low: lower end of the interval; None where one seed gives none.
        high: upper end.
    """

    scenario: str
    case: str
    swept: str
    x: float | None
    method: str
    metric: str
    seeds: int
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Versus:
    """A method against the reference, seed by seed on the same problems.

    Attributes:
        scenario: its name.
        case: as in `Score`; empty for all cases of the scenario together.
        method: name.
        reference: name.
        metric: name.
        relative: whether differences are shares of the reference's value.
        seeds: that both have.
        difference: interquartile mean of the differences.
        low: lower end; None where one seed gives none.
        high: upper end.
        verdict: in words; ``better`` only where the interval says so.
        improvement: probability of improvement, in the metric's better direction.
    """

    scenario: str
    case: str
    method: str
    reference: str
    metric: str
    relative: bool
    seeds: int
    difference: float
    low: float | None
    high: float | None
    verdict: str
    improvement: float | None


@dataclass(frozen=True)
class Distribution:
    """Quantiles of a SINR, averaged over seeds.

    Attributes:
        scenario: its name.
        case: as in `Score`.
        method: name.
        which: ``cellular`` or ``D2D``.
        sinr_db: at evenly spaced shares from 0 to 1.
    """

    scenario: str
    case: str
    method: str
    which: str
    sinr_db: tuple[float, ...]


@dataclass(frozen=True)
class PricePoint:
    """One pair's price against its interference margin.

    Attributes:
        scenario: its name.
        method: name.
        margin_db: cellular signal over the pair's at full power, dB.
        reuse_price: bit/s per W.
    """

    scenario: str
    method: str
    margin_db: float
    reuse_price: float


@dataclass(frozen=True)
class CurvePoint:
    """A metric while a method learns.

    Attributes:
        scenario: its name.
        method: name.
        metric: name.
        step: environment steps so far.
        seeds: that were evaluated there.
        value: interquartile mean.
        low: lower end.
        high: upper end.
    """

    scenario: str
    method: str
    metric: str
    step: float
    seeds: int
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Reached:
    """How many seeds have reached the thresholds by when.

    Attributes:
        scenario: its name.
        method: name.
        unit: of times, ``steps`` or ``seconds``.
        time: at which seeds reach them.
        share: that has by then (Kaplan and Meier).
        low: lower ends.
        high: upper ends.
        seeds: how many there are.
        censored: that never did in their time.
        held: seeds where all thresholds hold at the last look too.
        median: None if fewer than half have.
        mean: restricted to the horizon.
        mean_low: lower end.
        mean_high: upper end.
        horizon: time that all seeds had.
        apart: mean difference in steps to the reference on the same seeds, both up to
            the horizon that they share; None of the reference itself and of seconds.
        apart_low: lower end.
        apart_high: upper end.
    """

    scenario: str
    method: str
    unit: str
    time: tuple[float, ...]
    share: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    seeds: int
    censored: int
    held: int
    median: float | None
    mean: float
    mean_low: float
    mean_high: float
    horizon: float
    apart: float | None
    apart_low: float | None
    apart_high: float | None


@dataclass(frozen=True)
class SizePoint:
    """A metric of a policy with some number of pairs.

    Attributes:
        scenario: its name.
        method: name.
        metric: name.
        pairs: number of pairs that it was judged with.
        learned_at: that it learned with.
        seeds: that were judged.
        value: interquartile mean.
        low: lower end; None where one seed gives none.
        high: upper end.
    """

    scenario: str
    method: str
    metric: str
    pairs: int
    learned_at: int
    seeds: int
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class StudyData:
    """A study's numbers.

    Attributes:
        title: of the page.
        about: the plan's own words.
        confidence: of intervals.
        seeds: how many.
        cells: how many were asked for.
        done: how many have a result.
        failures: cell and reason of each that failed.
        reference: what the others are compared with, by scenario.
        thresholds: in words.
        methods: in the order of the plan.
        metrics: in the order of the plan.
        scores: every method, metric and case.
        versus: every method against the reference.
        distributions: of SINRs.
        prices: of reuse, against margins.
        curves: of learning.
        reached: thresholds.
        sizes: other numbers of pairs than policies learned with.
        seconds: of computing, median of a cell by method; as measured, not comparable
            between machines.
        story: what holds, in sentences.
    """

    title: str
    about: str
    confidence: float
    seeds: int
    cells: int
    done: int
    failures: tuple[tuple[str, str], ...]
    reference: tuple[tuple[str, str], ...]
    thresholds: tuple[str, ...]
    methods: tuple[MethodName, ...]
    metrics: tuple[MetricName, ...]
    scores: tuple[Score, ...]
    versus: tuple[Versus, ...]
    distributions: tuple[Distribution, ...]
    prices: tuple[PricePoint, ...]
    curves: tuple[CurvePoint, ...]
    reached: tuple[Reached, ...]
    sizes: tuple[SizePoint, ...]
    seconds: tuple[tuple[str, float], ...]
    story: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The same as nested dictionaries and lists, for JSON."""
        return asdict(self)
