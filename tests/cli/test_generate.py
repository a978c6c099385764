from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cli.command import CommandLine, assert_refused

from stackelberg import io, spectrum


def test_options_reach_the_generator(stackelberg: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "cell.json"
    ended = stackelberg(
        "spectrum", "generate", "-o", path, "--seed", 7, "--channels", 4, "--pairs", 6,
        "--radius", 300, "--d2d-distance", 5, 20, "--follower-price-weight", 0.1,
        "--min-power-w", 0, "--no-fading", "--random-channels",
    )  # fmt: skip
    assert ended.code == 0
    expected = spectrum.generate(
        seed=7, num_channels=4, num_pairs=6, cell_radius_m=300.0,
        d2d_distance_m=(5.0, 20.0), follower_price_weight=0.1, min_power_w=0.0,
        fading=False, channel="random",
    )  # fmt: skip
    read = io.read_scenario(path)
    assert read.channel is not None
    np.testing.assert_array_equal(read.channel, expected.channel)
    np.testing.assert_array_equal(read.gain_d2d_to_d2d, expected.gain_d2d_to_d2d)
    assert read.min_power_w == 0.0
    assert read.follower_price_weight == 0.1


def test_fixed_prices(stackelberg: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "cell.json"
    stackelberg(
        "spectrum", "generate", "-o", path, "--pairs", 3, "--fixed-prices", 1e10, 1e14
    )
    bounds = io.read_scenario(path).price_bounds
    assert isinstance(bounds, spectrum.FixedPriceBounds)
    assert bounds.min.tolist() == [1e10] * 3
    assert bounds.max.tolist() == [1e14] * 3


def test_several_cells_have_seeds_of_their_own(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    folder = tmp_path / "cells"
    ended = stackelberg(
        "spectrum", "generate", "-o", folder, "--count", 3, "--seed", 9,
        "--channels", 2, "--pairs", 2, "--json",
    )  # fmt: skip
    names = ["cell-09.json", "cell-10.json", "cell-11.json"]
    assert ended.json == {"scenarios": [str(folder / name) for name in names]}
    assert sorted(path.name for path in folder.iterdir()) == names
    second = spectrum.generate(seed=10, num_channels=2, num_pairs=2)
    read = io.read_scenario(folder / "cell-10.json")
    np.testing.assert_array_equal(read.gain_d2d, second.gain_d2d)


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (("--channels", "0"), ("--channels", ">= 1", "got 0")),
        (("--pairs", "-1"), ("--pairs", ">= 0", "got -1")),
        (("--seed", "-2"), ("--seed", ">= 0", "got -2")),
        (("--count", "0"), ("--count", ">= 1", "got 0")),
        (("--radius", "nan"), ("--radius", "finite", "got nan")),
        (("--d2d-distance", "30", "10"), ("--d2d-distance[1]", ">= 30", "got 10")),
        (("--max-power-dbm", "-10"), ("--max-power-dbm", "got -10")),
        (("--fixed-prices", "5", "2"), ("price_bounds", "got 2")),
        (("--path-loss", "simpel"), ("--path-loss", "simpel")),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, tuple) else None,
)
def test_wrong_options_are_named_as_options(
    stackelberg: CommandLine,
    tmp_path: Path,
    options: tuple[str, ...],
    parts: tuple[str, ...],
) -> None:
    ended = stackelberg("spectrum", "generate", "-o", tmp_path / "x", *options)
    assert_refused(ended, *parts)


def test_the_folder_must_exist(stackelberg: CommandLine, tmp_path: Path) -> None:
    ended = stackelberg("spectrum", "generate", "-o", tmp_path / "no" / "cell.json")
    assert_refused(ended, "-o: expected a file in an existing folder")
