"""Every method that a plan may name."""

from __future__ import annotations

from functools import cache

from stackelberg.study.methods import edge, environment, spectrum
from stackelberg.study.methods.measured import Method
from stackelberg.study.plan import Kind

_METHODS = {
    "spectrum": spectrum.methods,
    "edge": edge.methods,
    "environment": environment.methods,
}


@cache
def methods_of(kind: Kind) -> dict[str, Method]:
    """The library's methods for problems of one kind."""
    return _METHODS[kind]()
