"""Folders in and out: found out before the work, and never one over another."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from stackelberg.cli.arguments import folder_that_can_be_made, refuse_overwriting
from stackelberg.errors import ConfigError

Holds = Literal["market", "solution"]

_ONLY_IN: dict[Holds, tuple[str, ...]] = {
    "market": ("reach.csv", "reach.parquet"),
    "solution": ("allocation.csv", "allocation.parquet"),
}
"""Both have tables of nodes and users; these tell one from the other."""

_IN_BOTH = ("nodes.csv", "nodes.parquet", "users.csv", "users.parquet")


def refuse_report_over_tables(
    report: Path, *, read: Sequence[Path], written: Path | None
) -> None:
    """Refuse a report that would replace a table which is read or written.

    Raises:
        ConfigError: naming the file.
    """
    folders = [folder for folder in read if folder.is_dir()]
    there = [path for folder in folders for path in sorted(folder.iterdir())]
    tables = [] if written is None else [written / name for name in _SOLUTION_FILES]
    refuse_overwriting(there, {"-o": tables, "--report": [report]})


def target_folder(
    option: str, folder: Path, *, holds: Holds, inputs: Sequence[Path] = ()
) -> Path:
    """`folder`, once it is known that the result may go there. It is not made yet.

    Raises:
        ConfigError: it is an input, a file, cannot be made, or holds tables that are
            not of an earlier result of this kind and would be replaced.
    """
    if os.path.realpath(folder) in {os.path.realpath(path) for path in inputs}:
        raise ConfigError(
            option,
            expected=f"another folder than those read, since the {holds} would be "
            "mixed with what lies there",
            got=f"{folder}, which is an input",
        )
    other: Holds = "solution" if holds == "market" else "market"
    if any((folder / name).exists() for name in _ONLY_IN[other]):
        raise ConfigError(
            option,
            expected=f"a folder for a {holds}",
            got=f"{folder}, which holds a {other}",
        )
    earlier = any((folder / name).exists() for name in _ONLY_IN[holds])
    foreign = [name for name in _IN_BOTH if (folder / name).exists()]
    if foreign and not earlier:
        raise ConfigError(
            option,
            expected="a folder without tables, or one that holds an earlier "
            f"{holds}, which is replaced",
            got=f"{folder}, whose {foreign[0]} is of no {holds}",
        )
    return folder_that_can_be_made(option, folder)


_SOLUTION_FILES = (
    *(f"{name}.{kind}" for name in ("allocation", "users", "nodes")
      for kind in ("csv", "parquet")),
    "solution.json",
)  # fmt: skip
