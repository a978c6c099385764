"""Prices and profits by plain loops and fine grids: slow, and nothing clever."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize


def ces_demand(weight, budget, price, sigma, outside=0.0) -> np.ndarray:
    """Amounts [N, M] that maximise (sum (w x)^rho)^(1/rho) within the budget."""
    with np.errstate(divide="ignore"):
        worth = (np.asarray(weight, float) / np.asarray(price, float)) ** (sigma - 1.0)
    whole = worth.sum(axis=1) + outside ** (sigma - 1.0)
    share = worth / np.where(whole > 0.0, whole, 1.0)[:, None]
    return np.asarray(budget, float)[:, None] * share / price


def ces_profit(weight, budget, capacity, cost, price, sigma, outside=0.0) -> np.ndarray:
    """(p - c) min(Q, demand) of each node."""
    load = np.minimum(
        ces_demand(weight, budget, price, sigma, outside).sum(axis=0), capacity
    )
    return (np.asarray(price) - cost) * load


def best_on_a_grid(
    weight, budget, capacity, cost, price, sigma, node, grid, outside=0.0
) -> float:
    """The most that one node earns at any price of a grid, the others' as given."""
    best = -np.inf
    for own in grid:
        tried = np.array(price, float)
        tried[node] = own
        earned = ces_profit(weight, budget, capacity, cost, tried, sigma, outside)
        best = max(best, float(earned[node]))
    return best


def ces_clearing_prices(weight, budget, capacity, sigma) -> np.ndarray:
    """Prices at which demand is capacity, by tatonnement: a price moves by a fraction
    of the logarithm of its excess demand.
    """
    price = np.full(len(capacity), sum(budget) / sum(capacity))
    for _ in range(20_000):
        excess = np.log(
            ces_demand(weight, budget, price, sigma).sum(axis=0) / np.asarray(capacity)
        )
        price = price * np.exp(excess / sigma)
        if np.abs(excess).max() < 1e-12:
            break
    return price


def least_worst_regret(weight, budget, cost, sigma, grid) -> float:
    """Over all pairs of prices of a grid, the least of the greater relative regret of
    two nodes without limits, regret being over the same grid.
    """
    size = len(grid)
    first, second = np.zeros((size, size)), np.zeros((size, size))
    for a, p in enumerate(grid):
        for b, q in enumerate(grid):
            first[a, b], second[a, b] = ces_profit(
                weight, budget, [np.inf, np.inf], cost, [p, q], sigma
            )
    regret = 1.0 - first / first.max(axis=0)[None, :]
    other = 1.0 - second / second.max(axis=1)[:, None]
    return float(np.maximum(regret, other).min())


def two_sellers_profit(capacity, money, cost, own, other) -> tuple[float, float]:
    """Least and greatest profit of a seller whom one user with linear utility compares
    with another of equal worth and capacity: it buys from the cheaper first.
    """
    first = (own - cost) * min(capacity, money / own)
    left = money - other * min(capacity, money / other)
    second = (own - cost) * min(capacity, left / own)
    if own < other:
        return first, first
    return (second, second) if own > other else (second, first)


def best_owner_profit(
    weight, budget, capacity, cost, sigma, outside, cap=np.inf, starts=12
) -> float:
    """The most that SLSQP finds for an owner of all nodes, from random prices."""
    draw = np.random.default_rng(0)
    capacity, cost = np.asarray(capacity, float), np.asarray(cost, float)

    def demand(t):
        return ces_demand(weight, budget, np.exp(t), sigma, outside).sum(axis=0)

    best = -np.inf
    for _ in range(starts):
        found = minimize(
            lambda t: -float((np.exp(t) - cost) @ demand(t)),
            np.minimum(draw.normal(0.5, 1.0, len(capacity)), np.log(cap)),
            method="SLSQP",
            bounds=[(-6.0, min(6.0, np.log(cap)))] * len(capacity),
            constraints=[
                {"type": "ineq", "fun": lambda t: np.log(capacity / demand(t))}
            ],
            options={"maxiter": 300, "ftol": 1e-12},
        )
        if np.all(demand(found.x) <= capacity * (1.0 + 1e-7)):
            best = max(best, -float(found.fun))
    return best


def linear_clearing_prices(weight, budget, capacity, rounds=20_000) -> np.ndarray:
    """Clearing prices of linear users by proportional response: everybody bids on each
    good in proportion to the utility that it brought; a price is its bids per unit.
    """
    weight, budget = np.asarray(weight, float), np.asarray(budget, float)
    bids = budget[:, None] * (weight > 0.0) / (weight > 0.0).sum(axis=1)[:, None]
    for _ in range(rounds):
        price = bids.sum(axis=0) / capacity
        brought = weight * bids / price
        bids = budget[:, None] * brought / brought.sum(axis=1)[:, None]
    return bids.sum(axis=0) / capacity
