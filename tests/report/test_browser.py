"""The page as Chromium draws it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from report.edge.example_market import example_edge_data
from report.spectrum.example_data import example_data

from stackelberg.report import render_page

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--enable-logging=stderr", "--virtual-time-budget=20000",
)  # fmt: skip

LIGHT, DARK = "--blink-settings=preferredColorScheme=1", (
    "--blink-settings=preferredColorScheme=0"
)  # fmt: skip


def opened(browser: str, page: Path, *flags: str) -> tuple[str, list[str]]:
    """The page after its scripts have run, and what they wrote to the console."""
    done = subprocess.run(
        [
            browser,
            *FLAGS,
            f"--user-data-dir={page.parent / 'profile'}",
            *flags,
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return done.stdout, console


@pytest.fixture(scope="module")
def text() -> str:
    return render_page(example_data(), example_edge_data())


@pytest.fixture
def page(text: str, tmp_path: Path) -> Path:
    path = tmp_path / "report.html"
    path.write_text(text, encoding="utf-8")
    return path


def drawings(dom: str) -> dict[str, str]:
    """The drawing inside each figure, by the figure's name."""
    figures = re.findall(r'<figure id="figure-([\w-]+)">(.*?)</figure>', dom, re.DOTALL)
    return {
        name: "".join(re.findall(r"<svg.*?</svg>", inside, re.DOTALL))
        for name, inside in figures
    }


@pytest.mark.browser
@pytest.mark.parametrize(
    ("flag", "ink"), [(LIGHT, "#1d2126"), (DARK, "#e6e8ec")], ids=["light", "dark"]
)
def test_every_figure_is_drawn_without_an_error(
    browser: str, page: Path, flag: str, ink: str
) -> None:
    dom, console = opened(browser, page, flag)
    assert console == []
    assert 'data-drawn="yes"' in dom
    assert 'class="chart failed"' not in dom
    drawn = drawings(dom)
    assert len(drawn) == 12
    for name, drawing in drawn.items():
        assert drawing.count("<path") > 5, name
        assert ink in drawing, name


@pytest.mark.browser
def test_on_a_telephone_figures_are_laid_out_anew_and_not_shrunk(
    browser: str, page: Path
) -> None:
    dom, console = opened(browser, page, "--window-size=500,900")  # the least it takes
    assert console == []
    widths = [  # px
        float(width)
        for drawing in drawings(dom).values()
        for width in re.findall(r'<svg[^>]* width="([\d.]+)"', drawing)
    ]
    assert len(widths) == 12
    assert all(250 <= width <= 460 for width in widths), widths


@pytest.mark.browser
def test_an_error_in_a_page_is_seen(browser: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.html"
    path.write_text("<script>throw new Error('broken')</script>")
    _, console = opened(browser, path)
    assert "broken" in "".join(console)


@pytest.mark.browser
def test_a_figure_that_cannot_be_drawn_says_so(browser: str, page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    broken = text.replace('"mark": {"type": "bar"', '"mark": {"type": "bra"')
    assert broken != text
    page.write_text(broken, encoding="utf-8")
    dom, console = opened(browser, page)
    assert 'class="chart failed"' in dom
    assert console != []


@pytest.mark.browser
def test_the_page_forbids_itself_every_request(browser: str, page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    page.write_text(
        text.replace("</main>", '<img src="http://127.0.0.1:9/x.png"></main>'),
        encoding="utf-8",
    )
    _, console = opened(browser, page)
    assert len(console) == 1
    assert "Content Security Policy" in console[0]
