"""How often value iteration and ST-Q fail, class by class, and how fast they are.

    python benchmarks/tabular_classes.py [--games 200] [--steps 1000000]

Prints one line per class: failures of exact value iteration (status not converged),
failures of ST-Q (its policy, evaluated exactly, leaves somebody more than 5 % of the
rewards' span, or its tables are farther than 5 % from the exact ones), and the error.
Then the speed of the batched stage solver beside plain loops.
"""

from __future__ import annotations

import argparse
import time
from itertools import product

import numpy as np

from stackelberg.game import Status
from stackelberg.learning import (
    StqSettings,
    cycle_game,
    iterate_values,
    learn_stq,
    random_game,
    solve_stage_games,
)
from stackelberg.learning.tabular.classes import (
    CONVERGENT,
    GameClass,
    choice_that_converges,
)
from stackelberg.learning.tabular.stq import table_distance


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--games", type=int, default=200)
    parser.add_argument("--steps", type=int, default=1_000_000)
    options = parser.parse_args()
    for kind in CONVERGENT:
        judge(kind, options.games, options.steps)
    general(options.games)
    for name, found in (
        ("value iteration", iterate_values(cycle_game())),
        ("ST-Q", learn_stq(cycle_game(), settings=StqSettings(steps=options.steps))),
    ):
        print(
            f"cycle game, {name}: {found.status.label}, residual "
            f"{found.certificate.residual:.3g}, {found.stats['flips']} late flips"
        )
    stage_speed()


def judge(kind: GameClass, games: int, steps: int) -> None:
    choice = choice_that_converges(kind)
    unsolved = wrong = 0
    errors: list[float] = []
    start = time.process_time()
    for seed in range(games):
        game = random_game(kind, seed=seed)
        exact = iterate_values(game, choice)
        unsolved += exact.status is not Status.CONVERGED
        settings = StqSettings(steps=steps, seed=seed)
        found = learn_stq(game, choice, settings=settings)
        error = table_distance(found.value.action_value, exact.value.action_value)
        errors.append(error / float(game.reward_span.max()))
        wrong += not found.certificate.holds(0.05) or errors[-1] > 0.05
    seconds = time.process_time() - start
    print(
        f"{kind}: of {games} games value iteration failed on {unsolved}, ST-Q after "
        f"{steps} steps on {wrong}; error median {np.median(errors):.4f}, largest "
        f"{max(errors):.4f}; {1e6 * seconds / games / steps:.2f} CPU s a million steps"
    )


def general(games: int) -> None:
    for sizes, discount in product(((3,), (5,)), (0.8, 0.95)):
        failed = sum(
            iterate_values(
                random_game(
                    "general", seed=seed, follower_sizes=sizes, discount=discount
                ),
                max_sweeps=5000,
            ).status
            is not Status.CONVERGED
            for seed in range(games)
        )
        print(
            f"general, one follower with {sizes[0]} actions, discount {discount}: "
            f"value iteration failed on {failed} of {games}"
        )


def stage_speed() -> None:
    table = np.random.default_rng(0).random((3, 20_000, 5, 5, 5))
    solve_stage_games(table[:, :10])
    start = time.process_time()
    found = solve_stage_games(table)
    fast = time.process_time() - start
    few = 50
    start = time.process_time()
    slow = [by_loops(table[:, s].tolist()) for s in range(few)]
    plain = (time.process_time() - start) / few
    same = [int(x) for x in found.leader_action[:few]] == slow
    print(
        f"stage games, 2 followers, 5 x 5 x 5 actions: {len(table[0]) / fast:,.0f} a "
        f"CPU second; plain loops {1 / plain:,.0f}; same answers: {same}"
    )


def by_loops(table: list[list[list[list[float]]]]) -> int:
    """The leader's action, by loops over everything, as a first draft would."""
    first, second, leader = table
    best, best_value = 0, -np.inf
    for a in range(len(leader)):
        stable: list[float] = []
        least, fallback = np.inf, 0.0
        for i, j in product(range(5), range(5)):
            gain = max(
                max(first[a][x][j] for x in range(5)) - first[a][i][j],
                max(second[a][i][x] for x in range(5)) - second[a][i][j],
            )
            if gain == 0.0:
                stable.append(leader[a][i][j])
            elif gain < least:
                least, fallback = gain, leader[a][i][j]
        value = max(stable) if stable else fallback
        if value > best_value:
            best, best_value = a, value
    return best


if __name__ == "__main__":
    main()
