"""Followers who choose their channels themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stackelberg.spectrum.allocation_values import (
    Request,
    members,
    sets_of,
    single_level_optimum,
)
from stackelberg.spectrum.channel_game import games_of
from stackelberg.spectrum.scenario import Floats, Scenario

ROUNDS = 100

IMPROVEMENT = 1e-9
"""A pair moves only if that gains more than this share of its utility."""


@dataclass(frozen=True)
class Choice:
    """Where the pairs ended up when they chose for themselves.

    Attributes:
        sets: set of pairs on each channel [M].
        settled: whether no pair wants to move.
        cycled: whether an allocation came back after a round with moves: the pairs
            would go round for ever.
        evaluations: channels with pairs on them that were solved.
        lookups: utilities of sets of pairs asked for.
    """

    sets: list[int]
    settled: bool
    cycled: bool
    evaluations: int
    lookups: int


def followers_choose(scenario: Scenario, cap: int) -> Choice:
    """Each pair in turn moves to the channel on which its own utility is largest.

    A pair foresees prices: on every channel it may join (fewer than `cap` pairs) the
    leader is taken to set the prices that are best for the leader with the pair there,
    powers following from them (single-level optimum of K + 3 ascents, interference
    price bounds). There its utility is beta^f B (ln(1 + gamma) - gamma/(1 + gamma)).
    The other pairs stay. Pair j starts on channel j mod M. Pairs take turns in order of
    number until a whole round brings no move: then no pair gains by moving alone, a
    Nash equilibrium in channels. None need exist; it ends after `ROUNDS` rounds or when
    an allocation comes back.
    """
    m, n = scenario.num_channels, scenario.num_pairs
    current = sets_of((j % m for j in range(n)), m)
    known: dict[Request, Floats] = {}
    seen = {tuple(current)}
    lookups = 0
    settled = cycled = False
    for _ in range(ROUNDS):
        moved = False
        for j in range(n):
            options = _options(current, j, cap)
            lookups += len(options)
            follower_utilities(scenario, options, known)
            moved |= _move(current, j, options, known)
        settled = not moved
        cycled = moved and tuple(current) in seen
        if settled or cycled:
            break
        seen.add(tuple(current))
    return Choice(current, settled, cycled, len(known), lookups)


def follower_utilities(
    scenario: Scenario, requests: Sequence[Request], known: dict[Request, Floats]
) -> None:
    """Add to `known` the utilities, in bit/s, of the pairs of each request's set."""
    by_size: dict[int, list[Request]] = {}
    for request in dict.fromkeys(requests):
        if request not in known:
            by_size.setdefault(request[1].bit_count(), []).append(request)
    nat_rate = scenario.follower_price_weight * scenario.spend_scale
    for group in by_size.values():
        games = games_of([scenario], [(0, i, members(s)) for i, s in group])
        power, _ = single_level_optimum(games)
        s = games.noise + (games.coupling * power[:, None, :]).sum(axis=2)
        utility = nat_rate * (np.log1p(power / s) - power / (power + s))
        known.update(zip(group, utility, strict=True))


def _options(sets: Sequence[int], pair: int, cap: int) -> list[Request]:
    """The channels open to a pair, its own included, with it on them."""
    bit = 1 << pair
    return [(i, s | bit) for i, s in enumerate(sets) if s & bit or s.bit_count() < cap]


def _move(
    sets: list[int],
    pair: int,
    options: Sequence[Request],
    known: dict[Request, Floats],
) -> bool:
    """Move `pair` to its best option; False if it stays."""
    bit = 1 << pair
    utility = [known[i, s][(s & (bit - 1)).bit_count()] for i, s in options]
    here = next(x for x, (i, _) in enumerate(options) if sets[i] & bit)
    best = int(np.argmax(utility))
    if utility[best] <= utility[here] + IMPROVEMENT * abs(utility[here]):
        return False
    sets[options[here][0]] ^= bit
    sets[options[best][0]] |= bit
    return True
