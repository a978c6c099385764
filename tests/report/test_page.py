from __future__ import annotations

import dataclasses
import json
from html.parser import HTMLParser
from typing import Any

import pytest
from report.spectrum.example_data import example_data

from stackelberg.report import ReportData, render_page

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
        self._inside: str | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        known = {name: value or "" for name, value in attrs}
        for name in ("src", "href", "srcset", "data", "action", "poster"):
            if name in known:
                self.loads.append((tag, known[name]))
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


def numbers(page: Page) -> dict[str, Any]:
    return json.loads(page.embedded["report-data"])


def test_nothing_is_loaded_from_anywhere(page: Page) -> None:
    assert page.loads == []
    assert "link" not in page.tags
    assert page.policy.startswith("default-src 'none';")
    assert "http" not in page.policy


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
