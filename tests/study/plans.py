"""Small plans, and cells that misbehave on purpose."""

from __future__ import annotations

from pathlib import Path

HEAD = 'format = "stackelberg.study.plan/1"\ntitle = "t"\n'

SMALL = (
    HEAD
    + """seeds = 4
[[scenario]]
name = "cell"
kind = "spectrum"
generate = { num_channels = 2 }
sweep = { num_pairs = [2, 3] }
[[method]]
name = "full_power"
[[method]]
name = "random"
"""
)

OWN = (
    HEAD
    + """seeds = %d
[[scenario]]
name = "cell"
kind = "spectrum"
generate = { num_channels = 2, num_pairs = 2 }
[[method]]
name = "mine"
file = "mine.py:method"
"""
)

SLOW_METHOD = """import time
def method(scenario, *, seed):
    time.sleep(0.02)
    return {"gain": float(scenario.gain_d2d.sum()), "leader_utility_bps": 0.1 * seed}
"""

BROKEN_METHOD = """def method(scenario, *, seed):
    if seed == 1:
        raise ValueError("seed 1 is\\nunlucky")
    return {"gain": float(seed)}
"""

DEADLY_METHOD = """import os, signal
def method(scenario, *, seed):
    if seed == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"gain": float(seed)}
"""


def write_plan(folder: Path, text: str, method: str = "") -> Path:
    """A plan file, and beside it the user's own method."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plan.toml").write_text(text)
    if method:
        (folder / "mine.py").write_text(method)
    return folder / "plan.toml"


def results(folder: Path) -> dict[str, bytes]:
    """Every result file of a study by its name: what must be equal bit for bit."""
    return {path.name: path.read_bytes() for path in folder.glob("results/*/*.json")}
