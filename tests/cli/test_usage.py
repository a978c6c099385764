"""What holds for every command: help, version, wrong usage, interruption."""

from __future__ import annotations

import subprocess
import sys

import pytest
from cli.command import CommandLine, assert_refused

from stackelberg import __version__
from stackelberg.cli import application

COMMANDS = [
    ("demo",),
    ("equations",),
    *(
        ("spectrum", verb)
        for verb in ("generate", "import", "solve", "certify", "compare", "explain")
    ),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_and_json(
    stackelberg: CommandLine, command: tuple[str, ...]
) -> None:
    ended = stackelberg(*command, "--help")
    assert ended.code == 0
    assert "--json" in ended.out


def test_version(stackelberg: CommandLine) -> None:
    assert stackelberg("--version").out == f"stackelberg {__version__}\n"


def test_the_entry_point_leaves_with_the_exit_code() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stackelberg.cli", "spectrum", "solve", "absent.json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert "absent.json: expected a scenario file" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (("spectrum", "solv"), ("No such command", "solv", "solve")),
        (("spectrum", "solve"), ("spectrum solve", "SCENARIO")),
        (("spectrum", "generate"), ("--output",)),
        (("spectrum", "generate", "-o", "x", "--sed", "1"), ("--sed", "--seed")),
        (("spectrum", "generate", "-o", "x", "--seed", "one"), ("--seed", "'one'")),
        (("spectrum", "solve", "x", "--concept", "bilevle"), ("--concept", "bilevle")),
        (("spectrum", "explain", "x"), ("--pair",)),
        (("equations", "--paper", "nobody"), ("paper", "nobody")),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, tuple) else None,
)
def test_wrong_usage_is_one_line(
    stackelberg: CommandLine, arguments: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    assert_refused(stackelberg(*arguments), *parts)


def test_nothing_asked_shows_the_help(stackelberg: CommandLine) -> None:
    ended = stackelberg("spectrum")
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.startswith("Usage: stackelberg spectrum")
    assert "  generate " in ended.err


def test_a_reader_that_stops_early_is_no_error() -> None:
    command = subprocess.Popen(
        [sys.executable, "-m", "stackelberg.cli", "equations", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert command.stdout is not None
    assert command.stderr is not None
    command.stdout.close()
    with command.stderr as stderr:
        assert stderr.read() == b""
    assert command.wait(timeout=60) == 0


def test_interruption_is_one_line(
    stackelberg: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_paper: str | None) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("stackelberg.equations.equations", interrupted)
    ended = stackelberg("equations")
    assert ended.code == application.INTERRUPTED == 130
    assert ended.err == "stackelberg: interrupted; what was finished is on disk\n"


def test_help_is_quick_because_it_loads_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "from stackelberg.cli.application import run\n"
        "run(['spectrum', 'solve', '--help'])\n"
        "heavy = {'jax', 'numba', 'numpy', 'altair', 'polars', 'scipy', 'jinja2'}\n"
        "sys.exit(f'loaded {heavy & set(sys.modules)}' if heavy & set(sys.modules) "
        "else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("closed", "code"), [(">&-", 0), ("2>&-", 2)])
def test_a_closed_stream_is_no_traceback(closed: str, code: int) -> None:
    words = "equations" if code == 0 else "equations --nonsense"
    ended = subprocess.run(
        ["sh", "-c", f'"$0" -m stackelberg.cli {words} {closed}', sys.executable],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (code, "")
