"""The spectrum game's data: one base station, its channels, its D2D pairs.

Shape legend: M channels (one cellular user each), N D2D pairs. Gains are linear power
gains; powers are W. The model is equation (1) and its neighbourhood of the D2D paper,
whose main text is not available; see `docs/spectrum.md` for what is reconstruction.
"""

from __future__ import annotations

from collections import Counter
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


@dataclass(frozen=True, eq=False)
class FixedPriceBounds:
    """Each price ranges over given numbers; followers may sit at a power limit.

    Attributes:
        min: least price per pair [N], > 0.
        max: greatest price per pair [N], >= min.
    """

    min: Floats
    max: Floats


PriceBounds: TypeAlias = InterferencePriceBounds | FixedPriceBounds


@dataclass(frozen=True, eq=False)
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
        _check_scalars(self)
        for name, layout in _LAYOUTS.items():
            _set(self, name, _array(name, getattr(self, name), layout))
        m, n = _check_lengths(self)
        for name in _LAYOUTS:
            strict = name in ("gain_d2d", "gain_d2d_to_bs")
            _check_entries(name, getattr(self, name), strictly_positive=strict)
        _set(self, "channel", checked_channel(self.channel, m, n))
        _set(self, "price_bounds", _checked_bounds(self))
        if self.positions_m is not None:
            checked = checked_positions("positions_m", self.positions_m, m, n)
            _set(self, "positions_m", checked)

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

# Axes each array may have, in the letters of the shape legend.
_LAYOUTS = {
    "cellular_power_w": ("M",),
    "gain_cellular_to_bs": ("M",),
    "gain_d2d": ("N", "MN"),
    "gain_d2d_to_bs": ("N", "MN"),
    "gain_cellular_to_d2d": ("MN",),
    "gain_d2d_to_d2d": ("NN", "MNN"),
}


def checked_channel(channel: object, num_channels: int, num_pairs: int) -> Ints | None:
    """`channel` as read-only whole numbers in range [N]; None stays None.

    Raises:
        ShapeError: if there is not one channel per pair.
        ConfigError: if an entry is not a whole number.
        DomainError: if an entry is not a channel's number.
    """
    if channel is None:
        return None
    raw = _nested("channel", channel, "whole number")
    if raw.shape != (num_pairs,):
        raise ShapeError(
            "channel",
            expected=f"{num_pairs} channel numbers, one per pair (or null)",
            got=f"shape {list(raw.shape)}",
        )
    outside = np.flatnonzero((raw < 0) | (raw >= num_channels))
    if len(outside):
        raise DomainError(
            f"channel[{outside[0]}]",
            expected=f"a channel number from 0 to {num_channels - 1}",
            got=raw[outside[0]].item(),
        )
    if raw.size and raw.dtype.kind not in "iu":
        fractional = np.flatnonzero(raw != np.floor(raw))
        j = int(fractional[0]) if len(fractional) else 0
        raise ConfigError(f"channel[{j}]", expected="a whole number", got=raw[j].item())
    checked = np.array(raw, dtype=np.int64)
    checked.flags.writeable = False
    return checked


