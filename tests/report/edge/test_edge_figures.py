"""The numbers behind the figures of the edge market."""

from __future__ import annotations

import dataclasses
import itertools
import json
from typing import Any

import pytest
from report.edge.example_market import example_edge_data, example_market

from stackelberg import edge
from stackelberg.report import (
    EdgeReportData,
    Figure,
    ResourceRecord,
    draw_edge_figures,
    edge_report_data,
    render_figures,
)
from stackelberg.report.figure import log_domain, log_ticks
from stackelberg.report.theme import STYLES

NAMES = ["edge-map", "edge-prices", "edge-limits", "edge-utilities", "edge-printed"]


@pytest.fixture(scope="module")
def data() -> EdgeReportData:
    return example_edge_data()


@pytest.fixture(scope="module")
def record(data: EdgeReportData) -> ResourceRecord:
    return data.resources[0]


@pytest.fixture(scope="module")
def drawn(data: EdgeReportData) -> dict[str, Figure]:
    return {figure.name: figure for figure in draw_edge_figures(data)}


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


def rows(figure: Figure, *keys: str) -> list[dict[str, Any]]:
    """The inline records that have all `keys`."""
    return [
        part
        for part in parts(figure.chart.to_dict())
        if all(key in part for key in keys) and "field" not in part
    ]


def axes(figure: Figure, field: str) -> list[dict[str, Any]]:
    return [
        part for part in parts(figure.chart.to_dict()) if part.get("field") == field
    ]


def test_every_figure_has_a_title_a_caption_and_a_name_of_its_own(
    drawn: dict[str, Figure],
) -> None:
    assert list(drawn) == NAMES
    assert len({figure.title for figure in drawn.values()}) == len(NAMES)
    assert all(len(figure.caption) > 60 for figure in drawn.values())


def test_nothing_that_json_cannot_say_is_drawn(drawn: dict[str, Figure]) -> None:
    for figure in drawn.values():
        text = json.dumps(figure.chart.to_dict(), allow_nan=False)
        assert "NaN" not in text


def test_axes_and_legends_name_their_units(drawn: dict[str, Figure]) -> None:
    text = json.dumps([figure.chart.to_dict() for figure in drawn.values()])
    for part in (
        "east (m)", "north (m)", "(nat per vCPU-hour)", "price (USD per vCPU-hour)",
        "(users' virtual money)", "(load over capacity)",
    ):  # fmt: skip
        assert part in text


def test_the_map_has_everybody_once_a_panel_in_true_proportions(
    record: ResourceRecord, drawn: dict[str, Figure]
) -> None:
    nodes = rows(drawn["edge-map"], "node", "x_m", "shown")
    assert len(nodes) == 2 * len(record.nodes)
    by_name = {node.node: node for node in record.nodes}
    for row in nodes:
        node = by_name[row["node"]]
        assert row["x_m"] == pytest.approx(node.x_m, rel=1e-5)
        assert row["utilisation"] == pytest.approx(node.utilisation, rel=1e-5)
        assert row["shown"] == (node.shadow_price if node.sold_out else 0.0)
    users = rows(drawn["edge-map"], "user", "label")
    assert [row["label"] for row in users] == [u.limited_by for u in record.users]
    (panel, _) = drawn["edge-map"].chart.to_dict()["concat"]
    x, y = (axes(drawn["edge-map"], f)[0]["scale"]["domain"] for f in ("x_m", "y_m"))
    assert panel["height"] / panel["width"] == pytest.approx(
        (y[1] - y[0]) / (x[1] - x[0]), rel=0.01
    )


def test_the_maps_legends_are_too_narrow_to_meet(drawn: dict[str, Figure]) -> None:
    (_, panel) = drawn["edge-map"].chart.to_dict()["concat"]
    of_users = [
        part
        for part in parts(panel)
        if (part.get("legend") or {}).get("columns") is not None
    ]
    assert len(of_users) == 2  # colour and shape, which share one legend
    for part in of_users:
        assert part["legend"]["columns"] == 1
        assert max(map(len, part["title"])) <= 10  # letters, less than its neighbour


def test_a_market_without_places_has_no_map(data: EdgeReportData) -> None:
    market = dataclasses.replace(example_market(), positions_m=None)
    bare = edge_report_data(market, edge.allocate(market))
    assert [figure.name for figure in draw_edge_figures(bare)] == NAMES[1:]


def test_a_wide_market_has_its_panels_one_below_another(
    data: EdgeReportData, record: ResourceRecord
) -> None:
    flat = dataclasses.replace(
        record,
        nodes=tuple(dataclasses.replace(n, y_m=(n.y_m or 0) / 9) for n in record.nodes),
        users=tuple(dataclasses.replace(u, y_m=(u.y_m or 0) / 9) for u in record.users),
    )
    drawn = draw_edge_figures(dataclasses.replace(data, resources=(flat,)))
    assert drawn[0].chart.to_dict()["columns"] == 1


def test_prices_and_shadow_prices_are_the_nodes_own(
    record: ResourceRecord, drawn: dict[str, Figure]
) -> None:
    points = rows(drawn["edge-prices"], "node", "price")
    assert len(points) == len(record.nodes)
    for row, node in zip(points, record.nodes, strict=True):
        assert row["price"] == pytest.approx(node.price, rel=1e-5)
        expected = node.shadow_price if node.sold_out else 0.0
        assert row["shown"] == pytest.approx(expected)
        assert row["state"] == ("sold out" if node.sold_out else "capacity left")
    assert {row["state"] for row in points} == {"sold out", "capacity left"}


