"""Problem 1 by a primal-dual interior point method made for its structure.

Maximise sum_j log u_j, u_j = sum_i w_ij x_ij, subject to sum_j x_ij <= Q_i,
sum_i p_i x_ij <= B_j, x >= 0. With slacks s, t, multipliers lam, mu, a price v_j of
utility and z_ij = lam_i + mu_j p_i - w_ij v_j the perturbed optimality conditions are

    x z = s lam = t mu = tau,    u v = 1.

The logarithm is a pair with the fixed target 1, so a predictor-corrector as for linear
programs applies (Mehrotra, SIAM J. Optimization 2, 1992). The linear equations hold in
every iterate, so every iterate is feasible and proves its own gap,

    gap = sum x z + s lam + t mu + (u v - 1 - log(u v)).

Each user is eliminated (see `user_elimination`); what is left is one M x M system.
Everything is invariant under units of nodes, money and utility.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from stackelberg.edge.blocks import blocks_of, run_blocks
from stackelberg.edge.dense_factor import factor, scaled, solve
from stackelberg.edge.market import Bools, Floats, Ints
from stackelberg.edge.sweeps import correct, form, predict

MAX_ITERATIONS = 200

AS_PANELS_FROM = 0.25
"""Share of the nodes that an average user reaches from which it is treated as dense."""

SHORTEST_STEP = 1e-8
"""A shorter step moves nothing: rounding has the last word."""

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
    """

    indptr: Ints
    node: Ints
    weight: Floats
    price: Floats
    capacity: Floats
    budget: Floats


