from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import numpy as np
import pytest
from report.spectrum.example_data import example_data

from stackelberg.report import Figure, ReportData, draw_figures, render_figures
from stackelberg.report.spectrum.figures import REGRET_FLOOR
from stackelberg.report.theme import METHODS

NAMES = [
    "map", "price-margin", "sinr", "utility", "sum-rate", "channels", "flatness",
]  # fmt: skip


@pytest.fixture(scope="module")
def data() -> ReportData:
    return example_data()


@pytest.fixture(scope="module")
def drawn(data: ReportData) -> dict[str, Figure]:
    return {figure.name: figure for figure in draw_figures(data)}


def spec(figure: Figure) -> dict[str, Any]:
    return figure.chart.to_dict()


def parts(node: object) -> list[dict[str, Any]]:
    """Every dictionary inside a specification."""
    found: list[dict[str, Any]] = []
    if isinstance(node, dict):
        found.append(node)
        children = list(node.values())
    else:
        children = node if isinstance(node, list) else []
    for child in children:
        found += parts(child)
    return found


def rows(figure: Figure, key: str) -> list[dict[str, Any]]:
    """The inline records that have `key`."""
    return [part for part in parts(spec(figure)) if key in part and "field" not in part]


def test_every_figure_is_drawn_in_reading_order(drawn: dict[str, Figure]) -> None:
    assert list(drawn) == NAMES
    assert all(figure.title and figure.caption for figure in drawn.values())


def test_no_figure_without_numbers(data: ReportData) -> None:
    bare = dataclasses.replace(data, places=(), methods=(), sweep=(), flatness=())
    assert [figure.name for figure in draw_figures(bare)] == [
        "price-margin",
        "channels",
    ]


def test_axes_and_legends_name_their_units(drawn: dict[str, Figure]) -> None:
    titles = json.dumps([spec(drawn[name]) for name in NAMES])
    for unit in ("(m)", "(dB)", "(dBm)", "(bit/s per W)", "(Mbit/s)", "(%)"):
        assert unit in titles


def test_the_map_has_one_scale_in_both_directions(drawn: dict[str, Figure]) -> None:
    domains = [
        part["scale"]["domain"]
        for part in parts(spec(drawn["map"]))
        if part.get("field", "").endswith("_m") and "scale" in part
    ]
    assert domains
    assert all(domain == domains[0] for domain in domains)
    assert domains[0][0] == -domains[0][1]


def test_prices_are_coloured_on_a_logarithmic_scale(drawn: dict[str, Figure]) -> None:
    coloured = [
        part["scale"]["type"]
        for part in parts(spec(drawn["map"]))
        if part.get("field") == "reuse_price" and "scale" in part
    ]
    assert coloured == ["log", "log"]


def test_distributions_are_the_share_at_or_below(
    data: ReportData, drawn: dict[str, Figure]
) -> None:
    steps = rows(drawn["sinr"], "share")
    for method in data.methods:
        got = [
            (row["sinr_db"], row["share"])
            for row in steps
            if row["method"] == method.method and row["links"].startswith("cellular")
        ]
        values = np.sort(method.cellular_sinr_db)
        assert got[0] == (values[0], 0.0)
        for (x, share), value in zip(got[1:], values, strict=True):
            assert x == value
            assert share == pytest.approx(np.mean(values <= value))


def test_the_sinr_axis_has_labelled_ticks_and_rules(drawn: dict[str, Figure]) -> None:
    axes = [
        part["axis"]["values"]
        for part in parts(spec(drawn["sinr"]))
        if part.get("field") == "sinr_db" and "axis" in part
    ]
    assert axes
    for values in axes:
        assert 0 in values
        assert set(np.diff(values)) <= {10, 20}
    marked = [r for r in rows(drawn["sinr"], "sinr_db") if "share" not in r]
    assert {r["sinr_db"] for r in marked} == {0.0, 5.0}


def test_methods_under_one_another_still_show_and_are_named(data: ReportData) -> None:
    twin = dataclasses.replace(data.methods[-1], method="iterated")
    data = dataclasses.replace(
        data, methods=(*data.methods[:-2], twin, data.methods[-1])
    )
    (figure,) = [f for f in draw_figures(data) if f.name == "sinr"]
    assert "(iterated and bilevel)" in figure.caption
    widths = [
        part["mark"]["strokeWidth"]
        for part in parts(spec(figure)["vconcat"][0])
        if part.get("mark", {}) and part["mark"].get("type") == "line"
    ]
    assert len(widths) == len(METHODS)
    assert (np.diff(widths[:-2]) < 0).all()
    assert widths[-2] >= widths[-1] + 2.5


