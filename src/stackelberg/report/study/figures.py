"""Figures of a study: functions from a `StudyData` to Altair charts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import altair as alt

from stackelberg.report.figure import (
    PANEL_WIDTH,
    WIDTH,
    Figure,
    log_axis,
    named_colour,
    named_dash,
    named_shape,
    values,
)
from stackelberg.report.numbers import ROUNDING, rate_unit
from stackelberg.report.study.data import MetricName, StudyData, Versus
from stackelberg.report.theme import STYLES, Style

SCATTER = 260
"""Side of a panel, px."""


def draw_study_figures(data: StudyData) -> list[Figure]:
    """The figures that `data` has numbers for, in reading order."""
    drawn: list[Figure] = []
    for draw in (
        against_reference,
        against_sweep,
        while_learning,
        time_to_thresholds,
        regret_beside_utility,
        sinr_distributions,
        price_against_margin,
    ):
        drawn.extend(draw(data))
    return drawn


def against_reference(data: StudyData) -> Iterator[Figure]:
    """Differences to the reference with their intervals, a panel for each metric."""
    for scenario, reference in data.reference:
        rows = [
            v
            for v in data.versus
            if v.scenario == scenario and not v.case and v.low is not None
        ]
        told_apart = {v.metric for v in rows if v.verdict != "the same"}
        rows = [v for v in rows if v.metric in told_apart]
        metrics = [m for m in data.metrics if any(v.metric == m.name for v in rows)]
        panels = [_forest(data, [v for v in rows if v.metric == m.name], m)
                  for m in metrics]  # fmt: skip
        if not panels:
            continue
        percent = round(100 * data.confidence)
        yield Figure(
            f"differences-{slug(scenario)}",
            f"{scenario}: every method against {_label(data, reference)}",
            "Interquartile mean of the differences on the same problems and seeds, "
            f"with its {percent} % interval. Where an interval crosses the line, the "
            "two are not told apart.",
            alt.vconcat(*panels, spacing=18),
        )


def _forest(data: StudyData, rows: Sequence[Versus], metric: MetricName) -> Any:
    styles = styles_of(data, [v.method for v in rows])
    scale = 100.0 if rows[0].relative else 1.0
    unit = "%" if rows[0].relative else ""
    table = values(
        {
            "label": _label(data, v.method),
            "difference": scale * v.difference,
            "low": scale * (v.low or 0.0),
            "high": scale * (v.high or 0.0),
            "verdict": v.verdict,
        }
        for v in rows
    )
    way = {"higher": "more is better", "lower": "less is better", None: ""}
    hint = f"{metric.label}: difference{f' ({unit})' if unit else ''}"
    title = ", ".join(filter(None, (hint, way[metric.better])))
    order = [style.label for style in styles.values()]
    y = alt.Y("label:N", title=None, sort=order, axis=alt.Axis(labelLimit=200))
    base = alt.Chart(table, width=PANEL_WIDTH, height={"step": 22})
    tooltip = [
        alt.Tooltip("label:N", title="method"),
        alt.Tooltip("difference:Q", format=".4~g"),
        alt.Tooltip("low:Q", format=".4~g"),
        alt.Tooltip("high:Q", format=".4~g"),
        alt.Tooltip("verdict:N"),
    ]
    colour = named_colour(styles, legend=False)
    ends = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", title=title, scale=alt.Scale(padding=8)),
        x2="high:Q",
        y=y,
        color=colour,
        tooltip=tooltip,
    )
    dots = base.mark_point(filled=True, size=70, opacity=1.0).encode(
        x="difference:Q",
        y=y,
        color=colour,
        shape=_shape_alone(styles),
        tooltip=tooltip,
    )
    zero = base.mark_rule(strokeDash=[3, 3]).encode(x=alt.datum(0))
    return alt.layer(zero, ends, dots)


def against_sweep(data: StudyData) -> Iterator[Figure]:
    """A metric against the number that was swept, with intervals."""
    for scenario in dict.fromkeys(s.scenario for s in data.scores):
        for metric in data.metrics:
            rows = [
                s
                for s in data.scores
                if s.scenario == scenario and s.metric == metric.name
                and s.x is not None
            ]  # fmt: skip
            if len({s.x for s in rows}) < 2 or all(
                abs(s.value) <= ROUNDING for s in rows
            ):
                continue
            factor, unit = _unit(metric, [s.value for s in rows])
            table = values(
                {
                    "label": _label(data, s.method),
                    "x": s.x,
                    "value": s.value / factor,
                    "low": None if s.low is None else s.low / factor,
                    "high": None if s.high is None else s.high / factor,
                }
                for s in rows
            )
            swept = rows[0].swept
            yield Figure(
                f"{slug(metric.name)}-{slug(scenario)}",
                f"{scenario}: {metric.label} against {swept_title(swept)}",
                f"{metric.meaning.capitalize()}. Interquartile mean over seeds; the "
                f"bands are {round(100 * data.confidence)} % intervals of each method "
                "by itself, while the differences above are paired.",
                _lines(
                    table,
                    styles_of(data, [s.method for s in rows]),
                    swept_title(swept),
                    f"{metric.label}{unit}",
                ),
            )


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
            factor, unit = _unit(name, [c.value for c in rows])
            table = values(
                {
                    "label": _label(data, c.method),
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
                f"{name.meaning.capitalize()}, on evaluation episodes that nobody "
                "learns from. Interquartile mean over seeds with its interval.",
                _lines(
                    table,
                    styles_of(data, [c.method for c in rows]),
                    "environment steps",
                    f"{name.label}{unit}",
                ),
            )


def _lines(table: Any, styles: Mapping[str, Style], x_title: str, y_title: str) -> Any:
    few = alt.Axis(format="~g", tickMinStep=1)
    x = alt.X("x:Q", title=x_title, scale=alt.Scale(zero=False), axis=few)
    y = alt.Y("value:Q", title=y_title, scale=alt.Scale(zero=False))
    base = alt.Chart(table, width=WIDTH, height=300)
    band = base.mark_area(opacity=0.16).encode(
        x=x, y=alt.Y("low:Q", title=y_title), y2="high:Q",
        color=named_colour(styles),
    )  # fmt: skip
    tooltip = [
        alt.Tooltip("label:N", title="method"),
        alt.Tooltip("x:Q", title=x_title, format=".6~g"),
        alt.Tooltip("value:Q", title=y_title, format=".4~g"),
        alt.Tooltip("low:Q", format=".4~g"),
        alt.Tooltip("high:Q", format=".4~g"),
    ]
    line = base.mark_line(strokeWidth=2).encode(
        x=x, y=y, color=named_colour(styles), strokeDash=named_dash(styles)
    )
    dots = base.mark_point(filled=True, size=55, opacity=1.0).encode(
        x=x,
        y=y,
        color=named_colour(styles),
        shape=named_shape(styles),
        tooltip=tooltip,
    )
    return alt.layer(band, line, dots)


def time_to_thresholds(data: StudyData) -> Iterator[Figure]:
    """The share of seeds that has reached the thresholds, by time."""
    for scenario in dict.fromkeys(r.scenario for r in data.reached):
        group = [r for r in data.reached if r.scenario == scenario]
        unit = group[0].unit
        rows: list[dict[str, Any]] = []
        for one in group:
            label = _label(data, one.method)
            last = one.share[-1] if one.share else 0.0
            steps = [(0.0, 0.0), *zip(one.time, one.share, strict=True)]
            for time, share in [*steps, (one.horizon, last)]:
                rows.append({"label": label, "x": time, "share": share})
        styles = styles_of(data, [r.method for r in group])
        chart = (
            alt.Chart(values(rows), width=WIDTH, height=280)
            .mark_line(interpolate="step-after", strokeWidth=2)
            .encode(
                x=alt.X("x:Q", title=f"environment {unit}"),
                y=alt.Y(
                    "share:Q",
                    title="share of seeds that has got there",
                    scale=alt.Scale(domain=[0, 1]),
                ),
                color=named_colour(styles),
                strokeDash=named_dash(styles),
            )
        )
        yield Figure(
            f"thresholds-{slug(scenario)}",
            f"{scenario}: when the thresholds are reached",
            f"{' and '.join(data.thresholds)}, all at once. Kaplan and Meier: seeds "
            "that never get there are counted, as a curve that stays below 1.",
            chart,
        )


def regret_beside_utility(data: StudyData) -> Iterator[Figure]:
    """The leader's gain and what the followers could still gain, together."""
    for scenario in dict.fromkeys(s.scenario for s in data.scores):
        points = _beside(data, scenario, "gain", "follower_regret")
        if len(points) < 2 or max(p["regret"] for p in points) < 1e-6:
            continue
        styles = styles_of(data, [p["method"] for p in points])
        tooltip = [
            alt.Tooltip("label:N", title="method"),
            alt.Tooltip("case:N"),
            alt.Tooltip("utility:Q", title="gain", format=".4~g"),
            alt.Tooltip("regret:Q", title="follower regret", format=".3~g"),
        ]
        chart = (
            alt.Chart(values(points), width=WIDTH, height=300)
            .mark_point(filled=True, size=80, opacity=0.9)
            .encode(
                x=alt.X("regret:Q", title="follower regret (share of its rate)"),
                y=alt.Y("utility:Q", title="gain", scale=alt.Scale(zero=False)),
                color=named_colour(styles),
                shape=named_shape(styles),
                tooltip=tooltip,
            )
        )
        yield Figure(
            f"regret-{slug(scenario)}",
            f"{scenario}: regret beside gain",
            "Leader utility that rests on followers who could do better for "
            "themselves, far to the right, is no success.",
            chart,
        )