@dataclass(frozen=True, eq=False)
class Iterate:
    """What the method ended with; strictly feasible on both sides.

    Attributes:
        amount: x per edge.
        capacity_shadow_price: lam [M].
        budget_shadow_price: mu [N].
        gap_per_user: as the method's own identity says; `certify` has the last word.
        iterations: steps taken.
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


def interior_point(
    problem: Problem,
    tolerance: float,
    max_iterations: int = MAX_ITERATIONS,
    stop: Stop | None = None,
    pool: Executor | None = None,
) -> Iterate:
    """Solve to a gap of `tolerance` per user; see the module.

    Args:
        problem: what to solve; not checked.
        tolerance: gap per user at which to end.
        max_iterations: bound on the steps.
        stop: lets the caller end early.
        pool: threads to use; the bits do not depend on it.
    """
    return _Solve(problem, pool).run(tolerance, max_iterations, stop)


class _Solve:
    """The arrays of one solve. ends and d_ends hold (t, mu, u, v) per user."""

    def __init__(self, problem: Problem, pool: Executor | None) -> None:
        self.problem, self.pool = problem, pool
        m, n = len(problem.capacity), len(problem.budget)
        edges = len(problem.node)
        self.bounds = blocks_of(problem.indptr, m)
        self.longest = int(np.diff(problem.indptr).max(initial=1))
        self.as_panels = edges >= AS_PANELS_FROM * m * n and m >= 8
        self.limited: Bools = np.isfinite(problem.capacity)
        blocks = len(self.bounds) - 1
        self.matrices = np.empty((blocks, m, m))
        self.x, self.s, self.lam, self.ends, self.z = _start(problem)
        self.dx, self.dz = np.zeros(edges), np.zeros(edges)
        self.d_ends = np.zeros((n, 4))
        self.pivots = np.zeros((n, 2), dtype=np.int64)
        self.parts = np.zeros((n, 9))
        self.num_products = edges + int(self.limited.sum())
        self.num_products += int((self.ends[:, 1] > 0.0).sum())
        self.pinned = 0

    def run(self, tolerance: float, max_iterations: int, stop: Stop | None) -> Iterate:
        """Iterate until `tolerance`, the bound, the caller or rounding ends it."""
        num_users = max(len(self.problem.budget), 1)
        step_x = step_z = 0.0
        history: list[float] = []
        stalled = stopped = False
        while True:
            complementarity, utility_gap = self._form(step_x, step_z)
            history.append((complementarity + utility_gap) / num_users)
            stopped = stop is not None and stop(len(history) - 1, history[-1])
            done = not history[-1] > tolerance
            if done or stopped or stalled or len(history) > max_iterations:
                break
            step_x, step_z = self._step(complementarity / self.num_products)
            stalled = not max(step_x, step_z) > SHORTEST_STEP
        return Iterate(
            amount=self.x,
            capacity_shadow_price=self.lam,
            budget_shadow_price=self.ends[:, 1].copy(),
            gap_per_user=history[-1],
            iterations=len(history) - 1,
            pinned=self.pinned,
            stalled=stalled,
            bounded=stopped or (not done and not stalled),
            history=tuple(history),
        )

    def _form(self, step_x: float, step_z: float) -> tuple[float, float]:
        """Move by the last step and set up the system; sum x z ... and utility gap."""
        blocks, m = self.matrices.shape[:2]
        sums = np.zeros((blocks, 2))
        load, diagonal, right_side = np.zeros((3, blocks, m))
        p = self.problem

        def run(k: int, first: int, last: int) -> None:
            self.matrices[k] = 0.0
            form(
                first, last, self.longest, p.indptr, p.node, p.weight, p.price,
                self.x, self.z, self.ends, self.pivots, self.parts,
                self.dx, self.dz, self.d_ends,
                step_x, step_z, self.as_panels,
                sums[k], load[k], diagonal[k], right_side[k], self.matrices[k],
            )  # fmt: skip

        run_blocks(run, self.bounds, self.pool)
        lam, s = self.lam, self.s
        # What the steps' rounding made of Q - sum x - s; the next step takes it back.
        self.residual = np.where(self.limited, p.capacity - load.sum(axis=0) - s, 0.0)
        matrix = self.matrices[0]
        for other in self.matrices[1:]:
            matrix += other
        own = np.where(self.limited, s / np.where(self.limited, lam, 1.0), 0.0)
        np.fill_diagonal(matrix, np.where(self.limited, own + diagonal.sum(axis=0), 1))
        matrix[~self.limited] = 0.0
        matrix[:, ~self.limited] = 0.0
        matrix[~self.limited, ~self.limited] = 1.0
        self.affine_right_side = right_side.sum(axis=0)
        self.own = own
        self.scale = scaled(matrix)
        return float(sums[:, 0].sum() + s @ lam), float(sums[:, 1].sum())

    def _solve(self, right_side: Floats) -> Floats:
        """Lam's part of the step, zero at nodes without limit."""
        limited = np.where(self.limited, right_side - self.residual, 0.0)
        return self.scale * solve(self.matrices[0], self.scale * limited)

    def _step(self, tau: float) -> tuple[float, float]:
        """Find the next step; how far to go in x, s, t and in lam, mu, v, z."""
        self.pinned += factor(self.matrices[0])
        blocks, m = self.matrices.shape[:2]
        lam, s, limited, p = self.lam, self.s, self.limited, self.problem
        safe_lam = np.where(limited, lam, 1.0)
        safe_s = np.where(limited, s, 1.0)
        d_lam = self._solve(self.affine_right_side - s)
        d_s = np.where(limited, -s - self.own * d_lam, 0.0)
        sums = np.zeros((blocks, 3))
        shrink = np.zeros((blocks, 2))
        right_side, per_target = np.zeros((2, blocks, m))

        def run_predict(k: int, first: int, last: int) -> None:
            predict(
                first, last, self.longest, p.indptr, p.node, p.weight, p.price,
                self.x, self.z, self.ends, self.pivots, self.parts,
                d_lam, self.dx, self.d_ends,
                sums[k], shrink[k], right_side[k], per_target[k],
            )  # fmt: skip

        run_blocks(run_predict, self.bounds, self.pool)
        step_x, step_z = _longest_steps(shrink, d_s / safe_s, d_lam / safe_lam, 1.0)
        x_dz, z_dx, dx_dz = sums.sum(axis=0)
        reached = tau * self.num_products
        reached += step_z * (x_dz + s @ d_lam) + step_x * (z_dx + lam @ d_s)
        reached += step_x * step_z * (dx_dz + d_s @ d_lam)
        share = max(reached, 0.0) / (tau * self.num_products)
        aim = tau * share**2

        wanted = np.where(limited, (aim - d_s * d_lam) / safe_lam - s, 0.0)
        right = right_side.sum(axis=0) + aim * per_target.sum(axis=0)
        d_lam_final = self._solve(right + wanted)
        d_s = np.where(limited, wanted - self.own * d_lam_final, 0.0)
        shrink = np.zeros((blocks, 2))

        def run_correct(k: int, first: int, last: int) -> None:
            correct(
                first, last, self.longest, p.indptr, p.node, p.weight, p.price,
                self.x, self.z, self.ends, self.pivots, self.parts,
                d_lam_final, aim,
                self.dx, self.dz, self.d_ends, shrink[k],
            )  # fmt: skip

        run_blocks(run_correct, self.bounds, self.pool)
        keep = max(0.99, 1.0 - share)
        step_x, step_z = _longest_steps(
            shrink, d_s / safe_s, d_lam_final / safe_lam, min(keep, 0.9995)
        )
        self.s = s + step_x * d_s
        self.lam = lam + step_z * d_lam_final
        return step_x, step_z


