"""What can go wrong, as one tree.

StackelbergError
├── InputError (also ValueError)      the caller's data or arguments are wrong
│   ├── ShapeError                    an array has the wrong shape or length
│   ├── DomainError                   a number lies outside its domain
│   └── ConfigError                   a key, option or file is missing or unknown
├── SolveError                        raised only by `Solution.raise_for_status()`
│   ├── NotConverged
│   └── Infeasible
└── MissingExtraError (also ImportError)   an optional dependency is absent

Every message is one line: which input, what was expected, what came.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class StackelbergError(Exception):
    """Base of every error this package raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception is otherwise rebuilt from its message alone, which the classes
        # below refuse: raised in a worker process, it would break the pool.
        return _remade, (type(self), self.args), vars(self)


def _remade(kind: type[StackelbergError], args: tuple[Any, ...]) -> StackelbergError:
    return kind.__new__(kind, *args)


class InputError(StackelbergError, ValueError):
    """The caller's data is wrong.

    Attributes:
        argument: path of the offending input, e.g. ``gain_d2d[3]``.
        expected: what would have been right.
        got: what came.
        source: file or command-line option it came from, if any.
    """

    def __init__(
        self, argument: str, *, expected: str, got: object, source: str | None = None
    ) -> None:
        self.argument = argument
        self.expected = expected
        self.got = got
        self.source = source
        super().__init__(str(self))

    def __str__(self) -> str:
        where = f"{self.source}: " if self.source else ""
        return f"{where}{self.argument}: expected {self.expected}, got {self.got}"

    def located(self, source: str) -> InputError:
        """Return the same error, naming the file or option it came from."""
        return type(self)(
            self.argument, expected=self.expected, got=self.got, source=source
        )


class ShapeError(InputError):
    """An array has the wrong number of axes or the wrong length."""


class DomainError(InputError):
    """A number is outside the set where the formula means something."""


class ConfigError(InputError):
    """A key or option is missing, unknown or of the wrong kind."""


class SolveError(StackelbergError):
    """A solve ended without what was asked; `solution` holds what it reached."""

    def __init__(self, message: str, solution: object) -> None:
        self.solution = solution
        super().__init__(message)


class NotConverged(SolveError):
    """The solve stopped before its tolerance."""


class Infeasible(SolveError):
    """No point satisfies the constraints."""


class MissingExtraError(StackelbergError, ImportError):
    """An optional dependency is not installed."""

    def __init__(self, module: str, extra: str) -> None:
        self.module = module
        self.extra = extra
        super().__init__(
            f"{module} is not installed; install it with: "
            f'pip install "stackelberg[{extra}]"'
        )


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the nearest known name, or nothing."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""
