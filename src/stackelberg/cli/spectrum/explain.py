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
from stackelberg.cli.spectrum.protection import protection
from stackelberg.errors import DomainError
from stackelberg.report.numbers import shown_percent, shown_rate, significant

if TYPE_CHECKING:
    from rich.table import Table

    from stackelberg.spectrum import Outcome, Scenario
    from stackelberg.spectrum.pair_explanation import PairExplanation


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
    from stackelberg import io
    from stackelberg.spectrum.pair_explanation import explain_pair

    if protect is not None:
        least_sinr(protect)  # refused before the solve, not after
    cell = io.read_scenario(scenario)
    _check_pair(pair, cell.num_pairs)
    answer, concept_used = _answer(cell, solution, concept, max_pairs_per_channel, seed)
    explained = explain_pair(cell, answer, pair)
    protected = None
    if protect is not None:
        with terminal.progress("scaling prices"):
            protected = protection(cell, answer, protect)
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
    lines = [] if protected is None else protected["lines"]
    for line in (*_one_decibel(explained), *(f"  {line}" for line in lines)):
        console.print(line)


def _check_pair(pair: int, num_pairs: int) -> None:
    """Refuse a wrong number before the solve, not after."""
    if not 0 <= pair < num_pairs:
        raise DomainError(
            "--pair", expected=f"a number from 0 to {num_pairs - 1}", got=pair
        )


def _answer(
    cell: Scenario,
    solution: Path | None,
    concept: Concept,
    max_pairs_per_channel: int | None,
    seed: int,
) -> tuple[Outcome, str]:
    from stackelberg import spectrum

    if solution is not None:
        answer = read_fitting_solution(solution, cell)
        return answer.outcome, answer.concept
    options = {"seed": "--seed", "max_pairs_per_channel": "--max-pairs-per-channel"}
    with (
        terminal.progress(f"solving by {concept}{terminal.COMPILES}"),
        options_named(options),
    ):
        solved = spectrum.solve(
            cell, concept, max_pairs_per_channel=max_pairs_per_channel, seed=seed
        )
    return solved.value, concept


_LIMITS = {
    "min_power": "the least power: the leader prices it down as far as it may",
    "max_power": "the greatest power: it would transmit more at this price",
    "min_price": "the lower price bound",
    "max_price": "the upper price bound",
    "interior": "nothing: power and price are inside their limits",
}


def _lines(pair: PairExplanation, concept: str) -> list[str]:
    from stackelberg.units import to_db, to_dbm

    return [
        f"pair {pair.pair} on channel {pair.channel}, {concept}",
        f"  limited by {_LIMITS[pair.limit]}",
        f"  power {significant(to_dbm(pair.transmit_power_w), 3)} dBm, "
        f"SINR {significant(to_db(pair.sinr), 3)} dB, rate {shown_rate(pair.rate_bps)}",
        f"  price {significant(pair.reuse_price)} bit/s per W of interference at the "
        "base station",
        f"  price box {significant(pair.least_price)} to "
        f"{significant(pair.greatest_price)} bit/s per W",
        f"  pays {shown_rate(pair.payment)}, {shown_percent(pair.spend_share)} of B, "
        "the most that an unclipped pair pays",
        f"  keeps a utility of {shown_rate(pair.utility)}",
    ]


def _interference(pair: PairExplanation) -> Table:
    made = terminal.table("  at its receiver", "  from", "W", "over noise")
    for source in pair.interference:
        name = (
            f"  pair {source.number}"
            if source.source == "pair"
            else f"  cellular user of channel {source.number}"
        )
        made.add_row(
            name,
            significant(source.power_w, 3),
            f"{significant(source.over_noise_db, 3)} dB",
        )
    made.add_row("  noise", significant(pair.noise_power_w, 3), "0 dB")
    return made


def _one_decibel(pair: PairExplanation) -> list[str]:
    from stackelberg.units import to_db

    more = pair.one_db_more
    before, after = to_db(more.cellular_sinr_before), to_db(more.cellular_sinr_after)
    if not more.possible:
        return ["  1 dB more is not possible: it would exceed its greatest power"]
    return [
        "  1 dB more, all prices and other powers as they are, would change",
        f"    its own utility by {shown_rate(more.own_utility)}",
        f"    the leader's utility by {shown_rate(more.leader_utility)}",
        f"    the cellular user's SINR from {significant(before, 4)} dB to "
        f"{significant(after, 4)} dB",
        f"  with every price of the channel following (its own to "
        f"{significant(more.price)}), the leader's utility by "
        f"{shown_rate(more.leader_utility_repriced)}",
    ]