def _longest_steps(
    shrink: Floats, d_s: Floats, d_lam: Floats, keep: float
) -> tuple[float, float]:
    """Steps up to 1 that go `keep` of the way to where something becomes zero."""
    most_x = max(float(shrink[:, 0].max()), float((-d_s).max(initial=0.0)))
    most_z = max(float(shrink[:, 1].max()), float((-d_lam).max(initial=0.0)))
    return (
        min(1.0, keep / most_x) if most_x > 0.0 else 1.0,
        min(1.0, keep / most_z) if most_z > 0.0 else 1.0,
    )


def closed_form_start(problem: Problem) -> tuple[Floats, Floats, Floats]:
    """Where the method starts: amounts per edge, lam [M] and mu [N]; feasible."""
    x, _, lam, ends, _ = _start(problem)
    return x, lam, ends[:, 1].copy()


def _start(p: Problem) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """A strictly feasible start in closed form: x, s, lam, ends, z.

    Each edge gets half the smaller of two fair shares, of the node's capacity and of
    the user's budget; prices are what the start would make fair.
    """
    m, n = len(p.capacity), len(p.budget)
    per_user = np.diff(p.indptr)
    user = np.repeat(np.arange(n), per_user)
    price = p.price[p.node]
    pays = np.isfinite(p.budget)
    degree = np.bincount(p.node, minlength=m)
    with np.errstate(divide="ignore"):
        by_capacity = (p.capacity / np.maximum(degree, 1))[p.node]
        by_budget = (p.budget / per_user)[user] / price
    x = 0.95 * np.minimum(by_capacity, by_budget)
    utility: Floats = np.bincount(user, p.weight * x, minlength=n).astype(np.float64)
    limited = np.isfinite(p.capacity)
    load = np.bincount(p.node, x, minlength=m)
    s: Floats = np.where(limited, p.capacity - load, 0.0)
    spend = np.bincount(user, np.where(pays[user], price * x, 0.0), minlength=n)
    t: Floats = np.where(pays, p.budget - spend, 0.0)
    share = np.bincount(p.node, p.weight * x / utility[user], minlength=m)
    lam: Floats = np.where(
        limited, (2.0 * share + 1e-3) / np.where(limited, p.capacity, 1.0), 0.0
    )
    mu = np.where(pays, 2.0 / np.where(pays, p.budget, 1.0), 0.0)
    rent = lam[p.node] + mu[user] * price
    least = np.full(n, np.inf)
    np.minimum.at(least, user, rent / p.weight)
    v = 0.5 * least
    z = rent - p.weight * v[user]
    ends = np.ascontiguousarray(np.stack([t, mu, utility, v], axis=1))
    return x, s, lam, ends, z
