"""What methods reach while they learn, and when they reach thresholds.

A learner's cell has the series ``curve_step`` and, for each metric that was evaluated
at these steps, ``curve_METRIC``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from stackelberg.report.study.data import CurvePoint, Reached
from stackelberg.study.plan import ThresholdTable
from stackelberg.study.scores import Results
from stackelberg.study.statistics import (
    interval_of,
    restricted_mean,
    time_to_threshold,
)
from stackelberg.study.study import Study

STEPS = "curve_step"
PREFIX = "curve_"


def curve_points(results: Results, confidence: float) -> Iterator[CurvePoint]:
    """Every metric of every learner over its steps, over the seeds that have each."""
    for case in results.cases:
        for method in results.methods:
            curves = _curves(results, case.name, method)
            names = dict.fromkeys(
                key for one in curves for key in one if key not in (STEPS, PREFIX)
            )
            for key in names:
                for step, values in _by_step(curves, key).items():
                    found = interval_of(values, confidence=confidence)
                    yield CurvePoint(
                        scenario=case.name,
                        method=method,
                        metric=key.removeprefix(PREFIX),
                        step=step,
                        seeds=len(values),
                        value=found.value,
                        low=found.low if math.isfinite(found.low) else None,
                        high=found.high if math.isfinite(found.high) else None,
                    )


def reached_thresholds(study: Study, results: Results) -> Iterator[Reached]:
    """When seeds reach all of the plan's thresholds together, in steps."""
    levels = study.plan.threshold
    if not levels:
        return
    for case in results.cases:
        for method in results.methods:
            curves = _curves(results, case.name, method)
            curves = [
                one for one in curves if all(PREFIX + x.metric in one for x in levels)
            ]
            if not curves:
                continue
            times = [first_time(one, levels) for one in curves]
            horizons = [float(one[STEPS][-1]) for one in curves]
            found = time_to_threshold(times, horizons, study.plan.confidence)
            mean = restricted_mean(times, horizons, confidence=study.plan.confidence)
            yield Reached(
                scenario=case.name,
                method=method,
                unit="steps",
                time=tuple(map(float, found.time)),
                share=tuple(map(float, found.reached)),
                low=tuple(map(float, found.low)),
                high=tuple(map(float, found.high)),
                seeds=found.seeds,
                censored=found.censored,
                median=found.median if math.isfinite(found.median) else None,
                mean=mean.value,
                mean_low=mean.low,
                mean_high=mean.high,
                horizon=float(min(horizons)),
            )


def first_time(
    curve: Mapping[str, Sequence[float | None]], levels: Sequence[ThresholdTable]
) -> float | None:
    """The first step at which every threshold holds; None where that never happens."""
    for i, step in enumerate(curve[STEPS]):
        values = [curve[PREFIX + level.metric][i] for level in levels]
        if step is not None and all(map(_holds, values, levels)):
            return float(step)
    return None


def _holds(value: float | None, level: ThresholdTable) -> bool:
    if value is None:
        return False
    if level.at_least is not None:
        return value >= level.at_least
    return level.at_most is not None and value <= level.at_most


def _curves(results: Results, case: str, method: str) -> list[dict[str, Any]]:
    """The series of learning of every seed."""
    found: list[dict[str, Any]] = []
    for seed in results.seeds:
        record = results.records.get((case, method, seed))
        if record is not None and record["series"].get(STEPS):
            found.append(
                {k: v for k, v in record["series"].items() if k.startswith(PREFIX)}
            )
    return found


def _by_step(curves: Sequence[Mapping[str, Any]], key: str) -> dict[float, np.ndarray]:
    found: dict[float, list[float]] = {}
    for one in curves:
        for step, value in zip(one[STEPS], one.get(key, ()), strict=False):
            if value is not None:
                found.setdefault(float(step), []).append(float(value))
    return {step: np.array(found[step]) for step in sorted(found)}
