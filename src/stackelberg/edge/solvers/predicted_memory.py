"""How many bytes a solve will take beyond the market, before it starts.

The solver of one resource type at a time holds its arrays (`method_choice.BYTES`) and
its matrix of nodes by nodes; the answers of the types before it and the certificate of
the whole come beside or after it. Measured peaks are in ``docs/benchmarks.md``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stackelberg.edge.fairness import PROPORTIONAL
from stackelberg.edge.market import Bools, Market
from stackelberg.edge.outcome import EDGES_AT_A_TIME
from stackelberg.edge.solvers.method_choice import AIM, Method, choose, choose_smooth
from stackelberg.edge.solvers.usable_problem import usable_problem
from stackelberg.edge.taking_part import users_taking_part
from stackelberg.edge.utilities import LINEAR, Utility

ANSWER = (10, 30)
"""Bytes of the answers found so far, per edge and per user."""

CERTIFICATE = (24, 190)
"""Bytes of the answer and its certificate, per edge and per user."""

COPY = (14, 60)
"""Bytes of one type's rows where the market has several, per edge and per user."""

PER_NUMBER_AT_A_TIME = 48
"""Bytes of the certificate for each number that it makes at once."""


def predicted_bytes(
    market: Market,
    tolerance: float = 1e-8,
    *,
    utility: Utility = LINEAR,
    method: Method | None = None,
    counted: Bools | None = None,
) -> int:
    """Bytes that `allocate` is predicted to take at most, beyond the market.

    The method is chosen as `allocate` would choose it, which takes about a hundredth of
    the time of solving and 10 bytes an edge.

    Args:
        market: prices, capacities, budgets and weights.
        tolerance: gap per user that will be asked for.
        utility: of every user.
        method: that will be asked for; by default the one that will be chosen.
        counted: users that take part [N]; by default all, and degenerate ones are
            refused.

    Raises:
        DomainError: the market has degenerate or unbounded users.
    """
    if counted is None:
        counted = users_taking_part(market, utility)
    solves: list[int] = []
    for resource in market.resources:
        users, nodes = market.rows_of(resource)
        part = market if len(market.resources) == 1 else market.part(users, nodes)
        usable = part.usable_edges()
        usable &= np.repeat(counted[users], np.diff(part.weight.indptr))
        problem, _ = usable_problem(part, usable, counted[users], PROPORTIONAL)
        choice = (
            choose(problem, AIM * tolerance, method)
            if utility == LINEAR
            else choose_smooth(problem)
        )
        solves.append(choice.memory)
    return needed_bytes(market, solves)


def needed_bytes(market: Market, solves: Sequence[int]) -> int:
    """Bytes of the largest of the types' `solves`, or of the certificate."""
    edges, users = market.num_edges, market.num_users
    beside = 0
    if len(solves) > 1:
        beside = (ANSWER[0] + COPY[0]) * edges + (ANSWER[1] + COPY[1]) * users
    at_once = PER_NUMBER_AT_A_TIME * min(edges, EDGES_AT_A_TIME)
    judged = CERTIFICATE[0] * edges + CERTIFICATE[1] * users + at_once
    return max(max(solves, default=0) + beside, judged)


def told_bytes(count: int) -> str:
    """Bytes as people read them: 512 bytes, 51.3 MB, 1.2 GB."""
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"
