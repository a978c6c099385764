"""Problem 1 by a first-order method: node prices that users answer.

Primal-dual hybrid gradient (Chambolle and Pock, J. Math. Imaging Vision 40, 2011) on
the capacities alone: users answer the node prices lam, held near their last amounts
(`proximal_users`), and prices move with the demand in excess. Budgets and utilities
hold exactly in each answer, so that they need no steps of their own. Each step is taken
twice as far and averaged with the point of the last restart (Halpern's iteration), and
restarted there when the fixed-point residual has shrunk enough (Lu and Yang, 2024;
Applegate et al., Math. Programming 201, 2023). At a restart the steps of all edges are
made anew from the amounts found: that is worth a factor of eight. A node's step is the
inverse of the sum of its edges' steps, which keeps the method stable exactly.

A pass reads each edge once and keeps two numbers an edge; no matrix is formed, so the
number of nodes costs nothing. Gaps of 1e-3 take about 60 passes, 1e-4 about 150;
further down `interior_point` is better.
"""

from __future__ import annotations

import math
from concurrent.futures import Executor

import numpy as np

from stackelberg.edge.market import Floats
from stackelberg.edge.solvers.blocks import blocks_of, run_blocks
from stackelberg.edge.solvers.problem import Iterate, Problem, Stop
from stackelberg.edge.solvers.proximal_users import (
    BY_PRICE,
    FAIR,
    LAM,
    MOVED,
    MU,
    PRICE,
)
from stackelberg.edge.solvers.proximal_users import answer as answer_users
from stackelberg.edge.solvers.proximal_users import restart as restart_users
from stackelberg.edge.solvers.proximal_users import sweep as sweep_users

MAX_PASSES = 20_000

FORWARD = 0.99
"""Share of the longest stable step."""

SUFFICIENT, NECESSARY, LONGEST_RUN = 0.2, 0.8, 0.36
"""Restart when the residual is below the first of these shares of what it was at the
last restart; or below the second and rising; or after this share of all passes."""

LEAST_RUN = 4
"""Passes between restarts."""

TRUST = 0.2
"""Weight of the last run in the balance of amounts' and prices' steps, in logs."""

FIRST_CHECK, CHECK_EVERY = 8, 1.12
"""The gap is looked at after so many passes, and whenever they have grown so much."""


def first_order(
    problem: Problem,
    tolerance: float,
    max_iterations: int = MAX_PASSES,
    stop: Stop | None = None,
    pool: Executor | None = None,
    start: Iterate | None = None,
) -> Iterate:
    """Solve to a gap of `tolerance` per unit of virtual money; see the module.

    Args:
        problem: what to solve; not checked.
        tolerance: gap per unit of virtual money, per user by default, at which to end.
        max_iterations: bound on the passes over the users.
        stop: asked before each pass with its number and the last gap known, infinite
            before the first; True ends the solve.
        pool: threads to use; the bits do not depend on it.
        start: an answer of a market much like this one; by default an equal split and
            the prices that make it fair.

    Returns:
        Amounts within all limits but for rounding, and shadow prices; `history` holds
        the gaps where they were looked at.
    """
    with np.errstate(all="ignore"):
        return _Solve(problem, pool, start).run(tolerance, max_iterations, stop)


