"""Channel allocation by trying everything, in plain loops.

A channel's worth is found by SciPy from every corner and the middle of the power box.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize


def best_allocation(
    worth: Callable[[int, tuple[int, ...]], float],
    num_channels: int,
    num_pairs: int,
    cap: int,
) -> tuple[float, tuple[int, ...]]:
    """Largest sum of channels' worths over all M^N allocations, and one reaching it."""
    known: dict[tuple[int, tuple[int, ...]], float] = {}
    best, found = -math.inf, ()
    for channel in itertools.product(range(num_channels), repeat=num_pairs):
        total = 0.0
        for i in range(num_channels):
            on = tuple(j for j in range(num_pairs) if channel[j] == i)
            if len(on) > cap:
                total = -math.inf
                break
            if (i, on) not in known:
                known[i, on] = worth(i, on)
            total += known[i, on]
        if total > best:
            best, found = total, channel
    return best, found


def channel_worth(values: dict[str, object], i: int, on: tuple[int, ...]) -> float:
    """Best leader utility of channel i with the pairs `on` it, bit/s.

    `values` holds a scenario's fields with gains per channel; price bounds are the
    image of the power bounds, so that pair j pays at most B p / (p + s).
    """
    v = {name: np.asarray(value) for name, value in values.items()}
    noise, bandwidth = float(v["noise_power_w"]), float(v["bandwidth_hz"])
    received = float(v["cellular_power_w"][i] * v["gain_cellular_to_bs"][i])
    spend = bandwidth / math.log(2.0) / float(v["follower_price_weight"])

    def utility(power: list[float]) -> float:
        at_base_station = noise
        paid = 0.0
        for x, j in enumerate(on):
            at_base_station += power[x] * float(v["gain_d2d_to_bs"][i, j])
            heard = noise + float(v["cellular_power_w"][i]) * float(
                v["gain_cellular_to_d2d"][i, j]
            )
            for z, k in enumerate(on):
                if k != j:
                    heard += power[z] * float(v["gain_d2d_to_d2d"][i, k, j])
            sinr = power[x] * float(v["gain_d2d"][i, j]) / heard
            paid += spend * sinr / (1.0 + sinr)
        rate = bandwidth * math.log2(1.0 + received / at_base_station)
        return rate + float(v["leader_revenue_weight"]) * paid

    if not on:
        return utility([])
    low = math.log(float(v["min_power_w"]))
    high = math.log(float(v["max_power_w"]))
    starts = [*itertools.product((low, high), repeat=len(on))]
    starts.append((0.5 * (low + high),) * len(on))
    best = -math.inf
    for start in starts:
        ended = minimize(
            lambda y: -utility([math.exp(x) for x in y]) / spend,
            np.array(start),
            bounds=[(low, high)] * len(on),
            method="L-BFGS-B",
        )
        best = max(best, -float(ended.fun) * spend)
    return best
