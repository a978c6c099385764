"""Path losses at known points; shadowing and fading by their statistics.

Statistical tests allow five standard deviations: a right implementation fails one of
them with a new seed about once in a million. Seeds are fixed.
"""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from stackelberg.errors import DomainError
from stackelberg.spectrum import generate
from stackelberg.spectrum import propagation as radio


@pytest.mark.parametrize(
    ("law", "distance_m", "loss_db"),
    [
        # Worked by hand from the printed formulas, 4 decimals.
        (radio.base_station_path_loss_db, 1000.0, 128.1),
        (radio.base_station_path_loss_db, 500.0, 116.7813),
        (radio.base_station_path_loss_db, 100.0, 90.5),
        (radio.device_path_loss_db, 1000.0, 148.0),
        (radio.device_path_loss_db, 50.0, 95.9588),
        (radio.device_path_loss_db, 10.0, 68.0),
        (radio.free_space_path_loss_db, 100.0, 78.4412),
        (radio.line_of_sight_path_loss_db, 10.0, 58.4412),  # free space is more
        (radio.line_of_sight_path_loss_db, 20.0, 64.4618),  # free space is more
        (radio.line_of_sight_path_loss_db, 100.0, 91.7259),
        (radio.obstructed_path_loss_db, 50.0, 95.6578),
        (radio.obstructed_path_loss_db, 100.0, 108.8268),
    ],
)
def test_path_loss_at_known_distances(law, distance_m, loss_db):
    assert float(law(distance_m)) == pytest.approx(loss_db, abs=6e-5)


def test_free_space_is_the_law_of_friis():
    """The printed constant 46.4 is rounded from 46.43."""
    friis = 20 * np.log10(4 * np.pi * 70.0 * 3.5e9 / 299_792_458.0)
    assert abs(float(radio.free_space_path_loss_db(70.0, 3.5e9)) - friis) < 0.04


LAWS = [
    (radio.base_station_path_loss_db, 35.0),
    (radio.device_path_loss_db, 3.0),
    (radio.free_space_path_loss_db, 3.0),
    (radio.line_of_sight_path_loss_db, 3.0),
    (radio.obstructed_path_loss_db, 3.0),
]


@pytest.mark.parametrize(("law", "floor_m"), LAWS)
def test_nothing_is_nearer_than_the_floor_and_loss_grows_with_distance(law, floor_m):
    assert law(0.0) == law(floor_m / 2) == law(floor_m)
    losses = law(np.linspace(floor_m, 2000.0, 5000))
    assert np.all(np.isfinite(losses))
    assert np.all(np.diff(losses) > 0.0)


@pytest.mark.parametrize("carrier_hz", [0.7e9, 1.8e9, 2e9, 3.5e9, 5.9e9])
def test_free_space_bounds_both_street_laws_and_sight_never_costs(carrier_hz):
    distance = np.linspace(3.0, 1000.0, 2000)
    free = radio.free_space_path_loss_db(distance, carrier_hz)
    seen = radio.line_of_sight_path_loss_db(distance, carrier_hz)
    hidden = radio.obstructed_path_loss_db(distance, carrier_hz)
    assert np.all(seen >= free)
    assert np.all(hidden >= free)
    # Past 30 m: nearer, the -5 dB offset makes the obstructed law the lower one.
    assert np.all(hidden[distance > 30.0] > seen[distance > 30.0])


@pytest.mark.parametrize("edge_hz", [1.5e9, 2e9])
def test_the_obstructed_law_is_continuous_in_frequency(edge_hz):
    below = radio.obstructed_path_loss_db(200.0, edge_hz * (1 - 1e-12))
    above = radio.obstructed_path_loss_db(200.0, edge_hz * (1 + 1e-12))
    assert abs(float(above - below)) < 0.01


@pytest.mark.parametrize(
    "law", [radio.line_of_sight_path_loss_db, radio.obstructed_path_loss_db]
)
def test_a_carrier_outside_the_model_is_refused(law):
    with pytest.raises(DomainError) as caught:
        law(100.0, 28e9)
    assert str(caught.value) == (
        "carrier_hz: expected 0.45e9 to 6e9 (WINNER+ B1), got 28000000000.0"
    )


def test_sight_is_certain_near_by_and_rare_far_away():
    near = radio.line_of_sight_probability(np.array([0.0, 3.0, 18.0]))
    np.testing.assert_array_equal(near, 1.0)
    # 18/100 (1 - exp(-100/36)) + exp(-100/36), by hand
    assert float(radio.line_of_sight_probability(100.0)) == pytest.approx(
        0.230985, abs=1e-6
    )
    far = radio.line_of_sight_probability(np.linspace(18.0, 1000.0, 500))
    assert np.all(np.diff(far) < 0.0)
    assert far[-1] == pytest.approx(0.018, abs=1e-6)


