"""Endings that a user meets by accident: interrupts, full disks, wrong targets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cli.command import CommandLine, assert_refused

from stackelberg import io, spectrum
from stackelberg.cli import application


@pytest.fixture
def cell(tmp_path: Path) -> Path:
    path = tmp_path / "cell.json"
    io.write_scenario(spectrum.generate(seed=3, num_channels=2, num_pairs=3), path)
    return path


@pytest.mark.parametrize("option", ["-o", "--report"])
def test_an_input_is_never_overwritten(
    stackelberg: CommandLine, cell: Path, option: str
) -> None:
    before = cell.read_bytes()
    ended = stackelberg("spectrum", "solve", cell, option, cell)
    assert_refused(ended, option, "which is an input")
    assert cell.read_bytes() == before


def test_two_outputs_never_share_a_file(
    stackelberg: CommandLine, cell: Path, tmp_path: Path
) -> None:
    same = tmp_path / "same"
    ended = stackelberg("spectrum", "solve", cell, "-o", same, "--report", same)
    assert_refused(ended, "--report", "the output of -o")
    assert not same.exists()


def test_a_pipe_is_neither_read_nor_replaced(
    stackelberg: CommandLine, cell: Path, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert_refused(stackelberg("spectrum", "solve", pipe), "a pipe or a device")
    ended = stackelberg("spectrum", "solve", cell, "-o", pipe)
    assert_refused(ended, "a pipe or a device")
    assert pipe.is_fifo()


def test_a_name_too_long_is_one_line(
    stackelberg: CommandLine, cell: Path, tmp_path: Path
) -> None:
    ended = stackelberg("spectrum", "solve", cell, "-o", tmp_path / ("x" * 300))
    assert_refused(ended, "too long")


def test_names_cannot_break_the_line_or_command_the_terminal(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    ended = stackelberg("spectrum", "solve", tmp_path / "no\n\x1b[31msuch.json")
    assert_refused(ended, r"no\n\x1b[31msuch.json")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["generate", "--pairs", "1000000", "-o", "x.json"], "pairs on 25 channels"),
        (["solve", "CELL", "--max-boxes", "99999999999999999999"], "max-boxes"),
        (["certify", "CELL", "CELL", "--tolerance", "nan"], "expected"),
    ],
)
def test_absurd_sizes_are_one_line(
    stackelberg: CommandLine, cell: Path, arguments: list[str], message: str
) -> None:
    ended = stackelberg(
        "spectrum", *[str(cell) if a == "CELL" else a for a in arguments]
    )
    assert_refused(ended, message)


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (OSError(28, "No space left on device"), 2, "no space left on device"),
        (MemoryError("14 TiB"), 2, "too large for this machine"),
        (RuntimeError("INTERNAL: Out of memory"), 2, "too large for this machine"),
    ],
)
def test_what_happens_in_the_middle_is_one_line(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    raised: BaseException,
    code: int,
    said: str,
) -> None:
    def fail(**_: object) -> None:
        if isinstance(raised, KeyboardInterrupt):  # as compiled code passes it on
            raise SystemError("returned a result with an exception set") from raised
        raise raised

    monkeypatch.setattr(application.typer.main, "get_command", lambda _: _Fails(fail))
    assert application.run([]) == code
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1
    assert said in printed.err


class _Fails:
    def __init__(self, fail: object) -> None:
        self.main = fail


@pytest.mark.parametrize(
    "command",
    [
        ("spectrum", "solve", "CELL"),
        ("spectrum", "compare", "CELL"),
        ("edge", "solve", "MARKET"),
        ("learn", "evaluate", "POLICY"),
    ],
    ids=" ".join,
)
def test_pages_and_figures_without_a_place_are_refused_before_the_work(
    stackelberg: CommandLine, cell: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    there = {"CELL": cell, "MARKET": tmp_path / "none", "POLICY": tmp_path / "none"}
    arguments = [there.get(one, one) for one in command]
    ended = stackelberg(*arguments, "--figures", cell / "inside")
    assert_refused(ended, "--figures: expected a folder", f"{cell} is a file")
    ended = stackelberg(*arguments, "--report", "/dev/full")
    assert_refused(ended, "--report: expected a file", "a pipe or a device")


def test_wrong_inputs_leave_no_empty_folder(
    stackelberg: CommandLine, cell: Path, tmp_path: Path
) -> None:
    folder, none = tmp_path / "out", tmp_path / "none"
    for arguments in (
        ("spectrum", "solve", cell, none),
        ("spectrum", "generate", "--count", 2, "--pairs", -1),
        ("study", "run", none),
    ):
        assert stackelberg(*arguments, "-o", folder).code == 2
        assert not folder.exists()
