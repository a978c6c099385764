"""Files as wholes: read with clear errors, written completely or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from stackelberg.errors import ConfigError
from stackelberg.io.part_files import alone_in, new_part, remove_dead_parts

MAX_FILE_BYTES = 256 * 2**20
"""Largest file that is read: a cell of 100 channels and 300 pairs fits."""

_PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"BZh", b"\xfd7zXZ")


def read_bytes(
    path: str | os.PathLike[str],
    *,
    wanted: str = "a file",
    limit: int | None = None,
) -> bytes:
    """The content of a file that is not too large.

    Args:
        path: the file.
        wanted: what it should be, for the error.
        limit: bytes of the largest file that is read; by default `MAX_FILE_BYTES`.

    Raises:
        ConfigError: if it is missing, a directory, unreadable or too large. The
            message begins with `path`.
    """
    name = os.fspath(path)
    limit = MAX_FILE_BYTES if limit is None else limit
    try:
        seen = os.stat(name)
        if not stat.S_ISREG(seen.st_mode) and not stat.S_ISDIR(seen.st_mode):
            raise ConfigError(name, expected=wanted, got="a pipe or a device")
        if seen.st_size > limit:
            raise ConfigError(
                name,
                expected=f"{wanted} of at most {limit} bytes",
                got=f"{seen.st_size} bytes",
            )
        return Path(name).read_bytes()
    except ConfigError:
        raise
    except (OSError, ValueError) as error:
        raise ConfigError(name, expected=wanted, got=_reason(error)) from None


def refuse_packed(content: bytes, wanted: str) -> None:
    """Refuse what a packer made, unread.

    Raises:
        ConfigError: as said.
    """
    if content.startswith(_PACKED):
        raise ConfigError(
            "content", expected=f"{wanted} that is not packed", got="a packed file"
        )


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


def write_bytes_atomically(
    path: str | os.PathLike[str], content: bytes | memoryview
) -> None:
    """Write a file so that a reader sees the old content or the new, whole.

    The content goes to a temporary name in the same folder, reaches the disk, and is
    renamed; the folder is synchronised too, so the name survives a power cut. A link
    stays one: what it points to is written.

    Raises:
        ConfigError: if the folder is missing or cannot be written. The message begins
            with `path`, and nothing is left behind.
    """
    with files_together(_folder_of(os.fspath(path))) as staged:
        staged.write(path, content)


class StagedFiles:
    """Files of one folder, there under temporary names; see `files_together`."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._parts: dict[str, tuple[str, FileIO]] = {}
        self._unwanted: list[str] = []

    def write(self, path: str | os.PathLike[str], content: bytes | memoryview) -> None:
        """Bring the content to the disk, to appear as `path` with all the others.

        Raises:
            ConfigError: if it cannot be written. The message begins with `path`.
        """
        name = os.fspath(path)
        with _told_of(name):
            if os.path.isdir(name):
                raise IsADirectoryError(name)
            if os.path.exists(name) and not os.path.isfile(name):
                raise ConfigError(
                    name,
                    expected="a file that can be written",
                    got="a pipe or a device",
                )
            target = _end_of_links(name)
            part = new_part(_folder_of(target))
            self._parts[name] = target, part
            rest = memoryview(content).cast("B")
            while rest:
                rest = rest[part.write(rest) :]
            os.fsync(part.fileno())

    def remove(self, path: str | os.PathLike[str]) -> None:
        """Let `path` disappear once all the others are there."""
        self._unwanted.append(os.fspath(path))

    def appear(self) -> None:
        """Give every file its name, in the order of writing.

        Another writer of the folder waits meanwhile: files of two never mix.
        """
        with alone_in(self._folder):
            for name, (target, part) in list(self._parts.items()):
                with _told_of(name):
                    os.replace(_path_of(part), target)
                    if os.path.islink(name):
                        _synchronise_folder(_folder_of(target))
                part.close()
                del self._parts[name]
            for name in self._unwanted:
                with _told_of(name):
                    Path(name).unlink(missing_ok=True)
            with _told_of(self._folder):
                _synchronise_folder(self._folder)

    def discard(self) -> None:
        """Leave nothing of what did not appear."""
        for _, part in self._parts.values():
            Path(_path_of(part)).unlink(missing_ok=True)
            part.close()


@contextmanager
def files_together(
    folder: str | os.PathLike[str],
) -> Generator[StagedFiles, None, None]:
    """Write several files of one folder, all or none.

    Contents reach the disk under temporary names; what can go wrong (a full disk, no
    permission) goes wrong there. At the end of the block they are renamed, one right
    after the other. If the block raises, the folder is as it was. Temporary files that
    killed writers left in it are removed.

    Args:
        folder: there already.
    """
    remove_dead_parts(os.fspath(folder))
    staged = StagedFiles(os.fspath(folder))
    try:
        yield staged
        staged.appear()
    finally:
        staged.discard()


@contextmanager
def _told_of(name: str) -> Generator[None, None, None]:
    try:
        yield
    except ConfigError:
        raise
    except (OSError, ValueError) as error:
        raise ConfigError(
            name, expected="a file that can be written", got=_reason(error)
        ) from None


def _folder_of(name: str) -> str:
    return os.path.dirname(name) or "."


def _end_of_links(name: str) -> str:
    target = os.path.realpath(name) if os.path.islink(name) else name
    if os.path.islink(target):
        os.stat(target)  # raises: it leads to itself
    return target


def _path_of(part: FileIO) -> str:
    return str(part.name)


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
