"""From options to arguments: names in errors, and where files go."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from stackelberg.errors import ConfigError, InputError


@contextmanager
def options_named(options: Mapping[str, str]) -> Generator[None, None, None]:
    """Let errors speak of options: argument of the library -> option of the command."""
    try:
        yield
    except InputError as error:
        name, bracket, index = error.argument.partition("[")
        if name not in options:
            raise
        raise type(error)(
            options[name] + bracket + index,
            expected=error.expected,
            got=error.got,
            source=error.source,
        ) from None


def existing_folder(option: str, folder: Path) -> Path:
    """`folder`, made if need be.

    Raises:
        ConfigError: if it cannot be made, or is a file.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            option,
            expected="a folder that can be written",
            got=f"{folder} ({(error.strerror or 'unusable').lower()})",
        ) from None
    return folder


def file_in_existing_folder(option: str, path: Path) -> Path:
    """`path`, once it is known that it may be written: before the work, not after.

    Raises:
        ConfigError: if its folder is not there or cannot be written, or `path` is
            itself a folder, a pipe or a device.
    """
    if path.is_dir():
        raise ConfigError(option, expected="a file", got=f"{path} (a directory)")
    if not path.parent.is_dir():
        raise ConfigError(
            option, expected="a file in an existing folder", got=str(path)
        )
    reason = None
    end = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        reason = "a pipe or a device"
    elif end.is_symlink():
        reason = "a link to itself"
    elif not end.parent.is_dir():
        reason = f"a link to {end}, whose folder does not exist"
    elif not os.access(end.parent, os.W_OK | os.X_OK):
        reason = "no permission"
    if reason is not None:
        raise ConfigError(
            option, expected="a file that can be written", got=f"{path} ({reason})"
        )
    return path


def folder_that_can_be_made(option: str, folder: Path) -> Path:
    """`folder`, once it is known that it may be written; it is not made yet.

    Raises:
        ConfigError: if it is a file, or cannot be made or written.
    """
    there = folder
    while not os.path.lexists(there) and there != there.parent:
        there = there.parent
    reason = None
    if not there.is_dir():
        reason = f"{there} is a file" if there != folder else "a file"
    elif not os.access(there, os.W_OK | os.X_OK):
        reason = "no permission"
    if reason is not None:
        raise ConfigError(
            option,
            expected="a folder that can be written",
            got=f"{folder} ({reason})",
        )
    return folder


def refuse_overwriting(
    inputs: Sequence[Path], outputs: Mapping[str, Sequence[Path | None]]
) -> None:
    """Refuse outputs that would replace an input or one another.

    Args:
        inputs: files that are read.
        outputs: files to be written, by the option that names them.

    Raises:
        ConfigError: naming the option and the file.
    """
    taken = {os.path.realpath(path): "an input" for path in inputs}
    for option, paths in outputs.items():
        for path in paths:
            if path is None:
                continue
            place = os.path.realpath(path)
            if place in taken:
                raise ConfigError(
                    option,
                    expected="a file that is read or written for nothing else",
                    got=f"{path}, which is {taken[place]}",
                )
            taken[place] = f"the output of {option}"


def outputs_of(
    files: Sequence[Path], output: Path | None, *, ending: str
) -> list[Path | None]:
    """Where the result of each input file goes.

    Args:
        files: the inputs.
        output: a file for one input, a folder (not made yet) for several; an
            existing folder may serve one input too. None writes nothing.
        ending: of the names in a folder, after the input's name without ``.json``.

    Raises:
        ConfigError: if two inputs would go to one name, or the place is unusable.
    """
    if output is None:
        return [None] * len(files)
    if len(files) == 1 and not output.is_dir():
        return [file_in_existing_folder("-o", output)]
    folder_that_can_be_made("-o", output)
    targets: list[Path | None] = [
        output / (path.name.removesuffix(".json") + ending) for path in files
    ]
    for i, target in enumerate(targets):
        if target in targets[:i]:
            raise ConfigError(
                "SCENARIO",
                expected="files of different names, since all results go to one folder",
                got=f"{files[i].name} twice",
            )
    return targets
