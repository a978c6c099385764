from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cli.command import CommandLine, assert_refused

from stackelberg import io, spectrum
from stackelberg.report.theme import METHODS


@pytest.fixture
def cell(tmp_path: Path) -> Path:
    path = tmp_path / "cell.json"
    io.write_scenario(spectrum.generate(seed=4, num_channels=3, num_pairs=5), path)
    return path


def test_every_method_on_the_same_channels(
    stackelberg: CommandLine, cell: Path
) -> None:
    ended = stackelberg("spectrum", "compare", cell, "--json")
    assert ended.code == 0
    methods = {m["method"]: m for m in ended.json["methods"]}
    assert list(methods) == list(METHODS)
    best = methods["bilevel"]
    limit = best["leader_utility_bps"] * (1.0 + best["bilevel_gap"]) * (1.0 + 1e-12)
    for name, m in methods.items():
        assert m["leader_utility_bps"] <= limit, name
        assert m["seconds"] >= 0.0
        low = sum(sinr < 5.0 for sinr in m["cellular_sinr_db"])
        assert m["users_below_5_db"] == low
    nobody = methods["no_reuse"]
    assert nobody["cellular_rate_lost"] == 0.0
    assert nobody["d2d_sinr_db"] == []
    assert nobody["bilevel_gap"] is None
    for m in methods.values():
        lost = m["sum_rate_bps"] - nobody["sum_rate_bps"]
        assert lost >= -1e-6 * nobody["sum_rate_bps"]


def test_the_table_fits_a_narrow_terminal(
    stackelberg: CommandLine, cell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    ended = stackelberg("spectrum", "compare", cell)
    for style in METHODS.values():
        assert style.label in ended.out
    heading = " ".join(ended.out.splitlines()[:3]).split()
    assert {"follower", "utility", "below", "5", "dB", "worst"} <= set(heading)
    assert max(len(line) for line in ended.out.splitlines()) <= 80
    (row,) = (line for line in ended.out.splitlines() if line.startswith("bilevel"))
    answer = spectrum.solve(io.read_scenario(cell)).value
    heard = spectrum.links(
        io.read_scenario(cell), answer.channel, answer.transmit_power_w
    ).cellular_sinr
    assert f" {10.0 * np.log10(heard.min()):.1f} " in row


def test_a_trained_policy_beside_the_concepts(
    stackelberg: CommandLine, cell: Path, tmp_path: Path
) -> None:
    page = tmp_path / "r.html"
    ended = stackelberg(
        *("spectrum", "compare", cell, "--json", "--report", page),
        *("--policy", "shipped"),
    )
    assert ended.code == 0, ended.err
    methods = {m["method"]: m for m in ended.json["methods"]}
    assert list(methods) == [*METHODS, "learned"]
    learned, best = methods["learned"], methods["bilevel"]
    silent = methods["no_reuse"]["leader_utility_bps"]
    worth = best["leader_utility_bps"] - silent
    assert 0.5 * worth < learned["leader_utility_bps"] - silent
    assert learned["leader_utility_bps"] <= best["leader_utility_bps"] * 1.01
    assert 0.0 <= learned["follower_regret"] < 0.1
    assert learned["seconds"] > 0.0
    assert page.exists()
    nothing = stackelberg("spectrum", "compare", cell, "--policy", cell)
    assert_refused(nothing, str(cell), "a trained policy")


def test_report_and_figures(
    stackelberg: CommandLine, cell: Path, tmp_path: Path
) -> None:
    page, folder = tmp_path / "r.html", tmp_path / "figures"
    ended = stackelberg(
        "spectrum", "compare", cell, "--report", page, "--figures", folder
    )
    assert ended.code == 0
    text = page.read_text(encoding="utf-8")
    assert "Spectrum game: cell.json" in text
    names = {path.name for path in folder.iterdir()}
    assert {"map.svg", "map.pdf", "sinr.svg", "utility.pdf"} <= names
    assert "sum-rate.svg" not in names


def test_a_cap_without_room(stackelberg: CommandLine, cell: Path) -> None:
    ended = stackelberg("spectrum", "compare", cell, "--max-pairs-per-channel", 1)
    assert_refused(ended, "--max-pairs-per-channel: expected at least 2", "got 1")


def test_the_comparison_tells_what_the_equilibrium_looks_like(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    path = tmp_path / "cell.json"
    io.write_scenario(spectrum.generate(seed=3, num_channels=3, num_pairs=5), path)
    ended = stackelberg("spectrum", "compare", path, "--json")
    assert ended.code == 0, ended.err
    told = " ".join(ended.json["story"])
    for part in ("least power", "price", "1 dB", "per channel"):
        assert part in told, told


def test_no_input_is_replaced_by_the_report(
    stackelberg: CommandLine, cell: Path, tmp_path: Path
) -> None:
    before = cell.read_bytes()
    ended = stackelberg("spectrum", "compare", cell, "--report", cell)
    assert_refused(ended, "--report", "which is an input")
    assert cell.read_bytes() == before
    policy = tmp_path / "mine.policy"
    policy.write_text("{}")
    ended = stackelberg(
        "spectrum", "compare", cell, "--policy", policy, "--report", policy
    )
    assert_refused(ended, "--report", "which is an input")
