"""Tabular games solved another way where there is one: plain loops, no shared code."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from oracles import stage_games


def backed_up(
    reward: Any, transition: Any, discount: Any, terminal: Any, table: Any, strong: bool
) -> np.ndarray:
    """T Q of every entry by loops: (36) with the equilibria of `table`."""
    reward, transition = np.asarray(reward), np.asarray(transition)
    agents, states = reward.shape[:2]
    value = np.zeros((agents, states))
    for s in range(states):
        if not terminal[s]:
            leader, followers = stage_games.equilibrium(table, s, strong=strong)
            for k in range(agents):
                value[k, s] = np.asarray(table)[(k, s, leader, *followers)]
    new = np.zeros(reward.shape)
    for s in range(states):
        if terminal[s]:
            continue
        for action in product(*(range(size) for size in reward.shape[2:])):
            row = transition[(s, *action)] if transition.ndim > 2 else transition[s]
            for k in range(agents):
                follow = sum(row[t] * value[k, t] for t in range(states))
                new[(k, s, *action)] = reward[(k, s, *action)] + discount[k] * follow
    return new


def best_common_value(reward: Any, transition: Any, discount: float) -> np.ndarray:
    """Value [S] of the Markov decision process of a team that acts as one."""
    reward, transition = np.asarray(reward), np.asarray(transition)
    states = len(reward)
    value = np.zeros(states)
    for _ in range(2000):
        best = np.full(states, -np.inf)
        for s in range(states):
            for action in product(*(range(size) for size in reward.shape[1:])):
                follow = float(transition[(s, *action)] @ value)
                best[s] = max(best[s], reward[(s, *action)] + discount * follow)
        if np.abs(best - value).max() < 1e-13:
            break
        value = best
    return value


def max_min_value(reward: Any, transition: Any, discount: float) -> np.ndarray:
    """Value [S] to a leader who commits to an action before others minimise."""
    reward, transition = np.asarray(reward), np.asarray(transition)
    states = len(reward)
    value = np.zeros(states)
    for _ in range(2000):
        new = np.full(states, -np.inf)
        for s in range(states):
            for a in range(reward.shape[1]):
                least = np.inf
                for rest in product(*(range(size) for size in reward.shape[2:])):
                    follow = float(transition[(s, a, *rest)] @ value)
                    least = min(least, reward[(s, a, *rest)] + discount * follow)
                new[s] = max(new[s], least)
        if np.abs(new - value).max() < 1e-13:
            break
        value = new
    return value
