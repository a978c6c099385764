"""`stackelberg spectrum certify`: how good an answer is, from the files alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from stackelberg.cli import output as terminal
from stackelberg.cli.options import AsJson, ScenarioFile, Tolerance
from stackelberg.errors import ConfigError, InputError, suggestion

if TYPE_CHECKING:
    from stackelberg.io import SolutionFile
    from stackelberg.spectrum import Scenario
    from stackelberg.spectrum.certify import Concept

NOT_REACHED = 3
CONCEPTS = ("bilevel", "iterated", "published")


def certify(
    scenario: ScenarioFile,
    solution: Annotated[
        Path, typer.Argument(metavar="SOLUTION", help="Solution file (JSON).")
    ],
    tolerance: Tolerance = 1e-4,
    max_boxes: Annotated[
        int, typer.Option(help="Most boxes of branch and bound per channel.")
    ] = 200_000,
    as_json: AsJson = False,
) -> int:
    """Recompute every number of a solution's certificate from the two files.

    What the solution file says about itself is not believed. Exits with 3 where the
    answer does not keep what its concept promises, within --tolerance.
    """
    from stackelberg import io, spectrum
    from stackelberg.report.numbers import shown_rate

    cell = io.read_scenario(scenario)
    answer = read_fitting_solution(solution, cell)
    with terminal.progress("certifying"):
        try:
            certificate = spectrum.certify(
                cell, answer.outcome, tolerance=tolerance, max_boxes=max_boxes
            )
        except InputError as error:
            raise error.located(str(solution)) from None
    concept = cast("Concept", answer.concept)
    holds = certificate.holds(tolerance, concept)
    if as_json:
        terminal.print_json(
            {
                "scenario": str(scenario),
                "solution": str(solution),
                "concept": answer.concept,
                "tolerance": tolerance,
                "holds": holds,
                "certificate": certificate,
            }
        )
        return 0 if holds else NOT_REACHED
    console = terminal.console()
    utility = shown_rate(answer.outcome.leader_utility)
    console.print(f"{solution}: {answer.concept}, stated leader utility {utility}")
    console.print(terminal.certificate_table(certificate))
    verdict = "holds" if holds else "does not hold"
    console.print(f"as {answer.concept}, at tolerance {tolerance:g}: {verdict}")
    return 0 if holds else NOT_REACHED


def read_fitting_solution(path: Path, cell: Scenario) -> SolutionFile:
    """A solution file of a known concept, for as many pairs and channels as `cell` has.

    Raises:
        InputError: a subclass that says what is wrong, beginning with `path`.
    """
    from stackelberg import io

    answer = io.read_solution(path)
    if answer.concept not in CONCEPTS:
        raise ConfigError(
            "concept",
            expected="one of "
            + ", ".join(CONCEPTS)
            + suggestion(answer.concept, CONCEPTS),
            got=repr(answer.concept),
            source=str(path),
        )
    for name, have, want in (
        ("channel", len(answer.outcome.channel), cell.num_pairs),
        ("cellular_rate_bps", len(answer.outcome.cellular_rate_bps), cell.num_channels),
    ):
        if have != want:
            raise ConfigError(
                name,
                expected=f"{want} entries, as the scenario has",
                got=f"{have}",
                source=str(path),
            )
    return answer
