"""GIF files, read back by a decoder of their own specification."""

from __future__ import annotations

import numpy as np
import pytest

from stackelberg.report.gif import gif


def unpacked(data: bytes, bits: int) -> bytes:
    """What LZW codes say, by the table that both sides build."""
    clear, end = 1 << bits, (1 << bits) + 1
    whole, at, size = int.from_bytes(data, "little"), 0, bits + 1
    table = [bytes([k]) for k in range(clear)] + [b"", b""]
    out, last = bytearray(), b""
    while True:
        code = (whole >> at) & ((1 << size) - 1)
        at += size
        if code == end:
            return bytes(out)
        if code == clear:
            del table[end + 1 :]
            size, last = bits + 1, b""
            continue
        entry = table[code] if code < len(table) else last + last[:1]
        if last and len(table) < 4096:
            table.append(last + entry[:1])
        out += entry
        last = entry
        if len(table) == 1 << size and size < 12:
            size += 1


def pictures(content: bytes) -> list[np.ndarray]:
    """The frames of a GIF with one shared palette."""
    assert content[:6] == b"GIF89a"
    width, height = (int.from_bytes(content[k : k + 2], "little") for k in (6, 8))
    palette = np.frombuffer(content[13 : 13 + 768], np.uint8).reshape(-1, 3)
    at, found = 13 + 768, list[np.ndarray]()
    while content[at] != 0x3B:
        is_picture = content[at] == 0x2C
        at += 10 if is_picture else 2
        bits, data = content[at], bytearray()
        at += is_picture
        while content[at]:
            data += content[at + 1 : at + 1 + content[at]]
            at += 1 + content[at]
        at += 1
        if is_picture:
            pixels = np.frombuffer(unpacked(bytes(data), bits), np.uint8)
            found.append(palette[pixels.reshape(height, width)])
    assert at == len(content) - 1
    return found


def test_few_colours_come_back_as_they_were() -> None:
    draw = np.random.default_rng(0)
    colours = draw.integers(0, 32, (200, 3)) * 8
    frames = [
        colours[draw.integers(0, 200, (37, 53))].astype(np.uint8) for _ in range(3)
    ]
    back = pictures(gif(frames))
    assert len(back) == 3
    for frame, other in zip(frames, back, strict=True):
        np.testing.assert_array_equal(frame, other)


@pytest.mark.parametrize("side", [1, 2, 15, 16, 17, 61, 62, 63, 64, 65, 66, 90])
def test_every_number_of_codes_can_be_read(side: int) -> None:
    draw = np.random.default_rng(side)
    frame = np.repeat(draw.integers(0, 6, (side, side, 1)) * 40, 3, axis=2)
    noise = np.repeat(draw.integers(0, 32, (side, side, 1)) * 8, 3, axis=2)
    frames = [frame.astype(np.uint8), noise.astype(np.uint8)]
    back = pictures(gif(frames))
    np.testing.assert_array_equal(back[0], frames[0])
    np.testing.assert_array_equal(back[1], frames[1])


def test_many_colours_become_near_ones_and_time_is_kept() -> None:
    ramp = np.linspace(0, 255, 120)
    grid = np.stack(np.broadcast_arrays(ramp[:, None], ramp, ramp[::-1]), axis=-1)
    frame = grid.astype(np.uint8)
    content = gif([frame], seconds_per_frame=0.25)
    (back,) = pictures(content)
    assert np.abs(back.astype(int) - frame).mean() < 12.0
    assert b"\x21\xf9\x04\x00\x19\x00" in content
