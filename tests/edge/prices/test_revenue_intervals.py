"""Revenue of linear users as intervals: plain cases, and the game that goes round."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from edge.markets import random_market
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.price_games import two_sellers_profit

from stackelberg.edge import Market, allocate, linear_regret, revenue_intervals
from stackelberg.errors import DomainError, InputError
from stackelberg.game import Status

INF = math.inf


def two_sellers(first: float, second: float) -> Market:
    """The theory's example: Q = 0.8 each, unit money, cost 0.2, both of equal worth."""
    return Market.from_arrays([first, second], [0.8, 0.8], [1.0], [[1.0, 1.0]])


@given(
    first=st.floats(0.25, 5.0),
    second=st.floats(0.25, 5.0),
    tie=st.booleans(),
)
@settings(max_examples=40)
def test_two_sellers_earn_what_the_cheaper_first_rule_says(
    first: float, second: float, tie: bool
) -> None:
    if tie:
        second = first
    elif abs(first / second - 1.0) < 1e-3:
        second *= 1.01
    solution = revenue_intervals(two_sellers(first, second), cost=0.2)
    assert solution.status is Status.CONVERGED
    for i, (own, other) in enumerate(((first, second), (second, first))):
        least, greatest = two_sellers_profit(0.8, 1.0, 0.2, own, other)
        assert solution.value.least_profit[i] == pytest.approx(least, abs=1e-6)
        assert solution.value.greatest_profit[i] == pytest.approx(greatest, abs=1e-6)
        assert solution.value.least_profit[i] <= least + 1e-12
        assert solution.value.greatest_profit[i] >= greatest - 1e-12


def test_a_tie_makes_revenue_a_set_and_its_sum_is_smaller_than_the_sums() -> None:
    value = revenue_intervals(two_sellers(1.0, 1.0), cost=0.2).value
    np.testing.assert_allclose(value.least_revenue, 0.2, atol=1e-7)
    np.testing.assert_allclose(value.greatest_revenue, 0.8, atol=1e-7)
    assert value.least_total_profit == pytest.approx(0.8, abs=1e-7)
    assert value.greatest_total_profit == pytest.approx(0.8, abs=1e-7)
    assert value.greatest_profit.sum() > 1.2


@given(seed=st.integers(0, 10_000), balance=st.floats(-1.0, 1.0))
@settings(max_examples=15)
def test_any_optimal_basket_lies_within(seed: int, balance: float) -> None:
    draw = np.random.default_rng(seed)
    # Weights and prices of few sizes, so that many bargains tie.
    weight = draw.choice([1.0, 2.0], (5, 3))
    price = draw.choice([1.0, 2.0], 3)
    market = Market.from_arrays(
        price, draw.uniform(0.5, 1.5, 3) * math.exp(balance), draw.uniform(0.5, 2.0, 5),
        weight,
    )  # fmt: skip
    value = revenue_intervals(market).value
    for tolerance in (1e-8, 1e-12):
        x = allocate(market, tolerance).value
        revenue = price * x.load
        assert np.all(revenue >= value.least_revenue - 1e-3)
        assert np.all(revenue <= value.greatest_revenue + 1e-3)
    # Another optimal basket: order decides which of the tied is found.
    flipped = Market.from_arrays(
        price[::-1], market.capacity[::-1], market.budget, weight[:, ::-1]
    )
    other = revenue_intervals(flipped).value
    np.testing.assert_allclose(
        other.greatest_revenue[::-1], value.greatest_revenue, atol=2e-4
    )
    np.testing.assert_allclose(
        other.least_revenue[::-1], value.least_revenue, atol=2e-4
    )


def test_units_of_money_scale_the_intervals() -> None:
    market = random_market(3, 8, 3)
    dear = Market.from_arrays(
        market.price * 1e6, market.capacity, market.budget * 1e6, market.weight
    )
    here, there = revenue_intervals(market).value, revenue_intervals(dear).value
    np.testing.assert_allclose(
        there.greatest_revenue, 1e6 * here.greatest_revenue, rtol=1e-5
    )


