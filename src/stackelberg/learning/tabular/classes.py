"""Random tabular games of the classes where ST-Q converges, and one where it cannot.

Why a class converges is said at each; everything else is *general* and may not.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Literal, TypeAlias, get_args

import numpy as np

from stackelberg.errors import ConfigError, DomainError, suggestion
from stackelberg.learning.tabular.arrays import Floats
from stackelberg.learning.tabular.game import TabularGame
from stackelberg.learning.tabular.stage_game import Choice
from stackelberg.learning.tabular.value_iteration import iterate_values

GameClass: TypeAlias = Literal[
    "exogenous", "myopic", "team", "zero-sum", "strict-gaps", "general"
]

LEAST_GAP = 0.03
"""By how much the leader's best action leads in games with strict gaps."""

MOST_DRAWS = 200
"""Bound on the draws of such a game; the last one is taken whatever its gap."""

CONVERGENT: tuple[GameClass, ...] = get_args(GameClass)[:-1]
"""Classes in which value iteration converges, by argument."""


def choice_that_converges(kind: GameClass) -> Choice:
    """The choice among equilibria under which a class converges.

    Several followers who share the loss of a zero-sum leader must settle on the worst
    for it: then value iteration is that of a max-min problem. A team must settle on the
    best. Elsewhere either will do.
    """
    return "weak" if kind == "zero-sum" else "strong"


def random_game(
    kind: GameClass,
    *,
    seed: int,
    num_states: int = 4,
    num_leader_actions: int = 3,
    follower_sizes: Sequence[int] = (3, 2),
    discount: float = 0.8,
) -> TabularGame:
    """A random game of a class, rewards in [0, 1] (zero-sum: [-1, 1]).

    Args:
        kind: which class.
            `exogenous`: transitions do not depend on actions. All stage games of (36)
            are then the one-shot game plus a constant: the same equilibria.
            `myopic`: the followers' discount is 0, so their tables are their rewards
            and their replies stay; the leader faces a Markov decision process.
            `team`: all rewards are equal; under `strong` the equilibrium is the common
            maximum.
            `zero-sum`: followers share the leader's loss; under `weak` (with one
            follower: either) it is a max-min problem with pure commitments.
            `strict-gaps`: each follower has a dominant action by a margin that no
            continuation can make up for, its discount being small enough, and the
            leader's best action leads by `LEAST_GAP` at the fixed point.
            `general`: independent rewards and transitions; nothing is promised.
            In the first two the followers' one-shot games have an exact potential (a
            common term plus what each cannot change), so a pure equilibrium exists;
            the next three have one for the reason given.
        seed: decides every draw, >= 0.
        num_states: S.
        num_leader_actions: L.
        follower_sizes: F_1 .. F_N.
        discount: of all agents, except where the class says otherwise.

    Raises:
        ConfigError: if `kind` is unknown.
        DomainError: if a size or the seed is out of range.
    """
    if kind not in get_args(GameClass):
        known = get_args(GameClass)
        raise ConfigError(
            "kind",
            expected=f"one of {', '.join(known)}{suggestion(kind, known)}",
            got=repr(kind),
        )
    for name, size in (
        ("num_states", num_states),
        ("num_leader_actions", num_leader_actions),
        ("follower_sizes", min(follower_sizes, default=0)),
    ):
        if size < 1:
            raise DomainError(name, expected="at least 1", got=size)
    if seed < 0:
        raise DomainError("seed", expected="a whole number >= 0", got=seed)
    rng = np.random.default_rng(seed)
    actions = (num_leader_actions, *follower_sizes)
    shape = (len(follower_sizes) + 1, num_states, *actions)
    rows = (num_states,) if kind == "exogenous" else (num_states, *actions)
    game = _drawn(kind, rng, shape, rows, discount)
    if kind == "strict-gaps":
        for _ in range(MOST_DRAWS):
            if leader_gap(game) >= LEAST_GAP:
                break
            game = _drawn(kind, rng, shape, rows, discount)
    return game


def leader_gap(game: TabularGame) -> float:
    """By how much the leader's best action leads at the fixed point, at the least.

    Infinite where the leader has one action.
    """
    answer = iterate_values(game).value
    s, leader = np.arange(game.num_states)[:, None], np.arange(game.num_leader_actions)
    earned = answer.action_value[-1][(s, leader, *np.moveaxis(answer.reply, -1, 0))]
    if earned.shape[1] == 1:
        return float(np.inf)
    best = np.sort(earned, axis=1)
    return float((best[:, -1] - best[:, -2])[game.live].min())


