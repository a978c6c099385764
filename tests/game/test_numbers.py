"""Arguments that are no numbers end in one line, whoever takes them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from stackelberg import edge, spectrum
from stackelberg.errors import ConfigError
from stackelberg.game.numbers import real_number, real_numbers

NO_NUMBERS: dict[str, Any] = {
    "words": ["a", "b", "c"],
    "numbers as text": ["1", "2", "3"],
    "dates": np.array(["2020"] * 3, dtype="datetime64[Y]"),
    "complex numbers": np.ones(3) * 1j,
    "truth values": [True] * 3,
    "lists of different lengths": [[1.0], [1.0, 2.0], 3.0],
    "whole numbers without end": [10**400] * 3,
    "nothing": None,
    "a set": {1.0, 2.0, 3.0},
}

MARKET = edge.Market.from_arrays([1.0] * 3, [1.0] * 3, [1.0] * 3, np.ones((3, 3)))
CELL = spectrum.generate(seed=1, num_channels=2, num_pairs=3, channel=[0, 1, 1])

TAKERS: dict[str, Callable[[Any], object]] = {
    "capacity_shadow_price": lambda x: edge.certify(MARKET, np.eye(3), x, np.ones(3)),
    "budget_shadow_price": lambda x: edge.certify(MARKET, np.eye(3), np.ones(3), x),
    "allocation": lambda x: edge.certify(MARKET, x, np.ones(3), np.ones(3)),
    "price": lambda x: edge.certify_prices(MARKET, x, elasticity=3.0, price_cap=9.0),
    "candidates": lambda x: edge.linear_regret(MARKET, x),
    "tolerance": lambda x: edge.allocate(MARKET, x),
    "reuse_price": lambda x: spectrum.follower_equilibrium(CELL, x),
    "transmit_power_w": lambda x: spectrum.outcome(CELL, [0, 1, 1], np.ones(3), x),
    "concept": lambda x: spectrum.solve(CELL, x),
}


@pytest.mark.parametrize("taker", TAKERS)
@pytest.mark.parametrize("kind", NO_NUMBERS)
def test_what_is_no_number_is_refused_in_one_line(taker: str, kind: str) -> None:
    with pytest.raises(ConfigError, match=f"^{taker}: expected") as refused:
        TAKERS[taker](NO_NUMBERS[kind])
    assert "\n" not in str(refused.value)


def test_complex_amounts_are_refused_sparse_too() -> None:
    amounts = sparse.csr_array(np.eye(3) * 1j)
    with pytest.raises(ConfigError, match="allocation: expected numbers"):
        edge.certify(MARKET, amounts, np.ones(3), np.ones(3))


def test_amounts_beyond_all_bounds_are_certified_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        proof = edge.certify(MARKET, np.full((3, 3), 1e308), np.ones(3), np.ones(3))
    assert proof.capacity_violation == np.inf
    assert not proof.holds()


def test_numbers_of_every_kind_and_shape_are_float64() -> None:
    for given in (3, 2.5, [1, 2], np.float32(0.5), np.ones((2, 2), np.uint8), []):
        found = real_numbers("x", given)
        assert found.dtype == np.float64
        assert np.array_equal(found, np.asarray(given))
    assert real_number("x", np.int8(4)) == 4.0
    with pytest.raises(ConfigError, match="x: expected a number, got"):
        real_number("x", [1.0])
