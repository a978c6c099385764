"""Generated markets: reproducible, shaped like the data they are calibrated on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stackelberg.edge import (
    HEAVY_SPREAD,
    Positions,
    Terms,
    allocate,
    from_positions,
    generate,
)
from stackelberg.errors import ConfigError, DomainError
from stackelberg.game import Status


def test_the_same_seed_gives_the_same_bits() -> None:
    one, same, other = generate(seed=1), generate(seed=1), generate(seed=2)
    assert np.array_equal(one.weight.data, same.weight.data)
    assert np.array_equal(one.budget, same.budget)
    assert not np.array_equal(one.price, other.price)


def test_more_users_move_no_site() -> None:
    few, many = generate(seed=1, num_users=10), generate(seed=1, num_users=50)
    assert np.array_equal(few.price, many.price)
    pattern_few, pattern_many = few.weight != 0.0, many.weight[:10] != 0.0
    assert (pattern_few != pattern_many).nnz == 0


def test_reach_is_as_sparse_as_in_melbourne() -> None:
    for radius, sites in ((150.0, 4.3), (200.0, 7.6), (400.0, 25.9)):
        market = generate(seed=3, num_users=4000, num_nodes=125, radius_m=radius)
        mean = market.num_edges / market.num_users
        assert 0.6 * sites < mean < 1.1 * sites  # the border cuts reach short
    assert np.diff(market.weight.indptr).min() >= 1


def test_a_user_far_from_all_sites_reaches_the_nearest() -> None:
    market = generate(seed=3, num_users=200, num_nodes=5, radius_m=1.0)
    assert np.all(np.diff(market.weight.indptr) == 1)


def test_a_number_of_nearest_sites_may_be_asked_for() -> None:
    market = generate(seed=3, num_users=50, num_nodes=20, nearest=8)
    assert np.all(np.diff(market.weight.indptr) == 8)
    assert generate(seed=3, num_users=5, num_nodes=3, nearest=8).num_edges == 15


@pytest.mark.parametrize(
    ("regime", "share"),
    [("balanced", 1.0), ("budget_rich", 4.0), ("capacity_rich", 0.25)],
)
def test_regimes_set_money_against_capacity(regime: Any, share: float) -> None:
    market = generate(seed=0, num_users=300, regime=regime)
    assert market.budget.sum() == pytest.approx(
        share * (market.price @ market.capacity)
    )
    solution = allocate(market)
    assert solution.status is Status.CONVERGED
    spent = solution.value.spend.sum() / market.budget.sum()
    assert (spent > 0.9) == (regime == "capacity_rich")


def test_resources_stand_side_by_side_on_the_same_sites() -> None:
    one = generate(seed=4, num_users=30, num_nodes=6)
    both = generate(seed=4, num_users=30, num_nodes=6, resources=["cpu", "memory"])
    assert both.resources == ("cpu", "memory")
    cpu, memory = both.by_resource().values()
    assert np.array_equal(cpu.budget, one.budget)
    assert np.array_equal(cpu.weight.data, one.weight.data)
    assert np.array_equal(memory.weight.indices, one.weight.indices)
    assert not np.array_equal(memory.budget, one.budget)
    assert memory.budget.sum() == pytest.approx(memory.price @ memory.capacity)


def test_heavy_tailed_budgets_are_as_uneven_as_traffic() -> None:
    market = generate(seed=5, num_users=100_000, nearest=1, budget_spread=HEAVY_SPREAD)
    richest = np.sort(market.budget)[-1_000:]
    assert 0.5 < richest.sum() / market.budget.sum() < 0.75


def test_a_city_may_be_given() -> None:
    places = Positions(
        nodes=np.array([[0.0, 0.0], [100.0, 0.0]]),
        users=np.array([[0.0, 0.0], [0.0, 150.0], [90.0, 0.0], [5e3, 0.0]]),
    )
    market = from_positions(
        places, Terms(taste_spread=0.0), radius_m=160.0, nodes=["a", "b"],
        price=[1.0, 2.0], capacity=[5.0, 6.0],
    )  # fmt: skip
    distances = np.array(
        [[0.0, 100.0], [150.0, np.inf], [90.0, 10.0], [np.inf, 4_900.0]]
    )
    expected = 1.0 / (1.0 + (distances / 150.0) ** 2)
    np.testing.assert_allclose(market.weight.toarray(), expected)
    assert market.budget.sum() == pytest.approx(17.0)
    assert market.nodes.tolist() == ["a", "b"]
    given = from_positions(
        places, Terms(), radius_m=160.0, weight=np.arange(1.0, 9.0).reshape(4, 2)
    )
    assert given.weight.toarray().tolist() == [[1, 2], [3, 0], [5, 6], [0, 8]]


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ({"seed": -1}, DomainError, "seed: expected a whole number >= 0, got -1"),
        ({"seed": 0.5}, ConfigError, "seed: expected a whole number, got 0.5"),
        ({"seed": 0, "num_users": 0}, DomainError, "num_users: expected .* >= 1"),
        ({"seed": 0, "radius_m": 0.0}, DomainError, "radius_m: expected a finite"),
        ({"seed": 0, "nearest": 0}, DomainError, "nearest: expected .* >= 1, got 0"),
        ({"seed": 0, "budget_spread": -1}, DomainError, "budget_spread: expected a nu"),
        ({"seed": 0, "resources": "cpu"}, ConfigError, "resources: expected one or m"),
        ({"seed": 0, "resources": []}, ConfigError, "resources: expected one or more"),
        ({"seed": 0, "resources": ["a", "a"]}, ConfigError, "resources: expected one "),
        ({"seed": 0, "regime": "balance"}, ConfigError, "did you mean 'balanced'"),
    ],
)
def test_wrong_arguments_are_refused(arguments: Any, kind: Any, text: str) -> None:
    with pytest.raises(kind, match=text):
        generate(**arguments)
