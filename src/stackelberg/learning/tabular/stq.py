"""ST-Q in tables: asynchronous learning of all agents' tables from sampled steps, (39).

Compared with the print, the value of the next state is taken from the agent's own
current table at that state (E16), and nothing follows a terminal state. Small changes
of the tables do not prove convergence, so the true-model residual ||T Q - Q|| and
policy flips are recorded at checkpoints and decide the status.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numba import njit

from stackelberg.errors import DomainError
from stackelberg.game import Solution, Status
from stackelberg.learning.tabular.answer import (
    TabularAnswer,
    TabularCertificate,
    certify_tables,
)
from stackelberg.learning.tabular.arrays import Bools, Floats, Ints
from stackelberg.learning.tabular.game import TabularGame
from stackelberg.learning.tabular.stage_game import (
    Choice,
    check_choice,
    solve_stage_games,
    solve_state,
)
from stackelberg.learning.tabular.value_iteration import TabularSolution

MAX_STEPS = 10**15
"""Beyond which counts are no longer whole in float64."""

BLOCK = 65_536
"""Steps whose random numbers are drawn at a time; the answer does not depend on it."""


@dataclass(frozen=True)
class StqSettings:
    """How ST-Q learns.

    Attributes:
        steps: sampled transitions, 1 to `MAX_STEPS`.
        exponent: w of the learning rate 1 / n(s, a)^w, in (.5, 1].
        exploration: share of steps with a uniformly drawn joint action, in (0, 1]; in
            the others the current stage equilibrium is played.
        restart: share of steps that begin in a uniformly drawn live state, in [0, 1].
        seed: decides every draw, >= 0.
    """

    steps: int = 1_000_000
    exponent: float = 0.65
    exploration: float = 1.0
    restart: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        for name, good, expected in (
            ("steps", self.steps >= 1, "at least 1"),
            ("steps", self.steps <= MAX_STEPS, f"at most {MAX_STEPS}"),
            ("exponent", 0.5 < self.exponent <= 1.0, "a number in (.5, 1]"),
            ("exploration", 0.0 < self.exploration <= 1.0, "a number in (0, 1]"),
            ("restart", 0.0 <= self.restart <= 1.0, "a number in [0, 1]"),
            ("seed", self.seed >= 0, "a whole number >= 0"),
        ):
            if not good:
                raise DomainError(name, expected=expected, got=getattr(self, name))


@dataclass(frozen=True)
class LearningRecord:
    """What is known at a checkpoint.

    Attributes:
        step: sampled transitions so far.
        residual: true-model ||T Q - Q||, in units of reward.
        relative_residual: the same, each agent's over its span of rewards.
        table_change: largest change of an entry in one step since the last checkpoint,
            what a learner without a model would look at.
        flips: changes of a state's equilibrium since the last checkpoint.
    """

    step: int
    residual: float
    relative_residual: float
    table_change: float
    flips: int


@dataclass(eq=False)
class StqState:
    """What a learner carries from step to step; `advance` changes it in place."""

    table: Floats
    visits: Ints
    state: int
    policy: Ints
    rng: np.random.Generator
    step: int = 0
    work: tuple[np.ndarray, ...] = field(default=())


def start_stq(game: TabularGame, settings: StqSettings) -> StqState:
    """Tables of zeros before the first step."""
    agents, s, num_leader = game.reward.shape[:3]
    flat = (s, num_leader, game.num_profiles)
    return StqState(
        table=np.zeros((agents, *flat)),
        visits=np.zeros(flat, dtype=np.int64),
        state=int(np.flatnonzero(game.live)[0]),
        policy=np.full((s, 2), -1, dtype=np.int64),
        rng=np.random.default_rng(settings.seed),
        work=(
            np.ones(s, dtype=np.bool_),
            np.empty(num_leader, dtype=np.int64),
            np.empty(num_leader, dtype=np.int64),
            np.empty(num_leader),
            np.empty(game.num_profiles),
        ),
    )


def advance(
    game: TabularGame,
    settings: StqSettings,
    state: StqState,
    steps: int,
    choice: Choice = "strong",
) -> tuple[float, int]:
    """Sample `steps` transitions and learn from each.

    Returns:
        Largest change of a table entry in one step, and the number of policy flips.
    """
    s = game.num_states
    cumulative = np.cumsum(game.transition.reshape(s, -1, s), axis=-1)
    largest, flips = 0.0, 0
    for done in range(0, steps, BLOCK):
        size = min(BLOCK, steps - done)
        change, turned, state.state = _learn(
            state.table,
            state.visits,
            game.reward.reshape(state.table.shape),
            cumulative,
            game.live,
            np.flatnonzero(game.live),
            game.discount,
            np.array(game.follower_sizes),
            choice == "strong",
            settings.exponent,
            settings.exploration,
            settings.restart,
            state.rng.random((size, 5)),
            state.state,
            state.policy,
            *state.work,
        )
        largest, flips = max(largest, change), flips + turned
        state.step += size
    return largest, flips


def learn_in_chunks(
    game: TabularGame, settings: StqSettings, choice: Choice = "strong"
) -> Iterator[tuple[StqState, LearningRecord]]:
    """Learn, handing out the state and what is known at every checkpoint."""
    check_choice(choice)
    state = start_stq(game, settings)
    for until in checkpoints(settings.steps):
        change, flips = advance(game, settings, state, until - state.step, choice)
        certificate = certify_tables(game, answer_of(game, state, choice))
        yield (
            state,
            LearningRecord(
                state.step,
                certificate.residual,
                certificate.relative_residual,
                change,
                flips,
            ),
        )


def learn_stq(
    game: TabularGame,
    choice: Choice = "strong",
    *,
    settings: StqSettings | None = None,
    tolerance: float = 0.05,
) -> TabularSolution:
    """Learn with (39) and judge the result by the true model.

    Args:
        game: transitions are sampled from it; the learner sees nothing else of it.
        choice: how followers break ties.
        settings: by default `StqSettings()`.
        tolerance: of the certificate: residual and regrets over the span of rewards.

    Returns:
        Solution with `stats`: `history` (a `LearningRecord` per checkpoint) and `flips`
        in the last quarter of the steps. `CONVERGED` where the certificate holds and no
        state's policy flipped in that quarter; `ALMOST_CONVERGED` where it holds but
        some flipped; else `MAX_ITERATIONS`, however little the tables still change.

    Raises:
        ConfigError: if `choice` is unknown.
    """
    settings = StqSettings() if settings is None else settings
    chunks = list(learn_in_chunks(game, settings, choice))
    history = [record for _, record in chunks]
    return learnt(game, chunks[-1][0], history, choice, tolerance)


def learnt(
    game: TabularGame,
    state: StqState,
    history: list[LearningRecord],
    choice: Choice,
    tolerance: float,
) -> TabularSolution:
    """The solution that a learner's state amounts to; see `learn_stq`."""
    answer = answer_of(game, state, choice)
    certificate = certify_tables(game, answer)
    flips = sum(x.flips for x in history if x.step > 0.75 * state.step)
    return Solution(
        value=answer,
        certificate=certificate,
        status=_status(certificate, flips, tolerance),
        iterations=state.step,
        stats={"history": tuple(history), "flips": flips},
    )


