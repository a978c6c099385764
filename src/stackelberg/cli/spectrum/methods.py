"""Every method on one scenario's channels, with the seconds that each took."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackelberg.cli.output import COMPILES, timed

if TYPE_CHECKING:
    from stackelberg.report import MethodRecord
    from stackelberg.spectrum import Scenario
    from stackelberg.spectrum.baselines import MethodResult
    from stackelberg.spectrum.solve import SpectrumSolution


@dataclass(frozen=True)
class TimedResult:
    """What one method reached, and the seconds of it, its certificate included."""

    result: MethodResult
    seconds: float


def run_every_method(
    scenario: Scenario,
    *,
    tolerance: float,
    max_boxes: int,
    seed: int,
    started: Callable[[str], None],
) -> list[TimedResult]:
    """Run every method on a scenario with channels assigned, in the order of tables.

    `bilevel` runs first, untimed: it compiles what the others use too, and the bound
    that it proves certifies all gaps. It is then timed again.
    """
    from stackelberg import spectrum
    from stackelberg.spectrum.baselines import METHODS, proved_bound, run_method

    started(f"bilevel{COMPILES}")
    best: SpectrumSolution = spectrum.solve(
        scenario, "bilevel", tolerance=tolerance, max_boxes=max_boxes
    )
    bound = proved_bound(best)
    timed_results: list[TimedResult] = []
    for name in METHODS:
        started(name)
        with timed() as watch:
            result = run_method(
                scenario,
                name,
                seed=seed,
                tolerance=tolerance,
                max_boxes=max_boxes,
                bound=bound,
            )
        timed_results.append(TimedResult(result, watch.seconds))
    return timed_results


def records(scenario: Scenario, results: list[TimedResult]) -> tuple[MethodRecord, ...]:
    """The numbers that methods are compared by."""
    from stackelberg import report

    return tuple(
        report.method_record(
            scenario,
            timed_result.result.name,
            timed_result.result.outcome,
            timed_result.result.certificate,
            timed_result.seconds,
        )
        for timed_result in results
    )
