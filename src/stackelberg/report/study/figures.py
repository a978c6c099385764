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
from stackelberg.report.numbers import NEGLIGIBLE, ROUNDING, shown_difference
from stackelberg.report.study.data import (
    WITHOUT_CHANCE,
    MetricName,
    StudyData,
    Versus,
)
from stackelberg.report.study.drawing import (
    frame,
    label_of,
    lines_with_bands,
    outside_note,
    sentence_start,
    slug,
    styles_of,
    swept_title,
    unit_of,
    within,
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
            if v.scenario == scenario
            and not v.case
            and (v.low is not None or v.verdict == WITHOUT_CHANCE)
        ]
        told_apart = {
            v.metric
            for v in rows
            if v.verdict != "the same" and max(map(abs, _ends(v))) >= NEGLIGIBLE
        }
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
            "two are not told apart. What would squeeze all others is written at the "
            "edge instead of drawn.",
            alt.vconcat(*panels, spacing=18),
        )


def _forest(data: StudyData, rows: Sequence[Versus], metric: MetricName) -> Any:
    styles = styles_of(data, [v.method for v in rows])
    scale = 100.0 if rows[0].relative else 1.0
    unit = "%" if rows[0].relative else ""
    drawn: list[dict[str, Any]] = []
    for v in rows:
        low, high = _ends(v)
        drawn.append(
            {
                "label": label_of(data, v.method),
                "difference": scale * v.difference,
                "low": scale * low,
                "high": scale * high,
                "verdict": v.verdict,
            }
        )
    ends = frame([(row["low"], row["high"]) for row in drawn], 0.0)
    far = [row for row in drawn if not _inside(row, ends)]
    table = values(row for row in drawn if _inside(row, ends))
    way = {"higher": "more is better", "lower": "less is better", None: ""}
    hint = f"{metric.label}: difference{f' ({unit})' if unit else ''}"
    title = ", ".join(filter(None, (hint, way[metric.better])))
    order = [style.label for style in styles.values()]
    y = alt.Y("label:N", title=None, sort=order, axis=alt.Axis(labelLimit=200))
    base = alt.Chart(table, width=PANEL_WIDTH, height={"step": 22})
    scale_x = alt.Scale(padding=8, domain=list(ends)) if ends else alt.Scale(padding=8)
    tooltip = [
        alt.Tooltip("label:N", title="method"),
        alt.Tooltip("difference:Q", format=".4~g"),
        alt.Tooltip("low:Q", format=".4~g"),
        alt.Tooltip("high:Q", format=".4~g"),
        alt.Tooltip("verdict:N"),
    ]
    colour = named_colour(styles, legend=False)
    spans = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", title=title, scale=scale_x),
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
    layers = [zero, spans, dots]
    for right in (False, True):
        beyond = [row for row in far if (row["difference"] > 0.0) == right]
        if beyond:
            layers.append(_at_edge(beyond, unit, y, right=right))
    return alt.layer(*layers)


def _ends(row: Versus) -> tuple[float, float]:
    """Of the interval; the difference itself where nothing is left to chance."""
    low = row.difference if row.low is None else row.low
    return low, row.difference if row.high is None else row.high


def _inside(row: Mapping[str, Any], ends: tuple[float, float] | None) -> bool:
    return within(row["low"], ends) and within(row["high"], ends)


def _at_edge(rows: Sequence[dict[str, Any]], unit: str, y: Any, *, right: bool) -> Any:
    """Differences in words at the edge of a panel that they are beyond."""
    told = [
        {
            "label": row["label"],
            "text": f"{_signed(row['difference'])}{unit and ' ' + unit} "
            f"({_signed(row['low'])} to {_signed(row['high'])})",
        }
        for row in rows
    ]
    for row in told:
        row["text"] = f"{row['text']} \u2192" if right else f"\u2190 {row['text']}"
    return (
        alt.Chart(values(told))
        .mark_text(align="right" if right else "left", baseline="middle")
        .encode(y=y, x=alt.value(PANEL_WIDTH - 6 if right else 6), text="text:N")
    )


def _signed(value: float) -> str:
    return shown_difference(value, relative=False)


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
                f"{sentence_start(metric.meaning)}. Interquartile mean over seeds; the "
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
        shown, far = _framed(points)
        styles = styles_of(data, [p["method"] for p in shown])
        tooltip = [
            alt.Tooltip("label:N", title="method"),
            alt.Tooltip("case:N"),
            alt.Tooltip("utility:Q", title="gain", format=".4~g"),
            alt.Tooltip("regret:Q", title="follower regret", format=".3~g"),
        ]
        chart = (
            alt.Chart(values(shown), width=WIDTH, height=300)
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
            f"themselves, far to the right, is no success.{outside_note(far)}",
            chart,
        )


def _framed(
    points: Sequence[dict[str, Any]],
) -> tuple[list[dict[str, Any]], list[str]]:
    """The points that a frame shows well, and the others in words."""
    across = frame([(p["regret"], p["regret"]) for p in points], 0.0)
    up = frame([(p["utility"], p["utility"]) for p in points])
    shown = [
        p for p in points if within(p["regret"], across) and within(p["utility"], up)
    ]
    far = [
        f"{p['label']} (gain {p['utility']:.3g}, regret {p['regret']:.2g})"
        for p in points
        if p not in shown
    ]
    return shown, far


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
            .mark_point(filled=True, size=40, opacity=0.55)
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
