"""`stackelberg study report`: the page, the figures, the tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stackelberg.cli import output as terminal
from stackelberg.cli.arguments import (
    existing_folder,
    file_in_existing_folder,
    folder_that_can_be_made,
)
from stackelberg.cli.options import AsJson
from stackelberg.cli.pages import write_report
from stackelberg.cli.study.options import StudyFolder, every_mistake_told


def report(
    folder: StudyFolder,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Where the report goes; by default the study."
        ),
    ] = None,
    figures: Annotated[
        bool, typer.Option(help="Also write the figures as SVG and PDF.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Write report.html, figures, tables as CSV and LaTeX, and summary.json.

    Everything is made from saved numbers; nothing is run. Cells that failed or are
    missing are named.
    """
    import json

    from stackelberg.io.files import write_text_atomically
    from stackelberg.io.solution_file import plain

    with every_mistake_told(), terminal.progress("collecting the results"):
        from stackelberg.study import open_study, study_data
        from stackelberg.study.tables import study_tables

        data = study_data(open_study(folder))
    target = output or folder
    for part in ("tables", "figures"):
        folder_that_can_be_made("-o", target / part)
    existing_folder("-o", target)
    file_in_existing_folder("-o", target / "report.html")
    numbers = plain(data.as_dict())
    text = json.dumps(numbers, ensure_ascii=False, allow_nan=False)
    write_text_atomically(target / "summary.json", text + "\n")
    tables = existing_folder("-o", target / "tables")
    for name, table in study_tables(data).items():
        write_text_atomically(tables / name, table)
    write_report(data, target / "report.html", target / "figures" if figures else None)
    if as_json:
        terminal.print_json(data.as_dict())
        return
    console = terminal.console()
    console.print(f"{data.title}: {data.done} of {data.cells} cells")
    for sentence in data.story:
        console.print(f"- {sentence}")
    console.print(f"written: {target / 'report.html'}")
