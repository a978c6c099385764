"""What is proved about an allocation, whoever computed it.

Written against the market and the answer alone, in plain NumPy and float64. Any
feasible amounts x and any prices lam, mu >= 0 give a rigorous gap to the optimum of
Problem 1, because

    lam.Q + mu.B - sum_j log min_i (lam_i + mu_j p_i) / w_ij - N

bounds it from above. With e_j the minimum and u_j = sum_i w_ij x_ij the gap is

    sum lam (Q - sum x) + sum mu (B - sum p x) + sum x (lam + mu p - w e)
        + sum_j (e u - 1 - log(e u)),

in which every term is >= 0 and nothing large cancels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stackelberg.edge.market import Csr, Floats, Market
from stackelberg.edge.outcome import Ledger, on_edges, shrunk_to_limits
from stackelberg.errors import DomainError, ShapeError
from stackelberg.game import Certificate, CertificateRow

EXACT = 1e-9
"""Relative size up to which a violation that ought to be zero is rounding."""

_ROUNDING = 2.0**-52


@dataclass(frozen=True, eq=False)
class EdgeCertificate(Certificate):
    """Numbers that say how good an allocation is. Logarithms are natural.

    Violations are of the answer as given. Everything else is about the answer made
    feasible, from which the one given is `moved` away.

    Attributes:
        objective: sum of the users' log utilities.
        dual_bound: no allocation has a greater one.
        duality_gap: the bound less the objective, rounding included.
        gap_per_user: the same on average: how much log utility a user may lack.
        capacity_violation: largest excess of a load, relative to the capacity.
        budget_violation: largest excess of a spending, relative to the budget.
        entry_violation: largest amount that is negative or out of reach, relative to
            all amounts at its node.
        moved: largest relative change of a user's utility by making it feasible.
        utility_error: per user row [N], bound on |u / u* - 1| with u* the utility at
            the optimum, which is unique; zero for users left out.
    """

    objective: float
    dual_bound: float
    duality_gap: float
    gap_per_user: float
    capacity_violation: float
    budget_violation: float
    entry_violation: float
    moved: float
    utility_error: Floats

    def rows(self) -> tuple[CertificateRow, ...]:
        """The numbers, in the order a reader wants them."""
        return tuple(
            CertificateRow(*row)
            for row in (
                ("objective", self.objective, "nat", "sum of the users' log utilities"),
                ("dual_bound", self.dual_bound, "nat",
                 "no allocation has a greater sum"),
                ("gap_per_user", self.gap_per_user, "nat",
                 "log utility that a user may lack on average"),
                ("utility_error", float(self.utility_error.max(initial=0.0)), "",
                 "bound on any user's relative distance from its optimal utility"),
                ("capacity_violation", self.capacity_violation, "",
                 "largest load above a capacity"),
                ("budget_violation", self.budget_violation, "",
                 "largest spending above a budget"),
                ("entry_violation", self.entry_violation, "",
                 "largest amount that is negative or out of reach"),
                ("moved", self.moved, "",
                 "largest change of a utility by making the answer feasible"),
            )
        )  # fmt: skip

    @property
    def worst_violation(self) -> float:
        """The largest of the three violations."""
        return max(self.capacity_violation, self.budget_violation, self.entry_violation)

    def holds(self, tolerance: float = 1e-8) -> bool:
        """Whether no limit is violated by more than `EXACT` and the gap per user is at
        most `tolerance`.
        """
        return self.worst_violation <= EXACT and self.gap_per_user <= tolerance


def certify(
    market: Market,
    allocation: object,
    capacity_shadow_price: npt.ArrayLike,
    budget_shadow_price: npt.ArrayLike,
    *,
    drop_degenerate: bool = False,
) -> EdgeCertificate:
    """Certify anybody's allocation and shadow prices.

    Where a capacity or budget is infinite its shadow price counts as zero, the only
    value that gives a bound.

    Args:
        market: what was to be shared out.
        allocation: amounts, users x nodes, sparse or dense; violations are measured and
            then removed by scaling down.
        capacity_shadow_price: any lam >= 0 [M]; poor ones give a large gap.
        budget_shadow_price: any mu >= 0 [N].
        drop_degenerate: leave out users whose utility is zero whatever one does.

    Raises:
        ShapeError, ConfigError: an argument does not fit the market.
        DomainError: an amount or shadow price is NaN, infinite, or a shadow price is
            negative; or the market has degenerate or unbounded users.
    """
    counted = market.solvable_users(drop_degenerate)
    lam = _prices("capacity_shadow_price", capacity_shadow_price, market.num_nodes)
    mu = _prices("budget_shadow_price", budget_shadow_price, market.num_users)
    lam = np.where(np.isfinite(market.capacity), lam, 0.0)
    mu = np.where(np.isfinite(market.budget) & counted, mu, 0.0)
    given, outside = on_edges(market, allocation)
    ledger = Ledger(market)
    amount = shrunk_to_limits(ledger, given)
    utility, before = ledger.utility(amount), ledger.utility(given)
    gap = _gap_per_type(market, ledger, amount, utility, lam, mu, counted)
    with np.errstate(divide="ignore"):
        logs = np.log(utility[counted])
    objective = float(logs.sum())
    total = float(gap.sum())
    sales = ledger.per_node(given) + np.asarray(outside.sum(axis=0)).ravel()
    spend = ledger.spend(given) + outside @ market.price
    error = np.array([_utility_error(g) for g in gap])[market.user_type]
    return EdgeCertificate(
        objective=objective,
        dual_bound=objective + total if math.isfinite(objective) else math.inf,
        duality_gap=total,
        gap_per_user=total / max(int(counted.sum()), 1),
        capacity_violation=_excess(sales, market.capacity),
        budget_violation=_excess(spend, market.budget),
        entry_violation=_entry_violation(ledger, given, outside),
        moved=_moved(before[counted], utility[counted]),
        utility_error=np.where(counted, error, 0.0),
    )


def _prices(name: str, values: npt.ArrayLike, count: int) -> Floats:
    prices = np.asarray(values, dtype=np.float64)
    if prices.shape != (count,):
        raise ShapeError(
            name, expected=f"{count} numbers", got=f"shape {list(prices.shape)}"
        )
    wrong = np.flatnonzero(~((prices >= 0.0) & np.isfinite(prices)))
    if len(wrong):
        raise DomainError(
            f"{name}[{wrong[0]}]",
            expected="a finite number >= 0",
            got=float(prices[wrong[0]]),
        )
    return prices


def _gap_per_type(
    market: Market,
    ledger: Ledger,
    amount: Floats,
    utility: Floats,
    lam: Floats,
    mu: Floats,
    counted: npt.NDArray[np.bool_],
) -> Floats:
    """The gap of each resource type, with a bound on its own rounding added."""
    user, node = market.user_of_edge, market.weight.indices
    rent = lam[node] + mu[user] * ledger.price_of_edge
    best = _least_per_user(rent / market.weight.data, market.weight.indptr)
    best = np.where(counted, best, 0.0)
    reduced = np.maximum(rent - market.weight.data * best[user], 0.0)
    reduced = np.where(counted[user], reduced, 0.0)
    excess = np.where(counted, best * utility - 1.0, 0.0)
    with np.errstate(divide="ignore"):
        own = np.where(counted, excess - np.log1p(np.maximum(excess, -1.0)), 0.0)
    per_user = own + ledger.per_user(amount * reduced)
    per_user += mu * np.maximum(_slack(market.budget, ledger.spend(amount)), 0.0)
    per_node = lam * np.maximum(_slack(market.capacity, ledger.per_node(amount)), 0.0)
    size = 1.0 + mu * np.where(np.isfinite(market.budget), market.budget, 0.0)
    size += best * utility + ledger.per_user(amount * rent)
    gap = np.zeros(len(market.resources))
    for k, resource in enumerate(market.resources):
        users, nodes = market.rows_of(resource)
        terms = max(market.num_edges, 2)
        finite = np.isfinite(market.capacity[nodes])
        worth = lam[nodes][finite] @ market.capacity[nodes][finite]
        allowance = (32.0 + math.log2(terms)) * _ROUNDING
        gap[k] = per_user[users].sum() + per_node[nodes].sum()
        gap[k] += allowance * (size[users][counted[users]].sum() + worth)
    return gap


def _least_per_user(values: Floats, indptr: npt.NDArray[np.integer]) -> Floats:
    """The least of each user's values; infinite for a user without edges."""
    least = np.full(len(indptr) - 1, np.inf)
    filled = np.flatnonzero(np.diff(indptr) > 0)
    if len(filled):
        least[filled] = np.minimum.reduceat(values, indptr[filled])
    return least


