"""Draw what leaders earn by what they know, from results of `learning.py`.

Run: .venv/bin/python benchmarks/learning_figure.py [RESULT.json ...] [--output SVG]
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert

from stackelberg.report.figure import named_colour, named_shape, values
from stackelberg.report.theme import STYLES, config

ROOT = Path(__file__).resolve().parents[1]
RESULTS = list((ROOT / "studies" / "results").glob("learning-*hz-warm*.json"))
"""Of exams that begin after 100 slots, so that memory has something to hold."""
DRAWN = ROOT / "docs" / "results" / "learning-information.svg"

KNOWN = {
    ("local", False): "local, bills of the last slot",
    ("local", True): "local, bills and memory",
    ("full", False): "every gain, one slot late",
}
WHAT = {
    "conjectural": "equilibrium on it",
    "equilibrium_on_late_state": "equilibrium on it",
    "response_gradient_residual": "learned",
    "informed_of_own_links": "bound",
    "informed_leader": "bound",
}
STYLE_OF = {
    "equilibrium on it": "other_2",
    "learned": "other_1",
    "bound": "other_7",
}
"""What is drawn, by the style of `theme.STYLES` that it borrows."""


def rows_of(result: dict[str, Any]) -> list[dict[str, Any]]:
    """One row per point: world, what is known, what is drawn, value and interval."""
    world = "correlation 0.643" if result["doppler_hz"] == 10.0 else "correlation 0.984"
    known = KNOWN[result["scope"], result["memory_slots"] is not None]
    found: list[dict[str, Any]] = []
    for name, what in WHAT.items():
        if name not in result:
            continue
        told = result[name]
        if name == "response_gradient_residual":
            told = told["summary"]["re_equilibrated_gain"]
            value, (low, high) = told["mean"], told["interval"]
        else:
            value = low = high = told["re_equilibrated_gain"]
        place = {
            "informed_of_own_links": KNOWN["local", True],
            "informed_leader": KNOWN["full", False],
            "equilibrium_on_late_state": KNOWN["full", False],
        }.get(name, known)
        if name == "conjectural" and result["scope"] == "full":
            continue
        point = {"world": world, "known": place, "label": what}
        found.append({**point, "value": value, "low": low, "high": high})
    return found


def chart(rows: list[dict[str, Any]]) -> Any:
    """Points by what is known, one panel per world."""
    drawn = {row["label"] for row in rows}
    styles = {
        key: replace(STYLES[key], label=what)
        for what, key in STYLE_OF.items()
        if what in drawn
    }
    base = alt.Chart(values(rows)).encode(
        y=alt.Y(
            "known:N",
            title=None,
            sort=list(KNOWN.values()),
            axis=alt.Axis(labelLimit=260, grid=True),
        ),
        color=named_colour(styles),
    )
    scale = alt.Scale(domain=[0.8, 1.0])
    spread = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", scale=scale), x2="high:Q"
    )
    points = base.mark_point(filled=True, size=90, opacity=1.0).encode(
        x=alt.X(
            "value:Q",
            title="re-equilibrated gain (equilibrium with full information: 1)",
            scale=scale,
            axis=alt.Axis(labelFlush=False),
        ),
        shape=named_shape(styles),
    )
    panel = alt.layer(spread, points).properties(width=460, height=110)
    return panel.facet(row=alt.Row("world:N", title=None)).resolve_scale(y="shared")


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--output", type=Path, default=DRAWN)
    ask.add_argument("results", type=Path, nargs="*", default=sorted(RESULTS))
    given = ask.parse_args()
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for path in given.results:
        for row in rows_of(json.loads(path.read_text())):
            rows[row["world"], row["known"], row["label"]] = row
    spec = chart(list(rows.values())).to_dict()
    spec.pop("config", None)
    svg = vl_convert.vegalite_to_svg(spec, config=config(dark=False))
    given.output.write_text(svg)


if __name__ == "__main__":
    main()
