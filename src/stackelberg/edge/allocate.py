"""Problem 1: the allocation that maximises the sum of log utilities, with its proof."""

from __future__ import annotations

import math
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numba import get_num_threads

from stackelberg.edge.certify import EdgeCertificate, certify
from stackelberg.edge.fairness import PROPORTIONAL, Fairness
from stackelberg.edge.market import Bools, Floats, Market
from stackelberg.edge.outcome import (
    Ledger,
    Outcome,
    on_edges,
    outcome_of,
    shrunk_to_limits,
)
from stackelberg.edge.solvers.blocks import EDGES_PER_BLOCK, MAX_BLOCKS
from stackelberg.edge.solvers.central_path import follow_path
from stackelberg.edge.solvers.first_order import MAX_PASSES, first_order
from stackelberg.edge.solvers.first_steps import (
    CROWD,
    from_known_prices,
    from_rough_prices,
)
from stackelberg.edge.solvers.interior_point import (
    AS_PANELS_FROM,
    MAX_ITERATIONS,
    Effort,
)
from stackelberg.edge.solvers.interior_starts import closed_form_start
from stackelberg.edge.solvers.last_steps import last_steps
from stackelberg.edge.solvers.method_choice import (
    AIM,
    METHODS,
    WORDS,
    Choice,
    Method,
    choose,
    choose_smooth,
)
from stackelberg.edge.solvers.predicted_memory import (
    needed_bytes,
    predicted_bytes,
    told_bytes,
)
from stackelberg.edge.solvers.problem import Iterate, Problem, Stop
from stackelberg.edge.solvers.smooth_users import solve_smooth
from stackelberg.edge.solvers.usable_problem import usable_problem
from stackelberg.edge.taking_part import users_taking_part
from stackelberg.edge.utilities import LINEAR, Utility
from stackelberg.errors import ConfigError, DomainError, ShapeError, suggestion
from stackelberg.game import Solution, Status
from stackelberg.game.numbers import real_number

EdgeSolution = Solution[Outcome, EdgeCertificate]

LEAST_TOLERANCE = 1e-13
"""Per user; the bound on the certificate's own rounding is not much below it."""

MANY_EDGES, FEW_USERS, MANY_NODES = 20_000, 15, 500
"""Edges, and users a node, from which it pays to look for the likely edges first; and
nodes up to which it does, since beyond them edges are not what costs."""

WarmStart = Literal["none", "used", "given up"]
"""What became of an old answer: there was none or the method takes none, the solve
began from it, or its prices turned out too far off and the solve began anew."""

LEAST_TARGET, GREATEST_TARGET = 1e-4, 1e-2
"""Gaps per user between which the interior point method takes over from the path."""


