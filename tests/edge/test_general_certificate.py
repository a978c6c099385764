"""The certificate for every utility and fairness, against the bound in loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
from edge.markets import random_market
from oracles.edge_utilities import dual_value, utility_value, welfare

from stackelberg.edge import (
    COBB_DOUGLAS,
    LEONTIEF,
    LINEAR,
    Fairness,
    Market,
    Utility,
    certify,
    ces,
)
from stackelberg.errors import DomainError, ShapeError

UTILITIES = [LINEAR, COBB_DOUGLAS, LEONTIEF, ces(0.4), ces(1.02), ces(3.0), ces(40.0)]
WEIGHTS = np.array([1.0, 2.0, 0.5, 1.5, 0.2, 3.0])
FAIRNESSES = [
    Fairness(),
    Fairness(1.0, WEIGHTS),
    Fairness(0.4),
    Fairness(2.0, WEIGHTS),
    Fairness(7.0),
]


def dense(market: Market):
    return market.price, market.capacity, market.budget, market.weight.toarray()


def small_amounts(market: Market, seed: int):
    amounts = market.weight.copy()
    draw = np.random.default_rng(seed)
    amounts.data = draw.uniform(0.1, 1.0, market.num_edges) * 0.01
    return amounts


def best_bundles(market: Market, utility: Utility, fairness: Fairness, lam, mu):
    """What users would take at these shadow prices: attains the dual's maximum."""
    rent = lam[market.weight.indices] + (
        mu[market.user_of_edge] * market.price[market.weight.indices]
    )
    e = utility.unit_expenditure(market.weight, rent)
    amounts = market.weight.copy()
    amounts.data = utility.unit_demand(market.weight, rent)
    amounts.data *= fairness.demand(e)[market.user_of_edge]
    return amounts


@pytest.mark.parametrize("utility", UTILITIES, ids=str)
@pytest.mark.parametrize("fairness", FAIRNESSES, ids=lambda f: f"{f.alpha:g}")
def test_the_gap_is_the_bound_less_the_welfare(
    utility: Utility, fairness: Fairness
) -> None:
    market = random_market(3, 6, 4, 3)
    draw = np.random.default_rng(5)
    for spread in (0.1, 3.0):
        lam = np.exp(draw.uniform(-spread, spread, 4))
        mu = np.exp(draw.uniform(-spread, spread, 6))
        amounts = small_amounts(market, 7)
        proof = certify(market, amounts, lam, mu, utility=utility, fairness=fairness)
        weights = fairness.weights(6)
        kind = utility.family, utility.elasticity
        bound = dual_value(dense(market), *kind, fairness.alpha, weights, lam, mu)
        bounds = market.weight.indptr
        objective = sum(
            welfare(fairness.alpha, weights[j], utility_value(*kind, w, x))
            for j in range(6)
            for row in [slice(bounds[j], bounds[j + 1])]
            for w, x in [(market.weight.data[row], amounts.data[row])]
        )
        assert proof.objective == pytest.approx(objective, rel=1e-11)
        assert proof.duality_gap == pytest.approx(bound - objective, rel=1e-9)
        assert proof.worst_violation == 0.0
        assert proof.gap_per_user > 1e-3


