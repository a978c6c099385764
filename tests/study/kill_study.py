"""Kill a study at random moments; it must end as an undisturbed one does.

    PYTHONPATH=src:tests python tests/study/kill_study.py studies/quick.toml --kills 20

After every kill all results so far are compared with those of a run that nobody
disturbed, bit for bit, and so are all of them at the end. The tests do the same with a
few kills.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from study.plans import results

from stackelberg.study import ProcessBackend, open_study, run_missing, start_study

ROOT = Path(__file__).resolve().parents[2]

LONGEST_WAIT_S = 120.0
"""For the next result before a kill that is to come after one."""


class Ordeal(NamedTuple):
    """What the kills did.

    Attributes:
        kills: processes killed.
        at_work: of these, how many after their first new result.
        compared: results that were read after a kill, each whole and as undisturbed.
        parts: temporary files that kills left: writes cut in the middle.
        cells: of the study, all done in the end.
        same: whether it ended with the results of the undisturbed run, bit for bit.
    """

    kills: int
    at_work: int
    compared: int
    parts: int
    cells: int
    same: bool


def ordeal(
    plan: Path, folder: Path, kills: int, *, after_s: float = 1.0, jobs: int = 2
) -> Ordeal:
    """Run undisturbed, run under kills, compare.

    Args:
        plan: its file.
        folder: for both studies.
        kills: how many; every third at any moment from the process's start on, the
            others up to `after_s` after a new result.
        after_s: see `kills`.
        jobs: cells at a time.
    """
    calm, killed = folder / "calm", folder / "killed"
    finish(plan, calm, jobs)
    expected = results(calm)
    draw = random.Random(6)
    at_work = compared = parts = ended = 0
    for number in range(kills):
        process = _continued(plan, killed, jobs)
        if number % 3 == 2:
            time.sleep(draw.uniform(0.0, 5.0 * after_s))
        else:
            at_work += _new_result(process, killed)
            time.sleep(draw.uniform(0.0, after_s))
        if process.poll() is not None:
            ended += 1  # nothing was left to kill
        process.send_signal(signal.SIGKILL)
        process.wait()
        found = results(killed)
        assert all(expected[name] == content for name, content in found.items())
        compared += len(found)
        parts += len(list(killed.rglob("*.part*")))
    cells = finish(plan, killed, jobs)
    return Ordeal(
        kills - ended, at_work, compared, parts, cells, results(killed) == expected
    )


def finish(plan: Path, output: Path, jobs: int) -> int:
    """Run what is missing in this process; how many cells are done then."""
    made = start_study(plan, output)
    study = open_study(made.store.folder)
    return len(run_missing(study.cells, study.store, ProcessBackend(jobs)).done)


def _continued(plan: Path, output: Path, jobs: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "stackelberg.cli", "study", "run", str(plan)]
    return subprocess.Popen(
        [*command, "-o", str(output), "-j", str(jobs)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )


def _new_result(process: subprocess.Popen[bytes], output: Path) -> bool:
    """Wait for one result more; whether one came."""
    before, until = _count(output), time.monotonic() + LONGEST_WAIT_S
    while process.poll() is None and time.monotonic() < until:
        if _count(output) > before:
            return True
        time.sleep(0.005)
    return False


def _count(output: Path) -> int:
    return sum(1 for _ in output.glob("results/*/*.json"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("plan", type=Path)
    parser.add_argument("--kills", type=int, default=20)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        print(ordeal(asked.plan, Path(made), asked.kills))
