"""Write reports, and their figures, as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from stackelberg.cli import output as terminal
from stackelberg.cli.arguments import (
    existing_folder,
    file_in_existing_folder,
    folder_that_can_be_made,
)

if TYPE_CHECKING:
    from stackelberg.report.page import GameData


def check_report(page: Path | None, figures: Path | None) -> None:
    """Find out before the work that what `write_report` writes has a place.

    Raises:
        ConfigError: naming the option.
    """
    if page is not None:
        file_in_existing_folder("--report", page)
    if figures is not None:
        folder_that_can_be_made("--figures", figures)


def write_report(
    data: GameData,
    page: Path | None,
    figures: Path | None,
) -> None:
    """Write the page, and the figures as SVG and PDF, whichever is asked for."""
    from stackelberg import report
    from stackelberg.io.files import write_bytes_atomically, write_text_atomically

    if page is not None:
        with terminal.progress("drawing the report"):
            write_text_atomically(page, report.render_page(data))
    if figures is not None:
        existing_folder("--figures", figures)
        with terminal.progress("drawing the figures"):
            for figure in report.render_figures(data):
                write_text_atomically(figures / f"{figure.name}.svg", figure.svg)
                write_bytes_atomically(figures / f"{figure.name}.pdf", figure.pdf)
