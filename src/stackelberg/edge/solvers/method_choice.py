"""Which method solves a market soonest, predicted from its size and the gap asked for.

The interior point method takes 9 to 21 steps whatever the gap, each with a matrix of
nodes by nodes to add up and to factor, densely or, where reach is local, sparsely. The
first-order method needs no matrix and about 2.2 times as many passes for each digit.
The costs below are CPU nanoseconds of one core, measured; only their ratios matter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from stackelberg.edge.solvers.blocks import blocks_of
from stackelberg.edge.solvers.problem import Problem
from stackelberg.edge.solvers.sparse_factor import (
    PER_ENTRY,
    Pattern,
    pattern_of,
    useful_pattern,
)

Method = Literal["dense", "sparse", "first_order"]
"""Interior point with a dense or sparse factor, or the first-order method."""

METHODS: tuple[Method, ...] = get_args(Method)

WORDS: dict[Method, str] = {
    "dense": "interior point",
    "sparse": "interior point, sparse",
    "first_order": "first order",
}
"""The methods as they are printed."""

STEPS = 14
"""Of the interior point method."""

STEP_PER_EDGE, PER_PAIR, PER_FLOP = 60.0, 2.5, 0.06
"""Of a step: per edge, per pair of edges of a user, and per multiplication."""

PASSES, PASSES_PER_DIGIT = 30.0, 2.2
"""Of the first-order method: for a gap of 1e-2, and the factor for each further digit;
geometric means over 22 markets from 1e-2 to 1e-7."""

PASS_PER_EDGE, PASS_PER_USER = 8.0, 70.0
"""Of a pass, its share of the gap's checks included."""

LEAST_GAP = 1e-6
"""Smaller ones are left to the interior point method while a matrix has room."""

LEAST_NODES = 256
"""With fewer a dense factor costs next to nothing."""

BYTES = {
    "dense": (40, 200), "sparse": (40, 200), "first_order": (42, 130),
    "smooth": (110, 210),
}  # fmt: skip
"""Of a solve beyond the market, per edge and per user, what its blocks copy included;
matrices of nodes by nodes apart."""

SCRATCH = 600_000
"""Bytes that the smallest solve takes too."""

AIM = 0.5
"""Share of the tolerance that a solver is sent to; the rest is for rounding."""

LARGEST_MATRIX = 1 << 31
"""Bytes of a dense matrix that are never exceeded by choice."""


@dataclass(frozen=True, eq=False)
class Choice:
    """A method, and what was predicted of each.

    Attributes:
        method: the one to take.
        seconds: CPU seconds predicted of each method that was considered.
        memory: bytes that the method is predicted to take beyond the market.
        pattern: of the sparse factor, if that is the method.
    """

    method: Method
    seconds: dict[Method, float]
    memory: int
    pattern: Pattern | None


def choose(problem: Problem, tolerance: float, method: Method | None = None) -> Choice:
    """The method predicted to be the soonest, or the one asked for.

    Args:
        problem: what is to be solved.
        tolerance: gap per user asked for.
        method: takes this one, also where it does not pay.
    """
    nodes = len(problem.capacity)
    blocks = len(blocks_of(problem.indptr, nodes)) - 1
    pattern = None
    if method == "sparse":
        pattern = pattern_of(problem.indptr, problem.node, nodes)
    elif method is None and nodes >= LEAST_NODES:
        pattern = useful_pattern(problem.indptr, problem.node, nodes)
    seconds = _seconds(problem, tolerance, pattern)
    chosen: Method
    if method is None:
        fits = 8 * nodes**2 <= LARGEST_MATRIX
        matrix_free = tolerance >= LEAST_GAP or not (fits or pattern is not None)
        able: dict[Method, bool] = {
            "dense": fits, "sparse": pattern is not None, "first_order": matrix_free,
        }  # fmt: skip
        candidates: list[Method] = [m for m in METHODS if able[m]]
        chosen = min(candidates, key=lambda m: seconds[m])
    else:
        chosen = method
    entries = {"dense": nodes**2 * blocks, "sparse": 0, "first_order": 0}
    if pattern is not None:
        entries["sparse"] = pattern.num_values + pattern.table.size * blocks
    memory = _memory(problem, chosen) + 8 * entries[chosen]
    kept = pattern if chosen == "sparse" else None
    return Choice(chosen, seconds, memory, kept)


def choose_smooth(problem: Problem) -> Choice:
    """The one method that other utilities have, with the bytes it takes."""
    nodes = len(problem.capacity)
    blocks = len(blocks_of(problem.indptr, nodes)) - 1
    memory = _memory(problem, "smooth") + 8 * nodes**2 * blocks
    return Choice("dense", {}, memory, None)


def _memory(problem: Problem, kind: str) -> int:
    """Bytes of the arrays of edges and users."""
    edge, user = BYTES[kind]
    return edge * len(problem.node) + user * len(problem.budget) + SCRATCH


def _seconds(
    problem: Problem, tolerance: float, pattern: Pattern | None
) -> dict[Method, float]:
    """CPU seconds predicted."""
    nodes, edges = len(problem.capacity), len(problem.node)
    degree = np.diff(problem.indptr).astype(np.float64)
    users = PASS_PER_USER * len(degree)
    passes = PASSES * PASSES_PER_DIGIT ** max(-2.0 - math.log10(tolerance), 0.0)
    pairs = 0.5 * float(degree @ (degree - 1.0))
    step = STEP_PER_EDGE * edges + PER_PAIR * pairs
    dense = nodes**3 / 3.0 + PER_ENTRY * nodes**2 / 2.0
    out: dict[Method, float] = {
        "dense": 1e-9 * STEPS * (step + PER_FLOP * dense),
        "first_order": 1e-9 * passes * (PASS_PER_EDGE * edges + users),
    }
    if pattern is not None:
        sparse = pattern.shape.flops + PER_ENTRY * pattern.num_values
        out["sparse"] = 1e-9 * STEPS * (step + PER_FLOP * sparse)
    return out
