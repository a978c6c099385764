"""The documentation as a site: every page is in it, every link stays inside."""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable
from typing import Any, cast

import pytest
from house.source import ROOT

SITE = runpy.run_path(str(ROOT / "docs" / "_site" / "pages.py"))


def shown(markdown: str) -> str:
    """A page of `docs` as the site shows it."""
    turn = cast(Callable[..., str], SITE["on_page_markdown"])
    return turn(markdown, page=cast(Any, None), config=cast(Any, None), files=None)


def test_every_page_has_its_place_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")[2]
    listed = set(re.findall(r"([\w/-]+\.md)$", navigation, re.MULTILINE))
    pages = {
        path.relative_to(ROOT / "docs").as_posix()
        for path in (ROOT / "docs").rglob("*.md")
    }
    assert len(pages) > 10
    assert pages - listed == set()


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("[errata](errata.md#e4)", "[errata](errata.md#e4)"),
        ("[a](../README.md#speed)", "[a](index.md#speed)"),
        ("[C.md](../CONTRIBUTING.md)", "[C.md](CONTRIBUTING.md)"),
        ("[a test](../tests/x.py)", "a test (`tests/x.py`)"),
        ("[tests/x.py](../tests/x.py)", "`tests/x.py`"),
        ("[far](https://example.org/a)", "[far](https://example.org/a)"),
    ],
)
def test_links_stay_inside_the_site(markdown: str, expected: str) -> None:
    assert shown(markdown) == expected


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("[edge](docs/edge.md#gap)", "[edge](edge.md#gap)"),
        ("[one](examples/one.py)", "[one](../examples/one.py)"),
        ("[here](#speed)", "[here](#speed)"),
    ],
)
def test_the_readme_is_seen_from_the_docs(markdown: str, expected: str) -> None:
    assert cast(Callable[[str], str], SITE["_inside"])(markdown) == expected
