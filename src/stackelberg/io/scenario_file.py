"""Spectrum scenarios as JSON, format ``stackelberg.spectrum.scenario/1``."""

from __future__ import annotations

import os
from typing import Any, cast

from stackelberg.errors import ConfigError, InputError, suggestion
from stackelberg.io.files import read_bytes, write_text_atomically
from stackelberg.io.json_text import (
    JsonObject,
    check_format,
    check_keys,
    member_object,
    object_text,
    parse_object,
    shown,
)
from stackelberg.spectrum.scenario import (
    FixedPriceBounds,
    InterferencePriceBounds,
    Positions,
    PriceBounds,
    Scenario,
)

SCENARIO_FORMAT = "stackelberg.spectrum.scenario/1"

_PLAIN = (
    "bandwidth_hz",
    "noise_power_w",
    "follower_price_weight",
    "leader_revenue_weight",
    "min_power_w",
    "max_power_w",
    "channel",
    "cellular_power_w",
    "gain_cellular_to_bs",
    "gain_d2d",
    "gain_d2d_to_bs",
    "gain_cellular_to_d2d",
    "gain_d2d_to_d2d",
)
_PLACES = ("base_station", "cellular", "d2d_transmitter", "d2d_receiver")
_KINDS = ("interference", "fixed")


def read_scenario(path: str | os.PathLike[str]) -> Scenario:
    """Read and validate one scenario.

    Raises:
        InputError: a subclass that says what is wrong; the message is one line and
            begins with `path`, then names the key and the entry.
    """
    content = read_bytes(path, wanted="a scenario file")
    try:
        return scenario_from_json(content)
    except InputError as error:
        raise error.located(os.fspath(path)) from None


def write_scenario(scenario: Scenario, path: str | os.PathLike[str]) -> None:
    """Write one scenario; reading it back gives the same bits.

    The file is replaced as a whole or not at all.

    Raises:
        ConfigError: if the file cannot be written.
    """
    write_text_atomically(path, scenario_text(scenario))


def scenario_from_json(content: bytes) -> Scenario:
    """The scenario that JSON text describes.

    Raises:
        InputError: as `read_scenario`, without a file name.
    """
    members = parse_object(content, wanted="a scenario")
    check_format(members, SCENARIO_FORMAT)
    check_keys(
        members,
        required=("format", *_PLAIN, "price_bounds"),
        optional=("positions_m",),
    )
    # Scenario validates kinds, shapes and domains: one set of checks and texts.
    plain = cast("dict[str, Any]", {key: members[key] for key in _PLAIN})
    bounds = _price_bounds(members)
    return Scenario(**plain, price_bounds=bounds, positions_m=_positions(members))


def scenario_text(scenario: Scenario) -> str:
    """The JSON text of a scenario, one key a line."""
    members: JsonObject = {"format": SCENARIO_FORMAT}
    for key in _PLAIN:
        value = getattr(scenario, key)
        members[key] = (
            value if value is None or isinstance(value, float) else value.tolist()
        )
    bounds = scenario.price_bounds
    if isinstance(bounds, InterferencePriceBounds):
        members["price_bounds"] = {"kind": "interference"}
    else:
        members["price_bounds"] = {
            "kind": "fixed",
            "min": bounds.min.tolist(),
            "max": bounds.max.tolist(),
        }
    if scenario.positions_m is not None:
        at = scenario.positions_m
        members["positions_m"] = {key: getattr(at, key).tolist() for key in _PLACES}
    return object_text(members)


def _price_bounds(members: JsonObject) -> PriceBounds:
    bounds = member_object(members, "price_bounds")
    kind = bounds.get("kind")
    if kind not in _KINDS:
        near = suggestion(kind, _KINDS) if isinstance(kind, str) else ""
        raise ConfigError(
            "price_bounds.kind",
            expected=f'"interference" or "fixed"{near}',
            got=shown(kind) if "kind" in bounds else "nothing",
        )
    if kind == "interference":
        check_keys(bounds, required=("kind",), prefix="price_bounds.")
        return InterferencePriceBounds()
    check_keys(bounds, required=("kind", "min", "max"), prefix="price_bounds.")
    return FixedPriceBounds(cast("Any", bounds["min"]), cast("Any", bounds["max"]))


def _positions(members: JsonObject) -> Positions | None:
    if members.get("positions_m") is None:
        return None
    places = member_object(members, "positions_m")
    check_keys(places, required=_PLACES, prefix="positions_m.")
    return Positions(**cast("dict[str, Any]", places))
