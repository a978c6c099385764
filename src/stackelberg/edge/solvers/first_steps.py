"""Large markets from rough node prices, on the edges that an optimum may use.

At fair prices (`rough_prices`) most edges are seen to be too dear already. The interior
point method on the others, a little way, finds node prices near the optimum; seen from
there even fewer edges are left, on which the central path is joined and followed to the
end. Edges put aside by mistake come back each time that all are looked at.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from stackelberg.edge.market import Bools, Floats
from stackelberg.edge.solvers.central_path import MAX_PASSES, follow_path
from stackelberg.edge.solvers.interior_point import Effort
from stackelberg.edge.solvers.last_steps import DOUBT, MARGIN, MOST_ROUNDS, solved_on
from stackelberg.edge.solvers.likely_edges import keep, nearly_cheapest
from stackelberg.edge.solvers.problem import Iterate, Problem
from stackelberg.edge.solvers.rough_prices import best_answers, fair_prices

FAIR_GAP = 0.05
"""Gap of the path's point whose fair prices are the first."""

WIDE = (1.0, 0.0)
"""Margin and doubt around fair prices."""

FIRST_GAP = 3e-2
"""Gap per user to which the first prices are improved."""

CROWD = 200
"""Users a node from which on the central path is smooth down to small gaps."""

KNOWN, KNOWN_IN_A_CROWD = (1e-3, 3e-3, 1e-2), (3e-4, 3e-3)
"""Gaps per user at which known prices join the path, tried in this order."""

KNOWN_PASSES = 4
"""Passes after which known prices are too far for a gap."""

LEAST_SHARE = 1e-2
"""Share of what a node's price would be on the path that is its least."""


def from_rough_prices(
    problem: Problem,
    target: float,
    effort: Effort,
) -> Iterate | None:
    """Solve as far as `effort` goes; None where that way leads nowhere.

    Args:
        problem: what to solve; the logarithm only.
        target: gap per user at which the central path is left.
        effort: its bound on the steps is that of each part.
    """
    lam = fair_prices(problem, FAIR_GAP)
    likely = keep(problem, _likely(problem, lam, *WIDE))
    first = replace(effort, tolerance=FIRST_GAP).spent_on(likely.problem)
    if first.bounded:
        return likely.restored(first)
    if first.gap_per_user > FIRST_GAP:
        return None
    found = from_prices(
        problem, first.capacity_shadow_price, (max(FIRST_GAP, target), target), effort
    )
    if found is None:
        return None
    return replace(found, iterations=first.iterations + found.iterations)


def from_known_prices(
    problem: Problem,
    lam: Floats,
    effort: Effort,
) -> Iterate | None:
    """The same from node prices of a similar problem; None where they are too far."""
    crowd = len(problem.budget) / len(problem.capacity)
    for gap in KNOWN_IN_A_CROWD if crowd >= CROWD else KNOWN:
        at = max(gap, effort.tolerance)
        found = from_prices(problem, lam, (at, at), effort, KNOWN_PASSES)
        if found is not None:
            return found
    return None


def from_prices(
    problem: Problem,
    lam: Floats,
    gaps: tuple[float, float],
    effort: Effort,
    max_passes: int = MAX_PASSES,
) -> Iterate | None:
    """The central path from the first to the second of `gaps` per user, and the end.

    Arguments as for `from_rough_prices`; the path is given up after `max_passes`.
    """
    first_gap, target = gaps
    lam, steps = _at_least(problem, lam, target), 0
    chosen = _likely(problem, lam, MARGIN, DOUBT)
    for _ in range(MOST_ROUNDS):
        likely = keep(problem, chosen)
        point = follow_path(
            likely.problem, target, effort.pool, lam=lam, first_gap=first_gap,
            stop=effort.stop, pattern=effort.pattern, max_passes=max_passes,
        )  # fmt: skip
        if point is None:
            return None
        lam, first_gap = point.lam, target
        found, missed = solved_on(problem, likely, point, effort)
        steps += math.ceil(point.passes) + found.iterations
        if found.bounded or found.gap_per_user <= effort.tolerance:
            return replace(found, iterations=steps)
        if missed is None:
            return None
        chosen |= missed
    return None


def _likely(problem: Problem, lam: Floats, margin: float, doubt: float) -> Bools:
    mu, v = best_answers(problem, lam)
    return nearly_cheapest(problem, lam, mu, v, margin, doubt)


def _at_least(problem: Problem, lam: Floats, target: float) -> Floats:
    """Of a node with room to spare, the least price that leaves it some."""
    crowd = len(problem.budget) / len(problem.capacity)
    least = LEAST_SHARE * target * crowd / problem.capacity
    return np.where(np.isfinite(problem.capacity), np.maximum(lam, least), 0.0)
