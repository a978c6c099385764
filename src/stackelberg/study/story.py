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
    told += [_reached(labels, one) for one in reached]
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
            parts = [_against(labels, row) for row in rows]
            yield (
                f"{scenario}, {metric.label}, against {labels[rows[0].reference]}: "
                f"{'; '.join(parts)}."
            )


def _against(labels: dict[str, str], row: Versus) -> str:
    if row.verdict == WITHOUT_CHANCE:
        return f"{labels[row.method]}, {row.verdict}: differs by {difference_text(row)}"
    if row.verdict == "the same":
        return f"{labels[row.method]} the same"
    if row.low is None or row.high is None:
        return f"{labels[row.method]} one seed, no interval"
    return f"{labels[row.method]} {row.verdict}, {difference_text(row)}"


def _reached(labels: dict[str, str], one: Reached) -> str:
    got = one.seeds - one.censored
    middle = "no median" if one.median is None else f"median {one.median:,.0f}"
    return (
        f"{one.scenario}: {labels[one.method]} reached the thresholds with {got} of "
        f"{one.seeds} seeds within {one.horizon:,.0f} {one.unit}; {middle} {one.unit}; "
        f"mean, the others counting as {one.horizon:,.0f}: {one.mean:,.0f} "
        f"({one.mean_low:,.0f} to {one.mean_high:,.0f})."
    )
