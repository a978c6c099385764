"""`stackelberg demo`: a generated city, both games solved, certified and shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stackelberg.cli import demo_city
from stackelberg.cli import output as terminal
from stackelberg.cli.arguments import existing_folder, options_named
from stackelberg.cli.exit_codes import NOT_REACHED
from stackelberg.cli.learn.demo_policy import shown_policy
from stackelberg.cli.options import AsJson, Seed
from stackelberg.cli.study.demo_study import shown_study, study_lines
from stackelberg.report.numbers import (
    counted,
    shown_percent,
    shown_rate,
    shown_regret,
    shown_times,
    significant,
)
from stackelberg.report.theme import METHODS as STYLES

if TYPE_CHECKING:
    from stackelberg.edge import EdgeSolution, Market
    from stackelberg.report import (
        EdgeReportData,
        MethodRecord,
        PolicyReportData,
        ReportData,
        SweepRecord,
    )

EDGE_TOLERANCE = 1e-8
"""Gap per user, nats."""

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
    """Solve both games on a generated city, certify them, and show them on one page.

    Spectrum: a cell of the city, compared by every method. Edge: the capacity of all
    its sites. A learned policy, which ships with the package, is judged beside the
    equilibrium. A small study compares every method with intervals. Writes
    report.html, scenario.json, solution.json, edge-market, edge-solution and study.
    """
    from stackelberg import io, report, spectrum
    from stackelberg.cli.spectrum.page import page_of_solution
    from stackelberg.io.files import write_text_atomically

    existing_folder("--output", output)
    paths = {
        name: output / file
        for name, file in (
            ("scenario", "scenario.json"),
            ("solution", "solution.json"),
            ("edge_market", "edge-market"),
            ("edge_solution", "edge-solution"),
            ("study", "study"),
            ("report", "report.html"),
        )
    }
    with terminal.timed() as watch, options_named({"seed": "--seed"}):
        city = demo_city.city(seed)
        io.write_scenario(city.cell, paths["scenario"])
        with terminal.progress(f"solving by bilevel{terminal.COMPILES}"):
            solution = spectrum.solve(
                city.cell, tolerance=TOLERANCE, max_boxes=MAX_BOXES, seed=seed
            )
        io.write_solution(solution, paths["solution"])
        with terminal.progress_of("sweeping") as started:
            points = sweep(seed, started)
        data = page_of_solution(
            city.cell,
            solution,
            "bilevel",
            title=f"Spectrum: the cell of site {city.site}",
            tolerance=TOLERANCE,
            max_boxes=MAX_BOXES,
            seed=seed,
            sweep=points,
        )
        with terminal.progress(f"sharing out the sites{terminal.COMPILES}"):
            shared = _shared_out(
                city.market, paths["edge_market"], paths["edge_solution"]
            )
            told = report.edge_report_data(
                city.market,
                shared,
                title="Edge: the capacity of all sites",
                money=demo_city.MONEY,
                unit=demo_city.UNIT,
            )
        with terminal.progress(f"judging the learned policy{terminal.COMPILES}"):
            learned = shown_policy(seed)
        with terminal.progress("running a small study"):
            studied = shown_study(paths["study"])
        with terminal.progress("drawing the report"):
            page = report.render_page(
                data,
                told,
                learned,
                studied,
                title="A generated city, two games",
                lead=_lead(city.site),
            )
            write_text_atomically(paths["report"], page)
    code = NOT_REACHED if solution.status or shared.status else 0
    if as_json:
        written = {name: str(path) for name, path in paths.items()}
        summaries = {
            "summary": data.as_dict(),
            "edge_summary": told.as_dict(),
            "policy_summary": learned.as_dict(),
            "study_summary": studied.as_dict(),
        }
        terminal.print_json({**written, "seconds": watch.seconds, **summaries})
        return code
    console = terminal.console()
    for line in (
        *_summary(data),
        *_edge_summary(told),
        _policy_summary(learned),
        *study_lines(studied),
    ):
        console.print(line)
    console.print(f"written in {watch.seconds:.1f} s: {paths['report']}")
    return code


def _shared_out(market: Market, market_folder: Path, folder: Path) -> EdgeSolution:
    """Solve the edge market; both are on disk when this returns."""
    from stackelberg import edge, io

    io.write_market(market, market_folder)
    with terminal.timed() as watch:
        solution = edge.allocate(market, EDGE_TOLERANCE)
    io.write_market_solution(
        solution, market, folder, seconds=watch.seconds, market_folder=market_folder
    )
    return solution


def _lead(site: str) -> str:
    return (
        f"{demo_city.NUM_USERS} users, {demo_city.NUM_SITES} sites. Every site sells "
        f"computing to the users near it; site {site} also prices the reuse of its "
        "cellular channels by pairs of users who talk directly."
    )


def _cell(num_pairs: int) -> dict[str, Any]:
    """Arguments of `spectrum.generate`."""
    return {
        "num_channels": demo_city.NUM_CHANNELS,
        "num_pairs": num_pairs,
        "follower_price_weight": demo_city.FOLLOWER_PRICE_WEIGHT,
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


def _policy_summary(data: PolicyReportData) -> str:
    """The learned policy in one line."""
    gains = [
        shown_percent(data.value(metric, data.policies[0]) or 0.0, 2)
        for metric in ("gain", "re_equilibrated_gain")
    ]
    return (
        f"learned prices, local and late channel state: {gains[0]} of what pricing is "
        f"worth at the equilibrium ({gains[1]} once followers answer best)"
    )


def _summary(data: ReportData) -> list[str]:
    """The spectrum half in ten lines at most."""
    from stackelberg.report.spectrum.cellular import (
        below_sentence,
        sacrifice_sentences,
        sinr_sentence,
    )

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
    users = data.cellular
    return [*lines, sinr_sentence(users), below_sentence(users), *given_up]


def _against(other: MethodRecord, best: MethodRecord) -> str:
    below = 1.0 - other.leader_utility_bps / best.leader_utility_bps
    return (
        f"{STYLES[other.method].label} {shown_rate(other.leader_utility_bps)} "
        f"({shown_percent(below, 2)} below)"
    )


def _edge_summary(data: EdgeReportData) -> list[str]:
    """The edge half in five lines at most."""
    (record,) = data.resources
    optimum = next(way for way in record.sharings if way.sharing == "optimum")
    gap = next(row for row in data.certificate if row.name == "gap_per_user").value
    number = dict(record.limited)
    sold_out = sum(node.sold_out for node in record.nodes)
    lines = [
        f"{data.title}: {counted(record.num_nodes, 'site')}, "
        f"{counted(record.num_users, 'user')}",
        f"optimum {data.status}; proved: on average a user lacks at most "
        f"{significant(gap, 2)} nat of log utility",
        f"{sold_out} of {counted(record.num_nodes, 'site')} sold out; "
        f"{shown_percent(optimum.capacity_sold, 2)} of the capacity sold, "
        f"{shown_percent(optimum.money_spent, 2)} of the money spent",
        f"limited by budget: {counted(number['budget'], 'user')}; by capacity in "
        f"reach: {number['capacity']}; by both: {number['both']}",
    ]
    printed = record.printed
    if printed is not None:
        excess = 1.0 + max(printed.budget_violation, printed.capacity_violation)
        lines.append(
            f"printed formula: {shown_times(excess)} times over a limit; cut to the "
            f"limits, {shown_percent(printed.utility_share, 2)} of the optimal utility"
        )
    return lines