@pytest.mark.parametrize("utility", UTILITIES, ids=str)
@pytest.mark.parametrize("fairness", FAIRNESSES, ids=lambda f: f"{f.alpha:g}")
def test_what_users_would_take_at_prices_that_fit_has_no_gap(
    utility: Utility, fairness: Fairness
) -> None:
    base = random_market(4, 6, 4, 3)
    draw = np.random.default_rng(6)
    lam, mu = draw.uniform(0.5, 2.0, 4), draw.uniform(0.5, 2.0, 6)
    amounts = best_bundles(base, utility, fairness, lam, mu)
    market = Market.from_arrays(
        base.price, amounts.sum(axis=0), amounts @ base.price, base.weight
    )
    proof = certify(market, amounts, lam, mu, utility=utility, fairness=fairness)
    assert 0.0 < proof.gap_per_user < 3e-11  # all of it the bound on rounding
    assert proof.moved < 1e-12
    assert proof.utility_error.max() < 1e-4
    worse = amounts * (1.0 - 1e-5)
    proof = certify(market, worse, lam, mu, utility=utility, fairness=fairness)
    assert proof.gap_per_user == pytest.approx(1e-5, rel=1e-2)
    if utility.family != "linear":
        worse = amounts.copy()
        worse.data = worse.data * draw.uniform(0.98, 1.0, len(worse.data))
        # Still what the other users leave, and at once below the least cost.
        proof = certify(market, worse, lam, mu, utility=utility, fairness=fairness)
        assert not proof.holds(1e-4)


@pytest.mark.parametrize("alpha", [0.3, 1.0, 1.5, 2.0, 4.0, 20.0])
@pytest.mark.parametrize("change", [0.5, 0.9, 0.999, 1.001, 1.1, 2.0])
def test_the_bound_on_a_utility_is_kept_and_tight(alpha: float, change: float) -> None:
    # Of two users who share a node one gets `change` times its due, at right prices.
    b = np.array([0.5, 2.5])
    fairness = Fairness(alpha, b)
    share = b ** (1.0 / alpha) / (b ** (1.0 / alpha)).sum()
    market = Market.from_arrays([1.0], [1.0], [9.0, 9.0], [[1.0], [1.0]])
    first = share[0] * change
    given = np.array([[first], [1.0 - first]])
    lam = float(fairness.marginal(share)[0])
    proof = certify(market, given, [lam], [0.0, 0.0], fairness=fairness)
    true = np.abs(given[:, 0] / share - 1.0)
    assert np.all(true <= proof.utility_error)
    if abs(change - 1.0) < 0.01:
        assert proof.utility_error.max() < 4.0 * true.max()


def test_units_of_utility_and_of_user_weights_change_no_gap() -> None:
    market = random_market(1, 6, 3, 2)
    draw = np.random.default_rng(0)
    lam, mu = draw.uniform(0.5, 2.0, 3), draw.uniform(0.5, 2.0, 6)
    amounts = small_amounts(market, 1)
    for alpha in (0.5, 1.0, 3.0):
        here = certify(market, amounts, lam, mu, fairness=Fairness(alpha, WEIGHTS))
        unit, factor = 1e3, 50.0
        other = Market.from_arrays(
            market.price, market.capacity, market.budget, market.weight * unit
        )
        scale = factor * unit ** (1.0 - alpha)
        there = certify(
            other,
            amounts,
            lam * scale,
            mu * scale,
            fairness=Fairness(alpha, WEIGHTS * factor),
        )
        assert there.gap_per_user == pytest.approx(here.gap_per_user, rel=1e-11)
        np.testing.assert_allclose(there.utility_error, here.utility_error, rtol=1e-9)


def test_rows_say_what_the_objective_is() -> None:
    market = Market.from_arrays([1.0], [1.0], [1.0], [[2.0]])

    def first_row(fairness: Fairness) -> tuple[str, str]:
        row = certify(market, [[1.0]], [0.0], [1.0], fairness=fairness).rows()[0]
        return row.unit, row.meaning

    assert first_row(Fairness()) == ("nat", "sum of the users' log utilities")
    assert first_row(Fairness(1.0, np.ones(1)))[1].endswith("weighted")
    assert first_row(Fairness(2.0)) == ("", "alpha-fair welfare of the users, alpha 2")


