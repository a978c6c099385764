"""Importing the library is light and changes nothing, tried in a new interpreter."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

TERMINAL = ["click", "rich", "typer"]
PLOTTING = ["altair", "matplotlib", "vl_convert"]
WEB = ["fastapi", "jinja2", "starlette", "uvicorn"]
SOLVING = ["jax", "numba", "numpy", "scipy"]


def report_of(statement: str) -> dict[str, Any]:
    """What `statement` loads, prints and does to JAX, in a new interpreter."""
    script = f"""
import json, sys
{statement}
loaded = sorted({{name.partition(".")[0] for name in sys.modules}})
x64 = None
if "jax" in sys.modules:
    import jax
    x64 = jax.config.jax_enable_x64
print(json.dumps({{"loaded": loaded, "x64": x64}}))
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def root() -> dict[str, Any]:
    return report_of("import stackelberg")


@pytest.fixture(scope="module")
def spectrum() -> dict[str, Any]:
    return report_of("import stackelberg.game, stackelberg.spectrum")


def test_the_root_loads_no_terminal_plotting_web_or_solver(
    root: dict[str, Any],
) -> None:
    assert "stackelberg" in root["loaded"]
    heavy = {*TERMINAL, *PLOTTING, *WEB, *SOLVING}
    assert heavy.intersection(root["loaded"]) == set()


def test_the_spectrum_game_loads_no_terminal_plotting_or_web(
    spectrum: dict[str, Any],
) -> None:
    assert "numpy" in spectrum["loaded"]
    assert {*TERMINAL, *PLOTTING, *WEB}.intersection(spectrum["loaded"]) == set()


@pytest.mark.parametrize("before", [False, True])
def test_importing_leaves_the_callers_jax_precision(before: bool) -> None:
    set_first = f"import jax; jax.config.update('jax_enable_x64', {before})"
    after = report_of(f"{set_first}; import stackelberg.spectrum")
    assert after["x64"] is before


def test_a_loaded_library_would_be_seen() -> None:
    assert "rich" in report_of("import rich.console")["loaded"]
