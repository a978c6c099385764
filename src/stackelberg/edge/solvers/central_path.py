"""A start near the optimum: the central path, followed in the nodes' prices alone.

At given node prices lam every user is centred exactly (`central_users`), so what is
left is one equation per node, sum_j x_ij + tau / lam_i = Q_i: the slope of a convex
function of M prices. No single user shortens a step, so the number of passes over the
users hardly depends on how many there are, and while tau is large a sample of them
does. The equations are solved in logarithms, in which they are nearly straight.

With many users a node this reaches gaps of 1e-3 to 1e-4 in a dozen passes. Nearer to
the optimum demand has corners that no number of users rounds off, and `interior_point`
is the better method.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from stackelberg.edge.market import Floats
from stackelberg.edge.solvers.blocks import run_blocks
from stackelberg.edge.solvers.central_users import (
    DIAGONAL,
    LOAD,
    SLOPE,
    centre_users,
)
from stackelberg.edge.solvers.lanes import LANES
from stackelberg.edge.solvers.node_system import node_system
from stackelberg.edge.solvers.problem import Problem, Stop
from stackelberg.edge.solvers.rough_prices import fair_prices
from stackelberg.edge.solvers.sparse_factor import Pattern

MAX_PASSES = 40

USERS_PER_NODE = 64
"""So many users a node are enough while tau is large."""

FIRST_GAP = 1.0
"""Gap per user at which the path is joined."""

FROM_SAMPLE = 2e-2
"""Gap per user from which on every user is looked at."""

REDUCTIONS = ((3e-3, 0.05), (3e-2, 0.2), (0.2, 0.5))
"""How far from centred (squared decrement per complementary pair) still allows tau to
shrink, and by which factor."""

CENTRED, WARM_CENTRED = 0.1, 3.0
"""Squared decrement per node at which the point is handed over. With 3 from a cold
start the interior point method sometimes spent six short steps on what one more pass
mends; prices given as a start are nearly right, and with 1 markets of five users a node
were often not centred in time."""

PATIENCE = 4
"""Passes at the last tau after which a point less well centred will do."""

SLACK_FACTOR = 5.0
"""A slack within this factor of tau / lam is as good as that: it is taken as it is."""

ADDS_UP, WARM_ADDS_UP = 0.1, 0.3
"""Largest share of a capacity by which the point handed over may miss it; the second
where prices were given as a start and the point is centred."""

OVERSHOT = 0.3
"""Share of the slope at the start that may stand against a step at its end."""

LEAST_SHARE = 1e-3
"""A step cut below this share is taken as it is."""


@dataclass(frozen=True, eq=False)
class PathPoint:
    """A point on or near the central path.

    Attributes:
        lam: node prices [M], zero where nothing limits the capacity.
        users: mu and v of each user at these prices [N, 2].
        tau: of the path.
        passes: over all users; those over a sample count as what they cost.
        history: gap per user before each pass.
    """

    lam: Floats
    users: Floats
    tau: float
    passes: float
    history: tuple[float, ...]


def follow_path(
    problem: Problem,
    target: float,
    pool: Executor | None = None,
    *,
    lam: Floats | None = None,
    first_gap: float = FIRST_GAP,
    stop: Stop | None = None,
    pattern: Pattern | None = None,
    max_passes: int = MAX_PASSES,
) -> PathPoint | None:
    """Follow the path from a gap of `first_gap` per user down to `target`.

    Args:
        problem: what to solve; not checked.
        target: gap per user at which to end.
        pool: threads to use; the bits do not depend on it.
        lam: node prices to start from, > 0 where the capacity is finite; by default
            those that would make an equal split fair.
        first_gap: where the path is joined; small for prices that are nearly right.
        stop: lets the caller end early.
        pattern: of a sparse factor; by default the factor is dense.
        max_passes: bound on the passes, those over a sample included.

    Returns:
        The point reached, or None where that is no good start.
    """
    path = _Path(problem, pool, pattern)
    with np.errstate(all="ignore"):
        start = fair_prices(problem, first_gap) if lam is None else lam
        return path.follow(
            start, first_gap, target, stop, max_passes, sampled=lam is None
        )


class _Path:
    """The arrays of one run."""

    def __init__(
        self, problem: Problem, pool: Executor | None, pattern: Pattern | None
    ) -> None:
        self.problem, self.pool = problem, pool
        self.num_nodes, self.num_users = len(problem.capacity), len(problem.budget)
        edges = len(problem.node)
        self.limited = np.isfinite(problem.capacity)
        self.capacity = np.where(self.limited, problem.capacity, 1.0)
        self.system = node_system(problem.indptr, self.num_nodes, pattern)
        self.bounds = self.system.bounds
        self.longest = int(np.diff(problem.indptr).max(initial=1))
        self.as_panels = (
            edges >= 0.25 * self.num_nodes * self.num_users and pattern is None
        )
        self.users = np.empty((self.num_users, 2))
        self.unit = max(self.num_users, 1) / max(problem.num_products, 1)

    def follow(
        self,
        lam: Floats,
        first_gap: float,
        target: float,
        stop: Stop | None,
        max_passes: int,
        *,
        sampled: bool,
    ) -> PathPoint | None:
        """See `follow_path`."""
        enough = USERS_PER_NODE * self.num_nodes
        stride = max(1, self.num_users // enough) if sampled else 1
        enough_centred, adds_up = (
            (CENTRED, ADDS_UP) if sampled else (WARM_CENTRED, WARM_ADDS_UP)
        )
        tau, old_tau, old_lam = first_gap * self.unit, first_gap * self.unit, lam
        fresh, base, share = True, lam, 1.0
        direction, slope = np.zeros(len(lam)), 0.0
        passes, cuts, waited = 0.0, 0, 0
        history: list[float] = []
        missing = own = self.capacity
        fits = False
        for left in reversed(range(max_passes)):
            fits = False
            history.append(tau / self.unit)
            demand, by_tau, diagonal = self._pass(
                stride, old_lam, lam, old_tau, tau, fresh
            )
            passes += 1.0 / stride
            own = tau / np.where(self.limited, lam, 1.0)
            total = demand + own
            missing = np.where(self.limited, self.capacity - total, 0.0)
            if not np.isfinite(missing).all():
                return None
            stopped = stop is not None and stop(len(history) - 1, history[-1])
            if stopped or left == 0:
                break
            against = float(missing @ direction)
            if against > OVERSHOT * slope > 0.0 and share > LEAST_SHARE:
                share *= max(0.1, slope / (slope + against))
                cuts += 1
                old_lam, old_tau, fresh = lam, tau, False
                lam = _moved(base, share * direction)
                continue
            solve_for = self._solver(diagonal + own / np.where(self.limited, lam, 1.0))
            decrement = float(missing @ solve_for(missing)) / tau
            if not np.isfinite(decrement):
                return None
            centred = decrement < enough_centred * self.num_nodes * stride
            there = tau <= 1.01 * target * self.unit
            waited += there and stride == 1
            fits = centred and self._nearly_adds_up(own, missing, adds_up)
            if stride == 1 and there and (fits or waited > PATIENCE):
                break
            off = decrement / max(self.problem.num_products, 1)
            next_tau = tau
            lowest = (target if stride == 1 else max(target, FROM_SAMPLE)) * self.unit
            whole = stride > 1 and tau <= 1.01 * lowest and (centred or cuts > 2)
            if not whole:
                next_tau *= next((f for least, f in REDUCTIONS if off < least), 1.0)
                next_tau = max(next_tau, min(tau, lowest))
            wanted = total * np.log(np.where(self.limited, total / self.capacity, 1.0))
            wanted += (next_tau - tau) * (by_tau + own / tau)
            direction = solve_for(np.where(self.limited, wanted, 0.0))
            slope = float(direction @ wanted)
            old_lam, old_tau, fresh = lam, tau, whole
            base, share = lam, 1.0
            lam, tau = _moved(lam, direction), next_tau
            if whole:
                stride, cuts, slope = 1, 0, 0.0
        near = fits or self._nearly_adds_up(own, missing, ADDS_UP)
        if not (near and stride == 1 and np.isfinite(self.users).all()):
            return None
        return PathPoint(lam, self.users, tau, passes, tuple(history))

    def _nearly_adds_up(self, own: Floats, missing: Floats, most: float) -> bool:
        """Whether loads and slacks make up every capacity well enough to hand over."""
        slack = own + missing
        near = np.abs(missing) <= most * self.capacity
        near |= (slack > own / SLACK_FACTOR) & (slack < own * SLACK_FACTOR)
        return bool(near.all())

    def _pass(
        self,
        stride: int,
        old_lam: Floats,
        lam: Floats,
        old_tau: float,
        tau: float,
        fresh: bool,
    ) -> tuple[Floats, Floats, Floats]:
        """Centre the users; sum x, its derivative by tau, the system's diagonal [M]."""
        p = self.problem
        blocks = len(self.bounds) - 1
        sums = np.zeros((blocks, 3))
        per_node = np.zeros((blocks, self.num_nodes, 3))

        def run(k: int, first: int, last: int) -> None:
            store = self.system.cleared(k)
            centre_users(
                first, last, stride, self.longest, p.indptr, p.node, p.weight, p.price,
                p.budget, p.user_weight, p.alpha, old_lam, lam, old_tau, tau, fresh,
                self.as_panels, self.users, sums[k], per_node[k], *store,
            )  # fmt: skip
            if stride > 1:
                groups = -(-(last - first) // LANES)
                scale = groups / -(-groups // stride)
                per_node[k] *= scale
                self.system.multiply(k, scale)

        run_blocks(run, self.bounds, self.pool)
        total = per_node.sum(axis=0)
        return total[:, LOAD], total[:, SLOPE], total[:, DIAGONAL]

    def _solver(self, diagonal: Floats) -> Callable[[Floats], Floats]:
        """Factor the system; what solves it for a right side."""
        self.system.complete(diagonal, self.limited)
        self.system.factor()
        return self.system.solve


def _moved(lam: Floats, step: Floats) -> Floats:
    """Prices after a step: multiplied down, so that they stay positive, added up."""
    growth = step / np.where(lam > 0.0, lam, 1.0)
    factor_of = np.where(
        growth <= 1.0,
        np.exp(np.clip(growth, -3.0, 1.0)),
        np.e * np.maximum(growth, 1.0),
    )
    return lam * factor_of
