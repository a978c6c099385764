from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from study.plans import HEAD, write_plan

from stackelberg.study import start_study
from stackelberg.study.run_cell import run_cell

PLAN = (
    HEAD
    + """seeds = 1
metrics = ["gain", "gain_at_3_pairs"]
[[scenario]]
name = "tiny"
kind = "environment"
generate = { num_channels = 2, num_pairs = 2, billing = "quoted" }
training = { env_steps = 32, evaluate_every = 16 }
evaluation = { episodes = 2, slots = 2 }
other_pairs = [3]
[[method]]
name = "silent"
[[method]]
name = "single_level"
settings = { environments = 4, slots_per_chunk = 4, minibatch = 8, width = 4 }
"""
)


def test_policies_are_trained_and_judged_on_episodes_of_the_seed(
    tmp_path: Path,
) -> None:
    silent, learner = start_study(write_plan(tmp_path, PLAN), tmp_path / "out").cells
    ended = run_cell(silent)
    assert ended.error is None, ended.trace
    record = json.loads(ended.content or "")
    assert record["metrics"]["leader_utility_bps"] > 0.0
    assert record["series"] == {}
    trained = run_cell(learner)
    assert trained.error is None, trained.trace
    record = json.loads(trained.content or "")
    series, metrics = record["series"], record["metrics"]
    assert series["curve_step"] == [16.0, 32.0]
    assert series["curve_gain"][-1] == metrics["gain"]
    leader, pair = metrics["leader_utility_bps"], metrics["follower_utility_bps"]
    assert metrics["average_utility_bps"] == pytest.approx((leader + 2.0 * pair) / 3.0)
    assert "gain_at_3_pairs" in metrics
    again = run_cell(learner)
    assert again.content == trained.content
    # The second time nothing is compiled: what makes seconds of seeds comparable.
    (first,), later = (trained.clock[x] for x in ("first_chunk", "curve_seconds"))
    assert len(later) == 2
    assert 0.0 < later[1] < first
    assert again.clock["first_chunk"][0] < 0.5 * first


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (PLAN.replace("width = 4", "widht = 4"), "method.widht: expected"),
        (PLAN.replace("width = 4", "width = 0"), "method.width: expected"),
        (PLAN.replace("num_channels = 2", "num_chanels = 2"),
         "environment.num_chanels: expected"),
        (PLAN.replace("gain_at_3_pairs", "gian_at_3_pairs"), "metrics[1]: expected"),
    ],
)  # fmt: skip
def test_settings_of_learners_are_checked_before_anything_runs(
    text: str, line: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="expected") as caught:
        start_study(write_plan(tmp_path, text), tmp_path / "out")
    assert line in str(caught.value)


def test_the_example_brings_a_policy_of_its_own(tmp_path: Path) -> None:
    examples = Path(__file__).resolve().parents[2] / "examples"
    assert len((examples / "own_policy.py").read_text().splitlines()) < 30
    cells = start_study(examples / "own_policy.toml", tmp_path / "out").cells
    own = next(cell for cell in cells if cell.play.name == "flat")
    ended = run_cell(own)
    assert ended.error is None, ended.trace
    metrics = json.loads(ended.content or "")["metrics"]
    # Two pairs are mostly alone on a channel: what they send is what they would want.
    assert metrics["follower_regret"] < 0.01
    assert metrics["re_equilibrated_gain"] == pytest.approx(metrics["gain"], abs=0.02)
    again = replace(own, play=replace(own.play, settings={"power_w": 0.001}))
    less = json.loads(run_cell(again).content or "")["metrics"]
    assert less["channel_capacity_bps"] < metrics["channel_capacity_bps"]
