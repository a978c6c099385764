"""Where the method for smooth utilities starts, in closed form, and in which units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stackelberg.edge.fairness import Fairness
from stackelberg.edge.market import Floats, Ints
from stackelberg.edge.segments import segment_sums
from stackelberg.edge.solvers.problem import Problem
from stackelberg.edge.solvers.smooth_user import MOST_BY_DEMAND
from stackelberg.edge.utilities import Utility

FAIR_SHARE = 0.95
"""Of the smaller of two fair shares, of a node's capacity and of a user's budget."""

LEAST_PRICE = 1e-3
"""Of a node that nobody values, relative to the average user's money over its capacity.
"""


@dataclass(frozen=True, eq=False)
class Start:
    """A strictly feasible start; utility is counted in what each user starts with.

    Attributes:
        x: amount per edge.
        z: price of its sign per edge, > 0; empty where none is needed.
        s: slack of each capacity [M]; zero where there is none.
        lam: price of each capacity [M], > 0; zero where there is none.
        ends: slack and price of each budget [N, 2]; both zero where none can bind.
        weight: parameter per edge; shares of the money for Cobb-Douglas.
        utility_unit: utility of x [N].
        user_weight: b in these units of utility, about 1 in the geometric mean [N].
        money_unit: what one unit of these weights is in the caller's.
    """

    x: Floats
    z: Floats
    s: Floats
    lam: Floats
    ends: Floats
    weight: Floats
    utility_unit: Floats
    user_weight: Floats
    money_unit: float


def smooth_start(problem: Problem, utility: Utility, fairness: Fairness) -> Start:
    """Fair shares of everything, at prices that the users' marginal utilities pay."""
    p = problem
    m, n = len(p.capacity), len(p.budget)
    per_user = np.diff(p.indptr)
    price = p.price[p.node]
    dearest = np.zeros(n)
    np.maximum.at(dearest, np.repeat(np.arange(n), per_user), price)
    pays = np.isfinite(p.budget) & (dearest > 0.0)
    weight = p.weight
    if utility.family == "cobb_douglas":
        weight = weight / np.repeat(segment_sums(weight, p.indptr), per_user)
    x = _fair_shares(p, price, per_user)
    value, share = _utility_and_shares(utility, weight, x, p.indptr)
    if utility.family == "leontief":
        x = weight * np.repeat(value, per_user)
    user_weight, money_unit = _in_these_units(fairness, value)
    limited = np.isfinite(p.capacity)
    load = np.bincount(p.node, x, minlength=m)
    spend = segment_sums(x * price, p.indptr)
    demand = np.repeat(user_weight, per_user) * share
    # With signs priced too, prices start high, so that most of z is what is left over.
    factor = 2.0 if utility.substitution > MOST_BY_DEMAND else 1.0
    worth = factor * np.bincount(p.node, demand, minlength=m)
    worth += LEAST_PRICE * (user_weight.mean() if n else 0.0)
    capacity = np.where(limited, p.capacity, 1.0)
    budget = np.where(pays, p.budget, 1.0)
    lam: Floats = np.where(limited, worth / capacity, 0.0)
    mu = np.where(pays, factor * user_weight / budget, 0.0)
    z = np.zeros(0)
    if utility.substitution > MOST_BY_DEMAND:
        rent = lam[p.node] + np.repeat(mu, per_user) * price
        z = np.maximum(rent - demand / x, 0.1 * rent)
    return Start(
        x=x,
        z=z,
        s=np.where(limited, p.capacity - load, 0.0),
        lam=lam,
        ends=np.stack([np.where(pays, p.budget - spend, 0.0), mu], axis=1),
        weight=weight,
        utility_unit=value,
        user_weight=user_weight,
        money_unit=money_unit,
    )


def _fair_shares(p: Problem, price: Floats, per_user: Ints) -> Floats:
    degree = np.bincount(p.node, minlength=len(p.capacity))
    with np.errstate(divide="ignore"):
        by_capacity = (p.capacity / np.maximum(degree, 1))[p.node]
        by_budget = np.repeat(p.budget / per_user, per_user) / price
    return FAIR_SHARE * np.minimum(by_capacity, by_budget)


def _utility_and_shares(
    utility: Utility, weight: Floats, x: Floats, indptr: Ints
) -> tuple[Floats, Floats]:
    """u(x), and x du/dx / u per edge (for leontief, which has none, equal shares)."""
    per_user = np.diff(indptr)
    ends = indptr[:-1]
    if utility.family == "leontief":
        return np.minimum.reduceat(x / weight, ends), np.repeat(
            1.0 / per_user, per_user
        )
    if utility.family == "cobb_douglas":
        return np.exp(segment_sums(weight * np.log(x), indptr)), weight
    power = 1.0 - 1.0 / utility.substitution
    worth = weight * x
    unit = (np.maximum if power > 0.0 else np.minimum).reduceat(worth, ends)
    share = (worth / np.repeat(unit, per_user)) ** power
    total = segment_sums(share, indptr)
    with np.errstate(over="ignore"):
        return unit * total ** (1.0 / power), share / np.repeat(total, per_user)


def _in_these_units(fairness: Fairness, value: Floats) -> tuple[Floats, float]:
    """The user weights b u^(1 - alpha) over their geometric mean, and that mean."""
    weights = fairness.weights(len(value))
    if fairness.alpha == 1.0 or not len(value):
        return weights, 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        logs = np.log(weights) + (1.0 - fairness.alpha) * np.log(value)
        middle = float(logs.mean())
        return np.exp(logs - middle), float(np.exp(middle))
