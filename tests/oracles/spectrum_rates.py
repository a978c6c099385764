"""Equation (1) and both utilities by plain loops over plain lists: slow, no NumPy."""

from math import log2
from typing import Any


def _gain(gain: Any, channel: int, *pairs: int, flat_axes: int) -> float:
    """An entry of a gain that may be flat over channels."""
    depth, inner = 0, gain
    while isinstance(inner, list):
        depth, inner = depth + 1, inner[0]
    value = gain if depth == flat_axes else gain[channel]
    for j in pairs:
        value = value[j]
    return value


def outcome(
    cell: dict[str, Any],
    channel: list[int],
    price: list[float],
    power: list[float],
) -> dict[str, Any]:
    """What everybody hears and gets; `cell` has the keys of a scenario file."""
    num_channels, num_pairs = len(cell["cellular_power_w"]), len(channel)
    noise, width = cell["noise_power_w"], cell["bandwidth_hz"]
    sinr, snr, rate, utility, paid = [], [], [], [], []
    for j in range(num_pairs):
        i = channel[j]
        heard = cell["cellular_power_w"][i] * cell["gain_cellular_to_d2d"][i][j]
        for k in range(num_pairs):
            if k != j and channel[k] == i:
                cross = _gain(cell["gain_d2d_to_d2d"], i, k, j, flat_axes=2)
                heard += power[k] * cross
        signal = power[j] * _gain(cell["gain_d2d"], i, j, flat_axes=1)
        sinr.append(signal / (noise + heard))
        snr.append(signal / noise)
        to_bs = _gain(cell["gain_d2d_to_bs"], i, j, flat_axes=1)
        paid.append(price[j] * power[j] * to_bs)
        rate.append(width * log2(1 + sinr[j]))
        utility.append(rate[j] - cell["follower_price_weight"] * paid[j])
    cellular_sinr, cellular_rate = [], []
    for i in range(num_channels):
        signal = cell["cellular_power_w"][i] * cell["gain_cellular_to_bs"][i]
        heard = 0.0
        for j in range(num_pairs):
            if channel[j] == i:
                heard += power[j] * _gain(cell["gain_d2d_to_bs"], i, j, flat_axes=1)
        cellular_sinr.append(signal / (noise + heard))
        cellular_rate.append(width * log2(1 + cellular_sinr[i]))
    leader = sum(cellular_rate) + cell["leader_revenue_weight"] * sum(paid)
    return {
        "d2d_sinr": sinr,
        "d2d_snr": snr,
        "d2d_rate_bps": rate,
        "follower_utility": utility,
        "payments": paid,
        "cellular_sinr": cellular_sinr,
        "cellular_rate_bps": cellular_rate,
        "leader_utility": leader,
    }
