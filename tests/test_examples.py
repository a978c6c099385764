"""Every example runs as it stands, and shows what it promises."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stackelberg import io

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"

Names = dict[str, Any]
"""The names that an example leaves behind."""


def assert_a_cell_is_priced(ran: Names) -> None:
    assert (ran["answer"].reuse_price > 0.0).all()
    assert ran["certificate"].bilevel_gap <= 1e-4


def assert_the_concepts_differ_where_pairs_share_a_channel(ran: Names) -> None:
    assert ran["lost"] > 1e-4
    assert list(ran["utility"]) == ["published", "iterated", "bilevel"]


def assert_own_prices_are_seen_through(ran: Names) -> None:
    assert ran["certificate"].bilevel_gap > 1e-4


def assert_there_are_files_of_many_cells(ran: Names) -> None:
    assert len(list(Path("cells").glob("cell-?.json"))) == 5
    assert len(list(Path("cells").glob("*.solution.json"))) == 5
    assert "The first cell" in Path("cells/cell-0.html").read_text(encoding="utf-8")
    assert len(ran["solutions"]) == 5


def assert_more_fairness_gives_more_to_whoever_has_least(ran: Names) -> None:
    least = [ran["tasks"][alpha].min() for alpha in (0.5, 1.0, 2.0, 8.0)]
    assert least == sorted(least)
    assert least[3] > 1.5 * least[0]
    assert ran["proof"].holds(1e-9)
    assert not ran["found"].holds(1e-2)


def assert_an_algorithm_from_elsewhere_learns_to_price(ran: Names) -> None:
    assert ran["steps"] == 3840
    assert ran["after"] > 1.01 * ran["before"]


def assert_baselines_earn_less_than_the_equilibrium(ran: Names) -> None:
    assert list(ran["settled_mbps"]) == list(ran["NAMES"])
    best = ran["settled_mbps"]["equilibrium"]
    for name in ("random", "equilibrium_reported"):
        assert ran["settled_mbps"][name] < best


def assert_the_policy_has_the_asked_power(ran: Names) -> None:
    assert ran["method"](None, seed=0, power_w=0.25).power_w == 0.25


def assert_half_the_power_is_twice_the_price(ran: Names) -> None:
    price = ran["price"](ran["cell"], seed=0)
    assert (price > 0.0).all()
    halved = ran["price"](ran["cell"], seed=0, power_share=0.25)
    np.testing.assert_allclose(halved, 2.0 * price, rtol=1e-12)


def test_the_settings_of_the_learning_page_are_a_file_of_their_own() -> None:
    page = (EXAMPLES.parent / "docs" / "learning.md").read_text(encoding="utf-8")
    shown = page.split("```toml\n")[1].split("```")[0]
    text = (EXAMPLES / "learn.toml").read_text(encoding="utf-8")
    assert text.split("\n[", 1)[1].strip() == shown.split("[", 1)[1].strip()
    settings = io.read_settings(EXAMPLES / "learn.toml")
    assert settings.learner(settings.params())


PROMISES: dict[str, Callable[[Names], None]] = {
    "baselines_in_one_cell": assert_baselines_earn_less_than_the_equilibrium,
    "bundles_of_cpu_and_memory": assert_more_fairness_gives_more_to_whoever_has_least,
    "check_your_own_prices": assert_own_prices_are_seen_through,
    "many_cells_to_files": assert_there_are_files_of_many_cells,
    "own_policy": assert_the_policy_has_the_asked_power,
    "own_study_method": assert_half_the_power_is_twice_the_price,
    "price_one_cell": assert_a_cell_is_priced,
    "three_concepts": assert_the_concepts_differ_where_pairs_share_a_channel,
    "train_a_stock_algorithm": assert_an_algorithm_from_elsewhere_learns_to_price,
}
NEEDS = {"train_a_stock_algorithm": pytest.mark.outside}


def test_every_example_makes_a_promise() -> None:
    assert sorted(PROMISES) == sorted(path.stem for path in EXAMPLES.glob("*.py"))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=NEEDS.get(name, ())) for name in PROMISES]
)
def test_an_example_runs_and_shows_what_it_promises(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = EXAMPLES / f"{name}.py"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [str(script)])
    ran = runpy.run_path(str(script), run_name="__main__")
    assert ran["__name__"] == "__main__"
    PROMISES[name](ran)
