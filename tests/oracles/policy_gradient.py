"""Advantages, densities and targets of model-free learners, in plain Python floats."""

from __future__ import annotations

import math
from statistics import NormalDist


def advantages(
    reward: list[float],
    value: list[float],
    after: list[float],
    ended: list[float],
    cut: list[float],
    gamma: float,
    trace_decay: float,
) -> list[float]:
    """Every advantage as its own sum over all later slots of the same trace."""
    found: list[float] = []
    for t in range(len(reward)):
        total, weight = 0.0, 1.0
        for k in range(t, len(reward)):
            future = 0.0 if ended[k] else gamma * after[k]
            total += weight * (reward[k] + future - value[k])
            if ended[k] or cut[k]:
                break
            weight *= gamma * trace_decay
        found.append(total)
    return found


def log_density(value: list[float], mean: list[float], std: list[float]) -> float:
    """Of independent normal numbers together."""
    pairs = zip(value, mean, std, strict=True)
    return sum(math.log(NormalDist(m, s).pdf(v)) for v, m, s in pairs)


def surrogate(ratio: float, advantage: float, reach: float) -> float:
    """The clipped objective, case by case."""
    if advantage >= 0.0:
        return advantage * min(ratio, 1.0 + reach)
    return advantage * max(ratio, 1.0 - reach)


def bootstrapped(reward: float, best: float, ended: float, gamma: float) -> float:
    """What Q-learning says an action is worth."""
    return reward if ended else reward + gamma * best
