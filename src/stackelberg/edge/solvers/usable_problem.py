"""One resource type as a problem of the edges that can carry something."""

from __future__ import annotations

import math

import numpy as np

from stackelberg.edge.fairness import Fairness
from stackelberg.edge.market import Bools, Market
from stackelberg.edge.solvers.problem import Problem


def usable_problem(
    part: Market, usable: Bools, taking_part: Bools, fairness: Fairness
) -> tuple[Problem, float]:
    """The usable edges of the users that count; a budget of zero buys what is free.

    Users' weights are brought to 1 on average; the unit that does so divides the
    prices.
    """
    weight = part.weight
    indptr, node, data = weight.indptr, weight.indices, weight.data
    if not (usable.all() and taking_part.all()):
        user = part.user_of_edge[usable]
        degree = np.bincount(user, minlength=part.num_users)[taking_part]
        indptr = np.concatenate([[0], np.cumsum(degree)])
        node, data = node[usable], data[usable]
    indptr = indptr.astype(np.int64)
    node = node.astype(np.int32, copy=False)
    budget = np.where(part.budget > 0.0, part.budget, np.inf)[taking_part]
    capacity = np.where(part.capacity > 0.0, part.capacity, np.inf)
    weights = fairness.weights(part.num_users)[taking_part]
    money = weights
    if fairness.alpha != 1.0:
        fair = np.minimum(
            (part.capacity / np.maximum(np.bincount(node, minlength=len(capacity)), 1))[
                node
            ],
            np.repeat(budget / np.maximum(np.diff(indptr), 1), np.diff(indptr))
            / np.maximum(part.price[node], 1e-300),
        )
        utility = np.add.reduceat(data * fair, indptr[:-1]) if len(node) else money
        money = weights * utility ** (1.0 - fairness.alpha)
    total = float(money.sum())
    unit = len(weights) / total if 0.0 < total < math.inf else 1.0
    problem = Problem(
        indptr=indptr,
        node=node,
        weight=data,
        price=part.price,
        capacity=capacity,
        budget=budget,
        user_weight=np.ascontiguousarray(weights * unit),
        alpha=fairness.alpha,
    )
    return problem, unit
