"""Every pair at an answer: its price box, its margin, what it pays, what holds it."""

from __future__ import annotations

from stackelberg.report.spectrum.data import PairRecord
from stackelberg.spectrum import Outcome, Scenario, links
from stackelberg.spectrum.insight import at_power_limits
from stackelberg.spectrum.price_box import gains, price_box
from stackelberg.spectrum.rates import payments
from stackelberg.spectrum.scenario import Floats
from stackelberg.units import to_db, to_dbm

AT_LEAST = "at least power"
AT_GREATEST = "at greatest power"
INSIDE = "inside its limits"


def limits(scenario: Scenario, answer: Outcome) -> tuple[str, ...]:
    """Whether each power is at its least, at its greatest or in between, in words."""
    low, high = at_power_limits(scenario, answer.transmit_power_w)
    return tuple(
        AT_LEAST if at_low else AT_GREATEST if at_high else INSIDE
        for at_low, at_high in zip(low, high, strict=True)
    )


def interference_margin(scenario: Scenario, answer: Outcome) -> Floats:
    """Cellular signal over each pair's interference at full power, both received at
    the base station on the pair's channel; linear [N]. It depends on no price.
    """
    _, to_bs = gains(scenario, answer.channel)
    loudest = scenario.max_power_w * to_bs
    return scenario.received_cellular_power_w[answer.channel] / loudest


def pair_records(scenario: Scenario, answer: Outcome) -> tuple[PairRecord, ...]:
    """Every pair at the answer; the scenario's own `channel` is not used."""
    heard = links(scenario, answer.channel, answer.transmit_power_w)
    lowest, highest = price_box(scenario, answer.channel, answer.transmit_power_w)
    paid = payments(
        scenario, answer.channel, answer.reuse_price, answer.transmit_power_w
    )
    margin_db = to_db(interference_margin(scenario, answer))
    power_dbm, sinr_db = to_dbm(answer.transmit_power_w), to_db(heard.d2d_sinr)
    held = limits(scenario, answer)
    return tuple(
        PairRecord(
            pair=j,
            channel=int(answer.channel[j]),
            reuse_price=float(answer.reuse_price[j]),
            lowest_price=float(lowest[j]),
            highest_price=float(highest[j]),
            transmit_power_dbm=float(power_dbm[j]),
            limit=held[j],
            interference_margin_db=float(margin_db[j]),
            payment_bps=float(paid[j]),
            spend_share=float(paid[j] / scenario.spend_scale),
            sinr_db=float(sinr_db[j]),
            rate_bps=float(answer.d2d_rate_bps[j]),
            utility_bps=float(answer.follower_utility[j]),
            **_places(scenario, j),
        )
        for j in range(scenario.num_pairs)
    )


def _places(scenario: Scenario, pair: int) -> dict[str, float]:
    """Where the pair stands, as seen from the base station."""
    where = scenario.positions_m
    if where is None:
        return {}
    transmitter = where.d2d_transmitter[pair] - where.base_station
    receiver = where.d2d_receiver[pair] - where.base_station
    return {
        "transmitter_x_m": float(transmitter[0]),
        "transmitter_y_m": float(transmitter[1]),
        "receiver_x_m": float(receiver[0]),
        "receiver_y_m": float(receiver[1]),
    }
