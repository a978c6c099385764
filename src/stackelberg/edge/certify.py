"""What is proved about an allocation, whoever computed it.

Written against the market and the answer alone, in float64 with compensated sums. Any
feasible amounts and any shadow prices >= 0 bound the optimum from both sides; see
`dual_gap` for the bound and its gap, a sum of terms >= 0 in which nothing large
cancels, for every utility and fairness.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stackelberg.edge.dual_gap import gap_per_type
from stackelberg.edge.fairness import PROPORTIONAL, Fairness
from stackelberg.edge.market import Bools, Csr, Floats, Market
from stackelberg.edge.outcome import Ledger, on_edges, shrunk_to_limits
from stackelberg.edge.taking_part import users_taking_part
from stackelberg.edge.utilities import LINEAR, Utility
from stackelberg.edge.utility_error import utility_error
from stackelberg.errors import DomainError, ShapeError
from stackelberg.game import Certificate, CertificateRow
from stackelberg.game.numbers import real_numbers

EXACT = 1e-9
"""Relative size up to which a violation that ought to be zero is rounding."""


@dataclass(frozen=True, eq=False)
class EdgeCertificate(Certificate):
    """Numbers that say how good an allocation is. Logarithms are natural.

    Violations are of the answer as given. Everything else is about the answer made
    feasible, from which the one given is `moved` away.

    Attributes:
        objective: welfare of the users; by default the sum of their log utilities.
        dual_bound: no allocation has a greater one.
        duality_gap: the bound less the objective, rounding included.
        gap_per_user: the same over the users' virtual money sum b u^(1 - alpha), which
            is their number by default: how much log utility a user may lack on
            average, each counting by its virtual money. Of this money, at the answer
            and at the shadow prices, the lesser is taken.
        capacity_violation: largest excess of a load, relative to the capacity.
        budget_violation: largest excess of a spending, relative to the budget.
        entry_violation: largest amount that is negative or out of reach, relative to
            all amounts at its node.
        moved: largest relative change of a user's utility by making it feasible.
        utility_error: per user row [N], bound on |u / u* - 1| with u* the utility at
            the optimum, which is unique; zero for users left out. Users with little
            virtual money may have a loose one: welfare hardly depends on them.
        fairness: what the objective counts.
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
    fairness: Fairness = PROPORTIONAL

    def rows(self) -> tuple[CertificateRow, ...]:
        """The numbers, in the order a reader wants them."""
        unit, meaning = _of_objective(self.fairness)
        return tuple(
            CertificateRow(*row)
            for row in (
                ("objective", self.objective, unit, meaning),
                ("dual_bound", self.dual_bound, unit,
                 "no allocation has a greater objective"),
                ("gap_per_user", self.gap_per_user, "nat",
                 "log utility that a user may lack on average"),
                ("utility_error", float(self.utility_error.max(initial=0.0)), "",
                 "bound on any one user's relative distance from its optimal utility, "
                 "as if the whole gap were that user's"),
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


@np.errstate(all="ignore")  # what overflows proves nothing, and says so
def certify(
    market: Market,
    allocation: object,
    capacity_shadow_price: npt.ArrayLike,
    budget_shadow_price: npt.ArrayLike,
    *,
    utility: Utility = LINEAR,
    fairness: Fairness = PROPORTIONAL,
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
        utility: of every user, with the market's weights.
        fairness: what the users' utilities are worth together.
        drop_degenerate: leave out users whose utility is zero whatever one does.

    Raises:
        ShapeError, ConfigError: an argument does not fit the market.
        DomainError: an amount or shadow price is NaN, infinite, or a shadow price is
            negative; or the market has degenerate or unbounded users.
    """
    fairness.check_length(market.num_users)
    counted = users_taking_part(market, utility, drop_degenerate)
    lam = _prices("capacity_shadow_price", capacity_shadow_price, market.num_nodes)
    mu = _prices("budget_shadow_price", budget_shadow_price, market.num_users)
    lam = np.where(np.isfinite(market.capacity), lam, 0.0)
    mu = np.where(np.isfinite(market.budget) & counted, mu, 0.0)
    given, outside = on_edges(market, allocation)
    ledger = Ledger(market)
    amount = shrunk_to_limits(ledger, given)
    value = ledger.value(utility, amount)
    before = _as_given(ledger, utility, given)
    gap, money = gap_per_type(
        ledger, amount, value, lam, mu, counted, utility, fairness
    )
    gap = np.where(np.isnan(gap), math.inf, gap)
    error = _errors(market, value, gap, counted, fairness)
    objective = float(fairness.welfare(value)[counted].sum())
    total = float(gap.sum())
    bound = objective + total
    if not math.isfinite(bound):
        bound = _bound_elsewhere(ledger, lam, mu, counted, utility, fairness)
    sales, spend = ledger.per_node(given), ledger.spend(given)
    if outside is not None:
        sales += np.asarray(outside.sum(axis=0)).ravel()
        spend += outside @ market.price
    return EdgeCertificate(
        objective=objective,
        dual_bound=bound,
        duality_gap=total,
        gap_per_user=_relative(total, float(money.sum()) if counted.any() else 1.0),
        capacity_violation=_excess(sales, market.capacity),
        budget_violation=_excess(spend, market.budget),
        entry_violation=_entry_violation(ledger, given, outside),
        moved=_moved(before[counted], value[counted]),
        utility_error=error,
        fairness=fairness,
    )


def _bound_elsewhere(
    ledger: Ledger,
    lam: Floats,
    mu: Floats,
    counted: Bools,
    utility: Utility,
    fairness: Fairness,
) -> float:
    """What the shadow prices prove where the answer has no finite objective.

    The bound is theirs alone, so it may be added up from any amounts: here everybody
    has an equal part of every node, or what its budget buys where nodes are endless.
    """
    market = ledger.market
    node, user = market.weight.indices, market.user_of_edge
    usable = market.usable_edges()
    part = market.capacity / np.maximum(ledger.per_node(usable.astype(np.float64)), 1.0)
    affordable = market.budget[user] / market.price[node]
    amount = np.where(np.isinf(part[node]), affordable, part[node])
    amount = shrunk_to_limits(ledger, np.where(usable, amount, 0.0))
    value = ledger.value(utility, amount)
    gap, _ = gap_per_type(ledger, amount, value, lam, mu, counted, utility, fairness)
    bound = float(fairness.welfare(value)[counted].sum() + gap.sum())
    return bound if math.isfinite(bound) else math.inf


def _as_given(ledger: Ledger, utility: Utility, given: Floats) -> Floats:
    """Utility of the amounts as they came; powers of negative ones count as zero."""
    if utility.family != "linear":
        given = np.maximum(given, 0.0)
    return ledger.value(utility, given)


def _of_objective(fairness: Fairness) -> tuple[str, str]:
    """Its unit and what it is, in words."""
    weighted = "" if fairness.user_weight is None else ", weighted"
    if fairness.alpha == 1.0:
        return "nat", "sum of the users' log utilities" + weighted
    return "", f"alpha-fair welfare of the users, alpha {fairness.alpha:g}" + weighted


def _relative(gap: float, money: float) -> float:
    """The gap per unit of virtual money; infinite where neither means anything."""
    if not (math.isfinite(gap) and money > 0.0):
        return math.inf
    return gap / money


def _errors(
    market: Market, value: Floats, gap: Floats, counted: Bools, fairness: Fairness
) -> Floats:
    """Bound on each user's relative distance from its optimal utility [N]."""
    if fairness.is_plain:
        error = utility_error(gap, 1.0)[market.user_type]
    else:
        level = gap[market.user_type] / fairness.virtual_money(value)
        error = utility_error(level, fairness.alpha)
    return np.where(counted, error, 0.0)


def _prices(name: str, values: npt.ArrayLike, count: int) -> Floats:
    prices = real_numbers(name, values, f"{count} numbers")
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


def _excess(used: Floats, limit: Floats) -> float:
    """Largest excess of `used`, relative to the limit; infinite where that is zero."""
    over = used > limit
    if not over.any():
        return 0.0
    return float((used[over] / limit[over] - 1.0).max())


def _entry_violation(ledger: Ledger, given: Floats, outside: Csr | None) -> float:
    """Largest share of a node's amounts that is negative or out of reach."""
    if outside is None and not np.any(given < 0.0):
        return 0.0
    away = np.zeros(ledger.market.num_nodes)
    if outside is not None:
        away += np.asarray(abs(outside).sum(axis=0)).ravel()
    wrong = ledger.per_node(np.maximum(-given, 0.0)) + away
    everything = ledger.per_node(np.abs(given)) + away
    bad = wrong > 0.0
    return float((wrong[bad] / everything[bad]).max(initial=0.0))


def _moved(before: Floats, after: Floats) -> float:
    changed = before != after
    change = np.abs(after[changed] - before[changed]) / np.abs(before[changed])
    return float(change.max(initial=0.0))
