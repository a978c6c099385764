"""Scenario files: every bit comes back, every mistake is named with its place."""

import json
from typing import Any

import numpy as np
import pytest
from spectrum.broken_scenarios import (
    CONTENT_CASES,
    FIELD_CASES,
    FILE_CASES,
    GOOD,
    changed,
)

from stackelberg.errors import ConfigError, InputError
from stackelberg.io import files, read_scenario, write_scenario
from stackelberg.spectrum import FixedPriceBounds, Scenario, generate

ARRAYS = (
    "cellular_power_w",
    "gain_cellular_to_bs",
    "gain_d2d",
    "gain_d2d_to_bs",
    "gain_cellular_to_d2d",
    "gain_d2d_to_d2d",
)
SCALARS = (
    "bandwidth_hz",
    "noise_power_w",
    "follower_price_weight",
    "leader_revenue_weight",
    "min_power_w",
    "max_power_w",
)
PLACES = ("base_station", "cellular", "d2d_transmitter", "d2d_receiver")


def assert_same_bits(first: Scenario, second: Scenario) -> None:
    for name in SCALARS:
        assert getattr(first, name).hex() == getattr(second, name).hex()
    for name in ARRAYS:
        one, other = getattr(first, name), getattr(second, name)
        assert one.shape == other.shape
        assert one.tobytes() == other.tobytes()
    assert (first.channel is None) == (second.channel is None)
    if first.channel is not None and second.channel is not None:
        assert first.channel.tolist() == second.channel.tolist()
    assert type(first.price_bounds) is type(second.price_bounds)
    if isinstance(first.price_bounds, FixedPriceBounds):
        assert isinstance(second.price_bounds, FixedPriceBounds)
        assert first.price_bounds.min.tobytes() == second.price_bounds.min.tobytes()
        assert first.price_bounds.max.tobytes() == second.price_bounds.max.tobytes()
    assert (first.positions_m is None) == (second.positions_m is None)
    for name in PLACES if first.positions_m is not None else ():
        one = getattr(first.positions_m, name)
        assert one.tobytes() == getattr(second.positions_m, name).tobytes()


@pytest.mark.parametrize("fading", [True, False])
@pytest.mark.parametrize("channel", [None, "random"])
def test_a_generated_scenario_comes_back_in_every_bit(tmp_path, fading, channel):
    written = generate(
        seed=11, num_channels=3, num_pairs=5, fading=fading, channel=channel
    )
    write_scenario(written, tmp_path / "cell.json")
    assert_same_bits(written, read_scenario(tmp_path / "cell.json"))


def test_fixed_bounds_and_absent_positions_come_back_in_every_bit(tmp_path):
    drawn = generate(seed=3, num_channels=2, num_pairs=4, min_power_w=0.0)
    bounds = FixedPriceBounds(np.full(4, 0.1), np.array([1 / 3, 2 / 3, 1e300, 0.1]))
    written = drawn.replace(price_bounds=bounds, positions_m=None)
    write_scenario(written, str(tmp_path / "cell.json"))
    assert_same_bits(written, read_scenario(str(tmp_path / "cell.json")))


@pytest.mark.parametrize("fading", [True, False])
def test_a_cell_without_pairs_comes_back(tmp_path, fading):
    written = generate(seed=3, num_channels=2, num_pairs=0, fading=fading)
    write_scenario(written, tmp_path / "cell.json")
    assert read_scenario(tmp_path / "cell.json").num_pairs == 0


def test_the_extremes_of_doubles_come_back(tmp_path):
    drawn = generate(seed=3, num_channels=1, num_pairs=3, fading=False)
    written = drawn.replace(gain_d2d=[5e-324, 1.7976931348623157e308, 0.1 + 0.2])
    write_scenario(written, tmp_path / "cell.json")
    assert_same_bits(written, read_scenario(tmp_path / "cell.json"))


def test_the_text_has_the_published_keys_one_a_line(tmp_path):
    write_scenario(generate(seed=0, num_channels=2, num_pairs=3), tmp_path / "a.json")
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert list(json.loads(text)) == list(GOOD)
    assert len(text.splitlines()) == len(GOOD) + 2
    assert json.loads(text)["price_bounds"] == {"kind": "interference"}


def test_a_file_with_a_byte_order_mark_is_read(tmp_path):
    (tmp_path / "cell.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(GOOD).encode())
    assert read_scenario(tmp_path / "cell.json").num_pairs == 3


def refused(path: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        read_scenario(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return caught.value


ALL = [*FIELD_CASES, *FILE_CASES]


@pytest.mark.parametrize("case", ALL, ids=[case[0] for case in ALL])
def test_each_wrong_field_of_a_file_is_named_after_the_file(tmp_path, case):
    """JSON has no NaN or infinity: those are refused as literals, by the same path."""
    _, path, value, kind, argument, expected = case
    file = tmp_path / "cell.json"
    file.write_text(json.dumps(changed(path, value)), encoding="utf-8")
    error = refused(file)
    assert type(error) is kind or "NaN" in case[0]
    assert error.source == str(file)
    if "NaN" in case[0] or "infinite" in case[0]:
        assert error.argument.startswith(argument)
        assert "expected a finite number, got " in str(error)
    elif "huge" not in case[0]:
        assert error.argument == argument
        assert expected in str(error)
    else:
        assert error.argument.startswith(argument)


def test_there_are_many_wrong_files_and_each_is_different():
    assert len({case[0] for case in ALL}) == len(ALL) >= 150


@pytest.mark.parametrize("case", CONTENT_CASES, ids=[c[0] for c in CONTENT_CASES])
def test_what_is_not_strict_json_is_refused_with_its_place(tmp_path, case):
    _, content, kind, expected = case
    file = tmp_path / "cell.json"
    file.write_bytes(content)
    error = refused(file)
    assert type(error) is kind
    assert str(error).startswith(f"{file}: {expected}")


def test_a_number_past_the_doubles_is_refused_by_its_key(tmp_path):
    text = json.dumps(GOOD).replace("180000.0", "1e999")
    (tmp_path / "cell.json").write_text(text, encoding="utf-8")
    assert str(refused(tmp_path / "cell.json")).endswith(
        "bandwidth_hz: expected a finite number > 0, got inf"
    )


def test_a_misspelt_key_is_reported_before_the_missing_one(tmp_path):
    members = changed("gain_d2d_to_bs", None)
    members["gain_d2d_to_sb"] = members.pop("gain_d2d_to_bs")
    (tmp_path / "cell.json").write_text(json.dumps(members), encoding="utf-8")
    assert str(refused(tmp_path / "cell.json")).endswith(
        "gain_d2d_to_sb: expected one of the known keys "
        "(did you mean 'gain_d2d_to_bs'?), got an unknown key"
    )


def test_an_absent_file_a_folder_and_an_enormous_file_are_refused(
    tmp_path, monkeypatch
):
    assert str(refused(tmp_path / "none.json")).endswith(
        "none.json: expected a scenario file, got no such file or folder"
    )
    assert str(refused(tmp_path)) == (
        f"{tmp_path}: expected a scenario file, got a directory"
    )
    (tmp_path / "cell.json").write_text(json.dumps(GOOD), encoding="utf-8")
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 100)
    assert "expected a scenario file of at most 100 bytes, got " in str(
        refused(tmp_path / "cell.json")
    )


def test_a_path_that_no_file_can_have_is_refused():
    with pytest.raises(
        ConfigError, match="expected a scenario file, got embedded null"
    ):
        read_scenario("a\0b")
