"""`stackelberg demo`: a generated city cell, solved, certified and shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stackelberg.cli import output as terminal
from stackelberg.cli.arguments import existing_folder, options_named
from stackelberg.cli.exit_codes import NOT_REACHED
from stackelberg.cli.options import AsJson, Seed
from stackelberg.report.numbers import (
    counted,
    shown_percent,
    shown_rate,
    shown_regret,
)
from stackelberg.report.theme import METHODS as STYLES

if TYPE_CHECKING:
    from stackelberg.report import MethodRecord, ReportData, SweepRecord

NUM_CHANNELS = 25
NUM_PAIRS = 50
FOLLOWER_PRICE_WEIGHT = 0.3
"""Payments count less to the pairs than to the operator, so that powers spread out."""

TOLERANCE = 1e-4
MAX_BOXES = 200_000

SWEEP_PAIRS = (10, 20, 30, 40, 50)
SWEEP_CELLS = 3


def demo(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder, made if need be.")
    ] = Path("out/demo"),
    seed: Seed = 0,
    as_json: AsJson = False,
) -> int:
    """Solve a generated city cell, certify it, compare every method, and show it.

    Writes scenario.json, solution.json and report.html.
    """
    from stackelberg import io, spectrum
    from stackelberg.cli.spectrum.page import page_of_solution, write_report

    existing_folder("--output", output)
    paths = {
        name: output / file
        for name, file in (
            ("scenario", "scenario.json"),
            ("solution", "solution.json"),
            ("report", "report.html"),
        )
    }
    with terminal.timed() as watch, options_named({"seed": "--seed"}):
        cell = spectrum.generate(seed=seed, **_cell(NUM_PAIRS))
        io.write_scenario(cell, paths["scenario"])
        with terminal.progress(f"solving by bilevel{terminal.COMPILES}"):
            solution = spectrum.solve(
                cell, tolerance=TOLERANCE, max_boxes=MAX_BOXES, seed=seed
            )
        io.write_solution(solution, paths["solution"])
        with terminal.progress_of("sweeping") as started:
            points = sweep(seed, started)
        data = page_of_solution(
            cell,
            solution,
            "bilevel",
            title="Spectrum game: a generated city cell",
            tolerance=TOLERANCE,
            max_boxes=MAX_BOXES,
            seed=seed,
            sweep=points,
        )
        write_report(data, paths["report"], None)
    code = NOT_REACHED if solution.status else 0
    if as_json:
        written = {name: str(path) for name, path in paths.items()}
        terminal.print_json(
            {**written, "seconds": watch.seconds, "summary": data.as_dict()}
        )
        return code
    console = terminal.console()
    for line in _summary(data):
        console.print(line)
    console.print(f"written in {watch.seconds:.1f} s: {paths['report']}")
    return code


def _cell(num_pairs: int) -> dict[str, Any]:
    """Arguments of `spectrum.generate`."""
    return {
        "num_channels": NUM_CHANNELS,
        "num_pairs": num_pairs,
        "follower_price_weight": FOLLOWER_PRICE_WEIGHT,
    }


def sweep(seed: int, started: Callable[[str], None]) -> tuple[SweepRecord, ...]:
    """Sum rate of every method as pairs are added, over a few generated cells each.

    More pairs leave the first ones where they were, so a line follows the same cells.
    """
    from stackelberg import spectrum
    from stackelberg.report import SweepRecord
    from stackelberg.spectrum.assignment import assign_channels
    from stackelberg.spectrum.baselines import METHODS

    points: list[SweepRecord] = []
    for num_pairs in SWEEP_PAIRS:
        started(f"{num_pairs} pairs")
        rates: dict[str, list[float]] = {name: [] for name in METHODS}
        for k in range(SWEEP_CELLS):
            cell = spectrum.generate(seed=seed + 1 + k, **_cell(num_pairs))
            found = assign_channels(cell, restarts=0)
            cell = cell.with_channel(found.channel)
            for name, method in METHODS.items():
                reached = method(cell, seed=seed)
                rates[name].append(
                    float(reached.cellular_rate_bps.sum() + reached.d2d_rate_bps.sum())
                )
        points += [
            SweepRecord(
                method=name,
                num_pairs=num_pairs,
                sum_rate_bps=sum(values) / len(values),
                lowest_bps=min(values),
                highest_bps=max(values),
                cells=len(values),
            )
            for name, values in rates.items()
        ]
    return tuple(points)


def _summary(data: ReportData) -> list[str]:
    """The demo in ten lines at most."""
    from stackelberg.report.spectrum.cellular import below_sentence, sacrifice_sentences

    reached = {m.method: m for m in data.methods}
    best = reached["bilevel"]
    certificate = {row.name: row for row in data.certificate}
    regret = certificate["follower_regret"].value
    relative = certificate["follower_regret_relative"].value
    lines = [
        f"{data.title}: {counted(len(data.pairs_per_channel), 'channel')}, "
        f"{counted(len(data.pairs), 'pair')}",
        f"bilevel (Stackelberg) {data.status}: leader utility "
        f"{shown_rate(best.leader_utility_bps)}",
        f"  proved: no prices give {shown_percent(best.bilevel_gap, 2)} more; the "
        f"most a pair alone could gain is {shown_regret(regret, relative, 'bit/s')}",
    ]
    for names in (
        ("iterated", "published"),
        ("uniform_price", "random"),
        ("full_power",),
    ):
        lines.append("  " + ", ".join(_against(reached[name], best) for name in names))
    lines.append(
        f"reuse costs cellular users {shown_percent(best.cellular_rate_lost, 2)} of "
        f"their rate; all rates together {shown_rate(best.sum_rate_bps)} against "
        f"{shown_rate(reached['no_reuse'].sum_rate_bps)} without reuse"
    )
    given_up = sacrifice_sentences(data.cellular)[:1]
    return [*lines, below_sentence(data.cellular), *given_up]


def _against(other: MethodRecord, best: MethodRecord) -> str:
    below = 1.0 - other.leader_utility_bps / best.leader_utility_bps
    return (
        f"{STYLES[other.method].label} {shown_rate(other.leader_utility_bps)} "
        f"({shown_percent(below, 2)} below)"
    )
