"""The interior point method's last steps, on the edges that an optimum may use.

From a point on the central path that is near the optimum, most edges are seen to be
too dear. The method runs on the others; then all edges are looked at, and where one of
those left out would have been cheaper it is put back and the steps are made again.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stackelberg.edge.market import Bools
from stackelberg.edge.solvers.central_path import PathPoint
from stackelberg.edge.solvers.interior_point import Effort
from stackelberg.edge.solvers.likely_edges import (
    LikelyEdges,
    keep,
    nearly_cheapest,
    too_cheap,
)
from stackelberg.edge.solvers.problem import Iterate, Problem

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
    effort: Effort,
) -> Iterate:
    """Solve from `start` as far as `effort` goes."""
    mu, v = start.users[:, 0], start.users[:, 1]
    chosen = nearly_cheapest(problem, start.lam, mu, v, MARGIN, DOUBT)
    steps = 0
    for _ in range(MOST_ROUNDS):
        if chosen.sum() > WORTHWHILE * len(chosen):
            break
        likely = keep(problem, chosen)
        users = np.ascontiguousarray(start.users[likely.user])
        point = replace(start, users=users)
        found, missed = solved_on(problem, likely, point, effort)
        steps += found.iterations
        if found.bounded or found.gap_per_user <= effort.tolerance:
            return replace(found, iterations=steps)
        if missed is None:
            break
        chosen |= missed
    found = effort.spent_on(problem, start)
    return replace(found, iterations=steps + found.iterations)


def solved_on(
    problem: Problem,
    likely: LikelyEdges,
    point: PathPoint,
    effort: Effort,
) -> tuple[Iterate, Bools | None]:
    """An answer from likely edges alone as one to the whole problem, with its gap on
    all edges; and those that it should have had, None if that is not what it lacks.
    """
    few = (1.0 - HARMLESS) * effort.tolerance
    found = replace(effort, tolerance=few).spent_on(likely.problem, point)
    lam, mu = found.capacity_shadow_price, found.budget_shadow_price
    v = likely.price_of_utility(lam, mu)
    jammed = found.gap_per_user > few
    found = likely.restored(found)
    mu = found.budget_shadow_price
    added = too_cheap(problem, lam, mu, v) / float(problem.user_weight.sum())
    found = replace(found, gap_per_user=found.gap_per_user + added)
    if jammed or found.gap_per_user <= effort.tolerance:
        return found, None
    return found, nearly_cheapest(problem, lam, mu, v, MARGIN_OF_MISSED)
