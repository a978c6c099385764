"""A stochastic Stackelberg game in tables: states, actions, rewards, transitions.

In a state the leader commits to an action, the followers see it and act at once; every
agent gets its reward and the state moves on. Shape legend: S states, L leader actions,
N followers with F_1 .. F_N actions, N + 1 agents: the followers in order, the leader
last, as the tables Q^1 .. Q^(N+1) of [D2D] section C.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import prod
from typing import cast

import numpy as np
import numpy.typing as npt

from stackelberg.errors import ConfigError, DomainError, ShapeError
from stackelberg.learning.tabular.arrays import (
    Bools,
    Floats,
    is_number,
    refuse_unless,
    shown_value,
    table_of,
)

GREATEST_REWARD = 1e100
"""So that values, their differences and squares stay finite."""

ROW_SUM_TOLERANCE = 1e-9
"""How far the probabilities of a transition may be from 1 in sum."""

Names = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class TabularGame:
    """Everything a tabular game depends on. Validated, read-only.

    Attributes:
        reward: of each agent [N + 1, S, L, F_1, .., F_N]; the leader's is last.
        transition: probability of the next state, [S, L, F_1, .., F_N, S]; or [S, S]
            where no action changes it (*exogenous* transitions).
        discount: of each agent, 0 <= discount < 1 [N + 1]; one number serves all.
        terminal: states after which nothing comes [S]; their rewards and transitions
            play no part.
        states: name of each state; by default its number.
        leader_actions: names, likewise.
        follower_actions: names, for each follower.

    Raises:
        ShapeError: a length or number of axes does not fit.
        DomainError: a number is not finite or outside its domain, or probabilities do
            not add up to 1.
        ConfigError: a field is of the wrong kind, or a name is given twice.
    """

    reward: Floats
    transition: Floats
    discount: Floats
    terminal: Bools | None = None
    states: Names | None = None
    leader_actions: Names | None = None
    follower_actions: tuple[Names, ...] | None = None

    def __post_init__(self) -> None:
        _set(self, "reward", _checked_reward(self.reward))
        _set(self, "transition", _checked_shape(self))
        _set(self, "discount", _checked_discount(self))
        _set(self, "states", _names("states", self.states, self.num_states))
        _set(self, "terminal", _checked_terminal(self))
        _check_probabilities(self)
        _set(
            self,
            "leader_actions",
            _names("leader_actions", self.leader_actions, self.num_leader_actions),
        )
        _set(self, "follower_actions", _names_of_followers(self))

    @property
    def num_followers(self) -> int:
        """N."""
        return len(self.reward) - 1

    @property
    def num_states(self) -> int:
        """S."""
        return self.reward.shape[1]

    @property
    def num_leader_actions(self) -> int:
        """L."""
        return self.reward.shape[2]

    @property
    def follower_sizes(self) -> tuple[int, ...]:
        """F_1 .. F_N."""
        return self.reward.shape[3:]

    @property
    def num_profiles(self) -> int:
        """Joint actions of the followers: F_1 .. F_N multiplied."""
        return prod(self.follower_sizes)

    @property
    def exogenous(self) -> bool:
        """Whether the transitions were given without actions."""
        return self.transition.ndim == 2

    @property
    def live(self) -> Bools:
        """States that are not terminal [S]."""
        return ~cast("Bools", self.terminal)

    @property
    def reward_span(self) -> Floats:
        """Greatest less least reward of each agent in live states; 1 where it is 0.

        The unit in which relative residuals and regrets are told [N + 1].
        """
        rewards = self.reward[:, self.live].reshape(self.num_followers + 1, -1)
        span = np.ptp(rewards, axis=1)
        return np.where(span > 0.0, span, 1.0)

    def expected_next(self, value: Floats) -> Floats:
        """Expected value of the next state, for each state and joint action.

        Args:
            value: of each agent in each state [N + 1, S]; 0 in terminal states.

        Returns:
            [N + 1, S, L, F_1, .., F_N]; 0 for terminal states.
        """
        follow = np.einsum("...t,kt->k...", self.transition, value)
        if self.exogenous:
            follow = follow.reshape(follow.shape + (1,) * (self.reward.ndim - 2))
        axes = (1, -1) + (1,) * (self.reward.ndim - 2)
        return np.where(self.live.reshape(axes), follow, 0.0) + np.zeros(
            self.reward.shape
        )

    def replace(self, **changes: object) -> TabularGame:
        """The same game with some fields changed; validated again."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return TabularGame(**{**values, **changes})  # type: ignore[arg-type]


def _set(record: object, name: str, value: object) -> None:
    object.__setattr__(record, name, value)


