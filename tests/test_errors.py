"""Errors are one tree, say one line, and keep what a caller needs."""

from __future__ import annotations

import pickle

import pytest

from stackelberg import errors
from stackelberg.errors import (
    ConfigError,
    DomainError,
    Infeasible,
    InputError,
    MissingExtraError,
    NotConverged,
    ShapeError,
    SolveError,
    StackelbergError,
    suggestion,
)


@pytest.mark.parametrize(
    ("error", "bases"),
    [
        (InputError, (StackelbergError, ValueError)),
        (ShapeError, (InputError,)),
        (DomainError, (InputError,)),
        (ConfigError, (InputError,)),
        (SolveError, (StackelbergError,)),
        (NotConverged, (SolveError,)),
        (Infeasible, (SolveError,)),
        (MissingExtraError, (StackelbergError, ImportError)),
    ],
)
def test_the_tree(error: type[Exception], bases: tuple[type[Exception], ...]) -> None:
    assert all(issubclass(error, base) for base in bases)


def test_the_tree_drawn_in_the_docstring_is_complete() -> None:
    classes = {
        name
        for name, member in vars(errors).items()
        if isinstance(member, type) and issubclass(member, StackelbergError)
    }
    drawn = errors.__doc__ or ""
    assert "DomainError" in classes
    assert {name for name in classes if name not in drawn} == set()


@pytest.mark.parametrize("kind", [InputError, ShapeError, DomainError, ConfigError])
def test_an_input_error_says_argument_expected_and_got(kind: type[InputError]) -> None:
    message = r"^gain_d2d\[3\]: expected a number > 0, got -1\.0$"
    with pytest.raises(kind, match=message) as caught:
        raise kind("gain_d2d[3]", expected="a number > 0", got=-1.0)
    assert caught.value.argument == "gain_d2d[3]"
    assert caught.value.expected == "a number > 0"
    assert caught.value.got == -1.0
    assert caught.value.source is None


def test_a_located_error_names_its_file_and_keeps_its_class() -> None:
    error = ShapeError("channel", expected="3 channels", got=2)
    located = error.located("cell.json")
    assert type(located) is ShapeError
    assert str(located) == "cell.json: channel: expected 3 channels, got 2"
    assert located.source == "cell.json"
    assert str(error) == "channel: expected 3 channels, got 2"


def test_a_solve_error_carries_the_solution() -> None:
    solution = object()
    with pytest.raises(SolveError, match=r"^max_iterations: stopped$") as caught:
        raise NotConverged("max_iterations: stopped", solution)
    assert caught.value.solution is solution


def test_a_missing_extra_names_how_to_install_it() -> None:
    message = r'^ray is not installed; install it with: pip install "stackelberg\['
    with pytest.raises(ImportError, match=message + r'cluster\]"$') as caught:
        raise MissingExtraError("ray", "cluster")
    assert isinstance(caught.value, MissingExtraError)
    assert (caught.value.module, caught.value.extra) == ("ray", "cluster")


def test_a_typing_slip_gets_the_near_name() -> None:
    known = ["bandwidth_hz", "noise_power_w"]
    assert suggestion("bandwith_hz", known) == " (did you mean 'bandwidth_hz'?)"


@pytest.mark.parametrize("name", ["", "x", "temperature"])
def test_a_name_near_to_none_gets_no_suggestion(name: str) -> None:
    assert suggestion(name, ["bandwidth_hz", "noise_power_w"]) == ""
    assert suggestion(name, []) == ""


@pytest.mark.parametrize(
    "error",
    [
        ShapeError("channel", expected="3 channels", got=2, source="cell.json"),
        NotConverged("max_iterations: stopped", None),
        MissingExtraError("ray", "cluster"),
    ],
)
def test_an_error_comes_whole_out_of_another_process(error: StackelbergError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)