def answer_of(game: TabularGame, state: StqState, choice: Choice) -> TabularAnswer:
    """Tables and the stage equilibria that they mean."""
    table = np.array(state.table).reshape(game.reward.shape)
    found = solve_stage_games(table, choice)
    return TabularAnswer(table, found.leader_action, found.reply, choice)


def table_distance(left: Floats, right: Floats) -> float:
    """||Q - Q'||, (38): the largest difference of an entry, over all agents."""
    return float(np.abs(np.asarray(left) - right).max())


def sampled_target(
    reward: float, discount: float, table: Floats, equilibrium: tuple[int, ...]
) -> float:
    """P_t Q^k of (35): r^k + gamma Q^k(s', equilibrium of s').

    Args:
        reward: r^k(s, a).
        discount: gamma^k.
        table: the agent's own current table at s' [L, F_1, .., F_N]; 0 if terminal.
        equilibrium: the leader's and the followers' actions there.

    Differs from print: the print leaves open whose table pi_* applies to (E16).
    """
    return reward + discount * float(table[equilibrium])


def updated(entry: float, learning_rate: float, target: float) -> float:
    """(34): (1 - alpha) Q + alpha P_t Q, written as one step towards the target."""
    return entry + learning_rate * (target - entry)


def checkpoints(steps: int) -> list[int]:
    """Steps at which the residual is measured: evenly in the logarithm, and evenly."""
    low = min(100, steps)
    spread = np.geomspace(low, steps, 40).round().astype(int)
    even = np.linspace(steps / 20, steps, 20).round().astype(int)
    return sorted({*spread.tolist(), *even.tolist(), steps} - {0})


