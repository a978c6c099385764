"""From a study's folder to the records that its page is made of."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import median

import numpy as np

from stackelberg.report.study.data import (
    WITHOUT_CHANCE,
    Distribution,
    MethodName,
    MetricName,
    PricePoint,
    Score,
    StudyData,
    Versus,
)
from stackelberg.report.theme import OTHERS, STYLES
from stackelberg.study.cases import Case
from stackelberg.study.engine import standing
from stackelberg.study.learning_curves import curve_points
from stackelberg.study.methods.measured import TOLD_FIRST
from stackelberg.study.methods.measured import metric as metric_of
from stackelberg.study.plan import Kind, Plan, ThresholdTable
from stackelberg.study.scores import Results, read_results
from stackelberg.study.sizes import size_points
from stackelberg.study.statistics import (
    compare_paired,
    interval_of,
    is_without_chance,
    probability_of_improvement,
)
from stackelberg.study.story import story
from stackelberg.study.study import Study
from stackelberg.study.thresholds import reached_thresholds

PRICE_POINTS = 400
"""Pairs of a method and scenario in the figure of prices."""

_STYLE_OF = {"exact": "optimum", "published_allocation": "printed"}


def study_data(study: Study) -> StudyData:
    """Every number of a study's page, from what is saved.

    Cells that failed or are missing are counted and named; nothing stands in for them.
    """
    results = read_results(study)
    found = standing(study.cells, study.store)
    plan, left_out = study.plan, study.skipped
    metrics = _metrics(plan, results)
    references = _references(plan, results)
    scores = tuple(_scores(results, metrics, plan.confidence))
    versus = tuple(_versus(results, metrics, references, plan.confidence))
    methods = _methods(plan)
    reached = tuple(reached_thresholds(plan, results, references))
    return StudyData(
        title=plan.title,
        about=plan.about,
        confidence=plan.confidence,
        seeds=len(results.seeds),
        cells=len(study.cells),
        done=len(found.done),
        failures=tuple(
            (cell.name, str(study.store.failure(cell.address).get("error")))
            for cell in found.failed
        ),
        reference=tuple(references.items()),
        thresholds=tuple(_in_words(level) for level in plan.threshold),
        methods=methods,
        metrics=metrics,
        scores=scores,
        versus=versus,
        distributions=tuple(_distributions(results)),
        prices=tuple(_prices(results)),
        curves=tuple(curve_points(results, plan.confidence)),
        reached=reached,
        sizes=tuple(size_points(results, plan.confidence)),
        seconds=tuple((name, median(x)) for name, x in results.seconds.items()),
        story=(
            *(f"Skipped: {name}, for {lacks} is missing." for name, lacks in left_out),
            *story(methods, metrics, versus, reached, len(found.failed)),
        ),
    )


def _metrics(plan: Plan, results: Results) -> tuple[MetricName, ...]:
    """The plan's metrics, else all that results have, `TOLD_FIRST` first."""
    there = dict.fromkeys(
        name for record in results.records.values() for name in record["metrics"]
    )
    kinds: list[Kind] = list(dict.fromkeys(one.kind for one in plan.scenario))
    first = [name for kind in kinds for name in TOLD_FIRST[kind] if name in there]
    names = plan.metrics or list(dict.fromkeys([*first, *there]))
    return tuple(
        MetricName(name, m.label, m.unit, m.better, m.meaning)
        for name, m in ((name, metric_of(name)) for name in names)
    )


def _methods(plan: Plan) -> tuple[MethodName, ...]:
    """Names with styles: those of the theme where it knows them, else spare ones.

    A spare style that looks like a known one in use, by dash or shape, is left out.
    """
    known: dict[int, str] = {}
    for i, table in enumerate(plan.method):
        key = _STYLE_OF.get(table.use or table.name, table.use or table.name)
        if key in STYLES and key not in known.values() and table.file is None:
            known[i] = key
    used = [STYLES[key] for key in known.values()]
    looks = {style.dash for style in used} | {style.shape for style in used}
    spare = (key for key, s in OTHERS.items() if not looks & {s.dash, s.shape})
    made: list[MethodName] = []
    for i, table in enumerate(plan.method):
        key = known.get(i) or next(spare, "other_1")
        named = i in known and table.name == (table.use or table.name)
        label = STYLES[key].label if named else table.name.replace("_", " ")
        made.append(MethodName(table.name, label, key))
    return tuple(made)


def _references(plan: Plan, results: Results) -> dict[str, str]:
    """What the others are compared with, by scenario: the plan's where it plays, else
    the exact answer, else the last method.
    """
    chosen: dict[str, str] = {}
    for case in results.cases:
        there = [
            method
            for method in results.methods
            if any(key[:2] == (case.name, method) for key in results.records)
        ]
        if there and case.scenario not in chosen:
            wanted = (plan.reference, "bilevel", "exact", there[-1])
            chosen[case.scenario] = next(x for x in wanted if x and x in there)
    return chosen