def test_sight_in_a_cell_is_as_frequent_as_its_probability():
    """Obstructed links of a cell without shadowing and fading, by their gain."""
    scenario = generate(
        seed=9,
        num_channels=1,
        num_pairs=60,
        path_loss="los_nlos",
        fading=False,
        device_shadowing_std_db=0.0,
    )
    at = scenario.positions_m
    assert at is not None
    distance = radio.distances_m(at.d2d_transmitter, at.d2d_receiver)
    loss = -10 * np.log10(scenario.gain_d2d_to_d2d)
    seen = np.isclose(loss, radio.line_of_sight_path_loss_db(distance), atol=1e-9)
    hidden = np.isclose(loss, radio.obstructed_path_loss_db(distance), atol=1e-9)
    assert np.all(seen ^ hidden)
    chance = radio.line_of_sight_probability(distance)
    deviation = np.sqrt((chance * (1 - chance)).sum())
    assert abs(seen.sum() - chance.sum()) < 5 * deviation


def test_the_distance_is_the_same_in_both_directions():
    places = np.random.default_rng(0).normal(size=(40, 2)) * 300.0
    there = radio.distances_m(places[:25], places)
    np.testing.assert_array_equal(there, radio.distances_m(places, places[:25]).T)
    assert there[3, 3] == 0.0


REPEATS = 4000


def test_shadowing_to_the_base_station_is_standard_normal_and_correlated():
    places = np.array([[0.0, 0.0], [30.0, 40.0], [300.0, 0.0]])
    random = np.random.default_rng(1)
    drawn = np.array(
        [radio.shadowing_to_base_station(random, places, 50.0) for _ in range(REPEATS)]
    )
    for column in drawn.T:
        assert stats.kstest(column, "norm").pvalue > 1e-6
    assert_correlation(drawn[:, 0], drawn[:, 1], np.exp(-1.0))
    assert_correlation(drawn[:, 0], drawn[:, 2], np.exp(-6.0))


def assert_correlation(first, second, expected: float) -> None:
    found = float(np.mean(first * second))
    deviation = np.sqrt((1 + expected**2) / len(first))
    assert abs(found - expected) < 5 * deviation


def test_shadowing_between_devices_correlates_over_both_ends_as_documented():
    # Two transmitters 7 m apart, two receivers 5 m apart, far from the transmitters;
    # then two devices 6 m apart, whose link is shorter than the correlation.
    places = np.array(
        [[0.0, 0.0], [7.0, 0.0], [200.0, 0.0], [200.0, 5.0], [0.0, 400], [6.0, 400]]
    )
    random = np.random.default_rng(2)
    drawn = np.array(
        [radio.shadowing_between_devices(random, places, 10.0) for _ in range(REPEATS)]
    )
    for a, b in ((0, 2), (1, 3), (4, 5), (0, 4)):
        assert stats.kstest(drawn[:, a, b], "norm").pvalue > 1e-6
    assert_correlation(drawn[:, 0, 2], drawn[:, 1, 2], np.exp(-0.7))
    assert_correlation(drawn[:, 0, 2], drawn[:, 0, 3], np.exp(-0.5))
    assert_correlation(drawn[:, 0, 2], drawn[:, 1, 3], np.exp(-1.2))
    assert_correlation(drawn[:, 0, 4], drawn[:, 0, 5], np.exp(-0.6))
    assert_correlation(drawn[:, 0, 2], drawn[:, 4, 5], 0.0)


def test_short_links_correlate_as_documented():
    places = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 4.0], [3.0, 5.0]])
    random = np.random.default_rng(3)
    drawn = np.array(
        [radio.shadowing_between_devices(random, places, 10.0) for _ in range(REPEATS)]
    )
    r = np.exp(-radio.distances_m(places, places) / 10.0)
    a, b, c, d = 0, 1, 2, 3
    expected = (r[a, c] * r[b, d] + r[a, d] * r[b, c]) / np.sqrt(
        (1 + r[a, b] ** 2) * (1 + r[c, d] ** 2)
    )
    assert_correlation(drawn[:, a, b], drawn[:, c, d], float(expected))


def test_shadowing_between_devices_is_reciprocal_in_every_bit():
    places = np.random.default_rng(0).uniform(-100, 100, (30, 2))
    drawn = radio.shadowing_between_devices(np.random.default_rng(1), places, 10.0)
    np.testing.assert_array_equal(drawn, drawn.T)
    np.testing.assert_array_equal(np.diagonal(drawn), 0.0)


def test_sight_is_reciprocal_and_uniform():
    drawn = radio.symmetric_uniform(np.random.default_rng(1), 60)
    np.testing.assert_array_equal(drawn, drawn.T)
    below = drawn[np.tril_indices(60, -1)]
    assert stats.kstest(below, "uniform").pvalue > 1e-6


def test_the_first_devices_keep_their_draws_when_more_follow():
    places = np.random.default_rng(0).uniform(-100, 100, (12, 2))

    def fresh() -> np.random.Generator:
        return np.random.default_rng(5)

    for draw in (
        lambda n: radio.shadowing_between_devices(fresh(), places[:n], 10.0)[:7, :7],
        lambda n: radio.shadowing_to_base_station(fresh(), places[:n], 50.0)[:7],
        lambda n: radio.symmetric_uniform(fresh(), n)[:7, :7],
        lambda n: radio.rayleigh_power_matrix(fresh(), n)[:7, :7],
    ):
        np.testing.assert_array_equal(draw(7), draw(12))


