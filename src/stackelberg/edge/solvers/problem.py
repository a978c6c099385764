"""One resource type as the linear solvers see it, and what they end with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from stackelberg.edge.market import Floats, Ints

Stop = Callable[[int, float], bool]
"""Asked before each iteration with its number and the gap per user; True stops."""


@dataclass(frozen=True, eq=False)
class Problem:
    """One resource type in which every edge can carry something.

    Attributes:
        indptr: bounds of each user's edges [N + 1].
        node: of each edge, ascending within a user.
        weight: of each edge, > 0.
        price: of each node [M].
        capacity: of each node [M], > 0; infinite where nothing limits it.
        budget: of each user [N], > 0; infinite where nothing limits it.
        user_weight: b of each user [N], > 0, about 1 on average; 1 by default.
        alpha: of the welfare sum_j b_j u_j^(1 - alpha) / (1 - alpha); 1 is the log.
    """

    indptr: Ints
    node: Ints
    weight: Floats
    price: Floats
    capacity: Floats
    budget: Floats
    user_weight: Floats = field(default_factory=lambda: np.ones(0))
    alpha: float = 1.0

    def __post_init__(self) -> None:
        if len(self.user_weight) != len(self.budget):
            object.__setattr__(self, "user_weight", np.ones(len(self.budget)))

    @property
    def num_products(self) -> int:
        """Pairs whose product is tau on the central path: edges and finite limits."""
        limits = (self.capacity < float("inf")).sum() + (
            self.budget < float("inf")
        ).sum()
        return len(self.node) + int(limits)


@dataclass(frozen=True, eq=False)
class Iterate:
    """What a solver ended with; strictly feasible on both sides but for rounding.

    Attributes:
        amount: x per edge.
        capacity_shadow_price: lam [M].
        budget_shadow_price: mu [N].
        gap_per_user: as the method's own identity says; `certify` has the last word.
        iterations: steps taken, those of the start included.
        pinned: pivots of the M x M systems too small to be told from rounding.
        stalled: whether steps became too short to go on.
        bounded: whether the caller or the bound on the steps ended it.
        history: gap per user before each step.
    """

    amount: Floats
    capacity_shadow_price: Floats
    budget_shadow_price: Floats
    gap_per_user: float
    iterations: int
    pinned: int
    stalled: bool
    bounded: bool
    history: tuple[float, ...]
