from __future__ import annotations

from pathlib import Path

import pytest
from cli.command import CommandLine, assert_refused

SMALL = ("spectrum", "play", "--channels", 2, "--pairs", 2, "--slots", 3)


def test_an_episode_is_told_slot_by_slot(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    film = tmp_path / "film.gif"
    ended = stackelberg(*SMALL, "--seed", 1, "--output", film)
    assert ended.code == 0, ended.err
    assert [f"slot {k}\n" in ended.out for k in range(4)] == [True, True, True, False]
    assert "3 slots, equilibrium: leader's utility" in ended.out
    content = film.read_bytes()
    assert content[:6] == b"GIF89a"
    assert content.count(b"\x21\xf9\x04\x00\x0a\x00") == 3  # a tenth of a second each


def test_the_same_seed_plays_the_same_and_json_is_alone_on_stdout(
    stackelberg: CommandLine,
) -> None:
    once = stackelberg(*SMALL, "--policy", "random", "--json").json
    again = stackelberg(*SMALL, "--policy", "random", "--json").json
    other = stackelberg(*SMALL, "--policy", "full_power", "--json").json
    assert once == again
    assert len(once["slots"]) == 3
    assert once["slots"] != other["slots"]


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (("--pairs", 0), "--pairs: expected"),
        (("--slots", 0), "--slots: expected 1 to 10000, got 0"),
        (("--speed", -1), "--speed: expected 0 to 1000 m/s"),
        (("--pause", 99), "--pause: expected"),
        (("--seed", -1), "--seed: expected"),
        (("-o", "film.mp4"), "-o: expected a file named *.gif"),
        (("-o", "nowhere/film.gif"), "-o: expected a file in an existing folder"),
    ],
)
def test_wrong_options_end_in_one_line(
    stackelberg: CommandLine, options: tuple[object, ...], part: str
) -> None:
    assert_refused(stackelberg(*SMALL, *options), part)