def test_the_strip_of_limits_counts_every_user_over_its_own_share(
    record: ResourceRecord, drawn: dict[str, Figure]
) -> None:
    strip = rows(drawn["edge-limits"], "from", "to")[:3]
    assert sum(row["number"] for row in strip) == record.num_users
    assert (strip[0]["from"], strip[-1]["to"]) == (0.0, pytest.approx(1.0))
    for before, after in itertools.pairwise(strip):
        assert before["to"] == after["from"]
    number = dict(record.limited)
    assert [row["label"] for row in strip] == ["capacity", "both", "budget"]
    assert [row["number"] for row in strip] == [number[row["label"]] for row in strip]
    areas = rows(drawn["edge-limits"], "users", "low")
    for row in areas:
        share = record.budget_share[round(200 * row["users"])]
        low, high = (0.0, share) if row["label"] == "budget" else (share, 1.0)
        assert (row["low"], row["high"]) == (low, high)


def test_distributions_and_lorenz_curves_are_those_of_the_record(
    record: ResourceRecord, drawn: dict[str, Figure]
) -> None:
    labels = {s.sharing: STYLES[s.sharing].label for s in record.sharings}
    for sharing in record.sharings:
        label = labels[sharing.sharing]
        curve = [
            row for row in rows(drawn["edge-utilities"], "utility", "share")
            if row["label"] == label
        ]  # fmt: skip
        assert [row["utility"] for row in curve] == list(sharing.utility_quantiles)
        held = [
            row["held"] for row in rows(drawn["edge-utilities"], "held", "label")
            if row["label"] == label
        ]  # fmt: skip
        assert held == list(sharing.lorenz)
    assert f"optimum {record.sharings[0].jain:.2f}" in drawn["edge-utilities"].caption


def test_the_printed_formula_is_drawn_over_the_optimum(
    record: ResourceRecord, drawn: dict[str, Figure]
) -> None:
    points = rows(drawn["edge-printed"], "user", "ratio")
    assert len(points) == len(record.users)
    for row, user in zip(points, record.users, strict=True):
        assert row["ratio"] == (user.printed_utility or 0.0) / user.utility


def test_where_the_printed_formula_is_not_defined_it_is_not_drawn() -> None:
    market = dataclasses.replace(example_market(), price=[0.0] * 20)
    free = edge_report_data(market, edge.allocate(market))
    assert [figure.name for figure in draw_edge_figures(free)] == NAMES[:-1]
    text = " ".join(free.resources[0].story)
    assert "price[0]: expected a number > 0, for the printed formula" in text


def test_resource_types_have_figures_of_their_own() -> None:
    market = example_market(num_users=12, num_nodes=4)
    both = edge.Market.side_by_side({"cpu": market, "memory": market})
    names = [
        f.name for f in draw_edge_figures(edge_report_data(both, edge.allocate(both)))
    ]
    assert len(names) == len(set(names)) == 10
    assert names[0] == "edge-0-map"
    assert names[-1] == "edge-1-printed"


def test_a_colour_means_one_thing_in_every_figure(drawn: dict[str, Figure]) -> None:
    labels = [style.label for style in STYLES.values()]
    domains = [
        part["scale"]["domain"]
        for figure in drawn.values()
        for part in axes(figure, "label")
        if "scale" in part
    ]
    assert len(domains) >= 8
    assert all(domain == labels for domain in domains)


def test_ticks_of_a_logarithmic_axis_are_round_and_few() -> None:
    assert log_ticks(0.09, 3.0) == pytest.approx([0.1, 0.2, 0.5, 1.0, 2.0])
    assert log_ticks(0.02, 50.0) == pytest.approx([0.1, 1.0, 10.0])
    assert log_ticks(0.7, 1.5) == [1.0]
    assert len(log_ticks(1e-12, 1e12)) <= 8


def test_what_differs_by_rounding_is_not_spread_over_an_axis() -> None:
    low, high = log_domain([0.75, 0.75 * (1.0 + 1e-9)])
    assert low < 0.55
    assert high > 1.05
    low, high = log_domain([1e-200, 1e200])
    assert 0.9e-200 < low < 1e-200
    assert 1e200 < high < 1.1e200
    assert log_domain([]) == pytest.approx((0.5**0.5, 2.0**0.5))


def test_figures_as_files(data: EdgeReportData) -> None:
    files = {figure.name: figure for figure in render_figures(data)}
    assert list(files) == NAMES
    for figure in files.values():
        assert figure.svg.startswith("<svg")
        assert figure.svg.count("<path") > 5
        assert figure.pdf.startswith(b"%PDF")


def test_the_legend_names_only_what_is_drawn() -> None:
    market, utility = example_market(num_users=30, num_nodes=8), edge.ces(0.5)
    solution = edge.allocate(market, utility=utility)
    data = edge_report_data(market, solution, utility=utility)
    (figure,) = (f for f in draw_edge_figures(data) if f.name == "edge-utilities")
    text = str(figure.chart.to_dict())
    shown = text.split("'legend': ")[1].split("]")[0]
    assert "equal split" in shown
    assert "optimum" in shown
    assert "printed" not in shown
