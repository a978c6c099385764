"""Files as wholes: read with clear errors, written completely or not at all."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from stackelberg.errors import ConfigError

MAX_FILE_BYTES = 256 * 2**20
"""Largest file that is read: a cell of 100 channels and 300 pairs fits."""


def read_bytes(path: str | os.PathLike[str], *, wanted: str = "a file") -> bytes:
    """The content of a file of at most `MAX_FILE_BYTES`.

    Args:
        path: the file.
        wanted: what it should be, for the error.

    Raises:
        ConfigError: if it is missing, a directory, unreadable or too large. The
            message begins with `path`.
    """
    name = os.fspath(path)
    try:
        seen = os.stat(name)
        if not stat.S_ISREG(seen.st_mode) and not stat.S_ISDIR(seen.st_mode):
            raise ConfigError(name, expected=wanted, got="a pipe or a device")
        if seen.st_size > MAX_FILE_BYTES:
            raise ConfigError(
                name,
                expected=f"{wanted} of at most {MAX_FILE_BYTES} bytes",
                got=f"{seen.st_size} bytes",
            )
        return Path(name).read_bytes()
    except ConfigError:
        raise
    except (OSError, ValueError) as error:
        raise ConfigError(name, expected=wanted, got=_reason(error)) from None


def write_text_atomically(path: str | os.PathLike[str], text: str) -> None:
    """Write a UTF-8 file as `write_bytes_atomically` does.

    Raises:
        ConfigError: as there, or if `text` holds what UTF-8 cannot say.
    """
    try:
        content = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ConfigError(
            os.fspath(path), expected="text that UTF-8 can hold", got=error.reason
        ) from None
    write_bytes_atomically(path, content)


def write_bytes_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, whole.

    The content goes to a temporary name in the same folder, reaches the disk, and is
    renamed; the folder is synchronised too, so the name survives a power cut.

    Raises:
        ConfigError: if the folder is missing or cannot be written. The message begins
            with `path`, and nothing is left behind.
    """
    name = os.fspath(path)
    folder = os.path.dirname(name) or "."
    temporary = None
    try:
        if os.path.isdir(name):
            raise IsADirectoryError(name)
        if os.path.exists(name) and not os.path.isfile(name):
            raise ConfigError(
                name, expected="a file that can be written", got="a pipe or a device"
            )
        unique = os.path.join(folder, f".{secrets.token_hex(8)}.part")
        with open(unique, "xb") as file:
            temporary = unique
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, name)
        temporary = None
        _synchronise_folder(folder)
    except ConfigError:
        raise
    except (OSError, ValueError) as error:
        raise ConfigError(
            name, expected="a file that can be written", got=_reason(error)
        ) from None
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def _synchronise_folder(folder: str) -> None:
    if os.name == "nt":  # folders cannot be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file or folder"
    if isinstance(error, IsADirectoryError):
        return "a directory"
    if isinstance(error, PermissionError):
        return "no permission"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error)
