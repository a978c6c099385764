"""The few edges of a user that an optimum may use, found near the central path.

At an optimum a user buys at the nodes of least (lam_i + mu_j p_i) / w_ij alone, which
are one or two of all that it reaches. Once prices are known to a few per cent, an edge
that is dearer by more than a margin is left out. That is a guess: whoever leaves edges
out must look at all of them at the final prices (`too_cheap`).

Users are sorted by how many edges they keep, so that those who share an instruction
(`user_elimination.LANES`) have the same number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from numba import njit

from stackelberg.edge.market import Bools, Floats, Ints
from stackelberg.edge.solvers.problem import Iterate, Problem

SPREAD = 10.0
"""How far beyond the smoothing of a point on the path edges are kept."""


@dataclass(frozen=True, eq=False)
class LikelyEdges:
    """A problem of some edges of another.

    Attributes:
        problem: the smaller one; its users are sorted by their number of edges.
        user: of the whole problem, per user of the smaller [N].
        edge: of the whole problem, per edge of the smaller.
        num_edges: of the whole problem.
    """

    problem: Problem
    user: Ints
    edge: Ints
    num_edges: int

    def restored(self, found: Iterate) -> Iterate:
        """An answer to the smaller problem as one to the whole."""
        amount = np.zeros(self.num_edges)
        amount[self.edge] = found.amount
        mu = np.empty(len(self.user))
        mu[self.user] = found.budget_shadow_price
        return replace(found, amount=amount, budget_shadow_price=mu)

    def price_of_utility(self, node_price: Floats, budget_price: Floats) -> Floats:
        """The least (lam_i + mu_j p_i) / w_ij kept, per user of the whole [N].

        Args:
            node_price: lam [M].
            budget_price: mu of the smaller problem's users [N].
        """
        p = self.problem
        least = np.empty(len(self.user))
        least[self.user] = _least(
            p.indptr, p.node, p.weight, p.price, node_price, budget_price
        )
        return least


def keep(problem: Problem, chosen: Bools) -> LikelyEdges:
    """The problem of the edges `chosen`, at least one of each user."""
    user, indptr, edge = _sorted_by_degree(problem.indptr, chosen)
    smaller = Problem(
        indptr=indptr,
        node=problem.node[edge],
        weight=problem.weight[edge],
        price=problem.price,
        capacity=problem.capacity,
        budget=problem.budget[user],
        user_weight=problem.user_weight[user],
        alpha=problem.alpha,
    )
    return LikelyEdges(smaller, user, edge, len(problem.node))


def nearly_cheapest(
    problem: Problem,
    node_price: Floats,
    budget_price: Floats,
    utility_price: Floats,
    margin: float,
    doubt: float = 0.0,
) -> Bools:
    """Edges that cost little more than a user's cheapest, per unit of utility.

    With c_ij = (lam_i + mu_j p_i) / w_ij and c_j the least of them, edges are kept up
    to c_j (1 + `margin`) and `SPREAD` (c_j - v_j): v_j lies below c_j by what is not
    decided yet. The same is done with mu_j higher and lower by `doubt` b_j / B_j, the
    most it can be: nodes that cost the user's budget little are known by mu_j alone,
    and that is known only up to the error of the others.
    """
    p = problem
    return _at_most(
        p.indptr, p.node, p.weight, p.price, node_price, budget_price, utility_price,
        margin, doubt * p.user_weight / p.budget,
    )  # fmt: skip


def too_cheap(
    problem: Problem, node_price: Floats, budget_price: Floats, utility_price: Floats
) -> float:
    """How much the edges left out add to the gap: sum_j log of v_j over the least
    (lam_i + mu_j p_i) / w_ij of all edges, weighted as the users are.
    """
    p = problem
    least = _least(p.indptr, p.node, p.weight, p.price, node_price, budget_price)
    dearer = np.flatnonzero(least < utility_price)
    excess = np.log(utility_price[dearer] / least[dearer])
    return float(p.user_weight[dearer] @ excess)


@njit(cache=True, error_model="numpy", nogil=True)
def _at_most(
    indptr: Ints,
    node: Ints,
    weight: Floats,
    price: Floats,
    node_price: Floats,
    budget_price: Floats,
    utility_price: Floats,
    margin: float,
    doubt: Floats,
) -> npt.NDArray[np.bool_]:
    chosen = np.empty(len(node), dtype=np.bool_)
    for j in range(len(indptr) - 1):
        mu = budget_price[j]
        more = doubt[j]
        less = min(more, mu)
        least = least_less = least_more = np.inf
        for e in range(indptr[j], indptr[j + 1]):
            i = node[e]
            by_weight = 1.0 / weight[e]
            per_money = price[i] * by_weight
            cost = node_price[i] * by_weight + mu * per_money
            least = min(least, cost)
            least_less = min(least_less, cost - less * per_money)
            least_more = min(least_more, cost + more * per_money)
        spread = margin * least + SPREAD * max(least - utility_price[j], 0.0)
        for e in range(indptr[j], indptr[j + 1]):
            i = node[e]
            by_weight = 1.0 / weight[e]
            per_money = price[i] * by_weight
            cost = node_price[i] * by_weight + mu * per_money - spread
            chosen[e] = (
                cost <= least
                or cost - less * per_money <= least_less
                or cost + more * per_money <= least_more
            )
    return chosen


@njit(cache=True, error_model="numpy", nogil=True)
def _least(
    indptr: Ints,
    node: Ints,
    weight: Floats,
    price: Floats,
    node_price: Floats,
    budget_price: Floats,
) -> Floats:
    least = np.empty(len(indptr) - 1)
    for j in range(len(least)):
        mu, best = budget_price[j], np.inf
        for e in range(indptr[j], indptr[j + 1]):
            i = node[e]
            best = min(best, (node_price[i] + mu * price[i]) / weight[e])
        least[j] = best
    return least


@njit(cache=True, error_model="numpy", nogil=True)
def _sorted_by_degree(
    indptr: Ints, chosen: npt.NDArray[np.bool_]
) -> tuple[Ints, Ints, Ints]:
    """Users by number of chosen edges, the bounds of these edges, and the edges."""
    count = len(indptr) - 1
    degree = np.empty(count, dtype=np.int64)
    for j in range(count):
        total = 0
        for e in range(indptr[j], indptr[j + 1]):
            total += chosen[e]
        degree[j] = total
    place = np.zeros(degree.max() + 2 if count else 2, dtype=np.int64)
    for j in range(count):
        place[degree[j] + 1] += 1
    for d in range(1, len(place)):
        place[d] += place[d - 1]
    user = np.empty(count, dtype=np.int64)
    for j in range(count):
        user[place[degree[j]]] = j
        place[degree[j]] += 1
    bounds = np.zeros(count + 1, dtype=np.int64)
    for k in range(count):
        bounds[k + 1] = bounds[k] + degree[user[k]]
    edge = np.empty(bounds[count], dtype=np.int64)
    for k in range(count):
        at = bounds[k]
        for e in range(indptr[user[k]], indptr[user[k] + 1]):
            if chosen[e]:
                edge[at] = e
                at += 1
    return user, bounds, edge
