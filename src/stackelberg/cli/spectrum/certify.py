"""`stackelberg spectrum certify`: how good an answer is, from the files alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from stackelberg.cli import output as terminal
from stackelberg.cli.claims import (
    Claim,
    claim_lines,
    claim_records,
    unheld,
    unproved,
    untrue,
    untrue_entries,
)
from stackelberg.cli.exit_codes import NOT_REACHED
from stackelberg.cli.options import AsJson, ScenarioFile, Tolerance
from stackelberg.errors import ConfigError, InputError, suggestion

if TYPE_CHECKING:
    from stackelberg.io import SolutionFile
    from stackelberg.io.solution_file import StatedAnswer
    from stackelberg.spectrum import Outcome, Scenario
    from stackelberg.spectrum.certify import Concept, SpectrumCertificate

CONCEPTS = ("bilevel", "iterated", "published")


def certify(
    scenario: ScenarioFile,
    solution: Annotated[
        Path,
        typer.Argument(
            metavar="ANSWER",
            help="Solution file (JSON), or only channel, reuse_price and, optionally, "
            "transmit_power_w.",
        ),
    ],
    tolerance: Tolerance = 1e-4,
    max_boxes: Annotated[
        int, typer.Option(help="Most boxes of branch and bound per channel.")
    ] = 200_000,
    as_json: AsJson = False,
) -> int:
    """Compute every number of an answer's certificate from the two files.

    What the file says about itself is not believed. Without powers the followers'
    equilibrium at the prices is certified; without a concept, bilevel. Exits with 3
    where the answer does not keep what its concept promises, within --tolerance.
    """
    from stackelberg import io, spectrum
    from stackelberg.io.solution_file import read_answer
    from stackelberg.report.numbers import shown_rate

    cell = io.read_scenario(scenario)
    stated = read_answer(solution)
    answer = (
        None if stated.solution is None else _fitting(stated.solution, solution, cell)
    )
    concept = cast("Concept", "bilevel" if answer is None else answer.concept)
    with terminal.progress(f"certifying{terminal.COMPILES}"):
        try:
            value = _full(cell, stated) if answer is None else answer.outcome
            certificate = spectrum.certify(
                cell, value, tolerance=tolerance, max_boxes=max_boxes
            )
        except InputError as error:
            raise error.located(str(solution)) from None
    holds = certificate.holds(tolerance, concept)
    if answer is None:  # nothing was stated that could be wrong
        certificate = replace(certificate, utility_error=math.nan)
    claims = (
        [] if answer is None else list(_claims(cell, answer, certificate, tolerance))
    )
    if as_json:
        terminal.print_json(
            {
                "scenario": str(scenario),
                "solution": str(solution),
                "concept": concept,
                "tolerance": tolerance,
                "holds": holds,
                "utilities_stated": answer is not None,
                "powers_stated": stated.transmit_power_w is not None,
                "leader_utility": value.leader_utility,
                "transmit_power_w": value.transmit_power_w,
                "certificate": certificate,
                "not_borne_out": claim_records(claims),
            }
        )
        return 0 if holds else NOT_REACHED
    console = terminal.console()
    utility = shown_rate(value.leader_utility)
    if answer is not None:
        console.print(f"{solution}: {concept}, stated leader utility {utility}")
    else:
        given = (
            "powers given"
            if stated.transmit_power_w is not None
            else ("powers: the followers' equilibrium at these prices")
        )
        console.print(f"{solution}: channels and prices; {given}")
        console.print(f"leader utility {utility}")
    console.print(terminal.certificate_table(certificate))
    status: list[str] = []
    if answer is not None:
        status = unheld(
            answer.status,
            tolerance,
            answer.stats,
            lambda within: certificate.holds(within, concept),
        )
    for line in claim_lines(claims, status):
        console.print(line)
    verdict = "holds" if holds else "does not hold"
    console.print(f"as {concept}, at tolerance {tolerance:g}: {verdict}")
    return 0 if holds else NOT_REACHED


def _claims(
    cell: Scenario,
    answer: SolutionFile,
    certificate: SpectrumCertificate,
    tolerance: float,
) -> Iterator[Claim]:
    """What the file says about itself that is otherwise."""
    from stackelberg import spectrum
    from stackelberg.spectrum.certify import EXACT

    stated, proved = answer.outcome, answer.certificate
    truth = spectrum.outcome(
        cell, stated.channel, stated.reuse_price, stated.transmit_power_w
    )
    yield from untrue("leader_utility", stated.leader_utility, truth.leader_utility)
    pairs, channels = range(cell.num_pairs), range(cell.num_channels)
    for name, of, entries in (
        ("follower_utility", "pair", pairs),
        ("d2d_rate_bps", "pair", pairs),
        ("cellular_rate_bps", "channel", channels),
    ):
        yield from untrue_entries(
            f"{name} of {of}", getattr(stated, name), getattr(truth, name), entries
        )
    for name, slack in (
        ("bilevel_gap", tolerance),
        ("price_regret_relative", EXACT),
        ("follower_regret_relative", EXACT),
        ("power_violation", EXACT),
        ("price_violation", EXACT),
    ):
        found: float = getattr(certificate, name)
        yield from unproved(name, proved.get(name), found, slack)
    radius = certificate.spectral_radius
    yield from untrue("spectral_radius", proved.get("spectral_radius"), radius)


def _full(cell: Scenario, stated: StatedAnswer) -> Outcome:
    """The outcome of stated channels and prices, and powers where they are stated."""
    from stackelberg import spectrum
    from stackelberg.spectrum.follower import follower_equilibrium

    _check_length("channel", len(stated.channel), cell.num_pairs)
    cell = cell.with_channel(stated.channel)
    power = stated.transmit_power_w
    if power is None:
        power = follower_equilibrium(cell, stated.reuse_price).transmit_power_w
    return spectrum.outcome(cell, stated.channel, stated.reuse_price, power)


def read_fitting_solution(path: Path, cell: Scenario) -> SolutionFile:
    """A solution file of a known concept, for as many pairs and channels as `cell` has.

    Raises:
        InputError: a subclass that says what is wrong, beginning with `path`.
    """
    from stackelberg import io

    return _fitting(io.read_solution(path), path, cell)


def _fitting(answer: SolutionFile, path: Path, cell: Scenario) -> SolutionFile:
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
        _check_length(name, have, want, str(path))
    return answer


def _check_length(name: str, have: int, want: int, source: str = "") -> None:
    if have != want:
        raise ConfigError(
            name,
            expected=f"{want} entries, as the scenario has",
            got=f"{have}",
            source=source,
        )
