from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from cli.command import CommandLine, assert_refused

from stackelberg import io, spectrum
from stackelberg.units import from_db, to_db


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("solved")
    scenario = spectrum.generate(
        seed=2, num_channels=2, num_pairs=4, follower_price_weight=0.3
    )
    io.write_scenario(scenario, folder / "cell.json")
    io.write_solution(spectrum.solve(scenario), folder / "answer.json")
    return folder / "cell.json", folder / "answer.json"


def test_a_pair_is_explained_in_words(
    stackelberg: CommandLine, solved: tuple[Path, Path]
) -> None:
    ended = stackelberg("spectrum", "explain", *solved, "--pair", 3)
    answer = io.read_solution(solved[1]).outcome
    assert ended.code == 0
    assert f"pair 3 on channel {answer.channel[3]}, bilevel" in ended.out
    for part in ("limited by", "price box", "pays", "of B", "over noise", "1 dB more"):
        assert part in ended.out
    others = [k for k in np.flatnonzero(answer.channel == answer.channel[3]) if k != 3]
    assert all(f"pair {k} " in ended.out for k in others)


def test_without_a_solution_the_concept_is_solved(
    stackelberg: CommandLine, solved: tuple[Path, Path]
) -> None:
    with_file = stackelberg("spectrum", "explain", *solved, "--pair", 1, "--json")
    without = stackelberg("spectrum", "explain", solved[0], "--pair", 1, "--json")
    assert without.json["pair"] == with_file.json["pair"]
    assert without.json["concept"] == "bilevel"
    assert without.json["pair"]["one_db_more"]["own_utility"] <= 0.0


@pytest.mark.parametrize("pair", [-1, 4])
def test_a_pair_that_is_not_there(
    stackelberg: CommandLine, solved: tuple[Path, Path], pair: int
) -> None:
    ended = stackelberg("spectrum", "explain", *solved, "--pair", pair)
    assert_refused(ended, "--pair: expected a number from 0 to 3", f"got {pair}")


def test_protecting_an_sinr_that_can_be_kept(
    stackelberg: CommandLine, solved: tuple[Path, Path]
) -> None:
    scenario, answer = io.read_scenario(solved[0]), io.read_solution(solved[1]).outcome
    quiet = spectrum.links(
        scenario, answer.channel, np.full(4, scenario.min_power_w)
    ).cellular_sinr
    asked = float(to_db(quiet.min())) - 0.05
    ended = stackelberg(
        "spectrum", "explain", *solved, "--pair", 0, "--protect", f"sinr={asked}dB",
        "--json",
    )  # fmt: skip
    found = ended.json["protection"]["found"]
    assert found["possible"] is True
    assert min(found["cellular_sinr"]) >= from_db(asked) * (1.0 - 1e-9)
    assert ended.json["protection"]["asked_sinr_db"] == pytest.approx(asked)
    assert "every cellular user keeps" in ended.json["protection"]["lines"][0]


def _unwrapped(text: str) -> str:
    return " ".join(text.split())


def test_protecting_an_sinr_that_cannot_be_kept(
    stackelberg: CommandLine, solved: tuple[Path, Path]
) -> None:
    ended = stackelberg(
        "spectrum", "explain", *solved, "--pair", 0, "--protect", "sinr=150 dB"
    )
    assert ended.code == 0
    assert "no prices keep 150 dB for every cellular user" in ended.out
    assert "without any pair it is missed on channel 0, 1" in ended.out
    told = re.search(r"can leave every user is (-?[\d.]+) dB", _unwrapped(ended.out))
    assert told is not None
    kept = stackelberg(
        "spectrum", "explain", *solved, "--pair", 0, "--protect", f"sinr={told[1]}dB"
    )
    assert "every cellular user keeps" in _unwrapped(kept.out)
    more = float(told[1]) + 0.02
    lost = stackelberg(
        "spectrum", "explain", *solved, "--pair", 0, "--protect", f"sinr={more}dB"
    )
    assert "no prices keep" in _unwrapped(lost.out)


def test_full_power_may_be_harmless(
    stackelberg: CommandLine, solved: tuple[Path, Path]
) -> None:
    ended = stackelberg(
        "spectrum", "solve", solved[0], "--protect", "sinr=-150dB", "--json"
    )
    (record,) = ended.json["solutions"]
    assert record["protection"]["lines"] == [
        "every cellular user keeps -150 dB even at full power of all pairs"
    ]
