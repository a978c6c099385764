"""The certificate: brute force behind every number, and nothing wrong gets through."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from oracles import bilevel, power_game, price_iteration
from oracles.cells import channel_of, random_cell
from spectrum.cases import MULTI_PAIR, cell, fixed_cell, only_games, scenario_of

from stackelberg.errors import DomainError, ShapeError
from stackelberg.spectrum import (
    FixedPriceBounds,
    Scenario,
    certify,
    follower_equilibrium,
    generate,
    outcome,
    solve,
)
from stackelberg.spectrum.certify import EXACT, LeaderBound, bound_leader
from stackelberg.spectrum.rates import Outcome
from stackelberg.spectrum.solve import SpectrumSolution

SCENARIOS = {
    "interference": cell(1, 6, num_channels=3, coupling=0.3, follower_price_weight=0.2),
    "fixed": fixed_cell(1, 6, num_channels=3, coupling=0.3),
    "realistic": generate(
        seed=4,
        num_channels=3,
        num_pairs=6,
        channel=np.arange(6) % 3,
        follower_price_weight=0.1,
    ),
}


@cache
def solved(kind: str) -> SpectrumSolution:
    return solve(SCENARIOS[kind], tolerance=1e-6)


ELSEWHERE = [case for case in MULTI_PAIR if case.get("bilevel") is not None]

KINDS = pytest.mark.parametrize("kind", sorted(SCENARIOS))


def again(scenario: Scenario, value: Outcome, **changes) -> Outcome:
    """`value` with some choices changed and its utilities stated truly."""
    changed = replace(value, **changes)
    return outcome(
        scenario, changed.channel, changed.reuse_price, changed.transmit_power_w
    )


def scaled(array: np.ndarray, j: int, factor: float) -> np.ndarray:
    moved = array.astype(float).copy()
    moved[j] *= factor
    return moved


@KINDS
def test_the_solvers_answer_holds(kind):
    certificate = certify(SCENARIOS[kind], solved(kind).value, tolerance=1e-6)
    assert certificate.holds(1e-6)
    assert not certificate.holds(1e-6 * 1e-9) or certificate.bilevel_gap <= 1e-15
    assert certificate.bilevel_bound >= solved(kind).value.leader_utility
    assert "branch and bound" in certificate.bound_origin


@KINDS
@pytest.mark.parametrize("factor", [1.01, 0.99])
def test_one_changed_price_fails(kind, factor):
    scenario, value = SCENARIOS[kind], solved(kind).value
    bound = bound_leader(scenario, value, 1e-6, 50_000)
    for j in range(6):
        price = scaled(value.reuse_price, j, factor)
        stale = replace(value, reuse_price=price)
        assert not certify(scenario, stale, bound=bound).holds(1e-4)
        certificate = certify(
            scenario, again(scenario, value, reuse_price=price), bound=bound
        )
        # The followers no longer answer well, or the box is left, or money is lost.
        assert certificate.utility_error == 0.0
        assert (
            certificate.follower_regret_relative > EXACT
            or certificate.price_violation > EXACT
            or certificate.bilevel_gap > solved(kind).certificate.bilevel_gap
        )
        assert not certificate.holds(certificate.bilevel_gap * 0.999)


@KINDS
@pytest.mark.parametrize("factor", [1.02, 0.98])
def test_one_changed_power_fails(kind, factor):
    scenario, value = SCENARIOS[kind], solved(kind).value
    bound = bound_leader(scenario, value, 1e-6, 50_000)
    for j in range(6):
        power = scaled(value.transmit_power_w, j, factor)
        stale = replace(value, transmit_power_w=power)
        assert not certify(scenario, stale, bound=bound).holds(1.0)
        true = again(scenario, value, transmit_power_w=power)
        certificate = certify(scenario, true, bound=bound)
        assert not certificate.holds(1.0)
        assert not certificate.holds(1.0, "iterated")
        assert not certificate.holds(1.0, "published")


@pytest.mark.parametrize("kind", ["interference", "realistic"])
def test_one_changed_channel_fails(kind):
    scenario, value = SCENARIOS[kind], solved(kind).value
    for j in range(6):
        channel = value.channel.copy()
        channel[j] = (channel[j] + 1) % 3
        stale = replace(value, channel=channel)
        assert not certify(scenario, stale, max_boxes=2000).holds(1.0)
        true = again(scenario, value, channel=channel)
        assert not certify(scenario, true, max_boxes=2000).holds(1e-3)


@pytest.mark.parametrize(
    "name", ["leader_utility", "follower_utility", "cellular_rate_bps", "d2d_rate_bps"]
)
def test_one_wrong_utility_or_rate_fails(name):
    for kind, scenario in SCENARIOS.items():
        value = solved(kind).value
        bound = bound_leader(scenario, value, 1e-6, 50_000)
        right = np.atleast_1d(getattr(value, name))
        for j in range(len(right)):
            for wrong in (right[j] + 1e-6 * np.abs(right).max(), np.nan, np.inf):
                said = right.copy()
                said[j] = wrong
                stated = float(said[0]) if name == "leader_utility" else said
                certificate = certify(
                    scenario, replace(value, **{name: stated}), bound=bound
                )
                assert certificate.utility_error > 9e-7
                for concept in ("bilevel", "iterated", "published"):
                    assert not certificate.holds(1.0, concept)
        if name != "leader_utility":
            short = replace(value, **{name: right[:-1]})
            assert certify(scenario, short, bound=bound).utility_error == np.inf


def by_force(channel, price, power, j, box) -> tuple[float, float, float, float]:
    """Pair j's regret, the same over its rate, its price's regret, its step outside."""

    def utility(candidate: float) -> float:
        trial = power.copy()
        trial[j] = candidate
        return channel.follower_utility(price, trial, j)

    answer = price_iteration.answer(channel, float(price[j]), power, j)
    grid = np.geomspace(channel.min_power, channel.max_power, 3000)
    regret = max(map(utility, [*grid, answer])) - utility(power[j])
    heard = channel.noise + channel.interference(power, j)
    sinr = channel.own[j] * max(power[j], answer) / heard
    rate = channel.bandwidth * np.log2(1.0 + sinr)

    box = box or price_iteration.price_box(channel, power, j)
    prices, powers = price.copy(), power.copy()
    prices[j] = price_iteration.best_price(channel, price, power, j, box, points=2001)
    powers[j] = price_iteration.answer(channel, float(prices[j]), power, j)
    gained = channel.leader_utility(prices, powers) - channel.leader_utility(
        price, power
    )
    outside = max(price[j] / box[1] - 1.0, 1.0 - price[j] / box[0], 0.0)
    return regret, regret / rate, gained, outside


@KINDS
def test_numbers_equal_brute_force_at_any_prices_and_powers(kind):
    scenario = SCENARIOS[kind]
    fields = vars(scenario)
    random = np.random.default_rng(3)
    for _ in range(6):
        price = solved(kind).value.reuse_price * np.exp(random.normal(0.0, 0.5, 6))
        power = np.exp(
            random.uniform(
                np.log(scenario.min_power_w), np.log(scenario.max_power_w), 6
            )
        )
        value = outcome(scenario, np.arange(6) % 3, price, power)
        certificate = certify(scenario, value, max_boxes=1)
        worst = np.zeros(4)
        for i in range(3):
            channel, on = channel_of(fields, i)
            for j, pair in enumerate(on):
                box = None
                if isinstance(scenario.price_bounds, FixedPriceBounds):
                    bounds = scenario.price_bounds
                    box = float(bounds.min[pair]), float(bounds.max[pair])
                found = by_force(channel, price[on], power[on], j, box)
                worst = np.maximum(worst, found)
        follower, relative, leader, left = worst
        assert certificate.follower_regret == pytest.approx(follower, rel=1e-6)
        assert certificate.follower_regret_relative == pytest.approx(relative, rel=1e-6)
        scale = abs(value.leader_utility)
        assert certificate.price_regret == pytest.approx(leader, abs=1e-7 * scale)
        assert certificate.price_violation == pytest.approx(left, rel=1e-9, abs=1e-12)
        assert certificate.price_regret_relative == pytest.approx(
            certificate.price_regret / scale
        )


def test_the_price_regret_knows_the_knees():
    at_knee = 0
    for seed in range(60):
        scenario = fixed_cell(
            seed,
            1 + seed % 2,
            width=5.0,
            min_power=0.001,
            follower_price_weight=(0.02, 0.2)[seed % 2],
        )
        scenario = scenario.replace(max_power_w=0.2)
        bounds = scenario.price_bounds
        assert isinstance(bounds, FixedPriceBounds)
        price = np.sqrt(bounds.min * bounds.max)
        power = follower_equilibrium(scenario, price).transmit_power_w
        value = outcome(scenario, np.zeros(len(price), dtype=int), price, power)
        channel, _ = channel_of(vars(scenario))
        gains = [0.0]
        for j in range(len(price)):
            box = float(bounds.min[j]), float(bounds.max[j])
            gains.append(by_force(channel, price, power, j, box)[2])
            best = price_iteration.best_price(channel, price, power, j, box)
            knee = price_iteration.price_box(channel, power, j)[0]
            inside = box[0] * 1.001 < best < box[1] * 0.999
            at_knee += inside and bool(np.isclose(best, knee, rtol=1e-6))
        certificate = certify(scenario, value, max_boxes=1)
        scale = value.leader_utility
        assert certificate.price_regret == pytest.approx(max(gains), abs=1e-9 * scale)
    assert at_knee >= 5


def test_leaving_the_price_box_alone_fails_every_concept():
    scenario = fixed_cell(3, 2, min_power=0.3)
    free = only_games(scenario)
    silent = free.price_scale[0] / free.noise[0]
    least = np.minimum(free.price_scale[0] / (0.299 + free.noise[0]), 0.999 * silent)
    dear = scenario.replace(price_bounds=FixedPriceBounds(least, 2.0 * least))
    answer = solve(dear)
    assert answer.certificate.holds(1e-4)
    np.testing.assert_allclose(answer.value.transmit_power_w, 0.3)
    beyond = again(dear, answer.value, reuse_price=3.0 * least)
    certificate = certify(dear, beyond)
    assert certificate.follower_regret == certificate.utility_error == 0.0
    assert certificate.price_violation == pytest.approx(0.5)
    for concept in ("bilevel", "iterated", "published"):
        assert not certificate.holds(0.99, concept)


def test_one_number_off_zero_fails_every_concept():
    certificate = solved("fixed").certificate
    assert certificate.holds(1e-4) and certificate.holds(1e-4, "published")
    for name in ("power_violation", "price_violation", "utility_error"):
        forged = replace(certificate, **{name: 1e-6})
        for concept in ("bilevel", "iterated", "published"):
            assert not forged.holds(0.99, concept)
    forged = replace(certificate, follower_regret_relative=1e-6)
    assert not forged.holds(0.99, "published")


def test_the_bound_is_above_the_oracles_best_of_every_channel():
    for make in (cell, fixed_cell):
        scenario = make(2, 4, num_channels=3, coupling=0.3)
        total = 0.0
        for i in range(3):
            channel, on = channel_of(vars(scenario), i)
            if isinstance(scenario.price_bounds, FixedPriceBounds):
                bounds = scenario.price_bounds
                best = bilevel.best_fixed_prices(
                    channel, bounds.min[on], bounds.max[on]
                )
            else:
                best = bilevel.best_powers(channel)
            total += best.utility
        value = outcome(scenario, np.arange(4) % 3, np.ones(4), np.full(4, 0.5))
        bound = bound_leader(scenario, value, 1e-6, 50_000)
        assert total * (1.0 - 1e-11) <= bound.value <= total * (1.0 + 2e-6)


def test_empty_channels_count_with_their_free_rate():
    scenario = cell(3, 2, num_channels=2).replace(channel=np.zeros(2, dtype=int))
    value = solve(scenario).value
    free = scenario.bandwidth_hz * np.log2(
        1.0 + scenario.received_cellular_power_w[1] / scenario.noise_power_w
    )
    certificate = certify(scenario, value)
    assert value.cellular_rate_bps[1] == pytest.approx(free)
    assert (
        certificate.bilevel_bound - certificate.bilevel_gap * value.leader_utility
        == (pytest.approx(value.leader_utility))
    )
    assert certificate.holds(1e-4)


@pytest.mark.parametrize("case", ELSEWHERE, ids=lambda case: case["id"])
def test_answers_from_elsewhere_are_accepted(case):
    reference = case["bilevel"]
    scenario = scenario_of(case["scenario"])
    value = outcome(
        scenario,
        case["scenario"]["channel"],
        reference["reuse_price"],
        reference["transmit_power_w"],
    )
    certificate = certify(scenario, value, tolerance=1e-6)
    assert certificate.follower_regret_relative <= EXACT
    assert certificate.bilevel_gap <= 1e-5
    assert certificate.holds(1e-5)


def test_nothing_earned_where_something_can_be_is_an_infinite_gap():
    fields = random_cell(1, 3, min_power=0.0)
    fields["gain_cellular_to_bs"] = np.zeros(1)
    scenario = Scenario(**fields)
    heard = fields["noise_power_w"] + (
        fields["cellular_power_w"][0] * fields["gain_cellular_to_d2d"][0]
    )
    silent = (
        scenario.spend_scale * fields["gain_d2d"] / fields["gain_d2d_to_bs"] / heard
    )
    value = outcome(scenario, [0, 0, 0], silent, np.zeros(3))
    certificate = certify(scenario, value)
    assert value.leader_utility == 0.0
    assert certificate.follower_regret == 0.0
    assert certificate.bilevel_bound > 1.0
    assert certificate.bilevel_gap == np.inf
    assert certificate.price_regret_relative == np.inf
    assert not certificate.holds(0.99)
    assert not certificate.holds(0.99, "iterated")
    assert certificate.holds(0.99, "published")


def test_a_bound_below_what_was_reached_certifies_nothing():
    value = solved("interference").value
    low = LeaderBound(0.9 * value.leader_utility, "somebody said so", 0)
    certificate = certify(SCENARIOS["interference"], value, bound=low)
    assert certificate.bilevel_gap == pytest.approx(-0.1)
    assert certificate.bound_origin == "somebody said so"
    assert not certificate.holds(1e-4)


def test_limits_left_are_measured():
    scenario, value = SCENARIOS["fixed"], solved("fixed").value
    power = value.transmit_power_w.copy()
    power[2] = 1.25
    certificate = certify(
        scenario, again(scenario, value, transmit_power_w=power), max_boxes=1
    )
    assert certificate.power_violation == pytest.approx(0.25)
    power[2] = 0.004
    certificate = certify(
        scenario, again(scenario, value, transmit_power_w=power), max_boxes=1
    )
    assert certificate.power_violation == pytest.approx(0.006)
    bounds = scenario.price_bounds
    assert isinstance(bounds, FixedPriceBounds)
    for price, by in ((1.5 * bounds.max[3], 0.5), (0.25 * bounds.min[3], 0.75)):
        moved = value.reuse_price.copy()
        moved[3] = price
        certificate = certify(
            scenario, again(scenario, value, reuse_price=moved), max_boxes=1
        )
        assert certificate.price_violation == pytest.approx(by)


def test_the_game_itself_is_described():
    scenario = SCENARIOS["interference"]
    certificate = certify(scenario, solved("interference").value)
    radius, count = 0.0, []
    for i in range(3):
        channel, on = channel_of(vars(scenario), i)
        coupling = channel.cross.T / channel.own[:, None]
        np.fill_diagonal(coupling, 0.0)
        radius = max(radius, np.abs(np.linalg.eigvals(coupling)).max())
        price = solved("interference").value.reuse_price[on]
        count.append(len(power_game.all_equilibria(channel, price)))
    assert certificate.spectral_radius == pytest.approx(radius)
    assert certificate.num_equilibria.tolist() == count
    assert certificate.p_matrix == 1
    rows = {row.name: row.value for row in certificate.rows()}
    assert rows["bilevel_gap"] == certificate.bilevel_gap
    assert rows["follower_regret"] == certificate.follower_regret
    assert rows["num_equilibria"] == 1.0


def test_a_spent_budget_shows_in_the_gap_not_in_the_bound():
    scenario = cell(5, 8, coupling=0.5)
    value = solve(scenario, tolerance=1e-5).value
    loose = certify(scenario, value, tolerance=1e-9, max_boxes=1)
    tight = certify(scenario, value, tolerance=1e-5)
    assert loose.bilevel_bound >= tight.bilevel_bound >= value.leader_utility
    assert loose.bilevel_gap > 1e-3 > tight.bilevel_gap
    assert not loose.holds(1e-3)


def test_what_does_not_fit_is_refused():
    scenario, value = SCENARIOS["interference"], solved("interference").value
    with pytest.raises(ShapeError, match=r"^channel: expected 6 channel numbers"):
        certify(scenario, replace(value, channel=value.channel[:5]))
    with pytest.raises(ShapeError, match=r"^reuse_price: expected 6 numbers"):
        certify(scenario, replace(value, reuse_price=value.reuse_price[:5]))
    bad = scaled(value.reuse_price, 2, -1.0)
    with pytest.raises(
        DomainError, match=r"^reuse_price\[2\]: expected a finite price"
    ):
        certify(scenario, replace(value, reuse_price=bad))
    bad = scaled(value.transmit_power_w, 1, np.nan)
    text = r"^transmit_power_w\[1\]: expected a finite number of W >= 0, got nan"
    with pytest.raises(DomainError, match=text):
        certify(scenario, replace(value, transmit_power_w=bad))
    with pytest.raises(DomainError, match=r"^channel\[0\]: expected a channel number"):
        certify(scenario, replace(value, channel=value.channel + 3))


@pytest.mark.parametrize(
    ("price", "power"), [(5e-324, 0.01), (1e19, 1e308), (1e308, 1e-320)]
)
def test_absurd_answers_do_not_hold_and_warn_of_nothing(
    price: float, power: float
) -> None:
    scenario = generate(seed=3, num_channels=2, num_pairs=2, channel=[0, 0])
    absurd = outcome(scenario, [0, 0], np.full(2, price), np.full(2, power))
    assert not certify(scenario, absurd, max_boxes=10).holds(1e-4)


@pytest.mark.parametrize("seed", [5, 10, 12])
def test_powers_next_to_the_equilibrium_hide_no_gap(seed: int) -> None:
    """A power off by 3e-5 costs its pair 1e-9, but would shorten the gap by 3e-5."""
    num_pairs = int(np.random.default_rng(seed).integers(1, 4))
    scenario = generate(
        seed=seed, num_channels=1, num_pairs=num_pairs, channel=[0] * num_pairs
    )
    best = solve(scenario, tolerance=1e-7)
    price = 0.998 * best.value.reuse_price
    exact = follower_equilibrium(scenario, price).transmit_power_w
    true = again(scenario, best.value, reuse_price=price, transmit_power_w=exact)
    more = np.minimum(exact * (1.0 + 3e-5), scenario.max_power_w)
    forged = again(scenario, true, transmit_power_w=more)
    assert forged.leader_utility > true.leader_utility * (1.0 + 1e-5)
    proof = certify(scenario, forged, tolerance=1e-7)
    assert proof.follower_regret_relative <= EXACT
    assert proof.bilevel_gap == pytest.approx(
        certify(scenario, true, tolerance=1e-7).bilevel_gap, abs=2e-7
    )
