"""`stackelberg learn train` and `resume`: a policy from a settings file."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stackelberg.cli import output as terminal
from stackelberg.cli.exit_codes import INPUT_WRONG
from stackelberg.cli.learn.driving import CODES, Run, drive
from stackelberg.cli.learn.telling import run_lines, say_each
from stackelberg.cli.learn.tracking import TrackerName, check_tracker, tracker_of
from stackelberg.cli.options import AsJson

if TYPE_CHECKING:
    from stackelberg.io.run_folder import RunFolder
    from stackelberg.learning import Learner

SettingsFile = Annotated[
    Path, typer.Argument(metavar="SETTINGS.toml", help="Settings of the run (TOML).")
]
RunPath = Annotated[
    Path, typer.Argument(metavar="RUN", help="Folder of a run that was begun.")
]
Track = Annotated[
    TrackerName,
    typer.Option(help="Also log to TensorBoard or MLflow (extra `track`)."),
]


def train(
    settings: SettingsFile,
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", metavar="RUN", help="Folder of the run, made if need be."
        ),
    ],
    seed: Annotated[
        int | None,
        typer.Option(help="Instead of the seed in the settings.", min=0, max=2**32 - 1),
    ] = None,
    track: Track = "none",
    as_json: AsJson = False,
) -> int:
    """Train a policy: settings in, log, checkpoints and one policy file out.

    Ctrl-C ends after the chunk under way, with a checkpoint, and exits with 130;
    `learn resume` goes on from there, to the same bits on a CPU. NaN ends the run at
    once, keeps the states before and after it, and exits with 3.
    """
    from stackelberg import io
    from stackelberg.io.run_folder import RunFolder
    from stackelberg.learning.settings import WrongSettings

    try:
        given = io.read_settings(settings)
    except WrongSettings as error:
        return say_each(error.errors, INPUT_WRONG)
    if seed is not None:
        training = given.training.model_copy(update={"seed": seed})
        given = replace(given, training=training)
    check_tracker(track)
    learner = given.learner(given.params())
    folder = RunFolder.new(output, given)
    try:
        with folder.locked():
            return _told(folder, learner, track, as_json)
    except BaseException:  # also Ctrl-C before the first checkpoint
        folder.discard_unbegun()
        raise


def resume(run: RunPath, track: Track = "none", as_json: AsJson = False) -> int:
    """Go on with a run from its newest checkpoint, as if it had never been ended.

    On a CPU the policy has the same bits as that of an undisturbed run. A checkpoint
    that is torn or was altered is refused.
    """
    from stackelberg.io.run_folder import RunFolder

    check_tracker(track)
    folder = RunFolder.existing(run)
    with folder.locked():
        settings = folder.settings
        learner = settings.learner(settings.params())
        return _told(folder, learner, track, as_json)


def _told(
    folder: RunFolder, learner: Learner, track: TrackerName, as_json: bool
) -> int:
    tracker = tracker_of(track, folder.path)
    try:
        reached: Run = drive(folder, learner, tracker)
    finally:
        tracker.close()
    if as_json:
        terminal.print_json({"run": str(folder.path), **asdict(reached)})
    else:
        console = terminal.console()
        for line in run_lines(folder, reached):
            console.print(line)
    return CODES[reached.ended]
