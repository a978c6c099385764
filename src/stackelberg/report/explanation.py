"""Why one pair is priced as it is, and what a little more power would change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stackelberg.errors import DomainError
from stackelberg.report.data import PairRecord
from stackelberg.report.pairs import (
    gain_to_base_station,
    noise_over_gain,
    pair_records,
)
from stackelberg.spectrum import (
    Outcome,
    Scenario,
    follower_equilibrium,
    links,
    outcome,
)
from stackelberg.units import from_db

ONE_DB = 1.0


@dataclass(frozen=True)
class Disturbance:
    """What one source adds at the pair's receiver.

    Attributes:
        source: who, in words.
        power_w: received, W.
        share: of all interference and noise there.
    """

    source: str
    power_w: float
    share: float


@dataclass(frozen=True)
class OneDecibelMore:
    """What happens when the pair transmits 1 dB more.

    Attributes:
        possible: whether its greatest power allows it.
        own_utility_bps: change of its own utility at today's price, the other pairs'
            powers held; never positive at an equilibrium.
        price: what the leader would have to ask for the pair to want it.
        leader_utility_bps: change of the leader's utility at that price, every other
            price held and all pairs at their new equilibrium.
        cellular_rate_bps: the part of that change that cellular users feel.
        revenue_bps: the part of that change that is weighted payments.
    """

    possible: bool
    own_utility_bps: float
    price: float
    leader_utility_bps: float
    cellular_rate_bps: float
    revenue_bps: float


@dataclass(frozen=True)
class Explanation:
    """One pair at an answer: what it hears, what it pays, what limits it.

    Attributes:
        record: its numbers.
        disturbances: interference and noise at its receiver, strongest first.
        limited_by: what keeps its power and price where they are, in a sentence.
        one_db_more: what 1 dB more would change.
    """

    record: PairRecord
    disturbances: tuple[Disturbance, ...]
    limited_by: str
    one_db_more: OneDecibelMore


def explain_pair(scenario: Scenario, answer: Outcome, pair: int) -> Explanation:
    """Explain one pair of an answer.

    Args:
        scenario: the cell; its own `channel` is not used.
        answer: an outcome of it.
        pair: number of the pair, 0 <= pair < N.

    Raises:
        DomainError: if there is no such pair.
    """
    if not 0 <= pair < scenario.num_pairs:
        raise DomainError(
            "pair",
            expected=f"a pair's number from 0 to {scenario.num_pairs - 1}",
            got=pair,
        )
    scenario = scenario.with_channel(answer.channel)
    record = pair_records(scenario, answer)[pair]
    return Explanation(
        record=record,
        disturbances=_disturbances(scenario, answer, pair),
        limited_by=_limited_by(record),
        one_db_more=_one_decibel_more(scenario, answer, pair),
    )


def _disturbances(
    scenario: Scenario, answer: Outcome, pair: int
) -> tuple[Disturbance, ...]:
    i = int(answer.channel[pair])
    heard = {
        "noise": scenario.noise_power_w,
        f"cellular user of channel {i}": float(
            scenario.cellular_power_w[i] * scenario.gain_cellular_to_d2d[i, pair]
        ),
    }
    for k in np.flatnonzero(answer.channel == i):
        if k != pair:
            power = answer.transmit_power_w[k] * scenario.cross_gain(i)[k, pair]
            heard[f"pair {k}"] = float(power)
    total = sum(heard.values())
    strongest_first = sorted(heard.items(), key=lambda item: -item[1])
    return tuple(Disturbance(who, w, w / total) for who, w in strongest_first)


def _limited_by(record: PairRecord) -> str:
    at_top = record.reuse_price >= record.highest_price * (1.0 - 1e-9)
    at_bottom = record.reuse_price <= record.lowest_price * (1.0 + 1e-9)
    if at_top and at_bottom:
        bound = "its price may take one value only"
    elif at_top:
        bound = "its price is at the upper end of the price box"
    elif at_bottom:
        bound = "its price is at the lower end of the price box"
    else:
        bound = "its price is inside the price box"
    return f"its power is {record.limit}; {bound}"


def _one_decibel_more(
    scenario: Scenario, answer: Outcome, pair: int
) -> OneDecibelMore:
    power = answer.transmit_power_w.copy()
    power[pair] *= from_db(ONE_DB)
    louder = outcome(scenario, answer.channel, answer.reuse_price, power)
    own = float(louder.follower_utility[pair] - answer.follower_utility[pair])
    heard = links(scenario, answer.channel, answer.transmit_power_w)
    needed = noise_over_gain(scenario, answer, heard)[pair]
    to_bs = gain_to_base_station(scenario, answer)[pair]
    price = answer.reuse_price.copy()
    price[pair] = scenario.spend_scale / (to_bs * (power[pair] + needed))
    game = follower_equilibrium(scenario, price, choice="first")
    after = outcome(scenario, answer.channel, price, game.transmit_power_w)
    leader = after.leader_utility - answer.leader_utility
    cellular = float(after.cellular_rate_bps.sum() - answer.cellular_rate_bps.sum())
    return OneDecibelMore(
        possible=bool(power[pair] <= scenario.max_power_w * (1.0 + 1e-9)),
        own_utility_bps=own,
        price=float(price[pair]),
        leader_utility_bps=leader,
        cellular_rate_bps=cellular,
        revenue_bps=leader - cellular,
    )
