from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from cli.command import CommandLine

from stackelberg import edge, io
from stackelberg.cli import demo, demo_city
from stackelberg.cli.learn import demo_policy
from stackelberg.cli.study import demo_study
from stackelberg.report.theme import METHODS
from stackelberg.study import Cell, read_plan
from stackelberg.study.run_cell import Finished, run_cell
from stackelberg.study.stopping import Stop

PLANS = Path(__file__).parents[2] / "studies"


class HereBackend:
    """Runs cells in the test's own process."""

    def run(self, cells: Sequence[Cell], stop: Stop) -> Iterator[Finished]:
        del stop
        return map(run_cell, cells)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The demo's own steps on a smaller city."""
    plan = tmp_path / "small.toml"
    text = demo_study.PLAN.read_text(encoding="utf-8")
    for old, new in (
        ("seeds = 6", "seeds = 2"),
        ("[5, 10, 15]", "[2, 3]"),
        ("num_users = 100", "num_users = 20"),
    ):
        assert old in text
        text = text.replace(old, new)
    plan.write_text(text, encoding="utf-8")
    for module, name, value in (
        (demo_study, "PLAN", plan),
        (demo_study, "backend", HereBackend),
        (demo_city, "NUM_CHANNELS", 3),
        (demo_city, "NUM_PAIRS", 5),
        (demo_city, "NUM_USERS", 90),
        (demo_city, "NUM_SITES", 14),
        (demo, "SWEEP_PAIRS", (2, 4)),
        (demo, "SWEEP_CELLS", 2),
        (demo_policy, "EPISODES", 2),
        (demo_policy, "SLOTS", 3),
    ):
        monkeypatch.setattr(module, name, value)


@pytest.mark.usefixtures("small")
def test_the_demo_leaves_its_files_and_few_lines(
    stackelberg: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "220")
    folder = tmp_path / "new" / "demo"
    ended = stackelberg("demo", "--output", folder)
    assert ended.code == 0
    assert sorted(path.name for path in folder.iterdir()) == [
        "edge-market", "edge-solution", "report.html", "scenario.json", "solution.json",
        "study",
    ]  # fmt: skip
    assert len(ended.out.splitlines()) <= 24
    assert "cell, leader utility, against bilevel: " in ended.out
    assert "Of 3 cellular users below 5 dB:" in ended.out
    assert str(folder / "report.html") in ended.out
    solution = io.read_solution(folder / "solution.json")
    scenario = io.read_scenario(folder / "scenario.json")
    assert len(solution.outcome.channel) == scenario.num_pairs == 5
    page = (folder / "report.html").read_text(encoding="utf-8")
    for part in (
        "Sum rate against number of pairs", "Who is limited by budget", 'id="spectrum"',
        'id="edge"', 'id="policy"', 'id="study"', "A generated city, two games",
    ):  # fmt: skip
        assert part in page


@pytest.mark.usefixtures("small")
def test_both_games_are_of_one_city_and_told_in_json(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    told = stackelberg("demo", "--output", tmp_path, "--seed", 3, "--json").json
    market = io.read_market(told["edge_market"])
    scenario = io.read_scenario(told["scenario"])
    assert market.positions_m is not None
    assert scenario.positions_m is not None
    made = demo_city.city(3)
    site = market.positions_m.nodes[market.nodes.tolist().index(int(made.site))]
    users = {tuple(row) for row in np.round(market.positions_m.users - site, 6)}
    for part in ("cellular", "d2d_transmitter", "d2d_receiver"):
        places = getattr(scenario.positions_m, part)
        assert {tuple(row) for row in np.round(places, 6)} <= users
    answer = io.read_market_solution(told["edge_solution"], market)
    assert answer.capacity_shadow_price is not None
    assert answer.budget_shadow_price is not None
    proof = edge.certify(
        market,
        answer.allocation,
        answer.capacity_shadow_price,
        answer.budget_shadow_price,
    )
    assert proof.holds(demo.EDGE_TOLERANCE)
    (record,) = told["edge_summary"]["resources"]
    assert sum(number for _, number in record["limited"]) == 90
    assert told["policy_summary"]["policies"][0] == "learned"
    assert told["study_summary"]["cells"] == told["study_summary"]["done"] == 52
    assert told["summary"]["title"] == f"Spectrum: the cell of site {made.site}"


def test_the_study_is_the_quick_one_with_fewer_seeds() -> None:
    shown, quick = (read_plan(p) for p in (demo_study.PLAN, PLANS / "quick.toml"))
    differ = {"seeds", "title", "about"}
    assert shown.model_dump(exclude=differ) == quick.model_dump(exclude=differ)
    assert len(shown.seed_list) == 6


@pytest.mark.usefixtures("small")
def test_the_sweep_follows_every_method() -> None:
    steps: list[str] = []
    points = demo.sweep(0, steps.append)
    assert steps == ["2 pairs", "4 pairs"]
    assert [p.method for p in points] == [*METHODS, *METHODS]
    assert [p.num_pairs for p in points] == [2] * 7 + [4] * 7
    for p in points:
        assert p.lowest_bps <= p.sum_rate_bps <= p.highest_bps
        assert p.cells == 2
    alone = [p.sum_rate_bps for p in points if p.method == "no_reuse"]
    assert alone[0] == alone[1]
