"""Scenarios for the solvers' tests: the reference cases, and random cells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from oracles.cells import random_cell

from stackelberg.spectrum import FixedPriceBounds, InterferencePriceBounds, Scenario
from stackelberg.spectrum.channel_game import ChannelGames, channel_games

DATA = Path(__file__).resolve().parent.parent / "data" / "spectrum"

MULTI_PAIR: list[dict[str, Any]] = json.loads((DATA / "multi_pair.json").read_text())

CYCLE: dict[str, Any] = json.loads((DATA / "iterated_cycle.json").read_text())


def scenario_of(file: dict[str, Any]) -> Scenario:
    """The scenario of a reference case, read without the library's own reader."""
    fields = {k: v for k, v in file.items() if k not in ("format", "price_bounds")}
    bounds = file["price_bounds"]
    if bounds["kind"] == "fixed":
        return Scenario(
            **fields, price_bounds=FixedPriceBounds(bounds["min"], bounds["max"])
        )
    return Scenario(**fields, price_bounds=InterferencePriceBounds())


def cell(seed: int, num_pairs: int, **options: Any) -> Scenario:
    """A random cell with interference bounds; see `oracles.cells.random_cell`."""
    return Scenario(**random_cell(seed, num_pairs, **options))


def fixed_cell(
    seed: int, num_pairs: int, *, width: float = 3.0, **options: Any
) -> Scenario:
    """A random cell whose prices range from a fifth of the silencing one, -B/C.

    The box of each pair is [1, `width`] times that. Zero cross gains at the least.
    """
    free = cell(seed, num_pairs, **options)
    assert free.channel is not None
    heard = free.noise_power_w + free.cellular_power_w[:, None] * (
        free.gain_cellular_to_d2d
    )
    silent = free.spend_scale * free.gain_d2d / (free.gain_d2d_to_bs * heard)
    least = 0.2 * silent[free.channel, np.arange(num_pairs)]
    return free.replace(price_bounds=FixedPriceBounds(least, width * least))


def all_games(scenario: Scenario) -> list[ChannelGames]:
    """The games of a scenario's occupied channels, by the number of pairs."""
    assert scenario.channel is not None
    return list(channel_games([scenario], [scenario.channel]).values())


def only_games(scenario: Scenario) -> ChannelGames:
    """The games of a scenario whose occupied channels all have the same size."""
    (games,) = all_games(scenario)
    return games
