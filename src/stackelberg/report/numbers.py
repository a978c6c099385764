"""Numbers as readers want them: few digits, a metric prefix, the unit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))

UNKNOWN = "not known"

NO_GAME = "does not apply"
"""For what a method that plays no game cannot have."""

ROUNDED = "0 (rounding)"

ROUNDING = 1e-9
"""Relative size up to which a regret, violation or error is rounding."""

NEGLIGIBLE = 5e-6
"""Differences between methods below this are shown as 0."""

BOUNDLESS = 1e6
"""Relative error from which a bound says nothing, and its digits neither."""


def significant(value: float | None, digits: int = 4) -> str:
    """A number with `digits` significant digits."""
    if value is None or math.isnan(value):
        return UNKNOWN
    return f"{value:.{digits}g}"


def digits_for(value: float | None, error: float, size: float | None = None) -> str:
    """A number with the digits that an error of it leaves a meaning.

    The last two digits are of the size of the error. There are at least 4 significant
    digits, and at most 15, which is what a float64 holds.

    Args:
        value: the number.
        error: how far it may be from what it stands for, >= 0.
        size: absolute value whose first digit is the first to count; by default
            `value`'s. Numbers of one size and error have the same decimals.
    """
    if value is None or math.isnan(value):
        return UNKNOWN
    first = abs(value) if size is None else size
    if not (math.isfinite(value) and 0.0 < first < math.inf):
        return f"{value:.{LEAST_DIGITS}g}"
    if error == 0.0:
        return f"{value:.{MOST_DIGITS}g}"
    place = math.floor(math.log10(first))
    digits = LEAST_DIGITS
    if math.isfinite(error):
        digits = place - math.floor(math.log10(error)) + 2
    digits = min(max(digits, LEAST_DIGITS), MOST_DIGITS)
    if -4 <= place < MOST_DIGITS:
        return f"{value:.{max(digits - 1 - place, 0)}f}"
    return f"{value:.{digits - 1}e}"


LEAST_DIGITS = 4
MOST_DIGITS = 15


def beside(value: float | None, other: float | None) -> str:
    """A number whose distance from `other` is what matters: an objective beside its
    bound. Both have the same decimals, and two digits of their distance are seen.
    """
    if value is None or other is None or not math.isfinite(value - other):
        return significant(value)
    return digits_for(value, abs(value - other), max(abs(value), abs(other)))


def shown_relative(value: float | None, digits: int = 2) -> str:
    """A relative regret, violation or error; what is rounding is said to be that."""
    if value is not None and abs(value) <= ROUNDING:
        return ROUNDED
    return significant(value, digits)


def shown_regret(
    value: float | None, relative: float | None, unit: str, digits: int = 2
) -> str:
    """An absolute regret that is rounding where `relative`, its share, is."""
    if relative is not None and abs(relative) <= ROUNDING:
        return ROUNDED
    return f"{significant(value, digits)} {unit}"


def certificate_value(name: str, values: Mapping[str, float | None]) -> str:
    """A number of a certificate as people read it; what is rounding is said to be that.

    Args:
        name: of the number.
        values: every number of that certificate by name.
    """
    value = values[name]
    if name in _BESIDE:
        return beside(value, values.get(_BESIDE[name]))
    if name == "follower_regret":
        relative = values.get("follower_regret_relative")
        if relative is not None and abs(relative) <= ROUNDING:
            return ROUNDED
    elif name == "utility_error" and (value is None or math.isnan(value)):
        return "not stated"
    elif name in _ZERO_UP_TO_ROUNDING:
        if value is not None and value > BOUNDLESS:
            return f"over {BOUNDLESS:,.0f}"
        return shown_relative(value, 4)
    return significant(value)


def certificate_cell(
    name: str, unit: str, values: Mapping[str, float | None]
) -> tuple[str, str]:
    """`certificate_value` and its unit, rates with a metric prefix.

    A bound on the utility has the digits that its distance from the utility asks for.

    Args:
        name: of the number.
        unit: what the certificate gives it in; empty for a share.
        values: every number of that certificate by name.
    """
    value = values[name]
    text = certificate_value(name, values)
    if unit != "bit/s" or value is None or not math.isfinite(value) or text == ROUNDED:
        return text, unit
    factor, prefixed = rate_unit([value])
    gap = values.get("bilevel_gap") if name == "bilevel_bound" else None
    if gap is None or not math.isfinite(gap):
        return significant(value / factor), prefixed
    return digits_for(value / factor, abs(gap * value / factor)), prefixed


_BESIDE = {
    "objective": "dual_bound",
    "dual_bound": "objective",
    "profit": "upper_bound",
    "upper_bound": "profit",
}
"""What is shown with the digits that its distance from another number asks for."""

_ZERO_UP_TO_ROUNDING = (
    "follower_regret_relative",
    "power_violation",
    "price_violation",
    "utility_error",
    "capacity_violation",
    "budget_violation",
    "entry_violation",
    "moved",
    "capacity_excess",
    "bargain_error",
)

SHARE_OF = {
    "follower_regret_relative": "of its rate",
    "bilevel_gap": "of leader utility",
    "power_violation": "of greatest power",
    "price_violation": "of the bound",
    "utility_error": "of the largest",
}
"""What a relative number of a certificate is a share of."""


def shown_rate(bits_per_second: float | None, digits: int = 4) -> str:
    """A rate or utility with a metric prefix, e.g. ``12.3 Mbit/s``."""
    if bits_per_second is None or math.isnan(bits_per_second):
        return UNKNOWN
    for factor, prefix in _PREFIXES:
        if abs(bits_per_second) >= factor:
            return f"{bits_per_second / factor:.{digits}g} {prefix}bit/s"
    return f"{bits_per_second:.{digits}g} bit/s"


def rate_unit(rates_bps: Iterable[float]) -> tuple[float, str]:
    """One unit for a column of rates, by the greatest: its size in bit/s, its name."""
    most = max((abs(rate) for rate in rates_bps), default=0.0)
    for factor, prefix in _PREFIXES:
        if most >= factor:
            return factor, f"{prefix}bit/s"
    return 1.0, "bit/s"


def shown_percent(ratio: float | None, digits: int = 3) -> str:
    """A ratio in percent."""
    if ratio is None or math.isnan(ratio):
        return UNKNOWN
    if abs(ratio) <= ROUNDING:
        return "0 %"
    text = f"{100.0 * ratio:.{digits}g}"
    return f"{float(text):.0f} %" if "e+" in text else f"{text} %"


def shown_change(ratio: float | None, digits: int = 2) -> str:
    """A relative change in percent, with its sign."""
    if ratio is None or math.isnan(ratio):
        return UNKNOWN
    text = f"{100.0 * ratio:+.{digits}f}"
    return f"{text if float(text) else text[1:]} %"


def shown_difference(value: float, *, relative: bool) -> str:
    """A difference with its sign; a relative one in percent, no digits of rounding."""
    unit = " %" if relative else ""
    if abs(value) < NEGLIGIBLE:
        return f"0{unit}"
    number = 100.0 * value if relative else value
    return f"{number:+,.0f}{unit}" if abs(number) >= 1e3 else f"{number:+.3g}{unit}"


def shown_times(factor: float) -> str:
    """A factor: three digits, in full up to a million."""
    return f"{factor:.3g}" if factor < 1e3 or factor >= 1e6 else f"{factor:,.0f}"


def counted(count: int, one: str, many: str | None = None) -> str:
    """``1 pair``, ``3 pairs``."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def listed(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"
