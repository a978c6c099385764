"""Kill a training run at random moments; it must end as an undisturbed one does.

    PYTHONPATH=src:tests python tests/learning/kill_training.py --kills 50

After every kill all checkpoints are read and their checksums verified. At the end the
last checkpoint, the policy and the log are compared with those of a run that nobody
disturbed, bit for bit. The tests do the same with a few kills.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from learning.tiny import TinySettings

from stackelberg import io
from stackelberg.cli.application import run
from stackelberg.io.tree_file import TreeFile
from stackelberg.learning import METHODS

SETTINGS = """
[environment]
num_channels = 2
num_pairs = 3
[method]
name = "tiny"
[training]
env_steps = {steps}
seed = 4
checkpoint_every = 20
[evaluation]
episodes = 0
"""

ROOT = Path(__file__).resolve().parents[2]


class Ordeal(NamedTuple):
    """What the kills did.

    Attributes:
        kills: processes killed.
        while_training: of these, how many after they had begun to train.
        checkpoints: read and found whole after a kill.
        parts: temporary files that kills left: writes cut in the middle.
        same: whether the run ended as the undisturbed one, bit for bit.
    """

    kills: int
    while_training: int
    checkpoints: int
    parts: int
    same: bool


def ordeal(folder: Path, kills: int, steps: int, seed: int = 0) -> Ordeal:
    """Train undisturbed, train under kills, compare."""
    settings = folder / "run.toml"
    settings.write_text(SETTINGS.format(steps=steps))
    calm, killed = folder / "calm", folder / "killed"
    here("train", settings, "-o", calm)
    draw = random.Random(seed)
    training = checkpoints = parts = 0
    for _ in range(kills):
        process = _continued(settings, killed)
        training += _kill(process, killed, draw)
        found = list((killed / "checkpoints").glob("*"))
        for path in found:
            if path.suffix == ".checkpoint":
                assert io.read_checkpoint(path).metadata["env_steps"] is not None
                checkpoints += 1
            else:
                parts += 1
    here("resume", killed)
    return Ordeal(kills, training, checkpoints, parts, same_end(calm, killed))


def here(*arguments: object) -> None:
    """Run `learn` in this process."""
    with mock.patch.dict(METHODS, tiny=TinySettings):
        assert run([str(a) for a in ("learn", *arguments, "--json")]) == 0


def same_end(one: Path, other: Path, *, log: bool = True) -> bool:
    """Whether two runs ended with the same state, policy and, if asked, log."""
    return (
        _bits(_latest(one)) == _bits(_latest(other))
        and _bits(_policy(one)) == _bits(_policy(other))
        and (not log or _log(one) == _log(other))
    )


def _latest(run: Path) -> TreeFile:
    return io.read_checkpoint(io.CheckpointFolder(run / "checkpoints").latest())


def _policy(run: Path) -> TreeFile:
    return io.read_tree_file(
        run / "trained.policy",
        file_format="stackelberg.learning.policy/1",
        wanted="a policy",
        limit=2**20,
    )


def _bits(file: TreeFile) -> list[tuple[Any, ...]]:
    return [(leaf.path, leaf.kind, leaf.data.tobytes()) for leaf in file.leaves]


def _log(run: Path) -> list[Any]:
    read = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [(line["env_steps"], line.get("metrics")) for line in read]


def _continued(settings: Path, run: Path) -> subprocess.Popen[bytes]:
    if (run / "settings.toml").exists():
        return _command("resume", run)
    return _command("train", settings, "-o", run)


def _command(*arguments: object) -> subprocess.Popen[bytes]:
    script = Path(__file__).with_name("run_tiny.py")
    paths = [str(ROOT / "src"), str(ROOT / "tests")]
    return subprocess.Popen(
        [sys.executable, str(script), "learn", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        stdout=subprocess.DEVNULL,
    )


def _kill(process: subprocess.Popen[bytes], run: Path, draw: random.Random) -> bool:
    """Kill -9 at a random moment, most often soon after training has begun."""
    before = _size(run)
    if draw.random() < 0.1:  # while it still loads or reads
        time.sleep(draw.uniform(0.0, 2.0))
    else:
        while process.poll() is None and _size(run) <= before:
            time.sleep(0.002)
        time.sleep(draw.uniform(0.0, 0.3))
    begun = _size(run) > before
    process.send_signal(signal.SIGKILL)
    process.wait()
    return begun


def _size(run: Path) -> int:
    log = run / "log.jsonl"
    return log.stat().st_size if log.exists() else 0


def main() -> None:
    """Kill as often as asked and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--steps", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = ordeal(Path(folder), asked.kills, asked.steps, asked.seed)
    print(found)
    sys.exit(0 if found.same else 1)


if __name__ == "__main__":
    main()
