"""Problem 1: the allocation that maximises the sum of log utilities, with its proof."""

from __future__ import annotations

import math
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import numpy as np

from stackelberg.edge.blocks import MAX_BLOCKS
from stackelberg.edge.certify import EdgeCertificate, certify
from stackelberg.edge.fairness import PROPORTIONAL, Fairness
from stackelberg.edge.interior_point import (
    MAX_ITERATIONS,
    Iterate,
    Problem,
    Stop,
    closed_form_start,
    interior_point,
)
from stackelberg.edge.market import Bools, Floats, Market
from stackelberg.edge.outcome import Ledger, Outcome, outcome_of, shrunk_to_limits
from stackelberg.edge.smooth_users import solve_smooth
from stackelberg.edge.taking_part import users_taking_part
from stackelberg.edge.utilities import LINEAR, Utility
from stackelberg.errors import DomainError
from stackelberg.game import Solution, Status

EdgeSolution = Solution[Outcome, EdgeCertificate]

LEAST_TOLERANCE = 1e-13
"""Per user; the bound on the certificate's own rounding is not much below it."""

AIM = 0.5
"""Share of the tolerance that the solver is sent to; the rest is for rounding."""


def allocate(
    market: Market,
    tolerance: float = 1e-8,
    *,
    utility: Utility = LINEAR,
    fairness: Fairness = PROPORTIONAL,
    drop_degenerate: bool = False,
    max_iterations: int = MAX_ITERATIONS,
    stop: Stop | None = None,
    threads: int = 1,
) -> EdgeSolution:
    """Share out the nodes' capacity by Problem 1, each resource type by itself.

    Maximises sum_j log sum_i w_ij x_ij subject to capacities and budgets, or any other
    welfare of any other utility. Utilities are unique, amounts and shadow prices need
    not be.

    Args:
        market: prices, capacities, budgets and weights.
        tolerance: gap per user to prove, in nats of log utility; 1e-13 is the least.
            With weights or alpha each user counts by its virtual money.
        utility: of every user, with the market's weights.
        fairness: what the users' utilities are worth together.
        drop_degenerate: leave users out whose utility is zero whatever one does (they
            get nothing); by default they are refused by name.
        max_iterations: bound on the steps per resource type.
        stop: called before each step with its number and the gap per user; returning
            True ends the solve with the best answer so far, whose certificate is
            honest. A deadline is a `stop` that reads the clock.
        threads: how many may work at once. The bits do not depend on it.

    Returns:
        Solution (iterations: most steps of a resource type). `CONVERGED` if the
        certificate, computed by separate code, holds `tolerance`; `ALMOST_CONVERGED` if
        rounding ended the solve before; `MAX_ITERATIONS` if the bound or `stop` did;
        `NONFINITE` if numbers overflowed, with the closed-form start as the answer. The
        allocation keeps every limit in all cases.

    Raises:
        DomainError: an option is out of range, or the market has degenerate or
            unbounded users.
    """
    _check_options(tolerance, max_iterations, threads)
    fairness.check_length(market.num_users)
    counted = users_taking_part(market, utility, drop_degenerate)
    amount = np.zeros(market.num_edges)
    lam, mu = np.zeros(market.num_nodes), np.zeros(market.num_users)
    runs: list[_Run] = []
    with _threads(threads) as pool:
        for resource in market.resources:
            users, nodes = market.rows_of(resource)
            run = _solve_type(
                market, users, nodes, counted, utility, fairness.of(users),
                AIM * tolerance, max_iterations, stop, pool,
            )  # fmt: skip
            edges = slice(market.weight.indptr[users.start],
                          market.weight.indptr[users.stop])  # fmt: skip
            amount[edges], lam[nodes], mu[users] = run.amount, run.lam, run.mu
            runs.append(run)
    ledger = Ledger(market)
    amount = shrunk_to_limits(ledger, amount)
    value = outcome_of(market, amount, lam, mu, ledger)
    if utility != LINEAR:
        value = replace(value, utility=utility.value(market.weight, amount))
    certificate = certify(
        market, value.allocation, lam, mu,
        utility=utility, fairness=fairness, drop_degenerate=drop_degenerate,
    )  # fmt: skip
    return Solution(
        value=value,
        certificate=certificate,
        status=_status(certificate, runs, tolerance),
        iterations=max(run.iterate.iterations for run in runs),
        stats={
            "method": "interior point",
            "iterations_per_resource": tuple(run.iterate.iterations for run in runs),
            "dropped_users": tuple(market.users[~counted].tolist()),
            "gap_history": runs[0].iterate.history
            if len(runs) == 1
            else tuple(run.iterate.history for run in runs),
        },
    )


@dataclass(frozen=True, eq=False)
class _Run:
    """One resource type solved: amounts of its edges, shadow prices of its rows."""

    amount: Floats
    lam: Floats
    mu: Floats
    iterate: Iterate
    finite: bool


def _check_options(tolerance: float, max_iterations: int, threads: int) -> None:
    if not LEAST_TOLERANCE <= tolerance < 1.0:
        raise DomainError(
            "tolerance",
            expected=f"a number from {LEAST_TOLERANCE:g} to 1 (gap per user)",
            got=tolerance,
        )
    if max_iterations < 1:
        raise DomainError(
            "max_iterations", expected="a whole number >= 1", got=max_iterations
        )
    if threads < 1:
        raise DomainError("threads", expected="a whole number >= 1", got=threads)


def _threads(count: int) -> AbstractContextManager[Executor | None]:
    return nullcontext() if count == 1 else ThreadPoolExecutor(min(count, MAX_BLOCKS))


def _solve_type(
    market: Market,
    users: slice,
    nodes: slice,
    counted: Bools,
    utility: Utility,
    fairness: Fairness,
    tolerance: float,
    max_iterations: int,
    stop: Stop | None,
    pool: Executor | None,
) -> _Run:
    """Solve one type on the edges that can carry something; complete its prices."""
    part = market.part(users, nodes)
    taking_part = counted[users]
    usable = part.usable_edges() & taking_part[part.user_of_edge]
    problem = _problem(part, usable, taking_part)
    if utility == LINEAR and fairness.is_plain:
        iterate = interior_point(problem, tolerance, max_iterations, stop, pool)
    else:
        with np.errstate(all="ignore"):  # what overflows is seen and said below
            iterate = solve_smooth(
                problem, utility, fairness.of(taking_part),
                tolerance, max_iterations, stop, pool,
            )  # fmt: skip
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
        carried, lam, mu_counted = closed_form_start(problem)
    amount = np.zeros(part.num_edges)
    amount[usable] = carried
    mu = np.zeros(part.num_users)
    mu[taking_part] = mu_counted
    if utility == LINEAR:  # else no bundle is priced at an edge that carries nothing
        lam, mu = _completed(part, usable, taking_part, lam, mu)
    return _Run(amount, lam, mu, iterate, finite)


def _problem(part: Market, usable: Bools, taking_part: Bools) -> Problem:
    """The usable edges of the users that count; a budget of zero buys what is free."""
    user = part.user_of_edge[usable]
    degree = np.bincount(user, minlength=part.num_users)[taking_part]
    budget = np.where(part.budget > 0.0, part.budget, np.inf)[taking_part]
    capacity = np.where(part.capacity > 0.0, part.capacity, np.inf)
    return Problem(
        indptr=np.concatenate([[0], np.cumsum(degree)]).astype(np.int64),
        node=part.weight.indices[usable].astype(np.int32),
        weight=part.weight.data[usable],
        price=part.price,
        capacity=capacity,
        budget=budget,
    )


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
