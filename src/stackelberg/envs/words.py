"""The cell in words: one line per channel, for a terminal of any kind."""

from __future__ import annotations

import numpy as np

from stackelberg.envs.params import EnvParams
from stackelberg.envs.state import State
from stackelberg.units import to_db

_EIGHTHS = " ▁▂▃▄▅▆▇█"


def told(state: State, params: EnvParams) -> str:
    """The last slot, one line per channel and one of sums, without control codes.

    A line says the channel, its cellular user's rate, the interference it suffers over
    noise, and which pairs are on it, each with a bar for its power in dB below the
    limit (30 dB from empty to full) and its rate.

    Args:
        state: after the slot that is shown.
        params: the environment's.
    """
    memory = state.memory
    slot = int(state.slot)
    if slot == 0:
        return "before the first slot\n"
    channel = np.asarray(memory.channel)
    rate = np.asarray(memory.cellular_rate_bps, np.float64)
    d2d_rate = np.asarray(memory.d2d_rate_bps, np.float64)
    power = np.asarray(memory.transmit_power_w, np.float64)
    noise = float(params.radio.noise_power_w)
    heard = np.asarray(memory.cellular_interference_w, np.float64) / noise
    lines = [f"slot {slot - 1}"]
    for i in range(params.num_channels):
        pairs = "  ".join(
            f"{j}{_bar(power[j], params)}{d2d_rate[j] / 1e6:.2f}"
            for j in np.flatnonzero(channel == i)
        )
        over = f"{float(to_db(heard[i])):5.1f} dB" if heard[i] > 0.0 else "       -"
        lines.append(f"channel {i:3d}  {rate[i] / 1e6:5.2f} Mbit/s {over}  {pairs}")
    lines.append(
        f"cellular {rate.sum() / 1e6:.2f} Mbit/s, pairs {d2d_rate.sum() / 1e6:.2f} "
        f"Mbit/s, {int((power > 0.0).sum())} of {params.num_pairs} pairs transmit"
    )
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _bar(power_w: float, params: EnvParams) -> str:
    if power_w <= 0.0:
        return _EIGHTHS[0]
    below_db = float(to_db(power_w / float(params.radio.max_power_w)))
    return _EIGHTHS[1 + int(np.clip(7.5 + below_db * 7.0 / 30.0, 0.0, 7.0))]
