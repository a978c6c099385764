"""Which channel each pair reuses when the scenario leaves it open: theory section 6.

The leader's utility is a sum over channels, and a channel's part depends on the set of
pairs on it alone: its local-bilevel value, or the cellular rate if it is empty. The
methods differ in how they search over the sets.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import Literal, TypeAlias

import numpy as np
from scipy.optimize import linear_sum_assignment

from stackelberg.errors import ConfigError, DomainError, suggestion
from stackelberg.spectrum.allocation_search import (
    at_random,
    exhaustive,
    exhaustive_work,
    greedy,
    improved,
)
from stackelberg.spectrum.allocation_values import (
    ChannelValues,
    Evaluator,
    members,
    single_level_values,
)
from stackelberg.spectrum.channel_choice import followers_choose
from stackelberg.spectrum.radio import whole_number
from stackelberg.spectrum.scenario import FixedPriceBounds, Ints, Scenario

Method: TypeAlias = Literal[
    "auto", "exhaustive", "matching", "local_search", "best_response"
]
Ranking: TypeAlias = Literal["single_level", "single_level_ignoring_bounds", "given"]

METHODS = ("auto", "exhaustive", "matching", "local_search", "best_response")

USUAL_CAP = 3
"""Pairs per channel at most, unless there are too many pairs for that.

