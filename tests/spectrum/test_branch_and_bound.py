"""Branch and bound under interference bounds: no box may promise too little."""

from collections.abc import Iterator

import numpy as np
import pytest
from oracles import bilevel
from oracles.cells import channel_of, random_cell
from spectrum.cases import only_games

from stackelberg.spectrum import Scenario, generate
from stackelberg.spectrum.branch_and_bound import (
    ROUNDING_ALLOWANCE,
    bound_box,
    logistic_tangent,
    prove,
)
from stackelberg.spectrum.channel_game import ChannelGame
from stackelberg.spectrum.channel_kernels import local_maximum


def value_of(power: np.ndarray, game: ChannelGame) -> np.ndarray:
    """F at powers [n, K], written out in NumPy."""
    a, bs_gain, noise, coupling, rate_weight, revenue_weight = game[:6]
    s = noise + power @ coupling.T
    rate = np.log1p(a / (1.0 + power @ bs_gain))
    return rate_weight * rate + revenue_weight * (power / (power + s)).sum(axis=1)


def ascents(y: np.ndarray, low, high, game: ChannelGame) -> np.ndarray:
    """Whether from each of the points [n, K] some single move inwards ascends."""
    a, bs_gain, noise, coupling, rate_weight, revenue_weight = game[:6]
    power = np.exp(y)
    s = noise + power @ coupling.T
    heard = 1.0 + power @ bs_gain
    slope_of_s = -revenue_weight * power / (power + s) ** 2
    slope = power * (
        revenue_weight * s / (power + s) ** 2
        + slope_of_s @ coupling
        - rate_weight * (a / (heard * (heard + a)))[:, None] * bs_gain
    )
    return (((slope > 0.0) & (y < high)) | ((slope < 0.0) & (y > low))).any(axis=1)


def random_game(
    random: np.random.Generator, k: int
) -> tuple[ChannelGame, float, float]:
    """One channel, mild to absurd, and the least and greatest power."""
    spread = float(random.choice([0.5, 1.0, 3.0, 8.0]))

    def lognormal(*shape: int) -> np.ndarray:
        return np.exp(spread * random.standard_normal(shape))

    coupling = float(random.choice([0.0, 0.01, 0.3, 3.0, 1e6])) * lognormal(k, k)
    np.fill_diagonal(coupling, 0.0)
    high = float(random.choice([0.2, 1.0, 1e3]))
    low = high * float(random.choice([0.9, 1e-2, 1e-6, 1e-12]))
    game = ChannelGame(
        float(random.choice([0.0, 1e-6, 1.0, 1e3, 1e12])),
        lognormal(k) * float(random.choice([1e-3, 1.0, 1e4])),
        lognormal(k),
        coupling,
        float(random.choice([1e-3, 0.1, 1.0, 1e3])),
        float(random.choice([1e-3, 1.0, 30.0])),
        low,
        high,
    )
    return game, low, high


def realistic_game(seed: int, k: int) -> tuple[ChannelGame, float, float]:
    scenario = generate(
        seed=seed,
        num_channels=1,
        num_pairs=k,
        channel=np.zeros(k, dtype=int),
        follower_price_weight=(0.1, 1.0, 5.0)[seed % 3],
    )
    return (
        only_games(scenario).game(0),
        scenario.min_power_w,
        scenario.max_power_w,
    )


def games(count: int, seed: int) -> Iterator[tuple[ChannelGame, float, float]]:
    random = np.random.default_rng(seed)
    for index in range(count):
        k = int(random.integers(1, 9))
        yield realistic_game(index, k) if index % 2 else random_game(random, k)


