"""What the users' utilities are worth together: weighted alpha-fair welfare.

Welfare is sum_j W_j(u_j) with

    W_j(u) = b_j u^(1 - alpha) / (1 - alpha),    b_j log u at alpha = 1

(Mo and Walrand, IEEE/ACM Transactions on Networking 8(5), 2000): alpha = 1 is
proportional fairness, greater values care more for whoever has least, and max-min
fairness is the limit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from stackelberg.edge.market import Bools, Floats, Ints
from stackelberg.errors import ConfigError, DomainError, ShapeError


@dataclass(frozen=True, eq=False)
class Fairness:
    """Weighted alpha-fair welfare. Validated, read-only.

    Every method takes and returns one number per user and works elementwise.

    Attributes:
        alpha: aversion to inequality, finite, > 0.
        user_weight: b of each user row [N], finite, > 0; None where all are 1.

    Raises:
        DomainError: alpha or a weight is not finite and positive.
        ShapeError, ConfigError: the weights are no list of numbers.
    """

    alpha: float = 1.0
    user_weight: Floats | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "alpha", _alpha(self.alpha))
        if self.user_weight is not None:
            object.__setattr__(self, "user_weight", _weights(self.user_weight))

    @property
    def is_plain(self) -> bool:
        """Whether this is the plain sum of logarithms."""
        return self.alpha == 1.0 and self.user_weight is None

    def of(self, users: slice | Ints | Bools) -> Fairness:
        """The same for some of the user rows."""
        if self.user_weight is None:
            return self
        return Fairness(self.alpha, self.user_weight[users])

    def check_length(self, num_users: int) -> None:
        """Raise `ShapeError` unless the weights are those of `num_users` rows."""
        if self.user_weight is not None and len(self.user_weight) != num_users:
            raise ShapeError(
                "user_weight",
                expected=f"{num_users} numbers, one per user row",
                got=f"{len(self.user_weight)}",
            )

    def weights(self, num_users: int) -> Floats:
        """The weight b of each user [N].

        Raises:
            ShapeError: there are weights for another number of users.
        """
        self.check_length(num_users)
        return np.ones(num_users) if self.user_weight is None else self.user_weight

    def welfare(self, utility: Floats) -> Floats:
        """W_j(u_j); -inf at zero utility where alpha >= 1."""
        with np.errstate(divide="ignore", over="ignore"):
            if self.alpha == 1.0:
                return self._weighted(np.log(utility))
            one_less = 1.0 - self.alpha
            return self._weighted(np.power(utility, one_less) / one_less)

    def marginal(self, utility: Floats) -> Floats:
        """Slope of W_j at u_j: b_j u_j^-alpha."""
        with np.errstate(divide="ignore", over="ignore"):
            return self._weighted(np.power(utility, -self.alpha))

    def virtual_money(self, utility: Floats) -> Floats:
        """b_j u_j^(1 - alpha): what j's utility is worth at its own marginal price.

        At an optimum it splits into what j pays for capacity and for budget,
        sum_i lam_i x_ij + mu_j B_j. Its sum is the natural unit of a duality gap: the
        gap over the sum is the relative utility that a user may lack on average, and
        no unit of utility or of user weights changes it. The plain sum of logarithms
        has one unit of it per user.
        """
        if self.alpha == 1.0:
            return self._weighted(np.ones(np.shape(utility)))
        with np.errstate(divide="ignore", over="ignore"):
            return self._weighted(np.power(utility, 1.0 - self.alpha))

    def demand(self, unit_expenditure: Floats) -> Floats:
        """The utility that j buys at a price of e_j a unit: (b_j / e_j)^(1 / alpha)."""
        with np.errstate(divide="ignore", over="ignore"):
            return np.power(self._weighted(1.0 / unit_expenditure), 1.0 / self.alpha)

    def conjugate(self, unit_expenditure: Floats) -> Floats:
        """Greatest value over u of W_j(u) - e_j u, the term of the dual bound.

        alpha / (1 - alpha) b^(1/alpha) e^((alpha - 1)/alpha); b (log(b/e) - 1) at
        alpha = 1.
        """
        with np.errstate(divide="ignore", over="ignore"):
            if self.alpha == 1.0:
                return self._weighted(
                    np.log(self._weighted(1.0 / unit_expenditure)) - 1.0
                )
            power = (self.alpha - 1.0) / self.alpha
            term = np.power(unit_expenditure, power) * (self.alpha / (1.0 - self.alpha))
            if self.user_weight is None:
                return term
            return np.power(self.user_weight, 1.0 / self.alpha) * term

    def _weighted(self, values: Floats) -> Floats:
        return values if self.user_weight is None else self.user_weight * values


def _alpha(value: object) -> float:
    if isinstance(value, bool) or not isinstance(
        value, (int, float, np.integer, np.floating)
    ):
        raise ConfigError("alpha", expected="a number", got=repr(value))
    number = float(value)
    if not (number > 0.0 and math.isfinite(number)):
        raise DomainError("alpha", expected="a finite number > 0", got=number)
    return number


def _weights(values: object) -> Floats:
    try:
        raw = np.asarray(values)
    except ValueError:
        raw = np.asarray("ragged")
    if raw.dtype.kind not in "iuf":
        raise ConfigError(
            "user_weight", expected="a list of numbers", got=f"{raw.dtype} entries"
        )
    if raw.ndim != 1:
        raise ShapeError(
            "user_weight",
            expected="one axis of numbers",
            got=f"shape {list(raw.shape)}",
        )
    weights = np.array(raw, dtype=np.float64)
    wrong = np.flatnonzero(~((weights > 0.0) & np.isfinite(weights)))
    if len(wrong):
        raise DomainError(
            f"user_weight[{wrong[0]}]",
            expected="a finite number > 0",
            got=float(weights[wrong[0]]),
        )
    weights.flags.writeable = False
    return weights


PROPORTIONAL = Fairness()
"""The plain sum of log utilities, as in Problem 1."""
