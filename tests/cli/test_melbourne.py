"""Real sites and users, from the published files to a certified report.

The pages are kept under `out/melbourne` so that a run of the tests leaves them to look
at; `out/` is not committed.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.command import CommandLine

from stackelberg import io, spectrum

OUT = Path(__file__).parents[2] / "out" / "melbourne"


@pytest.mark.realdata
def test_a_real_cell_is_solved_certified_and_shown(
    stackelberg: CommandLine, shared_data: Path
) -> None:
    folder = shared_data / "eua-melbourne"
    cell, answer, page = OUT / "cell.json", OUT / "solution.json", OUT / "report.html"
    OUT.mkdir(parents=True, exist_ok=True)
    imported = stackelberg(
        "spectrum", "import",
        "--sites", folder / "site-optus-melbCBD.csv",
        "--users", folder / "users-melbcbd-generated.csv",
        "--site", "10003027", "--radius", 500, "--channels", 25, "--pairs", 50,
        "--seed", 0, "-o", cell,
    )  # fmt: skip
    assert imported.code == 0, imported.err
    solved = stackelberg("spectrum", "solve", cell, "-o", answer, "--report", page)
    assert solved.code == 0, solved.err
    assert "bilevel_gap" in solved.out
    scenario, written = io.read_scenario(cell), io.read_solution(answer)
    assert (scenario.num_channels, scenario.num_pairs) == (25, 50)
    proof = spectrum.certify(scenario, written.outcome)
    assert proof.follower_regret_relative <= 1e-9
    assert proof.bilevel_gap <= 1e-4
    assert proof.holds(1e-4)
    text = page.read_text(encoding="utf-8")
    assert "<svg" in text or "vegaEmbed" in text
    assert stackelberg("spectrum", "certify", cell, answer).code == 0
