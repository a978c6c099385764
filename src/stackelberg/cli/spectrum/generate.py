"""`stackelberg spectrum generate`: random cells, reproducible in every bit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from stackelberg.cli import output as terminal
from stackelberg.cli.arguments import (
    existing_folder,
    file_in_existing_folder,
    folder_that_can_be_made,
    options_named,
    refuse_overwriting,
)
from stackelberg.cli.options import AsJson, Seed
from stackelberg.errors import ConfigError, DomainError

if TYPE_CHECKING:
    from stackelberg.spectrum import Positions, Scenario

_OPTIONS = {
    "seed": "--seed",
    "num_channels": "--channels",
    "num_pairs": "--pairs",
    "cell_radius_m": "--radius",
    "d2d_distance_m": "--d2d-distance",
    "bandwidth_hz": "--bandwidth-hz",
    "cellular_power_dbm": "--cellular-power-dbm",
    "min_power_dbm": "--min-power-dbm",
    "max_power_dbm": "--max-power-dbm",
    "min_power_w": "--min-power-w",
    "follower_price_weight": "--follower-price-weight",
    "leader_revenue_weight": "--leader-revenue-weight",
    "price_bounds": "--fixed-prices",
    "base_station_shadowing_std_db": "--base-station-shadowing-db",
    "device_shadowing_std_db": "--device-shadowing-db",
}
"""Argument of `spectrum.generate` -> option here, for errors."""


def generate(
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", help="Scenario file; a folder where --count is given."
        ),
    ],
    seed: Seed = 0,
    count: Annotated[
        int | None,
        typer.Option(help="So many cells, with seeds --seed, --seed + 1, ..."),
    ] = None,
    channels: Annotated[
        int | None, typer.Option(help="One cellular user each; 25 by default.")
    ] = None,
    pairs: Annotated[int | None, typer.Option(help="D2D pairs; 25 by default.")] = None,
    radius: Annotated[
        float | None, typer.Option(help="Radius of the cell, m; 500 by default.")
    ] = None,
    d2d_distance: Annotated[
        tuple[float, float] | None,
        typer.Option(
            help="Least and greatest distance within a pair, m; 10 50 by default."
        ),
    ] = None,
    places: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV",
            help="Where everybody stands (role, x_m, y_m, receiver_x_m, receiver_y_m) "
            "instead of the four before.",
        ),
    ] = None,
    bandwidth_hz: Annotated[float, typer.Option(help="Of one channel, Hz.")] = 180e3,
    cellular_power_dbm: Annotated[float, typer.Option(help="dBm.")] = 23.0,
    min_power_dbm: Annotated[float, typer.Option(help="Of a pair, dBm.")] = 0.0,
    max_power_dbm: Annotated[float, typer.Option(help="Of a pair, dBm.")] = 23.0,
    min_power_w: Annotated[
        float | None, typer.Option(help="W, instead of --min-power-dbm; may be 0.")
    ] = None,
    follower_price_weight: Annotated[float, typer.Option(help="beta^f.")] = 1.0,
    leader_revenue_weight: Annotated[float, typer.Option(help="beta^l.")] = 1.0,
    fixed_prices: Annotated[
        tuple[float, float] | None,
        typer.Option(
            help="Least and greatest price, the same for every pair; without it each "
            "price may range over the image of the power range."
        ),
    ] = None,
    path_loss: Annotated[
        Literal["simple", "los_nlos"], typer.Option(help="Between devices.")
    ] = "simple",
    base_station_shadowing_db: Annotated[
        float, typer.Option(help="Standard deviation, dB; 0 switches it off.")
    ] = 8.0,
    device_shadowing_db: Annotated[
        float, typer.Option(help="Standard deviation, dB; 0 switches it off.")
    ] = 7.0,
    fading: Annotated[bool, typer.Option(help="Rayleigh fading per channel.")] = True,
    random_channels: Annotated[
        bool,
        typer.Option(
            "--random-channels",
            help="Draw each pair's channel; without it the solver assigns channels.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Generate cells, at random places or at given ones, and write them as scenarios.

    Gains follow from places by path loss, shadowing and fading; --seed draws them.
    """
    drawn = {
        "num_channels": channels,
        "num_pairs": pairs,
        "cell_radius_m": radius,
        "d2d_distance_m": d2d_distance,
    }
    drawn = {name: value for name, value in drawn.items() if value is not None}
    radio: dict[str, Any] = {
        "bandwidth_hz": bandwidth_hz,
        "cellular_power_dbm": cellular_power_dbm,
        "min_power_dbm": min_power_dbm,
        "max_power_dbm": max_power_dbm,
        "min_power_w": min_power_w,
        "follower_price_weight": follower_price_weight,
        "leader_revenue_weight": leader_revenue_weight,
        "path_loss": path_loss,
        "base_station_shadowing_std_db": base_station_shadowing_db,
        "device_shadowing_std_db": device_shadowing_db,
        "fading": fading,
    }
    channel = "random" if random_channels else None
    targets = _targets(seed, count, output)
    where = None
    if places is not None:
        refuse_overwriting([places], {"-o": [path for _, path in targets]})
        where = _given(places, drawn)
    written: list[Path] = []
    size = ""
    with terminal.progress("generating"):
        for cell_seed, path in targets:
            with options_named(_OPTIONS):
                scenario = _cell(cell_seed, where, drawn, radio, fixed_prices, channel)
            _write(scenario, path)
            size = f"{scenario.num_channels} channels, {scenario.num_pairs} pairs"
            written.append(path)
    if as_json:
        terminal.print_json({"scenarios": [str(path) for path in written]})
    elif count is None:
        terminal.console().print(f"{size}: {output}")
    else:
        terminal.console().print(f"{len(written)} cells in {output}")


def _targets(seed: int, count: int | None, output: Path) -> list[tuple[int, Path]]:
    """The seed and the file of each cell."""
    if count is None:
        return [(seed, file_in_existing_folder("-o", output))]
    if count < 1:
        raise DomainError("--count", expected="a whole number >= 1", got=count)
    folder_that_can_be_made("-o", output)
    seeds = range(seed, seed + count)
    width = len(str(seeds[-1]))
    return [(s, output / f"cell-{s:0{width}d}.json") for s in seeds]


def _given(places: Path, drawn: dict[str, Any]) -> Positions:
    """The places of a file, which leave nothing to draw of them."""
    from stackelberg import io

    if drawn:
        option = _OPTIONS[next(iter(drawn))]
        raise ConfigError(
            option, expected="not beside --places, which says it", got="both"
        )
    return io.read_places(places)


def _cell(
    seed: int,
    where: Positions | None,
    drawn: dict[str, Any],
    radio: dict[str, Any],
    fixed_prices: tuple[float, float] | None,
    channel: Literal["random"] | None,
) -> Scenario:
    import numpy as np

    from stackelberg import spectrum

    if where is None:
        where = spectrum.random_positions(seed=seed, **drawn)
    if fixed_prices is not None:
        least, most = (np.full(len(where.d2d_receiver), p) for p in fixed_prices)
        radio = {**radio, "price_bounds": spectrum.FixedPriceBounds(least, most)}
    return spectrum.from_positions(
        where, seed=seed, radio=spectrum.RadioModel(**radio), channel=channel
    )


def _write(scenario: Scenario, path: Path) -> None:
    from stackelberg import io

    existing_folder("-o", path.parent)
    io.write_scenario(scenario, path)
