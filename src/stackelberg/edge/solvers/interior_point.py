"""Problem 1 by a primal-dual interior point method made for its structure.

Maximise sum_j log u_j, u_j = sum_i w_ij x_ij, subject to sum_j x_ij <= Q_i,
sum_i p_i x_ij <= B_j, x >= 0. With slacks s, t, multipliers lam, mu, a price v_j of
utility and z_ij = lam_i + mu_j p_i - w_ij v_j the perturbed optimality conditions are

    x z = s lam = t mu = tau,    u v = 1.

The logarithm is a pair with the fixed target 1, so a predictor-corrector as for linear
programs applies (Mehrotra, SIAM J. Optimization 2, 1992). Where the linear equations
hold the iterate is feasible and proves its own gap,

    gap = sum x z + s lam + t mu + (u v - 1 - log(u v)).

They hold from the closed-form start on; from a `PathPoint` the capacities' equations
join them by the first full step. Weighted alpha-fair welfare has u^alpha v = b.

Each user is eliminated (see `user_elimination`); what is left is one M x M system.
Everything is invariant under units of nodes, money and utility.
"""

from __future__ import annotations

import math
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np

from stackelberg.edge.market import Bools, Floats
from stackelberg.edge.solvers.blocks import run_blocks
from stackelberg.edge.solvers.central_path import PathPoint
from stackelberg.edge.solvers.interior_starts import (
    centred_start,
    closed_form_start,
    on_path,
)
from stackelberg.edge.solvers.lanes import NOTHING, lanes_of
from stackelberg.edge.solvers.node_steps import (
    gathered,
    judged,
    totals,
)
from stackelberg.edge.solvers.node_system import node_system
from stackelberg.edge.solvers.problem import Iterate, Problem, Stop
from stackelberg.edge.solvers.sparse_factor import Pattern
from stackelberg.edge.solvers.sweeps import (
    D_LAM,
    PRICE,
    correct,
    form,
    predict,
)
from stackelberg.edge.solvers.taken_step import taken
from stackelberg.edge.solvers.user_elimination import KEPT

MAX_ITERATIONS = 200

AS_PANELS_FROM = 0.25
"""Share of the nodes that an average user reaches from which it is treated as dense."""

SHORT_STEP, MOST_SHORT_STEPS = 1e-2, 5
"""So many shorter steps in a row are no progress: rounding or a jam."""

LEAST_AIM = 0.1
"""Share of the tolerance below which no step aims: its system would have no digits."""

GREATEST_KEEP = 0.9995
"""Share of the way to where something becomes zero that no step exceeds."""

FEASIBLE = 0.05
"""Share of the tolerance within which loads must add up, relative to capacities."""

MOST_WAITED = 3
"""Steps that a small gap may wait for loads to add up."""


def interior_point(
    problem: Problem,
    tolerance: float,
    max_iterations: int = MAX_ITERATIONS,
    stop: Stop | None = None,
    pool: Executor | None = None,
    start: PathPoint | None = None,
    pattern: Pattern | None = None,
) -> Iterate:
    """Solve to a gap of `tolerance` per unit of virtual money; see the module.

    Args:
        problem: what to solve; not checked.
        tolerance: gap per unit of virtual money, per user by default, at which to end.
        max_iterations: bound on the steps.
        stop: lets the caller end early.
        pool: threads to use; the bits do not depend on it.
        start: a point near the central path; by default the closed form. A solve that
            jams, which data spread over many decades can bring about, is begun again
            from the closed form and then, carefully, from the middle.
        pattern: of a sparse factor; by default the factor is dense.
    """
    tries: list[tuple[PathPoint | None, bool]] = [(None, False), (None, True)]
    if start is not None:
        tries.insert(0, (start, False))
    best: Iterate | None = None
    steps = 0
    for point, careful in tries:
        solve = _Solve(problem, pool, point, pattern, careful=careful)
        found = solve.run(tolerance, max_iterations, stop)
        steps += found.iterations
        if best is None or _better(found, best):
            best = found
        if not (best.stalled or _overflowed(best)):
            break
    assert best is not None
    return replace(best, iterations=steps)


