"""`stackelberg edge solve`: the fair allocation at given prices, with its proof."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stackelberg.cli import output as terminal
from stackelberg.cli.arguments import file_in_existing_folder, options_named
from stackelberg.cli.edge.answers import told_of
from stackelberg.cli.edge.folders import refuse_report_over_tables, target_folder
from stackelberg.cli.edge.options import (
    LIBRARY_NAMES,
    DropDegenerate,
    Kind,
    MarketFolder,
    Tolerance,
)
from stackelberg.cli.edge.stopping import Stopping
from stackelberg.cli.edge.words import (
    SHARE_OF,
    answer_lines,
    answer_record,
    market_record,
    market_words,
)
from stackelberg.cli.exit_codes import DONE, INTERRUPTED, NOT_REACHED
from stackelberg.cli.interruption import ending_well
from stackelberg.cli.options import AsJson, FigureFolder, ReportFile
from stackelberg.cli.pages import write_report
from stackelberg.cli.quantities import seconds_of
from stackelberg.report.numbers import counted

if TYPE_CHECKING:
    from stackelberg.edge import EdgeSolution, Market
    from stackelberg.report import EdgeReportData

WORTH_SHARING = 200_000
"""Pairs in reach from which several threads are worth their start."""


def solve(
    market: MarketFolder,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Folder for the solution, made if need be."
        ),
    ] = None,
    tolerance: Tolerance = 1e-8,
    deadline: Annotated[
        str | None,
        typer.Option(
            metavar="20s",
            help="End after this time with the best answer so far and its honest gap.",
        ),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(
            help="How many may work at once; by default as many as there are "
            "processors, for large markets. The bits do not depend on it."
        ),
    ] = None,
    drop_degenerate: DropDegenerate = False,
    kind: Kind = "csv",
    report: ReportFile = None,
    figures: FigureFolder = None,
    as_json: AsJson = False,
) -> int:
    """Share out the nodes' capacity fairly at their prices, certify it, and write it.

    Maximises the sum of the users' log utilities. Exits with 3 where --tolerance was
    not reached, by --deadline or otherwise, and with 130 after Ctrl-C; the best answer
    so far keeps every limit and is written with its honest gap all the same.
    """
    from stackelberg import io

    seconds = None if deadline is None else seconds_of("--deadline", deadline)
    if report is not None:
        file_in_existing_folder("--report", report)
        refuse_report_over_tables(report, read=market, written=output)
    if output is not None:
        target_folder("-o", output, holds="solution", inputs=[market])
    with (
        ending_well("ending with the best answer so far") as wish,
        terminal.progress_of("solving") as shown,
        told_of(market),
    ):
        stopping = Stopping(wish, seconds, shown)
        shown("reading")
        goods = io.read_market(market)
        shown(f"starting{terminal.COMPILES}")
        with options_named(LIBRARY_NAMES), terminal.timed() as watch:
            solution = _solved(goods, tolerance, threads, drop_degenerate, stopping)
        stats = _stats(solution, tolerance, stopping)
        if output is not None:
            shown("writing")
            io.write_market_solution(
                solution,
                goods,
                output,
                kind=kind,
                seconds=watch.seconds,
                market_folder=market,
                stats=stats,
            )
    record = {
        "market": str(market),
        "written": None if output is None else str(output),
        "status": solution.status.label,
        "advice": solution.status.advice,
        "iterations": solution.iterations,
        "seconds": watch.seconds,
        **stats,
        "size": market_record(goods),
        **answer_record(goods, solution.value),
        "certificate": terminal.certificate_values(solution.certificate),
    }
    if report is not None or figures is not None:
        write_report(_page(market, goods, solution), report, figures)
    if as_json:
        terminal.print_json(record)
    else:
        _print(goods, solution, record, tolerance)
    if wish.asked:
        return INTERRUPTED
    return NOT_REACHED if solution.status else DONE


def _solved(
    market: Market,
    tolerance: float,
    threads: int | None,
    drop_degenerate: bool,
    stopping: Stopping,
) -> EdgeSolution:
    from stackelberg import edge

    if threads is None:
        threads = _processors() if market.num_edges >= WORTH_SHARING else 1
    return edge.allocate(
        market,
        tolerance,
        drop_degenerate=drop_degenerate,
        stop=stopping,
        threads=threads,
    )


def _page(folder: Path, market: Market, solution: EdgeSolution) -> EdgeReportData:
    from stackelberg import report

    with terminal.progress("describing"):
        return report.edge_report_data(
            market, solution, title=f"Edge market: {folder.name}"
        )


def _processors() -> int:
    """Those that this process may use, where the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _stats(
    solution: EdgeSolution, tolerance: float, stopping: Stopping
) -> dict[str, Any]:
    """Further facts of the solve, for the file and for JSON."""
    return {
        "method": solution.stats["method"],
        "tolerance": tolerance,
        "stopped_by": stopping.stopped_by,
        "dropped_users": solution.stats["dropped_users"],
    }


def _print(
    market: Market, solution: EdgeSolution, record: dict[str, Any], tolerance: float
) -> None:
    console = terminal.console()
    steps = counted(solution.iterations, "step")
    console.print(
        f"{record['market']}: {record['status']}, {steps} by {record['method']}"
    )
    console.print(f"  {terminal.advice_at(solution.status, tolerance)}")
    if record["stopped_by"] is not None:
        console.print(f"  ended early by {_EARLY[record['stopped_by']]}")
    console.print(f"  {market_words(market)}")
    for line in answer_lines(market, record):
        console.print(f"  {line}")
    dropped = record["dropped_users"]
    if dropped:
        console.print(f"  left out: {counted(len(dropped), 'degenerate user')}")
    console.print(terminal.certificate_table(solution.certificate, share_of=SHARE_OF))
    if record["written"] is not None:
        console.print(f"written: {record['written']}")
    console.print(
        f"{record['seconds']:.2f} s to solve and certify, compilation included"
    )


_EARLY = {"deadline": "the deadline", "interrupt": "Ctrl-C"}
