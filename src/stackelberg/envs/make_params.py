"""From plain settings to a checked `EnvParams`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from stackelberg.envs.dynamics import Batteries, Queues
from stackelberg.envs.fading import Fading, Jakes, Rayleigh
from stackelberg.envs.gains import GainTrace, Propagation
from stackelberg.envs.information import Information
from stackelberg.envs.mobility import (
    Area,
    GaussMarkov,
    Mobility,
    PlaceTrace,
    RandomWaypoint,
)
from stackelberg.envs.params import (
    Billing,
    EnvParams,
    PriceLimits,
    Radio,
    SlotConcept,
)
from stackelberg.errors import ConfigError, DomainError, ShapeError, suggestion
from stackelberg.spectrum.propagation import MIN_BASE_STATION_DISTANCE_M
from stackelberg.spectrum.radio import (
    RadioModel,
    distance_range,
    number,
    whole_number,
)
from stackelberg.spectrum.scenario import FixedPriceBounds
from stackelberg.units import from_dbm

STANDARD_RADIO = RadioModel()
"""The standard setting: every default of `RadioModel`."""

RAYLEIGH = Rayleigh()

FULL_INFORMATION = Information(scope="full")
LOCAL_INFORMATION = Information()

LEAST_WAVES = 8

_T = TypeVar("_T")

_DOMAINS: dict[str, dict[str, tuple[float, float]]] = {
    "Jakes": {"doppler_hz": (0.0, 1e6)},
    "RandomWaypoint": {
        "min_speed_m_per_s": (1e-3, 1e3),
        "max_speed_m_per_s": (1e-3, 1e3),
    },
    "GaussMarkov": {"speed_m_per_s": (0.0, 1e3), "memory_s": (1e-3, 1e9)},
    "Queues": {
        "arrival_probability": (0.0, 1.0),
        "packet_bits": (1e-3, 1e12),
        "loss_weight": (0.0, 1e6),
    },
    "Batteries": {
        "capacity_j": (1e-9, 1e9),
        "circuit_power_w": (0.0, 1e3),
        "harvest_w": (0.0, 1e3),
    },
    "Information": {"error_std_db": (0.0, 40.0), "memory_slots": (1.0, 1e6)},
}
"""Least and greatest value of each number, by record."""

_RADIO: dict[str, tuple[float, float]] = {
    "bandwidth_hz": (1e-3, 1e12),
    "follower_price_weight": (1e-9, 1e9),
    "leader_revenue_weight": (1e-9, 1e9),
    "base_station_decorrelation_m": (1e-3, 1e6),
    "device_decorrelation_m": (1e-3, 1e6),
}
"""Far beyond any radio; past them float32 does not hold what an agent sees."""

_MOST_DISTANCE_M = 1e5

_PRICES = (1e-30, 1e30)
"""Least and greatest fixed bound on a price that float32 can still multiply."""

_MOST_SLOTS = 1_000_000_000

_WHOLE: dict[str, dict[str, tuple[int, int]]] = {
    "Jakes": {"waves": (LEAST_WAVES, 100_000)},
    "Queues": {"deadline_slots": (1, 100_000)},
    "Information": {"delay_slots": (0, 1_000_000)},
}
"""Least and greatest value of each whole number, by record."""


def make_params(
    *,
    num_channels: int = 25,
    num_pairs: int = 25,
    radio: RadioModel = STANDARD_RADIO,
    cell_radius_m: float = 500.0,
    d2d_distance_m: tuple[float, float] = (10.0, 50.0),
    mobility: Mobility = None,
    slots_per_frame: int = 10,
    shadowing_waves: int = 32,
    gains: GainTrace | None = None,
    fading: Fading = RAYLEIGH,
    information: Information = LOCAL_INFORMATION,
    queues: Queues | None = None,
    batteries: Batteries | None = None,
    switching_loss: float | None = None,
    price_inertia: float | None = None,
    billing: Billing = "instantaneous",
    price_per_channel: bool = False,
    max_pairs_per_channel: int | None = None,
    slot_s: float = 0.02,
    horizon_slots: int = 100,
    auto_reset: bool = False,
    equilibrium: SlotConcept | None = None,
    dtype: DTypeLike = np.float32,
) -> EnvParams:
    """An environment from plain settings, checked.

    Args:
        num_channels: M, one cellular user each.
        num_pairs: N.
        radio: powers, noise, weights, propagation and price bounds of the cell, as for
            `spectrum.generate`; its `fading` is not used.
        cell_radius_m: edge of the cell.
        d2d_distance_m: least and greatest distance within a pair.
        mobility: `RandomWaypoint`, `GaussMarkov`, `PlaceTrace`, or None: all stand.
        slots_per_frame: slots between two moves; 10 slots of 20 ms are 0.2 s.
        shadowing_waves: of each random field; more waves, less scatter.
        gains: recorded gains without fading, instead of places and propagation.
        fading: `Rayleigh()`, `Jakes(doppler_hz)`, or None.
        information: what agents see; `full()`, `local()`, `delayed(d)`, `noisy(std)`,
            or an `Information` that combines them.
        queues: packets with deadlines; None: every pair always has data to send.
        batteries: None: energy is free.
        switching_loss: share of a slot lost after a change of channel, in (0, 1].
        price_inertia: weight of the last price in logarithms, in (0, 1).
        billing: ``instantaneous``: payments go by the slot's gain to the base station;
            ``quoted``: by the gain the leader sees (delayed, inexact).
        price_per_channel: prices [M, N] instead of [N].
        max_pairs_per_channel: admission limit; None: none.
        slot_s: seconds per slot; 20 ms and 10 Hz are the usual fading setting.
        horizon_slots: an episode is cut off after so many slots.
        auto_reset: whether `step` begins a new episode where one ends.
        equilibrium: ``bilevel`` or ``iterated``: `Step.info` carries the equilibrium of
            each slot and the regrets of the actions taken; None: it carries nothing.
        dtype: float32, or float64 where JAX has it enabled.

    Raises:
        ConfigError: an argument is of the wrong kind.
        DomainError: a number is outside its domain.
        ShapeError: a trace or price bounds do not fit the sizes.
    """
    precision = _precision(dtype)
    m = whole_number("num_channels", num_channels, least=1)
    n = whole_number("num_pairs", num_pairs, least=1)
    if m * n * n >= 2**32:
        raise DomainError(
            "num_pairs",
            expected="fewer than 2^32 links between pairs over all channels",
            got=f"{n} pairs on {m} channels",
        )
    _check_kind("radio", radio, RadioModel)
    _check_kinds(mobility, gains, fading, information, queues, batteries)
    _check_choice("billing", billing, ("instantaneous", "quoted"))
    _check_choice("equilibrium", equilibrium, ("bilevel", "iterated", None))
    _check_information(information)
    moving, recorded = checked_traces(
        _checked("mobility", mobility, precision), gains, m, n, precision
    )
    if max_pairs_per_channel is not None:
        whole_number("max_pairs_per_channel", max_pairs_per_channel, least=1)
    radius = number(
        "cell_radius_m",
        cell_radius_m,
        above=MIN_BASE_STATION_DISTANCE_M,
        most=_MOST_DISTANCE_M,
    )
    distances = distance_range("d2d_distance_m", d2d_distance_m)
    number("d2d_distance_m[1]", distances[1], most=_MOST_DISTANCE_M)

    def array(value: object) -> jax.Array:
        return jnp.asarray(value, precision)

    return EnvParams(
        radio=_radio(radio, m, precision),
        price_limits=_price_limits(radio, n, precision),
        area=Area(array(radius), array(distances)),
        propagation=Propagation(
            base_station_shadowing_std_db=array(radio.base_station_shadowing_std_db),
            device_shadowing_std_db=array(radio.device_shadowing_std_db),
            base_station_decorrelation_m=array(radio.base_station_decorrelation_m),
            device_decorrelation_m=array(radio.device_decorrelation_m),
            path_loss=radio.path_loss,
            carrier_hz=float(radio.carrier_hz),
            shadowing_waves=whole_number(
                "shadowing_waves", shadowing_waves, least=LEAST_WAVES
            ),
        ),
        mobility=moving,
        gains=recorded,
        fading=_checked("fading", fading, precision),
        information=_checked("information", information, precision),
        queues=_checked("queues", queues, precision),
        batteries=_checked("batteries", batteries, precision),
        switching_loss=_share("switching_loss", switching_loss, 1.0, precision),
        price_inertia=_share("price_inertia", price_inertia, 0.999, precision),
        seed=None,
        slot_s=array(number("slot_s", slot_s, above=0.0, most=1e3)),
        horizon_slots=jnp.int32(
            whole_number("horizon_slots", horizon_slots, least=1, most=_MOST_SLOTS)
        ),
        num_channels=m,
        num_pairs=n,
        slots_per_frame=whole_number(
            "slots_per_frame", slots_per_frame, least=1, most=_MOST_SLOTS
        ),
        price_per_channel=_flag("price_per_channel", price_per_channel),
        billing=billing,
        max_pairs_per_channel=max_pairs_per_channel,
        auto_reset=_flag("auto_reset", auto_reset),
        equilibrium=equilibrium,
    )


def _precision(dtype: DTypeLike) -> np.dtype:
    if dtype not in (np.float32, np.float64, "float32", "float64"):
        raise ConfigError("dtype", expected="float32 or float64", got=repr(dtype))
    kept = jnp.zeros((), dtype).dtype if jax.config.read("jax_enable_x64") else None
    if kept is None and np.dtype(cast("Any", dtype)) == np.float64:
        raise ConfigError(
            "dtype", expected="float64 only with jax_enable_x64", got="float64"
        )
    return np.dtype(cast("Any", dtype))


def _radio(radio: RadioModel, num_channels: int, dtype: np.dtype) -> Radio:
    for name, (least, most) in _RADIO.items():
        number(f"radio.{name}", getattr(radio, name), least=least, most=most)

    def array(value: float) -> jax.Array:
        return jnp.asarray(value, dtype)

    return Radio(
        bandwidth_hz=array(radio.bandwidth_hz),
        noise_power_w=array(radio.noise_power_w),
        cellular_power_w=jnp.full(
            num_channels, from_dbm(radio.cellular_power_dbm), dtype
        ),
        min_power_w=array(radio.least_power_w),
        max_power_w=array(radio.greatest_power_w),
        follower_price_weight=array(radio.follower_price_weight),
        leader_revenue_weight=array(radio.leader_revenue_weight),
    )


def _price_limits(
    radio: RadioModel, num_pairs: int, dtype: np.dtype
) -> PriceLimits | None:
    bounds = radio.price_bounds
    if not isinstance(bounds, FixedPriceBounds):
        return None
    limits: list[np.ndarray] = []
    for name, given in (("min", bounds.min), ("max", bounds.max)):
        limit = np.asarray(given, np.float64)
        if limit.shape not in ((), (num_pairs,)):
            raise ShapeError(
                f"radio.price_bounds.{name}",
                expected=f"a number or {num_pairs} numbers, one per pair",
                got=f"shape {list(limit.shape)}",
            )
        limits.append(np.broadcast_to(limit, (num_pairs,)))
    if not (np.all(limits[0] > 0.0) and np.all(limits[0] <= limits[1])):
        raise DomainError(
            "radio.price_bounds",
            expected="0 < min <= max for every pair",
            got=f"min {limits[0].min():g}, max {limits[1].min():g}",
        )
    for name, limit in zip(("min", "max"), limits, strict=True):
        beyond = limit[(limit < _PRICES[0]) | (limit > _PRICES[1])]
        if len(beyond):
            raise DomainError(
                f"radio.price_bounds.{name}",
                expected=f"{_PRICES[0]:g} to {_PRICES[1]:g}",
                got=f"{beyond[0]:g}",
            )
    return PriceLimits(*(jnp.asarray(limit, dtype) for limit in limits))


def _check_kind(name: str, value: object, *kinds: type) -> None:
    if not isinstance(value, kinds):
        wanted = " or ".join(
            "None" if kind is type(None) else f"{kind.__name__}(...)" for kind in kinds
        )
        raise ConfigError(name, expected=wanted, got=repr(value)[:40])


def _check_kinds(
    mobility: object,
    gains: object,
    fading: object,
    information: object,
    queues: object,
    batteries: object,
) -> None:
    none = type(None)
    moving = (RandomWaypoint, GaussMarkov, PlaceTrace, none)
    _check_kind("mobility", mobility, *moving)
    _check_kind("gains", gains, GainTrace, none)
    _check_kind("fading", fading, Rayleigh, Jakes, none)
    _check_kind("information", information, Information)
    _check_kind("queues", queues, Queues, none)
    _check_kind("batteries", batteries, Batteries, none)
    if gains is not None and not isinstance(mobility, (PlaceTrace, none)):
        raise ConfigError(
            "mobility",
            expected="PlaceTrace(...) or None where gains are recorded",
            got=repr(mobility)[:40],
        )


def _check_choice(name: str, value: object, known: Sequence[str | None]) -> None:
    if value not in known:
        words = [repr(word) for word in known]
        near = suggestion(str(value), [word for word in known if word])
        raise ConfigError(
            name, expected=" or ".join(words) + near, got=repr(value)[:40]
        )


def _check_information(information: Information) -> None:
    _check_choice("information.scope", information.scope, ("local", "full"))
    _check_choice("information.sensing", information.sensing, ("all", "own"))
    if information.scope == "full" and information.sensing == "own":
        raise ConfigError(
            "information.sensing", expected="'all' with full information", got="'own'"
        )


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ConfigError(name, expected="True or False", got=repr(value)[:40])
    return value


def _share(
    name: str, value: float | None, most: float, dtype: np.dtype
) -> jax.Array | None:
    if value is None:
        return None
    return jnp.asarray(number(name, value, above=0.0, most=most), dtype)


def _checked(name: str, record: _T, dtype: np.dtype) -> _T:
    """The record with its numbers checked and made arrays."""
    if record is None or not is_dataclass(record):
        return record
    kind = type(record).__name__
    changes: dict[str, object] = {}
    for part in fields(record):
        value = getattr(record, part.name)
        path = f"{name}.{part.name}"
        if part.name in _WHOLE.get(kind, {}):
            least, most = _WHOLE[kind][part.name]
            whole_number(path, value, least=least, most=most)
        elif part.name in _DOMAINS.get(kind, {}) and value is not None:
            least, most = _DOMAINS[kind][part.name]
            if not isinstance(value, jax.Array):
                number(path, value, least=least, most=most)
            changes[part.name] = jnp.asarray(value, dtype)
    if isinstance(record, RandomWaypoint):
        slow, fast = record.min_speed_m_per_s, record.max_speed_m_per_s
        if float(fast) < float(slow):
            raise DomainError(
                f"{name}.max_speed_m_per_s",
                expected=f"at least min_speed_m_per_s = {float(slow):g}",
                got=float(fast),
            )
    return cast("_T", replace(cast("Any", record), **changes))


def checked_traces(
    mobility: Mobility,
    gains: GainTrace | None,
    num_channels: int,
    num_pairs: int,
    dtype: np.dtype,
) -> tuple[Mobility, GainTrace | None]:
    """Recorded places or gains, checked and in the environment's precision.

    The diagonal of gains between pairs becomes 0.

    Raises:
        ShapeError: a length does not fit.
        DomainError: a number is not finite, or a gain negative or not positive.
    """
    m, n = num_channels, num_pairs
    if isinstance(mobility, PlaceTrace):
        wanted = {"walker": [(m + n, 2)], "receiver": [(n, 2)]}
        _check_frames("mobility.places", mobility.places, wanted, positive=False)
        places = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), mobility.places)
        mobility = PlaceTrace(places)
    if gains is not None:
        wanted = {
            "cellular_to_bs": [(m,)],
            "d2d": [(n,), (m, n)],
            "d2d_to_bs": [(n,), (m, n)],
            "cellular_to_d2d": [(m, n)],
            "d2d_to_d2d": [(n, n), (m, n, n)],
        }
        _check_frames("gains", gains.gains, wanted, positive=True)
        found = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), gains.gains)
        others = found.d2d_to_d2d * (1.0 - jnp.eye(n, dtype=dtype))
        gains = GainTrace(found._replace(d2d_to_d2d=others))
    return mobility, gains


def _check_frames(
    name: str,
    record: Any,
    wanted: dict[str, list[tuple[int, ...]]],
    *,
    positive: bool,
) -> None:
    frames: int | None = None
    for part, shapes in wanted.items():
        array = np.asarray(getattr(record, part))
        if array.ndim == 0 or array.shape[1:] not in shapes or not len(array):
            shown = " or ".join(
                "[T, " + ", ".join(map(str, shape)) + "]" for shape in shapes
            )
            raise ShapeError(
                f"{name}.{part}", expected=shown, got=f"shape {list(array.shape)}"
            )
        frames = len(array) if frames is None else frames
        if len(array) != frames:
            raise ShapeError(
                f"{name}.{part}", expected=f"{frames} frames", got=f"{len(array)}"
            )
        good = np.isfinite(array) & ((array >= 0.0) | (not positive))
        if part in ("d2d", "d2d_to_bs"):
            good &= array > 0.0
        if not good.all():
            index = tuple(int(i) for i in np.argwhere(~good)[0])
            raise DomainError(
                f"{name}.{part}" + "".join(f"[{i}]" for i in index),
                expected="a finite number" + (" > 0" if positive else ""),
                got=float(array[index]),
            )
