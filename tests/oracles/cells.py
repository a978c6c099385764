"""Random cells of moderate numbers, as the fields of a scenario, and their channels.

Not physics: gains are log-normal about one, so that every regime of the game occurs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.power_game import Channel


def random_cell(
    seed: int,
    num_pairs: int,
    *,
    num_channels: int = 1,
    coupling: float = 0.3,
    spread: float = 1.0,
    min_power: float = 0.01,
    max_power: float = 1.0,
    follower_price_weight: float = 1.0,
    leader_revenue_weight: float = 1.0,
) -> dict[str, Any]:
    """Fields of a scenario with interference bounds, pairs dealt out over channels.

    `coupling` is the middle size of a cross gain relative to the receiver's own gain,
    `spread` the standard deviation of every log gain.
    """
    random = np.random.default_rng([seed, num_pairs, num_channels])

    def gain(*shape: int) -> np.ndarray:
        return np.exp(spread * random.standard_normal(shape))

    own = gain(num_pairs)
    cross = coupling * gain(num_pairs, num_pairs) * own[None, :]
    np.fill_diagonal(cross, 0.0)
    return {
        "bandwidth_hz": 1.0,
        "noise_power_w": 0.1,
        "follower_price_weight": follower_price_weight,
        "leader_revenue_weight": leader_revenue_weight,
        "min_power_w": min_power,
        "max_power_w": max_power,
        "channel": np.arange(num_pairs) % num_channels,
        "cellular_power_w": gain(num_channels),
        "gain_cellular_to_bs": gain(num_channels),
        "gain_d2d": own,
        "gain_d2d_to_bs": 0.5 * gain(num_pairs),
        "gain_cellular_to_d2d": 0.1 * gain(num_channels, num_pairs),
        "gain_d2d_to_d2d": cross,
    }


def channel_of(cell: dict[str, Any], i: int = 0) -> tuple[Channel, np.ndarray]:
    """Channel i of a cell for the power game's oracle, and its pairs."""
    on = np.flatnonzero(np.asarray(cell["channel"]) == i)

    def gain(name: str, axes: int) -> np.ndarray:
        array = np.asarray(cell[name], dtype=float)
        return array if array.ndim == axes else array[i]

    return (
        Channel(
            own=gain("gain_d2d", 1)[on],
            to_bs=gain("gain_d2d_to_bs", 1)[on],
            cross=gain("gain_d2d_to_d2d", 2)[np.ix_(on, on)],
            heard=cell["cellular_power_w"][i]
            * np.asarray(cell["gain_cellular_to_d2d"], dtype=float)[i, on],
            cellular_power=float(
                cell["cellular_power_w"][i] * cell["gain_cellular_to_bs"][i]
            ),
            noise=float(cell["noise_power_w"]),
            bandwidth=float(cell["bandwidth_hz"]),
            follower_price_weight=float(cell["follower_price_weight"]),
            leader_revenue_weight=float(cell["leader_revenue_weight"]),
            min_power=float(cell["min_power_w"]),
            max_power=float(cell["max_power_w"]),
        ),
        on,
    )
