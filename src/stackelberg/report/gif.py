"""Animations as GIF files, without any imaging library.

Every frame is reduced to one palette of 256 colours that all frames share, and packed
by the variable-length LZW code of the GIF89a specification.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Frame = npt.NDArray[np.uint8]

_COLOURS = 256
_CODE_BITS = 8
_MOST_CODES = 4096


def gif(frames: Sequence[Frame], seconds_per_frame: float = 0.1) -> bytes:
    """The bytes of a GIF that plays `frames` over and over.

    Args:
        frames: RGB pictures of one size [H, W, 3], at least one.
        seconds_per_frame: rounded to hundredths, at least 0.02.
    """
    height, width = frames[0].shape[:2]
    palette = _palette(frames)
    hundredths = max(round(100.0 * seconds_per_frame), 2)
    parts = [
        b"GIF89a",
        width.to_bytes(2, "little") + height.to_bytes(2, "little"),
        bytes([0xF7, 0, 0]),  # a shared table of 256 colours
        palette.tobytes(),
        b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00",  # for ever
    ]
    nearest = _nearest(palette)
    for picture in frames:
        parts.append(
            b"\x21\xf9\x04\x00" + hundredths.to_bytes(2, "little") + b"\x00\x00"
        )
        parts.append(
            b"\x2c\x00\x00\x00\x00"
            + width.to_bytes(2, "little")
            + height.to_bytes(2, "little")
            + b"\x00"
        )
        packed = _packed(nearest[_coarse(picture)].tobytes())
        blocks = [packed[k : k + 255] for k in range(0, len(packed), 255)]
        parts.append(bytes([_CODE_BITS]))
        parts += [bytes([len(block)]) + block for block in blocks]
        parts.append(b"\x00")
    return b"".join([*parts, b"\x3b"])


def _coarse(picture: Frame) -> npt.NDArray[np.int64]:
    """A colour's cell: 5 bits each of red, green and blue."""
    cell = (picture >> 3).astype(np.int64)
    return (cell[..., 0] << 10) | (cell[..., 1] << 5) | cell[..., 2]


def _palette(frames: Sequence[Frame]) -> Frame:
    """The 256 commonest cells' colours [256, 3], each the mean of its first picture."""
    count = np.zeros(2**15, np.int64)
    total = np.zeros((2**15, 3), np.float64)
    for picture in frames:
        cells, flat = _coarse(picture).ravel(), picture.reshape(-1, 3)
        count += np.bincount(cells, minlength=2**15)
        for k in range(3):
            total[:, k] += np.bincount(cells, flat[:, k], minlength=2**15)
    commonest = np.argsort(-count, kind="stable")[:_COLOURS]
    mean = total[commonest] / np.maximum(count[commonest], 1)[:, None]
    return np.round(mean).astype(np.uint8)


def _nearest(palette: Frame) -> npt.NDArray[np.uint8]:
    """The entry of the palette for every cell [2^15]."""
    cell = np.arange(2**15)
    middle = np.stack([cell >> 10, (cell >> 5) & 31, cell & 31], axis=1) * 8.0 + 3.5
    table = palette.astype(np.float64)
    # |a - b|^2 without the part that is the same for all entries.
    away = (table * table).sum(axis=1) - 2.0 * middle @ table.T
    return away.argmin(axis=1).astype(np.uint8)


def _packed(pixels: bytes) -> bytes:
    """LZW with codes of 9 to 12 bits, the lowest bit first."""
    clear, end = _COLOURS, _COLOURS + 1
    codes: dict[tuple[int, int], int] = {}
    size, free = _CODE_BITS + 1, end + 1
    out, held, count = bytearray(), clear, size
    known = pixels[0]

    for pixel in pixels[1:]:
        longer = codes.get((known, pixel))
        if longer is not None:
            known = longer
            continue
        held |= known << count
        count += size
        if free < _MOST_CODES:
            codes[known, pixel] = free
            size += free == 1 << size
            free += 1
        else:
            held |= clear << count
            count += size
            codes.clear()
            size, free = _CODE_BITS + 1, end + 1
        while count >= 8:
            out.append(held & 0xFF)
            held >>= 8
            count -= 8
        known = pixel
    for code in (known, end):
        held |= code << count
        count += size
        size += free == 1 << size and size < 12
        free += 1
    return bytes(out) + held.to_bytes((count + 7) // 8, "little")
