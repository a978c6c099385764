"""What the paper's convergence proof asks of stage games, as tests of one's own games.

Legend: tables of one stage game [N + 1, L, F_1, .., F_N], followers first, leader last;
`action` is the leader's and then the followers' actions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stackelberg.learning.tabular.arrays import Floats


def is_global_optimum(stage: Floats, action: Sequence[int]) -> bool:
    """Whether every agent gets its greatest entry: one half of Assumption 3.

    Args:
        stage: tables of one state.
        action: of the leader, then of the followers.
    """
    at = stage[(slice(None), *action)]
    return bool((at >= stage.reshape(len(stage), -1).max(axis=1)).all())


def is_nash(stage: Floats, action: Sequence[int]) -> bool:
    """Whether no agent, the leader among them, gains by changing its action alone.

    In a Stackelberg equilibrium the leader often would: it does not take the replies as
    given, it causes them (E17).

    Args:
        stage: tables of one state.
        action: of the leader, then of the followers.
    """
    for agent, own in enumerate(stage):
        axis = _axis(agent, len(stage))
        row = [*action[:axis], slice(None), *action[axis + 1 :]]
        if own[tuple(row)].max() > own[tuple(action)]:
            return False
    return True


def is_saddle_point(stage: Floats, action: Sequence[int]) -> bool:
    """Whether it is a Nash equilibrium that nobody else can spoil: each agent gets at
    least as much where any others deviate. The other half of Assumption 3, as Hu and
    Wellman (2003) define it.

    Args:
        stage: tables of one state.
        action: of the leader, then of the followers.
    """
    if not is_nash(stage, action):
        return False
    for agent, own in enumerate(stage):
        axis = _axis(agent, len(stage))
        others = np.take(own, action[axis], axis=axis)
        if others.min() < own[tuple(action)]:
            return False
    return True


def published_learning_rates(
    rate: Floats, visited: tuple[int, ...]
) -> tuple[Floats, Floats]:
    """Learning rates after Assumption 2.2, as printed and as meant.

    Args:
        rate: alpha^t(s, a) of every entry.
        visited: (s^t, a^t), the entry that was visited.

    Returns:
        As printed: 0 where alpha(s, a) differs from alpha(s^t, a^t), so entries that
        happen to have the same rate are changed too (E15). As meant: 0 everywhere but
        at the entry visited.
    """
    printed = np.where(rate != rate[visited], 0.0, rate)
    meant = np.zeros(rate.shape)
    meant[visited] = rate[visited]
    return printed, meant


def published_next_value(
    final_table: Floats, state: int, action: tuple[int, ...]
) -> float:
    """V_*(s') of (39) as printed: pi_*(s') Q_*^k(s, a), with what is not known yet.

    The print multiplies the policy at s' with the limit table at (s, a), that is at the
    entry being changed; what is meant is the agent's own current table at s' (E16).

    Args:
        final_table: Q_*^k [S, L, F_1, .., F_N].
        state: s.
        action: a, the leader's and then the followers' actions.
    """
    return float(final_table[(state, *action)])


def _axis(agent: int, agents: int) -> int:
    """The axis of an agent's action in [L, F_1, .., F_N]."""
    return 0 if agent == agents - 1 else agent + 1
