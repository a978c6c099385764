"""SINR, rates and utilities of given channels, powers and prices: equation (1).

Sums run over the interferers with the own link masked out, never as total minus own,
which in float32 would lose up to 3 b/s/Hz.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stackelberg.errors import ConfigError, DomainError, ShapeError
from stackelberg.game.numbers import real_numbers
from stackelberg.spectrum.scenario import Floats, Ints, Scenario, checked_channel


@dataclass(frozen=True, eq=False)
class Outcome:
    """Who reuses which channel, at which price and power, and what everybody gets.

    Attributes:
        channel: channel reused by each pair [N].
        reuse_price: utility per W of interference at the base station [N].
        transmit_power_w: [N].
        leader_utility: sum of cellular rates plus weighted payments, bit/s.
        follower_utility: own rate minus weighted payment [N], bit/s.
        cellular_rate_bps: rate of each channel's cellular user [M].
        d2d_rate_bps: rate of each pair [N].
    """

    channel: Ints
    reuse_price: Floats
    transmit_power_w: Floats
    leader_utility: float
    follower_utility: Floats
    cellular_rate_bps: Floats
    d2d_rate_bps: Floats


@dataclass(frozen=True, eq=False)
class Links:
    """What each receiver hears, in W; ratios are linear.

    Attributes:
        d2d_signal_w: own signal at each pair's receiver [N].
        d2d_interference_w: I_j, everything else but noise [N].
        cellular_signal_w: A_i at the base station [M].
        cellular_interference_w: sum of reusing pairs at the base station [M].
        noise_power_w: N0, the same at every receiver.
    """

    d2d_signal_w: Floats
    d2d_interference_w: Floats
    cellular_signal_w: Floats
    cellular_interference_w: Floats
    noise_power_w: float

    @property
    def d2d_sinr(self) -> Floats:
        """gamma_j of (1) [N]."""
        return self.d2d_signal_w / (self.d2d_interference_w + self.noise_power_w)

    @property
    def d2d_snr(self) -> Floats:
        """Signal over noise alone [N]; never below `d2d_sinr`."""
        return self.d2d_signal_w / self.noise_power_w

    @property
    def cellular_sinr(self) -> Floats:
        """SINR of each channel's cellular user at the base station [M]."""
        return self.cellular_signal_w / (
            self.cellular_interference_w + self.noise_power_w
        )


def links(
    scenario: Scenario, channel: npt.ArrayLike, transmit_power_w: npt.ArrayLike
) -> Links:
    """What each receiver hears when the pairs transmit so: the parts of (1).

    Args:
        scenario: the cell; its own `channel` is not used.
        channel: channel of each pair [N].
        transmit_power_w: power of each pair [N], >= 0.

    Raises:
        ShapeError: if `channel` or `transmit_power_w` does not have N entries.
        DomainError: if a power is negative or not finite.
    """
    channel = allocation(scenario, channel)
    power = per_pair(scenario, "transmit_power_w", transmit_power_w)
    bad = np.flatnonzero(~((power >= 0.0) & np.isfinite(power)))
    if len(bad):
        raise DomainError(
            f"transmit_power_w[{bad[0]}]",
            expected="a finite number of W >= 0",
            got=float(power[bad[0]]),
        )
    signal = np.zeros(scenario.num_pairs)
    interference = np.zeros(scenario.num_pairs)
    at_base_station = np.zeros(scenario.num_channels)
    for i in np.unique(channel):
        on = np.flatnonzero(channel == i)
        cross = scenario.cross_gain(int(i))[np.ix_(on, on)].copy()
        np.fill_diagonal(cross, 0.0)
        signal[on] = scenario.own_gain(int(i))[on] * power[on]
        interference[on] = scenario.cellular_power_w[i] * scenario.gain_cellular_to_d2d[
            i, on
        ] + (power[on, None] * cross).sum(axis=0)
        at_base_station[i] = (power[on] * scenario.gain_to_bs(int(i))[on]).sum()
    return Links(
        d2d_signal_w=signal,
        d2d_interference_w=interference,
        cellular_signal_w=scenario.received_cellular_power_w,
        cellular_interference_w=at_base_station,
        noise_power_w=scenario.noise_power_w,
    )


def payments(
    scenario: Scenario,
    channel: npt.ArrayLike,
    reuse_price: npt.ArrayLike,
    transmit_power_w: npt.ArrayLike,
) -> Floats:
    """What each pair pays before weighting, alpha_j p_j gbar_j [N], in bit/s."""
    channel = allocation(scenario, channel)
    price = per_pair(scenario, "reuse_price", reuse_price)
    power = per_pair(scenario, "transmit_power_w", transmit_power_w)
    if scenario.gain_d2d_to_bs.ndim == 1:
        gain = scenario.gain_d2d_to_bs
    else:
        gain = scenario.gain_d2d_to_bs[channel, np.arange(scenario.num_pairs)]
    return price * power * gain


@np.errstate(over="ignore", invalid="ignore")  # absurd powers: infinite, not a warning
def outcome(
    scenario: Scenario,
    channel: npt.ArrayLike,
    reuse_price: npt.ArrayLike,
    transmit_power_w: npt.ArrayLike,
) -> Outcome:
    """Rates and utilities of everybody at given channels, prices and powers.

    Leader: sum_i W log2(1 + SINR_i) + beta^l sum_j payment_j. Follower: W log2(1 +
    gamma_j) - beta^f payment_j. In bit/s. Any powers are accepted, equilibrium or not.

    Raises:
        ShapeError: if an argument does not have N entries.
        DomainError: if a power is negative or not finite.
    """
    channel = allocation(scenario, channel)
    power = per_pair(scenario, "transmit_power_w", transmit_power_w)
    price = per_pair(scenario, "reuse_price", reuse_price)
    heard = links(scenario, channel, power)
    paid = payments(scenario, channel, price, power)
    cellular_rate = rate_bps(scenario.bandwidth_hz, heard.cellular_sinr)
    d2d_rate = rate_bps(scenario.bandwidth_hz, heard.d2d_sinr)
    return Outcome(
        channel=channel,
        reuse_price=price,
        transmit_power_w=power,
        leader_utility=float(
            cellular_rate.sum() + scenario.leader_revenue_weight * paid.sum()
        ),
        follower_utility=d2d_rate - scenario.follower_price_weight * paid,
        cellular_rate_bps=cellular_rate,
        d2d_rate_bps=d2d_rate,
    )


def rate_bps(bandwidth_hz: float, sinr: Floats) -> Floats:
    """Shannon rate W log2(1 + SINR) in bit/s, accurate for small SINR too."""
    return bandwidth_hz * np.log1p(sinr) / np.log(2.0)


def allocation(scenario: Scenario, channel: npt.ArrayLike) -> Ints:
    """`channel` as [N] whole numbers in range, or the error the scenario would give."""
    checked = checked_channel(channel, scenario.num_channels, scenario.num_pairs)
    if checked is None:
        raise ConfigError("channel", expected="a channel per pair", got="null")
    return checked


def per_pair(scenario: Scenario, name: str, values: npt.ArrayLike) -> Floats:
    """`values` as float64 [N].

    Raises:
        ConfigError: if they are no numbers.
        ShapeError: if there is not one number per pair.
    """
    array = real_numbers(name, values, f"{scenario.num_pairs} numbers, one per pair")
    if array.shape != (scenario.num_pairs,):
        raise ShapeError(
            name,
            expected=f"{scenario.num_pairs} numbers, one per pair",
            got=f"shape {list(array.shape)}",
        )
    return array
