"""Options that several commands share, each described once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

AsJson = Annotated[
    bool,
    typer.Option(
        "--json", help="Print one JSON object on stdout and nothing else there."
    ),
]

ScenarioFile = Annotated[
    Path, typer.Argument(metavar="SCENARIO", help="Scenario file (JSON).")
]

Concept = Annotated[
    Literal["bilevel", "iterated", "published"],
    typer.Option(
        help="bilevel: the Stackelberg equilibrium proper. iterated: each price is "
        "best if the others' powers stay put. published: the printed rule."
    ),
]

Tolerance = Annotated[
    float,
    typer.Option(help="Largest accepted relative bilevel gap, and relative regret."),
]

Seed = Annotated[int, typer.Option(help="A whole number >= 0; decides every draw.")]

Cap = Annotated[
    int | None,
    typer.Option(
        "--max-pairs-per-channel",
        help="Cap on pairs per channel where channels are still to be assigned.",
    ),
]

Protect = Annotated[
    str | None,
    typer.Option(
        metavar="sinr=5dB",
        help="Also find the least price scale at which every cellular user keeps this "
        "SINR.",
    ),
]

ReportFile = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE.html", help="Write the report page."),
]

FigureFolder = Annotated[
    Path | None,
    typer.Option(
        "--figures",
        metavar="FOLDER",
        help="Also write the report's figures as SVG and PDF.",
    ),
]