def _beside(
    data: StudyData, scenario: str, utility: str, regret: str
) -> list[dict[str, Any]]:
    found = {
        (s.case, s.method, s.metric): s.value
        for s in data.scores
        if s.scenario == scenario
    }
    return [
        {
            "method": method,
            "label": _label(data, method),
            "case": case,
            "utility": value,
            "regret": found[case, method, regret],
        }
        for (case, method, metric), value in found.items()
        if metric == utility and (case, method, regret) in found
    ]


def sinr_distributions(data: StudyData) -> Iterator[Figure]:
    """Shares of users below each SINR, cellular and D2D, on a scenario's last case."""
    for scenario in dict.fromkeys(d.scenario for d in data.distributions):
        group = [d for d in data.distributions if d.scenario == scenario]
        case = group[-1].case
        group = [d for d in group if d.case == case]
        styles = styles_of(data, [d.method for d in group])
        rows = [
            {
                "label": _label(data, d.method),
                "which": d.which,
                "sinr": sinr,
                "share": i / max(len(d.sinr_db) - 1, 1),
            }
            for d in group
            for i, sinr in enumerate(d.sinr_db)
        ]
        chart = (
            alt.Chart(values(rows), width=SCATTER, height=260)
            .mark_line(clip=True, strokeWidth=2)
            .encode(
                x=alt.X("sinr:Q", title="SINR (dB)"),
                y=alt.Y("share:Q", title="share of links below"),
                color=named_colour(styles),
                strokeDash=named_dash(styles),
                order="share:Q",
                column=alt.Column(
                    "which:N", title=None, sort=["cellular", "D2D"], spacing=28
                ),
            )
        )
        yield Figure(
            f"sinr-{slug(scenario)}",
            f"{case}: SINR of cellular users and D2D pairs",
            "Quantiles of each cell, averaged over seeds. Pairs that are silent have "
            "no SINR.",
            chart,
        )


