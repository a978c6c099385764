from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from cli.command import CommandLine
from study.plans import HEAD, write_plan

from stackelberg import edge, spectrum
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
