"""Settings: what a file may say, and one error for every wrong key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from learning.tiny import TinySettings

from stackelberg import envs
from stackelberg.errors import ConfigError
from stackelberg.io.settings_file import read_settings, write_settings
from stackelberg.learning import METHODS
from stackelberg.learning.environment_settings import EnvironmentTable
from stackelberg.learning.settings import WrongSettings, run_settings
from stackelberg.spectrum.radio import RadioModel
from stackelberg.spectrum.scenario import FixedPriceBounds

EVERYTHING = """
[environment]
num_channels = 3
num_pairs = 5
d2d_distance_m = [5, 40.0]
switching_loss = 0.2
billing = "quoted"
fading = {kind = "jakes", doppler_hz = 5}
mobility = {kind = "gauss_markov"}
information = {delay_slots = 1, error_std_db = 1.0}

[environment.queues]
packet_bits = 2e4

[environment.batteries]
capacity_j = 0.5

[environment.radio]
min_power_w = 0.0
follower_price_weight = 0.3

[environment.radio.price_bounds]
kind = "fixed"
min = 1e10
max = 1e16

[method]
name = "tiny"
batch = 4

[training]
env_steps = 200
seed = 5
"""


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METHODS, "tiny", TinySettings)


def assert_same_environment(one: envs.EnvParams, other: envs.EnvParams) -> None:
    assert jax.tree.structure(one) == jax.tree.structure(other)
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    assert all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in pairs)


def test_what_is_left_out_is_as_in_make_params() -> None:
    assert_same_environment(EnvironmentTable().params(), envs.make_params())
    table = EnvironmentTable.model_validate_json('{"queues": {}, "batteries": {}}')
    made = envs.make_params(queues=envs.Queues(), batteries=envs.Batteries())
    assert_same_environment(table.params(), made)


def test_every_table_reaches_the_environment(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(EVERYTHING)
    settings = read_settings(tmp_path / "run.toml")
    bounds = FixedPriceBounds(np.asarray(1e10), np.asarray(1e16))
    radio = RadioModel(min_power_w=0.0, follower_price_weight=0.3, price_bounds=bounds)
    made = envs.make_params(
        num_channels=3,
        num_pairs=5,
        d2d_distance_m=(5.0, 40.0),
        switching_loss=0.2,
        billing="quoted",
        radio=radio,
        fading=envs.Jakes(5.0),
        mobility=envs.GaussMarkov(),
        information=envs.Information(1.0, delay_slots=1),
        queues=envs.Queues(packet_bits=2e4),
        batteries=envs.Batteries(capacity_j=0.5),
    )
    assert_same_environment(settings.params(), made)
    assert settings.method_settings == TinySettings(batch=4)
    assert settings.training.seed == 5
    write_settings(settings, tmp_path / "again.toml")
    assert read_settings(tmp_path / "again.toml") == settings
    assert "learning_rate = 0.01" in (tmp_path / "again.toml").read_text()


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"trainin": {}}, "trainin: expected one of the known keys (did you mean 'tr"),
        ({"training": {"env_step": 1}}, "training.env_step: expected one of the known "
         "keys (did you mean 'env_steps'?), got an unknown key"),
        ({"training": {"env_steps": "9"}}, "training.env_steps: expected a whole "
         "number, got '9'"),
        ({"training": {"env_steps": 0}}, "training.env_steps: expected a number >= 1"),
        ({"training": {"seed": 1.5}}, "training.seed: expected a whole number, got 1"),
        ({"training": 3}, "training: expected"),
        ({"environment": {"fading": {"kind": "jake"}}}, "environment.fading.kind: "
         "expected one of none, rayleigh, jakes (did you mean 'jakes'?), got 'jake'"),
        ({"environment": {"fading": {"kind": "jakes", "doppler": 1.0}}},
         "environment.fading.doppler: expected one of the known keys (did you mean "
         "'doppler_hz'?)"),
        ({"environment": {"fading": {}}}, "environment.fading: expected a table with"),
        ({"environment": {"billing": "quote"}}, "environment.billing: expected one of "
         "instantaneous, quoted (did you mean 'quoted'?), got 'quote'"),
        ({"environment": {"slot_s": -1.0}}, "environment.slot_s: expected a finite"),
        ({"environment": {"queues": {"deadline_slots": 0}}},
         "environment.queues.deadline_slots: expected a whole number >= 1"),
        ({"environment": {"radio": {"carrier_hz": 1.0}}},
         "environment.radio.carrier_hz: expected"),
        ({"environment": {"slot_s": float("nan")}}, "environment.slot_s: expected"),
        ({"method": {"name": "tinny"}}, "method.name: expected one of"),
        ({"method": {}}, "method.name: expected one of"),
        ({"method": {"name": "tiny", "bach": 2}}, "method.bach: expected one of the "
         "known keys (did you mean 'batch'?), got an unknown key"),
        ({"method": {"name": "tiny", "batch": True}}, "method.batch: expected a whole"),
        ({"method": {"name": "tiny", "batch": 0}}, "method.batch: expected a whole "
         "number >= 1, got 0"),
    ],
)  # fmt: skip
def test_a_wrong_key_is_one_line(tables: dict[str, Any], message: str) -> None:
    with pytest.raises(WrongSettings) as caught:
        run_settings({"method": {"name": "tiny"}, **tables})
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    assert len(caught.value.errors) == 1


def test_every_wrong_key_has_its_line(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text(
        "[environment]\npairs = 3\nslot_s = 'x'\n[method]\nname = 'tiny'\nb = 1\n"
    )
    with pytest.raises(WrongSettings, match="expected") as caught:
        read_settings(path)
    assert {error.argument for error in caught.value.errors} == {
        "environment.pairs",
        "environment.slot_s",
        "method.b",
    }
    assert all(str(one).startswith(f"{path}: ") for one in caught.value.errors)


def test_what_is_no_toml_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text("[training\n")
    with pytest.raises(ValueError, match="line 1, column 10: expected TOML, got") as e:
        read_settings(path)
    assert str(e.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = " + "[" * 3000, "content: expected at most 64 levels, got TOML nested"),
        (".".join("a" * 3000) + " = 1", "content: expected at most 64 levels, got"),
        ("a = " + "9" * 5000, "content: expected whole numbers of at most 4096 bits"),
        ("a = 0x" + "f" * 6000, "content: expected whole numbers of at most 4096"),
        (
            '[environment]\nshadowing_waves = 1000000000000\n[method]\nname = "tiny"',
            r"environment\.shadowing_waves: expected a number <= 100000, got 10000",
        ),
        ('[method]\nname = ["tiny"]', r"method\.name: expected one of .*, got \['tiny"),
        (
            '[environment]\ncell_radius_m = -1.0\n[method]\nname = "tiny"',
            r"environment\.cell_radius_m: expected .*, got -1",
        ),
    ],
)
def test_wild_files_are_one_line_each(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "run.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        read_settings(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
