"""Figures of a study: functions from a `StudyData` to Altair charts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
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
from stackelberg.report.numbers import ROUNDING
from stackelberg.report.study.data import MetricName, StudyData, Versus
from stackelberg.report.study.drawing import (
    label_of,
    lines_with_bands,
    slug,
    styles_of,
    swept_title,
    unit_of,
)
from stackelberg.report.study.learning_figures import (
    time_to_thresholds,
    unseen_sizes,
    while_learning,
)
from stackelberg.report.theme import Style

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
        unseen_sizes,
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
            f"{scenario}: every method against {label_of(data, reference)}",
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
            "label": label_of(data, v.method),
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
            factor, unit = unit_of(metric, [s.value for s in rows])
            table = values(
                {
                    "label": label_of(data, s.method),
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
                lines_with_bands(
                    table,
                    styles_of(data, [s.method for s in rows]),
                    swept_title(swept),
                    f"{metric.label}{unit}",
                ),
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
            "label": label_of(data, method),
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
                "label": label_of(data, d.method),
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
        rows = [{**asdict(p), "label": label_of(data, p.method)} for p in kept]
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


def _shape_alone(styles: Mapping[str, Style]) -> Any:
    """Shapes without a legend, where names stand at the axis."""
    shape = named_shape(styles)
    shape["legend"] = None
    return shape
