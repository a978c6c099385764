from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli.command import CommandLine, assert_refused

from stackelberg import io, spectrum


@pytest.fixture
def solved(tmp_path: Path) -> tuple[Path, Path]:
    cell, answer = tmp_path / "cell.json", tmp_path / "answer.json"
    scenario = spectrum.generate(seed=5, num_channels=3, num_pairs=4)
    io.write_scenario(scenario, cell)
    io.write_solution(spectrum.solve(scenario), answer)
    return cell, answer


def test_a_solution_holds(stackelberg: CommandLine, solved: tuple[Path, Path]) -> None:
    ended = stackelberg("spectrum", "certify", *solved)
    assert ended.code == 0
    assert "as bilevel, at tolerance 0.0001: holds" in ended.out
    assert "bilevel_bound" in ended.out


def raise_powers(members: dict[str, Any]) -> None:
    members["transmit_power_w"] = [1.5 * p for p in members["transmit_power_w"]]


def lower_a_price(members: dict[str, Any]) -> None:
    members["reuse_price"][0] *= 0.9


def claim_more(members: dict[str, Any]) -> None:
    members["leader_utility"] *= 1.001


@pytest.mark.parametrize("spoil", [raise_powers, lower_a_price, claim_more])
def test_what_the_file_says_of_itself_is_not_believed(
    stackelberg: CommandLine,
    solved: tuple[Path, Path],
    spoil: Callable[[dict[str, Any]], None],
) -> None:
    members = json.loads(solved[1].read_text())
    spoil(members)
    solved[1].write_text(json.dumps(members))
    ended = stackelberg("spectrum", "certify", *solved, "--json")
    assert ended.code == 3
    assert ended.json["holds"] is False


def test_a_solution_of_another_cell_is_refused(
    stackelberg: CommandLine, solved: tuple[Path, Path], tmp_path: Path
) -> None:
    other = tmp_path / "other.json"
    io.write_scenario(spectrum.generate(seed=5, num_channels=3, num_pairs=7), other)
    ended = stackelberg("spectrum", "certify", other, solved[1])
    assert_refused(ended, "answer.json: channel: expected 7 entries", "got 4")


def test_an_unknown_concept_is_refused(
    stackelberg: CommandLine, solved: tuple[Path, Path]
) -> None:
    text = solved[1].read_text().replace('"bilevel"', '"bilevle"', 1)
    solved[1].write_text(text)
    ended = stackelberg("spectrum", "certify", *solved)
    assert_refused(ended, "answer.json: concept", "did you mean 'bilevel'", "'bilevle'")


def only(path: Path, *keys: str) -> dict[str, Any]:
    """Leave no more than `keys` of a solution file."""
    members = json.loads(path.read_text())
    path.write_text(json.dumps({key: members[key] for key in keys}))
    return members


@pytest.mark.parametrize("powers", [(), ("transmit_power_w",)], ids=["none", "given"])
def test_channels_and_prices_are_enough(
    stackelberg: CommandLine, solved: tuple[Path, Path], powers: tuple[str, ...]
) -> None:
    full = only(solved[1], "channel", "reuse_price", *powers)
    ended = stackelberg("spectrum", "certify", *solved, "--json")
    assert ended.code == 0, ended.err
    assert ended.json["holds"] is True
    assert ended.json["utilities_stated"] is False
    assert ended.json["certificate"]["utility_error"] is None
    assert ended.json["leader_utility"] == pytest.approx(full["leader_utility"])
    assert ended.json["transmit_power_w"] == pytest.approx(full["transmit_power_w"])
    told = stackelberg("spectrum", "certify", *solved).out
    assert "not stated" in told
    assert ("the followers' equilibrium" in told) == (not powers)


def test_poor_prices_alone_do_not_hold(
    stackelberg: CommandLine, solved: tuple[Path, Path]
) -> None:
    members = only(solved[1], "channel", "reuse_price")
    prices = [0.5 * price for price in members["reuse_price"]]
    solved[1].write_text(
        json.dumps({"channel": members["channel"], "reuse_price": prices})
    )
    assert stackelberg("spectrum", "certify", *solved).code == 3


@pytest.mark.parametrize(
    ("keys", "missing"),
    [
        (("channel",), "reuse_price"),
        (("reuse_price", "transmit_power_w"), "channel"),
        (("format", "channel", "reuse_price", "leader_utility"), "concept"),
    ],
)
def test_what_else_is_missing_is_named(
    stackelberg: CommandLine,
    solved: tuple[Path, Path],
    keys: tuple[str, ...],
    missing: str,
) -> None:
    only(solved[1], *keys)
    ended = stackelberg("spectrum", "certify", *solved)
    assert_refused(ended, "answer.json", missing)


def test_a_short_list_of_prices_is_refused(
    stackelberg: CommandLine, solved: tuple[Path, Path]
) -> None:
    solved[1].write_text(json.dumps({"channel": [0, 1], "reuse_price": [1.0]}))
    ended = stackelberg("spectrum", "certify", *solved)
    assert_refused(ended, "answer.json: reuse_price: expected 2 numbers", "got 1")
    solved[1].write_text(json.dumps({"channel": [0], "reuse_price": [1.0]}))
    ended = stackelberg("spectrum", "certify", *solved)
    assert_refused(ended, "answer.json: channel: expected 4 entries", "got 1")


def test_what_the_file_claims_and_what_is_true(
    stackelberg: CommandLine, solved: tuple[Path, Path]
) -> None:
    honest = stackelberg("spectrum", "certify", *solved)
    assert "borne out" not in honest.out
    members = json.loads(solved[1].read_text())
    lower_a_price(members)
    members["leader_utility"] *= 2.0
    members["d2d_rate_bps"][1] *= 1.5
    members["certificate"] |= {"bilevel_gap": 0.0, "spectral_radius": 99.0}
    members["certificate"] |= {"p_matrix": "yes", "price_violation": True}
    solved[1].write_text(json.dumps(members))
    claims = stackelberg("spectrum", "certify", *solved, "--json").json["not_borne_out"]
    stated = {one["name"]: one["stated"] for one in claims}
    assert stated["leader_utility"] == members["leader_utility"]
    assert stated["d2d_rate_bps of pair 1"] == members["d2d_rate_bps"][1]
    assert stated["bilevel_gap"] == 0.0
    assert stated["spectral_radius"] == 99.0
    assert "price_violation" not in stated
    told = stackelberg("spectrum", "certify", *solved)
    assert told.code == 3
    assert "what the file claims is not borne out:\n  leader_utility: " in told.out
    assert "  status: converged, found not to hold at tolerance 0.0001" in told.out
