"""`stackelberg learn tabular`: honest endings, examples, JSON, report, refusals."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cli.command import CommandLine, assert_refused

from stackelberg.io import read_tabular_game, write_tabular_game
from stackelberg.learning import cycle_game, iterate_values, learn_stq, random_game
from stackelberg.learning.tabular.stq import StqSettings
from stackelberg.report import render_page, tabular_report_data


@pytest.fixture
def cycle(tmp_path: Path) -> Path:
    write_tabular_game(cycle_game(), tmp_path / "cycle.json")
    return tmp_path / "cycle.json"


def test_the_cycle_game_ends_with_three_and_says_why(
    stackelberg: CommandLine, cycle: Path
) -> None:
    ended = stackelberg("learn", "tabular", cycle, "--steps", 50_000)
    assert ended.code == 3
    assert "repeats itself every 2 sweeps" in ended.out
    assert "cycles, every 2 sweeps" in ended.out
    assert ended.out.count("not converged") == 1  # ST-Q, which no cycle is found of
    assert "4.5" in ended.out


def test_a_team_is_learnt(stackelberg: CommandLine, tmp_path: Path) -> None:
    game = tmp_path / "team.json"
    assert stackelberg("learn", "tabular", "--example", "team", "-o", game).code == 0
    ended = stackelberg(
        "learn", "tabular", game, "--steps", 200_000, "--seed", 1, "--json"
    )
    assert ended.code == 0
    told = ended.json
    assert told["exact"]["status"] == told["learnt"]["status"] == "converged"
    assert told["exact"]["leader_action"] == told["learnt"]["leader_action"]
    assert told["learnt"]["certificate"]["relative_residual"] < 0.05
    assert told["learnt"]["history"][-1]["step"] == 200_000
    again = stackelberg(
        "learn", "tabular", game, "--steps", 200_000, "--seed", 1, "--json"
    ).json
    assert again["learnt"] == told["learnt"]


@pytest.mark.parametrize("example", ["exogenous", "myopic", "zero-sum", "general"])
def test_examples_are_those_of_the_library(
    stackelberg: CommandLine, tmp_path: Path, example: Any
) -> None:
    path = tmp_path / "game.json"
    ended = stackelberg(
        "learn", "tabular", "--example", example, "--seed", 3, "-o", path, "--json"
    )
    assert ended.json["written"] == str(path)
    wanted = random_game(example, seed=3)
    assert read_tabular_game(path).reward.tolist() == wanted.reward.tolist()


def test_the_report_holds_both_curves(
    stackelberg: CommandLine, cycle: Path, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    code = stackelberg(
        "learn", "tabular", cycle, "--steps", 2000, "--report", page
    ).code
    assert code == 3
    text = page.read_text(encoding="utf-8")
    numbers = re.search(r'id="tabular-report-data">(.*?)</script>', text)
    assert numbers
    told = json.loads(numbers[1])
    assert [row["residual"] for row in told["sweeps"]][-2:] == [4.5, 4.5]
    assert told["steps"][-1]["at"] == 2000
    for name in ("exact-residual", "learnt-residual", "policy-flips"):
        assert f'<figure id="figure-{name}">' in text
    assert "not converged" in text


def test_the_report_draws_what_was_recorded() -> None:
    game = cycle_game()
    exact = iterate_values(game)
    learnt = learn_stq(game, settings=StqSettings(steps=500))
    data = tabular_report_data(game, exact, learnt, title="cycle")
    history: Any = learnt.stats["history"]
    assert [row.at for row in data.steps] == [row.step for row in history]
    assert data.states[0].state == "open"
    assert len(data.states) == 1  # the terminal state plays nothing
    assert "cycle" in render_page(data)


def test_wrong_arguments_are_refused(
    stackelberg: CommandLine, cycle: Path, tmp_path: Path
) -> None:
    def tried(*arguments: object) -> Any:
        return stackelberg("learn", "tabular", *arguments)

    assert_refused(tried(), "GAME: expected a tabular game, got nothing")
    assert_refused(tried("--example", "cycle"), "-o: expected a file for --example")
    assert_refused(tried(cycle, "-o", tmp_path / "x"), "-o: expected --example")
    assert_refused(tried(cycle, "--example", "team", "-o", tmp_path / "x"), "GAME")
    assert_refused(tried(cycle, "--steps", 0), "--steps: expected at least 1, got 0")
    assert_refused(tried(cycle, "--exponent", 0.5), "--exponent")
    assert_refused(tried(cycle, "--seed", -1), "--seed")
    assert_refused(tried(cycle, "--tolerance", 0), "--tolerance")
    assert_refused(tried(cycle, "--choice", "best"), "best")
    assert_refused(tried(cycle, "--report", cycle), "--report", "an input")
    assert_refused(tried(tmp_path / "none.json"), "none.json", "a tabular game")
    cycle.write_text('{"format": 1}')
    assert_refused(tried(cycle), "cycle.json: format: expected")