def test_devices_on_one_spot_share_their_shadowing():
    places = np.array([[0.0, 0.0], [0.0, 0.0], [500.0, 0.0]])
    drawn = radio.shadowing_between_devices(np.random.default_rng(1), places, 10.0)
    assert drawn[0, 2] == pytest.approx(drawn[1, 2], abs=1e-3)
    to_bs = radio.shadowing_to_base_station(np.random.default_rng(1), places, 50.0)
    assert to_bs[0] == pytest.approx(to_bs[1], abs=1e-3)


def test_shadowing_agrees_with_a_library_factorisation():
    """The same draws through LAPACK's Cholesky factor."""
    places = np.random.default_rng(0).uniform(-200, 200, (20, 2))
    drawn = radio.shadowing_to_base_station(np.random.default_rng(4), places, 50.0)
    apart = np.linalg.norm(places[:, None] - places[None], axis=-1)
    factor = np.linalg.cholesky(np.exp(-apart / 50.0))
    wanted = factor @ np.random.default_rng(4).standard_normal(20)
    np.testing.assert_allclose(drawn, wanted, atol=1e-6)


def test_rayleigh_power_is_exponential_with_mean_one():
    drawn = radio.rayleigh_power(np.random.default_rng(3), 20_000)
    assert stats.kstest(drawn, "expon").pvalue > 1e-6
    assert drawn.min() > 0.0
    assert abs(drawn.mean() - 1.0) < 5 / np.sqrt(20_000)


def test_fading_in_a_cell_is_exponential_and_independent_over_channels_and_links():
    faded = generate(seed=4, num_channels=2, num_pairs=60)
    flat = generate(seed=4, num_channels=2, num_pairs=60, fading=False)
    power = faded.gain_d2d_to_d2d / flat.gain_d2d_to_d2d
    assert stats.kstest(power.ravel(), "expon").pvalue > 1e-6
    limit = 5 / np.sqrt(power[0].size)
    assert abs(np.corrcoef(power[0].ravel(), power[1].ravel())[0, 1]) < limit
    # k -> j and j -> k join four different antennas: not the same link.
    low = np.tril_indices(60, -1)
    forth, back = power[0][low], power[0].T[low]
    assert not np.any(forth == back)
    assert abs(np.corrcoef(forth, back)[0, 1]) < 5 / np.sqrt(len(forth))
    to_bs = faded.gain_d2d_to_bs / flat.gain_d2d_to_bs
    to_receiver = faded.gain_cellular_to_d2d / flat.gain_cellular_to_d2d
    for power in (to_bs, to_receiver):
        assert stats.kstest(power.ravel(), "expon").pvalue > 1e-6


def test_shadowing_in_a_cell_has_the_deviation_asked_for():
    """Gains with shadowing over gains without, in dB, over cells far apart in seed."""
    ratios_bs, ratios_device = [], []
    for seed in range(60):
        common: dict[str, Any] = {"num_channels": 2, "num_pairs": 2, "fading": False}
        plain = generate(
            seed=seed,
            base_station_shadowing_std_db=0.0,
            device_shadowing_std_db=0.0,
            **common,
        )
        shadowed = generate(
            seed=seed,
            base_station_shadowing_std_db=8.0,
            device_shadowing_std_db=6.0,
            **common,
        )
        bs = shadowed.gain_cellular_to_bs[0] / plain.gain_cellular_to_bs[0]
        device = shadowed.gain_d2d[0] / plain.gain_d2d[0]
        ratios_bs.append(10 * np.log10(bs))
        ratios_device.append(10 * np.log10(device))
    for ratios, std_db in ((ratios_bs, 8.0), (ratios_device, 6.0)):
        assert stats.kstest(np.array(ratios) / std_db, "norm").pvalue > 1e-6
        # Deviation of an estimated deviation: sigma / sqrt(2 n).
        assert abs(np.std(ratios) - std_db) < 5 * std_db / np.sqrt(2 * 60)


def test_more_power_in_db_is_a_factor_in_watts_and_leaves_gains_alone():
    """dBm is a power, dB a ratio: 3.0103 dB more on any power doubles its W."""
    double_db = 10 * np.log10(2.0)
    usual = generate(seed=1, num_channels=2, num_pairs=3)
    louder = generate(
        seed=1,
        num_channels=2,
        num_pairs=3,
        cellular_power_dbm=23.0 + double_db,
        min_power_dbm=double_db,
        max_power_dbm=23.0 + double_db,
        noise_figure_db=5.0 + double_db,
    )
    for name in ("cellular_power_w", "min_power_w", "max_power_w", "noise_power_w"):
        np.testing.assert_allclose(
            getattr(louder, name), 2 * np.asarray(getattr(usual, name)), rtol=1e-13
        )
    for name in ("gain_d2d", "gain_cellular_to_bs", "gain_cellular_to_d2d"):
        np.testing.assert_array_equal(getattr(louder, name), getattr(usual, name))
