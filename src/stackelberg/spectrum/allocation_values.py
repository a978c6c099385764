"""What a channel is worth to the leader with a given set of pairs on it.

Sets of pairs are whole numbers, one bit per pair: cheap to combine and to look up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import numpy as np

from stackelberg.spectrum.channel_game import ChannelGames, games_of
from stackelberg.spectrum.channel_kernels import best_of_starts
from stackelberg.spectrum.rates import rate_bps
from stackelberg.spectrum.scenario import Floats, Scenario

Evaluator: TypeAlias = Callable[[ChannelGames], Floats]
"""Leader utility of each channel in units of B [n], one call per number of pairs."""

Request: TypeAlias = tuple[int, int]
"""A channel and a set of pairs."""

POWER_FLOOR = 1e-9
"""Share of `max_power_w` that stands for no power at all where `min_power_w` is 0:
Newton works in ln p."""


def single_level_values(games: ChannelGames) -> Floats:
    """Best leader utility found by K + 3 Newton ascents, in units of B [n].

    The single-level form of theory section 4, exact for interference price bounds. For
    fixed bounds it ignores them and is only a way to rank channels.
    """
    return single_level_optimum(games)[1]


def single_level_optimum(games: ChannelGames) -> tuple[Floats, Floats]:
    """Powers in W [n, K] and leader utility in units of B [n] of those ascents."""
    low_w = np.maximum(games.min_power_w, POWER_FLOOR * games.max_power_w)
    log_power, value = best_of_starts(
        games.columns(),
        np.log(low_w),
        np.log(games.max_power_w),
    )
    power = np.exp(log_power)
    return np.clip(power, low_w[:, None], games.max_power_w[:, None]), value


class ChannelValues:
    """Leader utility in bit/s by (channel, set of pairs); each is computed once.

    Attributes:
        scenario: whose channels and pairs these are.
        evaluations: how many channels with pairs on them were solved.
        lookups: how many values were asked for.
    """

    def __init__(self, scenario: Scenario, evaluate: Evaluator) -> None:
        self.scenario = scenario
        self.evaluations = 0
        self.lookups = 0
        self._evaluate = evaluate
        alone = scenario.received_cellular_power_w / scenario.noise_power_w
        empty = rate_bps(scenario.bandwidth_hz, alone).tolist()
        self._known: dict[Request, float] = {(i, 0): u for i, u in enumerate(empty)}

    def of(self, requests: Sequence[Request]) -> Floats:
        """Values of the requests, in their order, bit/s."""
        known = self._known
        self.lookups += len(requests)
        by_size: dict[int, list[Request]] = {}
        for request in dict.fromkeys(requests):
            if request not in known:
                by_size.setdefault(request[1].bit_count(), []).append(request)
        for group in by_size.values():
            wanted = [(0, channel, members(pairs)) for channel, pairs in group]
            games = games_of([self.scenario], wanted)
            values = self._evaluate(games) * self.scenario.spend_scale
            known.update(zip(group, values.tolist(), strict=True))
            self.evaluations += len(group)
        return np.array([known[request] for request in requests])

    def total(self, sets: Sequence[int]) -> float:
        """Leader utility of a whole allocation, one set of pairs per channel, bit/s."""
        return float(self.of(list(enumerate(sets))).sum())


def members(pairs: int) -> list[int]:
    """The pairs of a set, ascending."""
    found: list[int] = []
    while pairs:
        lowest = pairs & -pairs
        found.append(lowest.bit_length() - 1)
        pairs ^= lowest
    return found


def sets_of(channel: Iterable[int], num_channels: int) -> list[int]:
    """The set of pairs on each channel [M]."""
    sets = [0] * num_channels
    for j, i in enumerate(channel):
        sets[i] |= 1 << j
    return sets
