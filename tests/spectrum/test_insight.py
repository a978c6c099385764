"""What is said about an answer against the same taken from its numbers by hand."""

from typing import Any

import numpy as np
import pytest

from stackelberg.errors import DomainError, InputError
from stackelberg.spectrum import (
    FixedPriceBounds,
    Outcome,
    Scenario,
    assign_channels,
    generate,
    links,
    outcome,
    solve,
)
from stackelberg.spectrum.insight import describe
from stackelberg.spectrum.price_box import implied_price, price_box
from stackelberg.units import from_db

CHANNEL = [0, 0, 0, 1, 1, 2]


def cell(**options: Any) -> Scenario:
    settings: dict[str, Any] = {
        "seed": 5,
        "num_channels": 4,
        "num_pairs": 6,
        "channel": CHANNEL,
        "follower_price_weight": 0.1,
    }
    return generate(**(settings | options))


def made_up(scenario: Scenario, share: list[float]) -> Outcome:
    """Powers at shares of the greatest (never below the least), prices to match."""
    power = np.maximum(np.array(share) * scenario.max_power_w, scenario.min_power_w)
    channel = np.asarray(scenario.channel)
    return outcome(scenario, channel, implied_price(scenario, channel, power), power)


@pytest.fixture(scope="module")
def best() -> tuple[Scenario, Outcome]:
    scenario = cell()
    return scenario, solve(scenario).value


def test_pairs_are_counted_by_where_their_power_sits_and_by_company():
    scenario = cell()
    found = describe(scenario, made_up(scenario, [0, 1, 0.5, 0, 0, 0.2]))
    assert found.at_min_power == (0, 3, 4)
    assert found.at_max_power == (1,)
    assert found.interior == (2, 5)
    rows = [
        (r.pairs_on_channel, r.pairs, r.at_min, r.at_max, r.interior)
        for r in found.limits_by_occupancy
    ]
    assert rows == [(1, 1, 0, 0, 1), (2, 2, 2, 0, 0), (3, 3, 1, 1, 1)]
    np.testing.assert_array_equal(found.pairs_per_channel, [3, 2, 1, 0])


def test_prices_at_the_ends_of_their_box_belong_to_powers_at_their_limits():
    scenario = cell()
    found = describe(scenario, made_up(scenario, [0, 1, 0.5, 0, 0, 0.2]))
    assert found.at_max_price == found.at_min_power
    assert found.at_min_price == found.at_max_power


def test_a_power_a_hair_off_its_limit_is_at_it_and_a_hundredth_is_not():
    scenario = cell()
    near = scenario.max_power_w * (1 - 1e-8)
    share = [near / scenario.max_power_w, 0.99, 0.5, 0.5, 0.5, 0.5]
    assert describe(scenario, made_up(scenario, share)).at_max_power == (0,)


@pytest.mark.parametrize("weight", [0.1, 1.0])
def test_past_the_bound_is_what_a_lower_least_power_earns(weight):
    scenario = cell(follower_price_weight=weight)
    answer = solve(scenario).value
    found = describe(scenario, answer, past_bound_db=10.0)
    wide = scenario.replace(min_power_w=scenario.min_power_w / 10.0)
    gained = solve(wide).value.leader_utility - answer.leader_utility
    assert found.past_bound_gain == pytest.approx(
        gained / answer.leader_utility, rel=1e-3, abs=1e-6
    )
    assert found.past_bound_gain > 1e-4
    further = describe(scenario, answer, past_bound_db=20.0)
    assert further.past_bound_gain > found.past_bound_gain


def test_without_a_least_power_no_price_goes_past_the_bound():
    scenario = cell(min_power_w=0.0)
    answer = made_up(scenario, [0, 1, 0.5, 0.5, 0.5, 0.5])
    assert describe(scenario, answer).past_bound_gain == 0.0


def test_fixed_bounds_are_widened_themselves():
    free = cell()
    price = solve(free).value.reuse_price
    scenario = free.replace(price_bounds=FixedPriceBounds(0.1 * price, 0.5 * price))
    answer = solve(scenario).value
    found = describe(scenario, answer)
    assert isinstance(scenario.price_bounds, FixedPriceBounds)
    at_most = np.flatnonzero(answer.reuse_price >= 0.5 * price * (1 - 1e-12))
    assert found.at_max_price == tuple(at_most.tolist())
    wide = scenario.replace(price_bounds=FixedPriceBounds(0.1 * price, 5.0 * price))
    gained = solve(wide).value.leader_utility - answer.leader_utility
    assert found.past_bound_gain == pytest.approx(
        gained / answer.leader_utility, rel=1e-3
    )


def test_flatness_is_the_utility_lost_at_moved_powers_with_their_prices():
    scenario = cell()
    answer = made_up(scenario, [0, 1, 0.5, 0.3, 0, 0.2])
    found = describe(scenario, answer)
    rows = {(r.moved, r.shift_db): r for r in found.flatness}
    assert [*rows] == [("interior", x) for x in (-3.0, -1.0, 1.0, 3.0)] + [
        ("at_limit", 1.0),
        ("at_limit", 3.0),
    ]
    p = answer.transmit_power_w
    for (moved, shift), row in rows.items():
        inside = np.array([2, 3, 5])
        power = p.copy()
        if moved == "interior":
            power[inside] *= from_db(shift)
            assert row.pairs == 3
        else:
            power[[0, 4]] *= from_db(shift)
            power[1] /= from_db(shift)
            assert row.pairs == 3
        power = np.minimum(power, scenario.max_power_w)
        price = implied_price(scenario, answer.channel, power)
        after = outcome(scenario, answer.channel, price, power).leader_utility
        assert row.lost == pytest.approx(
            1.0 - after / answer.leader_utility, rel=1e-9, abs=1e-14
        )


