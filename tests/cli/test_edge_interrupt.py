"""Ctrl-C by a real signal: from elsewhere to a process, or by this one to itself."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cli.command import CommandLine
from cli.edge_markets import contents, market_in, solution_in

from stackelberg import edge, io
from stackelberg.cli.edge.stopping import Stopping
from stackelberg.cli.interruption import ending_well

MARKET = edge.generate(seed=1, num_users=60, num_nodes=6, radius_m=300.0)

SLOW = """
import sys, time
from stackelberg.cli import application
from stackelberg.cli.edge import stopping

class Slow(stopping.Stopping):
    def __call__(self, step, gap_per_user):
        self.wait(step)
        return super().__call__(step, gap_per_user)

    def at_step(self, step):
        self.wait(step)
        return super().at_step(step)

    def wait(self, step):
        if step >= {step} and not self._interruption.asked:
            print("waiting", flush=True)
            end = time.monotonic() + 60.0
            while not self._interruption.asked and time.monotonic() < end:
                time.sleep(0.01)
            {then}

import stackelberg.cli.edge.price, stackelberg.cli.edge.solve
for command in ("price", "solve"):
    sys.modules["stackelberg.cli.edge." + command].Stopping = Slow
sys.exit(application.run(sys.argv[1:]))
"""
"""The command line, waiting for Ctrl-C at one step of the work."""


def interrupted(*arguments: object, step: int, then: str = "pass", signals: int = 1):
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW.format(step=step, then=then), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    for _ in range(signals):
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.fixture
def interrupts_itself(
    stackelberg: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """As `interrupted`, in this process, which signals itself at the step."""

    def ended(*arguments: object, step: int) -> tuple[int, str, str]:
        first = step

        class Signalled(Stopping):
            def __call__(self, step: int, gap_per_user: float) -> bool:
                self.interrupt(step)
                return super().__call__(step, gap_per_user)

            def at_step(self, step: int) -> bool:
                self.interrupt(step)
                return super().at_step(step)

            def interrupt(self, step: int) -> None:
                if step >= first and not self._interruption.asked:
                    signal.raise_signal(signal.SIGINT)

        for command in ("price", "solve"):
            module = importlib.import_module(f"stackelberg.cli.edge.{command}")
            monkeypatch.setattr(module, "Stopping", Signalled)
        told = stackelberg(*arguments)
        return told.code, told.out, told.err

    return ended


@pytest.mark.parametrize(("step", "by_itself"), [(0, True), (4, False)])
def test_ctrl_c_leaves_the_best_feasible_answer_on_disk(
    tmp_path: Path,
    interrupts_itself: Callable[..., tuple[int, str, str]],
    step: int,
    by_itself: bool,
) -> None:
    ended = interrupts_itself if by_itself else interrupted
    city = market_in(tmp_path / "city", MARKET)
    target = tmp_path / "out"
    code, out, err = ended("edge", "solve", city, "-o", target, step=step)
    assert code == 130
    assert "ended early by Ctrl-C" in out
    assert "Traceback" not in err
    assert "ending with the best answer so far; Ctrl-C again ends at once" in err
    assert err.endswith("stackelberg: interrupted; what was finished is on disk\n")
    read = io.read_market_solution(target, MARKET)
    assert read.stats["stopped_by"] == "interrupt"
    assert read.iterations == step
    assert read.capacity_shadow_price is not None
    assert read.budget_shadow_price is not None
    proof = edge.certify(
        MARKET, read.allocation, read.capacity_shadow_price, read.budget_shadow_price
    )
    assert proof.worst_violation == 0.0
    assert proof.gap_per_user == read.gap_per_user
    assert proof.gap_per_user < (10.0 if step == 0 else 0.5)


def test_a_second_ctrl_c_ends_at_once_and_leaves_the_old_answer(tmp_path: Path) -> None:
    city = market_in(tmp_path / "city", MARKET)
    target = solution_in(tmp_path / "out", city)
    before = contents(target)
    code, out, err = interrupted(
        "edge", "solve", city, "-o", target, step=2, then="time.sleep(30)", signals=2
    )
    assert code == 130
    assert out == ""
    assert "Traceback" not in err
    assert contents(target) == before


@pytest.mark.parametrize(
    ("concept", "options", "step", "by_itself"),
    [
        ("equilibrium", ("--elasticity", 3), 3, False),
        ("operator", ("--elasticity", 3), 7, True),
        ("operator", (), 0, True),
        ("clearing", None, 4, True),
    ],
)
def test_ctrl_c_leaves_the_best_prices_on_disk(
    tmp_path: Path,
    interrupts_itself: Callable[..., tuple[int, str, str]],
    concept: str,
    options: tuple[object, ...] | None,
    step: int,
    by_itself: bool,
) -> None:
    ended = interrupts_itself if by_itself else interrupted
    city = market_in(tmp_path / "city", MARKET)
    target = tmp_path / "out"
    limits = () if options is None else (*options, "--cost", "0.5x", "--price-cap", 9)
    code, out, err = ended(
        "edge", "price", city, "--concept", concept, *limits, "-o", target, "--json",
        step=step,
    )  # fmt: skip
    assert code == 130
    assert "Traceback" not in err
    assert "ending with the best prices so far; Ctrl-C again ends at once" in err
    assert err.endswith("stackelberg: interrupted; what was finished is on disk\n")
    told = json.loads(out)
    assert told["stopped_by"] == "interrupt"
    price = io.read_market(target).price
    own = [np.nan if p is None else p for p in told["nodes"]["price"]]
    assert np.array_equal(price, np.where(np.isnan(own), MARKET.price, own))
    if concept == "equilibrium":
        assert told["status"] == "max_iterations"
        proof = edge.certify_prices(
            MARKET, price, elasticity=3.0, cost=0.5 * MARKET.price, price_cap=9.0
        )
        claimed = told["certificate"]["relative_regret"]
        assert claimed == pytest.approx(proof.relative_regret.max(), rel=1e-6)
        assert 1e-6 < claimed <= 1.0
    if concept == "clearing":
        assert told["iterations"] == step
        assert 1e-8 < told["certificate"]["gap_per_money"] < 1.0
    if concept == "operator":
        assert told["certificate"]["capacity_excess"] <= 1e-9
        assert 0.0 <= told["certificate"]["gap"] < 1.0


def test_ctrl_c_is_as_ever_afterwards_and_off_the_main_thread() -> None:
    before = signal.getsignal(signal.SIGINT)
    with ending_well("ending") as wish:
        assert signal.getsignal(signal.SIGINT) is not before
        signal.raise_signal(signal.SIGINT)
        assert wish.asked
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGINT) is before
    asked: list[bool] = []

    def elsewhere() -> None:
        with ending_well("ending") as wish:
            asked.append(wish.asked)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert asked == [False]
