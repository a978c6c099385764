"""Arguments that must be numbers: no text, dates, truth values or complex numbers.

NumPy would read the text "1" and the year 2020 as numbers, drop imaginary parts with a
warning, and speak of lists of lists in words of its own.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from stackelberg.errors import ConfigError

Floats: TypeAlias = npt.NDArray[np.float64]

_REAL_KINDS = "iuf"


def real_numbers(name: str, values: object, expected: str = "numbers") -> Floats:
    """`values` as an array of float64, of whatever shape.

    Args:
        name: of the argument.
        values: anything that NumPy reads as an array of real numbers.
        expected: what it should be, for the error.

    Raises:
        ConfigError: if it is something else.
    """
    try:
        raw: npt.NDArray[Any] | None = np.asarray(values)
    except (TypeError, ValueError):  # lists of different lengths
        raw = None
    if raw is None or (raw.size and raw.dtype.kind not in _REAL_KINDS):
        raise ConfigError(name, expected=expected, got=_shown(values))
    return np.asarray(raw, dtype=np.float64)


def real_number(name: str, value: object, expected: str = "a number") -> float:
    """`value` as one number, finite or not.

    Raises:
        ConfigError: if it is something else.
    """
    number = real_numbers(name, value, expected)
    if number.shape != ():
        raise ConfigError(name, expected=expected, got=_shown(value))
    return float(number)


def _shown(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else text[:57] + "..."
