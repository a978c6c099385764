"""`stackelberg spectrum solve`: many scenarios in one batch, all certified."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stackelberg.cli import output as terminal
from stackelberg.cli.arguments import (
    existing_folder,
    options_named,
    outputs_of,
    refuse_overwriting,
)
from stackelberg.cli.exit_codes import NOT_REACHED
from stackelberg.cli.options import (
    AsJson,
    Cap,
    Concept,
    FigureFolder,
    Protect,
    ReportFile,
    Seed,
    Tolerance,
)
from stackelberg.cli.pages import check_report, write_report
from stackelberg.cli.quantities import least_sinr
from stackelberg.cli.spectrum.protection import protection
from stackelberg.errors import ConfigError
from stackelberg.report.numbers import (
    ROUNDING,
    shown_percent,
    shown_rate,
    shown_relative,
    significant,
)

if TYPE_CHECKING:
    from rich.table import Table

    from stackelberg.game import Solution
    from stackelberg.spectrum import Scenario

BATCH = 32
"""Scenarios solved together. What a batch finished is on disk before the next."""

IN_FULL = 8
"""Up to so many scenarios every certificate is printed whole."""

_OPTIONS = {
    "tolerance": "--tolerance",
    "max_pairs_per_channel": "--max-pairs-per-channel",
    "max_boxes": "--max-boxes",
    "seed": "--seed",
}


@dataclass(frozen=True)
class _Plan:
    """What to do with every scenario."""

    concept: Concept
    tolerance: float
    max_boxes: int
    max_pairs_per_channel: int | None
    seed: int
    protect: str | None


def solve(
    scenarios: Annotated[
        list[Path], typer.Argument(metavar="SCENARIO...", help="Scenario files (JSON).")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="Solution file; a folder for several scenarios, which then hold "
            "NAME.solution.json.",
        ),
    ] = None,
    concept: Concept = "bilevel",
    tolerance: Tolerance = 1e-4,
    max_boxes: Annotated[
        int, typer.Option(help="Most boxes of branch and bound per channel.")
    ] = 200_000,
    max_pairs_per_channel: Cap = None,
    seed: Seed = 0,
    protect: Protect = None,
    report: ReportFile = None,
    figures: FigureFolder = None,
    as_json: AsJson = False,
) -> int:
    """Solve scenarios, certify the answers, and write them.

    Exits with 3 where a solve did not reach --tolerance; its honest result is written
    all the same.
    """
    from stackelberg import io

    plan = _Plan(
        concept=concept,
        tolerance=tolerance,
        max_boxes=max_boxes,
        max_pairs_per_channel=max_pairs_per_channel,
        seed=seed,
        protect=protect,
    )
    if protect is not None:
        least_sinr(protect)  # refused before the solve, not after
    _check_report(len(scenarios), report, figures)
    targets = outputs_of(scenarios, output, ending=".solution.json")
    refuse_overwriting(scenarios, {"-o": targets, "--report": [report]})
    with terminal.progress("reading"):
        cells = [io.read_scenario(path) for path in scenarios]
    records: list[dict[str, Any]] = []
    code = 0
    for first in range(0, len(cells), BATCH):
        batch = slice(first, first + BATCH)
        doing = f"solving {first + 1} to {min(first + BATCH, len(cells))}"
        with terminal.timed() as watch:
            with terminal.progress(
                f"{doing} of {len(cells)} by {concept}{terminal.COMPILES}"
            ):
                solutions = _solved(cells[batch], plan)
            done = [
                _finish(*one, plan)
                for one in zip(
                    scenarios[batch],
                    cells[batch],
                    targets[batch],
                    solutions,
                    strict=True,
                )
            ]
        records += [] if not as_json else done
        if any(solution.status for solution in solutions):
            code = NOT_REACHED
        if report is not None or figures is not None:
            lines = tuple(done[0].get("protection", {"lines": ()})["lines"])
            _write_report(
                scenarios[0], cells[0], solutions[0], plan, report, figures, lines
            )
        if not as_json:
            _print_batch(
                cells[batch], solutions, done, watch.seconds, len(cells), tolerance
            )
    if as_json:
        terminal.print_json({"concept": concept, "solutions": records})
    return code


def _check_report(
    num_scenarios: int, report: Path | None, figures: Path | None
) -> None:
    for option, path in (("--report", report), ("--figures", figures)):
        if path is not None and num_scenarios != 1:
            raise ConfigError(
                option, expected="one scenario", got=f"{num_scenarios} scenarios"
            )
    check_report(report, figures)


def _solved(cells: list[Scenario], plan: _Plan) -> list[Solution[Any, Any]]:
    from stackelberg import spectrum

    with options_named(_OPTIONS):
        solutions = spectrum.solve_batch(
            cells,
            plan.concept,
            tolerance=plan.tolerance,
            max_boxes=plan.max_boxes,
            max_pairs_per_channel=plan.max_pairs_per_channel,
            seed=plan.seed,
        )
    return list(solutions)


def _finish(
    path: Path,
    cell: Scenario,
    target: Path | None,
    solution: Solution[Any, Any],
    plan: _Plan,
) -> dict[str, Any]:
    """Write one solution, and say what there is to say of it as a record."""
    from stackelberg import io
    from stackelberg.io.solution_file import solution_text

    protected = None
    if plan.protect is not None:
        with terminal.progress("scaling prices"):
            protected = protection(cell, solution.value, plan.protect)
        solution = replace(solution, stats={**solution.stats, "protection": protected})
    if target is not None:
        existing_folder("-o", target.parent)
        io.write_solution(solution, target, concept=plan.concept)
    record: dict[str, Any] = {
        "scenario": str(path),
        "written": None if target is None else str(target),
        "advice": solution.status.advice,
        "solution": json.loads(solution_text(solution, concept=plan.concept)),
    }
    if protected is not None:
        record["protection"] = protected
    return record


def _print_batch(
    cells: list[Scenario],
    solutions: list[Solution[Any, Any]],
    records: list[dict[str, Any]],
    seconds: float,
    total: int,
    tolerance: float,
) -> None:
    """Everything about a few scenarios; one row each where there are many."""
    if total <= IN_FULL:
        for cell, solution, record in zip(cells, solutions, records, strict=True):
            _print_in_full(cell, solution, record, tolerance)
    else:
        console = terminal.console()
        console.print(_rows(solutions, records))
        for record in records:
            for line in record.get("protection", {"lines": []})["lines"]:
                console.print(f"{record['scenario']}: {line}")
    _print_seconds(len(solutions), seconds)


def _rows(solutions: list[Solution[Any, Any]], records: list[dict[str, Any]]) -> Table:
    made = terminal.table(
        None, "scenario", "status", "leader utility", "bilevel gap", "follower regret",
        text=2,
    )  # fmt: skip
    for solution, record in zip(solutions, records, strict=True):
        made.add_row(
            record["scenario"],
            solution.status.label,
            shown_rate(solution.value.leader_utility),
            significant(solution.certificate.bilevel_gap, 2),
            shown_relative(solution.certificate.follower_regret_relative),
        )
    return made


def _print_in_full(
    cell: Scenario,
    solution: Solution[Any, Any],
    record: dict[str, Any],
    tolerance: float,
) -> None:
    from stackelberg.report.spectrum.cellular import (
        below_sentence,
        cellular_records,
        refusal_sentences,
        sinr_sentence,
    )

    console = terminal.console()
    outcome = solution.value
    concept, path = record["solution"]["concept"], record["scenario"]
    gap = solution.certificate.bilevel_gap
    console.print(f"{path}: {concept}, {solution.status.label}")
    console.print(f"  {terminal.advice_at(solution.status, tolerance)}")
    console.print(
        f"  leader utility {shown_rate(outcome.leader_utility)}{_within(gap)}"
    )
    for sentence in refusal_sentences(cell, outcome):
        console.print(f"  {sentence}")
    console.print(f"  {allocation_line(solution.stats)}")
    console.print(f"  channels: {loads(cell.num_channels, outcome.channel)}")
    users = cellular_records(cell, outcome)
    console.print(f"  {below_sentence(users)}")
    console.print(f"  {sinr_sentence(users)}")
    console.print(terminal.certificate_table(solution.certificate))
    for line in record.get("protection", {"lines": []})["lines"]:
        console.print(f"  {line}")
    if record["written"] is not None:
        console.print(f"  written: {record['written']}")
    console.print()


def _within(gap: float) -> str:
    """What is proved about a utility, in words; nothing where nothing is."""
    if not math.isfinite(gap):
        return ""
    return (
        f", proved to be within {shown_percent(gap, 2)} of the best at these channels"
    )


def _print_seconds(count: int, seconds: float) -> None:
    what = "one scenario" if count == 1 else f"{count} scenarios in one batch"
    terminal.console().print(
        f"{what}: {seconds:.2f} s to solve, certify and write, compilation included; "
        "starting up, reading and drawing apart"
    )


def loads(num_channels: int, channel: Any) -> str:
    """How many channels carry how many pairs, in words."""
    import numpy as np

    pairs_on = np.bincount(channel, minlength=num_channels)
    counted = [
        f"{count} with {pairs} pair{'s' if pairs != 1 else ''}"
        for pairs, count in enumerate(np.bincount(pairs_on))
        if count
    ]
    return ", ".join(counted)


def allocation_line(stats: Mapping[str, Any]) -> str:
    """How channels were assigned, and how far that is from the best assignment."""
    found = stats.get("allocation")
    if found is None:
        return "channels as the scenario gives them"
    gap = found.exhaustive_gap
    how = str(found.method).replace("_", " ")
    if gap is None:
        from_best = "distance from the best assignment not computed, too many to try"
    elif gap <= ROUNDING:
        from_best = "the best of all such assignments"
    else:
        from_best = f"{shown_percent(gap)} from the best assignment of that kind"
    cap = found.max_pairs_per_channel
    return f"channels assigned by {how}, at most {cap} pairs each; {from_best}"


def _write_report(
    path: Path,
    cell: Scenario,
    solution: Solution[Any, Any],
    plan: _Plan,
    report: Path | None,
    figures: Path | None,
    protection_lines: tuple[str, ...],
) -> None:
    from stackelberg.cli.spectrum.page import page_of_solution

    data = page_of_solution(
        cell,
        solution,
        plan.concept,
        title=f"Spectrum game: {path.name}",
        tolerance=plan.tolerance,
        max_boxes=plan.max_boxes,
        seed=plan.seed,
        protection_lines=protection_lines,
    )
    write_report(data, report, figures)
