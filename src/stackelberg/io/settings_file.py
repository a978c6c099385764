"""Settings of training runs, TOML."""

from __future__ import annotations

import json
import os
from typing import Any, cast

from stackelberg.errors import InputError
from stackelberg.io.files import read_bytes, write_text_atomically
from stackelberg.io.toml_text import parse_tables
from stackelberg.learning.settings import RunSettings, run_settings

MAX_SETTINGS_BYTES = 2**20


def read_settings(path: str | os.PathLike[str]) -> RunSettings:
    """Read and check the settings of a run.

    Raises:
        ConfigError: not TOML, or wrong keys: then a `WrongSettings`, whose `errors`
            has one error for each. Messages are one line and begin with `path`.
    """
    content = read_bytes(path, wanted="a settings file", limit=MAX_SETTINGS_BYTES)
    try:
        return run_settings(parse_tables(content))
    except InputError as error:
        raise error.located(os.fspath(path)) from None


def write_settings(settings: RunSettings, path: str | os.PathLike[str]) -> None:
    """Write settings with every key, so that later defaults change nothing.

    Raises:
        ConfigError: if the file cannot be written.
    """
    write_text_atomically(path, settings_text(settings.tables()))


def settings_text(tables: dict[str, Any]) -> str:
    """Tables as TOML: plain values first, then the tables within."""
    return "\n".join(_table(name, tables[name]) for name in tables)


def _table(path: str, members: dict[str, Any]) -> str:
    lines = [f"[{path}]"]
    tables: list[str] = []
    for name, value in members.items():
        if isinstance(value, dict):
            tables.append(_table(f"{path}.{name}", cast("dict[str, Any]", value)))
        elif value is not None:
            lines.append(f"{name} = {json.dumps(value)}")
    return "\n".join([*lines, "", *tables])
