"""The followers' power game on one channel by enumeration and grids, in plain loops.

Gains are given as in a scenario: `cross[k, j]` from transmitter k to receiver j.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Channel:
    """One channel with its K pairs, everything linear and in W."""

    own: np.ndarray  # g_j [K]
    to_bs: np.ndarray  # gbar_j [K]
    cross: np.ndarray  # G_kj [K, K], from transmitter k, to receiver j
    heard: np.ndarray  # cellular power at each receiver [K]
    cellular_power: float  # A
    noise: float  # N0
    bandwidth: float
    follower_price_weight: float
    leader_revenue_weight: float
    min_power: float
    max_power: float

    def interference(self, power: np.ndarray, j: int) -> float:
        """I_j: the cellular user and the other pairs at receiver j."""
        total = float(self.heard[j])
        for k in range(len(power)):
            if k != j:
                total += float(power[k] * self.cross[k, j])
        return total

    def follower_utility(self, price: np.ndarray, power: np.ndarray, j: int) -> float:
        sinr = self.own[j] * power[j] / (self.interference(power, j) + self.noise)
        paid = price[j] * power[j] * self.to_bs[j]
        return float(
            self.bandwidth * math.log1p(sinr) / math.log(2.0)
            - self.follower_price_weight * paid
        )

    def leader_utility(self, price: np.ndarray, power: np.ndarray) -> float:
        at_base_station = self.noise
        paid = 0.0
        for j in range(len(power)):
            at_base_station += float(power[j] * self.to_bs[j])
            paid += float(price[j] * power[j] * self.to_bs[j])
        rate = math.log1p(self.cellular_power / at_base_station) / math.log(2.0)
        return self.bandwidth * rate + self.leader_revenue_weight * paid


def best_response_on_grid(
    channel: Channel, price: np.ndarray, power: np.ndarray, j: int, points: int = 2001
) -> float:
    """Pair j's best power among `points` powers, the others held."""
    trial = power.astype(float).copy()
    best, best_utility = channel.min_power, -math.inf
    for candidate in np.linspace(channel.min_power, channel.max_power, points):
        trial[j] = candidate
        utility = channel.follower_utility(price, trial, j)
        if utility > best_utility:
            best, best_utility = float(candidate), utility
    return best


def all_equilibria(
    channel: Channel, price: np.ndarray, tolerance: float = 1e-9
) -> list[np.ndarray]:
    """Every Nash equilibrium in powers: each of the 3^K regimes solved and checked.

    In a regime every pair sits at its least power, at its greatest, or where its
    marginal utility is zero: B / (alpha gbar) - (N0 + I) / g = p.
    """
    k = len(price)
    spend = channel.bandwidth / (math.log(2.0) * channel.follower_price_weight)
    wanted = (
        spend / (price * channel.to_bs) - (channel.noise + channel.heard) / channel.own
    )
    coupling = channel.cross.T / channel.own[:, None]
    found: list[np.ndarray] = []
    for regime in itertools.product(("min", "free", "max"), repeat=k):
        matrix, right = np.eye(k), np.zeros(k)
        for j, where in enumerate(regime):
            if where == "min":
                right[j] = channel.min_power
            elif where == "max":
                right[j] = channel.max_power
            else:
                right[j] = wanted[j]
                for i in range(k):
                    if i != j:
                        matrix[j, i] = coupling[j, i]
        if abs(np.linalg.det(matrix)) < 1e-12:
            continue
        power = np.linalg.solve(matrix, right)
        if _is_equilibrium(channel, wanted, coupling, power, tolerance) and not any(
            np.allclose(power, other, rtol=1e-7, atol=0.0) for other in found
        ):
            found.append(power)
    return found


def _is_equilibrium(
    channel: Channel,
    wanted: np.ndarray,
    coupling: np.ndarray,
    power: np.ndarray,
    tolerance: float,
) -> bool:
    for j in range(len(power)):
        free = wanted[j]
        for i in range(len(power)):
            if i != j:
                free -= coupling[j, i] * power[i]
        answer = min(max(free, channel.min_power), channel.max_power)
        if not abs(power[j] - answer) <= tolerance * max(channel.max_power, 1e-300):
            return False
    return True


def leader_slope(
    channel: Channel, price: np.ndarray, j: int, relative_step: float = 1e-6
) -> float:
    """d U^l / d price_j with every pair reacting: difference of solved equilibria."""
    values: list[float] = []
    for sign in (1.0, -1.0):
        moved = price.astype(float).copy()
        moved[j] *= 1.0 + sign * relative_step
        (power,) = all_equilibria(channel, moved)
        values.append(channel.leader_utility(moved, power))
    return (values[0] - values[1]) / (2.0 * relative_step * float(price[j]))