def allocate(
    market: Market,
    tolerance: float = 1e-8,
    *,
    utility: Utility = LINEAR,
    fairness: Fairness = PROPORTIONAL,
    warm_start: Outcome | EdgeSolution | None = None,
    method: Method | None = None,
    drop_degenerate: bool = False,
    max_iterations: int | None = None,
    stop: Stop | None = None,
    threads: int | None = None,
    memory_limit: int | None = None,
) -> EdgeSolution:
    """Share out the nodes' capacity by Problem 1, each resource type by itself.

    Maximises sum_j log sum_i w_ij x_ij subject to capacities and budgets, or any other
    welfare of any other utility. Utilities are unique, amounts and shadow prices need
    not be.

    Args:
        market: prices, capacities, budgets and weights.
        tolerance: gap to prove per unit of virtual money, which by default is per user,
            in nats of log utility; 1e-13 is the least.
        utility: of every user, with the market's weights.
        fairness: what the users' utilities are worth together.
        warm_start: an answer for similar data with the same node rows. Only its shadow
            prices of capacities are used, so users may come and go; the first-order
            method needs the same user rows and starts from all of it. Saves steps where
            prices, budgets, capacities and weights changed by a few per cent at most;
            it has no effect with other utilities than linear or an alpha other than 1.
        method: ``dense`` or ``sparse``: the interior point method, with that factor of
            its matrix of nodes by nodes; ``first_order``: node prices that users
            answer, without a matrix, for many nodes and gaps down to about 1e-6. By
            default the one predicted to be the soonest, see `method_choice`; other
            utilities than linear have one method of their own.
        drop_degenerate: leave users out whose utility is zero whatever one does (they
            get nothing); by default they are refused by name.
        max_iterations: bound on the steps per resource type; by default the method's
            own, 200 steps or 20,000 passes of the first-order method.
        stop: called before each step with its number and the gap per user; returning
            True ends the solve with the answer so far, whose certificate is honest. A
            deadline is a `stop` that reads the clock.
        threads: how many may work at once; by default as many as there are cores, or
            one where the market is too small to share. The bits do not depend on it.
        memory_limit: bytes that the solve may take beyond the market; one predicted to
            take more is refused before it starts, see `predicted_bytes`.

    Returns:
        Solution (iterations: most steps of a resource type, passes of the start
        included; `stats` says what became of `warm_start`). `CONVERGED` if the
        certificate, computed by separate code, holds `tolerance`; `ALMOST_CONVERGED` if
        rounding ended the solve before;
        `MAX_ITERATIONS` if the bound or `stop` did; `NONFINITE` if numbers overflowed,
        with the closed-form start as the answer. The allocation keeps every limit in
        all cases.

    Raises:
        DomainError: an option is out of range, or the market has degenerate or
            unbounded users.
        ShapeError: `fairness` or `warm_start` is for another number of rows.
    """
    _check_options(tolerance, max_iterations, threads, memory_limit)
    _check_method(method, utility)
    fairness.check_length(market.num_users)
    counted = users_taking_part(market, utility, drop_degenerate)
    if memory_limit is not None:
        needed = predicted_bytes(
            market, tolerance, utility=utility, method=method, counted=counted
        )
        _check_memory(needed, memory_limit)
    first_prices = _first_prices(market, warm_start)
    amount = np.zeros(0)
    lam, mu = np.zeros(market.num_nodes), np.zeros(market.num_users)
    runs: list[_Run] = []
    with _threads(threads, market.num_edges) as pool:
        for resource in market.resources:
            users, nodes = market.rows_of(resource)
            how = _How(
                utility=utility,
                fairness=fairness.of(users),
                tolerance=AIM * tolerance,
                method=method,
                max_iterations=max_iterations,
                stop=stop,
                pool=pool,
                lam=None if first_prices is None else first_prices[nodes],
                known=_known(market, users, nodes, warm_start),
            )
            run = _solve_type(market, users, nodes, counted[users], how)
            lam[nodes], mu[users] = run.lam, run.mu
            amount = np.concatenate([amount, run.amount]) if runs else run.amount
            runs.append(replace(run, amount=np.zeros(0)))
    value = _outcome(market, utility, amount, lam, mu)
    del amount
    certificate = certify(
        market,
        value.allocation,
        lam,
        mu,
        utility=utility,
        fairness=fairness,
        drop_degenerate=drop_degenerate,
    )
    return Solution(
        value=value,
        certificate=certificate,
        status=_status(certificate, runs, tolerance),
        iterations=max(run.iterate.iterations for run in runs),
        stats={
            "method": " and ".join(dict.fromkeys(run.method for run in runs)),
            "predicted_bytes": needed_bytes(market, [run.memory for run in runs]),
            "iterations_per_resource": tuple(run.iterate.iterations for run in runs),
            "warm_start": " and ".join(dict.fromkeys(run.warm_start for run in runs)),
            "dropped_users": tuple(market.users[~counted].tolist()),
            "gap_history": runs[0].iterate.history
            if len(runs) == 1
            else tuple(run.iterate.history for run in runs),
        },
    )


def _outcome(
    market: Market, utility: Utility, amount: Floats, lam: Floats, mu: Floats
) -> Outcome:
    """The amounts cut to the limits, and what follows from them."""
    ledger = Ledger(market)
    amount = shrunk_to_limits(ledger, amount)
    value = outcome_of(market, amount, lam, mu, ledger)
    if utility == LINEAR:
        return value
    return replace(value, utility=ledger.value(utility, amount))


def _first_prices(
    market: Market, warm_start: Outcome | EdgeSolution | None
) -> Floats | None:
    """Shadow prices of capacities to start from."""
    if warm_start is None:
        return None
    value = warm_start.value if isinstance(warm_start, Solution) else warm_start
    if len(value.capacity_shadow_price) != market.num_nodes:
        raise ShapeError(
            "warm_start",
            expected=f"an answer for {market.num_nodes} node rows",
            got=f"{len(value.capacity_shadow_price)}",
        )
    return value.capacity_shadow_price


@dataclass(frozen=True, eq=False)
class _Known:
    """An old answer for one resource type: amounts of its edges, shadow prices."""

    amount: Floats
    lam: Floats
    mu: Floats


def _known(
    market: Market,
    users: slice,
    nodes: slice,
    warm_start: Outcome | EdgeSolution | None,
) -> _Known | None:
    """The old answer where it is for the same rows."""
    value = warm_start.value if isinstance(warm_start, Solution) else warm_start
    if value is None or value.allocation.shape != market.weight.shape:
        return None
    amount, _ = on_edges(market, value.allocation)
    indptr = market.weight.indptr
    return _Known(
        amount=amount[indptr[users.start] : indptr[users.stop]],
        lam=value.capacity_shadow_price[nodes],
        mu=value.budget_shadow_price[users],
    )


