"""The followers' exact equilibrium next to given powers, in plain NumPy.

A power that misses the best one by a share d costs a pair only of the order of d^2, but
moves the leader's utility by the order of d: regrets of 1e-9 leave room for gaps of
1e-4. So a gap is judged where the followers settle, not where they were said to be.
"""

from __future__ import annotations

import numpy as np

from stackelberg.spectrum.rates import outcome
from stackelberg.spectrum.scenario import Floats, Ints, Scenario

_NEXT_TO = 1e-2
"""Farthest step to an equilibrium that still counts as next to, in greatest powers."""


def settled_utility(scenario: Scenario, price: Floats, power: Floats) -> float:
    """The leader's utility once the followers have settled from `power`, bit/s.

    Args:
        scenario: with channels.
        price: of each pair [N].
        power: of each pair, W [N].

    Returns:
        NaN where no equilibrium was found next to `power`.
    """
    channel = scenario.channel
    assert channel is not None  # narrowing: the caller assigned it
    settled = power.copy()
    for i in np.unique(channel):
        on = np.flatnonzero(channel == i)
        wish, coupling = _best_power_alone(scenario, int(i), on, price[on])
        settled[on] = _settled(scenario, wish, coupling, power[on])
    if not np.all(np.abs(settled - power) <= _NEXT_TO * scenario.max_power_w):
        return float("nan")
    return outcome(scenario, channel, price, settled).leader_utility


def _best_power_alone(
    scenario: Scenario, i: int, on: Ints, price: Floats
) -> tuple[Floats, Floats]:
    """Best powers where no other pair sends, before limits, and what others take off
    them: the wish of a pair is the first less the second times the powers.
    """
    own = scenario.own_gain(i)[on]
    coupling = scenario.cross_gain(i)[np.ix_(on, on)].T / own[:, None]
    np.fill_diagonal(coupling, 0.0)
    cellular = scenario.cellular_power_w[i] * scenario.gain_cellular_to_d2d[i, on]
    noise = (scenario.noise_power_w + cellular) / own
    return scenario.spend_scale / (price * scenario.gain_to_bs(i)[on]) - noise, coupling


def _settled(
    scenario: Scenario, wish: Floats, coupling: Floats, power: Floats
) -> Floats:
    """Newton's method on p = clip(wish - coupling p): exact once the pairs at a limit
    are known. NaN where these do not settle.
    """
    least, most = scenario.min_power_w, scenario.max_power_w
    before = None
    for _ in range(2 * len(wish) + 2):
        wanted = wish - coupling @ power
        free = (wanted > least) & (wanted < most)
        sides = np.where(free, 0, np.where(wanted >= most, 1, -1))
        if before is not None and np.array_equal(sides, before):
            return power
        before, power = sides, np.where(wanted >= most, most, least)
        rest = wish[free] - coupling[np.ix_(free, ~free)] @ power[~free]
        matrix = np.eye(int(free.sum())) + coupling[np.ix_(free, free)]
        try:
            power[free] = np.linalg.solve(matrix, rest)
        except np.linalg.LinAlgError:
            break
    return np.full(len(wish), np.nan)
