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

    Seconds are without compilation: all methods run on two pairs first. `bilevel` runs
    twice, since the bound that it proves certifies all gaps.
    """
    from stackelberg import spectrum
    from stackelberg.spectrum.baselines import METHODS, proved_bound, run_method

    started(f"every method on two pairs{COMPILES}")
    smallest = _two_pairs(scenario)
    for name in METHODS:
        run_method(smallest, name, seed=seed, tolerance=tolerance)
    started("bilevel")
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


def _two_pairs(scenario: Scenario) -> Scenario:
    """A channel with two pairs and bounds of the same kind: the same code runs."""
    import numpy as np

    from stackelberg import spectrum

    small = spectrum.generate(
        seed=0, num_channels=1, num_pairs=2, channel=[0, 0], fading=False
    )
    if isinstance(scenario.price_bounds, spectrum.FixedPriceBounds):
        least = 0.1 * small.spend_scale / (small.gain_d2d_to_bs * small.max_power_w)
        small = small.replace(
            price_bounds=spectrum.FixedPriceBounds(least, 2.0 * np.asarray(least))
        )
    return small


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
