"""`stackelberg edge solve`: the fair allocation at given prices, with its proof."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stackelberg.cli import output as terminal
from stackelberg.cli.arguments import options_named
from stackelberg.cli.edge.answers import read_warm_start, told_of
from stackelberg.cli.edge.folders import refuse_report_over_tables, target_folder
from stackelberg.cli.edge.options import (
    LIBRARY_NAMES,
    DropDegenerate,
    Kind,
    MarketFolder,
    SolverMethod,
    Tolerance,
)
from stackelberg.cli.edge.stopping import Stopping
from stackelberg.cli.edge.told_warm import OldAnswer, judged, warm_lines
from stackelberg.cli.edge.welfare import Alpha, UtilityText, Welfare, asked_welfare
from stackelberg.cli.edge.words import (
    SHARE_OF,
    answer_lines,
    answer_record,
    market_record,
    market_words,
    single_user_lines,
)
from stackelberg.cli.exit_codes import DONE, INTERRUPTED, NOT_REACHED
from stackelberg.cli.interruption import ending_well
from stackelberg.cli.machine import available_memory
from stackelberg.cli.options import AsJson, FigureFolder, ReportFile
from stackelberg.cli.pages import check_report, write_report
from stackelberg.cli.quantities import bytes_of, seconds_of
from stackelberg.report.numbers import counted

if TYPE_CHECKING:
    from stackelberg.edge import EdgeSolution, Market
    from stackelberg.report import EdgeReportData


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
    utility: UtilityText = "linear",
    fairness: Alpha = 1.0,
    warm_start: Annotated[
        Path | None,
        typer.Option(
            metavar="SOLUTION",
            help="Start from this solution of a market with the same nodes.",
        ),
    ] = None,
    method: SolverMethod = None,
    threads: Annotated[
        int | None,
        typer.Option(
            help="How many may work at once; by default as many as there are cores, "
            "for large markets. The bits do not depend on it."
        ),
    ] = None,
    memory_limit: Annotated[
        str | None,
        typer.Option(
            metavar="8G",
            help="Refuse to start where more is predicted to be taken beyond the "
            "market; by default what the machine has left.",
        ),
    ] = None,
    drop_degenerate: DropDegenerate = False,
    kind: Kind = "csv",
    report: ReportFile = None,
    figures: FigureFolder = None,
    as_json: AsJson = False,
) -> int:
    """Share out the nodes' capacity fairly at their prices, certify it, and write it.

    Maximises the sum of the users' log utilities, or the welfare that --utility and
    --fairness say. Exits with 3 where --tolerance was
    not reached, by --deadline or otherwise, and with 130 after Ctrl-C; the best answer
    so far keeps every limit and is written with its honest gap all the same.
    """
    from stackelberg import edge, io

    welfare = asked_welfare(utility, fairness)
    seconds = None if deadline is None else seconds_of("--deadline", deadline)
    most = None if memory_limit is None else bytes_of("--memory-limit", memory_limit)
    inputs = [market] if warm_start is None else [market, warm_start]
    check_report(report, figures)
    if report is not None:
        refuse_report_over_tables(report, read=inputs, written=output)
    if output is not None:
        target_folder("-o", output, holds="solution", inputs=inputs)
    with (
        ending_well("ending with the best answer so far") as wish,
        terminal.progress_of("solving") as shown,
        told_of(market),
    ):
        stopping = Stopping(wish, seconds, shown)
        shown("reading")
        goods = io.read_market(market)
        first = None if warm_start is None else read_warm_start(warm_start, goods)
        shown(f"starting{terminal.COMPILES}")
        old = None
        if warm_start is not None and first is not None:
            old = judged(goods, first, warm_start, welfare, drop_degenerate)
        with options_named(LIBRARY_NAMES), terminal.timed() as watch:
            solution = edge.allocate(
                goods,
                tolerance,
                **welfare.options,
                warm_start=None if first is None else first.outcome,
                method=method,
                drop_degenerate=drop_degenerate,
                stop=stopping,
                threads=threads,
                memory_limit=available_memory() if most is None else most,
            )
        stats = _stats(solution, tolerance, stopping, welfare)
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
        "predicted_bytes": solution.stats["predicted_bytes"],
        **stats,
        "size": market_record(goods),
        **answer_record(goods, solution.value, welfare),
        "warm_start": None
        if old is None
        else old.record(tolerance, stats["method"], str(solution.stats["warm_start"])),
        "certificate": terminal.certificate_values(solution.certificate),
    }
    if report is not None or figures is not None:
        write_report(_page(market, goods, solution, welfare), report, figures)
    if as_json:
        terminal.print_json(record)
    else:
        _print(goods, solution, record, tolerance, old)
    if wish.asked:
        return INTERRUPTED
    return NOT_REACHED if solution.status else DONE


def _page(
    folder: Path, market: Market, solution: EdgeSolution, welfare: Welfare
) -> EdgeReportData:
    from stackelberg import report

    with terminal.progress("describing"):
        return report.edge_report_data(
            market,
            solution,
            **welfare.options,
            title=f"Edge market: {folder.name}",
        )


def _stats(
    solution: EdgeSolution, tolerance: float, stopping: Stopping, welfare: Welfare
) -> dict[str, Any]:
    """Further facts of the solve, for the file and for JSON."""
    return {
        "method": solution.stats["method"],
        **welfare.record,
        "tolerance": tolerance,
        "stopped_by": stopping.stopped_by,
        "dropped_users": solution.stats["dropped_users"],
    }


def _print(
    market: Market,
    solution: EdgeSolution,
    record: dict[str, Any],
    tolerance: float,
    old: OldAnswer | None,
) -> None:
    from stackelberg.edge.solvers.predicted_memory import told_bytes

    console = terminal.console()
    steps = counted(solution.iterations, "step")
    console.print(
        f"{record['market']}: {record['status']}, {steps} by {record['method']}"
    )
    console.print(f"  {terminal.advice_at(solution.status, tolerance)}")
    if old is not None:
        became = str(solution.stats["warm_start"])
        took = (solution.iterations, record["method"], became)
        for line in warm_lines(old, tolerance, *took):
            console.print(f"  {line}")
    if record["stopped_by"] is not None:
        console.print(f"  ended early by {_EARLY[record['stopped_by']]}")
    if record["utility"] != "linear" or record["fairness"] != 1.0:
        console.print(f"  utility {record['utility']}, fairness {record['fairness']:g}")
    console.print(f"  {market_words(market)}")
    for line in answer_lines(market, record):
        console.print(f"  {line}")
    dropped = record["dropped_users"]
    if dropped:
        console.print(f"  left out: {counted(len(dropped), 'degenerate user')}")
    console.print(terminal.certificate_table(solution.certificate, share_of=SHARE_OF))
    for line in single_user_lines(solution.certificate, record, tolerance):
        console.print(line)
    if record["written"] is not None:
        console.print(f"written: {record['written']}")
    console.print(
        f"{record['seconds']:.2f} s to solve and certify, compilation included; "
        f"{told_bytes(record['predicted_bytes'])} predicted beyond the market"
    )


_EARLY = {"deadline": "the deadline", "interrupt": "Ctrl-C"}
