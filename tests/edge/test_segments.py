"""Sums over edges, held against exact ones."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stackelberg.edge.segments import (
    segment_costs,
    segment_products,
    segment_sums,
    sums_by_node,
)

NUMBERS = st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=60)


@given(NUMBERS, st.integers(1, 5))
def test_sums_are_right_to_the_last_digits(numbers: list[float], parts: int) -> None:
    values = np.array(numbers)
    bounds = np.linspace(0, len(values), parts + 1).astype(np.int64)
    exact = [math.fsum(values[a:b]) for a, b in pairwise(bounds)]
    size = 1e-30 * np.abs(values).sum()
    np.testing.assert_allclose(segment_sums(values, bounds), exact, 3e-16, size)
    ones = np.ones(len(values))
    np.testing.assert_allclose(
        segment_products(values, ones, bounds), exact, 3e-16, size
    )
    node = np.searchsorted(bounds, np.arange(len(values)), side="right") - 1
    np.testing.assert_allclose(sums_by_node(values, node, parts), exact, 3e-16, size)


def test_what_plain_addition_loses_is_kept() -> None:
    values = np.array([1.0, 1e100, 1.0, -1e100])
    assert segment_sums(values, np.array([0, 4])).tolist() == [2.0]
    assert sums_by_node(values, np.zeros(4, dtype=np.int64), 2).tolist() == [2.0, 0.0]


def test_costs_are_at_the_price_of_the_node() -> None:
    node, bounds = np.array([1, 0, 1]), np.array([0, 2, 2, 3])
    paid = segment_costs(np.array([2.0, 3.0, 5.0]), np.array([10.0, 0.5]), node, bounds)
    assert paid.tolist() == [31.0, 0.0, 2.5]


def test_what_is_infinite_or_overflows_stays_infinite() -> None:
    values = np.array([1.0, np.inf, 1e308, 1e308, np.nan])
    sums = segment_sums(values, np.array([0, 2, 4, 5]))
    assert sums[:2].tolist() == [np.inf, np.inf]
    assert np.isnan(sums[2])