def _checked_reward(value: object) -> Floats:
    reward = table_of("reward", value)
    if reward.ndim < 4 or reward.ndim - 2 != len(reward):
        raise ShapeError(
            "reward",
            expected="[N + 1][S][L][F_1]..[F_N] numbers for N >= 1 followers",
            got=f"shape {list(reward.shape)}",
        )
    if reward.size == 0:
        raise ShapeError(
            "reward",
            expected="at least one state and one action of each agent",
            got=f"shape {list(reward.shape)}",
        )
    small = np.abs(reward) <= GREATEST_REWARD
    refuse_unless("reward", reward, small, f"a number within {GREATEST_REWARD:g} of 0")
    return reward


def _checked_shape(game: TabularGame) -> Floats:
    transition = table_of("transition", game.transition)
    s = game.num_states
    allowed = ((s, s), (*game.reward.shape[1:], s))
    if transition.shape not in allowed:
        raise ShapeError(
            "transition",
            expected=" or ".join(f"shape {list(shape)}" for shape in allowed),
            got=str(list(transition.shape)),
        )
    return transition


def _checked_discount(game: TabularGame) -> Floats:
    raw = table_of("discount", game.discount)
    agents = game.num_followers + 1
    if raw.shape not in ((), (agents,)):
        raise ShapeError(
            "discount",
            expected=f"a number or {agents} numbers, one per agent, the leader's last",
            got=f"shape {list(raw.shape)}",
        )
    refuse_unless("discount", raw, (raw >= 0.0) & (raw < 1.0), "0 <= discount < 1")
    discount = np.array(np.broadcast_to(raw, (agents,)))
    discount.flags.writeable = False
    return discount


def _checked_terminal(game: TabularGame) -> Bools:
    s = game.num_states
    if game.terminal is None:
        raw: npt.NDArray[np.generic] = np.zeros(s, dtype=np.bool_)
    else:
        raw = np.asarray(game.terminal)
    if raw.dtype.kind != "b":
        raise ConfigError(
            "terminal", expected="truth values", got=shown_value(game.terminal)
        )
    if raw.shape != (s,):
        raise ShapeError(
            "terminal",
            expected=f"{s} truth values, one per state",
            got=f"shape {list(raw.shape)}",
        )
    if raw.all():
        raise DomainError(
            "terminal", expected="a state that is not terminal", got="terminal states"
        )
    terminal = np.array(raw, dtype=np.bool_)
    terminal.flags.writeable = False
    return terminal


def _check_probabilities(game: TabularGame) -> None:
    table = game.transition
    live = game.live.reshape((-1,) + (1,) * (table.ndim - 1))
    inside = (table >= 0.0) & (table <= 1.0 + ROW_SUM_TOLERANCE)
    refuse_unless("transition", table, inside | ~live, "a probability")
    total = table.sum(axis=-1)
    near = np.abs(total - 1.0) <= ROW_SUM_TOLERANCE
    refuse_unless(
        "transition", total, near | ~live[..., 0], "probabilities that add up to 1"
    )


def _names(what: str, given: object, count: int) -> Names:
    if given is None:
        return tuple(str(i) for i in range(count))
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise ConfigError(what, expected="a list of names", got=shown_value(given))
    names = tuple(cast("Sequence[object]", given))
    for i, name in enumerate(names):
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise ConfigError(
                f"{what}[{i}]", expected="a name of one line", got=shown_value(name)
            )
        if name in names[:i]:
            raise ConfigError(
                f"{what}[{i}]", expected="each name once", got=f"{name!r} twice"
            )
    if len(names) != count:
        raise ShapeError(what, expected=f"{count} names", got=str(len(names)))
    return cast("Names", names)


def _names_of_followers(game: TabularGame) -> tuple[Names, ...]:
    what, sizes = "follower_actions", game.follower_sizes
    given = cast("object", game.follower_actions)
    if given is None:
        return tuple(_names(what, None, size) for size in sizes)
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise ConfigError(what, expected="lists of names", got=shown_value(given))
    lists = tuple(cast("Sequence[object]", given))
    if len(lists) != len(sizes):
        raise ShapeError(
            what, expected=f"{len(sizes)} lists, one per follower", got=str(len(lists))
        )
    for i, names in enumerate(lists):
        if names is None:
            raise ConfigError(f"{what}[{i}]", expected="a list of names", got="null")
    return tuple(
        _names(f"{what}[{i}]", names, size)
        for i, (names, size) in enumerate(zip(lists, sizes, strict=True))
    )


def as_discount(value: object) -> Floats:
    """A number or a list of numbers as what `TabularGame` takes for `discount`."""
    if is_number(value):
        return np.array(value, dtype=np.float64)
    return table_of("discount", value)