def test_free_utility_and_no_utility_have_honest_gaps() -> None:
    market = Market.from_arrays([1.0, 1.0], [1.0, 1.0], [4.0], [[1.0, 1.0]])
    none, some = [[0.0, 0.0]], [[0.5, 0.5]]
    zero = [0.0, 0.0], [0.0]
    for utility in (LINEAR, COBB_DOUGLAS, LEONTIEF, ces(0.5), ces(2.0)):
        # At prices of zero nothing bounds the welfare, but where it has a least bound.
        proof = certify(market, some, *zero, utility=utility)
        assert proof.duality_gap == math.inf
        proof = certify(market, some, *zero, utility=utility, fairness=Fairness(3.0))
        assert proof.dual_bound == pytest.approx(0.0, abs=1e-11)
        assert proof.duality_gap == pytest.approx(-proof.objective, rel=1e-12)
        proof = certify(market, none, [1.0, 1.0], [1.0], utility=utility)
        assert proof.objective == -math.inf
        assert proof.gap_per_user == math.inf
        proof = certify(
            market, none, [1.0, 1.0], [1.0], utility=utility, fairness=Fairness(0.5)
        )
        assert proof.objective == 0.0
        assert proof.gap_per_user == math.inf
        assert not proof.holds(1e300)


def test_who_lacks_one_node_is_degenerate_where_all_are_needed() -> None:
    market = Market.from_arrays(
        [1.0, 1.0], [2.0, 0.0], [1.0, 1.0], [[1, 1], [1, 0]], users=["ann", "bob"]
    )
    given, lam, mu = [[0.0, 0.0], [1.0, 0.0]], [0.0, 0.0], [0.0, 1.0]
    for utility in (COBB_DOUGLAS, LEONTIEF, ces(0.5)):
        lacking = r"every node .* got degenerate user ann \(node 1 has no capacity\)"
        with pytest.raises(DomainError, match=lacking):
            certify(market, given, lam, mu, utility=utility)
        poor = Market.from_arrays([0.0, 1.0], [2.0, 1.0], [0.0], [[1.0, 1.0]])
        with pytest.raises(DomainError, match=r"user 0 \(no budget for node 1\)"):
            certify(poor, [[0.0, 0.0]], lam, [1.0], utility=utility)
        proof = certify(market, given, lam, mu, utility=utility, drop_degenerate=True)
        assert proof.objective == pytest.approx(0.0, abs=1e-15)
        assert proof.holds(1e-12)
        assert proof.utility_error[0] == 0.0
    # With substitutes the closed node is left aside, whatever its shadow price.
    alone = Market.from_arrays([1.0, 1.0], [2.0, 0.0], [1.0], [[1.0, 1.0]])
    proof = certify(alone, [[1.0, 0.0]], [0.0, 0.0], [1.0], utility=ces(2.0))
    assert proof.holds(1e-12)
    closed = Market.from_arrays([1.0], [0.0], [1.0], [[1.0]])
    with pytest.raises(DomainError, match=r"a node with .* got degenerate user 0"):
        certify(closed, [[0.0]], [0.0], [0.0], utility=ces(2.0))


def test_who_has_no_limit_is_unbounded() -> None:
    market = Market.from_arrays(
        [0.0, 1.0], [math.inf, 2.0], [1.0], [[1.0, 1.0]], users=["zoe"]
    )
    for utility in (COBB_DOUGLAS, ces(0.5), ces(2.0)):
        with pytest.raises(DomainError, match=r"each node .* amounts of user zoe"):
            certify(market, [[1.0, 1.0]], [0, 0], [1], utility=utility)
    proof = certify(market, [[1.0, 1.0]], [0, 0], [1], utility=LEONTIEF)
    assert proof.holds(1e-12)
    free = Market.from_arrays([0.0], [math.inf], [1.0], [[1.0]], users=["zoe"])
    with pytest.raises(DomainError, match=r"some node .* amounts of user zoe"):
        certify(free, [[1.0]], [0], [1], utility=LEONTIEF)


def test_user_weights_of_another_market_are_refused() -> None:
    market = random_market(0, 3, 2)
    with pytest.raises(ShapeError, match="user_weight: expected 3 numbers"):
        certify(market, market.weight, [0, 0], [1, 1, 1], fairness=Fairness(1, WEIGHTS))
