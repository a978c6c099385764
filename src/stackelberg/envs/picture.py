"""A picture of the cell, drawn with NumPy: quick enough for a frame per slot.

The base station is a triangle in the middle, each channel has a colour, its cellular
user is a ring of that colour, each pair a line from transmitter to receiver (the dot),
the wider the more power, thin and grey where silent. On the right one bar per channel:
the cellular user's rate in the last slot.
"""

from __future__ import annotations

import colorsys
from typing import Any

import numpy as np
import numpy.typing as npt

from stackelberg.envs.params import EnvParams
from stackelberg.envs.state import State

Image = npt.NDArray[np.float32]
Frame = npt.NDArray[np.uint8]
Point = npt.NDArray[np.float64]
Colour = tuple[float, float, float]

SIZE = 480
"""Pixels, height of a frame and width of its map."""

BARS = 80
"""Pixels, width of the bars beside the map."""

_MARGIN = 14.0
_PAPER: Colour = (1.0, 1.0, 1.0)
_INK: Colour = (0.20, 0.22, 0.25)
_EDGE: Colour = (0.80, 0.82, 0.85)
_SILENT: Colour = (0.72, 0.74, 0.77)
_GOLDEN_TURN = 0.618034


def channel_colour(channel: int) -> Colour:
    """The colour of a channel; neighbours differ much."""
    hue = (0.58 + channel * _GOLDEN_TURN) % 1.0
    return colorsys.hsv_to_rgb(hue, 0.78, (0.82, 0.62, 0.74)[channel % 3])


def frame(state: State, params: EnvParams) -> Frame:
    """The cell as an RGB picture [`SIZE`, `SIZE` + `BARS`, 3].

    Where only gains are known and no places, users stand in a schematic ring.

    Args:
        state: after the slot that is shown.
        params: the environment's.
    """
    image = np.full((SIZE, SIZE + BARS, 3), _PAPER, np.float32)
    cellular, sender, receiver = _places(state, params)
    middle = np.array([SIZE / 2.0, SIZE / 2.0])
    _ring(image, middle, SIZE / 2.0 - _MARGIN, 1.0, _EDGE)
    channel = np.asarray(state.memory.channel)
    power = np.asarray(state.memory.transmit_power_w, np.float64)
    for i, at in enumerate(cellular):
        _ring(image, at, 4.5, 2.0, channel_colour(i))
    for j in np.argsort(power, kind="stable"):
        colour = channel_colour(int(channel[j])) if power[j] > 0.0 else _SILENT
        width = _width(float(power[j]), params)
        _line(image, sender[j], receiver[j], width, colour)
        _disc(image, receiver[j], 1.5 + 0.5 * width, colour)
    _triangle(image, middle, 9.0, _INK)
    _bars(image, np.asarray(state.memory.cellular_rate_bps, np.float64))
    return np.round(255.0 * image).astype(np.uint8)


def _places(state: State, params: EnvParams) -> tuple[Point, Point, Point]:
    """Pixels of cellular users, transmitters and receivers."""
    places = state.world.places
    if places is None:
        return _schematic(params.num_channels, params.num_pairs)
    found = [
        np.asarray(part, np.float64)
        for part in (places.cellular, places.transmitter, places.receiver)
    ]
    reach = max(float(params.area.cell_radius_m), *(np.abs(p).max() for p in found))
    scale = (SIZE / 2.0 - _MARGIN) / reach
    # North is up: the second coordinate grows against the rows.
    return tuple(SIZE / 2.0 + scale * part * [1.0, -1.0] for part in found)  # type: ignore[return-value]


def _schematic(num_channels: int, num_pairs: int) -> tuple[Point, Point, Point]:
    def around(count: int, radius: float, turn: float) -> Point:
        angle = 2.0 * np.pi * (np.arange(count) + turn) / count
        at = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        return SIZE / 2.0 * (1.0 + at)

    return (
        around(num_channels, 0.45, 0.0),
        around(num_pairs, 0.74, 0.25),
        around(num_pairs, 0.84, 0.35),
    )


def _width(power_w: float, params: EnvParams) -> float:
    """Line width in pixels, even in dB over the two decades below the limit."""
    if power_w <= 0.0:
        return 1.0
    share_db = 10.0 * np.log10(power_w / float(params.radio.max_power_w))
    return float(np.clip(6.0 + 0.22 * share_db, 1.2, 6.0))


def _paint(image: Image, box: Any, distance: Any, colour: Colour) -> None:
    """Fill where the signed distance in pixels is negative, with a soft edge."""
    cover = np.clip(0.5 - distance, 0.0, 1.0)[..., None]
    part = image[box]
    part += cover * (np.asarray(colour, np.float32) - part)


def _grid(image: Image, low: Point, high: Point) -> tuple[Any, Any, Any]:
    """A window of the image around two corners, and its pixels' x and y."""
    height, width = image.shape[:2]
    x0, y0 = (max(int(np.floor(edge)) - 1, 0) for edge in low)
    x1, y1 = min(int(high[0]) + 3, width), min(int(high[1]) + 3, height)
    rows, columns = np.ogrid[y0:y1, x0:x1]
    return np.s_[y0:y1, x0:x1], columns + 0.5, rows + 0.5


def _disc(image: Image, at: Point, radius: float, colour: Colour) -> None:
    box, x, y = _grid(image, at - radius, at + radius)
    _paint(image, box, np.hypot(x - at[0], y - at[1]) - radius, colour)


def _ring(image: Image, at: Point, radius: float, width: float, colour: Colour) -> None:
    reach = radius + width
    box, x, y = _grid(image, at - reach, at + reach)
    away = np.abs(np.hypot(x - at[0], y - at[1]) - radius) - width / 2.0
    _paint(image, box, away, colour)


def _line(image: Image, a: Point, b: Point, width: float, colour: Colour) -> None:
    box, x, y = _grid(image, np.minimum(a, b) - width, np.maximum(a, b) + width)
    along = b - a
    length = max(float(along @ along), 1e-9)
    share = ((x - a[0]) * along[0] + (y - a[1]) * along[1]) / length
    share = np.clip(share, 0.0, 1.0)
    away = np.hypot(x - a[0] - share * along[0], y - a[1] - share * along[1])
    _paint(image, box, away - width / 2.0, colour)


def _triangle(image: Image, at: Point, radius: float, colour: Colour) -> None:
    box, x, y = _grid(image, at - radius, at + radius)
    right, up = x - at[0], at[1] - y
    sloped = 0.866 * np.abs(right) + 0.5 * up
    _paint(image, box, np.maximum(-up, sloped) - radius / 2.0, colour)


def _bars(image: Image, rate_bps: Point) -> None:
    """One bar per channel, as long as its rate is of the greatest."""
    most = max(float(rate_bps.max()), 1.0)
    pitch = (SIZE - 2.0 * _MARGIN) / len(rate_bps)
    for i, rate in enumerate(rate_bps):
        top = round(_MARGIN + i * pitch)
        bottom = max(round(_MARGIN + (i + 0.8) * pitch), top + 1)
        end = round((BARS - _MARGIN) * rate / most)
        image[top:bottom, SIZE : SIZE + max(end, 1)] = channel_colour(i)
