"""The scenario record: what it refuses, what it keeps, what follows from it."""

from typing import Any, cast

import numpy as np
import pytest
from spectrum.broken_scenarios import FIELD_CASES, GOOD, changed

from stackelberg.errors import ConfigError, InputError
from stackelberg.spectrum import (
    FixedPriceBounds,
    InterferencePriceBounds,
    Positions,
    Scenario,
    generate,
)


def build(members: dict[str, Any]) -> Scenario:
    """The scenario of JSON members, without going through a file."""
    values = {key: value for key, value in members.items() if key != "format"}
    bounds = values.pop("price_bounds")
    places = values.pop("positions_m")
    return Scenario(
        **values,
        price_bounds=(
            InterferencePriceBounds()
            if bounds["kind"] == "interference"
            else FixedPriceBounds(bounds["min"], bounds["max"])
        ),
        positions_m=Positions(**places),
    )


@pytest.mark.parametrize("case", FIELD_CASES, ids=[case[0] for case in FIELD_CASES])
def test_each_wrong_field_is_named(case):
    _, path, value, kind, argument, expected = case
    with pytest.raises(InputError) as caught:
        build(changed(path, value))
    message = str(caught.value)
    assert type(caught.value) is kind
    assert caught.value.argument == argument
    assert message.startswith(f"{argument}: expected ")
    assert expected in message
    assert "\n" not in message
    assert len(message) < 200


def test_there_are_many_wrong_cases_and_each_is_different():
    assert len({case[0] for case in FIELD_CASES}) == len(FIELD_CASES) >= 120


def test_the_good_scenario_is_accepted():
    scenario = build(GOOD)
    assert (scenario.num_channels, scenario.num_pairs) == (2, 3)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (
            "price_bounds",
            {"kind": "fixed"},
            "price_bounds: expected InterferencePriceBounds() or "
            "FixedPriceBounds(min, max), got {'kind': 'fixed'}",
        ),
        (
            "positions_m",
            [[0.0, 0.0]],
            "positions_m: expected Positions(...), got [[0.0, 0.0]]",
        ),
        (
            "gain_d2d",
            np.array([True, True, False]),
            "gain_d2d: expected numbers, got entries of bool",
        ),
        (
            "gain_d2d",
            np.array([1j, 1.0, 1.0]),
            "gain_d2d: expected numbers, got entries of complex128",
        ),
        (
            "channel",
            np.array(["a", "b", "c"]),
            "channel: expected whole numbers, got entries of <U1",
        ),
    ],
)
def test_wrong_objects_are_named(field, value, message):
    with pytest.raises(ConfigError) as caught:
        build(GOOD).replace(**{field: value})
    assert str(caught.value) == message


def test_the_error_of_a_length_names_the_array_that_differs_from_the_others():
    with pytest.raises(InputError) as caught:
        build(changed("gain_d2d", [1e-7, 2e-7]))
    assert str(caught.value) == (
        "gain_d2d: expected shape [3] or [2, 3] for 2 channels and 3 pairs, got [2]"
    )


def test_a_least_price_just_below_the_silencing_one_is_accepted():
    """-B/C of pair 0 with its own channel's cellular user and no other pair."""
    good = build(GOOD)
    heard = good.noise_power_w + 0.2 * 1e-13
    limit = good.spend_scale * 1e-7 / (1e-12 * heard)
    low = np.array([limit * (1 - 1e-12), 1.0, 1.0])
    bounds = good.replace(price_bounds=FixedPriceBounds(low, low)).price_bounds
    assert isinstance(bounds, FixedPriceBounds)
    np.testing.assert_array_equal(bounds.min, low)


def test_without_channels_the_silencing_price_is_that_of_the_best_channel():
    good = build(GOOD).with_channel(None)
    quiet = good.replace(
        cellular_power_w=[0.2, 0.0],
        gain_d2d_to_bs=[1e-12, 2e-12, 3e-12],
    )
    alone = good.spend_scale * 1e-7 / (1e-12 * good.noise_power_w)
    low = np.array([alone * 0.999, 1.0, 1.0])
    kept = quiet.replace(price_bounds=FixedPriceBounds(low, low))
    assert kept.channel is None
    with pytest.raises(InputError, match=r"^price_bounds\.min\[0\]: expected less"):
        kept.with_channel([0, 0, 0])


