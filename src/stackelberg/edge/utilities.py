"""What a bundle of amounts is worth to a user: four families of utility.

| family | utility u(x) | least cost e(q) of one unit of it at unit costs q |
|---|---|---|
| linear | sum w x | min q / w |
| ces, elasticity s | (sum (w x)^r)^(1/r), r = 1 - 1/s | (sum (q/w)^(1-s))^(1/(1-s)) |
| cobb_douglas | prod x^a, a = w / sum w | prod (q / a)^a |
| leontief | min x / w | sum q w |

Sums run over the nodes that a user reaches. Weights keep the meaning that each family
gives them: worth of a unit, share of the money, amount needed for one unit of utility.
So the families are limits of `ces` only with weights that follow: it tends to
`cobb_douglas` with shares a as s -> 1 where w = a^(1/r), up to a factor, to `linear`
as s -> inf, and to `leontief` with weights 1/w as s -> 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from stackelberg.edge.market import Csr, Floats, Ints
from stackelberg.edge.segments import segment_sums
from stackelberg.errors import ConfigError, DomainError, suggestion

Family = Literal["linear", "cobb_douglas", "ces", "leontief"]


@dataclass(frozen=True)
class Utility:
    """A family of utility functions; the market's weights are its parameters.

    Methods take the market's weights and one number per edge, in the order of
    `weight.data`. Amounts and unit costs are >= 0; a user without edges has utility 0
    and an infinite expenditure.

    Attributes:
        family: see the module.
        elasticity: of substitution, s > 0 and not 1; for `ces` alone.

    Raises:
        ConfigError: an unknown family, or an elasticity missing or of no use.
        DomainError: the elasticity is out of range.
    """

    family: Family = "linear"
    elasticity: float | None = None

    def __post_init__(self) -> None:
        families = get_args(Family)
        if self.family not in families:
            names = ", ".join(families)
            raise ConfigError(
                "family",
                expected=f"one of {names}{suggestion(str(self.family), families)}",
                got=repr(self.family),
            )
        if (self.elasticity is None) == (self.family == "ces"):
            wanted = "a number > 0" if self.family == "ces" else "none"
            raise ConfigError(
                "elasticity",
                expected=f"{wanted} with family {self.family}",
                got=repr(self.elasticity),
            )
        if self.elasticity is not None:
            object.__setattr__(self, "elasticity", _elasticity(self.elasticity))

    @property
    def substitution(self) -> float:
        """The elasticity of substitution of any family: 0 for leontief, 1 for
        cobb_douglas, infinite for linear.
        """
        if self.elasticity is not None:
            return self.elasticity
        return {"leontief": 0.0, "cobb_douglas": 1.0, "linear": math.inf}[self.family]

    @property
    def needs_every_node(self) -> bool:
        """Whether utility is zero as soon as one amount is: elasticity at most 1."""
        return self.substitution <= 1.0

    def value(self, weight: Csr, amount: Floats) -> Floats:
        """Utility of the amounts per edge [N]."""
        w, bounds = weight.data, weight.indptr
        if self.family == "linear":
            return segment_sums(w * amount, bounds)
        if self.family == "leontief":
            return _filled(_extreme(np.minimum, amount / w, bounds), bounds, 0.0)
        if self.family == "cobb_douglas":
            with np.errstate(divide="ignore"):
                logs = _expenditure_shares(weight) * np.log(amount)
            return _filled(np.exp(segment_sums(logs, bounds)), bounds, 0.0)
        return _filled(
            _power_mean(w * amount, 1.0 - 1.0 / self.substitution, bounds), bounds, 0.0
        )

    def unit_expenditure(self, weight: Csr, unit_cost: Floats) -> Floats:
        """Least cost of one unit of utility at the unit costs q per edge [N]."""
        w, bounds = weight.data, weight.indptr
        if self.family == "linear":
            cost = _extreme(np.minimum, unit_cost / w, bounds)
        elif self.family == "leontief":
            cost = segment_sums(unit_cost * w, bounds)
        elif self.family == "cobb_douglas":
            share = _expenditure_shares(weight)
            with np.errstate(divide="ignore"):
                cost = np.exp(segment_sums(share * np.log(unit_cost / share), bounds))
        else:
            cost = _power_mean(unit_cost / w, 1.0 - self.substitution, bounds)
        return _filled(cost, bounds, math.inf)

    def unit_demand(self, weight: Csr, unit_cost: Floats) -> Floats:
        """Amounts per edge that buy one unit of utility at least cost, de/dq.

        Unit costs > 0. For `linear` all is bought at the first cheapest node, which is
        one answer of several where nodes tie.
        """
        w, bounds = weight.data, weight.indptr
        if self.family == "leontief":
            return w.copy()
        per_user = np.diff(bounds)
        cost = np.repeat(self.unit_expenditure(weight, unit_cost), per_user)
        if self.family == "cobb_douglas":
            return cost * _expenditure_shares(weight) / unit_cost
        if self.family == "ces":
            return (unit_cost / w / cost) ** -self.substitution / w
        cheapest = np.flatnonzero(unit_cost / w == cost)
        user = np.repeat(np.arange(len(per_user)), per_user)[cheapest]
        first = cheapest[np.unique(user, return_index=True)[1]]
        demand = np.zeros(len(w))
        demand[first] = 1.0 / w[first]
        return demand


def _elasticity(value: object) -> float:
    if isinstance(value, bool) or not isinstance(
        value, (int, float, np.integer, np.floating)
    ):
        raise ConfigError("elasticity", expected="a number > 0", got=repr(value))
    number = float(value)
    if not (number > 0.0 and math.isfinite(number) and number != 1.0):
        raise DomainError(
            "elasticity",
            expected="a finite number > 0 other than 1 (at 1: cobb_douglas)",
            got=number,
        )
    return number


def _expenditure_shares(weight: Csr) -> Floats:
    """The share a = w / sum w of each edge."""
    total = segment_sums(weight.data, weight.indptr)
    return weight.data / np.repeat(total, np.diff(weight.indptr))


def _power_mean(values: Floats, power: float, bounds: Ints) -> Floats:
    """(sum v^power)^(1/power) per user, without overflow on the way."""
    pick = np.maximum if power > 0.0 else np.minimum
    largest = _extreme(pick, values, bounds)
    plain = (largest > 0.0) & np.isfinite(largest)
    unit = np.repeat(np.where(plain, largest, 1.0), np.diff(bounds))
    with np.errstate(divide="ignore", over="ignore"):
        total = segment_sums((values / unit) ** power, bounds)
        total = np.where(plain, total, 1.0)
        return largest * total ** (1.0 / power)


def _extreme(pick: np.ufunc, values: Floats, bounds: Ints) -> Floats:
    """The least or greatest of each user's values; zero for a user without edges."""
    found = np.zeros(len(bounds) - 1)
    filled = np.flatnonzero(np.diff(bounds) > 0)
    if len(filled):
        found[filled] = pick.reduceat(values, bounds[filled])
    return found


def _filled(values: Floats, bounds: Ints, empty: float) -> Floats:
    """The values, with `empty` for users without edges."""
    return np.where(np.diff(bounds) > 0, values, empty)


LINEAR = Utility("linear")
"""sum w x, as in Problem 1."""

COBB_DOUGLAS = Utility("cobb_douglas")
"""prod x^a: shares w / sum w of the money go to each node."""

LEONTIEF = Utility("leontief")
"""min x / w: one unit of utility takes w of every node in reach."""


def ces(elasticity: float) -> Utility:
    """Constant elasticity of substitution: (sum (w x)^r)^(1/r), r = 1 - 1/elasticity.

    Raises:
        ConfigError, DomainError: not a finite number > 0 other than 1.
    """
    return Utility("ces", elasticity)
