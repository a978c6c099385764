"""The power game's path and enumeration against residuals and the 3^K oracle."""

from collections.abc import Iterator

import numpy as np
import pytest
from oracles.power_game import Channel, all_equilibria

from stackelberg.spectrum.follower import p_matrix_status, spectral_radius
from stackelberg.spectrum.power_game import (
    enumerate_equilibria,
    follow_path,
    least_principal_minor,
)

CYCLIC = 1.5 * np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])

Game = tuple[np.ndarray, np.ndarray, float, float]


def residual(target, coupling, low, high, power) -> float:
    answer = np.clip(target - coupling @ power, low, high)
    return float(np.abs(answer - power).max())


def oracle_equilibria(target, coupling, low, high) -> list[np.ndarray]:
    """The same game as a channel of unit gains: price 1 / (target + 1), noise 1."""
    k = len(target)
    channel = Channel(
        own=np.ones(k),
        to_bs=np.ones(k),
        cross=coupling.T.copy(),
        heard=np.zeros(k),
        cellular_power=1.0,
        noise=1.0,
        bandwidth=np.log(2.0),
        follower_price_weight=1.0,
        leader_revenue_weight=1.0,
        min_power=low,
        max_power=high,
    )
    return all_equilibria(channel, 1.0 / (target + 1.0))


def random_games(count: int, seed: int, most_pairs: int) -> Iterator[Game]:
    """Weak, strong, sparse, extreme and tied couplings; targets of every kind."""
    random = np.random.default_rng(seed)
    for index in range(count):
        k = int(random.integers(1, most_pairs + 1))
        coupling = (
            lambda k: random.exponential(0.3, (k, k)),
            lambda k: np.exp(3.0 * random.standard_normal((k, k))),
            lambda k: random.integers(0, 3, (k, k)).astype(float),
            lambda k: np.full((k, k), float(random.choice([0.5, 1.0, 2.0]))),
            lambda k: np.exp(10.0 * random.standard_normal((k, k))),
            lambda k: np.where(
                random.random((k, k)) < 0.3, 10.0 ** random.uniform(-3, 3, (k, k)), 0.0
            ),
        )[index % 6](k)
        np.fill_diagonal(coupling, 0.0)
        target = (
            lambda k, f: random.normal(0.5, 1.0, k),
            lambda k, f: random.integers(-1, 4, k).astype(float),
            lambda k, f: np.ones(k),
            lambda k, f: f @ np.full(k, 0.5) + 0.5,
            lambda k, f: random.normal(size=k) * 10.0 ** random.integers(-3, 6, k),
        )[int(random.integers(0, 5))](k, coupling)
        yield target, coupling, (0.0, 0.01, 0.5)[index % 3], 1.0


def test_the_path_ends_at_an_equilibrium_in_every_game():
    for target, coupling, low, high in random_games(6000, seed=1, most_pairs=12):
        power = np.empty(len(target))
        pivots = follow_path(target, coupling, low, high, power)
        scale = max(1.0, np.abs(target).max(), coupling.max())
        assert pivots >= 0
        assert residual(target, coupling, low, high, power) <= 1e-11 * scale
        assert ((power >= low) & (power <= high)).all()


def test_a_path_through_exactly_singular_sets_is_not_lost():
    coupling = np.full((9, 9), 1.0)
    np.fill_diagonal(coupling, 0.0)
    power = np.empty(9)
    assert follow_path(np.ones(9), coupling, 0.0, 1.0, power) >= 0
    assert residual(np.ones(9), coupling, 0.0, 1.0, power) <= 1e-10


def test_a_lost_path_is_reported_and_leaves_powers_within_limits():
    tens = 10.0 ** np.random.default_rng(3).integers(-6, 7, (400, 8, 8))
    lost = 0
    for coupling in tens:
        np.fill_diagonal(coupling, 0.0)
        target = coupling @ np.full(8, 0.5) + 0.5
        power = np.empty(8)
        pivots = follow_path(target, coupling, 0.0, 1.0, power)
        scale = max(1.0, np.abs(target).max(), coupling.max())
        ended = residual(target, coupling, 0.0, 1.0, power) <= 2e-11 * scale
        assert ((power >= 0.0) & (power <= 1.0)).all()
        assert ended == (pivots >= 0)
        lost += pivots < 0
    assert lost < 40  # couplings of twelve decades whose products are exactly one


def test_sixty_pairs_are_no_obstacle():
    random = np.random.default_rng(4)
    for size in (0.05, 0.5, 5.0):
        coupling = size * np.exp(random.standard_normal((60, 60)))
        np.fill_diagonal(coupling, 0.0)
        target = random.uniform(-1.0, 4.0, 60) * (1.0 + coupling.sum(axis=1))
        power = np.empty(60)
        assert follow_path(target, coupling, 0.001, 1.0, power) >= 0
        assert residual(target, coupling, 0.001, 1.0, power) <= 1e-10