def checked_positions(
    name: str,
    positions: object,
    num_channels: int | None = None,
    num_pairs: int | None = None,
) -> Positions:
    """`positions` as read-only float64 arrays of finite metres.

    Args:
        name: what to call it in errors.
        positions: a `Positions` of anything array-like.
        num_channels: M; None takes the number of cellular users.
        num_pairs: N; None takes the number of transmitters.

    Raises:
        ConfigError: if it is not a `Positions` or an entry is not a number.
        ShapeError: if a length does not fit.
        DomainError: if a coordinate is not finite.
    """
    if not isinstance(positions, Positions):
        raise ConfigError(name, expected="Positions(...)", got=_shown(positions))
    arrays = {
        "base_station": _array(f"{name}.base_station", positions.base_station, ("2",)),
        "cellular": _array(f"{name}.cellular", positions.cellular, ("M2",)),
        "d2d_transmitter": _array(
            f"{name}.d2d_transmitter", positions.d2d_transmitter, ("N2",)
        ),
        "d2d_receiver": _array(f"{name}.d2d_receiver", positions.d2d_receiver, ("N2",)),
    }
    m = len(arrays["cellular"]) if num_channels is None else num_channels
    n = len(arrays["d2d_transmitter"]) if num_pairs is None else num_pairs
    shapes = {
        "base_station": (2,),
        "cellular": (m, 2),
        "d2d_transmitter": (n, 2),
        "d2d_receiver": (n, 2),
    }
    for part, array in arrays.items():
        if array.size == 0 and shapes[part][0] == 0:
            arrays[part] = array = array.reshape(shapes[part])
        if array.shape != shapes[part]:
            raise ShapeError(
                f"{name}.{part}",
                expected=f"shape {list(shapes[part])}",
                got=str(list(array.shape)),
            )
        _check_finite(f"{name}.{part}", array, "a finite number of metres")
    return Positions(**arrays)


def _set(record: object, name: str, value: object) -> None:
    object.__setattr__(record, name, value)


def _on_channel(gain: Floats, channel: int, *, flat_axes: int) -> Floats:
    return gain if gain.ndim == flat_axes else gain[channel]


def _number(name: str, value: object) -> float:
    if not _is_number(value):
        raise ConfigError(name, expected="a number", got=_shown(value))
    try:
        return float(cast("float", value))
    except OverflowError:  # a whole number past the range of doubles
        raise DomainError(name, expected="a finite number", got=_shown(value)) from None


def _is_number(value: object) -> bool:
    return not isinstance(value, (bool, np.bool_)) and isinstance(
        value, (int, float, np.integer, np.floating)
    )


def _nested(
    name: str, value: object, wanted: str
) -> npt.NDArray[np.floating | np.integer]:
    """`value` as an array of numbers as NumPy reads it, or the entry that is none."""
    if not isinstance(value, np.ndarray):
        found = _first_non_number(value)
        if found is not None:
            raise ConfigError(
                name + found[0], expected=f"a {wanted}", got=_shown(found[1])
            )
    try:
        raw = np.asarray(value)
    except ValueError:  # ragged nesting
        raise ShapeError(
            name, expected="rows of equal length", got="rows of different lengths"
        ) from None
    if raw.dtype.kind in "iuf":
        return raw
    if isinstance(value, np.ndarray):
        raise ConfigError(name, expected=f"{wanted}s", got=f"entries of {raw.dtype}")
    raise DomainError(name, expected=f"{wanted}s of ordinary size", got=_shown(value))


def _first_non_number(value: object, path: str = "") -> tuple[str, object] | None:
    if isinstance(value, (list, tuple)):
        for i, item in enumerate(cast("list[object]", value)):
            # The common case costs one comparison, not a call.
            if type(item) is not float:
                found = _first_non_number(item, f"{path}[{i}]")
                if found is not None:
                    return found
        return None
    if (
        _is_number(value)
        or isinstance(value, np.ndarray)
        or hasattr(value, "__array__")
    ):
        return None
    return path, value


def _array(name: str, value: object, layouts: tuple[str, ...]) -> Floats:
    """Return a read-only float64 array, or say which entry or axis is wrong."""
    raw = _nested(name, value, "number")
    axes = [len(layout) for layout in layouts]
    empty_of_pairs = raw.size == 0 and layouts[-1][-1] in "N2"
    if raw.ndim not in axes and not empty_of_pairs:
        wanted = " or ".join("".join(f"[{x}]" for x in layout) for layout in layouts)
        got = f"shape {list(raw.shape)}" if raw.ndim else "one number"
        raise ShapeError(
            name, expected=f"numbers as {wanted}, M channels and N pairs", got=got
        )
    array = np.array(raw, dtype=np.float64, order="C")
    array.flags.writeable = False
    return array


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