def price_against_margin(data: StudyData) -> Iterator[Figure]:
    """Prices of reuse against interference margins."""
    for scenario in dict.fromkeys(p.scenario for p in data.prices):
        group = [p for p in data.prices if p.scenario == scenario]
        kept = [p for p in group if p.reuse_price > 0.0]
        if not kept:
            continue
        styles = styles_of(data, [p.method for p in kept])
        rows = [{**asdict(p), "label": _label(data, p.method)} for p in kept]
        chart = (
            alt.Chart(values(rows), width=WIDTH, height=320)
            .mark_point(filled=True, size=22, opacity=0.45)
            .encode(
                x=alt.X(
                    "margin_db:Q",
                    title="interference margin: cellular signal over the pair's at "
                    "full power (dB)",
                ),
                y=alt.Y(
                    "reuse_price:Q",
                    **log_axis(
                        [p.reuse_price for p in kept],
                        "reuse price (bit/s per W)",
                        "~e",
                    ),
                ),
                color=named_colour(styles),
                shape=named_shape(styles),
            )
        )
        yield Figure(
            f"prices-{slug(scenario)}",
            f"{scenario}: price of reuse against interference margin",
            "One point for each pair of some of the cells. A price is per W of "
            "interference, so it rises with the margin for the same payment.",
            chart,
        )


def styles_of(data: StudyData, methods: Sequence[str]) -> dict[str, Style]:
    """Styles of some methods with the study's labels, in its order."""
    return {
        method.style: replace(STYLES[method.style], label=method.label)
        for method in data.methods
        if method.name in methods
    }


def swept_title(name: str) -> str:
    """What was swept, for an axis."""
    known = {
        "num_pairs": "number of D2D pairs",
        "num_channels": "number of channels",
        "d2d_distance_m": "middle of the D2D distances (m)",
        "follower_price_weight": "price weight of the followers",
        "num_users": "number of users",
        "num_nodes": "number of nodes",
    }
    return known.get(name, name.replace("_", " "))


def slug(name: str) -> str:
    """A name for a file."""
    return "".join(c if c.isalnum() else "-" for c in name.lower()).strip("-") or "x"


def _unit(metric: MetricName, numbers: Sequence[float]) -> tuple[float, str]:
    """Factor and text of the unit of a column of numbers."""
    if metric.unit == "bit/s":
        factor, unit = rate_unit(numbers)
        return factor, f" ({unit})"
    return 1.0, f" ({metric.unit})" if metric.unit else ""


def _label(data: StudyData, method: str) -> str:
    return next(m.label for m in data.methods if m.name == method)


def _shape_alone(styles: Mapping[str, Style]) -> Any:
    """Shapes without a legend, where names stand at the axis."""
    shape = named_shape(styles)
    shape["legend"] = None
    return shape
