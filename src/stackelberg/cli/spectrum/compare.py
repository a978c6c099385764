"""`stackelberg spectrum compare`: every method on one scenario."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stackelberg.cli import output as terminal
from stackelberg.cli.arguments import (
    options_named,
    refuse_overwriting,
)
from stackelberg.cli.exit_codes import NOT_REACHED
from stackelberg.cli.learn.evaluate import files_of
from stackelberg.cli.options import (
    AsJson,
    Cap,
    FigureFolder,
    ReportFile,
    ScenarioFile,
    Seed,
    Tolerance,
)
from stackelberg.cli.pages import check_report, write_report
from stackelberg.cli.spectrum.learned import readable, run_policy
from stackelberg.cli.spectrum.methods import TimedResult, records, run_every_method
from stackelberg.report.numbers import ROUNDING, rate_unit, significant

if TYPE_CHECKING:
    from rich.table import Table

    from stackelberg.report import MethodRecord
    from stackelberg.spectrum import Scenario

_HEADINGS = (
    "method",
    "leader\nutility",
    "sum\nrate",
    "rate\nlost %",
    "users\nbelow\n5 dB",
    "worst\nSINR\ndB",
    "follower\nregret",
    "bilevel\ngap",
    "s",
)
"""Broken by hand, so that the table fits 80 columns and no word is cut."""

_OPTIONS = {
    "seed": "--seed",
    "tolerance": "--tolerance",
    "max_boxes": "--max-boxes",
    "max_pairs_per_channel": "--max-pairs-per-channel",
}


def compare(
    scenario: ScenarioFile,
    tolerance: Tolerance = 1e-4,
    max_boxes: Annotated[
        int, typer.Option(help="Most boxes of branch and bound per channel.")
    ] = 200_000,
    max_pairs_per_channel: Cap = None,
    policy: Annotated[
        Path | None,
        typer.Option(
            metavar="POLICY|RUN|shipped",
            help="A trained policy to set beside the methods.",
        ),
    ] = None,
    seed: Seed = 0,
    report: ReportFile = None,
    figures: FigureFolder = None,
    as_json: AsJson = False,
) -> int:
    """Compare no reuse, uniform price, random, full power and the three concepts.

    All methods play on the same channels; a trained policy sees what it was trained to
    see, for some slots in which nothing fades, and the last is judged; it is no part of
    reports. Exits with 3 where a concept did not reach --tolerance; the comparison is
    printed all the same.
    """
    from stackelberg import io

    check_report(report, figures)
    if report is not None:
        read = [scenario] if policy is None else [scenario, *files_of(policy)]
        refuse_overwriting(read, {"--report": [report]})
    cell = io.read_scenario(scenario)
    trained = None if policy is None else readable(policy, cell)
    with terminal.progress_of("comparing") as started, options_named(_OPTIONS):
        cell = with_channels(cell, max_pairs_per_channel, seed)
        results = run_every_method(
            cell, tolerance=tolerance, max_boxes=max_boxes, seed=seed, started=started
        )
        learned = results[:0]
        if trained is not None:
            learned = [
                run_policy(
                    trained,
                    cell,
                    tolerance=tolerance,
                    max_boxes=max_boxes,
                    seed=seed,
                    started=started,
                )
            ]
        started("describing")
        told = _told(cell, results, seed)
    compared = records(cell, results)
    if report is not None or figures is not None:
        from stackelberg.cli.spectrum.page import page_of_comparison

        title = f"Spectrum game: {scenario.name}"
        data = page_of_comparison(cell, results, compared, title=title, seed=seed)
        write_report(data, report, figures)
    statuses = {timed.result.name: timed.result.status for timed in results}
    code = NOT_REACHED if any(statuses.values()) else 0
    compared += records(cell, learned)
    if as_json:
        terminal.print_json(
            {"scenario": str(scenario), "methods": compared, "story": told}
        )
        return code
    console = terminal.console()
    factor, unit = rate_unit(m.sum_rate_bps for m in compared)
    console.print(comparison_table(compared, factor))
    console.print(
        f"Leader utility and sum rate in {unit}; lost: of the cellular rate without "
        "reuse; users and SINR: cellular, at the base station; s: seconds. Follower "
        "regret is a share of the pair's rate, bilevel gap of the leader utility; 0 "
        "where below 1e-9; -: does not apply."
    )
    for name, status in statuses.items():
        if status:
            console.print(f"{name}: {status.label}. {status.advice}")
    for sentence in told:
        console.print(f"- {sentence}")
    return code


def _told(cell: Scenario, results: list[TimedResult], seed: int) -> tuple[str, ...]:
    """What the bilevel answer looks like, in the words of the report."""
    from stackelberg.cli.spectrum.page import RESTARTS
    from stackelberg.report.spectrum.story import story
    from stackelberg.spectrum.insight import USUAL_CAPS, describe

    answer = next(x.result.outcome for x in results if x.result.name == "bilevel")
    seen = describe(cell, answer, caps=USUAL_CAPS, seed=seed, restarts=RESTARTS)
    return story(cell, answer, seen, "bilevel")


def with_channels(cell: Scenario, cap: int | None, seed: int) -> Scenario:
    """The cell with channels assigned where it leaves them open."""
    from stackelberg.spectrum.assignment import assign_channels

    if cell.channel is not None:
        return cell
    found = assign_channels(cell, max_pairs_per_channel=cap, seed=seed)
    return cell.with_channel(found.channel)


def comparison_table(compared: tuple[MethodRecord, ...], factor: float) -> Table:
    """One row per method, rates over `factor`; fits 80 columns."""
    from stackelberg.report.theme import METHODS

    made = terminal.table(None, *_HEADINGS)
    for column in made.columns:
        column.no_wrap = True
    for m in compared:
        made.add_row(
            METHODS[m.method].label if m.method in METHODS else m.method,
            significant(m.leader_utility_bps / factor),
            significant(m.sum_rate_bps / factor),
            f"{100.0 * m.cellular_rate_lost:.1f}",
            str(m.users_below_5_db),
            f"{min(m.cellular_sinr_db):.1f}" if m.cellular_sinr_db else "-",
            *(_relative(m, x) for x in (m.follower_regret, m.bilevel_gap)),
            "-" if m.seconds is None else f"{m.seconds:.2f}",
        )
    return made


def _relative(method: MethodRecord, value: float | None) -> str:
    """A regret or gap as short as a column needs it."""
    if value is None:
        return "-" if method.method == "no_reuse" else "?"
    return "0" if abs(value) <= ROUNDING else significant(value, 2)
