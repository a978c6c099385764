"""Any welfare of any utility by a primal-dual interior point method.

Maximise sum_j W_j(u_j(x_j)) subject to sum_j x_ij <= Q_i, sum_i p_i x_ij <= B_j. With
slacks s, t, multipliers lam, mu and rents q_ij = lam_i + mu_j p_i the perturbed
optimality conditions are s lam = t mu = tau and that amounts and rents fit each other.
That last is linearised where it is nearly straight:

- elasticity of substitution sigma <= 1.5: amounts answer rents, x = demand(q), whose
  logarithm is linear in log q; nothing needs a barrier at x = 0;
- sigma > 1.5: marginal welfare answers amounts, q - z = dW/dx with x z = tau, as for
  linear utilities, the limit.

Either way a user's curvature is a diagonal and one vector (see `smooth_user`), so users
are eliminated in one pass and one M x M system is left. Capacities and budgets hold in
every iterate, so every iterate proves its own gap,

    gap = sum s lam + t mu + (q.x - e u) + (W*(e) - W(u) + e u).

Nothing proves that it converges; the gap tells, and `certify` has the last word.
"""

from __future__ import annotations

import math
from concurrent.futures import Executor

import numpy as np

from stackelberg.edge.fairness import Fairness
from stackelberg.edge.market import Bools, Floats
from stackelberg.edge.solvers.blocks import run_blocks
from stackelberg.edge.solvers.interior_point import AS_PANELS_FROM, MAX_ITERATIONS
from stackelberg.edge.solvers.node_steps import corrected, gathered, longest_steps
from stackelberg.edge.solvers.node_system import node_system
from stackelberg.edge.solvers.problem import Iterate, Problem, Stop
from stackelberg.edge.solvers.smooth_start import smooth_start
from stackelberg.edge.solvers.smooth_sweeps import correct, form, predict
from stackelberg.edge.utilities import Utility

SHORTEST_STEP = 1e-8
"""A shorter step moves nothing: rounding has the last word."""

LEAST_AIM = 0.1
"""Complementarity never gets ahead of the other terms of the gap by more than this."""

MOST_RISE, RETREAT = 4.0, 0.75
"""A step after which the gap is so many times what it was goes back by this share."""

PATIENCE, FAR = 5, 0.5
"""After so many steps without a new least gap, steps are shortened; not while the gap
is still greater than this, when it says little about progress.
"""


def solve_smooth(
    problem: Problem,
    utility: Utility,
    fairness: Fairness,
    tolerance: float,
    max_iterations: int = MAX_ITERATIONS,
    stop: Stop | None = None,
    pool: Executor | None = None,
) -> Iterate:
    """Solve to a gap of `tolerance` per user; see the module.

    Args:
        problem: one resource type in which every edge can carry something.
        utility: of every user; linear too, the limit.
        fairness: with weights, if any, for the users of `problem`.
        tolerance: gap at which to end, over the users' virtual money.
        max_iterations: bound on the steps.
        stop: lets the caller end early.
        pool: threads to use; the bits do not depend on it.
    """
    return _Solve(problem, utility, fairness, pool).run(tolerance, max_iterations, stop)


