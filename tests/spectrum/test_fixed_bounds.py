"""Fixed price bounds: no box may promise less than prices inside it implement."""

import numpy as np
import pytest
from oracles import bilevel
from oracles.cells import channel_of, random_cell
from spectrum.cases import (
    MULTI_PAIR,
    fixed_cell,
    only_games,
    scenario_of,
)

from stackelberg.spectrum import FixedPriceBounds, Scenario, solve
from stackelberg.spectrum.branch_and_bound import ROUNDING_ALLOWANCE
from stackelberg.spectrum.fixed_bounds import (
    ascend_prices,
    best_prices,
    utility_of_prices,
)
from stackelberg.spectrum.power_game import enumerate_equilibria
from stackelberg.spectrum.regimes import (
    ABOVE,
    AT_LEAST_POWER,
    BETWEEN,
    UNDECIDED,
    bound_regimes,
    prove_fixed,
)

SOLVED = [case for case in MULTI_PAIR if case.get("bilevel") is not None]


class Game:
    """A channel in the solver's units: prices in 1/W, utilities in B."""

    def __init__(self, scenario: Scenario):
        games = only_games(scenario)
        self.channel = games.game(0)
        self.low, self.high = scenario.min_power_w, scenario.max_power_w
        self.low_price = games.min_price[0] / games.price_scale[0]
        self.high_price = games.max_price[0] / games.price_scale[0]
        self.price_scale = games.price_scale[0]

    def equilibria(self, price: np.ndarray) -> np.ndarray:
        noise, coupling = self.channel.noise, self.channel.coupling
        target = 1.0 / price - noise
        return enumerate_equilibria(target, coupling, self.low, self.high)[0]

    def utility(self, price: np.ndarray, power: np.ndarray) -> float:
        a, bs_gain, _, _, rate_weight, revenue_weight = self.channel[:6]
        rate = np.log1p(a / (1.0 + bs_gain @ power))
        return float(rate_weight * rate + revenue_weight * price @ power)

    def best_utility_at(self, power: np.ndarray) -> float:
        """At the best prices that implement `power`, an equilibrium of some prices."""
        noise, coupling = self.channel.noise, self.channel.coupling
        knee = 1.0 / (power + noise + coupling @ power)
        best = np.where(
            power <= self.low,
            self.high_price,
            np.where(power >= self.high, np.minimum(self.high_price, knee), knee),
        )
        return self.utility(best, power)

    def random_price(self, random: np.random.Generator) -> np.ndarray:
        low, high = self.low_price, self.high_price
        price = low * (high / low) ** random.random(len(low))
        where = random.random(len(low))
        return np.where(where < 0.2, low, np.where(where > 0.8, high, price))


def random_game(random: np.random.Generator, seed: int, k: int) -> Game:
    scenario = fixed_cell(
        seed,
        k,
        width=float(random.choice([1.0, 1.01, 3.0, 100.0])),
        coupling=float(random.choice([0.0, 0.05, 0.5, 3.0])),
        spread=float(random.choice([0.3, 1.0])),
        min_power=float(random.choice([1e-6, 0.01, 0.3])),
        follower_price_weight=float(random.choice([0.1, 1.0, 10.0])),
        leader_revenue_weight=float(random.choice([0.1, 1.0])),
    )
    return Game(scenario)