def _scores(
    results: Results, metrics: Sequence[MetricName], confidence: float
) -> Iterator[Score]:
    for case in results.cases:
        swept, x = _swept(case)
        for method in results.methods:
            for metric in metrics:
                (values,) = results.paired([case], [method], metric.name)
                if not values.size:
                    continue
                found = interval_of(values, confidence=confidence)
                alone = is_without_chance(values)
                yield Score(
                    scenario=case.scenario,
                    case=case.name,
                    swept=swept,
                    x=x,
                    method=method,
                    metric=metric.name,
                    seeds=values.shape[1],
                    value=found.value,
                    low=None if alone else _end(found.low),
                    high=None if alone else _end(found.high),
                )


def _versus(
    results: Results,
    metrics: Sequence[MetricName],
    references: dict[str, str],
    confidence: float,
) -> Iterator[Versus]:
    for scenario, reference in references.items():
        cases = results.of_scenario(scenario)
        groups = [("", cases)]
        if len(cases) > 1:
            groups += [(case.name, [case]) for case in cases]
        for metric in metrics:
            for method in results.methods:
                for name, group in groups:
                    if method == reference:
                        continue
                    one, other = results.paired(group, [method, reference], metric.name)
                    if one.size:
                        yield _compared(
                            (scenario, name, method, reference),
                            metric,
                            one,
                            other,
                            confidence,
                        )


def _compared(
    names: tuple[str, str, str, str],
    metric: MetricName,
    one: np.ndarray,
    other: np.ndarray,
    confidence: float,
) -> Versus:
    better = metric_of(metric.name).better
    relative = bool(metric.unit) and bool((np.abs(other) > 0.0).all())
    size = np.abs(other) if relative else np.ones_like(other)
    found = compare_paired(
        one / size, other / size, better=better, confidence=confidence
    )
    chance = probability_of_improvement(one, other)
    if better == "lower":
        chance = 1.0 - chance
    scenario, case, method, reference = names
    chance_free = is_without_chance(one) and is_without_chance(other)
    verdict = found.verdict
    if chance_free and verdict != "the same":
        verdict = WITHOUT_CHANCE
    return Versus(
        scenario=scenario,
        case=case,
        method=method,
        reference=reference,
        metric=metric.name,
        relative=relative,
        seeds=one.shape[1],
        difference=found.difference.value,
        low=None if chance_free else _end(found.difference.low),
        high=None if chance_free else _end(found.difference.high),
        verdict=verdict,
        improvement=None if better is None else float(chance),
    )


def _distributions(results: Results) -> Iterator[Distribution]:
    for case in results.cases:
        for method in results.methods:
            for which, key in (
                ("cellular", "cellular_sinr_db"),
                ("D2D", "d2d_sinr_db"),
            ):
                kept = _series(results, case, method, key)
                if kept:
                    mean = np.mean(np.array(kept, float), axis=0)
                    yield Distribution(
                        case.scenario, case.name, method, which, tuple(map(float, mean))
                    )


def _series(results: Results, case: Case, method: str, key: str) -> list[list[float]]:
    """The series of every seed that has one."""
    found = [
        results.records[case.name, method, seed]["series"].get(key)
        for seed in results.seeds
        if (case.name, method, seed) in results.records
    ]
    return [series for series in found if series]


def _prices(results: Results) -> Iterator[PricePoint]:
    for scenario in dict.fromkeys(case.scenario for case in results.cases):
        for method in results.methods:
            points = [
                PricePoint(scenario, method, margin, price)
                for case in results.of_scenario(scenario)
                for margins, prices in zip(
                    _series(results, case, method, "interference_margin_db"),
                    _series(results, case, method, "reuse_price"),
                    strict=True,
                )
                for margin, price in zip(margins, prices, strict=True)
            ]
            every = max(1, math.ceil(len(points) / PRICE_POINTS))
            yield from points[::every]


def _swept(case: Case) -> tuple[str, float | None]:
    """Name and number of the one swept argument, as far as there is one."""
    if len(case.swept) != 1:
        return "", None
    ((name, value),) = case.swept.items()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return name, float(value)
    if isinstance(value, list) and all(isinstance(v, (int, float)) for v in value):
        return name, float(np.mean(np.array(value, float)))
    return name, None


def _end(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _in_words(level: ThresholdTable) -> str:
    label = metric_of(level.metric).label
    if level.at_least is not None:
        return f"{label} at least {level.at_least:g}"
    return f"{label} at most {level.at_most:g}"
