"""JSON read strictly: every refusal is one line that names the key or the place."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import cast

from stackelberg.errors import ConfigError, DomainError, suggestion
from stackelberg.io.files import refuse_packed

JsonObject = dict[str, object]


@dataclass(frozen=True)
class _NonFinite:
    """Stands where the file says NaN, Infinity or -Infinity."""

    literal: str


class _Repeated(dict[str, object]):
    """An object with a key twice; `key` is the first such key."""

    key: str = ""


def parse_object(content: bytes, *, wanted: str) -> JsonObject:
    """The one JSON object that `content` holds.

    Args:
        content: UTF-8, with or without a byte-order mark.
        wanted: what the file should be, for errors.

    Raises:
        ConfigError: not UTF-8, empty, not JSON (with line and column), nested too
            deep, not an object, or a key given twice.
        DomainError: NaN or Infinity, which JSON does not have; names the key.
    """
    text = _decoded(content, wanted)
    suspect: list[object] = []

    def nonfinite(literal: str) -> _NonFinite:
        suspect.append(literal)
        return _NonFinite(literal)

    def pairs(items: list[tuple[str, object]]) -> JsonObject:
        members = dict(items)
        if len(members) == len(items):
            return members
        repeated = _Repeated(members)
        keys = [key for key, _ in items]
        repeated.key = next(k for i, k in enumerate(keys) if k in keys[:i])
        suspect.append(repeated)
        return repeated

    try:
        value = json.loads(text, parse_constant=nonfinite, object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        raise ConfigError(
            f"line {error.lineno}, column {error.colno}",
            expected="JSON",
            got=error.msg[:1].lower() + error.msg[1:],
        ) from None
    except RecursionError:
        raise ConfigError(
            "content", expected=wanted, got="JSON nested too deep"
        ) from None
    except ValueError as error:  # a whole number of thousands of digits
        raise ConfigError("content", expected=wanted, got=str(error)) from None
    if suspect:
        _refuse_suspects(value, "")
    if not isinstance(value, dict):
        raise ConfigError(
            "content", expected=f"{wanted} (one JSON object)", got=kind_of(value)
        )
    return cast("JsonObject", value)


def check_keys(
    members: JsonObject,
    *,
    required: Collection[str],
    optional: Collection[str] = (),
    prefix: str = "",
) -> None:
    """Refuse the first key that is unknown, then the first that is missing.

    Raises:
        ConfigError: naming the key, with the nearest known name if there is one.
    """
    known = [*required, *optional]
    for key in members:
        if key not in known:
            near = suggestion(key, [k for k in known if k not in members] or known)
            raise ConfigError(
                prefix + _quoted(key),
                expected=f"one of the known keys{near}",
                got="an unknown key",
            )
    for key in required:
        if key not in members:
            raise ConfigError(prefix + key, expected="a value", got="nothing")


def check_format(members: JsonObject, expected: str) -> None:
    """Refuse another kind or version of file.

    Raises:
        ConfigError: if `format` is missing or something else.
    """
    found = members.get("format", _MISSING)
    if found is _MISSING:
        raise ConfigError("format", expected=repr(expected), got="nothing")
    if found != expected:
        near = suggestion(str(found), [expected]) if isinstance(found, str) else ""
        raise ConfigError("format", expected=repr(expected) + near, got=shown(found))


def member_object(members: JsonObject, key: str) -> JsonObject:
    """The member `key`, which must be an object.

    Raises:
        ConfigError: if it is something else.
    """
    value = members[key]
    if not isinstance(value, dict):
        raise ConfigError(key, expected="an object {...}", got=shown(value))
    return cast("JsonObject", value)


def object_text(members: JsonObject) -> str:
    """JSON with one member a line; numbers keep every bit.

    Raises:
        ValueError: on NaN or infinity: the caller has replaced them by None.
    """
    lines = [
        f"  {json.dumps(key)}: {json.dumps(value, allow_nan=False)}"
        for key, value in members.items()
    ]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def shown(value: object) -> str:
    """A JSON value, short enough for an error line."""
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:37] + "..."


def kind_of(value: object) -> str:
    """What JSON calls the kind of `value`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "a list" if isinstance(value, list) else "an object"


_MISSING = object()


def _decoded(content: bytes, wanted: str) -> str:
    refuse_packed(content, wanted)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"byte {error.start}",
            expected="UTF-8 text",
            got=f"0x{content[error.start]:02x}",
        ) from None
    if not text.strip():
        raise ConfigError("content", expected=wanted, got="an empty file")
    return text


def _refuse_suspects(value: object, path: str) -> None:
    if isinstance(value, _NonFinite):
        raise DomainError(
            path or "content", expected="a finite number", got=value.literal
        )
    if isinstance(value, _Repeated):
        name = _quoted(value.key)
        raise ConfigError(
            f"{path}.{name}" if path else name,
            expected="each key once",
            got="the key twice",
        )
    if isinstance(value, dict):
        for key, item in cast("JsonObject", value).items():
            _refuse_suspects(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for i, item in enumerate(cast("list[object]", value)):
            _refuse_suspects(item, f"{path}[{i}]")


def _quoted(key: str) -> str:
    """A key as it is if it is a plain word, else escaped, so errors stay one line."""
    return key if key.isidentifier() and len(key) <= 60 else json.dumps(key)[:60]
