"""Numbers with units as people write them on a command line."""

from __future__ import annotations

import math
import re

from stackelberg.errors import ConfigError

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
