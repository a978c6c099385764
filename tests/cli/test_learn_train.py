"""`stackelberg learn train` and `resume`, with the tiny method."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import jax
import numpy as np
import pytest
from cli.command import CommandLine, assert_refused
from learning.kill_training import ordeal, same_end
from learning.tiny import TinyPolicy, TinySettings

from stackelberg import io
from stackelberg.cli.learn import room
from stackelberg.cli.learn.driving import Run
from stackelberg.cli.learn.telling import run_lines
from stackelberg.io.run_folder import RunFolder
from stackelberg.learning import METHODS

SETTINGS = """
[environment]
num_channels = 2
num_pairs = 3
[method]
name = "tiny"
fails_after = {fails_after}
[training]
env_steps = 95
checkpoint_every = 20
keep_checkpoints = 2
[evaluation]
episodes = 0
"""


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METHODS, "tiny", TinySettings)


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "run.toml"
    path.write_text(SETTINGS.format(fails_after=1000))
    return path


def lines(run: Path, kind: str) -> list[Any]:
    read = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [line for line in read if line["kind"] == kind]


def test_a_run_ends_with_its_evaluation_or_else_with_its_last_chunk(
    settings: Path, tmp_path: Path
) -> None:
    folder = RunFolder.new(tmp_path / "run", io.read_settings(settings))
    run = Run("done", 95, 1.0, {"loss": -2.5}, None, [])
    assert "  loss: -2.5" in list(run_lines(folder, run))
    run.evaluation = {
        "gain": 0.875,
        "follower_regret": 0.0123,
        "leader_regret": -3e-9,
        "sum_rate_bps": 12.3e6,
        "deadline_misses": None,
    }
    told = list(run_lines(folder, run))
    assert not [line for line in told if "loss" in line or "deadline" in line]
    wanted = ["gain: 0.875", "follower regret: 1.23 %", "leader regret: 0 %"]
    assert {f"  {line}" for line in (*wanted, "sum rate: 12.3 Mbit/s")} <= set(told)
    assert "  tiny, 95 environment steps" in told
    run.env_steps = 1_000
    whole = "  tiny, 1,000 environment steps (95 asked for, in whole chunks)"
    assert whole in list(run_lines(folder, run))


def test_a_run_leaves_settings_log_checkpoints_and_one_policy_file(
    stackelberg: CommandLine, settings: Path, tmp_path: Path
) -> None:
    run = tmp_path / "out" / "run"
    ended = stackelberg("learn", "train", settings, "-o", run, "--json", "--seed", 7)
    assert ended.code == 0, ended.err
    assert ended.json["ended"] == "done"
    assert ended.json["env_steps"] == 100
    steps = [line["env_steps"] for line in lines(run, "chunk")]
    assert steps == list(range(10, 101, 10))
    assert [p.name for p in sorted((run / "checkpoints").iterdir())] == [
        "000000000080.checkpoint",
        "000000000100.checkpoint",
    ]
    found = io.read_policy(run / "trained.policy")
    assert isinstance(found.policy, TinyPolicy)
    assert found.settings.training.seed == 7
    assert found.provenance["env_steps"] == 100
    assert found.provenance["seed"] == 7
    log_power = lines(run, "chunk")[-1]["metrics"]["log_power"]
    assert float(found.policy.log_power) == log_power


def test_ctrl_c_ends_after_a_chunk_and_resume_gives_the_same_bits(
    stackelberg: CommandLine,
    settings: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calm, cut = tmp_path / "calm", tmp_path / "cut"
    assert stackelberg("learn", "train", settings, "-o", calm).code == 0
    note = RunFolder.note

    def pressing(self: RunFolder, line: Any, **options: Any) -> None:
        note(self, line, **options)
        if line["kind"] == "chunk" and line["env_steps"] == 50:
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patched:
        patched.setattr(RunFolder, "note", pressing)
        ended = stackelberg("learn", "train", settings, "-o", cut)
    assert ended.code == 130
    assert "`learn resume` goes on" in ended.out
    assert "000000000050.checkpoint" in {
        path.name for path in (cut / "checkpoints").iterdir()
    }
    whole = (cut / "log.jsonl").read_bytes()
    count = len(whole.splitlines()) + 1
    for line in (b"{]", b"[1]", b'{"kind": 3, "env_steps": 1}'):
        (cut / "log.jsonl").write_bytes(whole + line + b"\n")
        place = f"log.jsonl: line {count}: expected a line"
        assert_refused(stackelberg("learn", "resume", cut), place)
    (cut / "log.jsonl").write_bytes(whole)
    with (cut / "log.jsonl").open("ab") as log:  # steps after the checkpoint, and torn
        log.write(b'{"kind": "chunk", "env_steps": 60}\n{"kind": "chu')
    resumed = stackelberg("learn", "resume", cut)
    assert resumed.code == 0, resumed.err
    cut_lines = [line for line in lines(cut, "chunk") if line["env_steps"] == 60]
    assert len(cut_lines) == 1
    assert lines(cut, "checkpoint") != lines(calm, "checkpoint")
    assert same_end(calm, cut, log=False)
    assert [line["metrics"] for line in lines(cut, "chunk")] == [
        line["metrics"] for line in lines(calm, "chunk")
    ]


def test_killed_runs_end_as_undisturbed_ones(tmp_path: Path) -> None:
    found = ordeal(tmp_path, kills=2, steps=3_000)
    assert found.same
    assert found.checkpoints >= 1
    assert found.while_training >= 1


def test_nan_ends_at_once_and_keeps_what_led_to_it(
    stackelberg: CommandLine, settings: Path, tmp_path: Path
) -> None:
    settings.write_text(SETTINGS.format(fails_after=6))
    run = tmp_path / "run"
    ended = stackelberg("learn", "train", settings, "-o", run, "--json")
    assert ended.code == 3
    assert ended.json["ended"] == "nonfinite"
    assert ended.json["env_steps"] == 70
    assert not (run / "trained.policy").exists()
    learner = TinySettings(fails_after=6).learner(io.read_settings(settings).params())
    like = jax.eval_shape(learner.start, jax.random.key(0))
    before = io.read_checkpoint(run / "before-nonfinite.checkpoint").tree(like)
    after = io.read_checkpoint(run / "nonfinite.checkpoint").tree(like)
    assert np.isfinite(before.log_power)
    assert int(before.chunks) == 6
    assert np.isnan(after.log_power)
    again, _ = learner.advance(before)
    assert np.array_equal(again.replay, after.replay)


def test_a_run_is_never_overwritten(
    stackelberg: CommandLine, settings: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    RunFolder.new(run, io.read_settings(settings))
    ended = stackelberg("learn", "train", settings, "-o", run)
    assert_refused(ended, str(run), "`learn resume` continues one")


def test_one_process_trains_in_a_folder_and_none_without_room_begins(
    stackelberg: CommandLine,
    settings: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = tmp_path / "run"
    with monkeypatch.context() as patched:
        patched.setattr(room, "available_memory", lambda: 100)
        ended = stackelberg("learn", "train", settings, "-o", run)
        assert_refused(ended, "method.", "fits into the 100 B that are free", "got ")
    assert not run.exists()
    folder = RunFolder.new(run, io.read_settings(settings))
    with folder.locked():
        ended = stackelberg("learn", "resume", run)
        assert_refused(ended, str(run), "nobody trains at the moment")
    assert (run / ".lock").exists()  # a lock that nobody holds is none
    assert stackelberg("learn", "resume", run).code == 0
    folder.discard_unbegun()
    assert (run / "settings.toml").exists()


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ("[method]\nname = 'matd3'\nwidth = 1000000000", "method.width: expected a "),
        ("[method]\nname = 'stq'\ncapacity = 1000000000000", "method.capacity: "),
        ("[method]\nname = 'mappo'\nenvironments = 1000000", "method.environments: "),
        ("[method]\nname = 'imitation'\nrounds = 1000", "method.rounds: expected a "),
        (
            "[method]\nname = 'tiny'\n[environment.information]\n"
            "delay_slots = 1000000000000",
            "environment.information.delay_slots: expected a whole number >= 0 and <= ",
        ),
        (
            "[method]\nname = 'tiny'\n[environment]\nhorizon_slots = 1000000000000",
            "environment.horizon_slots: expected a whole number >= 1 and <= ",
        ),
    ],
)
def test_sizes_beyond_any_machine_are_one_line(
    table: str, line: str, stackelberg: CommandLine, tmp_path: Path
) -> None:
    path = tmp_path / "run.toml"
    path.write_text(table)
    assert_refused(stackelberg("learn", "train", path, "-o", tmp_path / "run"), line)
    assert not (tmp_path / "run").exists()


def test_what_cannot_be_resumed_is_one_line(
    stackelberg: CommandLine, settings: Path, tmp_path: Path
) -> None:
    assert_refused(stackelberg("learn", "resume", tmp_path / "none"), "settings.toml")
    run = tmp_path / "run"
    folder = RunFolder.new(run, io.read_settings(settings))
    target = folder.save({"a": np.zeros(2)}, 10, 0.0)
    assert_refused(stackelberg("learn", "resume", run), str(target), "no such array")
    whole = target.read_bytes()
    target.write_bytes(whole[:-1])
    ended = stackelberg("learn", "resume", run)
    assert_refused(ended, str(target), "torn or was altered")
    target.write_bytes(whole)
    (run / "settings.toml").write_text(
        (run / "settings.toml").read_text().replace("rate = 0.01", "rate = 0.02")
    )
    assert_refused(stackelberg("learn", "resume", run), str(target), "settings")


def test_every_wrong_key_is_a_line(
    stackelberg: CommandLine, settings: Path, tmp_path: Path
) -> None:
    settings.write_text("[training]\nsteps = 3\n[method]\nname = 'tiny'\nbach = 1\n")
    ended = stackelberg("learn", "train", settings, "-o", tmp_path / "run")
    assert ended.code == 2
    told = ended.err.splitlines()
    assert len(told) == 2
    assert any("training.steps" in line for line in told)
    assert any("method.bach" in line and "'batch'" in line for line in told)
    assert not (tmp_path / "run").exists()


def test_a_tracker_that_is_not_installed_is_one_line(
    stackelberg: CommandLine,
    settings: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = tmp_path / "run"
    for name, module in (("tensorboard", "tensorboardX"), ("mlflow", "mlflow")):
        monkeypatch.setitem(sys.modules, module, None)
        ended = stackelberg("learn", "train", settings, "-o", run, "--track", name)
        assert_refused(ended, module, "stackelberg[track]")
        assert not run.exists()


@pytest.mark.track
def test_tensorboard_files_hold_every_metric_of_every_chunk(
    stackelberg: CommandLine, settings: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    ended = stackelberg("learn", "train", settings, "-o", run, "--track", "tensorboard")
    assert ended.code == 0, ended.err
    (events,) = (run / "tensorboard").iterdir()
    content = events.read_bytes()
    for name in lines(run, "chunk")[0]["metrics"]:
        assert content.count(name.encode()) == 10


def test_mlflow_gets_every_metric_of_every_chunk(
    stackelberg: CommandLine,
    settings: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a client that keeps what it is told in place of a server."""
    told: list[tuple[str, int]] = []
    ends: list[str] = []

    class Client:
        def __init__(self, place: str, registry_uri: str) -> None:
            assert place == registry_uri == "http://somewhere"

        def get_experiment_by_name(self, name: str) -> None:
            assert name == "stackelberg"

        def create_experiment(self, name: str) -> str:
            return "7"

        def create_run(self, number: str, run_name: str) -> Any:
            assert (number, run_name) == ("7", "run")
            return SimpleNamespace(info=SimpleNamespace(run_id="r"))

        def log_metric(self, run: str, name: str, value: object, step: int) -> None:
            assert run == "r" and isinstance(value, float)
            told.append((name, step))

        def set_terminated(self, run: str) -> None:
            ends.append(run)

    module = ModuleType("mlflow")
    monkeypatch.setattr(module, "MlflowClient", Client, raising=False)
    monkeypatch.setitem(sys.modules, "mlflow", module)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://somewhere")
    run = tmp_path / "run"
    ended = stackelberg("learn", "train", settings, "-o", run, "--track", "mlflow")
    assert ended.code == 0, ended.err
    chunks = lines(run, "chunk")
    assert told == [(name, c["env_steps"]) for c in chunks for name in c["metrics"]]
    assert ends == ["r"]


def test_mlflow_needs_a_server(
    stackelberg: CommandLine,
    settings: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setitem(sys.modules, "mlflow", ModuleType("mlflow"))
    run = tmp_path / "run"
    ended = stackelberg("learn", "train", settings, "-o", run, "--track", "mlflow")
    assert_refused(ended, "--track mlflow", "MLFLOW_TRACKING_URI")
    assert not run.exists()


@pytest.mark.parametrize("name", ["checkpoints/mine.pt", "log.jsonl", "trained.policy"])
def test_a_run_replaces_and_removes_nobody_s_files(
    name: str, stackelberg: CommandLine, settings: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "run" / name
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    ended = stackelberg("learn", "train", settings, "-o", tmp_path / "run")
    taken = f"{name.partition('/')[0]} of no run"
    assert_refused(ended, str(tmp_path / "run"), taken)
    run = RunFolder(tmp_path / "run", io.read_settings(settings))
    if name != "log.jsonl":  # which a run itself would have begun
        run.discard_unbegun()
    assert mine.read_text() == "mine"
