"""What holds each pair where it is: price box, margin, payment, interferers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stackelberg.report.data import PairRecord
from stackelberg.spectrum import FixedPriceBounds, Links, Outcome, Scenario, links
from stackelberg.spectrum.rates import payments
from stackelberg.spectrum.scenario import Floats
from stackelberg.units import to_db, to_dbm

AT_LIMIT = 1e-6
"""A power within this share of the power range of a limit counts as at it."""

AT_LEAST = "at least power"
AT_GREATEST = "at greatest power"
INSIDE = "inside its limits"


@dataclass(frozen=True, eq=False)
class PriceBox:
    """Between which prices each pair's price may lie, the others' powers held fixed.

    Attributes:
        lowest: [N], bit/s per W.
        highest: [N]; infinite where nothing bounds the price.
    """

    lowest: Floats
    highest: Floats


def gain_to_base_station(scenario: Scenario, outcome: Outcome) -> Floats:
    """Each pair's gain to the base station on the channel it reuses [N]."""
    return np.array(
        [scenario.gain_to_bs(int(i))[j] for j, i in enumerate(outcome.channel)]
    )


def price_box(scenario: Scenario, outcome: Outcome) -> PriceBox:
    """The price box at the answer's powers; theory: B / (gbar (p + s)) at p's limits."""
    if isinstance(scenario.price_bounds, FixedPriceBounds):
        bounds = scenario.price_bounds
        return PriceBox(lowest=bounds.min, highest=bounds.max)
    heard = links(scenario, outcome.channel, outcome.transmit_power_w)
    scale = scenario.spend_scale / gain_to_base_station(scenario, outcome)
    needed = noise_over_gain(scenario, outcome, heard)
    return PriceBox(
        lowest=scale / (scenario.max_power_w + needed),
        highest=scale / (scenario.min_power_w + needed),
    )


def noise_over_gain(scenario: Scenario, outcome: Outcome, heard: Links) -> Floats:
    """s_j = (N0 + I_j) / g_j in W [N]: the power that gives an SINR of 1."""
    gain = np.array(
        [scenario.own_gain(int(i))[j] for j, i in enumerate(outcome.channel)]
    )
    return (heard.noise_power_w + heard.d2d_interference_w) / gain


def limits(scenario: Scenario, outcome: Outcome) -> tuple[str, ...]:
    """Whether each power is at its least, at its greatest or in between, in words."""
    low, high = scenario.min_power_w, scenario.max_power_w
    near = AT_LIMIT * (high - low)
    return tuple(
        AT_LEAST if p <= low + near else AT_GREATEST if p >= high - near else INSIDE
        for p in outcome.transmit_power_w
    )


def interference_margin(scenario: Scenario, outcome: Outcome) -> Floats:
    """Cellular signal over each pair's interference at full power, both received at
    the base station on the pair's channel; linear [N]. It depends on no price.
    """
    loudest = scenario.max_power_w * gain_to_base_station(scenario, outcome)
    return scenario.received_cellular_power_w[outcome.channel] / loudest


def pair_records(scenario: Scenario, outcome: Outcome) -> tuple[PairRecord, ...]:
    """Every pair at the answer."""
    heard = links(scenario, outcome.channel, outcome.transmit_power_w)
    box = price_box(scenario, outcome)
    paid = payments(
        scenario, outcome.channel, outcome.reuse_price, outcome.transmit_power_w
    )
    margin_db = to_db(interference_margin(scenario, outcome))
    power_dbm, sinr_db = to_dbm(outcome.transmit_power_w), to_db(heard.d2d_sinr)
    held = limits(scenario, outcome)
    where = scenario.positions_m
    return tuple(
        PairRecord(
            pair=j,
            channel=int(outcome.channel[j]),
            reuse_price=float(outcome.reuse_price[j]),
            lowest_price=float(box.lowest[j]),
            highest_price=float(box.highest[j]),
            transmit_power_dbm=float(power_dbm[j]),
            limit=held[j],
            interference_margin_db=float(margin_db[j]),
            payment_bps=float(paid[j]),
            spend_share=float(paid[j] / scenario.spend_scale),
            sinr_db=float(sinr_db[j]),
            rate_bps=float(outcome.d2d_rate_bps[j]),
            utility_bps=float(outcome.follower_utility[j]),
            transmitter_x_m=None if where is None else float(where.d2d_transmitter[j, 0]),
            transmitter_y_m=None if where is None else float(where.d2d_transmitter[j, 1]),
            receiver_x_m=None if where is None else float(where.d2d_receiver[j, 0]),
            receiver_y_m=None if where is None else float(where.d2d_receiver[j, 1]),
        )
        for j in range(scenario.num_pairs)
    )