@dataclass(frozen=True, eq=False)
class _How:
    """Options of the solve of one resource type."""

    utility: Utility
    fairness: Fairness
    tolerance: float
    method: Method | None
    max_iterations: int | None
    stop: Stop | None
    pool: Executor | None
    lam: Floats | None
    known: _Known | None


@dataclass(frozen=True, eq=False)
class _Run:
    """One resource type solved: amounts of its edges, shadow prices of its rows; how,
    and the bytes predicted for it.
    """

    amount: Floats
    lam: Floats
    mu: Floats
    iterate: Iterate
    finite: bool
    method: str
    memory: int
    warm_start: WarmStart


def _check_options(
    tolerance: float,
    max_iterations: int | None,
    threads: int | None,
    memory_limit: int | None,
) -> None:
    if not LEAST_TOLERANCE <= real_number("tolerance", tolerance) < 1.0:
        raise DomainError(
            "tolerance",
            expected=f"a number from {LEAST_TOLERANCE:g} to 1 (gap per user)",
            got=tolerance,
        )
    if max_iterations is not None and max_iterations < 1:
        raise DomainError(
            "max_iterations", expected="a whole number >= 1", got=max_iterations
        )
    if threads is not None and threads < 1:
        raise DomainError("threads", expected="a whole number >= 1", got=threads)
    if memory_limit is not None and memory_limit < 1:
        raise DomainError(
            "memory_limit", expected="a whole number of bytes >= 1", got=memory_limit
        )


def _check_memory(needed: int, limit: int) -> None:
    if needed > limit:
        raise DomainError(
            "memory_limit",
            expected=f"at least {told_bytes(needed)}, which solving this market is "
            "predicted to take beyond itself",
            got=told_bytes(limit),
        )


def _check_method(method: str | None, utility: Utility) -> None:
    if method is None:
        return
    if method not in METHODS:
        raise ConfigError(
            "method",
            expected=f"one of {', '.join(METHODS)}{suggestion(method, METHODS)}",
            got=repr(method),
        )
    if utility != LINEAR:
        raise ConfigError(
            "method", expected="none with other than linear utilities", got=repr(method)
        )


def _threads(
    count: int | None, num_edges: int
) -> AbstractContextManager[Executor | None]:
    if count is None:
        count = get_num_threads() if num_edges >= 2 * EDGES_PER_BLOCK else 1
    return nullcontext() if count == 1 else ThreadPoolExecutor(min(count, MAX_BLOCKS))


def _solve_type(
    market: Market,
    users: slice,
    nodes: slice,
    taking_part: Bools,
    how: _How,
) -> _Run:
    """Solve one type on the edges that can carry something; complete its prices."""
    part = market if len(market.resources) == 1 else market.part(users, nodes)
    usable = part.usable_edges()
    if not taking_part.all():
        usable &= np.repeat(taking_part, np.diff(part.weight.indptr))
    linear = how.utility == LINEAR
    warm_start: WarmStart = "none"
    fairness = how.fairness if linear else PROPORTIONAL
    problem, unit = usable_problem(part, usable, taking_part, fairness)
    with np.errstate(all="ignore"):  # what overflows is seen and said below
        if linear:
            choice = choose(problem, how.tolerance, how.method)
            known = _as_iterate(how.known, usable, taking_part, unit)
            iterate, warm_start = _iterated(problem, how, choice, known)
        else:
            choice = choose_smooth(problem)
            iterate = solve_smooth(
                problem,
                how.utility,
                how.fairness.of(taking_part),
                how.tolerance,
                how.max_iterations or MAX_ITERATIONS,
                how.stop,
                how.pool,
            )
    carried, lam, mu_counted = (
        iterate.amount,
        iterate.capacity_shadow_price,
        iterate.budget_shadow_price,
    )
    finite = bool(
        np.isfinite(carried).all()
        and np.isfinite(lam).all()
        and np.isfinite(mu_counted).all()
        and math.isfinite(iterate.gap_per_user)
    )
    if not finite:
        carried, _, lam, ends, _ = closed_form_start(problem)
        mu_counted = ends[:, 1].copy()
    amount = carried
    if len(carried) < part.num_edges:
        amount = np.zeros(part.num_edges)
        amount[usable] = carried
    mu = np.zeros(part.num_users)
    mu[taking_part] = mu_counted / unit
    lam = lam / unit
    if linear:  # else no bundle is priced at an edge that carries nothing
        lam, mu = _completed(part, usable, taking_part, lam, mu)
    method = WORDS[choice.method] if linear else "interior point"
    iterate = replace(iterate, amount=np.zeros(0))  # `amount` has them; memory
    return _Run(amount, lam, mu, iterate, finite, method, choice.memory, warm_start)


