"""One pair of an answer: what it hears, what holds it, what 1 dB more would change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from stackelberg.errors import DomainError
from stackelberg.spectrum.insight import AT_BOUND, at_power_limits
from stackelberg.spectrum.price_box import implied_price, price_box
from stackelberg.spectrum.radio import whole_number
from stackelberg.spectrum.rates import Outcome, links, outcome, payments
from stackelberg.spectrum.scenario import Scenario
from stackelberg.units import from_db, to_db

Limit: TypeAlias = Literal[
    "min_power", "max_power", "min_price", "max_price", "interior"
]


@dataclass(frozen=True)
class Interference:
    """What one source adds at the pair's receiver.

    Attributes:
        source: `cellular` or `pair`.
        number: the channel of the cellular user, or the other pair's number.
        power_w: received, W.
        over_noise_db: that over the noise power, dB; -inf for none.
    """

    source: Literal["cellular", "pair"]
    number: int
    power_w: float
    over_noise_db: float


@dataclass(frozen=True)
class OneDbMore:
    """What happens when the pair alone transmits 1 dB more.

    All other powers and all prices stay, unless said otherwise.

    Attributes:
        possible: whether `max_power_w` allows it.
        own_utility: change of the pair's utility, bit/s; not positive at an
            equilibrium of the followers.
        leader_utility: change of the leader's utility, bit/s.
        leader_utility_repriced: the same when every price on the channel is set so
            that the new powers are best responses, bit/s; not positive at an optimum
            of the leader with interference price bounds, where `possible`.
        price: the pair's price then.
        cellular_sinr_before: linear, of the channel's cellular user at the answer.
        cellular_sinr_after: linear, with the extra dB.
    """

    possible: bool
    own_utility: float
    leader_utility: float
    leader_utility_repriced: float
    price: float
    cellular_sinr_before: float
    cellular_sinr_after: float


@dataclass(frozen=True)
class PairExplanation:
    """One pair at an answer.

    Attributes:
        pair: its number.
        channel: the channel it reuses.
        noise_power_w: at its receiver, W.
        interference: what it hears, strongest first.
        sinr: at its receiver, linear.
        transmit_power_w: W.
        reuse_price: bit/s per W.
        least_price: lower end of its price box at the others' actual powers.
        greatest_price: upper end of that box.
        limit: what holds it: a power limit if it sits at one (under interference
            bounds that is the other end of the price box as well), else a price bound,
            else `interior`.
        payment: before weighting, bit/s.
        spend_share: payment over B.
        rate_bps: its rate.
        utility: its rate minus its weighted payment, bit/s.
        one_db_more: what 1 dB more would change.
    """

    pair: int
    channel: int
    noise_power_w: float
    interference: tuple[Interference, ...]
    sinr: float
    transmit_power_w: float
    reuse_price: float
    least_price: float
    greatest_price: float
    limit: Limit
    payment: float
    spend_share: float
    rate_bps: float
    utility: float
    one_db_more: OneDbMore


def explain_pair(scenario: Scenario, answer: Outcome, pair: int) -> PairExplanation:
    """Explain one pair of an answer.

    Args:
        scenario: the cell; its own `channel` is not used.
        answer: channels, prices and powers reached, by any method.
        pair: 0 <= pair < N.

    Raises:
        ShapeError: if `answer` does not fit the scenario.
        ConfigError: if `pair` is not a whole number.
        DomainError: if there is no such pair.
    """
    pair = whole_number("pair", pair, least=0)
    if pair >= scenario.num_pairs:
        raise DomainError(
            "pair", expected=f"a number from 0 to {scenario.num_pairs - 1}", got=pair
        )
    heard = links(scenario, answer.channel, answer.transmit_power_w)
    least, greatest = price_box(scenario, answer.channel, answer.transmit_power_w)
    paid = payments(
        scenario, answer.channel, answer.reuse_price, answer.transmit_power_w
    )
    return PairExplanation(
        pair=pair,
        channel=int(answer.channel[pair]),
        noise_power_w=scenario.noise_power_w,
        interference=_interference(scenario, answer, pair),
        sinr=float(heard.d2d_sinr[pair]),
        transmit_power_w=float(answer.transmit_power_w[pair]),
        reuse_price=float(answer.reuse_price[pair]),
        least_price=float(least[pair]),
        greatest_price=float(greatest[pair]),
        limit=_limit(scenario, answer, pair, least[pair], greatest[pair]),
        payment=float(paid[pair]),
        spend_share=float(paid[pair] / scenario.spend_scale),
        rate_bps=float(answer.d2d_rate_bps[pair]),
        utility=float(answer.follower_utility[pair]),
        one_db_more=_one_db_more(scenario, answer, pair),
    )


def _interference(
    scenario: Scenario, answer: Outcome, pair: int
) -> tuple[Interference, ...]:
    i = int(answer.channel[pair])
    cross = scenario.cross_gain(i)[:, pair]
    cellular = scenario.cellular_power_w[i] * scenario.gain_cellular_to_d2d[i, pair]
    heard = [_source(scenario, "cellular", i, float(cellular))]
    for k in np.flatnonzero(answer.channel == i).tolist():
        if k != pair:
            power = float(answer.transmit_power_w[k] * cross[k])
            heard.append(_source(scenario, "pair", k, power))
    return tuple(sorted(heard, key=lambda source: -source.power_w))


def _source(
    scenario: Scenario, kind: Literal["cellular", "pair"], number: int, power_w: float
) -> Interference:
    over = float(to_db(np.array(power_w / scenario.noise_power_w)))
    return Interference(kind, number, power_w, over)


def _limit(
    scenario: Scenario, answer: Outcome, pair: int, least: float, greatest: float
) -> Limit:
    low, high = at_power_limits(scenario, answer.transmit_power_w)
    price = answer.reuse_price[pair]
    if low[pair]:
        return "min_power"
    if high[pair]:
        return "max_power"
    if price <= least * (1.0 + AT_BOUND):
        return "min_price"
    if price >= greatest * (1.0 - AT_BOUND):
        return "max_price"
    return "interior"


def _one_db_more(scenario: Scenario, answer: Outcome, pair: int) -> OneDbMore:
    i = int(answer.channel[pair])
    power = answer.transmit_power_w.copy()
    power[pair] *= from_db(1.0)
    louder = outcome(scenario, answer.channel, answer.reuse_price, power)
    price = answer.reuse_price.copy()
    on = answer.channel == i
    price[on] = implied_price(scenario, answer.channel, power)[on]
    repriced = outcome(scenario, answer.channel, price, power)
    before = links(scenario, answer.channel, answer.transmit_power_w).cellular_sinr
    after = links(scenario, answer.channel, power).cellular_sinr
    return OneDbMore(
        possible=bool(power[pair] <= scenario.max_power_w * (1.0 + AT_BOUND)),
        own_utility=float(
            louder.follower_utility[pair] - answer.follower_utility[pair]
        ),
        leader_utility=louder.leader_utility - answer.leader_utility,
        leader_utility_repriced=repriced.leader_utility - answer.leader_utility,
        price=float(price[pair]),
        cellular_sinr_before=float(before[i]),
        cellular_sinr_after=float(after[i]),
    )
