"""What the edge supplement prints and what is true, side by side, by erratum."""

from __future__ import annotations

import math

import numpy as np
import pytest
from edge.markets import random_market
from oracles.edge_market import best_objective

from stackelberg.edge import Market, allocate, published
from stackelberg.edge.conditions import marginal_utility, optimality_residuals

ONE = Market.from_arrays([1.0, 1.0], [10.0, 10.0], [1.0], [[2.0, 1.0]])
BEST = [[1.0, 0.0]]
LAM, MU = [0.0, 0.0], [1.0]


@pytest.mark.erratum("S1")
@pytest.mark.equation("EDGE", 2, 9, 17)
def test_s1_the_slope_is_not_zero_where_nothing_is_bought() -> None:
    objective, _ = best_objective(ONE.price, ONE.capacity, ONE.budget, [[2.0, 1.0]])
    assert objective == pytest.approx(math.log(2.0))  # the optimum is (1, 0)
    printed = published.published_stationarity(ONE, BEST, LAM, MU)
    assert printed.tolist() == [0.0, 0.5]
    truth = optimality_residuals(ONE, BEST, LAM, MU)
    assert truth.reduced_price.tolist() == [0.0, 0.5]
    assert truth.worst == 0.0


@pytest.mark.erratum("S2")
@pytest.mark.equation("EDGE", 3, 4, 10, 11, 18, 19)
def test_s2_the_inequality_points_the_other_way() -> None:
    printed = published.published_eliminated_price(ONE, BEST, MU)
    assert printed.tolist() == [0.0, -0.5]  # claimed >= 0, and the same for all j
    market = random_market(0, 12, 4)
    value = allocate(market, 1e-12).value
    lam, mu = value.capacity_shadow_price, value.budget_shadow_price
    slope = marginal_utility(market, value.allocation)
    node, user = market.weight.indices, market.user_of_edge
    rent = lam[node] + mu[user] * market.price[node]
    assert np.all(slope <= rent * (1.0 + 1e-6))
    assert np.any(slope < 0.9 * mu[user] * market.price[node] + 0.9 * lam[node])
    assert np.any(slope < lam[node])  # (19) as printed
    bought = value.allocation.data > 1e-4
    np.testing.assert_allclose(slope[bought], rent[bought], rtol=1e-4)


@pytest.mark.erratum("S3")
@pytest.mark.equation("EDGE", 6, 7)
def test_s3_prices_belong_to_nodes() -> None:
    market = Market.from_arrays([1.0, 2.0], [9.0, 9.0], [3.0], [[1.0, 2.0]])
    bought = [[1.0, 1.0]]
    truth = optimality_residuals(market, bought, [0.0, 0.0], [1.0])
    assert truth.budget_complementarity.tolist() == [0.0]  # spends p_1 + p_2 = 3
    printed = market.price[0] * np.sum(bought)  # p_j with j = 1
    assert printed == 2.0


@pytest.mark.erratum("S4")
@pytest.mark.equation("EDGE", 5, 12, 13, 14, 15)
def test_s4_money_goes_to_the_best_bargain_alone() -> None:
    printed = published.published_budget_branch(ONE)
    np.testing.assert_allclose(printed.toarray(), [[2.0 / 3.0, 1.0 / 3.0]])
    assert (printed @ ONE.price)[0] == pytest.approx(1.0)  # (14) holds
    utility = float((ONE.weight * printed).sum())
    _, best = best_objective(ONE.price, ONE.capacity, ONE.budget, [[2.0, 1.0]])
    assert utility == pytest.approx(5.0 / 3.0)
    assert best[0] == pytest.approx(2.0)
    value = allocate(ONE, 1e-12).value
    assert value.utility[0] == pytest.approx(2.0, rel=1e-10)
    # (5) with the node that is used: mu = w / (p u) = 1.
    assert value.budget_shadow_price[0] == pytest.approx(1.0, rel=1e-5)


@pytest.mark.erratum("S5")
@pytest.mark.equation("EDGE", 20, 21, 22, 23)
def test_s5_the_normaliser_of_the_second_branch() -> None:
    market = Market.from_arrays(
        [1.0, 1.0], [1.0, 1.0], [9.0, 9.0], [[3.0, 1.0], [1.0, 1.0]]
    )
    by_nodes = published.published_node_normalised(market).toarray()
    by_users = published.published_capacity_branch(market).toarray()
    derived = published.derived_capacity_branch(market).toarray()
    assert by_nodes.sum(axis=0)[0] == pytest.approx(1.25)  # (22) fails
    np.testing.assert_allclose(by_users[0], [0.75, 0.5])
    np.testing.assert_allclose(derived[0], [0.6, 1.0 / 3.0])
    np.testing.assert_allclose(derived.sum(axis=0), [1.0, 1.0])  # (22) holds


@pytest.mark.erratum("S6")
@pytest.mark.equation("EDGE", 8, 16)
def test_s6_some_budgets_and_some_capacities_may_be_slack_together() -> None:
    market = Market.from_arrays(
        [1.0, 1.0], [1.0, 10.0], [100.0, 1.0], [[1.0, 0.0], [1.0, 2.0]]
    )
    objective, utility = best_objective(
        market.price, market.capacity, market.budget, market.weight.toarray()
    )
    solution = allocate(market, 1e-12)
    assert objective == pytest.approx(math.log(2.0))
    np.testing.assert_allclose(utility, [1.0, 2.0], rtol=1e-6)
    assert solution.certificate.objective == pytest.approx(objective, abs=1e-7)
    value = solution.value
    assert value.spend[0] < 2.0 < market.budget[0]  # sub-problem 1 wants 100
    assert value.load[1] < 2.0 < market.capacity[1]  # sub-problem 2 wants 10


@pytest.mark.erratum("S7")
@pytest.mark.equation("EDGE", 24)
def test_s7_the_test_compares_points_that_break_the_limits() -> None:
    printed = published.published_allocation(ONE)
    assert printed.branch == ("capacity",)
    assert printed.advantage[0] == pytest.approx(math.log((5.0 / 3.0) / 30.0))
    np.testing.assert_allclose(printed.allocation.toarray(), [[10.0, 10.0]])
    assert printed.budget_violation == pytest.approx(19.0)  # 20 times the budget
    assert printed.utility_share == pytest.approx(0.75, rel=1e-7)
    crowded = Market.from_arrays([1.0], [1.0], [1.0, 1.0], [[1.0], [1.0]])
    printed = published.published_allocation(crowded)
    assert printed.branch == ("budget",)
    assert printed.capacity_violation == pytest.approx(1.0)  # load 2 on capacity 1


def test_s7_the_printed_answer_is_never_feasible_on_random_markets() -> None:
    markets = [random_market(seed, 20, 5) for seed in range(40)]
    found = [
        published.published_allocation(market, tolerance=1e-6) for market in markets
    ]
    feasible = [x.capacity_violation <= 0.0 >= x.budget_violation for x in found]
    assert sum(feasible) == 0
    assert 0.5 < np.median([x.utility_share for x in found]) < 0.95
    assert all(x.loss_per_user > 0.01 for x in found)
