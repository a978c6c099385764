"""An answer to a tabular game, and what is proved about it.

The certificate sees the game and the answer alone and uses no solver: regrets are
largest differences of table entries, the residual is one application of (36), and the
policy is evaluated exactly by a linear system.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stackelberg.game import Certificate, CertificateRow
from stackelberg.learning.tabular.arrays import Bools, Floats, Ints
from stackelberg.learning.tabular.game import TabularGame
from stackelberg.learning.tabular.stage_game import Choice


@dataclass(frozen=True, eq=False)
class TabularAnswer:
    """Tables and the policy that goes with them.

    Attributes:
        action_value: Q^k(s, a) of each agent, the leader last
            [N + 1, S, L, F_1, .., F_N]; 0 in terminal states.
        leader_action: [S].
        reply: followers' answer to each leader action [S, L, N].
        choice: which of several equilibria the followers are taken to play.
    """

    action_value: Floats
    leader_action: Ints
    reply: Ints
    choice: Choice

    @property
    def follower_action(self) -> Ints:
        """The followers' actions on the leader's own [S, N]."""
        return self.reply[np.arange(len(self.reply)), self.leader_action]

    @property
    def state_value(self) -> Floats:
        """What each agent's table says the policy is worth [N + 1, S]."""
        return _on_path(self.action_value, self)


@dataclass(frozen=True)
class TabularCertificate(Certificate):
    """How far an answer is from an equilibrium, in units of reward.

    Attributes:
        residual: ||T Q - Q||, the largest change of an entry by one exact step of (36)
            with the answer's own policy.
        relative_residual: the same, each agent's over its span of rewards.
        follower_regret: most that one follower gains in a stage game of the answer's
            tables by another action, after any leader action.
        leader_regret: most that the leader gains there by another action.
        choice_regret: most that the leader gains (`strong`) or loses (`weak`) there by
            another pure equilibrium of the followers.
        policy_follower_regret, policy_leader_regret, policy_choice_regret: the same by
            one deviation in the game itself, the policy evaluated exactly.
        relative_regret: largest of all six, over the span of rewards of its agent.
        value_error_bound: residual / (1 - discount): no entry of the tables is farther
            from the exact value of the policy.
        without_equilibrium: pairs of state and leader action after which the followers
            of the tables have no pure equilibrium; what they do there is the fallback.
        fallback_states: states whose leader action is such a one.
    """

    residual: float
    relative_residual: float
    follower_regret: float
    leader_regret: float
    choice_regret: float
    policy_follower_regret: float
    policy_leader_regret: float
    policy_choice_regret: float
    relative_regret: float
    value_error_bound: float
    without_equilibrium: int
    fallback_states: int

    def rows(self) -> tuple[CertificateRow, ...]:
        """The numbers, in the order a reader wants them."""
        return tuple(
            CertificateRow(name, float(getattr(self, name)), unit, meaning)
            for name, unit, meaning in _ROWS
        )

    def holds(self, tolerance: float = 1e-6) -> bool:
        """Whether residual and regrets are within `tolerance` of the rewards' span."""
        worst = max(self.relative_residual, self.relative_regret)
        return worst <= tolerance  # false where a number is NaN


_REWARD = "reward"
_ROWS = (
    ("residual", _REWARD, "largest change of an entry by one exact step of (36)"),
    ("relative_residual", "", "the same over the span of the agent's rewards"),
    ("follower_regret", _REWARD, "a follower's gain by one deviation, in the tables"),
    ("leader_regret", _REWARD, "the leader's gain by one deviation, in the tables"),
    ("choice_regret", _REWARD, "between the followers' equilibria, in the tables"),
    ("policy_follower_regret", _REWARD, "a follower's gain, in the game itself"),
    ("policy_leader_regret", _REWARD, "the leader's gain, in the game itself"),
    ("policy_choice_regret", _REWARD, "between equilibria, in the game itself"),
    ("relative_regret", "", "largest of all regrets over the span of rewards"),
    ("value_error_bound", _REWARD, "tables are this near the policy's exact value"),
    ("without_equilibrium", "pairs", "state and action without a pure equilibrium"),
    ("fallback_states", "states", "where the leader's action is such a one"),
)