def _drawn(
    kind: GameClass,
    rng: np.random.Generator,
    shape: tuple[int, ...],
    rows: tuple[int, ...],
    discount: float,
) -> TabularGame:
    reward = _rewards(kind, rng, shape)
    return TabularGame(
        reward=reward,
        transition=rng.dirichlet(np.ones(shape[1]), size=rows),
        discount=_discounts(kind, reward, discount),
    )


def cycle_game(discount: float = 0.9) -> TabularGame:
    """A game in which (36) has no fixed point: value iteration 2-cycles for ever.

    One live state. After the leader's `wait` the follower may stay, which pays leader
    and follower (-10, 1) and keeps the state, or quit for (2, 5); after `stop` all is
    over for (1, 0). If staying leads on to another (2, 5) the follower stays, so the
    leader stops; if it leads to a stop the follower quits, so the leader waits.
    """
    reward = np.zeros((2, 2, 2, 2))
    reward[0, 0] = [[1.0, 5.0], [0.0, 0.0]]
    reward[1, 0] = [[-10.0, 2.0], [1.0, 1.0]]
    transition = np.zeros((2, 2, 2, 2))
    transition[..., 1] = 1.0
    transition[0, 0, 0] = [1.0, 0.0]
    return TabularGame(
        reward=reward,
        transition=transition,
        discount=np.array(discount),
        terminal=np.array([False, True]),
        states=("open", "over"),
        leader_actions=("wait", "stop"),
        follower_actions=(("stay", "quit"),),
    )


def _rewards(
    kind: GameClass, rng: np.random.Generator, shape: tuple[int, ...]
) -> Floats:
    if kind == "team":
        return np.broadcast_to(rng.random(shape[1:]), shape)
    if kind == "zero-sum":
        leader = rng.random(shape[1:])
        return np.stack([-leader] * (shape[0] - 1) + [leader])
    reward = rng.random(shape)
    if kind in ("exogenous", "myopic"):
        reward[-1] = _spaced(rng, shape[1:], kept=1)
        common = _spaced(rng, shape[1:], kept=2)
        for i in range(shape[0] - 1):  # what the rivals do to it moves no decision
            effect = np.take(reward[i], [0], axis=2 + i)
            reward[i] = (common + effect) / 2.0
    if kind == "strict-gaps":
        for i in range(shape[0] - 1):
            reward[i] = _dominant(rng, reward[i], axis=2 + i)
    return reward


def _spaced(rng: np.random.Generator, shape: tuple[int, ...], kept: int) -> Floats:
    """Numbers in [0, 1]; over all but the first `kept` axes no two of n are nearer
    than .5 / n, so that no decision hangs on noise.
    """
    rows = rng.random((prod(shape[:kept]), prod(shape[kept:])))
    ranks = rows.argsort(axis=1).argsort(axis=1)
    return ((ranks + 0.5 * rng.random(rows.shape)) / rows.shape[1]).reshape(shape)


def _dominant(rng: np.random.Generator, reward: Floats, axis: int) -> Floats:
    """Rewards with one dominant action along `axis`, chosen for each state and leader
    action: at least .5 better than any other, whatever the rivals do.
    """
    size = reward.shape[axis]
    wanted = rng.integers(size, size=reward.shape[:2])
    own = np.arange(size).reshape((-1,) + (1,) * (reward.ndim - axis - 1))
    wanted = wanted.reshape(wanted.shape + (1,) * (reward.ndim - 2))
    return np.where(own == wanted, 0.75 + 0.25 * reward, 0.25 * reward)


def _discounts(kind: GameClass, reward: Floats, discount: float) -> Floats:
    """Of each agent [N + 1].

    With strict gaps: a continuation moves a follower's entries apart by at most
    gamma span / (1 - gamma); below its least gap g that is gamma < g / (g + span).
    """
    discounts = np.full(len(reward), discount)
    if kind == "myopic":
        discounts[:-1] = 0.0
    if kind == "strict-gaps":
        for i, own in enumerate(reward[:-1]):
            ordered = np.sort(own, axis=2 + i)
            if ordered.shape[2 + i] == 1:
                continue
            best = np.take(ordered, [-1], axis=2 + i)
            gap = float((best - np.take(ordered, [-2], axis=2 + i)).min())
            discounts[i] = min(discount, 0.9 * gap / (gap + np.ptp(own)))
    return discounts