def _slack(limit: Floats, used: Floats) -> Floats:
    """What is left of a limit; zero where there is none (its price is zero too)."""
    return np.where(np.isfinite(limit), limit, used) - used


def _excess(used: Floats, limit: Floats) -> float:
    """Largest excess of `used`, relative to the limit; infinite where that is zero."""
    over = np.flatnonzero(used > limit)
    with np.errstate(divide="ignore"):
        return float((used[over] / limit[over] - 1.0).max(initial=0.0))


def _entry_violation(ledger: Ledger, given: Floats, outside: Csr) -> float:
    """Largest share of a node's amounts that is negative or out of reach."""
    away = np.asarray(abs(outside).sum(axis=0)).ravel()
    wrong = ledger.per_node(np.maximum(-given, 0.0)) + away
    everything = ledger.per_node(np.abs(given)) + away
    bad = wrong > 0.0
    return float((wrong[bad] / everything[bad]).max(initial=0.0))


def _moved(before: Floats, after: Floats) -> float:
    changed = before != after
    with np.errstate(divide="ignore"):
        change = np.abs(after[changed] - before[changed]) / np.abs(before[changed])
    return float(change.max(initial=0.0))


def _utility_error(gap: float) -> float:
    """The r > 0 with r - log(1 + r) = gap; its negative twin is nearer to zero.

    From the optimality of u*: gap >= sum_j (r_j - log(1 + r_j)), r = u / u* - 1.
    """
    if not math.isfinite(gap):
        return math.inf
    # r^2/2 - r^3/3 <= r - log(1 + r); Newton on a convex function from the right.
    r = gap + math.sqrt(gap * (2.0 + gap))
    for _ in range(60):
        value = r - math.log1p(r) - gap
        step = value * (1.0 + r) / r if r > 0.0 else 0.0
        if not step > 1e-15 * r:
            break
        r -= step
    return r