Without a cap the leader's optimum piles 24 of 30 pairs on one channel and leaves 17 of
20 empty: one cellular user gives way to all pairs. On such cells (theory section 4) a
cap of 2 / 3 / 4 / 6 gains 11 / 18 / 22 / 26 % over random allocation, no cap 31 %. At 3
most of the gain is there, and no cellular user carries more than three pairs.
"""

EXHAUSTIVE_CHANNELS = 4_000
"""`auto` tries every allocation if that needs no more channels solved than this ..."""

EXHAUSTIVE_ADDITIONS = 20_000_000
"""... and no more additions than this: together well under a second."""

EXHAUSTIVE_LIMIT = 50
"""`exhaustive` on request may cost so many times as much."""


@dataclass(frozen=True, eq=False)
class Assignment:
    """A channel for every pair, and how it was found.

    Attributes:
        channel: channel reused by each pair [N].
        leader_utility_estimate: sum of the channels' values, bit/s. What `solve` then
            reaches may differ in the last digits, and under fixed price bounds widely.
        method: the method used; never `auto`.
        max_pairs_per_channel: the cap that held.
        ranking: what a channel's value was: `single_level`, the best local maximum of
            the leader's problem; `single_level_ignoring_bounds`, the same where the
            price bounds are fixed, hence a heuristic; or `given` by the caller.
        evaluations: channels with pairs on them that were solved.
        lookups: values asked for; all but `evaluations` of them came from memory.
        exhaustive_gap: (best allocation - this one) / |best| in these values; exact,
            0 where the method is, None where it is too costly to compute.
        converged: False if `best_response` was stopped before it settled.
        cycled: whether `best_response` came back to an allocation it had left.
    """

    channel: Ints
    leader_utility_estimate: float
    method: Method
    max_pairs_per_channel: int
    ranking: Ranking
    evaluations: int
    lookups: int
    exhaustive_gap: float | None
    converged: bool = True
    cycled: bool = False


def assign_channels(
    scenario: Scenario,
    *,
    method: Method = "auto",
    max_pairs_per_channel: int | None = None,
    seed: int = 0,
    restarts: int = 5,
    evaluate: Evaluator | None = None,
) -> Assignment:
    """Choose a channel for every pair, whatever `scenario.channel` says.

    - `exhaustive`: the best of all allocations in these values.
    - `matching`: the best with at most one pair per channel, by linear assignment;
      needs no more pairs than channels.
    - `local_search`: greedy by marginal leader utility, then moves of one pair and
      swaps of two until none gains; the same from `restarts` random allocations; the
      best of all. On 300 small random cells it missed the best allocation of all in
      5 %, by 3.3 % of the utility at most.
    - `best_response`: the pairs choose for themselves, see `followers_choose`; the
      leader's utility is then what it happens to be. Interference price bounds only.
    - `auto`: `exhaustive` where it takes well under a second, `matching` where
      the cap is one, else `local_search`.

    The same arguments give the same allocation. Ties go to low numbers.

    Args:
        scenario: the cell.
        method: as above.
        max_pairs_per_channel: a cap >= 1; None takes `default_cap`, or 1 for
            `matching`.
        seed: of the random starts of `local_search`.
        restarts: how many of them, >= 0.
        evaluate: leader utility of a batch of channels of equal K in units of B, to
            rank sets by; None takes `single_level_values`.

    Raises:
        ConfigError: an unknown method, or one that does not fit the cap or the bounds.
        DomainError: the cap leaves no room for all pairs, an argument is out of range,
            or `exhaustive` would take too long.
    """
    if method not in METHODS:
        raise ConfigError(
            "method",
            expected=f"one of {', '.join(METHODS)}{suggestion(method, METHODS)}",
            got=repr(method),
        )
    seed = whole_number("seed", seed, least=0)
    restarts = whole_number("restarts", restarts, least=0)
    cap = _checked_cap(scenario, method, max_pairs_per_channel)
    values = ChannelValues(scenario, evaluate or single_level_values)
    chosen = _chosen_method(scenario, method, cap)
    if chosen == "best_response":
        choice = followers_choose(scenario, cap)
        sets, evaluations, lookups = choice.sets, choice.evaluations, choice.lookups
        settled, cycled = choice.settled, choice.cycled
    else:
        sets = _best_sets(values, chosen, cap, seed, restarts)
        evaluations, lookups = values.evaluations, values.lookups
        settled, cycled = True, False
    found = Assignment(
        channel=_channels(sets, scenario.num_pairs),
        leader_utility_estimate=values.total(sets),
        method=chosen,
        max_pairs_per_channel=cap,
        ranking=_ranking(scenario, evaluate),
        evaluations=evaluations,
        lookups=lookups,
        exhaustive_gap=None,
        converged=settled,
        cycled=cycled,
    )
    return replace(found, exhaustive_gap=_gap(values, found))


def default_cap(num_channels: int, num_pairs: int) -> int:
    """`USUAL_CAP`, or as many pairs per channel as it takes to place them all."""
    return max(USUAL_CAP, ceil(num_pairs / num_channels))


def _checked_cap(scenario: Scenario, method: Method, cap: int | None) -> int:
    m, n = scenario.num_channels, scenario.num_pairs
    if method == "matching":
        if cap not in (None, 1):
            raise ConfigError(
                "max_pairs_per_channel", expected="1 for matching", got=cap
            )
        if n > m:
            raise ConfigError(
                "method",
                expected=f"local_search (matching needs num_pairs <= num_channels = "
                f"{m})",
                got=f"matching with {n} pairs",
            )
        return 1
    if cap is None:
        return default_cap(m, n)
    cap = whole_number("max_pairs_per_channel", cap, least=1)
    cap = min(cap, max(scenario.num_pairs, 1))
    if cap * m < n:
        raise DomainError(
            "max_pairs_per_channel",
            expected=f"at least {ceil(n / m)}, to place {n} pairs on {m} channels",
            got=cap,
        )
    return cap


def _chosen_method(scenario: Scenario, method: Method, cap: int) -> Method:
    m, n = scenario.num_channels, scenario.num_pairs
    if method == "best_response" and isinstance(
        scenario.price_bounds, FixedPriceBounds
    ):
        raise ConfigError(
            "method",
            expected="another method (best_response needs interference price bounds)",
            got="best_response",
        )
    if method == "exhaustive" and not _affordable(m, n, cap, EXHAUSTIVE_LIMIT):
        solved, _ = exhaustive_work(m, n, cap)
        raise DomainError(
            "method",
            expected="local_search (exhaustive would take too long)",
            got=f"exhaustive with {solved} sets of pairs to solve",
        )
    if method != "auto":
        return method
    if cap == 1:
        return "matching"
    return "exhaustive" if _affordable(m, n, cap) else "local_search"


def _affordable(
    num_channels: int, num_pairs: int, cap: int, allowance: int = 1
) -> bool:
    solved, additions = exhaustive_work(num_channels, num_pairs, cap)
    return (
        solved <= allowance * EXHAUSTIVE_CHANNELS
        and additions <= allowance * EXHAUSTIVE_ADDITIONS
    )


def _ranking(scenario: Scenario, evaluate: Evaluator | None) -> Ranking:
    if evaluate is not None:
        return "given"
    if isinstance(scenario.price_bounds, FixedPriceBounds):
        return "single_level_ignoring_bounds"
    return "single_level"


def _best_sets(
    values: ChannelValues, method: Method, cap: int, seed: int, restarts: int
) -> list[int]:
    if method == "exhaustive":
        return exhaustive(values, cap)
    if method == "matching":
        return _matched(values)
    random = np.random.default_rng(seed)
    best = improved(values, greedy(values, cap), cap)
    most = values.total(best)
    for _ in range(restarts):
        sets = improved(values, at_random(values, cap, random), cap)
        reached = values.total(sets)
        if reached > most:
            best, most = sets, reached
    return best


def _matched(values: ChannelValues) -> list[int]:
    """One pair per channel at most; empty channels count with their cellular rate."""
    m, n = values.scenario.num_channels, values.scenario.num_pairs
    alone = values.of([(i, 0) for i in range(m)])
    shared = values.of([(i, 1 << j) for i in range(m) for j in range(n)])
    gain = shared.reshape(m, n) - alone[:, None]
    channels, pairs = linear_sum_assignment(gain, maximize=True)
    sets = [0] * m
    for i, j in zip(channels.tolist(), pairs.tolist(), strict=True):
        sets[i] = 1 << j
    return sets


def _gap(values: ChannelValues, found: Assignment) -> float | None:
    """How far `found` is from the best allocation, where that can be had cheaply."""
    m, n = values.scenario.num_channels, values.scenario.num_pairs
    cap = found.max_pairs_per_channel
    if found.method in ("exhaustive", "matching"):
        return 0.0
    if cap == 1:
        best = values.total(_matched(values))
    elif _affordable(m, n, cap):
        best = values.total(exhaustive(values, cap))
    else:
        return None
    return max(best - found.leader_utility_estimate, 0.0) / abs(best)


def _channels(sets: list[int], num_pairs: int) -> Ints:
    channel = np.zeros(num_pairs, dtype=np.int64)
    for i, pairs in enumerate(sets):
        channel[members(pairs)] = i
    channel.flags.writeable = False
    return channel
