from __future__ import annotations

from pathlib import Path

import pytest
from cli.command import CommandLine

from stackelberg import io
from stackelberg.cli import demo
from stackelberg.report.theme import METHODS


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo's own steps on a smaller cell."""
    for name, value in (
        ("NUM_CHANNELS", 3),
        ("NUM_PAIRS", 5),
        ("SWEEP_PAIRS", (2, 4)),
        ("SWEEP_CELLS", 2),
    ):
        monkeypatch.setattr(demo, name, value)


@pytest.mark.usefixtures("small")
def test_the_demo_leaves_its_files_and_ten_lines(
    stackelberg: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    folder = tmp_path / "new" / "demo"
    ended = stackelberg("demo", "--output", folder)
    assert ended.code == 0
    assert sorted(path.name for path in folder.iterdir()) == [
        "report.html", "scenario.json", "solution.json",
    ]  # fmt: skip
    assert len(ended.out.splitlines()) <= 10
    assert "Of 3 cellular users, below 5 dB are" in ended.out
    assert str(folder / "report.html") in ended.out
    solution = io.read_solution(folder / "solution.json")
    scenario = io.read_scenario(folder / "scenario.json")
    assert len(solution.outcome.channel) == scenario.num_pairs == 5
    assert "Sum rate against number of pairs" in (folder / "report.html").read_text(
        encoding="utf-8"
    )


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
