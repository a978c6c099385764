"""The interior point method's last steps, on the edges that an optimum may use.

From a point on the central path that is near the optimum, most edges are seen to be
too dear. The method runs on the others; then all edges are looked at, and where one of
those left out would have been cheaper it is put back and the steps are made again.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import replace

import numpy as np

from stackelberg.edge.central_path import PathPoint
from stackelberg.edge.interior_point import interior_point
from stackelberg.edge.likely_edges import (
    keep,
    nearly_cheapest,
    too_cheap,
)
from stackelberg.edge.problem import Iterate, Problem, Stop
from stackelberg.edge.sparse_factor import Pattern

MARGIN = 0.6
"""Edges dearer than the cheapest by more than this are left out at first. At a gap of
1e-3, 3 of 100,000 users then missed an edge they wanted, with 0.1 eight."""

WORTHWHILE = 0.6
"""Share of the edges above which leaving out the others does not pay."""

MOST_ROUNDS = 3

MARGIN_OF_MISSED = 0.02
"""The same around prices that the smaller problem ended with."""

HARMLESS = 0.1
"""Share of the tolerance that the edges left out may add to the gap."""


def last_steps(
    problem: Problem,
    start: PathPoint,
    tolerance: float,
    max_iterations: int,
    stop: Stop | None = None,
    pool: Executor | None = None,
    pattern: Pattern | None = None,
) -> Iterate:
    """Solve from `start` to a gap of `tolerance` per user; see `interior_point`."""
    mu, v = start.users[:, 0], start.users[:, 1]
    chosen = nearly_cheapest(problem, start.lam, mu, v, MARGIN)
    steps = 0
    for _ in range(MOST_ROUNDS):
        if chosen.sum() > WORTHWHILE * len(chosen):
            break
        likely = keep(problem, chosen)
        users = np.ascontiguousarray(start.users[likely.user])
        found = interior_point(
            likely.problem,
            tolerance,
            max_iterations,
            stop,
            pool,
            replace(start, users=users),
            pattern,
        )
        steps += found.iterations
        lam, mu = found.capacity_shadow_price, found.budget_shadow_price
        v = likely.price_of_utility(lam, mu)
        found = likely.restored(found)
        mu = found.budget_shadow_price
        missed = too_cheap(problem, lam, mu, v) / max(
            float(problem.user_weight.sum()), 1.0
        )
        ended = found.bounded or found.gap_per_user <= tolerance
        if ended and (found.bounded or missed <= HARMLESS * tolerance):
            gap = found.gap_per_user + missed
            return replace(found, gap_per_user=gap, iterations=steps)
        if not ended:
            break
        chosen |= nearly_cheapest(problem, lam, mu, v, MARGIN_OF_MISSED)
    found = interior_point(
        problem, tolerance, max_iterations, stop, pool, start, pattern
    )
    return replace(found, iterations=steps + found.iterations)
