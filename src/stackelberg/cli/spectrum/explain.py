"""`stackelberg spectrum explain`: one pair of an answer, in its own numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stackelberg.cli import output as terminal
from stackelberg.cli.arguments import options_named
from stackelberg.cli.options import (
    AsJson,
    Cap,
    Concept,
    Protect,
    ScenarioFile,
    Seed,
)
from stackelberg.cli.quantities import least_sinr
from stackelberg.cli.spectrum.certify import read_fitting_solution
from stackelberg.cli.spectrum.protection import protection, protection_lines
from stackelberg.report.numbers import shown_percent, shown_rate, significant

if TYPE_CHECKING:
    from rich.table import Table

    from stackelberg.report import Explanation
    from stackelberg.spectrum import Outcome, Scenario


def explain(
    scenario: ScenarioFile,
    pair: Annotated[int, typer.Option(help="Number of the pair, from 0.")],
    solution: Annotated[
        Path | None,
        typer.Argument(
            metavar="[SOLUTION]", help="Solution file; without it --concept is solved."
        ),
    ] = None,
    concept: Concept = "bilevel",
    max_pairs_per_channel: Cap = None,
    seed: Seed = 0,
    protect: Protect = None,
    as_json: AsJson = False,
) -> None:
    """Explain one pair: its interference, its price, what limits it, 1 dB more."""
    from stackelberg import io, report

    asked_sinr = None if protect is None else least_sinr(protect)
    cell = io.read_scenario(scenario)
    answer, concept_used = _answer(
        cell, solution, concept, max_pairs_per_channel, seed
    )
    with options_named({"pair": "--pair"}):
        explained = report.explain_pair(cell, answer, pair)
    protected = None
    if asked_sinr is not None:
        with terminal.progress("scaling prices"):
            protected = protection(cell, answer, asked_sinr)
    if as_json:
        terminal.print_json(
            {
                "scenario": str(scenario),
                "concept": concept_used,
                "pair": explained,
                "protection": protected,
            }
        )
        return
    console = terminal.console()
    for line in _lines(explained, concept_used):
        console.print(line)
    console.print(_interference(explained))
    for line in (*_one_decibel(explained), *protection_lines(protected)):
        console.print(line)


def _answer(
    cell: Scenario,
    solution: Path | None,
    concept: str,
    max_pairs_per_channel: int | None,
    seed: int,
) -> tuple[Outcome, str]:
    from stackelberg import spectrum

    if solution is not None:
        answer = read_fitting_solution(solution, cell)
        return answer.outcome, answer.concept
    options = {"seed": "--seed", "max_pairs_per_channel": "--max-pairs-per-channel"}
    with terminal.progress(f"solving by {concept}"), options_named(options):
        solved = spectrum.solve(
            cell, concept, max_pairs_per_channel=max_pairs_per_channel, seed=seed
        )
    return solved.value, concept


def _lines(explained: Explanation, concept: str) -> list[str]:
    r = explained.record
    return [
        f"pair {r.pair} on channel {r.channel}, {concept}",
        f"  limited by: {explained.limited_by}",
        f"  power {significant(r.transmit_power_dbm, 3)} dBm, SINR "
        f"{significant(r.sinr_db, 3)} dB, rate {shown_rate(r.rate_bps)}",
        f"  price {significant(r.reuse_price)} bit/s per W of interference at the base "
        "station",
        f"  price box {significant(r.lowest_price)} to {significant(r.highest_price)} "
        "bit/s per W",
        f"  pays {shown_rate(r.payment_bps)}, {shown_percent(r.spend_share)} of B, "
        "the most that an unclipped pair pays",
        f"  keeps a utility of {shown_rate(r.utility_bps)}",
    ]


def _interference(explained: Explanation) -> Table:
    made = terminal.table("  at its receiver", "  from", "W", "share")
    for source in explained.disturbances:
        made.add_row(
            f"  {source.source}",
            significant(source.power_w, 3),
            shown_percent(source.share),
        )
    return made


def _one_decibel(explained: Explanation) -> list[str]:
    more = explained.one_db_more
    if not more.possible:
        return ["  1 dB more: its greatest power does not allow it"]
    return [
        f"  1 dB more at today's price would change its own utility by "
        f"{shown_rate(more.own_utility_bps)}",
        f"  1 dB more would need a price of {significant(more.price)}; the leader's "
        f"utility would change by {shown_rate(more.leader_utility_bps)}",
        f"    cellular rate {shown_rate(more.cellular_rate_bps)}, payments "
        f"{shown_rate(more.revenue_bps)}",
    ]
