"""Imports run one way, and everything up to `learning` is pure."""

from __future__ import annotations

import pytest
from house.rooms import MAY_IMPORT, order_violations, purity_violations, room
from house.source import module_name, modules


def test_imports_run_one_way() -> None:
    found = [
        violation
        for path in modules()
        for violation in order_violations(path.read_text(), module_name(path))
    ]
    assert found == []


def test_rooms_up_to_learning_are_pure() -> None:
    found = [
        violation
        for path in modules()
        for violation in purity_violations(path.read_text(), module_name(path))
    ]
    assert found == []


def test_every_folder_is_a_known_room() -> None:
    rooms = {room(module_name(path)) for path in modules()} - {None}
    assert rooms <= MAY_IMPORT.keys()
    assert {"errors", "game", "spectrum", "units"} <= rooms


def test_no_room_may_be_imported_by_what_it_imports() -> None:
    both_ways = [
        (one, other)
        for one, allowed in MAY_IMPORT.items()
        for other in allowed
        if one in MAY_IMPORT[other]
    ]
    assert both_ways == []


@pytest.mark.parametrize(
    ("module", "source", "names"),
    [
        ("stackelberg.units", "from stackelberg.game import Status", "game"),
        ("stackelberg.game.status", "from stackelberg import io", "io"),
        ("stackelberg.spectrum.rates", "import stackelberg.edge.market", "edge"),
        ("stackelberg.edge.market", "from ..spectrum import Scenario", "spectrum"),
        ("stackelberg.edge.__init__", "from .. import spectrum", "spectrum"),
        ("stackelberg.envs.step", "from stackelberg.edge import Market", "edge"),
        ("stackelberg.io.files", "def f():\n    import stackelberg.report", "report"),
        ("stackelberg.report.page", "from stackelberg.cli import main", "cli"),
        ("stackelberg.cli.main", "from stackelberg import service", "service"),
        ("stackelberg.game.status", "import stackelberg", "the whole package"),
    ],
)
def test_a_forbidden_import_is_found(module: str, source: str, names: str) -> None:
    (violation,) = order_violations(source, module)
    assert violation.startswith(module)
    assert violation.endswith(names)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("stackelberg.game.solution", "from stackelberg.errors import SolveError"),
        ("stackelberg.spectrum.rates", "from stackelberg.spectrum import scenario"),
        ("stackelberg.cli.main", "from stackelberg import __version__, report"),
        ("stackelberg.__init__", "from stackelberg import errors"),
        ("stackelberg.units", "import numpy, math"),
    ],
)
def test_an_allowed_import_passes(module: str, source: str) -> None:
    assert list(order_violations(source, module)) == []


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "import os.path",
        "from pathlib import Path",
        "def f():\n    from rich.console import Console",
        "open('x')",
        "print(1)",
        "import jax\njax.config.update('jax_enable_x64', True)",
        "import numpy as np\nnp.random.seed(0)",
        "def f():\n    global count\n    count = 1",
    ],
)
def test_an_impure_line_is_found_in_a_pure_room_only(source: str) -> None:
    (violation,) = purity_violations(source, "stackelberg.spectrum.rates")
    assert violation.startswith("stackelberg.spectrum.rates:")
    assert list(purity_violations(source, "stackelberg.cli.main")) == []
