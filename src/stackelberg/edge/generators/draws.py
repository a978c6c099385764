"""Random streams of generated markets: one for each concern, so none moves another."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from stackelberg.edge.market import Floats
from stackelberg.errors import ConfigError, DomainError


class Concern(IntEnum):
    """What a stream is for; part of its key, so never renumber."""

    SITE = 0
    USER = 1
    PRICE = 2
    CAPACITY = 3
    BUDGET = 4
    TASTE = 5
    DEMAND = 6
    REACH = 7
    JOB = 8
    REQUEST = 9


def stream(seed: int, concern: Concern, *within: int) -> np.random.Generator:
    """The stream of a concern, and of a part of it such as a resource type."""
    key = np.random.SeedSequence(seed, spawn_key=(int(concern), *within))
    return np.random.Generator(np.random.Philox(key))


def factor(
    seed: int, concern: Concern, count: int, spread: float, *within: int
) -> Floats:
    """Lognormal factors of median 1; all 1 where the spread is 0."""
    return stream(seed, concern, *within).lognormal(0.0, spread, count)


def check_whole(name: str, value: object, least: int) -> None:
    """Refuse what is no whole number >= `least`.

    Raises:
        ConfigError, DomainError: as said.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise ConfigError(name, expected="a whole number", got=repr(value))
    if value < least:
        raise DomainError(name, expected=f"a whole number >= {least}", got=value)