def box_around(
    random: np.random.Generator, game: Game, power: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A box and regimes that hold the equilibrium `power`."""
    k = len(power)
    low, high = np.full(k, game.low), np.full(k, game.high)
    shrink = random.choice([0.0, 0.5, 0.99, 1.0 - 1e-9])
    p_low = power * (low / power) ** (random.random(k) * (1.0 - shrink))
    p_high = power * (high / power) ** (random.random(k) * (1.0 - shrink))
    p_low, p_high = np.minimum(p_low, power), np.maximum(p_high, power)
    state = np.full(k, UNDECIDED)
    for j in range(k):
        if random.random() < 0.3:
            p_low[j], p_high[j] = low[j], high[j]
        if random.random() < 0.25:
            continue
        if power[j] <= low[j]:
            state[j] = AT_LEAST_POWER
            p_low[j] = p_high[j] = low[j]
        elif power[j] >= high[j] or random.random() < 0.4:
            state[j] = ABOVE
        else:
            state[j] = BETWEEN
    return state, p_low, p_high


def bounded(game, state, p_low, p_high, threshold) -> float:
    k = len(state)
    return bound_regimes(
        state, p_low, p_high, game.low_price, game.high_price, game.channel, threshold,
        np.empty(k), np.empty(k), np.empty((16, k)), np.empty((k, k)),
    )  # fmt: skip


def test_no_box_promises_less_than_its_implementable_points_reach():
    random = np.random.default_rng(1)
    boxes = several = 0
    met: set[int] = set()
    for index in range(800):
        k = 1 + index % 5
        game = random_game(random, index, k)
        for _ in range(8):
            price = game.random_price(random)
            equilibria = game.equilibria(price)
            several += len(equilibria) > 1
            for power in equilibria[:3]:
                reached = max(game.utility(price, power), game.best_utility_at(power))
                for _ in range(4):
                    state, p_low, p_high = box_around(random, game, power)
                    met.update(int(s) for s in state)
                    threshold = random.choice([-np.inf, reached, 0.9 * reached])
                    bound = bounded(game, state, p_low, p_high, threshold)
                    boxes += 1
                    assert np.isfinite(bound)
                    assert reached <= bound * (1.0 + ROUNDING_ALLOWANCE)
                    assert (p_low <= power * (1.0 + 1e-8)).all()
                    assert (p_high >= power * (1.0 - 1e-8)).all()
    assert boxes >= 20_000
    assert several >= 50
    assert met == {AT_LEAST_POWER, UNDECIDED, ABOVE, BETWEEN}


def test_a_box_without_implementable_points_is_dropped():
    game = Game(fixed_cell(1, 2, width=1.5, coupling=0.1))
    noise, coupling = game.channel.noise, game.channel.coupling
    for at, too_far in ((game.high, 1.0), (game.low, -1.0)):
        power = np.full(2, at)
        need = power + noise + coupling @ power
        # Prices under which every pair wants less, or more, than `power`.
        game.low_price = game.high_price = 1.0 / need * (1.0 + 0.01 * too_far)
        state = np.full(2, BETWEEN)
        assert bounded(game, state, power.copy(), power.copy(), -np.inf) == -np.inf
        game.low_price = game.high_price = 1.0 / need
        assert bounded(game, state, power.copy(), power.copy(), -np.inf) > 0.0


@pytest.mark.parametrize("case", SOLVED, ids=lambda case: case["id"])
def test_the_reference_optima_are_certified(case):
    wanted = case["bilevel"]
    solution = solve(scenario_of(case["scenario"]), tolerance=1e-5)
    utility = solution.value.leader_utility
    assert utility >= wanted["leader_utility"] * (1.0 - 1e-6)
    assert utility <= wanted["upper_bound"] * (1.0 + 1e-9)
    certificate = solution.certificate
    assert certificate.bilevel_gap <= 1e-5
    assert certificate.bilevel_bound >= wanted["leader_utility"]
    assert certificate.holds(1e-5)
    boxes = solution.stats["boxes"]
    assert isinstance(boxes, int) and 1 <= boxes <= 1057
    assert f"{boxes} boxes" in certificate.bound_origin


@pytest.mark.parametrize("num_pairs", [1, 2, 3])
def test_the_proof_encloses_the_oracles_best(num_pairs):
    for seed in range((12, 8, 4)[num_pairs - 1]):
        scenario = fixed_cell(
            seed,
            num_pairs,
            width=(1.2, 3.0, 50.0)[seed % 3],
            coupling=(0.05, 0.4, 2.0)[seed % 3],
            min_power=(0.0, 0.01, 0.2)[(seed // 2) % 3],
            follower_price_weight=(0.2, 1.0)[seed % 2],
        )
        bounds = scenario.price_bounds
        assert isinstance(bounds, FixedPriceBounds)
        channel, _ = channel_of(vars(scenario))
        wanted = bilevel.best_fixed_prices(channel, bounds.min, bounds.max)
        solution = solve(scenario, tolerance=1e-5)
        certificate = solution.certificate
        # The oracle takes powers for an equilibrium that are one but for rounding.
        assert certificate.bilevel_bound >= wanted.utility * (1.0 - 1e-11)
        assert solution.value.leader_utility >= wanted.utility * (1.0 - 1e-5)
        assert certificate.holds(1e-5)


def test_a_loose_gap_from_a_poor_start_is_still_a_bound():
    random = np.random.default_rng(7)
    poor = 0
    for index in range(40):
        k = 1 + index % 3
        game = random_game(random, index, k)
        box = game.low_price, game.high_price
        price = game.low_price.copy()
        best, tight, _ = prove_fixed(price, *box, game.channel, 1e-6, 20_000)
        for gap in (0.9, 0.3):
            price = game.random_price(random)
            reached, upper, _ = prove_fixed(price, *box, game.channel, gap, 20_000)
            assert best <= upper <= reached * (1.0 + gap) * (1.0 + 1e-9)
            assert reached <= tight
            poor += reached < best * (1.0 - 1e-3)
    assert poor >= 5


def test_the_best_prices_are_within_bounds_and_worth_what_is_said():
    random = np.random.default_rng(2)
    for index in range(60):
        k = 1 + index % 4
        game = random_game(random, index, k)
        best, power = np.empty(k), np.empty(k)
        value = best_prices(game.low_price, game.high_price, game.channel, best)
        assert (game.low_price <= best).all() and (best <= game.high_price).all()
        again = utility_of_prices(best, game.channel, power)
        assert value == pytest.approx(again, rel=1e-14)
        assert value == pytest.approx(game.utility(best, power), rel=1e-12)
        listed = game.equilibria(best)
        assert np.abs(listed - power).max(axis=1).min() <= 1e-9 * game.high
        for _ in range(20):
            price = game.random_price(random)
            met = utility_of_prices(price, game.channel, power)
            assert met <= 1.1 * value  # ascents are local; the proof is not


def test_an_ascent_never_loses_and_stops_where_single_moves_gain_nothing():
    random = np.random.default_rng(3)
    for index in range(60):
        k = 1 + index % 4
        game = random_game(random, index, k)
        price, power = game.random_price(random), np.empty(k)
        before = utility_of_prices(price, game.channel, power)
        after = ascend_prices(price, game.low_price, game.high_price, game.channel)
        assert after >= before * (1.0 - 1e-14)
        assert (game.low_price <= price).all() and (price <= game.high_price).all()
        for j in range(k):
            for bound in (game.low_price[j], game.high_price[j]):
                moved = price.copy()
                moved[j] = bound
                met = utility_of_prices(moved, game.channel, power)
                assert met <= after * (1.0 + 1e-9)


def test_equal_bounds_leave_one_price_and_the_proof_closes():
    for k in range(1, 7):
        for seed in range(6):
            for least in (0.0, 0.01):
                scenario = fixed_cell(seed, k, width=1.0, min_power=least)
                solution = solve(scenario, max_boxes=20_000)
                assert isinstance(scenario.price_bounds, FixedPriceBounds)
                np.testing.assert_allclose(
                    solution.value.reuse_price, scenario.price_bounds.min, rtol=1e-14
                )
                assert solution.certificate.holds(1e-4), (k, seed, least)


def test_everybody_forced_to_the_least_power_is_proved_at_once():
    fields = random_cell(3, 4, coupling=0.2, min_power=0.2)
    fields["noise_power_w"] = 0.01
    low = Scenario(**fields)
    games = only_games(low)
    # Prices so high that even alone nobody wants more than the least power.
    most = games.price_scale[0] / (games.noise[0] + 0.2)
    least = np.minimum(1.001 * most, games.price_scale[0] / games.noise[0] * 0.999)
    scenario = low.replace(price_bounds=FixedPriceBounds(least, 10.0 * most))
    solution = solve(scenario)
    np.testing.assert_allclose(solution.value.transmit_power_w, 0.2, rtol=1e-12)
    np.testing.assert_allclose(solution.value.reuse_price, 10.0 * most, rtol=1e-12)
    assert solution.certificate.holds(1e-9)


def test_a_silent_start_is_no_obstacle_where_the_least_power_is_zero():
    fields = random_cell(2, 3, min_power=0.0)
    fields["gain_cellular_to_bs"] = np.zeros(1)
    free = Scenario(**fields)
    games = only_games(free)
    silent = games.price_scale[0] / games.noise[0]
    scenario = free.replace(price_bounds=FixedPriceBounds(0.25 * silent, 2.0 * silent))
    game = Game(scenario)
    price, power = game.high_price.copy(), np.empty(3)
    assert utility_of_prices(price, game.channel, power) == 0.0
    best, upper, _ = prove_fixed(
        price, game.low_price, game.high_price, game.channel, 1e-5,
        100_000,
    )  # fmt: skip
    assert 0.0 < best <= upper <= best * (1.0 + 1e-5) * (1.0 + 1e-9)
    wanted = bilevel.best_fixed_prices(
        channel_of(fields)[0], 0.25 * silent, 2.0 * silent
    )
    assert upper * scenario.spend_scale >= wanted.utility
    assert best * scenario.spend_scale >= wanted.utility * (1.0 - 1e-5)


def test_lopsided_weights_and_no_least_power_keep_the_bound_valid():
    random = np.random.default_rng(5)
    for index in range(60):
        k = 2 + index % 2
        scenario = fixed_cell(
            index,
            k,
            width=float(random.choice([1.0, 1.0 + 1e-9, 1.5])),
            coupling=float(random.choice([0.5, 5.0, 100.0])),
            min_power=0.0,
            follower_price_weight=float(random.choice([1e-3, 1.0, 1e4])),
            leader_revenue_weight=float(random.choice([1e-4, 1.0, 1e3])),
        )
        game = Game(scenario)
        price = game.low_price.copy()
        _, upper, _ = prove_fixed(
            price, game.low_price, game.high_price, game.channel,
            1e-6, 300,
        )  # fmt: skip
        for _ in range(40):
            at = game.random_price(random)
            for power in game.equilibria(at):
                assert game.utility(at, power) <= upper
