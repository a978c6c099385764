"""Demand that moves from step to step: budgets for one warm re-solve after another."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from stackelberg.edge.generators.draws import Concern, check_whole, stream
from stackelberg.edge.market import Floats, Market
from stackelberg.errors import DomainError, ShapeError


def drifting_budgets(
    market: Market,
    *,
    seed: int,
    steps: int,
    change: float = 0.01,
    spread: float = 0.5,
) -> Floats:
    """Budgets that wander around the market's own.

    The logarithm of each budget, relative to the market's, is a stationary
    autoregression: z <- sqrt(1 - (change / spread)^2) z + change * noise. Steps differ
    by about `change` of a budget, and over many steps a budget stays within a few
    `spread` of its own.

    Args:
        market: whose budgets are the middle; infinite ones stay infinite.
        seed: a whole number >= 0.
        steps: T.
        change: standard deviation of a budget's relative change from step to step.
        spread: standard deviation of the logarithm over time, >= `change`.

    Returns:
        [T, N]; row 0 is the market's own budgets.

    Raises:
        ConfigError, DomainError: an argument is of the wrong kind or out of range.
    """
    check_whole("seed", seed, 0)
    check_whole("steps", steps, 1)
    if not 0.0 <= change <= spread <= 10.0:
        raise DomainError(
            "change", expected=f"a number from 0 to spread, {spread:g}", got=change
        )
    keep = math.sqrt(1.0 - (change / spread) ** 2) if spread > 0.0 else 1.0
    noise = stream(seed, Concern.DEMAND)
    budgets = np.empty((steps, market.num_users))
    state = np.zeros(market.num_users)
    for step in range(steps):
        budgets[step] = market.budget * np.exp(state)
        state = keep * state + change * noise.standard_normal(market.num_users)
    return budgets


def markets_over_time(market: Market, budgets: npt.ArrayLike) -> Iterator[Market]:
    """The market with one row of `budgets` after another.

    Args:
        market: prices, capacities and weights that stay.
        budgets: [T, N], each >= 0.

    Raises:
        ShapeError, DomainError: `budgets` has another shape, or an entry is out of
            range.
    """
    rows = np.asarray(budgets, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != market.num_users:
        raise ShapeError(
            "budgets",
            expected=f"steps x {market.num_users} users",
            got=f"shape {list(rows.shape)}",
        )
    for row in rows:
        yield replace(market, budget=row)
