"""No prices earn an owner of all nodes more from linear users: a bound, user by user.

With a price kappa_i >= 0 on capacity,

    profit <= kappa.Q + sum_j B_j V_j,    V_j = max_i 1 - (c_i + kappa_i) / p_ij,
    p_ij = min(cap_i, w_ij / w_0j),

since user j buys at node i at no price above p_ij: there the outside good, or the cap,
forbids it. A user with an outside good may also leave, V_j >= 0. The best kappa solves
a linear program, in which every user is shown prices of its own; any kappa bounds.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from stackelberg.edge.market import Floats
from stackelberg.edge.prices.ces_game import CesGame
from stackelberg.edge.prices.linear_users import buyers

_ROUNDING = 2.0**-52


def greatest_log_price(game: CesGame) -> Floats:
    """Log p_ij of each edge [E]: the most at which its user buys there."""
    with np.errstate(divide="ignore"):
        cap = np.log(game.price_cap)
    return np.minimum(cap[game.node], game.pull - game.outside_pull[game.user])


def linear_profit_bound(game: CesGame, kappa: Floats) -> float:
    """The bound at any prices of capacity >= 0 [M], rounding included. Where capacity
    is infinite kappa counts as zero, the only value that bounds.
    """
    finite = np.isfinite(game.capacity)
    charge = game.cost + np.where(finite, kappa, 0.0)
    worth = 1.0 - charge[game.node] * np.exp(-greatest_log_price(game))
    value = np.where(np.isneginf(game.outside_pull), -np.inf, 0.0)
    np.maximum.at(value, game.user, worth)
    some = buyers(game)
    rent = kappa[finite] * game.capacity[finite]
    parts = np.concatenate([rent, game.budget[some] * value[some]])
    size = np.concatenate([rent, game.budget[some] * (1.0 + np.abs(value[some]))])
    terms = _ROUNDING * (64.0 + math.log2(len(parts) + 1))
    return float(parts.sum() + terms * size.sum())


def best_capacity_prices(game: CesGame) -> Floats | None:
    """The kappa [M] of the least bound; None where even users with prices of their
    own would want more than the capacities, whatever the caps allow.
    """
    some, finite = buyers(game), np.isfinite(game.capacity) & game.open_nodes
    if not some.any():
        return np.zeros(game.num_nodes)
    user, node = game.user, game.node
    edges = np.arange(len(node))
    money = float(game.budget[some].sum())
    log_price = greatest_log_price(game)
    worth = 1.0 - game.cost[node] * np.exp(-log_price)
    alone = np.flatnonzero(some & ~np.isneginf(game.outside_pull))
    place = np.cumsum(some) - 1
    count = len(edges) + len(alone)
    spent = sparse.csr_array(
        (
            np.ones(count),
            (place[np.concatenate([user, alone])], np.arange(count)),
        ),
        shape=(int(some.sum()), count),
    )
    kept = np.flatnonzero(finite[node])
    room = game.capacity[node[kept]]
    load = sparse.csr_array(
        (
            game.budget[user[kept]] * np.exp(-log_price[kept]) / room,
            (node[kept], edges[kept]),
        ),
        shape=(game.num_nodes, count),
    )
    gain = np.zeros(count)
    gain[: len(edges)] = game.budget[user] * worth / money
    found: Any = linprog(
        -gain, A_ub=load, b_ub=np.ones(game.num_nodes), A_eq=spent,
        b_eq=np.ones(int(some.sum())), method="highs",
    )  # fmt: skip
    if found.status == 2:
        return None
    kappa = np.zeros(game.num_nodes)
    if found.ineqlin is not None and found.ineqlin.marginals is not None:
        price = np.maximum(-np.asarray(found.ineqlin.marginals, dtype=np.float64), 0.0)
        kappa[finite] = price[finite] * money / game.capacity[finite]
    return kappa
