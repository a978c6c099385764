"""Exact value iteration: (36) applied to all tables at once, the model being known.

It shares no code with the learner: stage games are solved here by array operations. It
stops at a fixed point, or when the tables repeat (then it would cycle for ever), or at
its bound; random general-sum games and the cycle game have been seen to do the second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stackelberg.errors import DomainError
from stackelberg.game import Solution, Status
from stackelberg.learning.tabular.answer import (
    TabularAnswer,
    TabularCertificate,
    certify_tables,
    one_step,
)
from stackelberg.learning.tabular.arrays import Floats, Ints
from stackelberg.learning.tabular.game import TabularGame
from stackelberg.learning.tabular.stage_game import Choice, check_choice

TabularSolution = Solution[TabularAnswer, TabularCertificate]


@dataclass(frozen=True)
class SweepRecord:
    """One sweep of value iteration.

    Attributes:
        sweep: its number, from 1.
        residual: ||T Q - Q|| of the tables before it, in units of reward.
        flips: states whose leader action or on-path reply it changed.
    """

    sweep: int
    residual: float
    flips: int


def iterate_values(
    game: TabularGame,
    choice: Choice = "strong",
    *,
    tolerance: float = 1e-8,
    max_sweeps: int = 10_000,
    start: Floats | None = None,
) -> TabularSolution:
    """Value iteration of all agents' tables with the Stackelberg choice (36).

    Args:
        game: the true model.
        choice: how followers break ties.
        tolerance: of the certificate: residual and regrets over the span of rewards.
        max_sweeps: bound on the sweeps.
        start: first tables; by default 0.

    Returns:
        Solution with `stats`: `history` (a `SweepRecord` per sweep), `cycle_length`
        (0, or after how many sweeps the tables repeat bit by bit without being a fixed
        point), `flips` in the last half. `CONVERGED` only where the certificate holds;
        `ALMOST_CONVERGED` at a fixed point that misses it, as where followers have no
        pure equilibrium; `MAX_ITERATIONS` where the tables cycle or the bound was met.

    Raises:
        ConfigError: if `choice` is unknown.
        DomainError: if `tolerance` or `max_sweeps` is not positive.
    """
    check_choice(choice)
    if not tolerance > 0.0:
        raise DomainError("tolerance", expected="a number > 0", got=tolerance)
    if max_sweeps < 1:
        raise DomainError("max_sweeps", expected="at least 1", got=max_sweeps)
    table = np.zeros(game.reward.shape) if start is None else np.array(start)
    # A residual this small leaves the regrets of the policy within the tolerance.
    enough = tolerance * (1.0 - game.discount.max()) / 4.0
    history: list[SweepRecord] = []
    kept, kept_at, cycle = table, 0, 0
    leader, reply = choose_actions(table, choice)
    settled = False
    for sweep in range(1, max_sweeps + 1):
        following = one_step(game, values_of(table, leader, reply))
        change = np.abs(following - table).reshape(len(table), -1).max(axis=1)
        relative = float((change / game.reward_span).max())
        before = leader, reply
        settled = relative <= enough
        if not settled:
            table = following
            leader, reply = choose_actions(table, choice)
        flips = int(flipped(before, (leader, reply))[game.live].sum())
        history.append(SweepRecord(sweep, float(change.max()), flips))
        if settled or not np.isfinite(relative):
            break
        if np.array_equal(table, kept):
            cycle = sweep - kept_at
            break
        if sweep == 2 * kept_at or kept_at == 0:  # Brent: keep at powers of two
            kept, kept_at = table, sweep
    answer = TabularAnswer(table, leader, profiles(reply, game), choice)
    certificate = certify_tables(game, answer)
    return Solution(
        value=answer,
        certificate=certificate,
        status=_status(certificate, settled, tolerance),
        iterations=len(history),
        stats={
            "history": tuple(history),
            "cycle_length": cycle,
            "flips": sum(row.flips for row in history[len(history) // 2 :]),
        },
    )


def choose_actions(table: Floats, choice: Choice) -> tuple[Ints, Ints]:
    """The leader's action [S] and the followers' joint reply to each action [S, L]."""
    regret = np.zeros(table.shape[1:])
    for i, own in enumerate(table[:-1]):
        np.maximum(regret, own.max(axis=2 + i, keepdims=True) - own, out=regret)
    s, num_leader = table.shape[1:3]
    regret = regret.reshape(s, num_leader, -1)
    earned = table[-1].reshape(regret.shape)
    stable = regret == 0.0
    if choice == "strong":
        among = np.where(stable, earned, -np.inf).argmax(axis=2)
    else:
        among = np.where(stable, earned, np.inf).argmin(axis=2)
    reply = np.where(stable.any(axis=2), among, regret.argmin(axis=2))
    paid = np.take_along_axis(earned, reply[:, :, None], axis=2)[:, :, 0]
    return paid.argmax(axis=1), reply


def values_of(table: Floats, leader: Ints, reply: Ints) -> Floats:
    """Each agent's table entry at the chosen actions [N + 1, S]."""
    s = np.arange(table.shape[1])
    flat = table.reshape(*table.shape[:3], -1)
    return flat[:, s, leader, reply[s, leader]]


def flipped(before: tuple[Ints, Ints], after: tuple[Ints, Ints]) -> np.ndarray:
    """States whose leader action, or reply to it, differs [S]."""
    s = np.arange(len(before[0]))
    return (before[0] != after[0]) | (before[1][s, before[0]] != after[1][s, after[0]])


def profiles(reply: Ints, game: TabularGame) -> Ints:
    """Joint replies [S, L] as one action per follower [S, L, N]."""
    return np.stack(np.unravel_index(reply, game.follower_sizes), axis=-1)


def _status(certificate: TabularCertificate, settled: bool, tolerance: float) -> Status:
    if not np.isfinite(certificate.residual):
        return Status.NONFINITE
    if certificate.holds(tolerance):
        return Status.CONVERGED
    return Status.ALMOST_CONVERGED if settled else Status.MAX_ITERATIONS