def _as_iterate(
    known: _Known | None, usable: Bools, taking_part: Bools, unit: float
) -> Iterate | None:
    """An old answer, on the edges and in the prices of the problem to be solved."""
    if known is None:
        return None
    return Iterate(
        amount=known.amount[usable],
        capacity_shadow_price=known.lam * unit,
        budget_shadow_price=known.mu[taking_part] * unit,
        gap_per_user=math.inf,
        iterations=0,
        pinned=0,
        stalled=False,
        bounded=True,
        history=(),
    )


def _iterated(
    problem: Problem, how: _How, choice: Choice, known: Iterate | None
) -> tuple[Iterate, WarmStart]:
    """The method chosen; the interior point method from known prices or the central
    path where following that pays.
    """
    if choice.method == "first_order":
        found = first_order(
            problem,
            how.tolerance,
            how.max_iterations or MAX_PASSES,
            how.stop,
            how.pool,
            known,
        )
        return found, "none" if known is None else "used"
    effort = Effort(
        how.tolerance,
        how.max_iterations or MAX_ITERATIONS,
        how.stop,
        how.pool,
        choice.pattern,
    )
    warm_start: WarmStart = "none"
    if problem.alpha == 1.0 and how.lam is not None:
        found = from_known_prices(problem, how.lam, effort)
        if found is not None:
            return found, "used"
        warm_start = "given up"
    found = _from_likely_edges(problem, effort)
    return effort.spent_on(problem) if found is None else found, warm_start


def _from_likely_edges(problem: Problem, effort: Effort) -> Iterate | None:
    """The interior point method from near the optimum, on few edges; None where that
    does not pay or leads nowhere.
    """
    if problem.alpha != 1.0:
        return None
    crowd = len(problem.budget) / max(len(problem.capacity), 1)
    sparse_reach = len(problem.node) < AS_PANELS_FROM * len(problem.budget) * len(
        problem.capacity
    )
    target = min(max(0.5 / max(crowd, 1e-300), LEAST_TARGET), GREATEST_TARGET)
    target = max(target, effort.tolerance)
    if crowd >= CROWD and sparse_reach:
        start = follow_path(
            problem, target, effort.pool, stop=effort.stop, pattern=effort.pattern
        )
        if start is None:
            return None
        found = last_steps(problem, start, effort)
        return replace(found, iterations=math.ceil(start.passes) + found.iterations)
    if effort.pattern is None and _is_large(problem):
        return from_rough_prices(problem, target, effort)
    return None


def _is_large(problem: Problem) -> bool:
    """Whether it pays to look for the likely edges first."""
    edges, nodes = len(problem.node), len(problem.capacity)
    many_users = len(problem.budget) >= FEW_USERS * nodes
    return edges >= MANY_EDGES and many_users and nodes <= MANY_NODES


def _completed(
    part: Market, usable: Bools, taking_part: Bools, lam: Floats, mu: Floats
) -> tuple[Floats, Floats]:
    """Shadow prices for the limits of zero, whose edges the solver did not see.

    A limit of zero costs nothing in the dual, so its price may be as high as needed for
    no dropped edge to look worth buying: mu_j = max_i (w_ij e_j - lam_i) / p_i, then
    lam_i = max_j (w_ij e_j - mu_j p_i), with e_j the price of j's utility.
    """
    if usable.all():
        return lam, mu
    user, node = part.user_of_edge, part.weight.indices
    price, weight = part.price[node], part.weight.data
    rent = lam[node] + mu[user] * price
    worth = np.full(part.num_users, np.inf)
    np.minimum.at(worth, user[usable], rent[usable] / weight[usable])
    dropped = ~usable & taking_part[user]
    lam, mu = lam.copy(), mu.copy()
    poor = dropped & (part.budget[user] == 0.0) & (price > 0.0)
    poor &= part.capacity[node] > 0.0
    wanted = (weight * worth[user] - lam[node])[poor] / price[poor]
    np.maximum.at(mu, user[poor], wanted)
    closed = dropped & (part.capacity[node] == 0.0)
    wanted = (weight * worth[user] - mu[user] * price)[closed]
    np.maximum.at(lam, node[closed], wanted)
    return lam, mu


def _status(certificate: EdgeCertificate, runs: list[_Run], tolerance: float) -> Status:
    if not all(run.finite for run in runs):
        return Status.NONFINITE
    if certificate.holds(tolerance):
        return Status.CONVERGED
    if all(run.iterate.stalled or not run.iterate.bounded for run in runs):
        return Status.ALMOST_CONVERGED
    return Status.MAX_ITERATIONS
