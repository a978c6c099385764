"""Spectrum solutions as JSON, format ``stackelberg.spectrum.solution/1``."""

from __future__ import annotations

import dataclasses
import enum
import math
import os
from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from stackelberg.errors import (
    ConfigError,
    DomainError,
    InputError,
    ShapeError,
    suggestion,
)
from stackelberg.game import Solution, Status
from stackelberg.io.files import read_bytes, write_text_atomically
from stackelberg.io.json_text import (
    JsonObject,
    check_format,
    check_keys,
    member_object,
    object_text,
    parse_object,
    shown,
)
from stackelberg.spectrum.rates import Outcome

SOLUTION_FORMAT = "stackelberg.spectrum.solution/1"


@dataclasses.dataclass(frozen=True, eq=False)
class SolutionFile:
    """What a solution file says.

    Attributes:
        concept: which solution concept, e.g. ``bilevel``.
        status: how the solve ended.
        outcome: channels, prices, powers, utilities and rates; a number that the file
            gives as null is NaN.
        certificate: what was proved, by name; None where a number is not known.
        iterations: of the solver, or None where the file does not say.
        stats: further facts by name; empty where the file has none.
    """

    concept: str
    status: Status
    outcome: Outcome
    certificate: Mapping[str, object]
    iterations: int | None = None
    stats: Mapping[str, object] = dataclasses.field(default_factory=dict[str, object])


_PER_PAIR = ("reuse_price", "transmit_power_w", "follower_utility", "d2d_rate_bps")
_REQUIRED = (
    "format",
    "concept",
    "status",
    "channel",
    "reuse_price",
    "transmit_power_w",
    "leader_utility",
    "follower_utility",
    "cellular_rate_bps",
    "d2d_rate_bps",
    "certificate",
)


def write_solution(
    solution: Solution[Any, Any] | SolutionFile,
    path: str | os.PathLike[str],
    *,
    concept: str | None = None,
) -> None:
    """Write one solution; reading it back gives the same bits.

    NaN and infinity become null. The file is replaced as a whole or not at all.

    Args:
        solution: a solver's `Solution` whose value has the fields of `Outcome`, or
            what `read_solution` returned.
        path: the file.
        concept: the solution concept; by default what `solution.stats["concept"]` or
            the `SolutionFile` says.

    Raises:
        ConfigError: if no concept is known or the file cannot be written.
    """
    write_text_atomically(path, solution_text(solution, concept=concept))


def solution_text(
    solution: Solution[Any, Any] | SolutionFile, *, concept: str | None = None
) -> str:
    """The JSON text that `write_solution` writes."""
    parts = _parts(solution, concept)
    outcome = parts.outcome
    members: JsonObject = {
        "format": SOLUTION_FORMAT,
        "concept": parts.concept,
        "status": parts.status.label,
        "channel": plain(outcome.channel),
        "reuse_price": plain(outcome.reuse_price),
        "transmit_power_w": plain(outcome.transmit_power_w),
        "leader_utility": plain(outcome.leader_utility),
        "follower_utility": plain(outcome.follower_utility),
        "cellular_rate_bps": plain(outcome.cellular_rate_bps),
        "d2d_rate_bps": plain(outcome.d2d_rate_bps),
        "certificate": plain(parts.certificate),
    }
    if parts.iterations is not None:
        members["iterations"] = parts.iterations
    if parts.stats:
        members["stats"] = plain(parts.stats)
    return object_text(members)


def read_solution(path: str | os.PathLike[str]) -> SolutionFile:
    """Read one solution.

    Raises:
        InputError: a subclass that says what is wrong; the message is one line and
            begins with `path`.
    """
    content = read_bytes(path, wanted="a solution file")
    try:
        return _solution(parse_object(content, wanted="a solution"))
    except InputError as error:
        raise error.located(os.fspath(path)) from None


