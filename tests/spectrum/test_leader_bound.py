"""Bounds of whole batches: both kinds of price bounds, zero powers, any threads."""

import numpy as np
import pytest
from oracles import bilevel
from oracles.cells import channel_of, random_cell
from spectrum.cases import all_games, cell, fixed_cell, only_games

from stackelberg.spectrum import Scenario, generate
from stackelberg.spectrum.channel_game import ChannelGames, channel_games
from stackelberg.spectrum.leader_bound import FLOOR_ALLOWANCE, Proof, prove_games


def proved(games: ChannelGames, gap=1e-4, max_boxes=100_000, power=None) -> Proof:
    """Proof from all at their greatest power, or from `power`."""
    start = np.tile(games.max_power_w[:, None], games.num_pairs)
    start = start if power is None else power
    price = np.where(games.fixed_bounds[:, None], games.min_price, games.price_scale)
    return prove_games(games, price, start, gap, max_boxes)


def utility(games: ChannelGames, price: np.ndarray, power: np.ndarray) -> np.ndarray:
    """Leader utility of each channel in bit/s."""
    heard = 1.0 + (games.bs_gain * power).sum(axis=1)
    rate = games.follower_price_weight * np.log1p(games.cellular_snr / heard)
    paid = (price / games.price_scale * power).sum(axis=1)
    return games.spend_scale * (rate + games.leader_revenue_weight * paid)


def responses(games: ChannelGames, price: np.ndarray, power: np.ndarray) -> np.ndarray:
    s = games.noise + (games.coupling * power[:, None, :]).sum(axis=2)
    return np.clip(
        games.price_scale / price - s,
        games.min_power_w[:, None],
        games.max_power_w[:, None],
    )


def check(games: ChannelGames, proof: Proof, gap: float) -> None:
    """Powers are equilibria at the prices, worth what is said, below the bound."""
    np.testing.assert_allclose(
        responses(games, proof.price, proof.power_w),
        proof.power_w,
        atol=1e-9 * games.max_power_w.max(),
    )
    np.testing.assert_allclose(
        utility(games, proof.price, proof.power_w), proof.utility, rtol=1e-12
    )
    assert (proof.utility <= proof.upper_bound).all()
    wide = gap + FLOOR_ALLOWANCE * 1.1 + 1e-11
    assert (proof.upper_bound <= proof.utility * (1.0 + wide)).all()
    assert (proof.boxes >= 1).all()


@pytest.mark.parametrize("least", [0.0, 1e-300, 1e-9, 0.01, 0.9])
def test_any_least_power_is_proved(least):
    for num_pairs in (1, 2, 4):
        games = only_games(cell(num_pairs, num_pairs, min_power=least))
        proof = proved(games, 1e-6)
        check(games, proof, 1e-6)
        assert (proof.power_w >= least).all() and (proof.power_w <= 1.0).all()


def test_the_bound_is_raised_by_what_powers_below_the_floor_may_add():
    fields = random_cell(1, 3, min_power=0.0)
    fields["gain_cellular_to_bs"] = np.zeros(1)
    fields["gain_d2d_to_d2d"] = np.zeros((3, 3))
    proof = proved(only_games(Scenario(**fields)), 1e-9)
    assert proof.boxes[0] == 1  # everybody at the greatest power, nothing to search
    raised = proof.upper_bound[0] / proof.utility[0] - 1.0
    assert 0.9 * FLOOR_ALLOWANCE <= raised <= 1.1 * FLOOR_ALLOWANCE


def test_the_floor_is_low_enough_not_to_drown_a_faint_neighbour():
    scenario = cell(1, 2, min_power=0.0).replace(
        noise_power_w=0.5,
        gain_cellular_to_bs=np.zeros(1),
        gain_cellular_to_d2d=np.zeros((1, 2)),
        gain_d2d=np.array([1.0, 0.5]),
        # Pair 1's slightest power drowns pair 0, which earns more alone.
        gain_d2d_to_d2d=np.array([[0.0, 5.0], [1e9, 0.0]]),
    )
    games = only_games(scenario)
    proof = proved(games, 1e-9)
    np.testing.assert_array_equal(proof.power_w, [[1.0, 0.0]])
    assert proof.utility[0] == pytest.approx(games.spend_scale[0] / 1.5)
    assert proof.upper_bound[0] >= games.spend_scale[0] / 1.5


def test_no_least_power_is_the_limit_of_small_ones():
    for seed in range(8):
        zero, tiny = (
            proved(only_games(cell(seed, 3, coupling=1.0, min_power=least)), 1e-7)
            for least in (0.0, 1e-12)
        )
        assert zero.upper_bound[0] >= tiny.utility[0] * (1 - 1e-10)
        assert tiny.upper_bound[0] * (1 + 1e-8) >= zero.utility[0]


