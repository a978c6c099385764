"""Tables of a study as CSV and LaTeX."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from stackelberg.report.study.data import StudyData
from stackelberg.report.study.part import (
    REACHED_COLUMNS,
    difference_text,
    reached_rows,
    score_text,
)

_ESCAPED = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}


def study_tables(data: StudyData) -> dict[str, str]:
    """File name to text: tables as CSV and LaTeX, curves and sizes as CSV."""
    made: dict[str, str] = {}
    labels = {m.name: m.label for m in data.methods}
    metrics = {m.name: m.label for m in data.metrics}
    whole = data.as_dict()
    for name in ("scores", "versus", "curves", "reached", "sizes"):
        if whole[name]:
            made[f"{name}.csv"] = csv_text(whole[name])
    made["scores.tex"] = latex_text(
        ("case", "metric", "method", "value"),
        [
            (s.case, metrics[s.metric], labels[s.method], score_text(s))
            for s in data.scores
        ],
    )
    made["versus.tex"] = latex_text(
        ("scenario", "metric", "method", "difference", "verdict"),
        [
            (v.scenario, metrics[v.metric], labels[v.method], difference_text(v),
             v.verdict)
            for v in data.versus
            if not v.case
        ],
    )  # fmt: skip
    if data.reached:
        made["reached.tex"] = latex_text(REACHED_COLUMNS, reached_rows(data))
    return made


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows with a header; numbers keep every bit, lists are joined by semicolons."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow([_csv_cell(value) for value in row.values()])
    return text.getvalue()


def latex_text(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A `tabular` with rules of the package booktabs."""
    head = " & ".join(map(latex_escaped, columns))
    body = "\n".join(" & ".join(map(latex_escaped, row)) + r" \\" for row in rows)
    form = "l" * len(columns)
    return (
        f"\\begin{{tabular}}{{{form}}}\n\\toprule\n{head} \\\\\n\\midrule\n{body}\n"
        "\\bottomrule\n\\end{tabular}\n"
    )


def latex_escaped(text: str) -> str:
    """Text that LaTeX prints as it is."""
    return "".join(_ESCAPED.get(c, c) for c in text)


def _csv_cell(value: object) -> object:
    if isinstance(value, (list, tuple)):
        return ";".join(repr(item) for item in value)
    return "" if value is None else value
