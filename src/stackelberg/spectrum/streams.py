"""Independent random streams from one seed, one per concern.

A stream is a Philox generator keyed by the seed, the concern and, where a concern is
drawn channel by channel, the channel. Drawing more of one concern moves no other.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Concern(IntEnum):
    """What a stream is for; part of its key, so never renumber."""

    CELLULAR_POSITION = 0
    PAIR_POSITION = 1
    BASE_STATION_SHADOWING = 2
    DEVICE_SHADOWING = 3
    LINE_OF_SIGHT = 4
    CELLULAR_TO_BS_FADING = 5
    D2D_TO_BS_FADING = 6
    CELLULAR_TO_D2D_FADING = 7
    D2D_TO_D2D_FADING = 8
    CHANNEL = 9
    MATCHING = 10


def stream(seed: int, concern: Concern, *channel: int) -> np.random.Generator:
    """The random numbers of one concern (and channel); the same for the same key."""
    key = np.random.SeedSequence(seed, spawn_key=(int(concern), *channel))
    return np.random.Generator(np.random.Philox(key))


def named_seed(seed: int, name: str) -> int:
    """A seed of 128 bits for one named part of a seeded whole."""
    entropy = [seed, int.from_bytes(name.encode("utf-8"), "big")]
    high, low = np.random.SeedSequence(entropy).generate_state(2, np.uint64)
    return (int(high) << 64) | int(low)