def test_best_response_cycles_where_the_path_does_not():
    target = CYCLIC @ np.full(3, 0.6) + 0.6
    for damping in (1.0, 0.5):
        power = np.array([0.2, 0.5, 0.9])
        for _ in range(500):
            answer = np.clip(target - CYCLIC @ power, 0.0, 1.0)
            power = (1.0 - damping) * power + damping * answer
        assert residual(target, CYCLIC, 0.0, 1.0, power) > 0.05
    power = np.empty(3)
    assert follow_path(target, CYCLIC, 0.0, 1.0, power) > 0
    np.testing.assert_allclose(power, 0.6, rtol=1e-14)
    found, singular = enumerate_equilibria(target, CYCLIC, 0.0, 1.0)
    assert not singular
    np.testing.assert_allclose(found, np.full((1, 3), 0.6), rtol=1e-14)


def test_the_game_with_three_equilibria_lists_them_in_order():
    coupling = np.array([[0.0, 2.0], [2.0, 0.0]])
    found, singular = enumerate_equilibria(np.ones(2), coupling, 0.0, 1.0)
    np.testing.assert_allclose(
        found[np.argsort(found[:, 0])],
        [[0.0, 1.0], [1.0 / 3.0, 1.0 / 3.0], [1.0, 0.0]],
        atol=1e-15,
    )
    assert not singular


def test_the_enumeration_finds_what_the_oracle_finds_and_nothing_else():
    random = np.random.default_rng(5)
    several = 0
    for index in range(240):
        k = 1 + index % 4
        size = (0.1, 0.6, 2.0, 8.0)[(index // 4) % 4]
        coupling = size * np.exp(random.standard_normal((k, k)))
        np.fill_diagonal(coupling, 0.0)
        target = random.uniform(0.0, 2.0, k) * (1.0 + 0.5 * coupling.sum(axis=1))
        low = 0.0 if index % 2 else 0.05
        wanted = oracle_equilibria(target, coupling, low, 1.0)
        found, singular = enumerate_equilibria(target, coupling, low, 1.0)
        assert not singular
        assert len(found) == len(wanted)
        for power in wanted:
            assert np.abs(found - power).max(axis=1).min() <= 1e-9
        several += len(found) > 1
        path = np.empty(k)
        assert follow_path(target, coupling, low, 1.0, path) >= 0
        assert np.abs(found - path).max(axis=1).min() <= 1e-9
    assert several >= 15


def test_up_to_eight_pairs_the_number_of_equilibria_is_odd_and_each_holds():
    random = np.random.default_rng(6)
    for index in range(40):
        k = 5 + index % 4
        coupling = 0.7 * np.exp(random.standard_normal((k, k)))
        np.fill_diagonal(coupling, 0.0)
        target = random.uniform(0.0, 2.0, k) * (1.0 + 0.5 * coupling.sum(axis=1))
        found, _ = enumerate_equilibria(target, coupling, 0.01, 1.0)
        # Generic piecewise linear maps of degree one have an odd number of zeros.
        assert len(found) % 2 == 1
        for power in found:
            assert residual(target, coupling, 0.01, 1.0, power) <= 1e-10


def test_a_continuum_is_announced():
    coupling = np.array([[0.0, 1.0], [1.0, 0.0]])
    found, singular = enumerate_equilibria(np.ones(2), coupling, 0.0, 1.0)
    assert singular
    assert len(found) >= 2


def test_principal_minors_agree_with_determinants():
    random = np.random.default_rng(7)
    decided = set()
    for index in range(200):
        k = 1 + index % 6
        coupling = (0.2, 0.7, 2.0)[index % 3] * random.exponential(1.0, (k, k))
        np.fill_diagonal(coupling, 0.0)
        full = np.eye(k) + coupling
        minors = [
            np.linalg.det(full[np.ix_(on, on)])
            for code in range(1, 2**k)
            if (on := [j for j in range(k) if code >> j & 1])
        ]
        least = least_principal_minor(coupling)
        assert least == pytest.approx(min(minors), rel=1e-9, abs=1e-12)
        status = p_matrix_status(coupling, spectral_radius(coupling))
        assert status == (min(minors) > 0.0)
        decided.add(status)
    assert decided == {0, 1}


def test_a_large_channel_may_stay_undecided():
    coupling = np.full((13, 13), 0.5)
    np.fill_diagonal(coupling, 0.0)
    assert p_matrix_status(coupling, spectral_radius(coupling)) == -1
    assert p_matrix_status(coupling / 100.0, 0.06) == 1
    coupling[0, 1], coupling[1, 0] = 3.0, 0.5
    assert p_matrix_status(coupling, spectral_radius(coupling)) == 0


def test_the_cyclic_coupling_is_a_p_matrix_though_its_radius_is_above_one():
    assert spectral_radius(CYCLIC) == pytest.approx(1.5)
    assert p_matrix_status(CYCLIC, 1.5) == 1
    assert least_principal_minor(CYCLIC) == pytest.approx(1.0)
