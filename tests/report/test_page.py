from __future__ import annotations

import dataclasses
import json
from html.parser import HTMLParser
from typing import Any

import pytest
from report.edge.example_market import example_edge_data, example_market
from report.spectrum.example_data import example_data

from stackelberg import edge
from stackelberg.report import (
    EdgeReportData,
    ReportData,
    edge_report_data,
    render_page,
)

ATTACK = "</script><img src=http://x.example/a onerror=alert(1)> & \u2028 \"'"


class Page(HTMLParser):
    """What a browser would see: elements, what they load, and embedded scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[tuple[str, str]] = []
        self.embedded: dict[str, str] = {}
        self.policy = ""
        self.text = ""
        self.ids: list[str] = []
        self._inside: str | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        known = {name: value or "" for name, value in attrs}
        for name in ("src", "href", "srcset", "data", "action", "poster"):
            if name in known and not known[name].startswith("#"):  # a place in it
                self.loads.append((tag, known[name]))
        if "id" in known:
            self.ids.append(known["id"])
        if known.get("http-equiv") == "Content-Security-Policy":
            self.policy = known["content"]
        self._inside = known.get("id", "script") if tag in ("script", "style") else None

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._inside = None

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.embedded[self._inside] = self.embedded.get(self._inside, "") + data
        else:
            self.text += data


@pytest.fixture(scope="module")
def data() -> ReportData:
    return example_data()


@pytest.fixture(scope="module")
def page(data: ReportData) -> Page:
    return Page(render_page(data))


@pytest.fixture(scope="module")
def market() -> EdgeReportData:
    return example_edge_data()


@pytest.fixture(scope="module")
def edge_page(market: EdgeReportData) -> Page:
    return Page(render_page(market))


@pytest.fixture(scope="module")
def whole(data: ReportData, market: EdgeReportData) -> Page:
    return Page(render_page(data, market, title="A city", lead="Two games."))


def numbers(page: Page, element: str = "report-data") -> dict[str, Any]:
    return json.loads(page.embedded[element])


@pytest.mark.parametrize("name", ["page", "edge_page", "whole"])
def test_nothing_is_loaded_from_anywhere(
    name: str, request: pytest.FixtureRequest
) -> None:
    page: Page = request.getfixturevalue(name)
    assert page.loads == []
    assert "link" not in page.tags
    assert page.policy.startswith("default-src 'none';")
    assert "http" not in page.policy
    assert len(page.ids) == len(set(page.ids))
    assert "nan" not in page.text.lower().split()


def test_a_loading_element_would_be_seen() -> None:
    assert Page('<p><img src="http://a/b"></p>').loads == [("img", "http://a/b")]


def test_the_numbers_are_in_the_page(page: Page, data: ReportData) -> None:
    embedded = numbers(page)
    assert embedded["pairs"] == [dataclasses.asdict(pair) for pair in data.pairs]
    assert embedded["certificate"][1]["value"] is None
    assert embedded["title"] == "A cell"


def test_every_figure_has_a_place_and_a_drawing(page: Page) -> None:
    drawings = json.loads(page.embedded["figure-specifications"])
    assert len(drawings) == page.tags.count("figure") == 7
    assert all("config" not in drawing for drawing in drawings.values())


def test_tables_say_what_is_not_known(page: Page) -> None:
    for part in ("follower_regret", "not known", "36 Mbit/s", "6 of 12 pairs sit"):
        assert part in page.text


def test_text_is_shown_and_never_run(data: ReportData) -> None:
    user = dataclasses.replace(data.places[1], label=ATTACK)
    hostile = dataclasses.replace(
        data,
        title=ATTACK,
        subtitle=ATTACK,
        advice=ATTACK,
        story=(ATTACK,),
        facts=((ATTACK, ATTACK),),
        places=(data.places[0], user, *data.places[2:]),
    )
    page = Page(render_page(hostile))
    assert page.loads == []
    assert "img" not in page.tags
    assert page.text.count(ATTACK) >= 5
    assert numbers(page)["title"] == ATTACK
    assert ATTACK in json.dumps(
        json.loads(page.embedded["figure-specifications"]), ensure_ascii=False
    ).replace('\\"', '"')


def test_sections_without_numbers_are_left_out(data: ReportData) -> None:
    bare = dataclasses.replace(data, methods=(), sweep=(), flatness=(), caps=())
    page = Page(render_page(bare))
    assert "Against other methods" not in page.text
    assert "What a change would cost" not in page.text
    assert page.tags.count("figure") == 3


def test_an_edge_market_has_a_page_of_its_own(
    edge_page: Page, market: EdgeReportData
) -> None:
    (record,) = market.resources
    for part in (
        "A market", "20 nodes", *record.story, "gap_per_user", "equal split",
        "Who is limited by budget, who by capacity", "20 of 20 nodes",
    ):  # fmt: skip
        assert part in edge_page.text
    drawings = json.loads(edge_page.embedded["figure-specifications"])
    assert len(drawings) == edge_page.tags.count("figure") == 5
    assert edge_page.tags.count("h1") == 1
    embedded = numbers(edge_page, "edge-report-data")
    first = embedded["resources"][0]["nodes"][0]
    assert first == dataclasses.asdict(record.nodes[0])
    assert "report-data" not in edge_page.embedded


def test_two_games_share_a_page(
    whole: Page, data: ReportData, market: EdgeReportData
) -> None:
    assert whole.text.index("A city") < whole.text.index(data.title)
    assert whole.text.index(data.title) < whole.text.index(market.title)
    assert {"spectrum", "edge", "figure-map", "figure-edge-map"} <= set(whole.ids)
    assert whole.tags.count("h1") == 1
    assert whole.tags.count("article") == 2
    assert whole.tags.count("figure") == 12
    assert numbers(whole)["title"] == data.title
    assert numbers(whole, "edge-report-data")["title"] == market.title


def test_a_nodes_name_is_shown_and_never_run(market: EdgeReportData) -> None:
    (record,) = market.resources
    node = dataclasses.replace(record.nodes[0], node=ATTACK)
    user = dataclasses.replace(record.users[0], user=ATTACK)
    hostile = dataclasses.replace(
        market,
        money=ATTACK,
        unit=ATTACK,
        resources=(
            dataclasses.replace(
                record,
                resource=ATTACK,
                nodes=(node, *record.nodes[1:]),
                users=(user, *record.users[1:]),
                story=(ATTACK,),
            ),
        ),
    )
    page = Page(render_page(hostile))
    assert page.loads == []
    assert "img" not in page.tags
    assert page.text.count(ATTACK) >= 5


def test_each_resource_type_has_sections_of_its_own() -> None:
    market = example_market(num_users=12, num_nodes=4)
    both = edge.Market.side_by_side({"cpu": market, "memory": market})
    page = Page(render_page(edge_report_data(both, edge.allocate(both))))
    for part in ("Resource cpu", "Resource memory", "Utilities and fairness of memory"):
        assert part in page.text
    assert page.tags.count("figure") == 10
    assert len(page.ids) == len(set(page.ids))
