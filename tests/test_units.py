"""Conversions against powers of ten, and back."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackelberg import units

POWERS_DB = st.floats(-300.0, 300.0)
RATIOS = st.floats(1e-30, 1e30)


@pytest.mark.parametrize(
    ("ratio_db", "ratio"), [(0.0, 1.0), (10.0, 10.0), (-30.0, 1e-3), (20.0, 100.0)]
)
def test_db_is_ten_times_the_power_of_ten(ratio_db: float, ratio: float) -> None:
    assert units.from_db(ratio_db) == pytest.approx(ratio, rel=1e-15)
    assert units.to_db(ratio) == pytest.approx(ratio_db, abs=1e-13)


@pytest.mark.parametrize(
    ("power_dbm", "power_w"), [(0.0, 1e-3), (23.0, 0.19952623149688797), (30.0, 1.0)]
)
def test_dbm_counts_from_one_milliwatt(power_dbm: float, power_w: float) -> None:
    assert units.from_dbm(power_dbm) == pytest.approx(power_w, rel=1e-15)
    assert units.to_dbm(power_w) == pytest.approx(power_dbm, abs=1e-13)


@given(POWERS_DB)
def test_db_comes_back(ratio_db: float) -> None:
    assert units.to_db(units.from_db(ratio_db)) == pytest.approx(ratio_db, abs=1e-11)


@given(RATIOS)
def test_a_ratio_comes_back(ratio: float) -> None:
    assert units.from_db(units.to_db(ratio)) == pytest.approx(ratio, rel=1e-13)


@given(POWERS_DB)
def test_dbm_comes_back(power_dbm: float) -> None:
    returned = units.to_dbm(units.from_dbm(power_dbm))
    assert returned == pytest.approx(power_dbm, abs=1e-11)


@given(RATIOS, RATIOS)
def test_the_db_of_a_product_is_the_sum(one: float, other: float) -> None:
    both = units.to_db(one) + units.to_db(other)
    assert units.to_db(one * other) == pytest.approx(both, abs=1e-11)


def test_no_power_is_minus_infinity() -> None:
    assert units.to_db(0.0) == -math.inf
    assert units.to_dbm(0.0) == -math.inf
    assert units.from_db(-math.inf) == 0.0


def test_arrays_convert_element_by_element() -> None:
    ratios = np.array([[1.0, 10.0], [0.0, 0.5]])
    converted = units.to_db(ratios)
    np.testing.assert_allclose(converted[0], [0.0, 10.0], atol=1e-15)
    assert converted[1, 0] == -np.inf
    np.testing.assert_allclose(units.from_db(converted), ratios, rtol=1e-14)


def test_thermal_noise_of_180_khz_with_a_noise_figure_of_5_db() -> None:
    # -174 dBm/Hz + 5 dB + 10 log10(180000) dB = -116.447 dBm, by hand
    noise_w = units.noise_power_w(180e3, noise_figure_db=5.0)
    assert units.to_dbm(noise_w) == pytest.approx(-116.44727494896694, abs=1e-10)
    # kTB at 290 K with Boltzmann's constant, which -174 dBm/Hz rounds by 0.025 dB
    thermal_w = 1.380649e-23 * 290.0 * 180e3
    assert units.noise_power_w(180e3, 0.0) == pytest.approx(thermal_w, rel=6e-3)


@given(RATIOS)
def test_a_bit_is_ln_2_nats(nats: float) -> None:
    assert units.nats_to_bits(nats) == pytest.approx(
        nats * math.log2(math.e), rel=1e-14
    )
    assert units.nats_to_bits(math.log(2.0)) == 1.0
