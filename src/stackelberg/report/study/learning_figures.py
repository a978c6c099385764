"""Figures of learning: curves, times to the thresholds, unseen sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import altair as alt

from stackelberg.report.figure import (
    WIDTH,
    Figure,
    named_colour,
    named_dash,
    values,
)
from stackelberg.report.study.data import Reached, SizePoint, StudyData
from stackelberg.report.study.drawing import (
    frame,
    label_of,
    lines_with_bands,
    outside_note,
    sentence_start,
    slug,
    styles_of,
    unit_of,
    within,
)
from stackelberg.report.theme import STYLES


def while_learning(data: StudyData) -> Iterator[Figure]:
    """A metric against the environment steps that a method has learned from."""
    for scenario in dict.fromkeys(c.scenario for c in data.curves):
        for metric in dict.fromkeys(c.metric for c in data.curves):
            rows = [
                c for c in data.curves if c.scenario == scenario and c.metric == metric
            ]
            if not rows:
                continue
            name = next((m for m in data.metrics if m.name == metric), None)
            if name is None:
                continue
            factor, unit = unit_of(name, [c.value for c in rows])
            table = values(
                {
                    "label": label_of(data, c.method),
                    "x": c.step,
                    "value": c.value / factor,
                    "low": None if c.low is None else c.low / factor,
                    "high": None if c.high is None else c.high / factor,
                }
                for c in rows
            )
            yield Figure(
                f"learning-{slug(metric)}-{slug(scenario)}",
                f"{scenario}: {name.label} while learning",
                f"{sentence_start(name.meaning)}, on evaluation episodes that nobody "
                "learns from. Interquartile mean over seeds with its interval.",
                lines_with_bands(
                    table,
                    styles_of(data, [c.method for c in rows]),
                    "environment steps",
                    f"{name.label}{unit}",
                ),
            )


def time_to_thresholds(data: StudyData) -> Iterator[Figure]:
    """The share of seeds that has reached the thresholds, by steps and by seconds."""
    for scenario in dict.fromkeys(r.scenario for r in data.reached):
        for unit in dict.fromkeys(r.unit for r in data.reached):
            group = [
                r for r in data.reached if (r.scenario, r.unit) == (scenario, unit)
            ]
            if group:
                yield _reached(data, scenario, unit, group)


_TIME_AXIS = {
    "steps": "environment steps",
    "seconds": "seconds of one core, training only",
}

_TIME_NOTE = {
    "steps": "",
    "seconds": " Seconds are of processor time, equilibria included; every seed is "
    "charged its method's whole compilation, evaluation is not counted.",
}


def _reached(
    data: StudyData, scenario: str, unit: str, group: Sequence[Reached]
) -> Figure:
    rows: list[dict[str, Any]] = []
    labels = {
        one.method: f"{label_of(data, one.method)}: {one.seeds - one.censored} "
        f"of {one.seeds}"
        for one in group
    }
    for one in group:
        label = labels[one.method]
        last = one.share[-1] if one.share else 0.0
        steps = [(0.0, 0.0), *zip(one.time, one.share, strict=True)]
        for time, share in [*steps, (one.horizon, last)]:
            rows.append({"label": label, "x": time, "share": share})
    styles = {
        m.style: replace(STYLES[m.style], label=labels[m.name])
        for m in data.methods
        if m.name in labels
    }
    chart = (
        alt.Chart(values(rows), width=WIDTH, height=280)
        .mark_line(interpolate="step-after", strokeWidth=2)
        .encode(
            x=alt.X("x:Q", title=_TIME_AXIS[unit]),
            y=alt.Y(
                "share:Q",
                title="share of seeds that has got there",
                scale=alt.Scale(domain=[0, 1]),
            ),
            color=named_colour(styles),
            strokeDash=named_dash(styles),
        )
    )
    return Figure(
        f"thresholds-{slug(scenario)}{'-seconds' if unit == 'seconds' else ''}",
        f"{scenario}: when the thresholds are reached, in {unit}",
        f"{' and '.join(data.thresholds)}, all at once. Kaplan and Meier: seeds that "
        "never get there are counted, as a curve that stays below 1; the legend has "
        "how many did."
        f"{_TIME_NOTE[unit]}",
        chart,
    )


def unseen_sizes(data: StudyData) -> Iterator[Figure]:
    """A metric against the number of pairs, of which a policy has learned one."""
    for scenario in dict.fromkeys(s.scenario for s in data.sizes):
        for metric in dict.fromkeys(s.metric for s in data.sizes):
            rows = [
                s for s in data.sizes if (s.scenario, s.metric) == (scenario, metric)
            ]
            name = next((m for m in data.metrics if m.name == metric), None)
            if name is None or len({s.pairs for s in rows}) < 2:
                continue
            rows, far = _framed(data, rows)
            table = values(
                {
                    "label": label_of(data, s.method),
                    "x": s.pairs,
                    "value": s.value,
                    "low": s.low,
                    "high": s.high,
                }
                for s in rows
            )
            learned = ", ".join(str(s) for s in sorted({s.learned_at for s in rows}))
            yield Figure(
                f"sizes-{slug(metric)}-{slug(scenario)}",
                f"{scenario}: {name.label} with other numbers of pairs",
                f"{sentence_start(name.meaning)}. Policies learned with {learned} "
                "pairs and were not trained again. Interquartile mean over seeds with "
                f"its interval.{outside_note(far)}",
                lines_with_bands(
                    table,
                    styles_of(data, [s.method for s in rows]),
                    "number of D2D pairs",
                    name.label,
                ),
            )


def _framed(
    data: StudyData, rows: Sequence[SizePoint]
) -> tuple[list[SizePoint], list[str]]:
    """The methods that a frame shows well, and the others in words."""
    ends = frame([(s.value, s.value) for s in rows])
    near = {s.method for s in rows if within(s.value, ends)}
    far: list[str] = []
    for method in dict.fromkeys(s.method for s in rows if s.method not in near):
        found = [s.value for s in rows if s.method == method]
        label = label_of(data, method)
        far.append(f"{label} ({min(found):.3g} to {max(found):.3g})")
    return [s for s in rows if s.method in near], far
