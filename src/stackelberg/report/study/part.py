"""A study's part of a page."""

from __future__ import annotations

from stackelberg.report.numbers import counted, shown_difference, significant
from stackelberg.report.part import Part
from stackelberg.report.study.data import Reached, Score, StudyData, Versus
from stackelberg.report.study.figures import draw_study_figures


def study_part(data: StudyData) -> Part:
    """The text, figures and numbers of a study."""
    return Part(
        name="study",
        title=data.title,
        lead=data.about
        or f"{counted(data.done, 'cell')}, {counted(data.seeds, 'seed')}",
        template="study/part.html.jinja",
        context={
            "data": data,
            "labels": {m.name: m.label for m in data.methods},
            "metric_labels": {m.name: m.label for m in data.metrics},
            "with_ends": score_text,
            "difference": difference_text,
            "reached_columns": REACHED_COLUMNS,
            "reached_rows": reached_rows(data),
        },
        figures=tuple(draw_study_figures(data)),
        numbers=data.as_dict(),
        numbers_id="study-data",
    )


def score_text(score: Score) -> str:
    """A score with its interval."""
    if score.low is None or score.high is None:
        return significant(score.value)
    ends = f"{significant(score.low, 3)} to {significant(score.high, 3)}"
    return f"{significant(score.value)} ({ends})"


def difference_text(row: Versus) -> str:
    """A difference with its interval."""
    shown = [
        shown_difference(value, relative=row.relative)
        for value in (row.difference, row.low, row.high)
        if value is not None
    ]
    if len(shown) < 3:
        return shown[0]
    return f"{shown[0]} ({shown[1]} to {shown[2]})"


REACHED_COLUMNS = (
    "scenario",
    "method",
    "in",
    "seeds that get there",
    "hold at the end",
    "median",
    "mean, the others counting as the horizon",
    "horizon",
    "against the reference",
)


def reached_rows(data: StudyData) -> list[tuple[str, ...]]:
    """Thresholds as a table with `REACHED_COLUMNS`."""
    labels = {m.name: m.label for m in data.methods}
    return [
        (
            one.scenario,
            labels[one.method],
            one.unit,
            f"{one.seeds - one.censored} of {one.seeds}",
            str(one.held),
            "none" if one.median is None else f"{one.median:,.0f}",
            f"{one.mean:,.0f} ({one.mean_low:,.0f} to {one.mean_high:,.0f})",
            f"{one.horizon:,.0f}",
            _apart_text(one),
        )
        for one in data.reached
    ]


def _apart_text(one: Reached) -> str:
    if one.apart is None or one.apart_low is None or one.apart_high is None:
        return ""
    return f"{one.apart:+,.0f} ({one.apart_low:+,.0f} to {one.apart_high:+,.0f})"
