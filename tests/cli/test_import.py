from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cli.command import CommandLine, assert_refused

from stackelberg import io
from stackelberg.cli.spectrum.sites import file_name


@pytest.fixture
def tables(tmp_path: Path) -> tuple[Path, Path]:
    """Two sites three kilometres apart, users around the first."""
    random = np.random.default_rng(0)
    sites, users = tmp_path / "sites.csv", tmp_path / "users.csv"
    sites.write_text(
        "SITE_ID,LATITUDE,LONGITUDE,NAME\na/1,-37.81,144.96,x\nfar,-37.84,144.96,y\n"
    )
    places = np.array([-37.81, 144.96]) + random.uniform(-0.002, 0.002, (80, 2))
    users.write_text(
        "Latitude,Longitude\n" + "".join(f"{a:.7f},{b:.7f}\n" for a, b in places)
    )
    return sites, users


def arguments(tables: tuple[Path, Path]) -> list[object]:
    return ["--sites", tables[0], "--users", tables[1], "--channels", 4, "--pairs", 6]


def test_one_site(
    stackelberg: CommandLine, tables: tuple[Path, Path], tmp_path: Path
) -> None:
    target = tmp_path / "cell.json"
    ended = stackelberg(
        "spectrum", "import", *arguments(tables), "--site", "a/1", "-o", target,
        "--seed", 3,
    )  # fmt: skip
    assert ended.code == 0
    expected = io.import_eua(*tables, site="a/1", num_channels=4, num_pairs=6, seed=3)
    read = io.read_scenario(target)
    np.testing.assert_array_equal(read.gain_d2d_to_d2d, expected.gain_d2d_to_d2d)


def test_every_site(
    stackelberg: CommandLine, tables: tuple[Path, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "cells"
    ended = stackelberg(
        "spectrum", "import", *arguments(tables), "--all-sites", "-o", folder, "--json"
    )
    assert ended.json["scenarios"] == [str(folder / "site-a%2F1.json")]
    assert list(ended.json["refused"]) == ["far"]
    assert "got 0" in ended.json["refused"]["far"]
    assert io.read_scenario(folder / "site-a%2F1.json").num_pairs == 6


def test_file_names_of_different_sites_differ() -> None:
    names = [file_name(site) for site in ("a/1", "a_1", "a%2F1", "a 1")]
    assert len(set(names)) == 4
    assert not any("/" in name for name in names)


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ((), ("--site: expected either --site ID or --all-sites, got neither",)),
        (("--site", "a/1", "--all-sites"), ("got both",)),
        (("--site", "b/1"), ("--site: expected a SITE_ID", "did you mean 'a/1'")),
        (("--site", "far"), ("site far", "got 0")),
        (("--site", "a/1", "--radius", "-5"), ("--radius", "got -5")),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, tuple) else None,
)
def test_wrong_arguments(
    stackelberg: CommandLine,
    tables: tuple[Path, Path],
    tmp_path: Path,
    options: tuple[str, ...],
    parts: tuple[str, ...],
) -> None:
    command = ("spectrum", "import", *arguments(tables), "-o", tmp_path / "out")
    assert_refused(stackelberg(*command, *options), *parts)


@pytest.mark.realdata
def test_melbourne_is_solved_to_a_printed_gap(
    stackelberg: CommandLine, shared_data: Path, tmp_path: Path
) -> None:
    folder = shared_data / "eua-melbourne"
    cell = tmp_path / "melbourne.json"
    imported = stackelberg(
        "spectrum", "import",
        "--sites", folder / "site-optus-melbCBD.csv",
        "--users", folder / "users-melbcbd-generated.csv",
        "--site", "10003027", "--radius", 500, "--channels", 25, "--pairs", 50,
        "-o", cell,
    )  # fmt: skip
    assert imported.code == 0, imported.err
    ended = stackelberg("spectrum", "solve", cell, "--json")
    assert ended.code == 0
    certificate = ended.json["solutions"][0]["solution"]["certificate"]
    assert certificate["follower_regret_relative"] <= 1e-9
    assert certificate["bilevel_gap"] <= 1e-4
