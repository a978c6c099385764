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
from stackelberg.study.methods.environment import CURVE_SECONDS, FIRST_CHUNK
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
            curves = list(_curves(results, case.name, method).values())
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
    """When seeds reach all of the plan's thresholds together, in steps and seconds.

    Seconds are of processor time: what each seed spent after its first chunk, and the
    greatest first chunk of all seeds, in which everything was compiled. So every seed
    pays for compilation, also where a worker had its method compiled from the last.
    """
    levels = study.plan.threshold
    if not levels:
        return
    confidence = study.plan.confidence
    for case in results.cases:
        for method in results.methods:
            curves = {
                seed: one
                for seed, one in _curves(results, case.name, method).items()
                if all(PREFIX + x.metric in one for x in levels)
            }
            if not curves:
                continue
            at = {seed: first_index(one, levels) for seed, one in curves.items()}
            steps = {seed: one[STEPS] for seed, one in curves.items()}
            yield _reached(case.name, method, "steps", at, steps, confidence)
            seconds = _seconds(results, case.name, method, steps)
            if seconds is not None:
                yield _reached(case.name, method, "seconds", at, seconds, confidence)


def _reached(
    scenario: str,
    method: str,
    unit: str,
    at: Mapping[int, int | None],
    axis: Mapping[int, Sequence[float]],
    confidence: float,
) -> Reached:
    """Seeds that get there at place `at` of their own `axis`, or never."""
    times = [None if i is None else float(axis[seed][i]) for seed, i in at.items()]
    horizons = [float(axis[seed][-1]) for seed in at]
    found = time_to_threshold(times, horizons, confidence)
    mean = restricted_mean(times, horizons, confidence=confidence)
    return Reached(
        scenario=scenario,
        method=method,
        unit=unit,
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


def _seconds(
    results: Results, case: str, method: str, steps: Mapping[int, Sequence[float]]
) -> dict[int, list[float]] | None:
    """Seconds at every step of every seed; None where a seed's are not known."""
    clocks = {seed: results.clocks[case, method, seed] for seed in steps}
    first = [clock.get(FIRST_CHUNK) for clock in clocks.values()]
    if not all(first):
        return None
    compiled = max(chunk[0] for chunk in first if chunk)
    found = {
        seed: [compiled + later for later in clock.get(CURVE_SECONDS, ())]
        for seed, clock in clocks.items()
    }
    known = all(len(found[seed]) == len(steps[seed]) for seed in steps)
    return found if known else None


def first_index(
    curve: Mapping[str, Sequence[float | None]], levels: Sequence[ThresholdTable]
) -> int | None:
    """Where every threshold holds for the first time; None where that never happens."""
    for i in range(len(curve[STEPS])):
        values = [curve[PREFIX + level.metric][i] for level in levels]
        if all(map(_holds, values, levels)):
            return i
    return None


def _holds(value: float | None, level: ThresholdTable) -> bool:
    if value is None:
        return False
    if level.at_least is not None:
        return value >= level.at_least
    return level.at_most is not None and value <= level.at_most


def _curves(results: Results, case: str, method: str) -> dict[int, dict[str, Any]]:
    """The series of learning by seed."""
    found: dict[int, dict[str, Any]] = {}
    for seed in results.seeds:
        record = results.records.get((case, method, seed))
        if record is not None and record["series"].get(STEPS):
            found[seed] = {
                k: v for k, v in record["series"].items() if k.startswith(PREFIX)
            }
    return found


def _by_step(curves: Sequence[Mapping[str, Any]], key: str) -> dict[float, np.ndarray]:
    found: dict[float, list[float]] = {}
    for one in curves:
        for step, value in zip(one[STEPS], one.get(key, ()), strict=False):
            if value is not None:
                found.setdefault(float(step), []).append(float(value))
    return {step: np.array(found[step]) for step in sorted(found)}
