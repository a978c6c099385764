"""What the report of one scenario shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackelberg.cli import output as terminal
from stackelberg.cli.spectrum.methods import TimedResult, records, run_every_method

if TYPE_CHECKING:
    from stackelberg.game import Solution
    from stackelberg.report import MethodRecord, ReportData, SweepRecord
    from stackelberg.spectrum import Scenario

RESTARTS = 5
"""Of the assignment under each cap: as many as a solve takes."""


def page_of_solution(
    cell: Scenario,
    solution: Solution[Any, Any],
    concept: str,
    *,
    title: str,
    tolerance: float,
    max_boxes: int,
    seed: int,
    sweep: tuple[SweepRecord, ...] = (),
    protection_lines: tuple[str, ...] = (),
) -> ReportData:
    """What the report of one solution shows, every method run on its channels."""
    from stackelberg import report
    from stackelberg.spectrum.insight import USUAL_CAPS, describe

    answer = solution.value
    cell = cell.with_channel(answer.channel)
    with terminal.progress_of("comparing") as started:
        results = run_every_method(
            cell, tolerance=tolerance, max_boxes=max_boxes, seed=seed, started=started
        )
        started("describing")
        seen = describe(cell, answer, caps=USUAL_CAPS, seed=seed, restarts=RESTARTS)
    return report.collect_data(
        cell,
        answer,
        solution.certificate,
        seen,
        concept=concept,
        status=solution.status,
        title=title,
        methods=records(cell, results),
        sweep=sweep,
        protection=protection_lines,
    )


def page_of_comparison(
    cell: Scenario,
    results: list[TimedResult],
    compared: tuple[MethodRecord, ...],
    *,
    title: str,
    seed: int,
) -> ReportData:
    """What the report of a comparison shows; its answer is that of `bilevel`."""
    from stackelberg import report
    from stackelberg.spectrum.insight import USUAL_CAPS, describe

    best = next(t.result for t in results if t.result.name == "bilevel")
    certificate: Any = best.certificate
    with terminal.progress("describing"):
        seen = describe(
            cell, best.outcome, caps=USUAL_CAPS, seed=seed, restarts=RESTARTS
        )
    return report.collect_data(
        cell,
        best.outcome,
        certificate,
        seen,
        concept="bilevel",
        status=best.status,
        title=title,
        methods=compared,
    )
