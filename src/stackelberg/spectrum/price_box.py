"""Which prices a pair may be asked, and which price makes it want its power."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stackelberg.spectrum.rates import allocation, links
from stackelberg.spectrum.scenario import FixedPriceBounds, Floats, Scenario


def gains(scenario: Scenario, channel: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Each pair's own gain and its gain to the base station on its channel, [N] each.

    Raises:
        ShapeError: if there is not one channel per pair.
    """
    on = allocation(scenario, channel)
    shape = (scenario.num_channels, scenario.num_pairs)
    at = (on, np.arange(scenario.num_pairs))
    return (
        np.broadcast_to(scenario.gain_d2d, shape)[at],
        np.broadcast_to(scenario.gain_d2d_to_bs, shape)[at],
    )


def unit_sinr_power_w(
    scenario: Scenario, channel: npt.ArrayLike, transmit_power_w: npt.ArrayLike
) -> Floats:
    """s_j = (N0 + I_j) / g_j in W [N]: the power that gives an SINR of one.

    Raises:
        ShapeError: if there is not one channel and one power per pair.
        DomainError: if a power is negative or not finite.
    """
    heard = links(scenario, channel, transmit_power_w)
    own, _ = gains(scenario, channel)
    return (heard.noise_power_w + heard.d2d_interference_w) / own


def implied_price(
    scenario: Scenario, channel: npt.ArrayLike, transmit_power_w: npt.ArrayLike
) -> Floats:
    """The prices at which these powers are best responses: B / (gbar (p + s)) [N].

    At a power limit it is one such price: the largest at the greatest power, the least
    at the least power. From (25).

    Raises:
        ShapeError, DomainError: as `unit_sinr_power_w`.
    """
    s = unit_sinr_power_w(scenario, channel, transmit_power_w)
    _, to_bs = gains(scenario, channel)
    return scenario.spend_scale / (to_bs * (np.asarray(transmit_power_w) + s))


def price_box(
    scenario: Scenario, channel: npt.ArrayLike, transmit_power_w: npt.ArrayLike
) -> tuple[Floats, Floats]:
    """Least and greatest price of each pair at the other pairs' actual powers, [N].

    Fixed bounds as given; interference bounds B / (gbar (p_max + s)) to
    B / (gbar (p_min + s)).

    Raises:
        ShapeError, DomainError: as `unit_sinr_power_w`.
    """
    if isinstance(scenario.price_bounds, FixedPriceBounds):
        return scenario.price_bounds.min, scenario.price_bounds.max
    s = unit_sinr_power_w(scenario, channel, transmit_power_w)
    _, to_bs = gains(scenario, channel)
    scale = scenario.spend_scale / to_bs
    return scale / (scenario.max_power_w + s), scale / (scenario.min_power_w + s)