def test_pairs_that_do_best_silent_are_silent():
    silent = 0
    for seed in range(8):
        games = only_games(cell(seed, 3, coupling=5.0, min_power=0.0))
        proof = proved(games, 1e-6)
        check(games, proof, 1e-6)
        silent += int((proof.power_w == 0.0).sum())
    assert silent >= 8


@pytest.mark.parametrize("num_pairs", [1, 2, 3])
def test_zero_powers_do_not_hide_the_oracles_best(num_pairs):
    for seed in range(8):
        fields = random_cell(
            seed, num_pairs, coupling=(0.2, 2.0)[seed % 2], min_power=0.0
        )
        wanted = bilevel.best_powers(channel_of(fields)[0])
        proof = proved(only_games(Scenario(**fields)), 1e-6)
        assert proof.upper_bound[0] >= wanted.utility
        assert proof.utility[0] >= wanted.utility * (1.0 - 1e-6)


def test_a_start_that_earns_nothing_is_no_excuse():
    fields = random_cell(1, 3, min_power=0.0)
    fields["gain_cellular_to_bs"] = np.zeros(1)
    for cross in (fields["gain_d2d_to_d2d"], np.zeros((3, 3))):
        games = only_games(Scenario(**fields).replace(gain_d2d_to_d2d=cross))
        proof = proved(games, 1e-6, power=np.zeros((1, 3)))
        check(games, proof, 1e-6)
        assert proof.utility[0] > 1.0


def test_any_start_leads_to_the_same_proved_optimum():
    random = np.random.default_rng(3)
    for make in (cell, fixed_cell):
        for seed in range(6):
            games = only_games(make(seed, 3, coupling=0.5))
            utilities = [
                proved(games, 1e-6, power=random.uniform(0.01, 1.0, (1, 3))).utility[0]
                for _ in range(4)
            ]
            assert max(utilities) - min(utilities) <= 1.1e-6 * max(utilities)


def test_the_start_is_only_improved_and_the_arguments_are_left_alone():
    games = only_games(cell(4, 8, num_channels=2, coupling=0.3))
    power = np.random.default_rng(1).uniform(0.01, 1.0, games.pairs.shape)
    kept = power.copy()
    s = games.noise + (games.coupling * power[:, None, :]).sum(axis=2)
    before = utility(games, games.price_scale / (power + s), power)
    proof = proved(games, 1e-2, 1, power)
    assert (proof.utility >= before * (1.0 - 1e-12)).all()
    np.testing.assert_array_equal(power, kept)


def test_a_batch_gives_every_channel_the_bits_it_has_alone():
    scenarios = [
        (cell, fixed_cell)[seed % 2](seed, 6, num_channels=2, coupling=0.3)
        for seed in range(100)
    ]
    games = channel_games(scenarios, [np.arange(6) % 2] * 100)[3]
    assert len(games) == 200 and set(games.fixed_bounds) == {True, False}
    together = proved(games)
    for row in (0, 1, 2, 67, 198, 199):
        alone = proved(games.take(np.array([row])))
        for name in ("price", "power_w", "utility", "upper_bound", "boxes"):
            np.testing.assert_array_equal(
                getattr(together, name)[row], getattr(alone, name)[0]
            )


def test_more_boxes_never_loosen_the_bound():
    games = only_games(cell(2, 16, num_channels=2, coupling=0.3))
    before = np.full(2, np.inf)
    for budget in (1, 30, 300, 3000):
        proof = proved(games, 1e-7, budget)
        assert (proof.upper_bound <= before * (1 + 1e-12)).all()
        assert (proof.boxes <= budget + 1).all()
        before = proof.upper_bound


def test_realistic_channels_are_proved_to_the_gap_asked():
    scenarios = [
        generate(
            seed=seed,
            num_channels=5,
            num_pairs=15,
            channel=np.arange(15) % 5,
            follower_price_weight=(0.1, 1.0)[seed % 2],
            min_power_w=(0.0, 1e-3)[seed // 2 % 2],
        )
        for seed in range(8)
    ]
    games = channel_games(scenarios, [np.arange(15) % 5] * 8)[3]
    proof = proved(games, 1e-5)
    check(games, proof, 1e-5)
    assert np.median(proof.boxes) <= 100


def test_extreme_gains_are_proved_or_honest():
    for seed in range(12):
        scenario = cell(seed, 4, spread=(6.0, 12.0)[seed % 2], coupling=1e3)
        for games in all_games(scenario):
            proof = proved(games, 1e-4, 20_000)
            assert np.isfinite(proof.upper_bound).all()
            assert (proof.utility <= proof.upper_bound).all()
            np.testing.assert_allclose(
                utility(games, proof.price, proof.power_w), proof.utility, rtol=1e-9
            )
