"""The pictures of the two games: what the page says of them, and the curves drawn."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_pages import blocks

DOCS = Path(__file__).resolve().parent.parent / "docs"


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(DOCS / "_site" / "pictures.py"), run_name="pictures")


def test_every_picture_is_shown_once() -> None:
    shown = re.findall(r"\]\(pictures/([\w-]+\.svg)\)", (DOCS / "games.md").read_text())
    assert sorted(shown) == sorted(p.name for p in (DOCS / "pictures").iterdir())


def test_what_the_page_says_of_its_numbers(
    capsys: pytest.CaptureFixture[str], script: dict[str, Any]
) -> None:
    names: dict[str, Any] = {}
    exec(blocks((DOCS / "games.md").read_text()), names)
    printed = capsys.readouterr().out.split()
    assert printed[0].startswith("0.4545")
    assert printed[1].startswith("1.0100")
    assert [printed[2], printed[3][:6], printed[4]] == ["4.5", "0.9667", "4"]
    assert names["lost"] == pytest.approx(0.138, abs=5e-4)
    assert names["together"].certificate.bilevel_gap <= 1e-4
    assert script["TWO_PAIRS"]["seed"] == 53


def test_the_curve_of_one_price_peaks_where_the_library_says(
    script: dict[str, Any],
) -> None:
    prices = np.linspace(0.1, 4.5, 100_001)
    rate, payment = script["leader_utility"](prices)
    names: dict[str, Any] = {}
    exec(blocks((DOCS / "games.md").read_text()).split("cell =")[0], names)
    assert prices[np.argmax(rate + payment)] == pytest.approx(names["best"], abs=1e-4)
    assert (rate + payment).max() == pytest.approx(names["utility"], rel=1e-8)