def random_box(
    random: np.random.Generator, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Anything from the whole domain to a point, some sides on its faces."""
    k = len(low)
    width = (high - low) * 10.0 ** -random.uniform(0.0, random.choice([1.0, 4.0, 12.0]))
    begin = low + random.random(k) * (high - low - width)
    box_low, box_high = begin, np.minimum(begin + width, high)
    for j in range(k):
        what = random.random()
        if what < 0.15:
            box_low[j], box_high[j] = low[j], low[j] + width[j]
        elif what < 0.3:
            box_low[j], box_high[j] = high[j] - width[j], high[j]
        elif what < 0.4:
            box_high[j] = box_low[j]
        elif what < 0.45:
            box_low[j] = box_high[j] = (low[j], high[j])[int(what < 0.425)]
        elif what < 0.5:
            box_low[j], box_high[j] = low[j], high[j]
    return box_low, box_high


class Bounded:
    """One call of `bound_box` and what it left behind."""

    def __init__(self, box_low, box_high, low, high, game, threshold):
        k = len(low)
        self.low, self.high = box_low.copy(), box_high.copy()
        self.point, self.score = np.full(k, np.nan), np.full(k, np.nan)
        self.bound = bound_box(
            self.low, self.high, low, high, game, threshold,
            self.point, self.score, np.empty((14, k)), np.empty((k, k)),
        )  # fmt: skip


def test_no_box_promises_less_than_a_point_inside_it_reaches():
    random = np.random.default_rng(1)
    boxes = dropped = tightened = 0
    for index, (game, least, greatest) in enumerate(games(640, seed=2)):
        absurd = index % 2 == 0
        k = len(game.bs_gain)
        low, high = np.full(k, np.log(least)), np.full(k, np.log(greatest))
        optimum = low + 0.5 * (high - low)
        best, upper, _ = prove(optimum, low, high, game, 1e-9, 3000)
        for _ in range(32):
            box_low, box_high = random_box(random, low, high)
            if random.random() < 0.3:  # the optimum inside
                box_low = np.minimum(box_low, optimum)
                box_high = np.maximum(box_high, optimum)
            inside = random.uniform(box_low, box_high, (24, k))
            inside[:8] = np.where(random.random((8, k)) < 0.5, box_low, box_high)
            polished = inside[0].copy()
            local_maximum(polished, box_low, box_high, game)
            inside[1] = polished
            inside = np.clip(inside, box_low, box_high)
            reached = value_of(np.exp(inside), game)
            threshold = random.choice([-np.inf, best, 0.5 * best, reached.max()])
            box = Bounded(box_low, box_high, low, high, game, threshold)
            boxes += 1
            if box.bound == -np.inf:
                dropped += 1
                assert ascents(inside, low, high, game).all()
                well_in = (box_low < optimum - 1e-6) | (box_low == low)
                well_in &= (box_high > optimum + 1e-6) | (box_high == high)
                well_in &= (box_low <= optimum) & (optimum <= box_high)
                # Absurd games can be so flat that `optimum` is not one to 1e-6.
                assert absurd or not well_in.all()
                assert reached.max() <= upper
                continue
            assert np.isfinite(box.bound)
            assert reached.max() <= box.bound * (1.0 + ROUNDING_ALLOWANCE)
            assert (box.low >= box_low).all() and (box.high <= box_high).all()
            assert (box.low <= box.high).all()
            assert (box.low <= box.point).all() and (box.point <= box.high).all()
            assert (box.score >= -1e-12 * box.bound).all()
            tightened += not np.array_equal(box.low, box_low)
    assert boxes >= 20_000
    assert dropped >= 1000 and tightened >= 500


def test_the_bound_closes_in_with_the_square_of_the_width():
    random = np.random.default_rng(3)
    for _ in range(40):
        game, _, _ = realistic_game(int(random.integers(0, 99)), 3)
        low, high = np.full(3, np.log(1e-3)), np.full(3, np.log(0.2))
        center = random.uniform(low + 0.5, high - 0.5)
        gaps: list[float] = []
        for width in (0.1, 0.01):
            box_low, box_high = center - width, center + width
            box = Bounded(box_low, box_high, box_low, box_high, game, -np.inf)
            inside = random.uniform(box_low, box_high, (400, 3))
            corners = np.stack(np.meshgrid(*zip(box_low, box_high, strict=True)), -1)
            inside = np.concatenate([inside, corners.reshape(-1, 3)])
            gaps.append(box.bound - value_of(np.exp(inside), game).max())
        assert gaps[1] * (1 + 1e-9) + 1e-12 >= 0.0
        assert gaps[1] <= 0.05 * gaps[0] + 1e-12


def test_a_box_of_one_point_is_bounded_by_its_value():
    for game, least, greatest in games(60, seed=4):
        k = len(game.bs_gain)
        low, high = np.full(k, np.log(least)), np.full(k, np.log(greatest))
        at = low.copy()
        box = Bounded(at, at, at, at, game, -np.inf)
        value = value_of(np.exp(at)[None], game)[0]
        assert box.bound == pytest.approx(value, rel=1e-12)
        assert high.shape == (k,)


def test_the_tangent_point_never_lies_too_far_right():
    def r(t):
        return 1.0 / (1.0 + np.exp(t))

    random = np.random.default_rng(5)
    straight = curved = 0
    for _ in range(4000):
        low, high = np.sort(random.normal(0.0, random.choice([0.5, 3.0, 20.0]), 2))
        tangent = logistic_tangent(low, high)
        t = np.linspace(low, high, 101)
        if tangent < low:
            slope = (r(high) - r(low)) / (high - low)
            envelope = r(low) + slope * (t - low)
            straight += 1
        else:
            assert low <= tangent <= high
            slope = -r(tangent) * (1.0 - r(tangent))
            line = r(tangent) + slope * (t - tangent)
            envelope = np.where(t <= tangent, r(t), line)
            curved += tangent < high
        assert (envelope >= r(t) - 1e-15).all()
        # As low as an envelope can be, up to the width of the search.
        assert envelope[-1] <= r(high) + 2e-3
    assert straight >= 500 and curved >= 500


@pytest.mark.parametrize("num_pairs", [1, 2, 3])
def test_the_proof_encloses_the_oracles_best(num_pairs):
    for seed in range(10 if num_pairs < 3 else 6):
        fields = random_cell(
            seed,
            num_pairs,
            coupling=(0.1, 0.5, 2.0)[seed % 3],
            follower_price_weight=(0.1, 1.0, 4.0)[seed % 3],
            leader_revenue_weight=(1.0, 0.2)[seed % 2],
        )
        scenario = Scenario(**fields)
        wanted = bilevel.best_powers(channel_of(fields)[0])
        game = only_games(scenario).game(0)
        low, high = np.full(num_pairs, np.log(0.01)), np.zeros(num_pairs)
        point = low.copy()
        best, upper, boxes = prove(point, low, high, game, 1e-6, 100_000)
        scale = scenario.spend_scale
        assert upper * scale >= wanted.utility
        assert best * scale >= wanted.utility * (1.0 - 1e-6)
        assert (upper - best) <= 1e-6 * best * (1 + 1e-9)
        assert best == pytest.approx(value_of(np.exp(point)[None], game)[0])
        assert 1 <= boxes <= 100_000


def test_the_proved_optimum_does_not_depend_on_the_start():
    for game, least, greatest in games(40, seed=7):
        k = min(len(game.bs_gain), 4)
        a, bs_gain, noise, coupling, rate_weight, revenue_weight = game[:6]
        part = ChannelGame(
            a, bs_gain[:k], noise[:k], np.ascontiguousarray(coupling[:k, :k]),
            rate_weight, revenue_weight, least, greatest,
        )  # fmt: skip
        low, high = np.full(k, np.log(least)), np.full(k, np.log(greatest))
        results = []
        for start in (low, high, 0.5 * (low + high)):
            best, upper, boxes = prove(start.copy(), low, high, part, 1e-6, 200_000)
            assert boxes < 200_000
            results.append((best, upper))
        for best, _ in results:
            assert all(best <= upper for _, upper in results)
        values = [best for best, _ in results]
        assert max(values) - min(values) <= 1.1e-6 * max(values)


def test_a_loose_gap_is_honest_and_a_tight_one_improves_it():
    game, least, greatest = realistic_game(5, 6)
    low, high = np.full(6, np.log(least)), np.full(6, np.log(greatest))
    bounds, counts = [], []
    for gap in (0.1, 1e-3, 1e-5):
        best, upper, boxes = prove(low.copy(), low, high, game, gap, 300_000)
        assert best <= upper <= best * (1.0 + gap) * (1.0 + 1e-9)
        bounds.append(upper)
        counts.append(boxes)
    assert counts[0] <= counts[1] <= counts[2]
    assert bounds[0] >= bounds[2] * (1 - 1e-5)


def test_a_spent_budget_still_gives_a_bound():
    game, least, greatest = realistic_game(3, 8)
    low, high = np.full(8, np.log(least)), np.full(8, np.log(greatest))
    best, proved, boxes = prove(low.copy(), low, high, game, 1e-6, 400_000)
    assert boxes < 400_000
    before = np.inf
    for budget in (1, 10, 100, 1000):
        _, upper, used = prove(low.copy(), low, high, game, 1e-6, budget)
        assert used <= budget + 1
        assert best <= upper <= before * (1 + 1e-12)
        before = upper
    assert proved <= before * (1 + 1e-12)


def test_the_start_is_only_ever_improved():
    for game, least, greatest in games(30, seed=8):
        k = len(game.bs_gain)
        low, high = np.full(k, np.log(least)), np.full(k, np.log(greatest))
        start = np.random.default_rng(k).uniform(low, high)
        before = value_of(np.exp(start)[None], game)[0]
        point = start.copy()
        best, _, _ = prove(point, low, high, game, 1e-2, 200)
        assert best >= before * (1 - 1e-14)
        assert ((point >= low) & (point <= high)).all()
        assert best == pytest.approx(value_of(np.exp(point)[None], game)[0], rel=1e-12)


@pytest.mark.parametrize(
    "num_pairs, gap, seeds", [(12, 1e-4, range(6)), (16, 1e-3, range(6))]
)
def test_realistic_channels_close_within_the_budget(num_pairs, gap, seeds):
    for seed in seeds:
        game, least, greatest = realistic_game(seed, num_pairs)
        low = np.full(num_pairs, np.log(least))
        high = np.full(num_pairs, np.log(greatest))
        point = low.copy()
        local_maximum(point, low, high, game)
        best, upper, boxes = prove(point, low, high, game, gap, 200_000)
        assert boxes < 200_000
        assert upper <= best * (1.0 + gap) * (1.0 + 1e-9)


def test_thirty_pairs_return_an_honest_gap():
    for seed in range(2):
        game, least, greatest = realistic_game(seed, 30)
        low, high = np.full(30, np.log(least)), np.full(30, np.log(greatest))
        point = low.copy()
        local_maximum(point, low, high, game)
        start = value_of(np.exp(point)[None], game)[0]
        best, upper, boxes = prove(point, low, high, game, 1e-4, 1500)
        assert boxes <= 1501
        assert start * (1 - 1e-12) <= best <= upper
        samples = np.random.default_rng(seed).uniform(low, high, (2000, 30))
        assert value_of(np.exp(samples), game).max() <= upper
        assert upper <= 1.2 * best