def plain(value: object) -> object:
    """`value` as JSON has it: records as objects, arrays as lists, NaN and inf as null.

    Raises:
        ConfigError: if something in it has no JSON form.
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, Status):
        return value.label
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return {str(key): plain(item) for key, item in items}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in cast("list[object]", value)]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return {name: plain(getattr(value, name)) for name in names}
    if hasattr(value, "__array__"):
        return plain(np.asarray(value).tolist())
    raise ConfigError(
        "solution",
        expected="numbers, text, lists and records",
        got=type(value).__name__,
    )


def _parts(
    solution: Solution[Any, Any] | SolutionFile, concept: str | None
) -> SolutionFile:
    if isinstance(solution, SolutionFile):
        return dataclasses.replace(solution, concept=concept or solution.concept)
    known = concept or solution.stats.get("concept")
    if not isinstance(known, str):
        raise ConfigError(
            "concept", expected="the name of a solution concept", got="nothing"
        )
    certificate = cast("Mapping[str, object]", plain(solution.certificate))
    return SolutionFile(
        concept=known,
        status=solution.status,
        outcome=solution.value,
        certificate=certificate,
        iterations=solution.iterations,
        stats=solution.stats,
    )


def _solution(members: JsonObject) -> SolutionFile:
    check_format(members, SOLUTION_FORMAT)
    check_keys(members, required=_REQUIRED, optional=("iterations", "stats"))
    return SolutionFile(
        concept=text_member(members, "concept"),
        status=status_of(text_member(members, "status")),
        outcome=_outcome(members),
        certificate=member_object(members, "certificate"),
        iterations=whole_or_none(members, "iterations"),
        stats=member_object(members, "stats") if "stats" in members else {},
    )


def _outcome(members: JsonObject) -> Outcome:
    channel = _channel(members)
    per_pair = {key: _one_per_pair(members, key, len(channel)) for key in _PER_PAIR}
    return Outcome(
        channel=channel,
        leader_utility=number_or_nan("leader_utility", members["leader_utility"]),
        cellular_rate_bps=_numbers(members, "cellular_rate_bps"),
        **per_pair,
    )


def _channel(members: JsonObject) -> np.ndarray[Any, np.dtype[np.int64]]:
    channel = _list(members, "channel")
    for j, number in enumerate(channel):
        if isinstance(number, bool) or not isinstance(number, int):
            raise ConfigError(
                f"channel[{j}]", expected="a whole number", got=shown(number)
            )
        if not 0 <= number < 2**31:
            raise DomainError(
                f"channel[{j}]", expected="a channel number >= 0", got=number
            )
    return np.array(channel, dtype=np.int64)


def _one_per_pair(
    members: JsonObject, key: str, num_pairs: int
) -> np.ndarray[Any, np.dtype[np.float64]]:
    values = _numbers(members, key)
    if len(values) != num_pairs:
        raise ShapeError(
            key,
            expected=f"{num_pairs} numbers, one per entry of channel",
            got=f"{len(values)} numbers",
        )
    return values


def status_of(label: str) -> Status:
    """The status of that label.

    Raises:
        ConfigError: if there is none.
    """
    labels = {status.label: status for status in Status}
    if label not in labels:
        raise ConfigError(
            "status",
            expected="one of " + ", ".join(labels) + suggestion(label, labels),
            got=shown(label),
        )
    return labels[label]


def text_member(members: JsonObject, key: str) -> str:
    """The member `key`, which must be text.

    Raises:
        ConfigError: if it is something else.
    """
    value = members[key]
    if not isinstance(value, str):
        raise ConfigError(key, expected="text", got=shown(value))
    return value


def _list(members: JsonObject, key: str) -> list[object]:
    value = members[key]
    if not isinstance(value, list):
        raise ConfigError(key, expected="a list", got=shown(value))
    return cast("list[object]", value)


def _numbers(members: JsonObject, key: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    values = _list(members, key)
    return np.array(
        [number_or_nan(f"{key}[{j}]", value) for j, value in enumerate(values)],
        dtype=np.float64,
    )


def whole_or_none(members: JsonObject, key: str) -> int | None:
    """The member `key`, a whole number; None where it is null or missing.

    Raises:
        ConfigError: if it is something else.
    """
    value = members.get(key)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise ConfigError(key, expected="a whole number or null", got=shown(value))
    return value


def number_or_nan(name: str, value: object) -> float:
    """A finite number; NaN where it is null.

    Raises:
        ConfigError: if it is no number.
        DomainError: if it is infinite.
    """
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ConfigError(name, expected="a number or null", got=shown(value))
    try:
        number = float(value)
    except OverflowError:  # a whole number past the range of doubles
        number = math.inf
    if not math.isfinite(number):
        raise DomainError(name, expected="a finite number or null", got=shown(value))
    return number


@dataclasses.dataclass(frozen=True, eq=False)
class StatedAnswer:
    """Somebody's channels and prices, and what else a file says of them.

    Attributes:
        channel: channel of each pair [N].
        reuse_price: utility (bit/s) per W of interference at the base station [N].
        transmit_power_w: [N], or None where the file leaves it to the followers.
        solution: the whole solution where the file is one, else None.
    """

    channel: np.ndarray[Any, np.dtype[np.int64]]
    reuse_price: np.ndarray[Any, np.dtype[np.float64]]
    transmit_power_w: np.ndarray[Any, np.dtype[np.float64]] | None
    solution: SolutionFile | None = None


def read_answer(path: str | os.PathLike[str]) -> StatedAnswer:
    """Read a solution, or no more than channels, prices and, optionally, powers.

    A file that holds a key other than ``format``, ``channel``, ``reuse_price`` and
    ``transmit_power_w`` is read as a whole solution.

    Raises:
        InputError: a subclass that says what is wrong; the message is one line and
            begins with `path`.
    """
    content = read_bytes(path, wanted="an answer")
    try:
        return _answer(parse_object(content, wanted="an answer"))
    except InputError as error:
        raise error.located(os.fspath(path)) from None


def _answer(members: JsonObject) -> StatedAnswer:
    if not set(members) <= {"format", "channel", "reuse_price", "transmit_power_w"}:
        solution = _solution(members)
        stated = solution.outcome
        return StatedAnswer(
            stated.channel, stated.reuse_price, stated.transmit_power_w, solution
        )
    if "format" in members:
        check_format(members, SOLUTION_FORMAT)
    check_keys(
        members,
        required=("channel", "reuse_price"),
        optional=("format", "transmit_power_w"),
    )
    channel = _channel(members)
    price = _one_per_pair(members, "reuse_price", len(channel))
    power = None
    if "transmit_power_w" in members:
        power = _one_per_pair(members, "transmit_power_w", len(channel))
    return StatedAnswer(channel, price, power)