class _Solve:
    """The arrays of one solve."""

    def __init__(
        self, problem: Problem, pool: Executor | None, start: Iterate | None
    ) -> None:
        p = problem
        self.problem, self.pool = problem, pool
        self.num_nodes = len(p.capacity)
        # No block has a matrix of its own here, so nodes do not limit their number.
        self.bounds = blocks_of(p.indptr, 1)
        self.limited = np.isfinite(p.capacity)
        degree = np.bincount(p.node, minlength=self.num_nodes)
        self.fair = p.capacity / np.maximum(degree, 1)
        self.longest = int(np.diff(p.indptr).max(initial=1))
        self.users = (
            self.longest, p.indptr, p.node, p.weight, p.budget, p.user_weight, p.alpha,
        )  # fmt: skip
        self.nodes = np.zeros((self.num_nodes, 4))
        self.nodes[:, PRICE] = p.price
        with np.errstate(divide="ignore"):
            self.nodes[:, BY_PRICE] = 1.0 / p.price
        self.nodes[:, FAIR] = self.fair
        self.amount, self.lam, self.state = self._start(start)
        self.anchor = self.amount.copy()
        self.anchor_lam = self.lam.copy()
        self.balance = 1.0
        self.node_step = np.zeros(self.num_nodes)
        self.load = np.zeros(self.num_nodes)
        self.anchor_load = self.load

    def _start(self, start: Iterate | None) -> tuple[Floats, Floats, Floats]:
        """Amounts, the prices at which they would be fair, and users' (mu, v, v)."""
        p = self.problem
        n = len(p.budget)
        per_user = np.diff(p.indptr)
        user = np.repeat(np.arange(n, dtype=np.int32), per_user)
        by_budget = (p.budget / np.maximum(per_user, 1))[user] / p.price[p.node]
        split = np.minimum(self.fair[p.node], by_budget)
        x = split if start is None else np.maximum(start.amount, 1e-9 * split)
        utility = np.bincount(user, p.weight * x, minlength=n)
        v = p.user_weight * utility**-p.alpha
        share = np.bincount(p.node, p.weight * x * v[user], minlength=self.num_nodes)
        lam = np.where(self.limited, share / np.where(self.limited, p.capacity, 1), 0.0)
        mu = np.where(np.isfinite(p.budget), 0.5 * v * utility / p.budget, 0.0)
        if start is not None:
            lam = np.where(self.limited, start.capacity_shadow_price, 0.0)
            mu = np.where(np.isfinite(p.budget), start.budget_shadow_price, 0.0)
        return x, lam, np.ascontiguousarray(np.stack([mu, v, v], axis=1))

    def run(self, tolerance: float, max_iterations: int, stop: Stop | None) -> Iterate:
        """Pass over the users until `tolerance`, the bound or the caller ends it."""
        self._restart()
        history: list[float] = []
        gap, check, first, last = math.inf, FIRST_CHECK, math.inf, math.inf
        since, passes = 0, 0
        while True:
            stopped = stop is not None and stop(passes, gap)
            bounded = stopped or passes >= max_iterations
            if bounded or passes >= check:
                gap = self._gap()
                history.append(gap)
                check = max(passes + FIRST_CHECK, int(CHECK_EVERY * passes))
                if bounded or not gap > tolerance:
                    break
            residual = self._sweep((since + 1.0) / (since + 2.0))
            passes += 1
            since += 1
            first = residual if since == 1 else first
            worse = residual > last
            last = residual
            if since >= LEAST_RUN and (
                residual <= SUFFICIENT * first
                or (residual <= NECESSARY * first and worse)
                or since >= LONGEST_RUN * passes
            ):
                self._restart()
                since, last = 0, math.inf
        amount, lam = self._finished()
        return Iterate(
            amount=amount,
            capacity_shadow_price=lam,
            budget_shadow_price=self.state[:, MU].copy(),
            gap_per_user=gap,
            iterations=passes,
            pinned=0,
            stalled=False,
            bounded=bool(gap > tolerance),
            history=tuple(history),
        )

    def _sweep(self, forward: float) -> float:
        """One step; the fixed-point residual. With `forward` < 0 nothing moves."""
        blocks = len(self.bounds) - 1
        sums, load = np.zeros((blocks, 2)), np.zeros((blocks, self.num_nodes))
        length = FORWARD / self.balance
        self.nodes[:, LAM] = self.lam

        def run(k: int, first: int, last: int) -> None:
            sweep_users(
                first, last, *self.users, length, self.nodes, self.anchor, forward,
                self.amount, self.state, sums[k], load[k],
            )  # fmt: skip

        run_blocks(run, self.bounds, self.pool)
        beyond = load.sum(axis=0)
        step = FORWARD * self.balance * self.node_step
        excess = np.where(self.limited, beyond - self.problem.capacity, 0.0)
        self.answered_lam = np.maximum(0.0, self.lam + step * excess)
        self.answered_load = 0.5 * (beyond + self.load)
        change = self.answered_lam - self.lam
        if forward >= 0.0:
            reflected = self.answered_lam + change
            self.lam = forward * reflected + (1.0 - forward) * self.anchor_lam
            self.load = forward * beyond + (1.0 - forward) * self.anchor_load
        moved = float(sums[:, MOVED].sum()) / FORWARD
        return math.sqrt(self.balance * moved + self._norm(change) / self.balance)

    def _norm(self, change: Floats) -> float:
        """Sum of squared changes of prices by their steps."""
        step = np.where(self.node_step > 0.0, self.node_step, np.inf)
        return float((change**2 / step).sum())

    def _restart(self) -> None:
        """Take the point reached as the anchor; make and balance the steps anew."""
        blocks = len(self.bounds) - 1
        sums = np.zeros((blocks, 1))
        load, reach = np.zeros((2, blocks, self.num_nodes))

        def run(k: int, first: int, last: int) -> None:
            restart_users(
                first, last, *self.users, self.nodes, self.amount, self.anchor,
                self.state, sums[k], load[k], reach[k],
            )  # fmt: skip

        run_blocks(run, self.bounds, self.pool)
        far_x = math.sqrt(float(sums.sum()))
        far_lam = math.sqrt(self._norm(self.lam - self.anchor_lam))
        if far_x > 0.0 and far_lam > 0.0:
            self.balance *= (far_lam / (far_x * self.balance)) ** TRUST
        total = reach.sum(axis=0)
        free = self.limited & (total > 0.0)
        self.node_step = np.where(free, 1.0 / np.where(free, total, 1.0), 0.0)
        self.load = self.anchor_load = load.sum(axis=0)
        self.lam = np.maximum(self.lam, 0.0)
        self.anchor_lam = self.lam.copy()

    def _gap(self) -> float:
        """The gap that the users' answers to the prices prove, per virtual money."""
        self._sweep(-1.0)
        bound, money = self._answer(np.empty(0))
        lam = np.where(self.limited, self.answered_lam, 0.0)
        capacity = np.where(self.limited, self.problem.capacity, 0.0)
        return (float(lam @ capacity) + bound) / (money or 1.0)

    def _answer(self, out: Floats) -> tuple[float, float]:
        """Users' part of the gap and virtual money; their amounts go to `out`."""
        sums = np.zeros((len(self.bounds) - 1, 2))
        length = FORWARD / self.balance
        load = np.maximum(self.answered_load, 1e-300)
        shrink = np.minimum(1.0, self.problem.capacity / load)

        def run(k: int, first: int, last: int) -> None:
            answer_users(
                first, last, *self.users, length, self.nodes, self.anchor, self.amount,
                self.state, self.answered_lam, shrink, out, sums[k],
            )  # fmt: skip

        run_blocks(run, self.bounds, self.pool)
        bound, money = sums.sum(axis=0)
        return float(bound), float(money)

    def _finished(self) -> tuple[Floats, Floats]:
        """The amounts and node prices that `_gap` judged last."""
        amount = np.empty_like(self.amount)
        self._answer(amount)
        return amount, self.answered_lam
