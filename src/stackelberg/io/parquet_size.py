"""How large a Parquet file unfolds, read from its own headers before it does.

A Parquet file is columns cut into pages, each packed, with a footer that says where
they lie. Pages of one repeated value pack a thousandfold and more, so the size on disk
says nothing about memory. Footer and page headers are Thrift's compact protocol
(apache/thrift, doc/specs/thrift-compact-protocol.md; fields as in
apache/parquet-format, parquet.thrift); they are read without unpacking a page.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stackelberg.errors import ConfigError

MAX_UNFOLDED_BYTES = 8 * 2**30
"""Largest table in memory: ten million users with eight nodes each are 2 GB."""

SMALL_UNFOLDED_BYTES = 128 * 2**20
"""Up to here any factor is accepted."""

MAX_FACTOR = 100
"""How many times its own size a larger file may unfold to."""

_MAGIC = b"PAR1"
_MAX_FOOTER_BYTES = 16 * 2**20
_BYTES_PER_VALUE = 8

Struct = dict[int, Any]


def check_unfolded_size(content: bytes, *, wanted: str) -> None:
    """Refuse a Parquet file that unfolds to too much.

    Args:
        content: the file.
        wanted: what it should be, for errors.

    Raises:
        ConfigError: it is no Parquet file, is damaged, or unfolds to more than
            `MAX_UNFOLDED_BYTES`, or to more than `SMALL_UNFOLDED_BYTES` and
            `MAX_FACTOR` times its size.
    """
    size = unfolded_bytes(content, wanted=wanted)
    limit = min(
        MAX_UNFOLDED_BYTES, max(SMALL_UNFOLDED_BYTES, MAX_FACTOR * len(content))
    )
    if size > limit:
        raise ConfigError(
            "content",
            expected=f"{wanted} that unfolds to at most {limit // 2**20} MiB",
            got=f"{len(content)} bytes that unfold to {size // 2**20} MiB",
        )


def unfolded_bytes(content: bytes, *, wanted: str) -> int:
    """Bytes in memory of all values, or of all unpacked pages if that is more.

    Raises:
        ConfigError: it is no Parquet file or is damaged.
    """
    try:
        return sum(_chunk_bytes(content, chunk) for chunk in _chunks(content))
    except (IndexError, KeyError, ValueError, TypeError, AttributeError):
        raise ConfigError(
            "content", expected=f"{wanted} in Parquet", got="a damaged file"
        ) from None


def _chunks(content: bytes) -> Iterator[Struct]:
    """The metadata of each column of each group of rows."""
    if len(content) < 12 or content[:4] != _MAGIC or content[-4:] != _MAGIC:
        raise ValueError("no Parquet file")
    length = int.from_bytes(content[-8:-4], "little")
    start = len(content) - 8 - length
    if start < 4 or length > _MAX_FOOTER_BYTES:
        raise ValueError("no footer")
    for group in _Reader(content, start).struct()[4]:
        for column in group[1]:
            yield column[3]


def _chunk_bytes(content: bytes, chunk: Struct) -> int:
    """Of one column in one group of rows, by the headers of its pages."""
    packed, values = chunk[7], chunk[5]
    start = min(chunk.get(11) or chunk[9], chunk[9])
    if packed < 0 or values < 0 or not 4 <= start <= len(content) - packed:
        raise ValueError("pages outside the file")
    reader, stop = _Reader(content, start), start + packed
    unpacked = in_pages = 0
    while reader.place < stop:
        page = reader.struct()
        if page[2] < 0 or page[3] < 0:
            raise ValueError("a page of negative size")
        unpacked += page[2]
        for kind in (5, 8):  # data page, data page of the second version
            in_pages += page[kind][1] if kind in page else 0
        reader.place += page[3]
    return max(unpacked, chunk[6], _BYTES_PER_VALUE * max(values, in_pages))


@dataclass
class _Reader:
    """Thrift's compact protocol: structs become dicts from field number to value."""

    content: bytes
    place: int

    def struct(self, depth: int = 0) -> Struct:
        """Fields up to the stop byte."""
        fields: Struct = {}
        number = 0
        while head := self._byte():
            step, kind = head >> 4, head & 15
            number = number + step if step else self._signed()
            fields[number] = kind == 1 if kind in (1, 2) else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if depth > 16:
            raise ValueError("nested too deep")
        if kind in (1, 2, 3):  # a truth value in a list, a byte
            return self._byte()
        if kind in (4, 5, 6):
            return self._signed()
        if kind == 7:  # double
            return self._skip(8)
        if kind == 8:  # bytes or text
            return self._skip(self._unsigned())
        if kind in (9, 10):
            return self._list(depth)
        if kind == 12:
            return self.struct(depth + 1)
        raise ValueError(f"a field of kind {kind}")

    def _list(self, depth: int) -> list[Any]:
        head = self._byte()
        count = head >> 4 if head >> 4 < 15 else self._unsigned()
        if count > len(self.content) - self.place:
            raise ValueError("a list longer than the file")
        return [self._value(head & 15, depth + 1) for _ in range(count)]

    def _skip(self, count: int) -> None:
        self.place += count
        if self.place > len(self.content):
            raise ValueError("past the end")

    def _byte(self) -> int:
        byte = self.content[self.place]
        self.place += 1
        return byte

    def _unsigned(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise ValueError("a number of more than ten bytes")

    def _signed(self) -> int:
        value = self._unsigned()
        return value >> 1 if value % 2 == 0 else -(value + 1) // 2
