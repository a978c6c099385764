"""The optimum of Problem 1 to forty digits, for small markets, in decimal arithmetic.

Newton's method on x z = s lam = t mu = tau, u v = 1 as tau goes to zero, with z = lam +
mu p - w v, s = Q - sum x, t = B - sum p x, u = sum w x computed afresh from the
definitions at every step. Nothing rests on how the point was found: `Optimum` carries
both the amounts and the prices, and `residuals` measures every optimality condition.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import NamedTuple

from oracles.edge_exact import ONE, ZERO, many_digits

DIGITS = 150
"""Thetas x / z differ by as many orders of magnitude as tau has: half may be lost."""

ACCURACY = Decimal("1e-40")


class Optimum(NamedTuple):
    """The optimum; a price is zero where the limit is infinite."""

    amount: dict[tuple[int, int], Decimal]
    """x by (user, node)."""
    lam: list[Decimal]
    mu: list[Decimal]
    utility: list[Decimal]
    objective: Decimal


def _numbers(values) -> list[Decimal]:
    return [Decimal(float(v)) for v in values]


class _Point:
    """Amounts and prices, with what follows from them by definition."""

    def __init__(self, problem, x, lam, mu, v) -> None:
        self.p, self.q, self.b, self.w = problem
        self.x, self.lam, self.mu, self.v = x, lam, mu, v
        self.s, self.t = list(self.q), list(self.b)
        self.u = [ZERO] * len(self.b)
        self.z = {}
        for (j, i), amount in x.items():
            weight = self.w[j, i]
            self.s[i] -= amount
            self.t[j] -= self.p[i] * amount
            self.u[j] += weight * amount
            self.z[j, i] = lam[i] + mu[j] * self.p[i] - weight * v[j]

    def products(self) -> list[Decimal]:
        """Each amount or slack times its price: tau on the path."""
        found = [self.x[e] * self.z[e] for e in self.x]
        for limit, slack, cost in (
            (self.q, self.s, self.lam),
            (self.b, self.t, self.mu),
        ):
            found += [a * b for a, b, most in zip(slack, cost, limit, strict=True)
                      if most.is_finite()]  # fmt: skip
        return found

    def is_near_the_path(self, gamma: Decimal) -> bool:
        """Everything positive, no product far below their mean, u v near its target."""
        positive = [*self.x.values(), *self.z.values(), *self.v]
        if min(positive) <= 0:
            return False
        for values, limit in ((self.s, self.q), (self.lam, self.q), (self.t, self.b),
                              (self.mu, self.b)):  # fmt: skip
            if any(a <= 0 for a, most in zip(values, limit, strict=True)
                   if most.is_finite()):  # fmt: skip
                return False
        products = self.products()
        mean = sum(products, ZERO) / len(products)
        on_target = all(gamma <= u * v <= 1 / gamma
                        for u, v in zip(self.u, self.v, strict=True))  # fmt: skip
        return on_target and min(products) >= gamma * gamma * mean

    def moved(self, step: Decimal, dx, dlam, dmu, dv) -> _Point:
        def along(a, b):
            return [old + step * change for old, change in zip(a, b, strict=True)]

        x = {e: self.x[e] + step * dx[e] for e in self.x}
        return _Point(
            (self.p, self.q, self.b, self.w),
            x,
            along(self.lam, dlam),
            along(self.mu, dmu),
            along(self.v, dv),
        )


def optimum(price, capacity, budget, weight) -> Optimum:
    """The optimum of a market in which everybody can be served and nobody without end.

    Args:
        price: [M].
        capacity: [M], > 0; may be infinite.
        budget: [N], > 0; may be infinite.
        weight: [N][M], zero out of reach.
    """
    with localcontext(many_digits(DIGITS)):
        w = {
            (j, i): Decimal(float(value))
            for j, row in enumerate(weight)
            for i, value in enumerate(row)
            if value > 0.0
        }
        problem = _numbers(price), _numbers(capacity), _numbers(budget), w
        point = _start(problem)
        sigma = Decimal("0.1")
        for _ in range(400):
            products = point.products()
            off = max(abs(u * v - 1) for u, v in zip(point.u, point.v, strict=True))
            if sum(products, ZERO) < ACCURACY and off < ACCURACY:
                break
            tau = sigma * sum(products, ZERO) / len(products)
            change = _newton(point, tau)
            step, point = _stepped(point, change)
            if step == 1:
                sigma = max(sigma * sigma, Decimal("1e-8"))
            elif step < Decimal("0.5"):
                sigma = min(sigma.sqrt(), Decimal("0.5"))
        else:
            raise ArithmeticError("the oracle did not reach its accuracy")
        objective = sum((u.ln() for u in point.u), ZERO)
        return Optimum(point.x, point.lam, point.mu, point.u, objective)


def _start(problem) -> _Point:
    """x_ij = 1 / (2 max(d_i / Q_i, d_j p_i / B_j)), d the numbers of edges; v = 1 / u.

    With lam = 4 d / Q and mu = 4 d / B every x z lies between 1 and 4.
    """
    p, q, b, w = problem
    at_node, at_user = [0] * len(q), [0] * len(b)
    for j, i in w:
        at_node[i] += 1
        at_user[j] += 1
    lam = [4 * max(d, 1) / most for d, most in zip(at_node, q, strict=True)]
    mu = [4 * d / most for d, most in zip(at_user, b, strict=True)]
    x = {(j, i): 2 / max(lam[i], mu[j] * p[i]) for j, i in w}
    utility = [ZERO] * len(b)
    for j, i in w:
        utility[j] += w[j, i] * x[j, i]
    return _Point(problem, x, lam, mu, [1 / u for u in utility])


def _newton(at: _Point, tau: Decimal):
    """The Newton step: dx is eliminated, then (dmu, dv) and dlam solve one system."""
    n, m = len(at.b), len(at.q)
    size = 2 * n + m
    matrix = [dict[int, Decimal]() for _ in range(size)]
    right = [ZERO] * size

    def add(rows, weight: Decimal, target: Decimal) -> None:
        for a, fa in rows:
            right[a] += fa * target
            for b, fb in rows:
                matrix[a][b] = matrix[a].get(b, ZERO) + weight * fa * fb

    for (j, i), x in at.x.items():
        z = at.z[j, i]
        rows = [(2 * j + 1, -at.w[j, i])]
        if at.b[j].is_finite() and at.p[i] > 0:
            rows.append((2 * j, at.p[i]))
        if at.q[i].is_finite():
            rows.append((2 * n + i, ONE))
        add(rows, x / z, tau / z - x)
    for j in range(n):
        add([(2 * j + 1, ONE)], at.u[j] / at.v[j], 1 / at.v[j] - at.u[j])
        if at.b[j].is_finite():
            add([(2 * j, ONE)], at.t[j] / at.mu[j], tau / at.mu[j] - at.t[j])
        else:
            matrix[2 * j][2 * j] = ONE
    for i in range(m):
        if at.q[i].is_finite():
            add([(2 * n + i, ONE)], at.s[i] / at.lam[i], tau / at.lam[i] - at.s[i])
        else:
            matrix[2 * n + i][2 * n + i] = ONE
    d = _solved(matrix, right)
    dmu, dv, dlam = d[0 : 2 * n : 2], d[1 : 2 * n : 2], d[2 * n :]
    dx = {
        (j, i): tau / at.z[j, i] - x
        - x / at.z[j, i] * (dlam[i] + dmu[j] * at.p[i] - at.w[j, i] * dv[j])
        for (j, i), x in at.x.items()
    }  # fmt: skip
    return dx, dlam, dmu, dv


def _solved(matrix: list[dict[int, Decimal]], right: list[Decimal]) -> list[Decimal]:
    """Gaussian elimination of a positive definite system; zeros are not stored."""
    size = len(right)
    for k in range(size):
        pivot = matrix[k][k]
        for row in [r for r in matrix[k] if r > k]:  # symmetric: these rows hold k
            factor = matrix[row][k] / pivot
            for column, value in matrix[k].items():
                if column >= k:
                    matrix[row][column] = matrix[row].get(column, ZERO) - factor * value
            right[row] -= factor * right[k]
    found = [ZERO] * size
    for k in reversed(range(size)):
        rest = sum((v * found[c] for c, v in matrix[k].items() if c > k), ZERO)
        found[k] = (right[k] - rest) / matrix[k][k]
    return found


def _stepped(point: _Point, change) -> tuple[Decimal, _Point]:
    """The longest of the steps 1, 0.8, 0.64, ... that stays near the path."""
    step = ONE
    for _ in range(200):
        tried = point.moved(step, *change)
        if tried.is_near_the_path(Decimal("0.03")):
            return step, tried
        step *= Decimal("0.8")
    raise ArithmeticError("the oracle cannot move")


def residuals(price, capacity, budget, weight, found: Optimum) -> dict[str, Decimal]:
    """What is left of each optimality condition, in numbers without unit; all >= 0.

    Written from the conditions: amounts and prices at least zero; limits kept;
    no edge worth more than it costs; what is not zero is tight.
    """
    with localcontext(many_digits(DIGITS)):
        p, q, b = _numbers(price), _numbers(capacity), _numbers(budget)
        left = dict[str, Decimal]()

        def keep(name: str, size: Decimal) -> None:
            left[name] = max(left.get(name, ZERO), size)

        for values in (found.amount.values(), found.lam, found.mu):
            for value in values:
                keep("sign", -value)
        for (j, i), x in found.amount.items():
            weight_ji = Decimal(float(weight[j][i]))
            worth = weight_ji / found.utility[j]
            cost = found.lam[i] + found.mu[j] * p[i]
            keep("price", worth / cost - 1)
            keep("edges", abs(x * (cost - worth)))
        for i, most in enumerate(q):
            load = sum((x for (_, k), x in found.amount.items() if k == i), ZERO)
            if most.is_finite():
                keep("limits", load / most - 1)
                keep("capacities", abs(found.lam[i] * (most - load)))
            else:
                keep("capacities", found.lam[i])
        for j, most in enumerate(b):
            spend = sum(
                (p[i] * x for (k, i), x in found.amount.items() if k == j), ZERO
            )
            utility = sum(
                (Decimal(float(weight[k][i])) * x
                 for (k, i), x in found.amount.items() if k == j), ZERO,
            )  # fmt: skip
            keep("edges", abs(utility / found.utility[j] - 1))
            if most.is_finite():
                keep("limits", spend / most - 1)
                keep("budgets", abs(found.mu[j] * (most - spend)))
            else:
                keep("budgets", found.mu[j])
        return left
