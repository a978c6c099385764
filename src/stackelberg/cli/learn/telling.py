"""What the commands of learning say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import typer

from stackelberg.report.numbers import significant

_ROUNDING = 1e-7
"""Metrics are ratios of float32 numbers, or in bit/s: less than this is neither."""

if TYPE_CHECKING:
    from stackelberg.cli.learn.driving import Run
    from stackelberg.io.run_folder import RunFolder

_ENDED = {
    "done": "trained",
    "interrupted": "interrupted after a whole chunk; `learn resume` goes on",
    "nonfinite": "stopped: NaN or infinity in the metrics or in the policy",
}


def say_each(errors: Sequence[Exception], code: int) -> int:
    """One line on stderr for each error; returns `code`."""
    for error in errors:
        line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(error))
        typer.echo(f"stackelberg: {line}", err=True)
    return code


def run_lines(folder: RunFolder, run: Run) -> Iterator[str]:
    """How a run ended, for people: its last evaluation, or else its last chunk."""
    yield f"{folder.path}: {_ENDED[run.ended]}"
    asked = folder.settings.training.env_steps
    whole = f" ({asked:,} asked for, in whole chunks)" if run.env_steps > asked else ""
    yield f"  {folder.settings.method}, {run.env_steps:,} environment steps{whole}"
    if run.evaluation is not None:
        yield from _evaluation_lines(folder, run.evaluation)
    else:
        for name, value in run.metrics.items():
            yield f"  {name}: {value:.4g}"
    for path in run.written:
        yield f"written: {path}"
    yield f"{run.seconds:.1f} s, compilation included"


METRIC_ROWS: dict[str, tuple[str, float, str]] = {
    "gain": ("gain", 1.0, ""),
    "re_equilibrated_gain": ("re-equilibrated gain", 1.0, ""),
    "follower_regret": ("follower regret", 100.0, "%"),
    "leader_regret": ("leader regret", 100.0, "%"),
    "leader_utility_bps": ("leader utility", 1e-6, "Mbit/s"),
    "follower_utility_bps": ("follower utility, a pair", 1e-6, "Mbit/s"),
    "follower_reward_bps": ("follower reward, a pair", 1e-6, "Mbit/s"),
    "sum_rate_bps": ("sum rate", 1e-6, "Mbit/s"),
    "cellular_outage": ("cellular outage", 100.0, "%"),
    "deadline_misses": ("deadline misses", 100.0, "%"),
    "equilibrium_found": ("equilibrium found", 100.0, "%"),
}
"""Metric -> row, factor and unit."""


def shown_metric(value: float, factor: float) -> str:
    """A metric as people read it; what float32 cannot tell from 0 is 0."""
    return "0" if abs(value) < _ROUNDING else significant(factor * value)


def _evaluation_lines(
    folder: RunFolder, evaluation: Mapping[str, float | None]
) -> Iterator[str]:
    """Every metric of an evaluation with its unit."""
    asked = folder.settings.evaluation
    yield f"  evaluated on {asked.episodes} episodes of {asked.slots} slots:"
    for metric, (row, factor, unit) in METRIC_ROWS.items():
        value = evaluation.get(metric)
        if value is not None:
            yield f"  {row}: {shown_metric(value, factor)} {unit}".rstrip()
