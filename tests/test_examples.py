"""The examples say what they promise; that they run is tested with all shown code."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


@pytest.fixture
def ran(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """The names that an example leaves behind, run in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return runpy.run_path(str(EXAMPLES / f"{request.param}.py"), run_name="__main__")


@pytest.mark.parametrize("ran", ["price_one_cell"], indirect=True)
def test_a_cell_is_priced(ran: dict[str, Any]) -> None:
    assert (ran["answer"].reuse_price > 0.0).all()
    assert ran["certificate"].bilevel_gap <= 1e-4


@pytest.mark.parametrize("ran", ["three_concepts"], indirect=True)
def test_the_concepts_differ_where_pairs_share_a_channel(ran: dict[str, Any]) -> None:
    assert ran["lost"] > 1e-4
    assert list(ran["utility"]) == ["published", "iterated", "bilevel"]


@pytest.mark.parametrize("ran", ["check_your_own_prices"], indirect=True)
def test_own_prices_are_seen_through(ran: dict[str, Any]) -> None:
    assert ran["certificate"].bilevel_gap > 1e-4


@pytest.mark.parametrize("ran", ["many_cells_to_files"], indirect=True)
def test_files_of_many_cells(ran: dict[str, Any]) -> None:
    assert len(list(Path("cells").glob("cell-?.json"))) == 5
    assert len(list(Path("cells").glob("*.solution.json"))) == 5
    assert "The first cell" in Path("cells/cell-0.html").read_text(encoding="utf-8")
    assert len(ran["solutions"]) == 5


@pytest.mark.parametrize("ran", ["bundles_of_cpu_and_memory"], indirect=True)
def test_more_fairness_gives_more_to_whoever_has_least(ran: dict[str, Any]) -> None:
    least = [ran["tasks"][alpha].min() for alpha in (0.5, 1.0, 2.0, 8.0)]
    assert least == sorted(least)
    assert least[3] > 1.5 * least[0]
    assert ran["proof"].holds(1e-9)
    assert not ran["found"].holds(1e-2)


@pytest.mark.outside
@pytest.mark.parametrize("ran", ["train_a_stock_algorithm"], indirect=True)
def test_an_algorithm_from_elsewhere_learns_to_price(ran: dict[str, Any]) -> None:
    assert ran["steps"] == 3840
    assert ran["after"] > 1.01 * ran["before"]


@pytest.mark.parametrize("ran", ["baselines_in_one_cell"], indirect=True)
def test_baselines_earn_less_than_the_equilibrium(ran: dict[str, Any]) -> None:
    assert list(ran["settled_mbps"]) == list(ran["NAMES"])
    best = ran["settled_mbps"]["equilibrium"]
    for name in ("random", "equilibrium_reported"):
        assert ran["settled_mbps"][name] < best