@dataclass(frozen=True)
class Effort:
    """How far methods go that end in this one, and with what; see `interior_point`."""

    tolerance: float
    max_iterations: int = MAX_ITERATIONS
    stop: Stop | None = None
    pool: Executor | None = None
    pattern: Pattern | None = None

    def spent_on(self, problem: Problem, start: PathPoint | None = None) -> Iterate:
        """The interior point method on `problem`."""
        return interior_point(
            problem, self.tolerance, self.max_iterations, self.stop, self.pool, start,
            self.pattern,
        )  # fmt: skip


def _better(found: Iterate, other: Iterate) -> bool:
    if _overflowed(found) or _overflowed(other):
        return _overflowed(other)
    return found.gap_per_user < other.gap_per_user


def _overflowed(found: Iterate) -> bool:
    return not (math.isfinite(found.gap_per_user) and np.isfinite(found.amount).all())


class _Solve:
    """The arrays of one solve. ends and d_ends hold (t, mu, u, v) per user."""

    def __init__(
        self,
        problem: Problem,
        pool: Executor | None,
        start: PathPoint | None,
        pattern: Pattern | None,
        *,
        careful: bool = False,
    ) -> None:
        self.problem, self.pool, self.careful = problem, pool, careful
        m, n = len(problem.capacity), len(problem.budget)
        edges = len(problem.node)
        self.system = node_system(problem.indptr, m, pattern)
        self.as_panels = edges >= AS_PANELS_FROM * m * n and m >= 8 and pattern is None
        self.limited: Bools = np.isfinite(problem.capacity)
        x, self.s, self.lam, ends, z = (
            on_path(problem, start)
            if start is not None
            else centred_start(problem)
            if careful
            else closed_form_start(problem)
        )
        self.lanes = lanes_of(problem)
        self.x = self.lanes.packed(problem.indptr, x, NOTHING)
        del x
        self.z = self.lanes.packed(problem.indptr, z, 1.0)
        del z
        self.ends = self.lanes.packed_ends(ends)
        del ends
        self.bounds = self.lanes.blocks(len(self.system.bounds) - 1)
        self.longest = int(self.lanes.degree.max(initial=1))
        self.dx, self.dz = np.zeros(self.x.shape), np.zeros(self.x.shape)
        self.d_ends = np.zeros(self.ends.shape)
        self.kept = np.empty((self.lanes.num_groups, KEPT))
        blocks = len(self.bounds) - 1
        self.sums, self.shrink = np.zeros((blocks, 3)), np.zeros((blocks, 2))
        self.formed, self.predicted = (
            np.zeros((blocks, m + 1, 3)),
            np.zeros((blocks, m + 1, 2)),
        )
        self.of_node = np.zeros((m + 1, 2))
        self.of_node[:m, PRICE] = problem.price
        self.num_products = problem.num_products
        self.joins_late = start is not None
        self.pinned = 0

    def run(self, tolerance: float, max_iterations: int, stop: Stop | None) -> Iterate:
        """Iterate until `tolerance`, the bound, the caller or rounding ends it."""
        step_x = step_z = 0.0
        history: list[float] = []
        stalled = stopped = False
        short = waited = 0
        while True:
            complementarity, utility_gap, money = self._form(step_x, step_z)
            history.append((complementarity + utility_gap) / (money or 1.0))
            stopped = stop is not None and stop(len(history) - 1, history[-1])
            within = history[-1] <= tolerance
            waited += within
            done = within and (self._adds_up(tolerance) or waited > MOST_WAITED)
            lost = not math.isfinite(history[-1])
            if done or stopped or stalled or lost or len(history) > max_iterations:
                break
            least = LEAST_AIM * tolerance * money / self.num_products
            step_x, step_z = self._step(complementarity, least)
            short = short + 1 if max(step_x, step_z) < SHORT_STEP else 0
            stalled = short >= MOST_SHORT_STEPS
        # Only x and the prices are needed from here on; memory.
        self.dx = self.dz = self.z = self.d_ends = self.kept = np.empty((0, 0))
        return Iterate(
            amount=self.lanes.unpacked(self.problem.indptr, self.x),
            capacity_shadow_price=self.lam,
            budget_shadow_price=self.lanes.unpacked_end(self.ends, 1),
            gap_per_user=history[-1],
            iterations=len(history) - 1,
            pinned=self.pinned,
            stalled=stalled,
            bounded=stopped or (not done and not stalled),
            history=tuple(history),
        )

    def _adds_up(self, tolerance: float) -> bool:
        """Whether loads and slacks make up the capacities, but for little.

        From the closed form they do from the first iterate on. Rounding may later part
        them, where a pivot is pinned; more steps would not mend that.
        """
        if not self.joins_late:
            return True
        most = FEASIBLE * tolerance * (self.load + self.s)
        return bool(np.all(np.abs(self.residual) <= most))

    def _form(self, step_x: float, step_z: float) -> tuple[float, float, float]:
        """Move by the last step and set up the system; sums of products, utility gaps
        and virtual money.
        """
        p, lanes, sums, per_node = self.problem, self.lanes, self.sums, self.formed
        sums[:], per_node[:] = 0.0, 0.0

        def run(k: int, first: int, last: int) -> None:
            store = self.system.cleared(k)
            form(
                first, last, self.longest, lanes.row, lanes.degree, lanes.node,
                lanes.weight, lanes.common, self.of_node, lanes.user_weight, p.alpha,
                self.x, self.z, self.ends, self.kept, self.dx, self.dz, self.d_ends,
                step_x, step_z, self.as_panels, sums[k], per_node[k], *store,
            )  # fmt: skip

        run_blocks(run, self.bounds, self.pool)
        self.load, self.residual, self.own, diagonal, self.affine_right_side = gathered(
            per_node, p.capacity, self.s, self.lam
        )
        self.system.complete(diagonal, self.limited)
        return totals(sums, self.s, self.lam)

    def _step(self, complementarity: float, least: float) -> tuple[float, float]:
        """Find the next step, aiming no lower than a product of `least`.

        Returns how far to go in x, s, t and in lam, mu, v, z.
        """
        self.pinned += self.system.factor()
        d_lam = self.system.solve(self.affine_right_side)
        self._predict(d_lam)
        plain, share, aim, wanted, right_side = judged(
            self.sums, self.shrink, self.formed, self.predicted, self.residual,
            self.own, self.s, self.lam, d_lam, complementarity, self.num_products,
            least, self.careful,
        )  # fmt: skip
        if plain:
            self.dx[:], self.d_ends[:] = 0.0, 0.0
        d_lam = self.system.solve(right_side)
        self._correct(d_lam, aim)
        step_x, step_z, self.s, self.lam = taken(
            self.shrink, wanted, self.own, self.s, self.lam, d_lam,
            min(max(0.99, 1.0 - share), GREATEST_KEEP), self.careful,
            self.ends, self.d_ends, self.lanes.user_weight, self.problem.alpha,
        )  # fmt: skip
        return step_x, step_z

    def _predict(self, d_lam: Floats) -> None:
        """The affine step of the users, given that of the nodes' prices."""
        p, lanes, predicted = self.problem, self.lanes, self.predicted
        sums, shrink = self.sums, self.shrink
        sums[:], shrink[:], predicted[:] = 0.0, 0.0, 0.0
        self.of_node[:-1, D_LAM] = d_lam

        def run(k: int, first: int, last: int) -> None:
            predict(
                first, last, self.longest, lanes.row, lanes.node, lanes.weight,
                lanes.common, self.of_node, lanes.user_weight, p.alpha,
                self.x, self.z, self.ends, self.kept, self.dx, self.d_ends,
                sums[k], shrink[k], predicted[k],
            )  # fmt: skip

        run_blocks(run, self.bounds, self.pool)

    def _correct(self, d_lam: Floats, aim: float) -> None:
        """The step itself of the users, given that of the nodes' prices."""
        p, lanes, shrink = self.problem, self.lanes, self.shrink
        shrink[:] = 0.0
        self.of_node[:-1, D_LAM] = d_lam

        def run(k: int, first: int, last: int) -> None:
            correct(
                first, last, self.longest, lanes.row, lanes.node, lanes.weight,
                lanes.common, self.of_node, lanes.user_weight, p.alpha,
                self.x, self.z, self.ends, self.kept, aim,
                self.dx, self.dz, self.d_ends, shrink[k],
            )  # fmt: skip

        run_blocks(run, self.bounds, self.pool)