def test_nothing_is_said_to_coincide_that_does_not(drawn: dict[str, Figure]) -> None:
    assert "coincide" not in drawn["sinr"].caption


def test_prices_are_told_against_the_median(
    data: ReportData, drawn: dict[str, Figure]
) -> None:
    shown = rows(drawn["price-margin"], "price_db")
    middle = np.median([pair.reuse_price for pair in data.pairs])
    assert [row["price_db"] for row in shown][: len(data.pairs)] == pytest.approx(
        [10.0 * np.log10(pair.reuse_price / middle) for pair in data.pairs]
    )
    assert "whatever its gain" in drawn["price-margin"].caption
    clipped = dataclasses.replace(data.pairs[0], spend_share=0.3)
    other = dataclasses.replace(data, pairs=(clipped, *data.pairs[1:]))
    (figure,) = [f for f in draw_figures(other) if f.name == "price-margin"]
    assert "whatever its gain" not in figure.caption


def test_every_disc_and_triangle_of_the_map_has_its_channel(
    data: ReportData, drawn: dict[str, Figure]
) -> None:
    labels = [
        r for r in rows(drawn["map"], "channel") if set(r) == {"channel", "x_m", "y_m"}
    ]
    assert len(labels) == len(data.pairs) + len(data.pairs_per_channel)
    ninth = data.pairs[9]
    assert {
        "channel": str(ninth.channel),
        "x_m": ninth.transmitter_x_m,
        "y_m": ninth.transmitter_y_m,
    } in labels


def test_utilities_are_told_against_the_proved_bound(
    data: ReportData, drawn: dict[str, Figure]
) -> None:
    words = {r["method"]: r["words"] for r in rows(drawn["utility"], "words")}
    best = data.methods[-1]
    assert best.method == "bilevel"
    assert words["bilevel"] == f"{best.leader_utility_bps / 1e6:.2f} (gap 0.008 %)"
    assert words["no_reuse"] == "30.00 (gap 20 %)"
    unproved = dataclasses.replace(best, bilevel_gap=None)
    data = dataclasses.replace(data, methods=(unproved,))
    (figure,) = [f for f in draw_figures(data) if f.name == "utility"]
    assert rows(figure, "words")[0]["words"] == "36.00"


def test_a_method_without_links_has_no_line(drawn: dict[str, Figure]) -> None:
    d2d = [r for r in rows(drawn["sinr"], "share") if r["links"] == "D2D pairs"]
    assert {r["method"] for r in d2d} == set(METHODS) - {"no_reuse"}


def test_both_panels_of_the_utility_figure_have_the_same_rows(
    data: ReportData,
) -> None:
    methods = [
        dataclasses.replace(
            m, follower_regret=None, price_regret=None, bilevel_gap=None
        )
        if m.method == "no_reuse"
        else m
        for m in data.methods
    ]
    data = dataclasses.replace(data, methods=tuple(methods))
    (figure,) = [f for f in draw_figures(data) if f.name == "utility"]
    domains = [
        part["scale"]["domain"]
        for part in parts(spec(figure))
        if part.get("field") == "label" and "axis" in part
    ]
    assert len(domains) >= 3
    assert all(d == [style.label for style in METHODS.values()] for d in domains)


def test_regrets_of_zero_are_drawn_at_the_edge(drawn: dict[str, Figure]) -> None:
    regrets = rows(drawn["utility"], "drawn")
    assert min(row["drawn"] for row in regrets) == REGRET_FLOOR
    assert {row["value"] for row in regrets} >= {0.0, 0.3}


def test_a_colour_means_one_method_whichever_are_present(data: ReportData) -> None:
    few = dataclasses.replace(data, methods=data.methods[-2:], sweep=())
    domains = [
        part["scale"]["domain"]
        for figure in draw_figures(few)
        if figure.name in ("sinr", "utility")
        for part in parts(spec(figure))
        if part.get("field") == "label" and "legend" in part
    ]
    assert domains
    assert all(d == [style.label for style in METHODS.values()] for d in domains)


def test_a_power_of_nothing_is_left_out_instead_of_breaking_the_page() -> None:
    data = example_data()
    silent = dataclasses.replace(data.pairs[0], transmit_power_dbm=-math.inf)
    data = dataclasses.replace(data, pairs=(silent, *data.pairs[1:]))
    text = json.dumps([spec(f) for f in draw_figures(data)], allow_nan=False)
    assert '"transmit_power_dbm": null' in text


def test_figures_as_files(data: ReportData) -> None:
    files = {figure.name: figure for figure in render_figures(data)}
    assert list(files) == NAMES
    for figure in files.values():
        assert figure.svg.startswith("<svg")
        assert figure.svg.count("<path") > 5
        assert figure.pdf.startswith(b"%PDF")
