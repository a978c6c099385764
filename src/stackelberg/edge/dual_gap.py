"""The gap between any feasible amounts and any shadow prices, as terms >= 0.

With rents q_ij = lam_i + mu_j p_i, unit expenditures e_j = e_j(q), welfare W and its
conjugate W*(e) = max_u W(u) - e u, no allocation is worth more than

    lam.Q + mu.B + sum_j W*_j(e_j),

and what a feasible allocation lacks to that bound is

    sum lam (Q - sum x) + sum mu (B - sum p x) + sum_j (q.x - e u)_j
        + sum_j (W*_j(e_j) - W_j(u_j) + e_j u_j).

Each term is >= 0: limits hold, e u is the least cost of u, and W* is a maximum. The
last is c h(y), h(y) = (y - 1) - (y^(1 - alpha) - 1)/(1 - alpha), y = u over the demand
at e, c = e times that demand: no term is a difference of large numbers.
"""

from __future__ import annotations

import math

import numpy as np

from stackelberg.edge.fairness import Fairness
from stackelberg.edge.market import Bools, Floats
from stackelberg.edge.outcome import Ledger
from stackelberg.edge.segments import segment_sums
from stackelberg.edge.utilities import Utility
from stackelberg.edge.waste import waste

_ROUNDING = 2.0**-52


def gap_per_type(
    ledger: Ledger,
    amount: Floats,
    value: Floats,
    lam: Floats,
    mu: Floats,
    counted: Bools,
    utility: Utility,
    fairness: Fairness,
) -> tuple[Floats, Floats]:
    """The gap of each resource type and what it is measured in.

    Args:
        ledger: of the market.
        amount: per edge, within every limit.
        value: utility of the amounts [N].
        lam: shadow price of each capacity [M], zero where there is none.
        mu: shadow price of each budget [N], zero where there is none.
        counted: users in the welfare [N].
        utility: of every user.
        fairness: what their utilities are worth together.

    Returns:
        The gap with a bound on its own rounding added, and the virtual money of the
        users, sum b u^(1 - alpha), at the utilities given or at those that the shadow
        prices call for, whichever is less; both per resource type.
    """
    market = ledger.market
    unit_expenditure, wasted, paid = _at_least_cost(
        ledger, amount, value, lam, mu, utility
    )
    own, money, size = _short_of_best(value, unit_expenditure, fairness)
    per_user = own + wasted
    per_user += mu * np.maximum(_slack(market.budget, ledger.spend(amount)), 0.0)
    per_node = lam * np.maximum(_slack(market.capacity, ledger.per_node(amount)), 0.0)
    size += mu * np.where(np.isfinite(market.budget), market.budget, 0.0)
    size += paid
    size += _amplification(utility, fairness) * (own + wasted)
    worth = lam * np.where(np.isfinite(market.capacity), market.capacity, 0.0)
    rounding = _ROUNDING * (32.0 + math.log2(max(market.num_edges, 2)))
    count = len(market.resources)
    gap, total_money = np.zeros(count), np.zeros(count)
    for k, resource in enumerate(market.resources):
        users, nodes = market.rows_of(resource)
        taking_part = counted[users]
        gap[k] = per_user[users][taking_part].sum() + per_node[nodes].sum()
        gap[k] += rounding * (size[users][taking_part].sum() + worth[nodes].sum())
        total_money[k] = money[users][taking_part].sum()
    return gap, total_money


def _at_least_cost(
    ledger: Ledger,
    amount: Floats,
    value: Floats,
    lam: Floats,
    mu: Floats,
    utility: Utility,
) -> tuple[Floats, Floats, Floats]:
    """Per user: e(q), q.x - e u and q.x."""
    market = ledger.market
    # No bundle uses an edge that can carry nothing: as good as infinitely dear.
    usable = None if utility.family == "linear" else market.usable_edges()
    cost, wasted, paid = np.zeros((3, market.num_users))
    for rows in ledger.rows():
        users, node = rows.users, rows.weight.indices
        rent = np.repeat(mu[users], rows.degree)
        rent *= market.price[node]
        rent += lam[node]
        closed = slice(0) if usable is None else ~usable[rows.edges]
        rent[closed] = np.inf
        carried = amount[rows.edges]
        with np.errstate(invalid="ignore"):  # of users who do not count
            cost[users] = utility.unit_expenditure(rows.weight, rent)
        wasted[users] = waste(
            utility, rows.weight, carried, rent, value[users], cost[users]
        )
        rent[closed] = 0.0
        rent *= carried
        paid[users] = segment_sums(rent, rows.weight.indptr)
    return cost, wasted, paid


def _short_of_best(
    value: Floats, unit_expenditure: Floats, fairness: Fairness
) -> tuple[Floats, Floats, Floats]:
    """Per user: W*(e) - W(u) + e u, the lesser virtual money, and the terms' size."""
    alpha = fairness.alpha
    with np.errstate(all="ignore"):
        spent = unit_expenditure * value
        if alpha == 1.0:
            money = fairness.weights(len(value))
            ratio = spent / money
            own = money * ((ratio - 1.0) - _log(ratio))
            return own, money, money + spent
        demand = fairness.demand(unit_expenditure)
        best_money = unit_expenditure * demand
        money = fairness.virtual_money(value)
        ratio = value / demand
        logs = _log(ratio)
        grown = np.expm1((1.0 - alpha) * logs) / (1.0 - alpha)
        own = best_money * ((ratio - 1.0) - grown)
        # Where utility is free, W* is its supremum.
        free = 0.0 if alpha > 1.0 else math.inf
        own = np.where(unit_expenditure > 0.0, own, free - fairness.welfare(value))
        size = best_money + spent + money * (1.0 + np.abs(logs))
        return own, np.fmin(money, best_money), np.where(np.isnan(size), own, size)


def _log(ratio: Floats) -> Floats:
    """The logarithm, consistent with ratio - 1 to the last digit near 1."""
    return np.where(ratio > 0.5, np.log1p(ratio - 1.0), np.log(ratio))


def _amplification(utility: Utility, fairness: Fairness) -> float:
    """How much the powers taken may enlarge the rounding of their arguments, in terms
    that vanish to second order at an optimum, and with them what rounding does.
    """
    alpha, s = fairness.alpha, utility.substitution
    factor = 1.0 if alpha == 1.0 else 1.0 + abs(1.0 - alpha) + 1.0 / alpha
    if utility.family == "ces":
        factor *= 1.0 + s + 1.0 / s + 1.0 / abs(1.0 - s)
    return factor


def _slack(limit: Floats, used: Floats) -> Floats:
    """What is left of a limit; zero where there is none (its price is zero too)."""
    return np.where(np.isfinite(limit), limit, used) - used