def _check_lengths(s: Scenario) -> tuple[int, int]:
    """M and N as most arrays have them; refuse the array that differs."""
    m = _usual_length(s, "M")
    n = _usual_length(s, "N")
    if m == 0:
        raise ShapeError("cellular_power_w", expected="at least one channel", got="[]")
    lengths = {"M": m, "N": n}
    for name, layouts in _LAYOUTS.items():
        array = getattr(s, name)
        shapes = [tuple(lengths[x] for x in layout) for layout in layouts]
        if array.size == 0 and n == 0 and "N" in layouts[-1]:
            # JSON writes an array over no pairs as [] or [[], ...]: add lost axes.
            shape = shapes[0] if array.shape[0] != m else shapes[-1]
            _set(s, name, array.reshape(shape))
        elif array.shape not in shapes:
            raise ShapeError(
                name,
                expected="shape "
                + " or ".join(str(list(x)) for x in shapes)
                + f" for {m} channels and {n} pairs",
                got=str(list(array.shape)),
            )
    return m, n


def _usual_length(s: Scenario, letter: str) -> int:
    """The most frequent length of the axes over channels or pairs; first wins ties."""
    seen = Counter[int]()
    for name, layouts in _LAYOUTS.items():
        shape = getattr(s, name).shape
        for layout in layouts:
            if len(layout) == len(shape):
                seen.update(
                    length
                    for x, length in zip(layout, shape, strict=True)
                    if x == letter
                )
    return seen.most_common(1)[0][0] if seen else 0


def _check_entries(name: str, array: Floats, *, strictly_positive: bool) -> None:
    low = array > 0.0 if strictly_positive else array >= 0.0
    sign = ">" if strictly_positive else ">="
    _refuse(name, array, low & np.isfinite(array), f"a finite number {sign} 0")


def _check_finite(name: str, array: Floats, expected: str) -> None:
    _refuse(name, array, np.isfinite(array), expected)


def _refuse(
    name: str, array: Floats, good: npt.NDArray[np.bool_], expected: str
) -> None:
    bad = np.argwhere(~good)
    if len(bad):
        index = tuple(int(i) for i in bad[0])
        raise DomainError(
            name + "".join(f"[{i}]" for i in index),
            expected=expected,
            got=float(array[index]),
        )


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
    low = _price_limit("price_bounds.min", bounds.min, s.num_pairs)
    high = _price_limit("price_bounds.max", bounds.max, s.num_pairs)
    crossed = np.flatnonzero(high < low)
    if len(crossed):
        j = int(crossed[0])
        raise DomainError(
            f"price_bounds.max[{j}]",
            expected=f"at least price_bounds.min[{j}] = {low[j]:g}",
            got=float(high[j]),
        )
    _check_pairs_can_transmit(s, low)
    return FixedPriceBounds(low, high)


def _price_limit(name: str, value: object, num_pairs: int) -> Floats:
    raw = np.array(_nested(name, value, "number"), dtype=np.float64)
    if raw.shape not in ((), (num_pairs,)):
        raise ShapeError(
            name,
            expected=f"a number or {num_pairs} numbers, one per pair",
            got=f"shape {list(raw.shape)}",
        )
    _check_entries(name, raw, strictly_positive=True)
    limit = np.array(np.broadcast_to(raw, (num_pairs,)))
    limit.flags.writeable = False
    return limit


def _check_pairs_can_transmit(s: Scenario, min_price: Floats) -> None:
    """Refuse a least price beyond -B/C: the pair would be silent whatever happens.

    -C = gbar (N0 + I) / g is least where no other pair interferes.
    """
    heard = s.cellular_power_w[:, None] * s.gain_cellular_to_d2d
    to_bs = np.broadcast_to(s.gain_d2d_to_bs, heard.shape)
    own = np.broadcast_to(s.gain_d2d, heard.shape)
    with np.errstate(over="ignore", divide="ignore"):  # extremes: any price is below
        silencing = (s.spend_scale / (s.noise_power_w + heard)) * (own / to_bs)
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
