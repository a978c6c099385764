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


PLACES = """\
role,x_m,y_m,receiver_x_m,receiver_y_m,name
base_station,100,50,,,tower
cellular,300,50,,,anna
cellular,100,-250.5,,,bob
pair,180,120,190,130,p0
pair,20,-10,20,15,p1
pair,310,60,330,60,p2
"""


def test_places_of_ones_own(stackelberg: CommandLine, tmp_path: Path) -> None:
    places, path = tmp_path / "places.csv", tmp_path / "cell.json"
    places.write_text(PLACES)
    ended = stackelberg(
        "spectrum", "generate", "--places", places, "-o", path, "--seed", 3,
        "--min-power-dbm", 5, "--fixed-prices", 1e10, 1e14, "--random-channels",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert "2 channels, 3 pairs" in ended.out
    where = spectrum.Positions(
        base_station=np.array([100.0, 50.0]),
        cellular=np.array([[300.0, 50.0], [100.0, -250.5]]),
        d2d_transmitter=np.array([[180.0, 120.0], [20.0, -10.0], [310.0, 60.0]]),
        d2d_receiver=np.array([[190.0, 130.0], [20.0, 15.0], [330.0, 60.0]]),
    )
    bounds = spectrum.FixedPriceBounds(np.full(3, 1e10), np.full(3, 1e14))
    radio = spectrum.RadioModel(min_power_dbm=5.0, price_bounds=bounds)
    io.write_scenario(
        spectrum.from_positions(where, seed=3, radio=radio, channel="random"),
        tmp_path / "expected.json",
    )
    assert path.read_bytes() == (tmp_path / "expected.json").read_bytes()


def test_without_a_base_station_it_stands_at_the_origin(tmp_path: Path) -> None:
    places = tmp_path / "places.csv"
    places.write_text(PLACES.replace("base_station,100,50,,,tower\n", ""))
    assert io.read_places(places).base_station.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("cellular,300", "celular,300", ("role, row 2", "'celular'", "did you mean")),
        ("pair,180,120", "pair,,120", ("x_m, row 4", "a number of m")),
        ("pair,180,120", "pair,180,east", ("y_m, row 4", "'east'")),
        ("190,130", "190,inf", ("receiver_y_m, row 4", "'inf'")),
        ("190,130", ",130", ("receiver_x_m, row 4", "nothing")),
        ("300,50,,", "300,50,1,", ("receiver_x_m, row 2", "but for a pair")),
        ("cellular,300,50", "base_station,300,50", ("row 2", "one base station")),
        ("receiver_y_m", "receiver_y", ("receiver_y_m", "in the header")),
        ("cellular", "pair", ("receiver_x_m, row 2",)),
        ("cellular,300", "cellular,3_00", ("x_m, row 2", "'3_00'")),
        ("cellular,300", "cellular,3e8", ("x_m, row 2", "at most 1e+06")),
    ],
)
def test_broken_places(
    stackelberg: CommandLine, tmp_path: Path, old: str, new: str, parts: tuple[str, ...]
) -> None:
    places, path = tmp_path / "places.csv", tmp_path / "cell.json"
    places.write_text(PLACES.replace(old, new))
    ended = stackelberg("spectrum", "generate", "--places", places, "-o", path)
    assert_refused(ended, "places.csv", *parts)
    assert not path.exists()


def test_places_without_a_cellular_user_have_no_channel(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    places = tmp_path / "places.csv"
    places.write_text("role,x_m,y_m,receiver_x_m,receiver_y_m\npair,1,2,3,4\n")
    ended = stackelberg("spectrum", "generate", "--places", places, "-o", "c.json")
    assert_refused(ended, "places.csv", "a row 'cellular' for each channel")


def test_places_leave_no_number_of_pairs_to_ask_for(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    places = tmp_path / "places.csv"
    places.write_text(PLACES)
    ended = stackelberg(
        "spectrum", "generate", "--places", places, "--pairs", 4, "-o", "c.json"
    )
    assert_refused(ended, "--pairs", "not beside --places")


def test_places_are_not_written_over(stackelberg: CommandLine, tmp_path: Path) -> None:
    places = tmp_path / "cell-0.json"
    places.write_text(PLACES)
    for options in (("-o", places), ("-o", tmp_path, "--count", 2)):
        ended = stackelberg("spectrum", "generate", "--places", places, *options)
        assert_refused(ended, "-o", "which is an input")
    assert places.read_text() == PLACES
