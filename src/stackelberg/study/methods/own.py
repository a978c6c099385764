"""Methods from a user's own file: ``path.py:function``."""

from __future__ import annotations

import contextlib
import inspect
import sys
import types
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

import numpy as np

from stackelberg import edge
from stackelberg.edge import Market
from stackelberg.edge.outcome import (
    Ledger,
    on_edges,
    outcome_of,
    shrunk_to_limits,
)
from stackelberg.errors import ConfigError, suggestion
from stackelberg.game import Status
from stackelberg.spectrum import Scenario, solve
from stackelberg.study.methods import edge as on_edge
from stackelberg.study.methods import environment as on_environment
from stackelberg.study.methods import spectrum as on_spectrum
from stackelberg.study.methods.measured import Measured

Own = Callable[..., Any]


def load(source: bytes, name: str, function: str) -> Own:
    """A function of a file's text.

    The text is run as a module of its own; nothing is written, and a worker on another
    machine needs no copy of the file.

    Raises:
        ConfigError: the text does not run, or has no such function.
    """
    module = types.ModuleType("study_method")
    module.__file__ = name
    try:
        # What the file prints is no result; standard output is for those.
        with contextlib.redirect_stdout(sys.stderr):
            exec(compile(source, name, "exec"), module.__dict__)
    except (Exception, SystemExit) as error:
        raise ConfigError(
            name,
            expected="Python that runs",
            got=f"{type(error).__name__}: {error}",
        ) from error
    found = vars(module).get(function)
    if not callable(found):
        names = [n for n, value in vars(module).items() if inspect.isfunction(value)]
        raise ConfigError(
            f"{name}:{function}",
            expected=f"a function of that file{suggestion(function, names)}",
            got="none",
        )
    return cast("Own", found)


def check_settings(function: Own, settings: Mapping[str, Any], place: str) -> None:
    """Refuse settings that the function does not take, and a missing `seed`.

    Raises:
        ConfigError: naming the setting.
    """
    try:
        parameters = inspect.signature(function).parameters
    except ValueError:  # a class or function of the interpreter's own
        raise ConfigError(
            f"{place}.file",
            expected="a function of (problem, *, seed)",
            got=repr(function)[:40],
        ) from None
    if any(one.kind is one.VAR_KEYWORD for one in parameters.values()):
        return
    names = list(parameters)[1:]
    if "seed" not in names:
        raise ConfigError(
            f"{place}.file", expected="a function of (problem, *, seed)", got="no seed"
        )
    for key in settings:
        if key not in names or key == "seed":
            raise ConfigError(
                f"{place}.settings.{key}",
                expected=f"an argument of the function{suggestion(key, names)}",
                got="an unknown one",
            )


def run_own(
    function: Own, name: str, problem: object, seed: int, settings: Mapping[str, Any]
) -> Measured:
    """Run a user's function and measure what it returns as the library's own.

    A spectrum function returns prices [N], which the pairs answer with their Nash
    equilibrium, or an `Outcome`; an edge function returns amounts, users x nodes, which
    are cut to the limits; in an environment it returns a policy. Any may return a dict
    of metrics instead.

    Raises:
        ConfigError: it returned something else.
    """
    returned = function(_its_own(problem), seed=seed, **settings)
    if isinstance(returned, Mapping):
        return Measured(_numbers(cast("Mapping[str, Any]", returned), name))
    if isinstance(problem, Scenario):
        result = on_spectrum.own_result(problem, name, returned)
        best = solve(problem, "bilevel").value
        return on_spectrum.measured(problem, result, best=best)
    if isinstance(problem, on_environment.World):
        return on_environment.judged(returned, problem.any_settings(seed), problem)
    assert isinstance(problem, Market)
    return _measured_amounts(problem, returned)


def _its_own(problem: object) -> object:
    """The problem, with weights that the function may change without changing what it
    is measured by; all other arrays are read-only.
    """
    if isinstance(problem, Market):
        return replace(problem, weight=problem.weight.copy())
    return problem


def _measured_amounts(market: Market, amounts: object) -> Measured:
    best = edge.allocate(market)
    proof = edge.certify(
        market,
        amounts,
        best.value.capacity_shadow_price,
        best.value.budget_shadow_price,
    )
    ledger = Ledger(market)
    amount, _ = on_edges(market, amounts)
    no_rent = np.zeros(market.num_nodes), np.zeros(market.num_users)
    cut = outcome_of(market, shrunk_to_limits(ledger, amount), *no_rent, ledger)
    violation = max(proof.capacity_violation, proof.budget_violation)
    return on_edge.measured(
        market,
        best,
        on_edge.Shared(
            cut.utility,
            cut.load,
            market.price,
            violation,
            proof.gap_per_user,
            None,
            Status.CONVERGED,
        ),
    )


def _numbers(returned: Mapping[str, Any], name: str) -> dict[str, float | None]:
    numbers: dict[str, float | None] = {}
    for key, value in returned.items():
        if value is None or (np.ndim(value) == 0 and np.isreal(value)):
            numbers[str(key)] = None if value is None else float(value)
            continue
        raise ConfigError(
            f"{name}: {key}", expected="a number or None", got=repr(value)[:40]
        )
    return numbers
