"""Clearing prices: against proportional response, cases known, and as given prices."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from edge.markets import random_market
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.price_games import linear_clearing_prices

from stackelberg.edge import Market, certify, clearing_prices
from stackelberg.errors import DomainError
from stackelberg.game import Status


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_small_markets_against_proportional_response(seed: int) -> None:
    market = random_market(seed, 6, 3)
    solution = clearing_prices(market, 1e-10)
    wanted = linear_clearing_prices(
        market.weight.toarray(), market.budget, market.capacity
    )
    assert solution.status is Status.CONVERGED
    np.testing.assert_allclose(solution.value.price, wanted, rtol=1e-3)
    np.testing.assert_allclose(solution.value.spend, market.budget, rtol=1e-4)
    np.testing.assert_allclose(solution.value.load, market.capacity, rtol=1e-4)


@given(seed=st.integers(0, 10_000), reach=st.integers(1, 4))
@settings(max_examples=15)
def test_as_given_prices_no_capacity_has_a_price_of_its_own(
    seed: int, reach: int
) -> None:
    market = random_market(seed, 12, 4, reach)
    solution = clearing_prices(market, 1e-11)
    value, proof = solution.value, solution.certificate
    priced = replace(market, price=value.price)
    as_given = certify(priced, value.allocation, np.zeros(4), 1.0 / market.budget)
    assert as_given.gap_per_user <= 1e-9
    assert as_given.budget_violation <= 1e-5
    assert value.price @ market.capacity == pytest.approx(market.budget.sum(), rel=1e-7)
    assert max(proof.unsold, proof.budget_error, proof.shortfall) <= 1e-4


def test_two_users_and_two_goods_by_hand() -> None:
    # Each wants one good twice as much as the other; both goods are one unit.
    market = Market.from_arrays([9.0, 9.0], [1.0, 1.0], [3.0, 5.0], [[2, 1], [1, 2]])
    value = clearing_prices(market, 1e-12).value
    np.testing.assert_allclose(value.price, [3.0, 5.0], rtol=1e-6)
    np.testing.assert_allclose(value.allocation.toarray(), np.eye(2), atol=1e-5)


@given(seed=st.integers(0, 10_000), node=st.integers(0, 3))
@settings(max_examples=15)
def test_more_of_a_good_never_makes_it_dearer(seed: int, node: int) -> None:
    market = random_market(seed, 8, 4, 3)
    more = market.capacity.copy()
    more[node] *= 1.5
    before = clearing_prices(market, 1e-11).value.price[node]
    after = clearing_prices(replace(market, capacity=more), 1e-11).value.price[node]
    assert after <= before * (1.0 + 1e-5)


def test_units_order_and_resource_types() -> None:
    market = random_market(4, 15, 4, 3)
    here = clearing_prices(market, 1e-11).value
    unit = np.array([1e-4, 1.0, 1e3, 10.0])
    scaled = Market.from_arrays(
        market.price, market.capacity * unit, market.budget * 1e6,
        market.weight.toarray() / unit,
    )  # fmt: skip
    there = clearing_prices(scaled, 1e-11).value
    np.testing.assert_allclose(there.price * unit / 1e6, here.price, rtol=1e-6)
    nodes = np.array([2, 0, 3, 1])
    turned = Market.from_arrays(
        market.price[nodes], market.capacity[nodes], market.budget[::-1],
        market.weight[::-1][:, nodes],
    )  # fmt: skip
    other = clearing_prices(turned, 1e-11).value
    np.testing.assert_allclose(other.price, here.price[nodes], rtol=1e-6)
    both = Market.side_by_side({"cpu": market, "gpu": turned})
    joint = clearing_prices(both, 1e-11)
    wanted = np.concatenate([here.price, other.price])
    assert joint.certificate.holds(1e-11)
    np.testing.assert_allclose(joint.value.price, wanted, rtol=1e-6)


def test_who_has_no_money_takes_no_part() -> None:
    market = random_market(5, 6, 3)
    poor = Market.from_arrays(
        market.price, market.capacity, [*market.budget, 0.0],
        np.vstack([market.weight.toarray(), np.full((1, 3), 99.0)]),
    )  # fmt: skip
    value = clearing_prices(poor, 1e-11).value
    wanted = clearing_prices(market, 1e-11).value
    np.testing.assert_allclose(value.price, wanted.price, rtol=1e-6)
    assert value.utility[6] == 0.0


def test_money_that_nobody_can_earn_is_named_and_dropped_only_when_asked() -> None:
    market = Market.from_arrays(
        [1.0, 1.0], [2.0, 0.0], [3.0, 1.0], [[1.0, 1.0], [0.0, 1.0]], users=["a", "b"]
    )
    with pytest.raises(DomainError, match="degenerate user b"):
        clearing_prices(market)
    solution = clearing_prices(market, drop_degenerate=True)
    assert solution.value.price[0] == pytest.approx(1.5, rel=1e-6)
    assert solution.value.spend.tolist() == pytest.approx([3.0, 0.0], rel=1e-6)
    assert solution.certificate.rows()[0].name == "gap_per_money"


def test_infinite_money_or_capacity_is_refused() -> None:
    rich = Market.from_arrays([1.0], [1.0], [math.inf], [[1.0]])
    with pytest.raises(DomainError, match=r"budget\[0\]: expected a finite number"):
        clearing_prices(rich)
    endless = Market.from_arrays([1.0], [math.inf], [1.0], [[1.0]])
    with pytest.raises(DomainError, match="unbounded utility of user 0"):
        clearing_prices(endless)
    with pytest.raises(DomainError, match="tolerance: expected"):
        clearing_prices(random_market(0, 2, 2), 0.0)


def test_a_loose_tolerance_is_reported_as_loose() -> None:
    market = random_market(9, 200, 10, 4)
    loose, fine = clearing_prices(market, 1e-2), clearing_prices(market, 1e-12)
    assert loose.certificate.gap_per_money > fine.certificate.gap_per_money
    assert loose.certificate.holds(1e-2)
    assert not loose.certificate.holds(1e-9)
    assert fine.certificate.shortfall < 1e-5
