"""The one-shot game that a state's tables describe: leader first, followers after.

For each leader action the followers' pure Nash equilibria are enumerated; the followers
settle on the one that is best (`strong`) or worst (`weak`) for the leader, then on the
lowest index; the leader takes its best action, then the lowest index. Where the
followers have no pure equilibrium the declared fallback is the joint action whose
largest regret is least, and the answer says so.

Legend: S states, L leader actions, N followers, J joint actions of the followers in
C order (the last follower's action runs fastest).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
from numba import njit

from stackelberg.errors import ConfigError, ShapeError, suggestion
from stackelberg.learning.tabular.arrays import Bools, Floats, Ints, table_of

Choice: TypeAlias = Literal["strong", "weak"]


@dataclass(frozen=True, eq=False)
class StageEquilibria:
    """The Stackelberg equilibrium of every state's stage game.

    Attributes:
        leader_action: [S].
        reply: followers' answer to each leader action [S, L, N].
        num_equilibria: followers' pure Nash equilibria after each action [S, L].
        reply_regret: most that one follower would gain by leaving its reply [S, L];
            0 where there is an equilibrium.
        value: of each agent [N + 1, S].
    """

    leader_action: Ints
    reply: Ints
    num_equilibria: Ints
    reply_regret: Floats
    value: Floats

    @property
    def follower_action(self) -> Ints:
        """The followers' actions at the equilibrium [S, N]."""
        return self.reply[np.arange(len(self.reply)), self.leader_action]

    @property
    def fallback(self) -> Bools:
        """States whose answer is no equilibrium: the followers had none [S]."""
        at = np.arange(len(self.reply)), self.leader_action
        return self.num_equilibria[at] == 0


def solve_stage_games(
    action_value: npt.ArrayLike, choice: Choice = "strong"
) -> StageEquilibria:
    """Solve the stage games of all states.

    Args:
        action_value: tables Q^1 .. Q^N of the followers and, last, the leader's
            [N + 1, S, L, F_1, .., F_N].
        choice: whether followers break ties for the leader (`strong`) or against it.

    Raises:
        ShapeError: if the axes do not fit.
        DomainError: if an entry is not finite.
        ConfigError: if `choice` is unknown.
    """
    check_choice(choice)
    table = table_of("action_value", action_value)
    if table.ndim < 4 or table.ndim - 2 != len(table) or table.size == 0:
        raise ShapeError(
            "action_value",
            expected="[N + 1, S, L, F_1, .., F_N] for N >= 1 followers",
            got=f"shape {list(table.shape)}",
        )
    sizes = table.shape[3:]
    agents, s, num_leader = table.shape[:3]
    leader = np.empty(s, dtype=np.int64)
    reply = np.empty((s, num_leader), dtype=np.int64)
    count = np.empty((s, num_leader), dtype=np.int64)
    regret = np.empty((s, num_leader))
    flat = table.reshape(agents, s, num_leader, -1)
    solve_states(
        flat, np.array(sizes), choice == "strong", leader, reply, count, regret
    )
    chosen = reply[np.arange(s), leader]
    return StageEquilibria(
        leader_action=leader,
        reply=np.stack(np.unravel_index(reply, sizes), axis=-1).astype(np.int64),
        num_equilibria=count,
        reply_regret=regret,
        value=flat[:, np.arange(s), leader, chosen],
    )


def check_choice(choice: str) -> None:
    """Refuse an unknown choice among several equilibria of the followers.

    Raises:
        ConfigError: if it is neither `strong` nor `weak`.
    """
    known = get_args(Choice)
    if choice not in known:
        raise ConfigError(
            "choice",
            expected=f"{' or '.join(known)}{suggestion(choice, known)}",
            got=repr(choice),
        )


@njit(cache=True, error_model="numpy", nogil=True)
def solve_states(
    table: Floats,
    sizes: Ints,
    strong: bool,
    leader: Ints,
    reply: Ints,
    count: Ints,
    regret: Floats,
) -> None:
    """Solve every state of `table` [N + 1, S, L, J]; writes the last four arguments."""
    work = np.empty(table.shape[3])
    for s in range(table.shape[1]):
        leader[s] = solve_state(
            table, s, sizes, strong, reply[s], count[s], regret[s], work
        )


@njit(cache=True, error_model="numpy", nogil=True)
def solve_state(
    table: Floats,
    s: int,
    sizes: Ints,
    strong: bool,
    reply: Ints,
    count: Ints,
    regret: Floats,
    work: Floats,
) -> int:
    """The leader's action in state `s`; writes what follows each action [L].

    Args:
        table: [N + 1, S, L, J].
        s: the state.
        sizes: number of actions of each follower [N].
        strong: which of several equilibria.
        reply: joint index of the followers' answers.
        count: number of their pure equilibria.
        regret: largest regret at the answer.
        work: space [J].
    """
    leader_table = table[table.shape[0] - 1, s]
    best = 0
    for a in range(table.shape[2]):
        _largest_regrets(table, s, a, sizes, work)
        count[a] = 0
        chosen = 0
        for j in range(work.shape[0]):
            if work[j] == 0.0:
                earned, known = leader_table[a, j], leader_table[a, chosen]
                better = earned > known if strong else earned < known
                if count[a] == 0 or better:
                    chosen = j
                count[a] += 1
            elif count[a] == 0 and work[j] < work[chosen]:
                chosen = j
        reply[a] = chosen
        regret[a] = work[chosen]
        if leader_table[a, chosen] > leader_table[best, reply[best]]:
            best = a
    return best


@njit(cache=True, error_model="numpy", nogil=True)
def _largest_regrets(table: Floats, s: int, a: int, sizes: Ints, work: Floats) -> None:
    """Write the most that one follower gains by deviating from each joint action."""
    work[:] = 0.0
    stride = work.shape[0]
    for i in range(sizes.shape[0]):
        block = stride
        stride //= sizes[i]
        own = table[i, s, a]
        for start in range(0, work.shape[0], block):
            for inner in range(start, start + stride):
                most = own[inner]
                for j in range(inner + stride, inner + block, stride):
                    most = max(most, own[j])
                for j in range(inner, inner + block, stride):
                    work[j] = max(work[j], most - own[j])
