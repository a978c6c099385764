"""When learners reach the thresholds that a plan fixes, in steps and in seconds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stackelberg.report.study.data import Reached
from stackelberg.study.learning_curves import PREFIX, STEPS, curves_by_seed
from stackelberg.study.methods.environment import CURVE_SECONDS, FIRST_CHUNK
from stackelberg.study.plan import Plan, ThresholdTable
from stackelberg.study.scores import Results
from stackelberg.study.statistics import (
    Interval,
    interval_of,
    restricted_mean,
    time_to_threshold,
)
from stackelberg.study.statistics.bootstrap import Floats


def reached_thresholds(
    plan: Plan, results: Results, references: Mapping[str, str]
) -> Iterator[Reached]:
    """When seeds reach all of the plan's thresholds together, in steps and seconds.

    Seconds are of processor time: what each seed spent after its first chunk, and the
    greatest first chunk of all seeds, in which everything was compiled. So every seed
    pays for compilation, also where a worker had its method compiled from the last.

    Args:
        plan: with thresholds.
        results: of its cells.
        references: the method that the others are compared with, by scenario.
    """
    if not plan.threshold:
        return
    for case in results.cases:
        looks = {
            method: _looks(results, case.name, method, plan.threshold)
            for method in results.methods
        }
        reference = looks.get(references.get(case.scenario, ""))
        for method, look in looks.items():
            for unit in look.axis if look.first else ():
                # In seconds methods are watched for different times.
                alone = look is reference or unit != "steps"
                against = None if alone else reference
                yield _reached((case.name, method, unit), look, against, plan)


@dataclass(frozen=True)
class _Looks:
    """A method's looks at the thresholds, by seed.

    Attributes:
        first: place of the first look at which they hold; None where there is none.
        held: whether they hold at the last look.
        axis: ``steps`` and, where they are known, ``seconds`` of every look.
    """

    first: Mapping[int, int | None]
    held: Mapping[int, bool]
    axis: Mapping[str, Mapping[int, Sequence[float]]]

    def time(self, unit: str, seed: int) -> float | None:
        """When the thresholds held first; None if they never did."""
        at = self.first[seed]
        return None if at is None else float(self.axis[unit][seed][at])

    def spent(self, unit: str, seed: int, horizon: float) -> float:
        """Time to the thresholds, never more than the horizon."""
        time = self.time(unit, seed)
        return horizon if time is None else min(time, horizon)

    def end(self, unit: str, seed: int) -> float:
        """How long the seed was watched."""
        return float(self.axis[unit][seed][-1])


def _looks(
    results: Results, case: str, method: str, levels: Sequence[ThresholdTable]
) -> _Looks:
    curves = {
        seed: one
        for seed, one in curves_by_seed(results, case, method).items()
        if all(PREFIX + x.metric in one for x in levels)
    }
    steps = {seed: one[STEPS] for seed, one in curves.items()}
    seconds = _seconds(results, case, method, steps) if steps else None
    return _Looks(
        first={seed: first_index(one, levels) for seed, one in curves.items()},
        held={
            seed: _all_hold(one, levels, len(one[STEPS]) - 1)
            for seed, one in curves.items()
        },
        axis={"steps": steps} | ({"seconds": seconds} if seconds else {}),
    )


def _reached(
    names: tuple[str, str, str], look: _Looks, reference: _Looks | None, plan: Plan
) -> Reached:
    """When the seeds of a method get there, and how much sooner than the reference's.

    Args:
        names: of the case, the method and the unit of time.
        look: of the method.
        reference: None where nothing is compared.
        plan: of the study.
    """
    case, method, unit = names
    times = [look.time(unit, seed) for seed in look.first]
    horizons = [look.end(unit, seed) for seed in look.first]
    found = time_to_threshold(times, horizons, plan.confidence)
    mean = restricted_mean(times, horizons, confidence=plan.confidence)
    apart = None if reference is None else _apart(look, reference, unit, plan)
    return Reached(
        scenario=case,
        method=method,
        unit=unit,
        time=tuple(map(float, found.time)),
        share=tuple(map(float, found.reached)),
        low=tuple(map(float, found.low)),
        high=tuple(map(float, found.high)),
        seeds=found.seeds,
        censored=found.censored,
        held=sum(look.held.values()),
        median=found.median if math.isfinite(found.median) else None,
        mean=mean.value,
        mean_low=mean.low,
        mean_high=mean.high,
        horizon=float(min(horizons)),
        apart=None if apart is None else apart.value,
        apart_low=None if apart is None else apart.low,
        apart_high=None if apart is None else apart.high,
    )


def _apart(look: _Looks, reference: _Looks, unit: str, plan: Plan) -> Interval | None:
    """Mean difference in time to the reference, seed by seed, up to a common horizon.

    None where fewer than two seeds have both.
    """
    both = [seed for seed in look.first if seed in reference.first]
    if len(both) < 2:
        return None
    end = min(one.end(unit, seed) for one in (look, reference) for seed in both)
    spent, of_reference = (
        np.array([one.spent(unit, seed, end) for seed in both])
        for one in (look, reference)
    )
    return interval_of(
        spent - of_reference, statistic=_mean, confidence=plan.confidence
    )


def _mean(scores: Floats) -> Floats:
    return scores.mean(axis=(-2, -1))


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
    looks = range(len(curve[STEPS]))
    return next((i for i in looks if _all_hold(curve, levels, i)), None)


def _all_hold(
    curve: Mapping[str, Sequence[float | None]],
    levels: Sequence[ThresholdTable],
    place: int,
) -> bool:
    return all(_holds(curve[PREFIX + x.metric][place], x) for x in levels)


def _holds(value: float | None, level: ThresholdTable) -> bool:
    if value is None:
        return False
    if level.at_least is not None:
        return value >= level.at_least
    return level.at_most is not None and value <= level.at_most
