"""The numbers of the radio model, validated once, each default with its source."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np

from stackelberg.errors import ConfigError, DomainError, suggestion
from stackelberg.spectrum import propagation
from stackelberg.spectrum.scenario import (
    FixedPriceBounds,
    InterferencePriceBounds,
    PriceBounds,
)
from stackelberg.units import from_dbm, noise_power_w

PathLoss = Literal["simple", "los_nlos"]

PATH_LOSSES = ("simple", "los_nlos")

INTERFERENCE = InterferencePriceBounds()
"""The default price bounds."""


@dataclass(frozen=True)
class RadioModel:
    """Powers, noise, weights and propagation of a cell; see `generate` for a drop.

    Links to the base station always use 128.1 + 37.6 log10 d[km] (3GPP TR 36.942);
    `path_loss` chooses the law between devices. The same law, shadowing and fading give
    the gain of a link whether it carries a signal or interference. Antenna gains are
    0 dBi at both ends.

    Attributes:
        bandwidth_hz: one channel; 180 kHz is one LTE resource block (TS 36.211).
        noise_figure_db: of every receiver; 5 dB as a base station in TR 36.942. Noise
            density is -174 dBm/Hz.
        cellular_power_dbm: of each cellular user; 23 dBm is power class 3 (TS 36.101).
        min_power_dbm: least power of a pair; 0 dBm is 1 mW.
        max_power_dbm: greatest power of a pair; 23 dBm is power class 3 (TS 36.101).
        min_power_w: least power of a pair in W, instead of `min_power_dbm` when given:
            the only way to say 0 W.
        follower_price_weight: beta^f, > 0. With 1 a payment counts like rate.
        leader_revenue_weight: beta^l, > 0.
        price_bounds: `InterferencePriceBounds()` or `FixedPriceBounds(min, max)`.
        path_loss: between devices, ``simple``: 148 + 40 log10 d[km]; ``los_nlos``: 3GPP
            TR 36.843, A.2.1.2, outdoor to outdoor, with line of sight drawn once per
            couple of devices.
        carrier_hz: used by ``los_nlos`` alone; 2 GHz as in TR 36.843.
        base_station_shadowing_std_db: 8 dB (TR 36.814, A.2.1.1); 0 switches it off.
        device_shadowing_std_db: 7 dB (TR 36.843, A.2.1.2, outdoor to outdoor, for
            both laws and with or without sight; quoted without the report at hand;
            papers use 6 to 10 dB); 0 switches it off.
        base_station_decorrelation_m: 50 m (TR 36.814, A.2.1.1).
        device_decorrelation_m: 10 m (TR 36.885, table A.1.4-1).
        fading: whether Rayleigh fading, independent over channels, is drawn; without
            it gains are flat over channels.

    Raises:
        ConfigError: a value is of the wrong kind.
        DomainError: a number is outside its domain.
    """

    bandwidth_hz: float = 180e3
    noise_figure_db: float = 5.0
    cellular_power_dbm: float = 23.0
    min_power_dbm: float = 0.0
    max_power_dbm: float = 23.0
    min_power_w: float | None = None
    follower_price_weight: float = 1.0
    leader_revenue_weight: float = 1.0
    price_bounds: PriceBounds = INTERFERENCE
    path_loss: PathLoss = "simple"
    carrier_hz: float = 2e9
    base_station_shadowing_std_db: float = 8.0
    device_shadowing_std_db: float = 7.0
    base_station_decorrelation_m: float = propagation.BASE_STATION_DECORRELATION_M
    device_decorrelation_m: float = propagation.DEVICE_DECORRELATION_M
    fading: bool = True

    def __post_init__(self) -> None:
        for name in _POSITIVE:
            number(name, getattr(self, name), above=0.0)
        for name in ("base_station_shadowing_std_db", "device_shadowing_std_db"):
            number(name, getattr(self, name), least=0.0, most=40.0)
        number("noise_figure_db", self.noise_figure_db, least=0.0, most=100.0)
        # Limits far outside any radio catch W given as dBm, and keep gains finite.
        for name in ("cellular_power_dbm", "min_power_dbm", "max_power_dbm"):
            number(name, getattr(self, name), least=-200.0, most=100.0)
        number("carrier_hz", self.carrier_hz, least=0.45e9, most=6e9)
        if self.min_power_w is not None:
            number("min_power_w", self.min_power_w, least=0.0)
        _check_power_order(self)
        _check_choices(self)

    @property
    def noise_power_w(self) -> float:
        """N0 in W over `bandwidth_hz`."""
        return noise_power_w(self.bandwidth_hz, self.noise_figure_db)

    @property
    def least_power_w(self) -> float:
        """Least power of a pair in W, whichever way it was given."""
        if self.min_power_w is not None:
            return float(self.min_power_w)
        return from_dbm(float(self.min_power_dbm))

    @property
    def greatest_power_w(self) -> float:
        """Greatest power of a pair in W."""
        return from_dbm(float(self.max_power_dbm))


_POSITIVE = (
    "bandwidth_hz",
    "follower_price_weight",
    "leader_revenue_weight",
    "base_station_decorrelation_m",
    "device_decorrelation_m",
)


def number(
    name: str,
    value: object,
    *,
    above: float = -math.inf,
    least: float = -math.inf,
    most: float = math.inf,
) -> float:
    """`value` as a finite float > `above`, >= `least` and <= `most`.

    Raises:
        ConfigError: if it is not a number.
        DomainError: if it is outside.
    """
    if isinstance(value, bool) or not isinstance(
        value, (int, float, np.integer, np.floating)
    ):
        raise ConfigError(name, expected="a number", got=repr(value))
    inside = above < value <= most and value >= least and abs(value) < math.inf
    if not inside:
        limits = [f"> {above:g}"] if above > -math.inf else []
        limits += [f">= {least:g}"] if least > -math.inf else []
        limits += [f"<= {most:g}"] if most < math.inf else []
        wanted = "a finite number " + " and ".join(limits)
        raise DomainError(name, expected=wanted.strip(), got=value)
    return float(value)


def whole_number(
    name: str, value: object, *, least: int, most: int | None = None
) -> int:
    """`value` as an int >= `least`, and <= `most` where that is given.

    Raises:
        ConfigError: if it is not a whole number.
        DomainError: if it is outside.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise ConfigError(name, expected="a whole number", got=repr(value))
    if value < least or (most is not None and value > most):
        end = "" if most is None else f" and <= {most}"
        raise DomainError(name, expected=f"a whole number >= {least}{end}", got=value)
    return int(value)


