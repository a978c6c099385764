"""Generated markets: reproducible, shaped like the data they are calibrated on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stackelberg.edge import allocate, generate
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


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ({"seed": -1}, DomainError, "seed: expected a whole number >= 0, got -1"),
        ({"seed": 0.5}, ConfigError, "seed: expected a whole number, got 0.5"),
        ({"seed": 0, "num_users": 0}, DomainError, "num_users: expected .* >= 1"),
        ({"seed": 0, "radius_m": 0.0}, DomainError, "radius_m: expected a finite"),
        ({"seed": 0, "nearest": 0}, DomainError, "nearest: expected .* >= 1, got 0"),
        ({"seed": 0, "regime": "balance"}, ConfigError, "did you mean 'balanced'"),
    ],
)
def test_wrong_arguments_are_refused(arguments: Any, kind: Any, text: str) -> None:
    with pytest.raises(kind, match=text):
        generate(**arguments)