def test_the_two_sellers_have_no_equilibrium_and_go_round() -> None:
    grid = np.linspace(0.2, 5.0, 81)[1:]

    def regret(p: float, q: float) -> float:
        """Both regrets together; at a tie the sum does not depend on who sells."""
        best = [
            max(two_sellers_profit(0.8, 1.0, 0.2, g, other)[1] for g in grid)
            for other in (q, p)
        ]
        least, _ = two_sellers_profit(0.8, 1.0, 0.2, p, q)
        _, greatest = two_sellers_profit(0.8, 1.0, 0.2, q, p)
        return sum(best) - least - greatest

    everywhere = {(p, q): regret(p, q) for p in grid for q in grid if p <= q}
    p, q = min(everywhere, key=lambda pair: everywhere[pair])
    assert everywhere[p, q] == pytest.approx(0.134, abs=5e-4)
    found = linear_regret(two_sellers(p, q), grid[grid < 1.0], cost=0.2, price_cap=5.0)
    with_cap = linear_regret(two_sellers(p, q), [5.0], cost=0.2, price_cap=5.0)
    best = np.maximum(found.best_tried, with_cap.best_tried)
    total = best.sum() - found.present.greatest_total_profit
    assert total == pytest.approx(everywhere[p, q], abs=1e-6)
    assert not found.holds(0.05)

    # Best responses on the grid go round: undercut, undercut, give up and start anew.
    seen: list[tuple[float, float]] = []
    pair, turn = (5.0, 5.0), 0
    while pair not in seen[turn % 2 :: 2] and turn < 400:
        seen.append(pair)
        other = pair[1 - turn % 2]
        answer = max(grid, key=lambda g: two_sellers_profit(0.8, 1.0, 0.2, g, other)[0])
        pair = (answer, other) if turn % 2 == 0 else (other, answer)
        turn += 1
    assert turn < 400
    assert len(set(seen[seen.index(pair) :])) > 10


def test_what_a_tried_price_gains_for_sure_is_what_the_rule_says() -> None:
    regret = linear_regret(
        two_sellers(1.0, 1.0), [0.99, 5.0, 7.0], cost=0.2, price_cap=5.0
    )
    sure = two_sellers_profit(0.8, 1.0, 0.2, 0.99, 1.0)[0]
    np.testing.assert_allclose(regret.best_sure, sure, atol=1e-6)
    np.testing.assert_allclose(regret.best_price, 0.99)
    np.testing.assert_allclose(regret.best_tried, 0.64, atol=1e-6)  # at the tie
    np.testing.assert_allclose(regret.best_profit, 0.96)  # (1 - c / cap) times money
    assert regret.total_regret_at_least == pytest.approx(2 * sure - 0.8, abs=1e-5)
    assert regret.total_regret_of_tried == pytest.approx(0.48, abs=1e-5)
    assert np.all(regret.regret_at_least == 0.0)
    assert np.all(regret.regret_at_most >= 0.96 - 0.16 - 1e-6)
    assert regret.rows()[0].name == "regret_at_least"


def test_a_single_seller_at_its_cap_is_proved_to_have_no_regret() -> None:
    market = Market.from_arrays([4.0], [INF], [1.0, 2.0], [[1.0], [3.0]])
    regret = linear_regret(market, [1.0, 4.0], cost=0.5, price_cap=4.0)
    assert regret.holds(1e-6)
    cheap = replace(market, price=np.array([2.0]))
    assert not linear_regret(cheap, [4.0], cost=0.5, price_cap=4.0).holds(1e-6)


def test_users_who_can_buy_nothing_are_left_out() -> None:
    market = Market.from_arrays(
        [1.0, 1.0], [2.0, 0.0], [1.0, 0.0], [[1.0, 1.0], [1.0, 0.0]]
    )
    value = revenue_intervals(market).value
    np.testing.assert_allclose(value.greatest_revenue, [1.0, 0.0], atol=1e-6)
    np.testing.assert_allclose(value.least_revenue, [1.0, 0.0], atol=1e-6)


def test_bad_candidates_are_refused() -> None:
    market = two_sellers(1.0, 2.0)
    with pytest.raises(DomainError, match=r"candidates\[1\]: expected a finite number"):
        linear_regret(market, [1.0, -1.0])
    with pytest.raises(InputError, match="candidates: expected one axis of prices"):
        linear_regret(market, [[1.0]])
    with pytest.raises(DomainError, match="cost: expected a finite number >= 0"):
        revenue_intervals(market, cost=-1.0)
