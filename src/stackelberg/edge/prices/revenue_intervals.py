"""What nodes may earn from linear users at given prices: intervals, since users tie.

At the optimum of Problem 1 utilities are unique and amounts are not: revenue is a set.
Every optimal x keeps the limits, gives each user at least u / (1 + r), r the proved
error of the utilities found, and, with the duality gap g of shadow prices lam, mu,

    sum x z + sum lam (Q - sum x) + sum mu (B - sum p x) <= g,    z = lam + mu p - w e,

since every term is >= 0 and their sum is at most the distance of the dual bound from
the optimum. A linear program over these amounts, which contain all optimal ones, bounds
what a node earns from below and above; weak duality with its multipliers makes the
bound hold whatever the program's own tolerance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import linprog

from stackelberg.edge.allocate import EdgeSolution, allocate
from stackelberg.edge.market import Csr, Floats, Market
from stackelberg.edge.prices.ces_game import per_row
from stackelberg.game import Certificate, CertificateRow, Solution

TOLERANCE = 1e-10
"""Gap per user of the allocation; ties within about as much count as ties."""

_ROUNDING = 2.0**-52


@dataclass(frozen=True, eq=False)
class RevenueIntervals:
    """Bounds on revenue and profit over all optimal baskets at the market's prices.

    Attributes:
        least_revenue, greatest_revenue: of each node row [M].
        least_profit, greatest_profit: the same less the cost of what is sold [M].
        least_total_profit, greatest_total_profit: of all nodes together; no more than
            the sums of the columns, because a sale to one is none to another.
    """

    least_revenue: Floats
    greatest_revenue: Floats
    least_profit: Floats
    greatest_profit: Floats
    least_total_profit: float
    greatest_total_profit: float


@dataclass(frozen=True, eq=False)
class RevenueCertificate(Certificate):
    """How far the intervals may be wider than the truth.

    Attributes:
        gap_per_user: of the allocation that they stand on, in nats.
        widest: greatest width of a node's revenue interval, relative to its greatest
            revenue: 0 where revenue is one number, 1 where it may be nothing.
    """

    gap_per_user: float
    widest: float

    def rows(self) -> tuple[CertificateRow, ...]:
        """The numbers, in the order a reader wants them."""
        return (
            CertificateRow(
                "gap_per_user",
                self.gap_per_user,
                "nat",
                "log utility that a user may lack on average in the allocation",
            ),
            CertificateRow(
                "widest", self.widest, "", "relative width of the widest interval"
            ),
        )

    def holds(self, tolerance: float = TOLERANCE) -> bool:
        """Whether the allocation is proved optimal within `tolerance`; the intervals
        hold in any case.
        """
        return self.gap_per_user <= tolerance


def revenue_intervals(
    market: Market,
    *,
    cost: npt.ArrayLike | None = None,
    tolerance: float = TOLERANCE,
) -> Solution[RevenueIntervals, RevenueCertificate]:
    """Bound what every node earns at the market's prices, users being linear.

    Users solve Problem 1: best bargains first, shared fairly where capacity is short.
    Two linear programs per node over all edges of its resource type: for thousands of
    edges, not for millions.

    Args:
        market: prices, capacities, budgets, linear weights.
        cost: of one unit, a number or [M]; by default the market's.
        tolerance: gap per user of the allocation.

    Returns:
        Solution whose status and iterations are those of the allocation. Users whose
        utility is zero whatever one does buy nothing.

    Raises:
        ConfigError, ShapeError, DomainError: an argument is out of range, or the market
            has unbounded users.
    """
    costs = market.cost
    if cost is not None:
        costs = per_row("cost", cost, market.num_nodes, market.nodes)
    solution = allocate(market, tolerance, drop_degenerate=True)
    baskets = _Baskets(market, solution)
    m = market.num_nodes
    least, greatest = np.zeros(m), np.zeros(m)
    for i in range(m):
        least[i], greatest[i] = baskets.load_interval(np.arange(m) == i)
    margin = market.price - costs
    total = baskets.load_interval(margin)
    greatest_revenue, least_revenue = market.price * greatest, market.price * least
    value = RevenueIntervals(
        least_revenue=least_revenue,
        greatest_revenue=greatest_revenue,
        least_profit=np.minimum(margin * least, margin * greatest),
        greatest_profit=np.maximum(margin * least, margin * greatest),
        least_total_profit=total[0],
        greatest_total_profit=total[1],
    )
    some = greatest_revenue > 0.0
    width = 1.0 - least_revenue[some] / greatest_revenue[some]
    proof = RevenueCertificate(
        gap_per_user=solution.certificate.gap_per_user,
        widest=float(width.max(initial=0.0)),
    )
    return Solution(value, proof, solution.status, solution.iterations)


class _Baskets:
    """Amounts that contain every optimal basket, scaled: y = x / (most one may buy)."""

    def __init__(self, market: Market, solution: EdgeSolution) -> None:
        self.market = market
        self._usable = np.flatnonzero(market.usable_edges())
        user = market.user_of_edge[self._usable]
        node = market.weight.indices[self._usable]
        price, weight = market.price[node], market.weight.data[self._usable]
        with np.errstate(divide="ignore"):
            most = np.minimum(market.capacity[node], market.budget[user] / price)
        self._node, self._most = node, most
        value, proof = solution.value, solution.certificate
        lam = np.where(np.isfinite(market.capacity), value.capacity_shadow_price, 0.0)
        mu = np.where(np.isfinite(market.budget), value.budget_shadow_price, 0.0)
        rent = lam[node] + mu[user] * price
        worth = np.full(market.num_users, np.inf)
        np.minimum.at(worth, user, rent / weight)
        spare = np.maximum(rent - weight * worth[user], 0.0)
        room = _finite(lam, market.capacity).sum() + _finite(mu, market.budget).sum()
        rows = [
            _rows(node, most, market.capacity),
            _rows(user, most * price, market.budget),
            _rows(user, -weight * most, -value.utility / (1.0 + proof.utility_error)),
        ]
        # sum x (z - lam - mu p) <= g - lam.Q - mu.B; in units of one user's money.
        cut = sparse.csr_array(((spare - rent) * most)[None, :])
        allowance = 64.0 * _ROUNDING * (room + market.num_users)
        limit = np.array([proof.duality_gap + allowance - room])
        self._matrix: Csr = sparse.csr_array(
            sparse.vstack([r[0] for r in rows] + [cut], format="csr")
        )
        self._limit: Floats = np.concatenate([r[1] for r in rows] + [limit])

    def load_interval(self, value: npt.NDArray[Any]) -> tuple[float, float]:
        """Least and greatest sum of a value per node times its load [M]."""
        gain = np.asarray(value, dtype=np.float64)[self._node] * self._most
        unit = float(np.abs(gain).max(initial=0.0))
        if unit == 0.0:
            return 0.0, 0.0
        return -unit * self._greatest(-gain / unit), unit * self._greatest(gain / unit)

    def _greatest(self, gain: Floats) -> float:
        """Upper bound on gain.y, by the multipliers of a linear program."""
        found: Any = linprog(
            -gain, A_ub=self._matrix, b_ub=self._limit, bounds=(0.0, 1.0),
            method="highs",
        )  # fmt: skip
        multiplier = np.zeros(len(self._limit))
        if found.ineqlin is not None and found.ineqlin.marginals is not None:
            multiplier = np.maximum(-np.asarray(found.ineqlin.marginals), 0.0)
        reduced = gain - self._matrix.T @ multiplier
        bound = float(np.maximum(reduced, 0.0).sum() + multiplier @ self._limit)
        size = float(np.abs(multiplier * self._limit).sum() + np.abs(gain).sum())
        bound += 64.0 * _ROUNDING * size
        return min(bound, float(np.maximum(gain, 0.0).sum()))


def _finite(price: Floats, limit: Floats) -> Floats:
    return price * np.where(np.isfinite(limit), limit, 0.0)


def _rows(
    index: npt.NDArray[np.integer], values: Floats, limit: Floats
) -> tuple[Csr, Floats]:
    """Rows sum_e values_e y_e <= limit of each index, divided by the limit's size."""
    some = np.isfinite(limit) & (limit != 0.0)
    kept = some[index]
    place = np.cumsum(some) - 1
    size = np.abs(limit)
    matrix = sparse.csr_array(
        (
            values[kept] / size[index[kept]],
            (place[index[kept]], np.flatnonzero(kept)),
        ),
        shape=(int(some.sum()), len(values)),
    )
    return matrix, np.sign(limit[some])
