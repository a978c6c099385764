"""The spectrum game's data: one base station, its channels, its D2D pairs.

Shape legend: M channels (one cellular user each), N D2D pairs. Gains are linear power
gains; powers are W. The model is equation (1) and its neighbourhood of the D2D paper,
whose main text is not available; see `docs/spectrum.md` for what is reconstruction.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TypeAlias, cast

import numpy as np
import numpy.typing as npt

from stackelberg.errors import ConfigError, DomainError, ShapeError
from stackelberg.units import LN2

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True)
class InterferencePriceBounds:
    """Each price may range over the image of the power range.

    With s the pair's (noise + interference) / gain at the others' actual powers:
    B / (gbar (p_max + s)) <= price <= B / (gbar (p_min + s)).
    """


@dataclass(frozen=True)
class FixedPriceBounds:
    """Each price ranges over given numbers; followers may sit at a power limit.

    Attributes:
        min: least price per pair [N], > 0.
        max: greatest price per pair [N], >= min.
    """

    min: Floats
    max: Floats


PriceBounds: TypeAlias = InterferencePriceBounds | FixedPriceBounds


@dataclass(frozen=True)
class Positions:
    """Where everybody stands, in metres.

    Attributes:
        base_station: [2].
        cellular: [M, 2].
        d2d_transmitter: [N, 2].
        d2d_receiver: [N, 2].
    """

    base_station: Floats
    cellular: Floats
    d2d_transmitter: Floats
    d2d_receiver: Floats


@dataclass(frozen=True, eq=False)
class Scenario:
    """One cell at one moment: everything the game depends on. Validated, read-only.

    A gain over pairs may be flat over channels ([N]) or per channel ([M, N]); it is
    kept as given, so that writing and reading a scenario changes no bit.

    Attributes:
        bandwidth_hz: bandwidth W of one channel, > 0.
        noise_power_w: noise power N0 over `bandwidth_hz`, > 0.
        follower_price_weight: weight beta^f of payments to the followers, > 0.
        leader_revenue_weight: weight beta^l of payments to the leader, > 0.
        min_power_w: least transmit power of a pair, >= 0.
        max_power_w: greatest transmit power of a pair, > `min_power_w`.
        channel: channel reused by each pair [N], 0 <= channel < M; None lets the
            solver assign channels.
        cellular_power_w: transmit power of each channel's cellular user [M], >= 0.
        gain_cellular_to_bs: cellular user to base station [M], >= 0.
        gain_d2d: each pair's transmitter to its receiver [N] or [M, N], > 0.
        gain_d2d_to_bs: each pair's transmitter to the base station, > 0.
        gain_cellular_to_d2d: channel's cellular user to pair's receiver [M, N], >= 0.
        gain_d2d_to_d2d: from transmitter, to receiver [N, N] or [M, N, N], >= 0; the
            diagonal is ignored.
        price_bounds: `InterferencePriceBounds()` or `FixedPriceBounds(min, max)`.
        positions_m: optional, for pictures.

    Raises:
        ShapeError: a length or number of axes does not fit.
        DomainError: a number is not finite or outside its domain.
        ConfigError: a field is of the wrong kind.
    """

    bandwidth_hz: float
    noise_power_w: float
    follower_price_weight: float
    leader_revenue_weight: float
    min_power_w: float
    max_power_w: float
    channel: Ints | None
    cellular_power_w: Floats
    gain_cellular_to_bs: Floats
    gain_d2d: Floats
    gain_d2d_to_bs: Floats
    gain_cellular_to_d2d: Floats
    gain_d2d_to_d2d: Floats
    price_bounds: PriceBounds = InterferencePriceBounds()
    positions_m: Positions | None = None

    def __post_init__(self) -> None:
        for name in _SCALARS:
            _set(self, name, _number(name, getattr(self, name)))
        for name in ("cellular_power_w", "gain_cellular_to_bs"):
            _set(self, name, _array(name, getattr(self, name), axes=(1,)))
        for name in ("gain_d2d", "gain_d2d_to_bs"):
            _set(self, name, _array(name, getattr(self, name), axes=(1, 2)))
        _set(
            self,
            "gain_cellular_to_d2d",
            _array("gain_cellular_to_d2d", self.gain_cellular_to_d2d, axes=(2,)),
        )
        _set(
            self,
            "gain_d2d_to_d2d",
            _array("gain_d2d_to_d2d", self.gain_d2d_to_d2d, axes=(2, 3)),
        )
        _check_scalars(self)
        _check_shapes(self)
        _check_domains(self)
        _set(self, "channel", _checked_channel(self))
        _set(self, "price_bounds", _checked_bounds(self))
        _set(self, "positions_m", _checked_positions(self))

    @property
    def num_channels(self) -> int:
        """M."""
        return len(self.cellular_power_w)

    @property
    def num_pairs(self) -> int:
        """N."""
        return self.gain_d2d.shape[-1]

    @property
    def spend_scale(self) -> float:
        """B = W / (ln 2 beta^f), of (27): what an unclipped pair pays at most."""
        return self.bandwidth_hz / (LN2 * self.follower_price_weight)

    @property
    def received_cellular_power_w(self) -> Floats:
        """A_i = p_i^c g_i^c of (27), in W at the base station [M]."""
        return self.cellular_power_w * self.gain_cellular_to_bs

    def own_gain(self, channel: int) -> Floats:
        """Gain of each pair's own link on `channel` [N]."""
        return _on_channel(self.gain_d2d, channel, flat_axes=1)

    def gain_to_bs(self, channel: int) -> Floats:
        """Gain of each pair's transmitter to the base station on `channel` [N]."""
        return _on_channel(self.gain_d2d_to_bs, channel, flat_axes=1)

    def cross_gain(self, channel: int) -> Floats:
        """Gain from transmitter (row) to receiver (column) on `channel` [N, N]."""
        return _on_channel(self.gain_d2d_to_d2d, channel, flat_axes=2)

    def with_channel(self, channel: npt.ArrayLike | None) -> Scenario:
        """The same scenario with another channel allocation."""
        return self.replace(channel=channel)

    def replace(self, **changes: object) -> Scenario:
        """The same scenario with some fields changed; validated again."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return Scenario(**{**values, **changes})  # type: ignore[arg-type]


_SCALARS = (
    "bandwidth_hz",
    "noise_power_w",
    "follower_price_weight",
    "leader_revenue_weight",
    "min_power_w",
    "max_power_w",
)


def _set(record: object, name: str, value: object) -> None:
    object.__setattr__(record, name, value)


def _on_channel(gain: Floats, channel: int, *, flat_axes: int) -> Floats:
    return gain if gain.ndim == flat_axes else gain[channel]


def _number(name: str, value: object) -> float:
    if isinstance(value, (bool, np.bool_)) or not isinstance(
        value, (int, float, np.integer, np.floating)
    ):
        raise ConfigError(name, expected="a number", got=_shown(value))
    return float(value)


def _array(name: str, value: object, *, axes: tuple[int, ...]) -> Floats:
    """Return a read-only float64 array, or say which entry or axis is wrong."""
    try:
        raw = np.asarray(value)
    except ValueError:  # ragged nesting
        raise ShapeError(
            name, expected="rows of equal length", got="rows of different lengths"
        ) from None
    if raw.dtype.kind not in "iuf":
        bad = _first_non_number(value)
        raise ConfigError(name + bad[0], expected="a number", got=_shown(bad[1]))
    array = np.array(raw, dtype=np.float64, order="C")
    if array.ndim not in axes:
        raise ShapeError(
            name,
            expected=" or ".join(f"{n} axes" if n > 1 else "1 axis" for n in axes),
            got=f"{array.ndim} (shape {list(array.shape)})",
        )
    array.flags.writeable = False
    return array


def _first_non_number(value: object, path: str = "") -> tuple[str, object]:
    if isinstance(value, (list, tuple)):
        for i, item in enumerate(cast("list[object]", value)):
            found = _first_non_number(item, f"{path}[{i}]")
            if found[0] != "-":
                return found
        return "-", value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return "-", value
    return path, value


def _shown(value: object) -> str:
    text = "null" if value is None else repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _check_scalars(s: Scenario) -> None:
    for name in _SCALARS:
        value = getattr(s, name)
        if name == "min_power_w":
            ok, expected = 0.0 <= value < np.inf, "a finite number >= 0"
        else:
            ok, expected = 0.0 < value < np.inf, "a finite number > 0"
        if not ok:
            raise DomainError(name, expected=expected, got=value)
    if s.max_power_w <= s.min_power_w:
        raise DomainError(
            "max_power_w",
            expected=f"more than min_power_w = {s.min_power_w:g}",
            got=s.max_power_w,
        )


def _check_shapes(s: Scenario) -> None:
    m, n = s.num_channels, s.num_pairs
    if m == 0:
        raise ShapeError("cellular_power_w", expected="at least one channel", got="[]")
    allowed = {
        "gain_cellular_to_bs": ((m,),),
        "gain_d2d": ((n,), (m, n)),
        "gain_d2d_to_bs": ((n,), (m, n)),
        "gain_cellular_to_d2d": ((m, n),),
        "gain_d2d_to_d2d": ((n, n), (m, n, n)),
    }
    for name, shapes in allowed.items():
        shape = getattr(s, name).shape
        if shape not in shapes:
            raise ShapeError(
                name,
                expected="shape "
                + " or ".join(str(list(x)) for x in shapes)
                + f" for {m} channels and {n} pairs",
                got=str(list(shape)),
            )


def _check_domains(s: Scenario) -> None:
    for name, strict in (
        ("cellular_power_w", False),
        ("gain_cellular_to_bs", False),
        ("gain_d2d", True),
        ("gain_d2d_to_bs", True),
        ("gain_cellular_to_d2d", False),
        ("gain_d2d_to_d2d", False),
    ):
        _check_entries(name, getattr(s, name), strictly_positive=strict)


def _check_entries(name: str, array: Floats, *, strictly_positive: bool) -> None:
    low = array > 0.0 if strictly_positive else array >= 0.0
    bad = np.argwhere(~(low & np.isfinite(array)))
    if len(bad):
        index = tuple(int(i) for i in bad[0])
        raise DomainError(
            name + "".join(f"[{i}]" for i in index),
            expected=f"a finite number {'>' if strictly_positive else '>='} 0",
            got=float(array[index]),
        )


def _checked_channel(s: Scenario) -> Ints | None:
    if s.channel is None:
        return None
    raw = np.asarray(s.channel)
    if raw.shape != (s.num_pairs,):
        raise ShapeError(
            "channel",
            expected=f"{s.num_pairs} channel numbers, one per pair (or null)",
            got=f"shape {list(raw.shape)}",
        )
    if raw.size and raw.dtype.kind not in "iu":
        raise ConfigError("channel", expected="whole numbers", got=_shown(s.channel))
    channel = np.array(raw, dtype=np.int64)
    bad = np.flatnonzero((channel < 0) | (channel >= s.num_channels))
    if len(bad):
        raise DomainError(
            f"channel[{bad[0]}]",
            expected=f"a channel number from 0 to {s.num_channels - 1}",
            got=int(channel[bad[0]]),
        )
    channel.flags.writeable = False
    return channel


def _checked_bounds(s: Scenario) -> PriceBounds:
    bounds = cast("object", s.price_bounds)
    if isinstance(bounds, InterferencePriceBounds):
        return bounds
    if not isinstance(bounds, FixedPriceBounds):
        raise ConfigError(
            "price_bounds",
            expected="InterferencePriceBounds() or FixedPriceBounds(min, max)",
            got=_shown(bounds),
        )
    limits: dict[str, Floats] = {}
    for side in ("min", "max"):
        name = f"price_bounds.{side}"
        raw = np.asarray(getattr(bounds, side))
        if raw.ndim == 0 and raw.dtype.kind in "iuf":
            raw = np.full(s.num_pairs, raw, dtype=np.float64)
        array = _array(
            name, raw if raw.dtype.kind in "iuf" else getattr(bounds, side), axes=(1,)
        )
        if array.shape != (s.num_pairs,):
            raise ShapeError(
                name,
                expected=f"a number or {s.num_pairs} numbers, one per pair",
                got=f"{len(array)} numbers",
            )
        _check_entries(name, array, strictly_positive=True)
        limits[side] = array
    crossed = np.flatnonzero(limits["max"] < limits["min"])
    if len(crossed):
        j = int(crossed[0])
        raise DomainError(
            f"price_bounds.max[{j}]",
            expected=f"at least price_bounds.min[{j}] = {limits['min'][j]:g}",
            got=float(limits["max"][j]),
        )
    _check_pairs_can_transmit(s, limits["min"])
    return FixedPriceBounds(limits["min"], limits["max"])


def _check_pairs_can_transmit(s: Scenario, min_price: Floats) -> None:
    """Refuse a least price beyond -B/C: the pair would be silent whatever happens.

    -C = gbar (N0 + I) / g is least where no other pair interferes.
    """
    heard = s.cellular_power_w[:, None] * s.gain_cellular_to_d2d
    to_bs = np.broadcast_to(s.gain_d2d_to_bs, heard.shape)
    own = np.broadcast_to(s.gain_d2d, heard.shape)
    silencing = s.spend_scale * own / (to_bs * (s.noise_power_w + heard))
    if s.channel is None:
        silent_price = silencing.max(axis=0)
    else:
        silent_price = silencing[s.channel, np.arange(s.num_pairs)]
    crossing = np.flatnonzero(min_price >= silent_price)
    if len(crossing):
        j = int(crossing[0])
        raise DomainError(
            f"price_bounds.min[{j}]",
            expected=f"less than {silent_price[j]:.6g} (= -B/C, the price that "
            f"silences pair {j} even when no other pair transmits)",
            got=float(min_price[j]),
        )


def _checked_positions(s: Scenario) -> Positions | None:
    positions = cast("object", s.positions_m)
    if positions is None:
        return None
    if not isinstance(positions, Positions):
        raise ConfigError(
            "positions_m", expected="Positions(...) or None", got=_shown(positions)
        )
    shapes = {
        "base_station": (2,),
        "cellular": (s.num_channels, 2),
        "d2d_transmitter": (s.num_pairs, 2),
        "d2d_receiver": (s.num_pairs, 2),
    }
    checked: dict[str, Floats] = {}
    for part, shape in shapes.items():
        name = f"positions_m.{part}"
        array = _array(name, getattr(positions, part), axes=(len(shape),))
        if array.shape != shape:
            raise ShapeError(
                name, expected=f"shape {list(shape)}", got=str(list(array.shape))
            )
        bad = np.argwhere(~np.isfinite(array))
        if len(bad):
            index = tuple(int(i) for i in bad[0])
            raise DomainError(
                name + "".join(f"[{i}]" for i in index),
                expected="a finite number of metres",
                got=float(array[index]),
            )
        checked[part] = array
    return Positions(**checked)
