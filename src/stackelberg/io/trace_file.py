"""Recorded worlds as ``.npz`` files, format ``stackelberg.envs.trace/1``; no pickle."""

from __future__ import annotations

import io
import os
import zipfile
from typing import Any

import numpy as np
import numpy.typing as npt

from stackelberg.envs.gains import Gains
from stackelberg.envs.mobility import Places
from stackelberg.envs.trace import Trace
from stackelberg.errors import ConfigError, InputError
from stackelberg.io.files import MAX_FILE_BYTES, read_bytes, write_bytes_atomically

TRACE_FORMAT = "stackelberg.envs.trace/1"

_GROUPS: tuple[tuple[str, Any], ...] = (("places", Places), ("gains", Gains))
_BROKEN = (ValueError, OSError, zipfile.BadZipFile, EOFError, KeyError, MemoryError)
"""What a damaged or forged archive may raise."""

_REQUIRED = ("format", "seed", "slots_per_frame")


def write_trace(trace: Trace, path: str | os.PathLike[str]) -> None:
    """Write recorded worlds; reading them back gives the same bits.

    The file is replaced as a whole or not at all. It is not compressed: gains hardly
    shrink, and a reader can tell its size before opening it.

    Raises:
        ConfigError: if the file cannot be written.
    """
    arrays: dict[str, npt.NDArray[Any]] = {
        "format": np.asarray(TRACE_FORMAT),
        "seed": trace.seed,
        "slots_per_frame": np.asarray(trace.slots_per_frame, np.int64),
    }
    for name, _ in _GROUPS:
        record = getattr(trace, name)
        if record is not None:
            for part, array in record._asdict().items():
                arrays[f"{name}.{part}"] = np.asarray(array)
    content = io.BytesIO()
    np.savez(content, **arrays)  # type: ignore[arg-type]  # names are ours
    write_bytes_atomically(path, content.getvalue())


def read_trace(path: str | os.PathLike[str]) -> Trace:
    """Read and validate recorded worlds.

    Raises:
        InputError: a subclass that says what is wrong; the message is one line and
            begins with `path`, then names the array.
    """
    content = read_bytes(path, wanted="a trace file")
    try:
        return _trace(_arrays(content))
    except InputError as error:
        raise error.located(os.fspath(path)) from None


def _arrays(content: bytes) -> dict[str, npt.NDArray[Any]]:
    """The arrays of the archive, none of them an object and none larger than it says.

    Raises:
        ConfigError: if it is no such archive.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unfolded = sum(member.file_size for member in archive.infolist())
        if unfolded > MAX_FILE_BYTES:
            raise ConfigError(
                "file",
                expected=f"arrays of at most {MAX_FILE_BYTES} bytes together",
                got=f"{unfolded} bytes",
            )
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except _BROKEN as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(
            "file", expected="a .npz archive of plain arrays", got="something else"
        ) from None


def _trace(arrays: dict[str, npt.NDArray[Any]]) -> Trace:
    known = {*_REQUIRED}
    for name, kind in _GROUPS:
        known |= {f"{name}.{part}" for part in kind._fields}
    for name in _REQUIRED:
        if name not in arrays:
            raise ConfigError(name, expected="an array", got="nothing")
    for name in arrays:
        if name not in known:
            raise ConfigError(name, expected="no array of this name", got="one")
    written = arrays["format"]
    if written.shape != () or str(written) != TRACE_FORMAT:
        raise ConfigError("format", expected=TRACE_FORMAT, got=str(written)[:40])
    every = arrays["slots_per_frame"]
    if every.shape != () or every.dtype.kind not in "iu":
        raise ConfigError(
            "slots_per_frame", expected="a whole number", got=f"{every.dtype}"
        )
    return Trace(
        seed=arrays["seed"],
        places=_group(arrays, "places", Places),
        gains=_group(arrays, "gains", Gains),
        slots_per_frame=int(every),
    )


def _group(arrays: dict[str, npt.NDArray[Any]], name: str, kind: Any) -> Any:
    """A record whose arrays are all there, or None where none is."""
    parts = [f"{name}.{part}" for part in kind._fields]
    there = [part for part in parts if part in arrays]
    if not there:
        return None
    for part in parts:
        if part not in arrays:
            raise ConfigError(part, expected=f"an array beside {there[0]}", got="none")
        if arrays[part].dtype.kind != "f":
            raise ConfigError(part, expected="floats", got=str(arrays[part].dtype))
    return kind(*(arrays[part] for part in parts))