class _Solve:
    """The arrays of one solve; `ends` holds (t, mu) per user."""

    def __init__(
        self,
        problem: Problem,
        utility: Utility,
        fairness: Fairness,
        pool: Executor | None,
    ) -> None:
        self.problem, self.pool = problem, pool
        self.sigma, self.alpha = utility.substitution, fairness.alpha
        start = smooth_start(problem, utility, fairness)
        self.start = start
        self.x, self.z = start.x, start.z
        self.s, self.lam, self.ends = start.s, start.lam, start.ends
        m, n, edges = len(problem.capacity), len(problem.budget), len(problem.node)
        self.system = node_system(problem.indptr, m, None)
        self.bounds = self.system.bounds
        self.longest = int(np.diff(problem.indptr).max(initial=1))
        self.as_panels = edges >= AS_PANELS_FROM * m * n and m >= 8
        self.limited: Bools = np.isfinite(problem.capacity)
        self.dx, self.dz = np.zeros(edges), np.zeros(len(self.z))
        self.slope, self.rest = np.zeros(edges), np.zeros(edges)
        self.d_ends, self.astray = np.zeros((n, 2)), np.zeros(n)
        self.num_products = len(self.z) + int(self.limited.sum())
        self.num_products += int((self.ends[:, 1] > 0.0).sum())
        self.pinned = 0
        self.best: tuple[float, Floats, Floats, Floats] | None = None

    def run(self, tolerance: float, max_iterations: int, stop: Stop | None) -> Iterate:
        """Iterate until `tolerance`, the bound, the caller or rounding ends it."""
        step_x = step_z = 0.0
        history: list[float] = []
        stalled = stopped = False
        while True:
            products, gap, residual = self._arrive(step_x, step_z, history)
            history.append(gap)
            self._keep_if_best(gap)
            stopped = stop is not None and stop(len(history) - 1, gap)
            done = gap <= tolerance
            failed = not math.isfinite(gap)
            if done or failed or stopped or stalled or len(history) > max_iterations:
                break
            least_aim = LEAST_AIM * residual / self.num_products
            caution = _caution(history)
            step_x, step_z = self._step(
                products / self.num_products, least_aim, caution
            )
            stalled = not max(step_x, step_z) > SHORTEST_STEP
        gap, amount, lam, mu = self.best or (
            history[-1], self.x, self.lam, self.ends[:, 1].copy()
        )  # fmt: skip
        return Iterate(
            amount=amount,
            capacity_shadow_price=lam * self.start.money_unit,
            budget_shadow_price=mu * self.start.money_unit,
            gap_per_user=gap,
            iterations=len(history) - 1,
            pinned=self.pinned,
            stalled=stalled,
            bounded=stopped or (not done and not stalled),
            history=tuple(history),
        )

    def _arrive(
        self, step_x: float, step_z: float, history: list[float]
    ) -> tuple[float, float, float]:
        """Take the last step, or less of it where the gap explodes; as `_form`."""
        numbers = self._form(step_x, step_z)
        left = 1.0
        while history and not numbers[1] <= MOST_RISE * history[-1] and left > 1e-4:
            back = RETREAT * left
            left -= back
            self._move_nodes(-back * step_x, -back * step_z)
            numbers = self._form(-back * step_x, -back * step_z)
        return numbers

    def _keep_if_best(self, gap: float) -> None:
        if math.isfinite(gap) and (self.best is None or gap < self.best[0]):
            if self.best is not None and self.best[1] is not self.x:
                np.copyto(self.best[1], self.x)
                amount = self.best[1]
            else:
                amount = self.x.copy()
            self.best = (gap, amount, self.lam, self.ends[:, 1].copy())

    def _form(self, step_x: float, step_z: float) -> tuple[float, float, float]:
        """Move by the last step and set up the system; products, gap and residual."""
        blocks, m = len(self.bounds) - 1, len(self.lam)
        sums = np.zeros((blocks, 6))
        per_node = np.zeros((blocks, m, 3))
        p = self.problem

        def run(k: int, first: int, last: int) -> None:
            matrix, *_ = self.system.cleared(k)
            form(
                first, last, self.longest, self.sigma, self.alpha,
                p.indptr, p.node, self.start.weight, p.price, p.budget,
                self.start.user_weight, self.start.utility_unit,
                self.x, self.z, self.lam, self.ends,
                self.dx, self.dz, self.d_ends, self.slope, self.rest, self.astray,
                step_x, step_z, self.as_panels,
                sums[k], per_node[k], matrix,
            )  # fmt: skip

        run_blocks(run, self.bounds, self.pool)
        lam, s = self.lam, self.s
        _, self.residual, self.own, diagonal, self.affine_right_side = gathered(
            per_node, p.capacity, s, lam
        )
        self.system.complete(diagonal, self.limited)
        products, rest, money, off, signs, astray = sums.sum(axis=0).tolist()
        products += float((s * lam).sum())
        astray += float((np.abs(self.residual) * lam).sum())
        nobody = not len(p.budget)
        gap = 0.0 if nobody else math.inf
        if money > 0.0:
            gap = (products + rest + astray) / money
        # sum x z steers the method; it is no part of the gap.
        return products + signs, gap, off if len(self.z) else rest

    def _step(
        self, tau: float, least_aim: float, caution: float
    ) -> tuple[float, float]:
        """Find the next step; how far to go in x, s, t and in lam, mu, z."""
        self.pinned += self.system.factor()
        blocks, m = len(self.bounds) - 1, len(self.lam)
        lam, s, p = self.lam, self.s, self.problem
        d_lam = self.system.solve(self.affine_right_side)
        d_s = -s - self.own * d_lam
        sums = np.zeros((blocks, 3))
        shrink = np.zeros((blocks, 2))
        per_node = np.zeros((blocks, m, 2))

        def run_predict(k: int, first: int, last: int) -> None:
            predict(
                first, last, self.longest, self.sigma, self.alpha,
                p.indptr, p.node, p.price,
                self.x, self.z, lam, self.ends, self.slope, self.rest, self.astray,
                d_lam, self.dx, self.d_ends,
                sums[k], shrink[k], per_node[k],
            )  # fmt: skip

        run_blocks(run_predict, self.bounds, self.pool)
        step_x, step_z = longest_steps(shrink, s, d_s, lam, d_lam, 1.0)
        x_dz, z_dx, dx_dz = sums.sum(axis=0)
        change = step_z * (x_dz + (s * d_lam).sum())
        change += step_x * (z_dx + (lam * d_s).sum())
        change += step_x * step_z * (dx_dz + (d_s * d_lam).sum())
        share = max(1.0 + float(change) / (tau * self.num_products), 0.0)
        aim = max(tau * share**3, min(least_aim, tau), (1.0 - caution) * tau)

        wanted, right_side = corrected(
            per_node, self.residual, s, lam, d_s * d_lam, aim
        )
        d_lam = self.system.solve(right_side)
        d_s = wanted - self.own * d_lam
        shrink = np.zeros((blocks, 2))

        def run_correct(k: int, first: int, last: int) -> None:
            correct(
                first, last, self.longest, self.sigma, self.alpha,
                p.indptr, p.node, p.price,
                self.x, self.z, lam, self.ends, self.slope, self.rest, self.astray,
                d_lam, aim, self.dx, self.dz, self.d_ends, shrink[k],
            )  # fmt: skip

        run_blocks(run_correct, self.bounds, self.pool)
        keep = min(max(0.99, 1.0 - share), 0.9995)
        step_x, step_z = longest_steps(shrink, s, d_s, lam, d_lam, keep)
        step_x, step_z = caution * step_x, caution * step_z
        self.d_s, self.d_lam = d_s, d_lam
        self._move_nodes(step_x, step_z)
        return step_x, step_z

    def _move_nodes(self, step_x: float, step_z: float) -> None:
        self.s = self.s + step_x * self.d_s
        self.lam = self.lam + step_z * self.d_lam


def _caution(history: list[float]) -> float:
    """Share of a step to take, less the longer the gap has not become smaller: where
    amounts and rents bend more than their straight lines say, full steps may cycle.
    """
    least = int(np.argmin(history))
    since = len(history) - 1 - least if history[least] < FAR else 0
    return 0.5 ** min(since // PATIENCE, 4)
