"""Utilities of one slot's pricing game, pair by pair, in plain Python floats.

A game is a dictionary: channel [N], cellular_snr [M], bs_gain [N], noise [N], coupling
[N][N] (receiver, transmitter), price_scale [N], beta_f, beta_l, scale, most.
"""

from __future__ import annotations

import math
from typing import Any


def heard(game: dict[str, Any], power: list[float], j: int) -> float:
    """s_j: the power that would give pair j an SINR of one."""
    others = sum(game["coupling"][j][k] * power[k] for k in range(len(power)))
    return float(game["noise"][j] + others)


def best_response_play(game: dict[str, Any], price: list[float]) -> list[float]:
    """Powers after many damped rounds of best responses."""
    power = [0.0] * len(price)
    for _ in range(4000):
        wanted = [
            min(
                max(game["price_scale"][j] / price[j] - heard(game, power, j), 0.0),
                game["most"],
            )
            for j in range(len(price))
        ]
        power = [0.8 * p + 0.2 * w for p, w in zip(power, wanted, strict=True)]
    return power


def payment(
    game: dict[str, Any], price: list[float], power: list[float], j: int
) -> float:
    """What pair j pays, in units of B; no more than where it wants to be silent."""
    most = game["price_scale"][j] / heard(game, power, j)
    return min(price[j], most) * power[j] / game["price_scale"][j]


def leader(game: dict[str, Any], price: list[float], power: list[float]) -> float:
    """The leader's utility."""
    total = 0.0
    for m, snr in enumerate(game["cellular_snr"]):
        at_bs = sum(
            game["bs_gain"][j] * power[j]
            for j in range(len(power))
            if game["channel"][j] == m
        )
        total += game["beta_f"] * math.log(1.0 + snr / (1.0 + at_bs))
    total += game["beta_l"] * sum(
        payment(game, price, power, j) for j in range(len(power))
    )
    return game["scale"] * total


def follower(
    game: dict[str, Any], price: list[float], power: list[float], j: int
) -> float:
    """Pair j's utility."""
    rate = math.log(1.0 + power[j] / heard(game, power, j))
    return game["beta_f"] * game["scale"] * (rate - payment(game, price, power, j))


def slope(value: Any, at: list[float], j: int, relative: float = 1e-4) -> float:
    """Central difference of `value` along coordinate j."""
    step = relative * max(abs(at[j]), 1e-6)
    up, down = list(at), list(at)
    up[j] += step
    down[j] -= step
    return (value(up) - value(down)) / (2.0 * step)
