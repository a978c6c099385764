"""What methods reach while they learn.

A learner's cell has the series ``curve_step`` and, for each metric that was evaluated
at these steps, ``curve_METRIC``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from stackelberg.report.study.data import CurvePoint
from stackelberg.study.scores import Results
from stackelberg.study.statistics import interval_of

STEPS = "curve_step"
PREFIX = "curve_"


def curve_points(results: Results, confidence: float) -> Iterator[CurvePoint]:
    """Every metric of every learner over its steps, over the seeds that have each."""
    for case in results.cases:
        for method in results.methods:
            curves = list(curves_by_seed(results, case.name, method).values())
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


def curves_by_seed(
    results: Results, case: str, method: str
) -> dict[int, dict[str, Any]]:
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
