"""`stackelberg learn evaluate` on policies of the tiny method."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cli.command import CommandLine, assert_refused
from learning.tiny import TinyPolicy, TinySettings

from stackelberg import io
from stackelberg.cli.learn.evaluate import read_trained
from stackelberg.learning import METHODS, evaluate
from stackelberg.learning.settings import RunSettings, run_settings

TABLES = {
    "environment": {"num_channels": 2, "num_pairs": 3},
    "method": {"name": "tiny"},
    "evaluation": {"episodes": 2, "slots": 2},
}
POLICY = TinyPolicy(jnp.log(jnp.float32(0.05)))


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> RunSettings:
    monkeypatch.setitem(METHODS, "tiny", TinySettings)
    return run_settings(TABLES)


@pytest.fixture
def trained(settings: RunSettings, tmp_path: Path) -> Path:
    path = tmp_path / "trained.policy"
    io.write_policy(path, POLICY, settings, {"env_steps": 40})
    return path


def test_a_policy_file_is_judged_beside_simple_ones(
    stackelberg: CommandLine, trained: Path, settings: RunSettings
) -> None:
    ended = stackelberg("learn", "evaluate", trained, "--seed", 3, "--json")
    assert ended.code == 0, ended.err
    told = ended.json
    assert list(told["metrics"]) == [
        "policy",
        "conjectural",
        "silent",
        "full_power",
        "random",
    ]
    found = evaluate(POLICY, settings.params(), seed=3, episodes=2, slots=2)
    assert told["metrics"]["policy"] == pytest.approx(found.metrics())
    assert len(told["by_episode"]["silent"]) == 2
    assert told["decisions_per_second"] > 0.0
    assert told["provenance"]["env_steps"] == 40
    ended = stackelberg("learn", "evaluate", trained, "--seed", 3, "--alone")
    assert "re-equilibrated gain" in ended.out
    assert max(map(len, ended.out.splitlines()[1:11])) <= 80


def test_sizes_and_episodes_may_be_others(
    stackelberg: CommandLine, trained: Path
) -> None:
    ended = stackelberg(
        *("learn", "evaluate", trained, "--alone", "--json", "--pairs", 5),
        *("--channels", 1, "--episodes", 1, "--slots", 1),
    )
    assert ended.code == 0, ended.err
    assert ended.json["environment"] == {"num_channels": 1, "num_pairs": 5}
    assert len(ended.json["by_episode"]["policy"]) == 1


def test_a_run_without_its_policy_is_judged_by_its_newest_checkpoint(
    settings: RunSettings, tmp_path: Path
) -> None:
    folder = io.RunFolder.new(tmp_path / "run", settings)
    learner = settings.learner(settings.params())
    state = learner.start(jax.random.key(0))
    folder.save(state._replace(log_power=jnp.float32(-1.5)), 30, 1.0)
    found = read_trained(tmp_path / "run")
    assert isinstance(found.policy, TinyPolicy)
    assert np.asarray(found.policy.log_power) == np.float32(-1.5)
    assert found.provenance["env_steps"] == 30


def test_what_is_no_policy_is_one_line(
    stackelberg: CommandLine, trained: Path, tmp_path: Path
) -> None:
    whole = trained.read_bytes()
    trained.write_bytes(whole[:-3])
    ended = stackelberg("learn", "evaluate", trained)
    assert_refused(ended, str(trained), "torn or was altered")
    (tmp_path / "other").write_text("{}")
    ended = stackelberg("learn", "evaluate", tmp_path / "other")
    assert_refused(ended, "expected a trained policy")
    assert_refused(stackelberg("learn", "evaluate", tmp_path), "settings.toml")


def test_a_policy_of_an_unknown_method_is_one_line(
    stackelberg: CommandLine, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(METHODS, "tiny")
    ended = stackelberg("learn", "evaluate", trained)
    assert_refused(ended, str(trained), "settings inside: method.name", "'tiny'")


def test_a_policy_is_not_replaced_by_its_report(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    policy = run / "trained.policy"
    policy.write_text("{}")
    for source in (policy, run):
        ended = stackelberg("learn", "evaluate", source, "--report", policy)
        assert_refused(ended, "--report", "which is an input")
    assert policy.read_text() == "{}"
