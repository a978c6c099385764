"""Every printed equation has a function and a test, and the pages say so."""

from __future__ import annotations

import importlib
import json
from dataclasses import fields
from pathlib import Path

import equation_markers
import pytest
import typer
from typer.testing import CliRunner

from stackelberg import equations as registry
from stackelberg.cli.equations import equations as command
from stackelberg.errors import ConfigError

FUNCTIONS = sorted(
    {f for x in (*registry.equations(), *registry.errata()) for f in x.functions}
)


def test_every_equation_and_erratum_has_a_test_and_no_marker_is_unknown() -> None:
    assert equation_markers.problems(equation_markers.held_by_tests()) == []


def test_a_missing_test_and_an_unknown_marker_are_reported() -> None:
    held = equation_markers.held_by_tests()
    del held["equations"]["D2D 28"]
    held["errata"]["E99"] = ["tests/test_x.py::test_y"]
    assert equation_markers.problems(held) == [
        "equation D2D 28 has no test",
        "tests/test_x.py::test_y marks erratum E99, which printed.toml does not list",
    ]


def test_generated_files_are_up_to_date() -> None:
    assert equation_markers.stale() == []


def test_a_changed_page_is_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "errata.md"
    page.write_text(equation_markers.errata_page() + "more\n", encoding="utf-8")
    monkeypatch.setattr(equation_markers, "ERRATA_PAGE", page)
    assert equation_markers.stale() == [page]


def test_markers_are_read_without_running_anything() -> None:
    source = (
        '@pytest.mark.equation("D2D", 30, 33)\n'
        '@pytest.mark.erratum("E12")\n'
        "def test_it(): raise SystemExit\n"
    )
    assert list(equation_markers.markers(source, "tests/test_it.py")) == [
        ("equation", ("D2D", 30, 33), "tests/test_it.py::test_it"),
        ("erratum", ("E12",), "tests/test_it.py::test_it"),
    ]


def test_the_published_appendix_is_covered() -> None:
    assert [x.number for x in registry.equations("D2D")] == [1, *range(25, 40)]
    names = {x.name for x in registry.errata("D2D")}
    assert names == {f"E{n}" for n in range(1, 20)} | {"E4b"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_named_function_exists_and_is_described(function: str) -> None:
    module, _, name = function.rpartition(".")
    found = getattr(importlib.import_module(module), name)
    assert callable(found)
    assert found.__doc__


def test_an_erratum_is_told_at_its_equation() -> None:
    by_number = {x.number: x for x in registry.equations("D2D")}
    assert by_number[28].errata == ("E9", "E10")
    assert by_number[25].errata == ()


def test_an_unknown_paper_is_refused_with_a_near_name() -> None:
    expected = r"paper: expected one of D2D.* \(did you mean 'D2D'\?\), got 'D2'"
    with pytest.raises(ConfigError, match=expected):
        registry.equations("D2")


def run(*arguments: str) -> str:
    app = typer.Typer()
    app.command()(command)
    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "400"})
    assert result.exit_code == 0
    return result.stdout


def test_the_command_prints_where_each_equation_lives() -> None:
    text = run()
    for x in registry.equations():
        assert f"{x.paper} ({x.number})" in text
        assert x.functions[0] in text
    for x in registry.errata():
        assert f"{x.paper} {x.name}" in text


def test_the_command_prints_json() -> None:
    listing = json.loads(run("--paper", "D2D", "--json"))
    assert [x["number"] for x in listing["equations"]] == [1, *range(25, 40)]
    assert set(listing["errata"][0]) == {f.name for f in fields(registry.Erratum)}
    assert all(x["tests"] for x in listing["equations"] + listing["errata"])
