"""Choosing among channels with the odds of scores, in plain Python floats."""

from __future__ import annotations

import math


def odds(scores: list[float]) -> list[float]:
    """The softmax."""
    most = max(scores)
    weight = [math.exp(score - most) for score in scores]
    return [one / sum(weight) for one in weight]


def expected(scores: list[float], value: list[float], temperature: float) -> float:
    """The mean value plus temperature times the entropy of the odds."""
    chance = odds(scores)
    mean = sum(p * v for p, v in zip(chance, value, strict=True))
    return mean - temperature * sum(p * math.log(p) for p in chance)


def best_odds(value: list[float], temperature: float) -> list[float]:
    """Those of the greatest `expected`."""
    return odds([one / temperature for one in value])
