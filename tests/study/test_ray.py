"""The Ray backend on two nodes of one machine, one of which dies in mid-study."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from study.plans import OWN, SMALL, results, write_plan

from stackelberg.study import ProcessBackend, run_missing, start_study

SCRIPT = Path(__file__).with_name("two_ray_nodes.py")

pytestmark = pytest.mark.cluster

SLEEPY_METHOD = """import time
def method(scenario, *, seed):
    time.sleep(0.3)
    return {"gain": float(scenario.gain_d2d.sum()), "leader_utility_bps": 0.1 * seed}
"""


def in_another_process(*arguments: str) -> str:
    """Ray leaves threads and sockets behind; the tests' process stays clean of them."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_processes_and_a_dying_ray_cluster_leave_the_same_files(
    tmp_path: Path,
) -> None:
    plan = write_plan(tmp_path / "plan", OWN % 12, SLEEPY_METHOD)
    study = start_study(plan, tmp_path / "processes")
    run_missing(study.cells, study.store, ProcessBackend(2))
    said = in_another_process("dying", str(plan), str(tmp_path / "ray"))
    assert "nodes 2, after one died 1" in said
    assert "done 12, failed 0" in said
    assert results(tmp_path / "ray") == results(tmp_path / "processes")
    assert len(results(tmp_path / "ray")) == 12


def test_a_ray_of_its_own_gives_the_same_bits(tmp_path: Path) -> None:
    plan = write_plan(tmp_path / "plan", SMALL)
    study = start_study(plan, tmp_path / "processes")
    run_missing(study.cells, study.store, ProcessBackend(1))
    said = in_another_process("own", str(plan), str(tmp_path / "ray"))
    assert "done 16, failed 0" in said
    assert "token token" in said
    assert "address 127.0.0.1" in said
    assert results(tmp_path / "ray") == results(tmp_path / "processes")
