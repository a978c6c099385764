"""One pair's explanation against the links and outcomes it is about."""

import numpy as np
import pytest

from stackelberg.errors import ConfigError, DomainError, InputError
from stackelberg.spectrum import FixedPriceBounds, generate, links, outcome, solve
from stackelberg.spectrum.pair_explanation import explain_pair
from stackelberg.spectrum.price_box import implied_price
from stackelberg.units import from_db

CHANNEL = np.array([0, 0, 0, 1, 1, 2])
SCENARIO = generate(
    seed=5,
    num_channels=4,
    num_pairs=6,
    channel=CHANNEL,
    follower_price_weight=0.1,
    leader_revenue_weight=2.0,
)


def made_up(share):
    power = np.maximum(np.array(share) * SCENARIO.max_power_w, SCENARIO.min_power_w)
    return outcome(SCENARIO, CHANNEL, implied_price(SCENARIO, CHANNEL, power), power)


ANSWER = made_up([0.0, 1.0, 0.5, 0.3, 0.0, 0.2])


@pytest.mark.parametrize("pair", range(6))
def test_interference_adds_up_and_is_sorted(pair):
    found = explain_pair(SCENARIO, ANSWER, pair)
    heard = links(SCENARIO, CHANNEL, ANSWER.transmit_power_w)
    powers = [source.power_w for source in found.interference]
    assert sum(powers) == pytest.approx(heard.d2d_interference_w[pair], rel=1e-12)
    assert powers == sorted(powers, reverse=True)
    others = {s.number for s in found.interference if s.source == "pair"}
    on = set(np.flatnonzero(CHANNEL[pair] == CHANNEL).tolist())
    assert others == on - {pair}
    for source in found.interference:
        over = from_db(source.over_noise_db) * SCENARIO.noise_power_w
        assert over == pytest.approx(source.power_w, rel=1e-12)
        if source.source == "cellular":
            assert source.number == CHANNEL[pair]
    assert found.sinr == heard.d2d_sinr[pair]


def test_the_numbers_are_those_of_the_outcome():
    found = explain_pair(SCENARIO, ANSWER, 2)
    assert found.channel == 0
    assert found.rate_bps == ANSWER.d2d_rate_bps[2]
    assert found.utility == ANSWER.follower_utility[2]
    assert found.reuse_price == ANSWER.reuse_price[2]
    assert found.utility == pytest.approx(
        found.rate_bps - SCENARIO.follower_price_weight * found.payment, rel=1e-12
    )
    assert found.spend_share == pytest.approx(found.sinr / (1 + found.sinr), rel=1e-12)
    assert found.least_price < found.reuse_price < found.greatest_price


def test_limits_are_named():
    limits = [explain_pair(SCENARIO, ANSWER, j).limit for j in range(6)]
    assert limits == [
        "min_power",
        "max_power",
        "interior",
        "interior",
        "min_power",
        "interior",
    ]
    price = ANSWER.reuse_price
    low, high = price.copy(), price.copy()
    low[[0, 3, 5]] *= 0.5
    high[[0, 2, 5]] *= 2.0
    fixed = SCENARIO.replace(price_bounds=FixedPriceBounds(low, high))
    assert [explain_pair(fixed, ANSWER, j).limit for j in (0, 2, 3, 5)] == [
        "min_power",
        "min_price",
        "max_price",
        "interior",
    ]


def test_one_db_more_is_the_outcome_at_that_power():
    more = explain_pair(SCENARIO, ANSWER, 2).one_db_more
    power = ANSWER.transmit_power_w.copy()
    power[2] *= from_db(1.0)
    louder = outcome(SCENARIO, CHANNEL, ANSWER.reuse_price, power)
    assert more.possible
    assert more.own_utility < 0.0
    assert more.own_utility == pytest.approx(
        louder.follower_utility[2] - ANSWER.follower_utility[2]
    )
    assert more.leader_utility == pytest.approx(
        louder.leader_utility - ANSWER.leader_utility
    )
    price = implied_price(SCENARIO, CHANNEL, power)
    repriced = outcome(SCENARIO, CHANNEL, price, power)
    assert more.price == price[2]
    assert more.leader_utility_repriced == pytest.approx(
        repriced.leader_utility - ANSWER.leader_utility
    )
    sinr = links(SCENARIO, CHANNEL, power).cellular_sinr[0]
    assert more.cellular_sinr_after == sinr < more.cellular_sinr_before


def test_a_pair_at_its_greatest_power_cannot_have_more():
    assert not explain_pair(SCENARIO, ANSWER, 1).one_db_more.possible


def test_one_db_more_gains_nobody_anything_at_the_equilibrium():
    answer = solve(SCENARIO).value
    for pair in range(6):
        more = explain_pair(SCENARIO, answer, pair).one_db_more
        if more.possible:
            assert more.own_utility <= 0.0
            assert more.leader_utility_repriced <= 1e-9 * answer.leader_utility


@pytest.mark.parametrize(
    ("pair", "kind", "message"),
    [
        (6, DomainError, "pair: expected a number from 0 to 5, got 6"),
        (-1, DomainError, "pair: expected a whole number >= 0, got -1"),
        (1.5, ConfigError, "pair: expected a whole number, got 1.5"),
    ],
)
def test_a_pair_that_is_not_there_is_named(pair, kind, message):
    with pytest.raises(InputError) as caught:
        explain_pair(SCENARIO, ANSWER, pair)
    assert type(caught.value) is kind
    assert str(caught.value) == message
