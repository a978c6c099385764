"""Tables of numbers checked on the way in: one line names the entry that is wrong."""

from __future__ import annotations

from typing import TypeAlias, cast

import numpy as np
import numpy.typing as npt

from stackelberg.errors import ConfigError, DomainError, ShapeError

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]

MOST_AXES = 64
"""Of an array, by NumPy."""


def table_of(name: str, value: object) -> Floats:
    """`value` as a read-only float64 array of finite numbers.

    Args:
        name: what to call it in errors.
        value: an array, or nested lists of numbers.

    Raises:
        ConfigError: if an entry is not a number.
        ShapeError: if rows of nested lists differ in length.
        DomainError: if an entry is not finite.
    """
    if not isinstance(value, np.ndarray):
        found = _first_non_number(value)
        if found is not None:
            raise ConfigError(
                name + found[0], expected="a number", got=shown_value(found[1])
            )
    if _depth(value) > MOST_AXES:
        raise ShapeError(
            name,
            expected=f"rows within rows at most {MOST_AXES} deep (61 followers)",
            got=f"{_depth(value)} deep",
        )
    try:
        raw = np.asarray(value)
        if raw.dtype.kind not in "iuf":
            raise ConfigError(name, expected="numbers", got=f"entries of {raw.dtype}")
        table = np.array(raw, dtype=np.float64, order="C")
    except ValueError as error:
        if isinstance(error, ConfigError):
            raise
        raise ShapeError(
            name, expected="rows of equal length", got="rows of different lengths"
        ) from None
    refuse_unless(name, table, np.isfinite(table), "a finite number")
    table.flags.writeable = False
    return table


def _depth(value: object) -> int:
    """How many lists are within one another, first entries followed."""
    depth = 0
    while isinstance(value, (list, tuple)) and value:
        value, depth = cast("list[object]", value)[0], depth + 1
    return depth


def refuse_unless(name: str, table: Floats, good: Bools, expected: str) -> None:
    """Refuse the first entry of `table` that is not `good`.

    Raises:
        DomainError: naming the entry.
    """
    bad = np.argwhere(~good)
    if len(bad):
        index = tuple(int(i) for i in bad[0])
        raise DomainError(
            name + "".join(f"[{i}]" for i in index),
            expected=expected,
            got=float(table[index]),
        )


def shown_value(value: object) -> str:
    """A value, short enough for an error line."""
    text = "null" if value is None else repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def is_number(value: object) -> bool:
    """Whether `value` is a real number; truth values are none."""
    return not isinstance(value, (bool, np.bool_)) and isinstance(
        value, (int, float, np.integer, np.floating)
    )


def _first_non_number(value: object, path: str = "") -> tuple[str, object] | None:
    if isinstance(value, (list, tuple)):
        for i, item in enumerate(cast("list[object]", value)):
            if type(item) is not float:  # the common case costs no call
                found = _first_non_number(item, f"{path}[{i}]")
                if found is not None:
                    return found
        return None
    return None if is_number(value) or hasattr(value, "__array__") else (path, value)