def test_the_optimum_is_flat_inside_and_no_move_of_a_power_gains(best):
    scenario, answer = best
    found = describe(scenario, answer)
    assert found.interior
    for row in found.flatness:
        if row.moved == "interior":
            assert 0.0 <= row.lost <= (0.001 if abs(row.shift_db) == 1.0 else 0.01)
    possible = found.one_db_lost[np.isfinite(found.one_db_lost)]
    assert len(possible) >= scenario.num_pairs
    assert possible.min() >= -1e-9
    for j in found.at_min_power:
        assert np.isnan(found.one_db_lost[j, 0])
    for j in found.at_max_power:
        assert np.isnan(found.one_db_lost[j, 1])
    for j in found.interior:
        assert np.isfinite(found.one_db_lost[j]).any()


def test_flatness_under_fixed_bounds_lets_the_followers_answer():
    free = cell()
    price = solve(free).value.reuse_price
    scenario = free.replace(price_bounds=FixedPriceBounds(0.5 * price, 1.5 * price))
    answer = solve(scenario).value
    found = describe(scenario, answer)
    assert found.flatness
    for row in found.flatness:
        assert row.lost >= -1e-9


def test_payments_are_the_share_that_the_sinr_gives():
    scenario = cell()
    answer = made_up(scenario, [0, 1, 0.5, 0.3, 0, 0.2])
    sinr = links(scenario, answer.channel, answer.transmit_power_w).d2d_sinr
    np.testing.assert_allclose(
        describe(scenario, answer).spend_share, sinr / (1 + sinr), rtol=1e-12
    )


def test_prices_are_set_against_gains_to_the_base_station(best):
    scenario, answer = best
    found = describe(scenario, answer)
    gain = scenario.gain_d2d_to_bs[answer.channel, np.arange(6)]
    price = answer.reuse_price
    x, y = np.log(price) - np.log(price).mean(), np.log(gain) - np.log(gain).mean()
    wanted = (x * y).sum() / np.sqrt((x**2).sum() * (y**2).sum())
    assert found.price_gain_correlation == pytest.approx(wanted, rel=1e-12)
    assert from_db(found.gain_spread_db) == pytest.approx(gain.max() / gain.min())
    assert from_db(found.price_spread_db) == pytest.approx(price.max() / price.min())


def test_prices_undo_the_gain_to_the_base_station_in_a_usual_cell():
    scenario = generate(seed=1, num_channels=20, num_pairs=30, channel="random")
    channel = np.asarray(scenario.channel)
    power = np.full(30, scenario.min_power_w)
    answer = outcome(scenario, channel, implied_price(scenario, channel, power), power)
    found = describe(scenario, answer)
    assert found.price_gain_correlation < -0.8
    assert found.gain_spread_db > 35.0


def test_caps_are_those_of_a_new_assignment(best):
    scenario, answer = best
    found = describe(scenario, answer, caps=(1, 2, 3, 6))
    assert [row.cap for row in found.caps] == [2, 3, 6]
    for row in found.caps:
        wanted = assign_channels(scenario, max_pairs_per_channel=row.cap)
        assert row.leader_utility == wanted.leader_utility_estimate
        assert row.used_channels == len(set(wanted.channel.tolist()))
        assert row.gain == pytest.approx(
            row.leader_utility / answer.leader_utility - 1.0, abs=1e-12
        )
    utilities = [row.leader_utility for row in found.caps]
    assert utilities == sorted(utilities)
    assert describe(scenario, answer).caps == ()


def test_a_cell_without_pairs_has_nothing_to_describe():
    scenario = cell(num_pairs=0, channel=[])
    found = describe(scenario, outcome(scenario, [], [], []))
    assert (found.num_pairs, found.flatness) == (0, ())


@pytest.mark.parametrize(
    ("power", "past", "message"),
    [
        (
            0.0,
            10.0,
            "transmit_power_w[2]: expected a power between min_power_w = 0.001 and "
            "max_power_w = 0.199526, got 0.0",
        ),
        (0.1, 0.0, "past_bound_db: expected a finite number of dB > 0, got 0.0"),
    ],
)
def test_what_cannot_be_described_is_named(power, past, message):
    scenario = cell()
    powers = np.full(6, 0.1)
    powers[2] = power
    answer = outcome(scenario, CHANNEL, np.ones(6), powers)
    with pytest.raises(InputError) as caught:
        describe(scenario, answer, past_bound_db=past)
    assert type(caught.value) is DomainError
    assert str(caught.value) == message


def test_the_box_used_is_that_at_the_actual_powers():
    scenario = cell()
    answer = made_up(scenario, [0.3, 0.4, 0.5, 0.3, 0.2, 0.2])
    least, most = price_box(scenario, answer.channel, answer.transmit_power_w)
    assert np.all(least < answer.reuse_price)
    assert np.all(answer.reuse_price < most)
    assert describe(scenario, answer).at_max_price == ()
