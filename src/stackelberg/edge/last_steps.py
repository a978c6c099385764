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
    LikelyEdges,
    keep,
    nearly_cheapest,
    too_cheap,
)
from stackelberg.edge.market import Bools
from stackelberg.edge.problem import Iterate, Problem, Stop
from stackelberg.edge.sparse_factor import Pattern

MARGIN, DOUBT = 0.5, 0.15
"""Edges are kept up to this much dearer than the cheapest, and where mu is unsure by
this share of the most it can be. Of 100,000 users near a gap of 1e-2 three missed an
edge they wanted at 0.3 and 0.1, with 2.1 edges kept of 8; a margin of 1 alone kept 3.8
and six missed one."""

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
    chosen = nearly_cheapest(problem, start.lam, mu, v, MARGIN, DOUBT)
    steps = 0
    for _ in range(MOST_ROUNDS):
        if chosen.sum() > WORTHWHILE * len(chosen):
            break
        likely = keep(problem, chosen)
        users = np.ascontiguousarray(start.users[likely.user])
        point = replace(start, users=users)
        found, missed = solved_on(
            problem, likely, point, tolerance, max_iterations, stop, pool, pattern
        )
        steps += found.iterations
        if found.bounded or found.gap_per_user <= tolerance:
            return replace(found, iterations=steps)
        if missed is None:
            break
        chosen |= missed
    found = interior_point(
        problem, tolerance, max_iterations, stop, pool, start, pattern
    )
    return replace(found, iterations=steps + found.iterations)


def solved_on(
    problem: Problem,
    likely: LikelyEdges,
    point: PathPoint,
    tolerance: float,
    max_iterations: int,
    stop: Stop | None,
    pool: Executor | None,
    pattern: Pattern | None,
) -> tuple[Iterate, Bools | None]:
    """An answer from likely edges alone as one to the whole problem, with its gap on
    all edges; and those that it should have had, None if that is not what it lacks.
    """
    few = (1.0 - HARMLESS) * tolerance
    found = interior_point(
        likely.problem, few, max_iterations, stop, pool, point, pattern
    )
    lam, mu = found.capacity_shadow_price, found.budget_shadow_price
    v = likely.price_of_utility(lam, mu)
    jammed = found.gap_per_user > few
    found = likely.restored(found)
    mu = found.budget_shadow_price
    added = too_cheap(problem, lam, mu, v) / float(problem.user_weight.sum())
    found = replace(found, gap_per_user=found.gap_per_user + added)
    if jammed or found.gap_per_user <= tolerance:
        return found, None
    return found, nearly_cheapest(problem, lam, mu, v, MARGIN_OF_MISSED)
