"""Numbers with units as people write them on a command line."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from stackelberg.errors import ConfigError

if TYPE_CHECKING:
    from stackelberg.edge.market import Floats

_SINR = re.compile(r"\s*sinr\s*=\s*([-+.\deE]+)\s*dB\s*", re.IGNORECASE)


def least_sinr(text: str) -> float:
    """The linear SINR that ``sinr=5dB`` asks to protect.

    Raises:
        ConfigError: if `text` is anything else. A number without its unit is refused,
            since a ratio and its decibels are too easily confused.
    """
    from stackelberg.units import from_db

    found = _SINR.fullmatch(text)
    try:
        decibels = float(found[1]) if found else math.nan
    except ValueError:
        decibels = math.nan
    if not abs(decibels) <= 200.0:
        raise ConfigError(
            "--protect", expected="an SINR in dB such as sinr=5dB", got=repr(text)
        )
    return from_db(decibels)


_DURATION = re.compile(r"\s*([\d.]+(?:e[-+]?\d+)?)\s*(ms|s|min|h)\s*", re.IGNORECASE)
_SECONDS = {"ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}


def seconds_of(option: str, text: str) -> float:
    """The seconds of ``20s``, ``500ms``, ``2min`` or ``1h``.

    Raises:
        ConfigError: if `text` is anything else; a bare number is refused.
    """
    found = _DURATION.fullmatch(text)
    try:
        seconds = float(found[1]) * _SECONDS[found[2].lower()] if found else math.nan
    except ValueError:
        seconds = math.nan
    if not 0.0 <= seconds < math.inf:
        raise ConfigError(
            option, expected="a time such as 20s, 500ms, 2min or 1h", got=repr(text)
        )
    return seconds


_BYTES = re.compile(r"\s*([\d.]+)\s*([kmgt])(i?)b?\s*", re.IGNORECASE)
_POWER = {"k": 1, "m": 2, "g": 3, "t": 4}


def bytes_of(option: str, text: str) -> int:
    """The bytes of ``500M``, ``8G`` or ``8GB`` (thousands), ``8GiB`` (1,024s).

    Raises:
        ConfigError: if `text` is anything else; a bare number is refused.
    """
    found = _BYTES.fullmatch(text)
    try:
        number = float(found[1]) if found else math.nan
    except ValueError:
        number = math.nan
    if found is None or not 0.0 < number < math.inf:
        raise ConfigError(
            option, expected="a size such as 500M, 8G or 8GiB", got=repr(text)
        )
    unit = 1024 if found[3] else 1000
    return max(round(number * unit ** _POWER[found[2].lower()]), 1)


def amount_or_multiple(option: str, text: str, of: Floats) -> Floats:
    """The amounts that ``0.5`` says, the same for all, or ``20x``, times `of`.

    Raises:
        ConfigError: if `text` is anything else.
    """
    import numpy as np

    factor = text.strip().lower()
    multiple = factor.endswith("x")
    try:
        number = float(factor.removesuffix("x"))
    except ValueError:
        number = math.nan
    if math.isnan(number):
        raise ConfigError(
            option,
            expected="an amount such as 0.5, or 20x for that multiple of each price",
            got=repr(text),
        )
    return number * of if multiple else np.full(len(of), number)