def distance_range(name: str, value: object) -> tuple[float, float]:
    """`value` as (least, greatest) distance in m, 0 < least <= greatest.

    Raises:
        ConfigError: if it is not a couple of numbers.
        DomainError: if a distance is outside its domain.
    """
    couple = cast("tuple[object, ...]", value)
    if not isinstance(value, (tuple, list)) or len(couple) != 2:
        raise ConfigError(
            name, expected="two distances in m, (least, greatest)", got=repr(value)
        )
    least = number(f"{name}[0]", couple[0], above=0.0)
    return least, number(f"{name}[1]", couple[1], least=least)


def _check_power_order(radio: RadioModel) -> None:
    if radio.least_power_w >= radio.greatest_power_w:
        in_watts = radio.min_power_w is not None
        limit = (
            f"{radio.min_power_w:g} W (min_power_w)"
            if in_watts
            else f"{radio.min_power_dbm:g} (min_power_dbm)"
        )
        raise DomainError(
            "max_power_dbm", expected=f"more than {limit}", got=radio.max_power_dbm
        )


def _check_choices(radio: RadioModel) -> None:
    path_loss = cast("object", radio.path_loss)
    if path_loss not in PATH_LOSSES:
        raise ConfigError(
            "path_loss",
            expected="'simple' or 'los_nlos'" + suggestion(str(path_loss), PATH_LOSSES),
            got=repr(path_loss),
        )
    if not isinstance(cast("object", radio.fading), bool):
        raise ConfigError("fading", expected="True or False", got=repr(radio.fading))
    bounds = cast("object", radio.price_bounds)
    if not isinstance(bounds, (InterferencePriceBounds, FixedPriceBounds)):
        raise ConfigError(
            "price_bounds",
            expected="InterferencePriceBounds() or FixedPriceBounds(min, max)",
            got=repr(bounds),
        )
