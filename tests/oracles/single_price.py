"""One price by dense search in 40-digit arithmetic: no formula for a root is used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, localcontext

DIGITS = 40


@dataclass(frozen=True)
class PriceProblem:
    """The leader's problem in one price; letters of the paper in the comments."""

    cellular_power: float  # A
    interference_offset: float  # C
    residual_interference: float  # D
    spend_scale: float  # B
    follower_price_weight: float  # beta^f
    leader_revenue_weight: float  # beta^l
    min_price: float
    max_price: float
    min_received_power: float | None = None  # p_min gbar
    max_received_power: float | None = None  # p_max gbar

    def utility(self, price: Decimal) -> Decimal:
        """Cellular rate plus revenue of a pair that answers `price`, from scratch.

        The pair's power at the base station is B/price + C, held to its limits. The
        others and the noise are there with D - C.
        """
        spend = Decimal(self.spend_scale)
        offset = Decimal(self.interference_offset)
        received = spend / price + offset
        if self.min_received_power is not None:
            received = max(received, Decimal(self.min_received_power))
        if self.max_received_power is not None:
            received = min(received, Decimal(self.max_received_power))
        others = Decimal(self.residual_interference) - offset
        rate = (1 + Decimal(self.cellular_power) / (others + received)).ln()
        revenue = price * received
        return Decimal(self.leader_revenue_weight) * revenue + (
            Decimal(self.follower_price_weight) * spend * rate
        )

    def utility_at(self, price: float) -> float:
        with localcontext(prec=DIGITS):
            return float(self.utility(Decimal(price)))

    def slope_at(self, price: float) -> float:
        """dU/dprice by a central difference at 40 digits."""
        with localcontext(prec=DIGITS):
            return float(central_difference(self.utility, Decimal(price), 1))

    def curvature_at(self, price: float) -> float:
        """d2U/dprice2 by a central difference at 40 digits."""
        with localcontext(prec=DIGITS):
            return float(central_difference(self.utility, Decimal(price), 2))


def central_difference(
    function: Callable[[Decimal], Decimal], at: Decimal, order: int
) -> Decimal:
    step = at * Decimal("1e-9")
    low, mid, high = function(at - step), function(at), function(at + step)
    if order == 1:
        return (high - low) / (2 * step)
    return (high - 2 * mid + low) / step**2


def best_price(problem: PriceProblem, intervals: int = 200) -> tuple[float, float]:
    """(price, utility): best of a grid, refined by golden section around each peak."""
    with localcontext(prec=DIGITS):
        low, high = Decimal(problem.min_price), Decimal(problem.max_price)
        grid = [low + (high - low) * i / intervals for i in range(intervals)] + [high]
        value = [problem.utility(price) for price in grid]
        best = max(zip(value, grid, strict=True), key=lambda pair: pair[0])
        for i in range(1, intervals):
            if value[i] >= value[i - 1] and value[i] >= value[i + 1]:
                peak = golden_section(problem.utility, grid[i - 1], grid[i + 1])
                best = max(best, (problem.utility(peak), peak), key=lambda x: x[0])
        ends = (grid[0], grid[1]), (grid[-2], grid[-1])
        for left, right in ends:
            peak = golden_section(problem.utility, left, right)
            best = max(best, (problem.utility(peak), peak), key=lambda x: x[0])
        return float(best[1]), float(best[0])


def golden_section(
    function: Callable[[Decimal], Decimal], low: Decimal, high: Decimal
) -> Decimal:
    """The maximiser of a function with one peak between `low` and `high`."""
    ratio = (Decimal(5).sqrt() - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = function(left), function(right)
    for _ in range(75):
        if at_left >= at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = function(right)
    return (low + high) / 2
