"""TOML read strictly: every refusal is one line that names the place."""

from __future__ import annotations

import tomllib
from typing import Any, cast

from stackelberg.errors import ConfigError

MAX_DEPTH = 64
"""Tables and lists within each other; a settings file or a plan needs five."""

_MOST_BITS = 4096
"""Of a whole number: more, and it cannot even be shown."""


def parse_tables(content: bytes) -> dict[str, Any]:
    """The tables that `content` holds.

    Args:
        content: UTF-8, with or without a byte-order mark.

    Raises:
        ConfigError: not UTF-8, not TOML (with line and column), nested too deep, or a
            whole number of thousands of digits.
    """
    try:
        tables = tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"byte {error.start}",
            expected="UTF-8 text",
            got=f"0x{content[error.start]:02x}",
        ) from None
    except tomllib.TOMLDecodeError as error:
        message, _, place = str(error).rpartition(" (at ")
        raise ConfigError(
            place.rstrip(")") or "content",
            expected="TOML",
            got=message[:1].lower() + message[1:],
        ) from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:  # a decimal of thousands of digits
        raise _too_long() from None
    _check(tables)
    return tables


def _check(tables: dict[str, Any]) -> None:
    """Refuse what later steps cannot show; a loop, as it may be deep."""
    level: list[object] = [tables]
    for _ in range(MAX_DEPTH):
        below: list[object] = []
        for value in level:
            if isinstance(value, dict):
                below += cast("dict[str, object]", value).values()
            elif isinstance(value, list):
                below += cast("list[object]", value)
            elif isinstance(value, int) and value.bit_length() > _MOST_BITS:
                raise _too_long()
        level = below
    if level:
        raise _too_deep()


def _too_deep() -> ConfigError:
    return ConfigError(
        "content", expected=f"at most {MAX_DEPTH} levels", got="TOML nested too deep"
    )


def _too_long() -> ConfigError:
    return ConfigError(
        "content",
        expected=f"whole numbers of at most {_MOST_BITS} bits",
        got="a longer one",
    )
