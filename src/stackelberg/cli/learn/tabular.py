"""`stackelberg learn tabular`: a game in tables, solved exactly and learnt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from stackelberg.cli import output as terminal
from stackelberg.cli.arguments import (
    file_in_existing_folder,
    options_named,
    refuse_overwriting,
)
from stackelberg.cli.exit_codes import DONE, NOT_REACHED
from stackelberg.cli.options import AsJson, ReportFile, Seed
from stackelberg.cli.pages import check_report, write_report
from stackelberg.errors import ConfigError, DomainError

if TYPE_CHECKING:
    from stackelberg.learning import TabularGame

Example = Literal[
    "cycle", "exogenous", "myopic", "team", "zero-sum", "strict-gaps", "general"
]

_OPTIONS = {
    "choice": "--choice",
    "steps": "--steps",
    "exponent": "--exponent",
    "seed": "--seed",
    "tolerance": "--tolerance",
}
"""Argument of the library -> option here, for errors."""

_MOST_STATES = 20
"""States told on the terminal; a report tells more."""


def tabular(
    game: Annotated[
        Path | None, typer.Argument(metavar="GAME", help="Tabular game (JSON).")
    ] = None,
    choice: Annotated[
        Literal["strong", "weak"],
        typer.Option(help="Followers break ties for the leader, or against it."),
    ] = "strong",
    steps: Annotated[int, typer.Option(help="Sampled transitions.")] = 1_000_000,
    exponent: Annotated[
        float, typer.Option(help="w of the learning rate 1/n^w, in (.5, 1].")
    ] = 0.65,
    seed: Seed = 0,
    tolerance: Annotated[
        float,
        typer.Option(
            help="Of what is learnt: residual and regrets over the rewards' span."
        ),
    ] = 0.05,
    report: ReportFile = None,
    example: Annotated[
        Example | None,
        typer.Option(help="Write an example game with -o and --seed; solve nothing."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Of --example.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Solve a game in tables exactly, learn it by ST-Q, and say whether both agree.

    Exits with 3 where value iteration or learning did not converge; both results are
    printed all the same.
    """
    if example is not None:
        return _write_example(example, seed, game, output, as_json)
    if game is None:
        raise ConfigError("GAME", expected="a tabular game", got="nothing")
    if output is not None:
        raise ConfigError("-o", expected="--example beside it", got=str(output))
    if not 0.0 < tolerance < float("inf"):
        raise DomainError("--tolerance", expected="a number > 0", got=tolerance)
    check_report(report, None)
    refuse_overwriting([game], {"--report": [report]})
    from stackelberg import io
    from stackelberg.learning import StqSettings, iterate_values, learn_stq

    with options_named(_OPTIONS):
        settings = StqSettings(steps=steps, exponent=exponent, seed=seed)
    solved = io.read_tabular_game(game)
    with (
        terminal.timed() as watch,
        terminal.progress_of(f"solving{terminal.COMPILES}") as started,
    ):
        exact = iterate_values(solved, choice)
        started("learning")
        learnt = learn_stq(solved, choice, settings=settings, tolerance=tolerance)
    if report is not None:
        from stackelberg.report import tabular_report_data

        page = tabular_report_data(solved, exact, learnt, title=f"ST-Q: {game.stem}")
        write_report(page, report, None)
    if as_json:
        terminal.print_json(
            {
                "game": str(game),
                "choice": choice,
                "seconds": watch.seconds,
                "exact": _as_json(exact),
                "learnt": _as_json(learnt),
            }
        )
    else:
        _print(solved, exact, learnt, tolerance)
    return DONE if max(exact.status, learnt.status) == 0 else NOT_REACHED


def _write_example(
    example: Example, seed: int, game: Path | None, output: Path | None, as_json: bool
) -> int:
    if game is not None:
        raise ConfigError(
            "GAME", expected="nothing beside --example (use -o)", got=str(game)
        )
    if output is None:
        raise ConfigError("-o", expected="a file for --example", got="nothing")
    file_in_existing_folder("-o", output)
    from stackelberg import io
    from stackelberg.learning import cycle_game, random_game

    with options_named(_OPTIONS):
        made: TabularGame = (
            cycle_game() if example == "cycle" else random_game(example, seed=seed)
        )
    io.write_tabular_game(made, output)
    if as_json:
        terminal.print_json({"example": example, "seed": seed, "written": str(output)})
    else:
        terminal.console().print(f"{output}: {example}, {made.num_states} states")
    return DONE


def _as_json(solution: Any) -> dict[str, Any]:
    stats = {k: v for k, v in solution.stats.items() if k != "history"}
    return {
        "status": solution.status.label,
        "iterations": solution.iterations,
        **stats,
        "leader_action": solution.value.leader_action.tolist(),
        "follower_action": solution.value.follower_action.tolist(),
        "state_value": solution.value.state_value.tolist(),
        "certificate": terminal.certificate_values(solution.certificate),
        "history": [vars(row) for row in solution.stats["history"]],
    }


def _print(game: TabularGame, exact: Any, learnt: Any, tolerance: float) -> None:
    from stackelberg.report.learning.tabular import (
        TABULAR_SHARE_OF,
        ending,
        outcome_sentence,
        state_records,
    )

    screen = terminal.console()
    told = terminal.table(
        None, "", "status", "sweeps, steps", "residual", "late flips", text=2
    )
    for name, found in (("value iteration", exact), ("ST-Q", learnt)):
        told.add_row(
            name,
            ending(found),
            f"{found.iterations:,}",
            f"{found.certificate.residual:.3g}",
            str(found.stats["flips"]),
        )
    screen.print(told)
    screen.print(outcome_sentence(exact, learnt))
    states = terminal.table(
        "leader; followers", "state", "exact", "learnt", "leader's value", text=3
    )
    rows = state_records(game, exact.value, learnt.value)
    for row in rows[:_MOST_STATES]:
        states.add_row(row.state, row.exact, row.learnt, f"{row.learnt_value:.4g}")
    screen.print(states)
    if len(rows) > _MOST_STATES:
        screen.print(f"and {len(rows) - _MOST_STATES} more states")
    screen.print(
        terminal.certificate_table(
            learnt.certificate,
            title="certificate of the learnt tables",
            share_of=TABULAR_SHARE_OF,
        )
    )
    screen.print(terminal.advice_at(learnt.status, tolerance))