def _status(certificate: TabularCertificate, flips: int, tolerance: float) -> Status:
    if not np.isfinite(certificate.residual):
        return Status.NONFINITE
    if not certificate.holds(tolerance):
        return Status.MAX_ITERATIONS
    return Status.ALMOST_CONVERGED if flips else Status.CONVERGED


@njit(cache=True, error_model="numpy", nogil=True)
def _learn(
    table: Floats,
    visits: Ints,
    reward: Floats,
    cumulative: Floats,
    live: Bools,
    starts: Ints,
    discount: Floats,
    sizes: Ints,
    strong: bool,
    exponent: float,
    exploration: float,
    restart: float,
    uniform: Floats,
    state: int,
    policy: Ints,
    stale: Bools,
    reply: Ints,
    count: Ints,
    regret: Floats,
    work: Floats,
) -> tuple[float, int, int]:
    """One block of steps: (39) on [N + 1, S, L, J] tables, five draws a step."""
    profiles = table.shape[3]
    joint = table.shape[2] * profiles
    largest, flips = 0.0, 0
    for t in range(uniform.shape[0]):
        if not live[state] or uniform[t, 0] < restart:
            state = starts[int(uniform[t, 1] * starts.shape[0])]
        if uniform[t, 2] < exploration:
            index = int(uniform[t, 3] * joint)
        else:
            flips += _refresh(
                table, state, sizes, strong, policy, stale, reply, count, regret, work
            )
            index = policy[state, 0] * profiles + policy[state, 1]
        row = cumulative[state, index if cumulative.shape[1] > 1 else 0]
        draw = uniform[t, 4] * row[-1]
        following = min(np.searchsorted(row, draw, side="right"), row.shape[0] - 1)
        a, j = index // profiles, index % profiles
        if live[following]:
            flips += _refresh(
                table,
                following,
                sizes,
                strong,
                policy,
                stale,
                reply,
                count,
                regret,
                work,
            )
        visits[state, a, j] += 1
        rate = float(visits[state, a, j]) ** -exponent
        best, answer = policy[following, 0], policy[following, 1]
        for k in range(table.shape[0]):
            target = reward[k, state, a, j]
            if live[following]:
                target += discount[k] * table[k, following, best, answer]
            change = rate * (target - table[k, state, a, j])
            table[k, state, a, j] += change
            largest = max(largest, abs(change))
        stale[state] = True
        state = following
    return largest, flips, state


@njit(cache=True, error_model="numpy", nogil=True)
def _refresh(
    table: Floats,
    s: int,
    sizes: Ints,
    strong: bool,
    policy: Ints,
    stale: Bools,
    reply: Ints,
    count: Ints,
    regret: Floats,
    work: Floats,
) -> int:
    """Solve state `s` again if its tables have changed; 1 if its equilibrium has."""
    if not stale[s]:
        return 0
    best = solve_state(table, s, sizes, strong, reply, count, regret, work)
    turned = policy[s, 0] >= 0 and (policy[s, 0] != best or policy[s, 1] != reply[best])
    policy[s, 0], policy[s, 1] = best, reply[best]
    stale[s] = False
    return int(turned)
