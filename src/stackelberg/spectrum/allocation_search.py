"""Ways to put pairs on channels when the worth of each channel's set can be asked.

Legend: `sets` is one set of pairs per channel (`allocation_values`), `cap` the greatest
number of pairs on a channel; all values in bit/s.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import comb

import numpy as np
from numba import njit

from stackelberg.spectrum.allocation_values import ChannelValues, Request, members
from stackelberg.spectrum.scenario import Floats, Ints

IMPROVEMENT = 1e-11
"""A change counts only if it gains more than this share of the leader utility."""

SWEEPS_PER_PAIR = 20


def greedy(values: ChannelValues, cap: int) -> list[int]:
    """Put the pair with the largest marginal utility on its channel, again and again.

    Ties go to the lowest pair, then the lowest channel.
    """
    m, n = values.scenario.num_channels, values.scenario.num_pairs
    sets = [0] * m
    current = values.of([(i, 0) for i in range(m)])
    alone = values.of([(i, 1 << j) for j in range(n) for i in range(m)])
    gain = alone.reshape(n, m) - current
    unplaced = set(range(n))
    for _ in range(n):
        j, i = (int(x) for x in np.unravel_index(gain.argmax(), gain.shape))
        current[i] += gain[j, i]
        sets[i] |= 1 << j
        unplaced.remove(j)
        gain[j] = -np.inf
        if sets[i].bit_count() == cap:
            gain[:, i] = -np.inf
        elif unplaced:
            rest = sorted(unplaced)
            gain[rest, i] = values.of([(i, sets[i] | 1 << k) for k in rest])
            gain[rest, i] -= current[i]
    return sets


def at_random(
    values: ChannelValues, cap: int, random: np.random.Generator
) -> list[int]:
    """Pairs in random order, each on a channel drawn among those with room."""
    m, n = values.scenario.num_channels, values.scenario.num_pairs
    sets = [0] * m
    places = random.permutation(np.repeat(np.arange(m), cap))[:n]
    for j, i in enumerate(places.tolist()):
        sets[i] |= 1 << j
    return sets


def improved(values: ChannelValues, sets: Sequence[int], cap: int) -> list[int]:
    """Moves of one pair and swaps of two until none gains.

    In a sweep the best change is made first, then every other that touches none of the
    channels already changed: all of them gain what they promised.
    """
    table = _Changes(values, list(sets), cap)
    for _ in range(SWEEPS_PER_PAIR * max(values.scenario.num_pairs, 1)):
        if not table.apply_best():
            break
    return table.sets


class _Changes:
    """What each move and swap would gain, kept up to date channel by channel."""

    def __init__(self, values: ChannelValues, sets: list[int], cap: int) -> None:
        m, n = values.scenario.num_channels, values.scenario.num_pairs
        self.sets = sets
        self._values = values
        self._cap = cap
        self._channel = np.zeros(n, dtype=np.int64)
        self._current = np.zeros(m)
        self._joined = np.full((n, m), -np.inf)  # gain to channel i when j joins
        self._left = np.zeros(n)  # gain to j's channel when j leaves
        self._replaced = np.full((n, n), -np.inf)  # gain to k's channel: j in, k out
        self._refresh(range(m))

    def apply_best(self) -> bool:
        """Make the best changes on disjoint channels; False if none gains."""
        moves = self._left[:, None] + self._joined
        swaps = np.triu(self._replaced + self._replaced.T)
        least = IMPROVEMENT * float(self._current.sum())
        gains = np.concatenate([moves.ravel(), swaps.ravel()])
        worthwhile = np.flatnonzero(gains > least)
        order = worthwhile[np.argsort(-gains[worthwhile], kind="stable")]
        touched: set[int] = set()
        for change in order.tolist():
            if change < moves.size:
                j, to = divmod(change, moves.shape[1])
                k = None
            else:
                j, k = divmod(change - moves.size, len(swaps))
                to = int(self._channel[k])
            at = int(self._channel[j])
            if at in touched or to in touched:
                continue
            touched |= {at, to}
            both = 1 << j if k is None else 1 << j | 1 << k
            self.sets[at] ^= both
            self.sets[to] ^= both
        self._refresh(sorted(touched))
        return bool(touched)

    def _refresh(self, channels: Sequence[int]) -> None:
        n = len(self._channel)
        requests: list[Request] = []
        for i in channels:
            on = members(self.sets[i])
            others = [j for j in range(n) if not self.sets[i] >> j & 1]
            requests.append((i, self.sets[i]))
            requests += [(i, self.sets[i] ^ 1 << k) for k in on]
            requests += [
                (i, self.sets[i] ^ 1 << k | 1 << j) for k in on for j in others
            ]
            if len(on) < self._cap:
                requests += [(i, self.sets[i] | 1 << j) for j in others]
        answers = self._values.of(requests)
        at = 0
        for i in channels:
            on = members(self.sets[i])
            others = [j for j in range(n) if not self.sets[i] >> j & 1]
            self._channel[on] = i
            self._current[i] = answers[at]
            gains = answers[at + 1 :] - answers[at]
            self._left[on] = gains[: len(on)]
            swaps = gains[len(on) : len(on) * (1 + len(others))]
            self._replaced[:, on] = -np.inf
            self._replaced[np.ix_(others, on)] = swaps.reshape(len(on), len(others)).T
            self._joined[:, i] = -np.inf
            at += 1 + len(on) * (1 + len(others))
            if len(on) < self._cap:
                self._joined[others, i] = gains[len(on) * (1 + len(others)) :][
                    : len(others)
                ]
                at += len(others)


def exhaustive_work(num_channels: int, num_pairs: int, cap: int) -> tuple[int, int]:
    """What `exhaustive` costs: channels to solve, and additions to make."""
    subsets = sum(comb(num_pairs, k) for k in range(cap + 1))
    return num_channels * (subsets - 1), num_channels * subsets << num_pairs


def exhaustive(values: ChannelValues, cap: int) -> list[int]:
    """The best allocation of all, by dynamic programming over channels.

    The utility is a sum over channels, so what the first i channels can best do with a
    set of pairs follows from what the first i - 1 can: every allocation is covered
    without listing the M^N of them.
    """
    m, n = values.scenario.num_channels, values.scenario.num_pairs
    subsets = [
        sum(1 << j for j in chosen)
        for k in range(min(cap, n) + 1)
        for chosen in combinations(range(n), k)
    ]
    worth = values.of([(i, s) for i in range(m) for s in subsets])
    taken = _best_partition(
        worth.reshape(m, len(subsets)), np.array(subsets, dtype=np.int64), n
    )
    return [int(s) for s in taken]


@njit(cache=True, nogil=True)
def _best_partition(worth: Floats, subsets: Ints, num_pairs: int) -> Ints:
    """Subset taken by each channel [M] when all pairs are placed at most worth."""
    m = len(worth)
    size = 1 << num_pairs
    best = np.full((m + 1, size), -np.inf)
    choice = np.zeros((m, size), dtype=np.int64)
    best[0, 0] = 0.0
    for i in range(m):
        for pairs in range(size):
            for x in range(len(subsets)):
                s = subsets[x]
                if s & pairs == s:
                    total = best[i, pairs ^ s] + worth[i, x]
                    if total > best[i + 1, pairs]:
                        best[i + 1, pairs] = total
                        choice[i, pairs] = s
    taken = np.zeros(m, dtype=np.int64)
    pairs = size - 1
    for i in range(m - 1, -1, -1):
        taken[i] = choice[i, pairs]
        pairs ^= taken[i]
    return taken