def certify_tables(game: TabularGame, answer: TabularAnswer) -> TabularCertificate:
    """Measure an answer, whoever computed it.

    Args:
        game: the true model.
        answer: tables and policy of the same sizes.
    """
    table = answer.action_value
    change = np.abs(one_step(game, _on_path(table, answer)) - table)
    by_agent = change.reshape(len(table), -1).max(axis=1)
    learnt = _regrets(game, table, answer)
    exact = _regrets(game, one_step(game, policy_value(game, answer)), answer)
    span = game.reward_span
    relative = [
        max(follower / span[:-1].min(), leader / span[-1], choice / span[-1])
        for follower, leader, choice in (learnt, exact)
    ]
    lacking = np.asarray(_stable(table).sum(axis=2) == 0)[game.live]
    at = np.arange(len(lacking)), answer.leader_action[game.live]
    return TabularCertificate(
        residual=float(by_agent.max()),
        relative_residual=float((by_agent / span).max()),
        follower_regret=learnt[0],
        leader_regret=learnt[1],
        choice_regret=learnt[2],
        policy_follower_regret=exact[0],
        policy_leader_regret=exact[1],
        policy_choice_regret=exact[2],
        relative_regret=float(max(relative)),
        value_error_bound=float((by_agent / (1.0 - game.discount)).max()),
        without_equilibrium=int(lacking.sum()),
        fallback_states=int(lacking[at].sum()),
    )


def one_step(game: TabularGame, value: Floats) -> Floats:
    """r^k(s, a) + gamma^k sum_s' p(s'|s, a) V^k(s'): the right side of (36).

    Args:
        game: the true model.
        value: V^k(s') [N + 1, S].

    Returns:
        [N + 1, S, L, F_1, .., F_N]; 0 in terminal states.
    """
    axes = (-1,) + (1,) * (game.reward.ndim - 1)
    value = np.where(game.live, value, 0.0)
    table = game.reward + game.discount.reshape(axes) * game.expected_next(value)
    table[:, ~game.live] = 0.0
    return table


def policy_value(game: TabularGame, answer: TabularAnswer) -> Floats:
    """Exact discounted value of the answer's policy to each agent [N + 1, S]."""
    s = game.num_states
    reward = np.where(game.live, _on_path(game.reward, answer), 0.0)
    if game.exogenous:
        move = np.array(game.transition)
    else:
        at = (np.arange(s), answer.leader_action, *answer.follower_action.T)
        move = game.transition[at]
    move = np.where(game.live[:, None] & game.live, move, 0.0)
    return np.stack(
        [
            np.linalg.solve(np.eye(s) - discount * move, own)
            for discount, own in zip(game.discount, reward, strict=True)
        ]
    )


def _on_path(table: Floats, answer: TabularAnswer) -> Floats:
    """Entries of `table` [N + 1, S, L, F..] at the policy's actions [N + 1, S]."""
    at = (np.arange(table.shape[1]), answer.leader_action, *answer.follower_action.T)
    return table[(slice(None), *at)]


def _stable(table: Floats) -> Bools:
    """Whether a joint action is a pure equilibrium of the followers [S, L, J]."""
    stable: Bools = np.ones(table.shape[1:], dtype=np.bool_)
    for i, own in enumerate(table[:-1]):
        stable &= own >= own.max(axis=2 + i, keepdims=True)
    return stable.reshape(*table.shape[1:3], -1)


def _regrets(
    game: TabularGame, table: Floats, answer: TabularAnswer
) -> tuple[float, float, float]:
    """Largest regrets of followers, of the leader, and of the choice of equilibrium."""
    s, num_leader = table.shape[1:3]
    live = game.live
    rows, columns = np.arange(s)[:, None], np.arange(num_leader)
    replies = tuple(np.moveaxis(answer.reply, -1, 0))
    follower = 0.0
    for i, own in enumerate(table[:-1]):
        best = np.broadcast_to(own.max(axis=2 + i, keepdims=True), own.shape)
        gain = (best - own)[(rows, columns, *replies)]
        follower = max(follower, float(gain[live].max()))
    earned = table[-1][(rows, columns, *replies)]
    gain = earned.max(axis=1) - earned[np.arange(s), answer.leader_action]
    sign = 1.0 if answer.choice == "strong" else -1.0
    leader_table = sign * table[-1].reshape(s, num_leader, -1)
    best = np.where(_stable(table), leader_table, -np.inf).max(axis=2)
    choice = np.maximum(best - sign * earned, 0.0)[live]
    return follower, float(gain[live].max()), float(choice.max())