def test_gains_at_the_ends_of_the_doubles_are_judged_without_overflow():
    scenario = build(GOOD).replace(
        gain_d2d=[1e300, 1e300, 1e300],
        gain_d2d_to_bs=[1e-300, 1e-300, 1e-300],
        price_bounds=FixedPriceBounds(cast("Any", 1.0), cast("Any", 2.0)),
    )
    assert scenario.num_pairs == 3


def test_one_price_bound_serves_all_pairs():
    bounds = build(changed("price_bounds", {"kind": "fixed", "min": 1, "max": 2}))
    assert isinstance(bounds.price_bounds, FixedPriceBounds)
    np.testing.assert_array_equal(bounds.price_bounds.min, [1.0, 1.0, 1.0])
    np.testing.assert_array_equal(bounds.price_bounds.max, [2.0, 2.0, 2.0])


def test_arrays_are_copied_and_cannot_be_written():
    gains = np.array([1e-7, 2e-7, 3e-7])
    scenario = build(changed("gain_d2d", gains))
    gains[0] = 5.0
    assert scenario.gain_d2d[0] == 1e-7
    assert scenario.positions_m is not None
    assert scenario.channel is not None
    fixed = scenario.replace(
        price_bounds=FixedPriceBounds(cast("Any", 1.0), cast("Any", 2.0))
    ).price_bounds
    assert isinstance(fixed, FixedPriceBounds)
    for array in (
        scenario.gain_d2d,
        scenario.gain_d2d_to_d2d,
        scenario.channel,
        scenario.positions_m.cellular,
        fixed.min,
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


@pytest.mark.parametrize("fading", [True, False])
def test_a_gain_is_read_on_its_channel_whether_flat_or_not(fading):
    scenario = generate(seed=0, num_channels=3, num_pairs=4, fading=fading)
    for i in range(3):
        flat = scenario.gain_d2d if not fading else scenario.gain_d2d[i]
        np.testing.assert_array_equal(scenario.own_gain(i), flat)
        to_bs = scenario.gain_d2d_to_bs if not fading else scenario.gain_d2d_to_bs[i]
        np.testing.assert_array_equal(scenario.gain_to_bs(i), to_bs)
        cross = scenario.gain_d2d_to_d2d if not fading else scenario.gain_d2d_to_d2d[i]
        np.testing.assert_array_equal(scenario.cross_gain(i), cross)


def test_derived_quantities_follow_a_replacement():
    scenario = build(GOOD)
    assert scenario.spend_scale == pytest.approx(180e3 / np.log(2.0), rel=1e-15)
    doubled = scenario.replace(follower_price_weight=2.0, cellular_power_w=[0.4, 0.1])
    assert doubled.spend_scale == pytest.approx(90e3 / np.log(2.0), rel=1e-15)
    np.testing.assert_allclose(doubled.received_cellular_power_w, [4e-12, 2e-12])


@pytest.mark.parametrize(
    "empty",
    [
        {"gain_d2d": [], "gain_d2d_to_bs": [], "gain_d2d_to_d2d": []},
        {
            "gain_d2d": [[], []],
            "gain_d2d_to_bs": [[], []],
            "gain_d2d_to_d2d": [[], []],
        },
    ],
)
def test_a_cell_without_pairs_is_accepted_as_json_writes_it(empty):
    members: dict[str, Any] = {
        **GOOD,
        **empty,
        "channel": [],
        "gain_cellular_to_d2d": [[], []],
        "positions_m": {
            **GOOD["positions_m"],
            "d2d_transmitter": [],
            "d2d_receiver": [],
        },
    }
    scenario = build(members)
    flat = len(empty["gain_d2d"]) == 0
    assert scenario.num_pairs == 0
    assert scenario.gain_d2d.shape == ((0,) if flat else (2, 0))
    assert scenario.gain_d2d_to_d2d.shape == ((0, 0) if flat else (2, 0, 0))


def test_a_cell_without_channels_is_refused():
    members = {
        **GOOD,
        "channel": None,
        "cellular_power_w": [],
        "gain_cellular_to_bs": [],
        "gain_d2d": [],
        "gain_d2d_to_bs": [],
        "gain_cellular_to_d2d": [],
        "gain_d2d_to_d2d": [],
    }
    with pytest.raises(InputError) as caught:
        build(members)
    assert str(caught.value) == (
        "cellular_power_w: expected at least one channel, got []"
    )
