"""The loop of a training run: chunk, log, checkpoint, look, go on or end."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from stackelberg.cli.exit_codes import DONE, INTERRUPTED, NOT_REACHED
from stackelberg.cli.interruption import ending_well
from stackelberg.cli.learn.progress import shown_progress
from stackelberg.cli.learn.room import refuse_without_room
from stackelberg.cli.learn.tracking import Tracker

if TYPE_CHECKING:
    from stackelberg.io.run_folder import RunFolder, Saved
    from stackelberg.learning import Learner
    from stackelberg.learning.training import Chunk

Ended = Literal["done", "interrupted", "nonfinite"]

CODES: dict[Ended, int] = {
    "done": DONE,
    "interrupted": INTERRUPTED,
    "nonfinite": NOT_REACHED,
}


@dataclass
class Run:
    """What a run reached.

    Attributes:
        ended: why it stopped.
        env_steps: done so far, earlier parts of a resumed run included.
        seconds: these took.
        metrics: of the last chunk.
        evaluation: the last one, if there was any.
        written: files that a reader may want now.
    """

    ended: Ended
    env_steps: int
    seconds: float
    metrics: dict[str, float]
    evaluation: dict[str, Any] | None
    written: list[str]


def drive(folder: RunFolder, learner: Learner, tracker: Tracker) -> Run:
    """Begin or continue the run of a folder until its steps are done.

    The first Ctrl-C ends it after the chunk that is under way, with a checkpoint; so
    does NaN, with the state before and after the chunk that met it.
    """
    with (
        ending_well("ending after this chunk, with a checkpoint") as wish,
        shown_progress(learner.name, folder.settings.training.env_steps) as shown,
    ):
        driver = _Driver(folder, learner, tracker, lambda: wish.asked, shown)
        return driver.run()


class _Driver:
    def __init__(
        self,
        folder: RunFolder,
        learner: Learner,
        tracker: Tracker,
        stop: Callable[[], bool],
        shown: Callable[[int, str], None],
    ) -> None:
        self._folder = folder
        self._learner = learner
        self._tracker = tracker
        self._stop = stop
        self._shown = shown
        self._begun = time.monotonic()
        self._at = 0  # steps of the newest checkpoint
        self._evaluation: dict[str, Any] | None = None

    def run(self) -> Run:
        from stackelberg.learning.training import chunks

        training = self._folder.settings.training
        self._shown(0, "compiling")
        saved = self._start()
        env_steps, metrics = saved.env_steps, self._noted("chunk")
        self._evaluation = self._noted("evaluation") or None
        chunk: Chunk | None = None
        for chunk in chunks(
            self._learner, saved.state, env_steps, until=training.env_steps
        ):
            env_steps = chunk.env_steps
            metrics = {name: float(value) for name, value in chunk.metrics.items()}
            self._note(env_steps, metrics)
            if not chunk.finite:
                return self._nonfinite(chunk, metrics)
            self._look(chunk)
            if self._stop():
                break
            if self._crossed(env_steps, training.checkpoint_every):
                self._save(chunk)
        ended: Ended = "done" if env_steps >= training.env_steps else "interrupted"
        if chunk is not None:
            self._save(chunk)
        state = saved.state if chunk is None else chunk.state
        return self._close(ended, state, env_steps, metrics)

    def _start(self) -> Saved:
        """The newest checkpoint, or the state before the first chunk, saved."""
        from stackelberg.io.run_folder import Saved
        from stackelberg.learning.training import start_key, state_structure

        structure = state_structure(self._learner)
        refuse_without_room(structure)
        self._folder.tidy()
        saved = self._folder.saved(structure)
        if saved is None:
            key = start_key(self._folder.settings.training.seed)
            saved = Saved(self._learner.start(key), 0, 0.0)
            self._folder.save(*saved)
        self._folder.cut_log(saved.env_steps)
        self._begun = time.monotonic() - saved.seconds
        self._at = saved.env_steps
        return saved

    def _noted(self, kind: str) -> dict[str, Any]:
        """The metrics of the last line of this kind in the log."""
        lines = [line for line in self._folder.log() if line["kind"] == kind]
        return cast("dict[str, Any]", lines[-1]["metrics"]) if lines else {}

    def _note(self, env_steps: int, metrics: dict[str, float]) -> None:
        line = {"kind": "chunk", "env_steps": env_steps, "seconds": self._seconds}
        self._folder.note({**line, "metrics": metrics})
        self._tracker.log(env_steps, metrics)
        told = ", ".join(f"{name} {metrics[name]:.4g}" for name in list(metrics)[:3])
        self._shown(env_steps, told)

    def _look(self, chunk: Chunk) -> None:
        """Evaluate where it is time; the state is left as it is."""
        training = self._folder.settings.training
        every, last = training.evaluate_every, chunk.env_steps >= training.env_steps
        due = last or (every and self._crossed(chunk.env_steps, every))
        if due and self._folder.settings.evaluation.episodes:
            from stackelberg.cli.learn.judging import judge

            policy = self._learner.policy(chunk.state)
            self._evaluation = judge(policy, self._folder.settings)
            self._folder.note(
                {
                    "kind": "evaluation",
                    "env_steps": chunk.env_steps,
                    "seconds": self._seconds,
                    "metrics": self._evaluation,
                }
            )
            self._tracker.log(chunk.env_steps, self._evaluation, "evaluation/")

    def _crossed(self, env_steps: int, every: int) -> bool:
        """Whether this chunk passed a multiple of `every`."""
        before = env_steps - self._learner.env_steps_per_chunk
        return env_steps // every > before // every

    def _save(self, chunk: Chunk) -> None:
        if chunk.env_steps > self._at:
            self._folder.note(
                {"kind": "checkpoint", "env_steps": chunk.env_steps}, to_disk=True
            )
            self._folder.save(chunk.state, chunk.env_steps, self._seconds)
            self._at = chunk.env_steps

    def _nonfinite(self, chunk: Chunk, metrics: dict[str, float]) -> Run:
        """Keep what met NaN: the state after it, and before it, which is played again.

        The chunk used up the state before it, so that is found again from the newest
        checkpoint; on a CPU it is the same, bit for bit.
        """
        from stackelberg.learning.training import chunks, state_structure

        folder = self._folder
        saved = folder.saved(state_structure(self._learner))
        before = None if saved is None else saved.state
        until = chunk.env_steps - self._learner.env_steps_per_chunk
        if saved is not None and saved.env_steps < until:
            for again in chunks(
                self._learner, saved.state, saved.env_steps, until=until
            ):
                before = again.state
        kept = folder.save_nonfinite(before, chunk.state, chunk.env_steps)
        folder.note({"kind": "nonfinite", "env_steps": chunk.env_steps}, to_disk=True)
        written = [str(path) for path in kept]
        return Run("nonfinite", chunk.env_steps, self._seconds, metrics, None, written)

    def _close(
        self, ended: Ended, state: Any, env_steps: int, metrics: dict[str, float]
    ) -> Run:
        from stackelberg import __version__, io

        folder = self._folder
        provenance: dict[str, object] = {
            "code_version": __version__,
            "method": self._learner.name,
            "seed": folder.settings.training.seed,
            "env_steps": env_steps,
            "seconds": self._seconds,
            "metrics": metrics,
            "evaluation": self._evaluation,
        }
        io.write_policy(
            folder.policy_file, self._learner.policy(state), folder.settings, provenance
        )
        return Run(
            ended,
            env_steps,
            self._seconds,
            metrics,
            self._evaluation,
            [str(folder.policy_file)],
        )

    @property
    def _seconds(self) -> float:
        return round(time.monotonic() - self._begun, 3)
