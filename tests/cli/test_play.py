from __future__ import annotations

import base64
import json
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
    assert "3 slots, lone_prices: leader's utility" in ended.out
    content = film.read_bytes()
    assert content[:6] == b"GIF89a"
    assert content.count(b"\x21\xf9\x04\x00\x0a\x00") == 3  # a tenth of a second each


def test_a_page_shows_every_slot_and_needs_nothing_from_elsewhere(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    page = tmp_path / "film.html"
    ended = stackelberg(*SMALL, "--policy", "greedy_sinr", "--output", page)
    assert ended.code == 0, ended.err
    content = page.read_text()
    film = json.loads(content.split('type="application/json">')[1].split("<")[0])
    assert len(film["pictures"]) == len(film["captions"]) == 3
    for picture in film["pictures"]:
        assert base64.b64decode(picture)[:6] == b"GIF89a"
    assert film["captions"][2].startswith("Slot 2: leader's utility ")
    assert "greedy_sinr, seed 0" in content
    assert "http" not in content
    assert " src=" not in content


def test_a_trained_policy_plays_in_the_environment_of_its_training(
    stackelberg: CommandLine,
) -> None:
    played = stackelberg(*SMALL, "--policy", "shipped", "--json").json
    assert len(played["slots"]) == 3
    assert all(sums["d2d_sum_rate_bps"] > 0.0 for sums in played["slots"])


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
        (("--policy", "wmse"), "--policy: expected one of"),
        (("--policy", "none.policy"), "none.policy: expected"),
        (("-o", "film.mp4"), "-o: expected a file named *.gif or *.html"),
        (("-o", "nowhere/film.gif"), "-o: expected a file in an existing folder"),
    ],
)
def test_wrong_options_end_in_one_line(
    stackelberg: CommandLine, options: tuple[object, ...], part: str
) -> None:
    assert_refused(stackelberg(*SMALL, *options), part)


def test_a_film_never_replaces_the_policy_that_plays(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.html"
    policy.write_text("{}")
    ended = stackelberg(*SMALL, "--policy", policy, "-o", tmp_path / "." / policy.name)
    assert_refused(ended, "-o", "which is an input")
    assert policy.read_text() == "{}"
