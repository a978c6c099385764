"""How far the one-shot equilibrium on grids can be from the one without grids."""

from __future__ import annotations

import numpy as np

from stackelberg.errors import ConfigError, DomainError
from stackelberg.learning.tabular.arrays import Floats, table_of
from stackelberg.spectrum import FixedPriceBounds, Scenario, follower_equilibrium
from stackelberg.spectrum.price_box import gains
from stackelberg.units import LN2


def grid_error_bound(scenario: Scenario, prices: Floats, powers: Floats) -> float:
    """Most that grids change the leader's one-shot utility, bit/s.

    A follower's utility is concave in its power, so its best power on the grid is a
    neighbour of its best response: within the widest gap D. With the coupling F of
    best responses (rho(F) < 1) the pairs' powers are then within E = (I - F)^-1 D of
    their equilibrium at the same prices, and the leader's utility within sum_j m_j E_j,
    m_j the largest slope in a power. Moving to the nearest price on the grid, h/2 in
    the logarithm, moves powers by at most (I - F)^-1 B/(alpha gbar) h/2 and payments
    directly by beta^l alpha gbar p h/2. Both parts fall in proportion to the gaps.

    It holds where the followers have a pure equilibrium on the grid at every price
    vector, as two pairs always have.

    Args:
        scenario: channels assigned, fixed price bounds that the prices span.
        prices: evenly spaced in the logarithm from bound to bound [N, P].
        powers: from the least to the greatest [K].

    Raises:
        ConfigError: if the price bounds are not fixed or channels are not assigned.
        DomainError: if rho(F) >= 1: the bound needs powers that contract.
    """
    bounds = scenario.price_bounds
    if not isinstance(bounds, FixedPriceBounds) or scenario.channel is None:
        raise ConfigError(
            "scenario",
            expected="channels assigned and fixed price bounds",
            got="a scenario without",
        )
    price, power = table_of("prices", prices), table_of("powers", powers)
    channel = scenario.channel
    own, to_bs = gains(scenario, channel)
    coupling = _coupling(scenario, own)
    radius = float(np.abs(np.linalg.eigvals(coupling)).max(initial=0.0))
    if radius >= 1.0:
        raise DomainError("coupling", expected="a spectral radius < 1", got=radius)
    spread = np.linalg.inv(np.eye(len(own)) - coupling)
    slope = _largest_slope(scenario, to_bs)
    gap = float(np.diff(power).max())
    from_powers = slope @ (spread @ np.full(len(own), gap))
    half = 0.5 * np.diff(np.log(price), axis=1).max(axis=1)
    moved = spread @ (scenario.spend_scale / (bounds.min * to_bs) * half)
    weight = scenario.leader_revenue_weight
    direct = weight * (np.exp(half) - 1.0) * bounds.max * to_bs * scenario.max_power_w
    return float(from_powers + slope @ moved + direct.sum())


def followers_contract(scenario: Scenario) -> bool:
    """Whether plain best response converges at every price: rho(F) < 1."""
    bounds = scenario.price_bounds
    if not isinstance(bounds, FixedPriceBounds):
        return False
    return bool(
        (follower_equilibrium(scenario, bounds.min).spectral_radius < 1.0).all()
    )


def _coupling(scenario: Scenario, own: Floats) -> Floats:
    """F_jk = gain from k to j over j's own, on one channel; else 0 [N, N]."""
    channel = np.asarray(scenario.channel)
    n = len(own)
    coupling = np.zeros((n, n))
    for j in range(n):
        cross = scenario.cross_gain(int(channel[j]))[:, j]
        for k in range(n):
            if k != j and channel[k] == channel[j]:
                coupling[j, k] = cross[k] / own[j]
    return coupling


def _largest_slope(scenario: Scenario, to_bs: Floats) -> Floats:
    """Bound on |dU^l/dp_j|: a payment's slope, or the loss of the cellular user [N].

    The two have opposite signs, so the larger of them bounds their sum.
    """
    bounds = scenario.price_bounds
    assert isinstance(bounds, FixedPriceBounds)
    received = scenario.received_cellular_power_w[np.asarray(scenario.channel)]
    noise = scenario.noise_power_w
    loss = scenario.bandwidth_hz / LN2 * received / (noise * (noise + received))
    return to_bs * np.maximum(scenario.leader_revenue_weight * bounds.max, loss)
