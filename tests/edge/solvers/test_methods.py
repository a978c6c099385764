"""`allocate` by each method: they agree, say who they are, and keep its promises."""

from __future__ import annotations

import numpy as np
import pytest
from edge.markets import random_market
from edge.solvers.test_first_order import certified, problem_of

from stackelberg.edge import Fairness, Market, allocate, generate
from stackelberg.edge.solvers.central_path import follow_path
from stackelberg.edge.solvers.interior_point import interior_point
from stackelberg.edge.solvers.method_choice import METHODS, WORDS, Method
from stackelberg.edge.solvers.sparse_factor import pattern_of
from stackelberg.edge.utilities import ces
from stackelberg.errors import ConfigError
from stackelberg.game import Status


def test_a_sparse_factor_leads_where_the_dense_one_does() -> None:
    market = generate(seed=4, num_users=3000, num_nodes=120, nearest=6)
    problem = problem_of(market)
    pattern = pattern_of(problem.indptr, problem.node, 120)
    dense = interior_point(problem, 1e-10)
    sparse = interior_point(problem, 1e-10, pattern=pattern)
    assert abs(sparse.iterations - dense.iterations) <= 1
    np.testing.assert_allclose(sparse.history[:8], dense.history[:8], rtol=1e-6)
    assert certified(market, sparse, violation=1e-8).gap_per_user <= 1e-9


def test_the_central_path_is_the_same_with_a_sparse_factor() -> None:
    market = generate(seed=4, num_users=9000, num_nodes=30, nearest=3)
    problem = problem_of(market)
    dense = follow_path(problem, 1e-2)
    sparse = follow_path(
        problem, 1e-2, pattern=pattern_of(problem.indptr, problem.node, 30)
    )
    assert dense is not None
    assert sparse is not None
    assert sparse.passes == dense.passes
    np.testing.assert_allclose(sparse.lam, dense.lam, rtol=1e-6)


def test_a_sparse_factor_bears_nodes_without_limit_and_threads() -> None:
    plain = generate(seed=5, num_users=9000, num_nodes=300, nearest=6)
    capacity = np.where(np.arange(300) % 9 == 0, np.inf, plain.capacity)
    market = Market.from_arrays(plain.price, capacity, plain.budget, plain.weight)
    one = allocate(market, 1e-8, method="sparse", threads=1)
    two = allocate(market, 1e-8, method="sparse", threads=2)
    assert one.status is Status.CONVERGED
    assert one.value.allocation.data.tobytes() == two.value.allocation.data.tobytes()
    dense = allocate(market, 1e-8, method="dense")
    np.testing.assert_allclose(one.value.utility, dense.value.utility, rtol=1e-3)
    assert one.certificate.objective == pytest.approx(
        dense.certificate.objective, abs=9000 * 2e-8
    )


@pytest.mark.parametrize("alpha", [0.5, 1.0, 3.0])
def test_methods_agree_on_every_fairness(alpha: float) -> None:
    market = generate(seed=6, num_users=800, num_nodes=60, nearest=5)
    weight = np.random.default_rng(1).lognormal(1.0, 0.5, 800)
    fairness = Fairness(alpha, weight)
    exact = allocate(market, 1e-8, fairness=fairness, method="dense")
    tolerances: dict[Method, float] = {"sparse": 1e-8, "first_order": 1e-4}
    for method, tolerance in tolerances.items():
        found = allocate(market, tolerance, fairness=fairness, method=method)
        assert found.status is Status.CONVERGED
        assert found.certificate.gap_per_user <= tolerance
        lost = exact.certificate.objective - found.certificate.objective
        money = exact.certificate.duality_gap / exact.certificate.gap_per_user
        assert -2e-8 <= lost / money <= tolerance


def test_the_method_is_named_and_its_memory_foretold() -> None:
    market = generate(seed=1, num_users=600, num_nodes=50)
    for method in METHODS:
        stats = allocate(market, 1e-3, method=method).stats
        assert stats["method"] == WORDS[method]
        assert int(str(stats["predicted_bytes"])) > 16 * market.num_edges
    assert allocate(market, 1e-3).stats["method"] == "interior point"


def test_many_nodes_without_order_go_to_the_first_order_method() -> None:
    draw = np.random.default_rng(0)
    node = np.arange(10) * 90 + draw.integers(0, 90, (2000, 10))
    plain = random_market(0, 2000, 900, 1)
    weight = plain.weight.tolil()
    weight[:] = 0.0
    for k in range(10):
        weight[np.arange(2000), node[:, k]] = draw.lognormal(0.0, 0.3, 2000)
    market = Market.from_arrays(
        plain.price, plain.capacity, plain.budget, weight.tocsr()
    )
    found = allocate(market, 1e-3)
    assert found.stats["method"] == "first order"
    assert found.status is Status.CONVERGED
    assert allocate(market, 1e-3, max_iterations=10).status is Status.MAX_ITERATIONS


def test_the_first_order_method_starts_from_all_of_an_old_answer() -> None:
    market = generate(seed=7, num_users=900, num_nodes=80)
    fairness = Fairness(1.0, np.random.default_rng(2).lognormal(2.0, 0.4, 900))
    old = allocate(market, 1e-6, fairness=fairness)
    budget = market.budget * np.random.default_rng(0).uniform(0.999, 1.001, 900)
    near = Market.from_arrays(market.price, market.capacity, budget, market.weight)
    cold, warm = (
        allocate(near, 1e-3, fairness=fairness, method="first_order", warm_start=start)
        for start in (None, old)
    )
    assert warm.status is cold.status is Status.CONVERGED
    assert warm.iterations < cold.iterations / 3


def test_nodes_and_users_without_use_are_borne_by_every_method() -> None:
    plain = random_market(3, 60, 20, 5)
    capacity = np.where(np.arange(20) == 4, 0.0, plain.capacity)
    price = np.where(np.arange(20) == 7, 0.0, plain.price)
    market = Market.from_arrays(price, capacity, plain.budget, plain.weight)
    for method in METHODS:
        found = allocate(market, 1e-4, method=method, drop_degenerate=True)
        assert found.status is Status.CONVERGED
        assert found.value.load[4] == 0.0


def test_methods_that_do_not_exist_or_fit_are_refused() -> None:
    market = generate(seed=1, num_users=20, num_nodes=5)
    with pytest.raises(ConfigError, match=r"first_order.*got 'first-order'"):
        allocate(market, method="first-order")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ConfigError, match="none with other than linear"):
        allocate(market, utility=ces(2.0), method="dense")
