"""WMMSE and fractional programming link by link, in plain loops over raw gains.

`gain[k, j]` is the power gain from transmitter k to receiver j; links may have fixed
powers. Amplitudes where the algorithm has amplitudes; nothing is normalised.
"""

from __future__ import annotations

import math

import numpy as np

Floats = np.ndarray


def rates(gain: Floats, noise: Floats, power: Floats) -> Floats:
    """log2(1 + SINR) of every link."""
    n = len(noise)
    found = np.empty(n)
    for j in range(n):
        heard = noise[j]
        for k in range(n):
            if k != j:
                heard += power[k] * gain[k, j]
        found[j] = math.log2(1.0 + power[j] * gain[j, j] / heard)
    return found


def _received(gain: Floats, noise: Floats, power: Floats, j: int) -> float:
    total = float(noise[j])
    for k in range(len(noise)):
        total += float(power[k] * gain[k, j])
    return total


def wmmse(
    gain: Floats, noise: Floats, low: Floats, high: Floats, rounds: int
) -> list[Floats]:
    """Powers after every round, the first ones included (the greatest)."""
    n = len(noise)
    v = np.sqrt(high)
    path = [v**2]
    for _ in range(rounds):
        u, w = np.empty(n), np.empty(n)
        for j in range(n):
            channel = math.sqrt(gain[j, j])
            u[j] = channel * v[j] / _received(gain, noise, v**2, j)
            w[j] = 1.0 / (1.0 - u[j] * channel * v[j])
        new = np.empty(n)
        for k in range(n):
            harm = sum(w[j] * u[j] ** 2 * gain[k, j] for j in range(n))
            best = w[k] * u[k] * math.sqrt(gain[k, k]) / harm if harm > 0 else 0.0
            new[k] = min(max(best, math.sqrt(low[k])), math.sqrt(high[k]))
        v = new
        path.append(v**2)
    return path


def fractional_programming(
    gain: Floats, noise: Floats, low: Floats, high: Floats, rounds: int
) -> list[Floats]:
    """Powers after every round, by SINRs, the quadratic transform and powers."""
    n = len(noise)
    power = np.array(high, dtype=float)
    path = [power]
    for _ in range(rounds):
        y, gamma = np.empty(n), np.empty(n)
        for j in range(n):
            signal = power[j] * gain[j, j]
            total = _received(gain, noise, power, j)
            gamma[j] = signal / (total - signal)
            y[j] = math.sqrt((1.0 + gamma[j]) * signal) / total
        new = np.empty(n)
        for k in range(n):
            harm = sum(y[j] ** 2 * gain[k, j] for j in range(n))
            top = y[k] * math.sqrt((1.0 + gamma[k]) * gain[k, k])
            best = (top / harm) ** 2 if harm > 0 else 0.0
            new[k] = min(max(best, low[k]), high[k])
        power = new
        path.append(power)
    return path
