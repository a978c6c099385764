"""The tree of commands, and how each run of one ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any, cast

import typer

from stackelberg import __version__
from stackelberg.cli.demo import demo
from stackelberg.cli.edge import edge
from stackelberg.cli.equations import equations
from stackelberg.cli.exit_codes import DONE, INPUT_WRONG, INTERRUPTED, NOT_REACHED
from stackelberg.cli.learn import learn
from stackelberg.cli.output import one_line
from stackelberg.cli.spectrum import spectrum
from stackelberg.cli.study import study
from stackelberg.errors import InputError, SolveError, StackelbergError

application = typer.Typer(
    name="stackelberg",
    help="Price scarce network resources by Stackelberg games, with certificates. "
    "Exit codes: 0 done, 2 the input is wrong, 3 the tolerance was not reached, "
    "130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
application.add_typer(spectrum, name="spectrum")
application.add_typer(edge, name="edge")
application.add_typer(learn, name="learn")
application.add_typer(study, name="study")
application.command("demo")(demo)
application.command("equations")(equations)


_NO_ROOM = ("RESOURCE_EXHAUSTED", "Out of memory")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"stackelberg {__version__}")
        raise typer.Exit


@application.callback()
def _top(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the version.",
            is_eager=True,
            callback=_print_version,
        ),
    ] = False,
) -> None:
    """The options that stand before a command."""


def run(arguments: Sequence[str]) -> int:
    """Run one command line; returns its exit code and never raises for wrong input.

    Args:
        arguments: without the program's name.

    Returns:
        0 done; 2 the input is wrong; 3 the solve did not reach its tolerance (what it
        reached is written); 130 interrupted. What went wrong is one line on stderr.
    """
    command: Any = typer.main.get_command(application)
    try:
        code = command.main(
            args=list(arguments), prog_name="stackelberg", standalone_mode=False
        )
        sys.stdout.flush()
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except typer.TyperException as error:
        code = _usage(error)
    except InputError as error:
        code = _say(str(error), INPUT_WRONG)
    except SolveError as error:
        code = _say(str(error), NOT_REACHED)
    except StackelbergError as error:
        code = _say(str(error), INPUT_WRONG)
    except SystemError as error:  # compiled code passes an interrupt on as this
        if not isinstance(error.__cause__ or error.__context__, KeyboardInterrupt):
            raise
        code = INTERRUPTED
    except (MemoryError, OverflowError) as error:
        code = _say(f"too large for this machine: {error}", INPUT_WRONG)
    except RuntimeError as error:  # how JAX says that there is no room
        if not any(words in str(error) for words in _NO_ROOM):
            raise
        code = _say(f"too large for this machine: {error}", INPUT_WRONG)
    except BrokenPipeError:  # the reader, say `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = DONE
    except OSError as error:  # a full disk, a name too long, a closed folder
        where = f"{error.filename}: " if error.filename is not None else ""
        code = _say(f"{where}{(error.strerror or str(error)).lower()}", INPUT_WRONG)
    except SystemExit:  # the same, as the terminal libraries tell it
        code = DONE
    if code == INTERRUPTED:
        _say("interrupted; what was finished is on disk", INTERRUPTED)
    return int(code or DONE)


def _usage(error: typer.TyperException) -> int:
    """Say in one line what is wrong with the arguments themselves."""
    context: Any = getattr(error, "ctx", None)
    text = error.format_message()
    if text.startswith("Usage:"):  # no arguments at all: this is the help
        sys.stderr.write(f"{text}\n")
        return INPUT_WRONG
    message = " ".join(text.split()) + _value_got(error)
    if context is None:
        return _say(message, INPUT_WRONG)
    return _say(f"{context.command_path}: {message}", INPUT_WRONG)


def _value_got(error: typer.TyperException) -> str:
    """The value that was refused, where the message leaves it out."""
    refusals: Any = getattr(error.__cause__, "errors", None)
    if not callable(refusals):
        return ""
    first: Any = cast("Any", refusals)()[0]
    return f", got {first['input']!r}"


def _say(line: str, code: int) -> int:
    # Names may hold line breaks or terminal codes; what is printed is one plain line.
    plain = one_line(line)
    prefix = (
        "" if plain.startswith(("stackelberg: ", "stackelberg ")) else "stackelberg: "
    )
    sys.stderr.write(f"{prefix}{plain}\n")
    return code
