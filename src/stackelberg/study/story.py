"""What a study shows, in sentences that claim no more than its intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stackelberg.report.numbers import counted
from stackelberg.report.study.data import (
    WITHOUT_CHANCE,
    MethodName,
    MetricName,
    Reached,
    Versus,
)
from stackelberg.report.study.part import difference_text

MOST_METRICS = 4
"""Metrics told of; the others are in the table."""


def story(
    methods: Sequence[MethodName],
    metrics: Sequence[MetricName],
    versus: Sequence[Versus],
    reached: Sequence[Reached],
    failed: int,
) -> tuple[str, ...]:
    """Sentences on failures, on every scenario's first metrics, and on thresholds."""
    labels = {method.name: method.label for method in methods}
    told = list(_compared(labels, metrics, versus))
    told += _reached(labels, reached)
    if failed:
        told.insert(
            0,
            f"{counted(failed, 'cell')} failed and {'is' if failed == 1 else 'are'} "
            "missing from everything below, with the cells they were paired with.",
        )
    return tuple(told)


def _compared(
    labels: dict[str, str], metrics: Sequence[MetricName], versus: Sequence[Versus]
) -> Iterator[str]:
    for scenario in dict.fromkeys(v.scenario for v in versus):
        pooled = [v for v in versus if v.scenario == scenario and not v.case]
        told = [m for m in metrics if any(v.metric == m.name for v in pooled)]
        for metric in told[:MOST_METRICS]:
            rows = [v for v in pooled if v.metric == metric.name]
            yield (
                f"{scenario}, {metric.label}, against {labels[rows[0].reference]}: "
                f"{'; '.join(_by_verdict(labels, rows))}."
            )


def _by_verdict(labels: dict[str, str], rows: Sequence[Versus]) -> Iterator[str]:
    """What is better first, then what is not known to be, then what is worse."""
    groups: dict[str, list[str]] = {}
    for row in rows:
        verdict = row.verdict if _is_judged(row) else "one seed, no interval"
        groups.setdefault(verdict, []).append(_with_difference(labels, row))
    for verdict in sorted(groups, key=_place):
        yield f"{verdict}: {', '.join(groups[verdict])}"


_ORDER = ("better", "higher", "not told apart", "the same", WITHOUT_CHANCE)


def _place(verdict: str) -> int:
    return _ORDER.index(verdict) if verdict in _ORDER else len(_ORDER)


def _is_judged(row: Versus) -> bool:
    return row.low is not None or row.verdict in (WITHOUT_CHANCE, "the same")


def _with_difference(labels: dict[str, str], row: Versus) -> str:
    name = labels[row.method]
    if row.verdict == "the same" or not _is_judged(row):
        return name
    return f"{name} {difference_text(row)}"


def _reached(labels: dict[str, str], reached: Sequence[Reached]) -> Iterator[str]:
    """How many seeds get to the thresholds, in steps; seconds are in the table."""
    steps = [one for one in reached if one.unit == "steps"]
    for scenario in dict.fromkeys(one.scenario for one in steps):
        rows = [one for one in steps if one.scenario == scenario]
        told = [
            f"{labels[one.method]} {one.seeds - one.censored} of {one.seeds}"
            f" ({_median(one)})"
            for one in rows
        ]
        horizon = max(one.horizon for one in rows)
        yield (
            f"{scenario}, seeds that reach all thresholds at once within "
            f"{horizon:,.0f} steps: {', '.join(told)}."
        )


def _median(one: Reached) -> str:
    return "no median" if one.median is None else f"median {one.median:,.0f} steps"
