from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from cli.command import CommandLine, assert_refused

from stackelberg import io, spectrum
from stackelberg.cli.spectrum.solve import allocation_line
from stackelberg.report.spectrum.cellular import cellular_records


@pytest.fixture
def cell(tmp_path: Path) -> Path:
    path = tmp_path / "cell.json"
    io.write_scenario(spectrum.generate(seed=3, num_channels=3, num_pairs=5), path)
    return path


def test_an_answer_is_written_and_printed(
    stackelberg: CommandLine,
    cell: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    target = tmp_path / "answer.json"
    ended = stackelberg("spectrum", "solve", cell, "-o", target)
    assert ended.code == 0, ended.err
    assert ended.err == ""
    written = io.read_solution(target)
    expected = spectrum.solve(io.read_scenario(cell))
    assert written.concept == "bilevel"
    assert written.outcome.leader_utility == expected.value.leader_utility
    np.testing.assert_array_equal(written.outcome.channel, expected.value.channel)
    for part in ("bilevel, converged", "bilevel_gap", "follower_regret", str(target)):
        assert part in ended.out
    assert "bit/s" in ended.out
    assert "Of 3 cellular users below 5 dB:" in ended.out
    users = cellular_records(io.read_scenario(cell), expected.value)
    worst = min(users, key=lambda x: x.sinr_db)
    told = f"and {worst.sinr_db:.1f} dB (channel {worst.channel}) at these prices."
    assert told in " ".join(ended.out.split())


@pytest.mark.parametrize("concept", ["bilevel", "iterated", "published"])
def test_json_holds_the_whole_solution(
    stackelberg: CommandLine, cell: Path, concept: str
) -> None:
    ended = stackelberg("spectrum", "solve", cell, "--concept", concept, "--json")
    assert ended.err == ""
    assert ended.json["concept"] == concept
    (record,) = ended.json["solutions"]
    assert record["scenario"] == str(cell)
    assert record["written"] is None
    assert record["solution"]["concept"] == concept
    assert record["solution"]["status"] == "converged"
    assert len(record["solution"]["reuse_price"]) == 5
    assert record["solution"]["certificate"]["follower_regret"] >= 0.0


def test_several_scenarios_are_one_batch_with_the_answers_of_each_alone(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    stackelberg(
        "spectrum", "generate", "-o", tmp_path / "cells", "--count", 3,
        "--channels", 2, "--pairs", 3,
    )  # fmt: skip
    cells = sorted((tmp_path / "cells").iterdir())
    ended = stackelberg("spectrum", "solve", *cells, "-o", tmp_path / "answers")
    assert ended.code == 0
    assert "3 scenarios in one batch" in ended.out
    for path in cells:
        written = io.read_solution(tmp_path / "answers" / f"{path.stem}.solution.json")
        alone = spectrum.solve(io.read_scenario(path))
        assert written.outcome.leader_utility == alone.value.leader_utility


def test_many_scenarios_are_printed_one_a_row(
    stackelberg: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    stackelberg(
        "spectrum", "generate", "-o", tmp_path / "cells", "--count", 9,
        "--channels", 1, "--pairs", 1,
    )  # fmt: skip
    cells = sorted((tmp_path / "cells").iterdir())
    ended = stackelberg("spectrum", "solve", *cells, "--protect", "sinr=-150dB")
    assert ended.code == 0
    rows = [line for line in ended.out.splitlines() if " converged " in line]
    assert [row.split()[0] for row in rows] == [str(path) for path in cells]
    assert ended.out.count("even at full power") == 9
    assert "bilevel_bound" not in ended.out


def test_a_missed_tolerance_ends_with_3_and_is_written(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    cell, target = tmp_path / "crowded.json", tmp_path / "answer.json"
    crowded = spectrum.generate(
        seed=0, num_channels=1, num_pairs=9, follower_price_weight=0.3,
        cell_radius_m=60.0,
    )  # fmt: skip
    io.write_scenario(crowded, cell)
    ended = stackelberg(
        "spectrum", "solve", cell, "-o", target, "--tolerance", 1e-9, "--max-boxes", 3
    )
    assert ended.code == 3
    assert "almost_converged" in ended.out
    written = io.read_solution(target)
    assert written.status.label == "almost_converged"
    gap = written.certificate["bilevel_gap"]
    assert isinstance(gap, float)
    assert gap > 1e-9


def test_equal_names_from_two_folders_are_refused_before_the_work(
    stackelberg: CommandLine, cell: Path, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    twin = tmp_path / "other" / cell.name
    twin.write_text(cell.read_text())
    ended = stackelberg("spectrum", "solve", cell, twin, "-o", tmp_path / "out")
    assert_refused(ended, "SCENARIO: expected files of different names", "cell.json")


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (("--tolerance", "0"), ("--tolerance", "between 0 and 1", "got 0")),
        (("--tolerance", "nan"), ("--tolerance", "between 0 and 1", "got nan")),
        (("--max-boxes", "0"), ("--max-boxes", "from 1 to", "got 0")),
        (("--max-pairs-per-channel", "1"), ("--max-pairs-per-channel", "at least 2")),
        (("--seed", "-1"), ("--seed", ">= 0", "got -1")),
        (("--protect", "5dB"), ("--protect", "sinr=5dB", "'5dB'")),
        (("--protect", "sinr=5"), ("--protect", "sinr=5dB", "'sinr=5'")),
        (("--report", "no/such/r.html"), ("--report", "existing folder")),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, tuple) else None,
)
def test_wrong_options_are_named_as_options(
    stackelberg: CommandLine,
    cell: Path,
    options: tuple[str, ...],
    parts: tuple[str, ...],
) -> None:
    assert_refused(stackelberg("spectrum", "solve", cell, *options), *parts)


def test_a_wrong_key_of_a_file_is_named_with_the_file(
    stackelberg: CommandLine, cell: Path
) -> None:
    members = json.loads(cell.read_text())
    members["gain_d2d"][1][2] = -1.0
    cell.write_text(json.dumps(members))
    ended = stackelberg("spectrum", "solve", cell)
    assert_refused(ended, str(cell), "gain_d2d[1][2]", "> 0", "got -1.0")


def test_a_report_needs_one_scenario(
    stackelberg: CommandLine, cell: Path, tmp_path: Path
) -> None:
    ended = stackelberg(
        "spectrum", "solve", cell, cell, "--report", tmp_path / "r.html"
    )
    assert_refused(ended, "--report: expected one scenario, got 2 scenarios")


def test_what_a_batch_finished_is_on_disk_when_interrupted(
    stackelberg: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stackelberg(
        "spectrum", "generate", "-o", tmp_path / "cells", "--count", 2,
        "--channels", 2, "--pairs", 2,
    )  # fmt: skip
    real, calls = spectrum.solve_batch, []

    def interrupted_later(*arguments: object, **options: object) -> object:
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(spectrum, "solve_batch", interrupted_later)
    module = importlib.import_module("stackelberg.cli.spectrum.solve")
    monkeypatch.setattr(module, "BATCH", 1)
    cells = sorted((tmp_path / "cells").iterdir())
    ended = stackelberg("spectrum", "solve", *cells, "-o", tmp_path / "answers")
    assert ended.code == 130
    assert [p.name for p in (tmp_path / "answers").iterdir()] == [
        "cell-0.solution.json"
    ]


def test_a_report_of_one_solution(
    stackelberg: CommandLine, cell: Path, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    ended = stackelberg(
        "spectrum", "solve", cell, "--concept", "iterated", "--report", page
    )
    assert ended.code == 0
    text = page.read_text(encoding="utf-8")
    assert "This is the iterated concept" in text
    assert "Against other methods" in text


def test_protection_is_in_the_file_and_on_the_page(
    stackelberg: CommandLine, cell: Path, tmp_path: Path
) -> None:
    target, page = tmp_path / "answer.json", tmp_path / "report.html"
    ended = stackelberg(
        "spectrum", "solve", cell, "-o", target, "--report", page,
        "--protect", "sinr=150dB", "--json",
    )  # fmt: skip
    protected = ended.json["solutions"][0]["protection"]
    assert protected["asked_sinr_db"] == pytest.approx(150.0)
    assert protected["found"]["possible"] is False
    assert "at this channel assignment" in protected["lines"][0]
    assert io.read_solution(target).stats["protection"] == protected
    assert protected["lines"][0] in page.read_text(encoding="utf-8")


def test_prices_that_could_fall_are_told_as_such(
    stackelberg: CommandLine, cell: Path
) -> None:
    ended = stackelberg("spectrum", "solve", cell, "--json")
    (solution,) = (record["solution"] for record in ended.json["solutions"])
    found = spectrum.links(
        io.read_scenario(cell), solution["channel"], solution["transmit_power_w"]
    )
    kept_db = float(10.0 * np.log10(found.cellular_sinr.min())) - 1.0
    ended = stackelberg(
        "spectrum", "solve", cell, "--protect", f"sinr={kept_db}dB", "--json"
    )
    protected = ended.json["solutions"][0]["protection"]
    assert protected["found"]["scale"] < 1.0
    assert ("at prices lower by up to" in protected["lines"][0]) or (
        "even at full power" in protected["lines"][0]
    )


def test_the_tolerance_asked_for_is_named(
    stackelberg: CommandLine, cell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    ended = stackelberg("spectrum", "solve", cell, "--tolerance", 0.003)
    assert "The tolerance asked for (0.003) is met" in ended.out
    assert "to solve, certify and write" in ended.out


@pytest.mark.parametrize(
    ("gap", "said"),
    [
        (None, "not computed, too many to try"),
        (0.0, "the best of all such assignments"),
        (0.012, "1.2 % from the best assignment of that kind"),
    ],
)
def test_how_far_an_assignment_is_from_the_best(gap: float | None, said: str) -> None:
    found = SimpleNamespace(
        method="exhaustive", max_pairs_per_channel=3, exhaustive_gap=gap
    )
    assert allocation_line({"allocation": found}).endswith(said)
