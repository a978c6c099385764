"""Numbers as readers want them: few digits, a metric prefix, the unit."""

from __future__ import annotations

import math

_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))

UNKNOWN = "not known"


def significant(value: float | None, digits: int = 4) -> str:
    """A number with `digits` significant digits."""
    if value is None or math.isnan(value):
        return UNKNOWN
    return f"{value:.{digits}g}"


def shown_rate(bits_per_second: float | None, digits: int = 4) -> str:
    """A rate or utility with a metric prefix, e.g. ``12.3 Mbit/s``."""
    if bits_per_second is None or math.isnan(bits_per_second):
        return UNKNOWN
    for factor, prefix in _PREFIXES:
        if abs(bits_per_second) >= factor:
            return f"{bits_per_second / factor:.{digits}g} {prefix}bit/s"
    return f"{bits_per_second:.{digits}g} bit/s"


def shown_percent(ratio: float | None, digits: int = 3) -> str:
    """A ratio in percent."""
    if ratio is None or math.isnan(ratio):
        return UNKNOWN
    return f"{100.0 * ratio:.{digits}g} %"


def shown_change(ratio: float | None, digits: int = 2) -> str:
    """A relative change in percent, with its sign."""
    if ratio is None or math.isnan(ratio):
        return UNKNOWN
    return f"{100.0 * ratio:+.{digits}f} %"


def counted(count: int, one: str, many: str | None = None) -> str:
    """``1 pair``, ``3 pairs``."""
    return f"{count} {one if count == 1 else many or one + 's'}"
