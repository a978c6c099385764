"""`stackelberg learn evaluate`: a trained policy beside what needs no training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stackelberg.cli import output as terminal
from stackelberg.cli.arguments import refuse_overwriting
from stackelberg.cli.learn.demo_policy import SHIPPED, shipped_policy
from stackelberg.cli.learn.judging import decisions_per_second
from stackelberg.cli.learn.telling import METRIC_ROWS, shown_metric
from stackelberg.cli.options import AsJson, FigureFolder, ReportFile
from stackelberg.cli.pages import check_report, write_report

if TYPE_CHECKING:
    from rich.table import Table

    from stackelberg.io import TrainedPolicy
    from stackelberg.learning.evaluation import Evaluation
    from stackelberg.learning.settings import RunSettings


_EPISODES = 16
"""Where neither the settings nor the command say how many."""


def evaluate(
    policy: Annotated[
        Path,
        typer.Argument(
            metavar="POLICY|RUN|shipped", help="A policy file, or the folder of a run."
        ),
    ],
    episodes: Annotated[
        int | None, typer.Option(min=1, help="By default as in its settings.")
    ] = None,
    slots: Annotated[
        int | None, typer.Option(min=1, help="Of each episode; likewise.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=2**32 - 1, help="Of the episodes; likewise."),
    ] = None,
    pairs: Annotated[
        int | None, typer.Option(min=1, help="Number of pairs; likewise.")
    ] = None,
    channels: Annotated[
        int | None, typer.Option(min=1, help="Number of channels; likewise.")
    ] = None,
    alone: Annotated[
        bool, typer.Option("--alone", help="Leave out the policies to compare with.")
    ] = False,
    report: ReportFile = None,
    figures: FigureFolder = None,
    as_json: AsJson = False,
) -> int:
    """Judge a policy on given episodes, beside what needs no training.

    That is silence, random, full power, and the conjectural equilibrium: the prices
    that would be best, as far as the leader's observations tell, if no pair's noise
    and interference moved.

    All policies meet the same worlds, slot by slot, and each slot's equilibrium with
    full information is solved beside them: its gain is 1 and its regrets are 0. The
    policy may be run in cells of other sizes than it was trained in.
    """
    from stackelberg.learning.evaluation import evaluate as judged
    from stackelberg.learning.simple_policies import SIMPLE
    from stackelberg.report import policy_report_data

    check_report(report, figures)
    if report is not None:
        refuse_overwriting(files_of(policy), {"--report": [report]})
    with terminal.progress_of("evaluating") as shown:
        shown("reading")
        trained = read_trained(policy)
        settings = _asked(trained.settings, episodes, slots, seed, pairs, channels)
        params, on = settings.params(), settings.evaluation
        episodes = on.episodes or _EPISODES
        found: dict[str, Evaluation] = {}
        policies = {"policy": trained.policy} | ({} if alone else SIMPLE)
        for name, one in policies.items():
            shown(f"{name}{terminal.COMPILES}")
            found[name] = judged(
                one, params, seed=on.seed, episodes=episodes, slots=on.slots
            )
        shown("timing")
        speed = decisions_per_second(trained.policy, params, seed=on.seed)
    if report is not None or figures is not None:
        page = policy_report_data(
            found,
            title=f"Policy: {policy.name}",
            trained=_training_of(trained),
            decisions_per_second=speed,
        )
        write_report(page, report, figures)
    if as_json:
        terminal.print_json(
            {
                "policy": str(policy),
                "provenance": trained.provenance,
                "environment": {
                    "num_channels": params.num_channels,
                    "num_pairs": params.num_pairs,
                },
                "evaluation": {**on.model_dump(), "episodes": episodes},
                "metrics": {name: one.metrics() for name, one in found.items()},
                "by_episode": {name: one.by_episode() for name, one in found.items()},
                "decisions_per_second": speed,
            }
        )
        return 0
    console = terminal.console()
    console.print(
        f"{policy}: {_training_of(trained)}; {params.num_channels} channels, "
        f"{params.num_pairs} pairs, {episodes} episodes of {on.slots} slots"
    )
    console.print(metric_table({name: one.metrics() for name, one in found.items()}))
    console.print(
        "gain: 0 earns nothing by pricing, 1 as much as the equilibrium of each slot "
        "with full information; re-equilibrated: once followers play best answers at "
        "the same prices; conjectural: the equilibrium on the same information. A "
        "gain above 1 is earned from followers who answer badly "
        "(see their regret), not by better prices. Regrets and outage in %, rates in "
        "Mbit/s."
    )
    console.print(f"{speed:.3g} decisions per second, one for all pairs of a slot")
    return 0


def files_of(policy: Path) -> list[Path]:
    """What a policy is read from: its file, or every file in its run's folder."""
    if not policy.is_dir():
        return [policy]
    return [path for path in policy.rglob("*") if path.is_file()]


def read_trained(path: Path) -> TrainedPolicy:
    """The policy in a file, or of a run: its last, or that of its newest checkpoint.

    The word ``shipped`` stands for the one that comes with the package.

    Raises:
        InputError: there is none, or it is broken, in one line.
    """
    from stackelberg import io
    from stackelberg.learning.training import state_structure

    if str(path) == SHIPPED and not path.exists():
        return shipped_policy()
    if not path.is_dir():
        return io.read_policy(path)
    folder = io.RunFolder.existing(path)
    if folder.policy_file.exists():
        return io.read_policy(folder.policy_file)
    learner = folder.settings.learner(folder.settings.params())
    saved = folder.saved(state_structure(learner))
    if saved is None:
        return io.read_policy(folder.policy_file)  # says that there is none
    told: dict[str, object] = {"env_steps": saved.env_steps, "seconds": saved.seconds}
    return io.TrainedPolicy(learner.policy(saved.state), folder.settings, told)


def _training_of(trained: TrainedPolicy) -> str:
    """By what method, and for how long as far as the file says."""
    steps = trained.provenance.get("env_steps")
    told = f"{steps:,}" if isinstance(steps, int) else "unknown"
    return f"{trained.settings.method}, trained for {told} steps"


def _asked(
    settings: RunSettings,
    episodes: int | None,
    slots: int | None,
    seed: int | None,
    pairs: int | None,
    channels: int | None,
) -> RunSettings:
    """The settings with what the command line says instead."""
    from dataclasses import replace

    return replace(
        settings,
        evaluation=settings.evaluation.model_copy(
            update=_given(episodes=episodes, slots=slots, seed=seed)
        ),
        environment=settings.environment.model_copy(
            update=_given(num_pairs=pairs, num_channels=channels)
        ),
    )


def _given(**options: int | None) -> dict[str, int]:
    return {name: value for name, value in options.items() if value is not None}


def metric_table(metrics: dict[str, dict[str, Any]]) -> Table:
    """One row per metric, one column per policy; fits 80 columns."""
    made = terminal.table(None, "", *(name.replace("_", " ") for name in metrics))
    for metric, (row, factor, unit) in METRIC_ROWS.items():
        values = [one[metric] for one in metrics.values()]
        if any(value is not None for value in values):
            name = f"{row} %" if unit == "%" else row
            cells = ["-" if v is None else shown_metric(v, factor) for v in values]
            made.add_row(name, *cells)
    return made
