from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli.command import CommandLine, assert_refused
from study.plans import HEAD, OWN, write_plan

from stackelberg import edge, spectrum
from stackelberg.errors import ConfigError
from stackelberg.study import open_study
from stackelberg.study.cases import build
from stackelberg.study.methods.own import run_own

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def test_the_example_adds_a_third_method(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    source = EXAMPLES / "own_study_method.py"
    assert len(source.read_text().splitlines()) < 30
    for path in (source, source.with_suffix(".toml")):
        shutil.copy(path, tmp_path)
    plan = tmp_path / "own_study_method.toml"
    ended = stackelberg("study", "run", plan, "-o", tmp_path / "out", "-j", "1")
    assert ended.code == 0, ended.err
    study = open_study(tmp_path / "out")
    own = [cell for cell in study.cells if cell.play.name == "half_power"]
    assert len(own) == 8
    for cell in own:
        metrics = study.store.result(cell.address)["metrics"]
        assert metrics["follower_regret"] < 1e-9
        assert 0.0 < metrics["gain"] <= 1.0
        assert metrics["bilevel_gap"] >= 0.0
        assert isinstance(build(cell.case, cell.seed), spectrum.Scenario)


def test_own_amounts_are_cut_to_the_limits_and_certified() -> None:
    market = edge.generate(seed=0, num_users=20, num_nodes=5, nearest=3)

    def everything(market: edge.Market, *, seed: int) -> object:
        return market.weight * 1e6

    found = run_own(everything, "all", market, 0, {}).metrics
    assert found["violation"] is not None
    assert found["violation"] > 1.0
    assert found["utility_share"] is not None
    assert 0.0 < found["utility_share"] < 1.0

    def best(market: edge.Market, *, seed: int) -> object:
        return edge.allocate(market).value.allocation

    exact = run_own(best, "best", market, 0, {}).metrics
    assert exact["utility_share"] == pytest.approx(1.0, abs=1e-9)
    assert exact["gap_per_user"] is not None
    assert exact["gap_per_user"] < 1e-7


def test_what_is_no_answer_is_refused() -> None:
    cell = spectrum.generate(seed=0, num_channels=2, num_pairs=2, channel="random")
    with pytest.raises(ValueError, match="reuse_price: expected"):
        run_own(lambda problem, seed: np.ones(5), "m", cell, 0, {})
    with pytest.raises(ValueError, match="m: gain: expected a number or None"):
        run_own(lambda problem, seed: {"gain": "high"}, "m", cell, 0, {})


def test_a_function_without_a_seed_is_refused(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    text = (
        HEAD
        + 'seeds = 1\n[[scenario]]\nname = "m"\nkind = "edge"\n'
        + "generate = { num_users = 9, num_nodes = 3 }\n"
        + '[[method]]\nname = "mine"\nfile = "mine.py:method"\n'
    )
    plan = write_plan(tmp_path, text, "def method(market):\n    return 0\n")
    ended = stackelberg("study", "run", plan)
    assert ended.code == 2
    assert "method[0].file: expected a function of (problem, *, seed)" in ended.err


@pytest.mark.parametrize(
    ("method", "line"),
    [
        ("import sys\nsys.exit(0)\n", "expected Python that runs, got SystemExit: 0"),
        (
            "method = int\n",
            "expected a function of (problem, *, seed), got <class 'int'",
        ),
    ],
)
def test_a_file_that_ends_the_program_is_refused(
    stackelberg: CommandLine, tmp_path: Path, method: str, line: str
) -> None:
    plan = write_plan(tmp_path, OWN % 1, method)
    assert_refused(stackelberg("study", "run", plan, "-o", tmp_path / "out"), line)
    assert not list((tmp_path / "out").glob("*"))


def test_what_a_method_prints_or_ends_is_not_the_commands(tmp_path: Path) -> None:
    """Also edited results: all in one study, as starting workers is slow."""
    text = OWN % 1 + '[[method]]\nname = "ends"\nfile = "mine.py:ends"\n'
    text += '[[method]]\nname = "stops"\nfile = "mine.py:stops"\n'
    source = """import sys
print("loaded")
def method(scenario, *, seed):
    print("played", flush=True)
    return {"m": 1.0}
def ends(scenario, *, seed):
    sys.exit(0)
def stops(scenario, *, seed):
    raise KeyboardInterrupt
"""
    plan, out = write_plan(tmp_path, text, source), tmp_path / "out"
    words = ["study", "run", str(plan), "-o", str(out), "-j", "1", "--json"]
    ended = subprocess.run(
        [sys.executable, "-m", "stackelberg.cli", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 3, ended.stderr
    ends, stops = json.loads(ended.stdout)["failures"]
    assert ends["cell"].startswith("cell, ends")
    assert ends["error"] == "SystemExit: 0"
    assert stops["error"].startswith("KeyboardInterrupt")
    assert "loaded" in ended.stderr
    assert "played" in ended.stderr

    study = open_study(out)
    address = next(c.address for c in study.cells if c.play.name == "mine")
    path = study.store.result_path(address)
    whole = json.loads(path.read_text())
    for wrong in ({"metrics": [1]}, {"metrics": {"m": "x"}}, {"series": 3}):
        path.write_text(json.dumps(whole | wrong))
        with pytest.raises(ConfigError, match="expected metrics and series as"):
            study.store.result(address)
    path.write_text("[" * 100_000)
    with pytest.raises(ConfigError, match="expected a JSON object, got something"):
        study.store.result(address)
    study.store.timing_path(address).write_text('{"seconds": "x"}')
    with pytest.raises(ConfigError, match="seconds: expected a number"):
        study.store.seconds(address)


def test_a_method_that_changes_weights_is_measured_by_the_true_ones() -> None:
    market = edge.generate(seed=0, num_users=9, num_nodes=3)
    before = market.weight.data.copy()

    def method(given: edge.Market, seed: int) -> object:
        amounts = edge.equal_split(given).allocation
        given.weight.data[:] = 1e-9
        return amounts

    def honest(given: edge.Market, seed: int) -> object:
        return edge.equal_split(given).allocation

    found = run_own(method, "m", market, 0, {}).metrics
    assert found == run_own(honest, "m", market, 0, {}).metrics
    assert np.array_equal(market.weight.data, before)
