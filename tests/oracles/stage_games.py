"""Stackelberg equilibria of small games in tables, by loops over everything."""

from __future__ import annotations

from itertools import product
from typing import Any


def _at(table: Any, *index: int) -> Any:
    for i in index:
        table = table[i]
    return table


def regret(tables: Any, state: int, leader: int, profile: tuple[int, ...]) -> float:
    """The most that one follower gains by changing its action alone."""
    most = 0.0
    for i, own in enumerate(tables[:-1]):
        now = _at(own, state, leader, *profile)
        row = _at(own, state, leader, *profile[:i])
        for other in range(len(row)):
            changed = (*profile[:i], other, *profile[i + 1 :])
            most = max(most, _at(own, state, leader, *changed) - now)
    return most


def sizes_of(tables: Any) -> list[int]:
    """F_1 .. F_N."""
    sizes = []
    row = tables[0][0][0]
    for _ in range(len(tables) - 1):
        sizes.append(len(row))
        row = row[0]
    return sizes


def followers_equilibria(tables: Any, state: int, leader: int) -> list[tuple[int, ...]]:
    """Every pure Nash equilibrium after the leader's action, in order."""
    profiles = product(*(range(size) for size in sizes_of(tables)))
    return [p for p in profiles if regret(tables, state, leader, p) == 0.0]


def reply(
    tables: Any, state: int, leader: int, *, strong: bool
) -> tuple[tuple[int, ...], int]:
    """What the followers play, and how many equilibria they have."""
    found = followers_equilibria(tables, state, leader)
    if not found:
        profiles = list(product(*(range(size) for size in sizes_of(tables))))
        regrets = [regret(tables, state, leader, p) for p in profiles]
        return profiles[regrets.index(min(regrets))], 0
    earned = [_at(tables[-1], state, leader, *p) for p in found]
    wanted = max(earned) if strong else min(earned)
    return found[earned.index(wanted)], len(found)


def equilibrium(
    tables: Any, state: int, *, strong: bool
) -> tuple[int, tuple[int, ...]]:
    """The leader's action and the followers' reply."""
    replies = [
        reply(tables, state, leader, strong=strong)[0]
        for leader in range(len(tables[0][state]))
    ]
    earned = [_at(tables[-1], state, a, *replies[a]) for a in range(len(replies))]
    best = earned.index(max(earned))
    return best, replies[best]
