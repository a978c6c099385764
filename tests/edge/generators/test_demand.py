"""Demand over time: steps as small as asked, budgets that stay near their own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stackelberg.edge import drifting_budgets, generate, markets_over_time
from stackelberg.errors import ConfigError, DomainError, ShapeError

CITY = generate(seed=0, num_users=500, num_nodes=20)


def test_the_first_step_is_the_markets_own() -> None:
    budgets = drifting_budgets(CITY, seed=1, steps=3)
    assert budgets.shape == (3, 500)
    assert np.array_equal(budgets[0], CITY.budget)
    assert np.array_equal(budgets, drifting_budgets(CITY, seed=1, steps=3))
    assert not np.array_equal(budgets[1], drifting_budgets(CITY, seed=2, steps=2)[1])


def test_steps_are_as_large_as_asked_and_do_not_run_away() -> None:
    budgets = drifting_budgets(CITY, seed=1, steps=400, change=0.1, spread=0.4)
    logs = np.log(budgets / CITY.budget)
    assert np.diff(logs, axis=0).std() == pytest.approx(0.1, rel=0.05)
    assert logs[200:].std() == pytest.approx(0.4, rel=0.1)
    still = drifting_budgets(CITY, seed=1, steps=4, change=0.0, spread=0.0)
    assert np.all(still == CITY.budget)


def test_markets_follow_with_everything_else_the_same() -> None:
    budgets = drifting_budgets(CITY, seed=1, steps=3)
    markets = list(markets_over_time(CITY, budgets))
    assert [m.budget.tolist() for m in markets] == budgets.tolist()
    assert all(m.weight is CITY.weight or (m.weight != CITY.weight).nnz == 0
               for m in markets)  # fmt: skip
    assert all(np.array_equal(m.price, CITY.price) for m in markets)


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ({"seed": -1, "steps": 1}, DomainError, "seed: expected a whole number >= 0"),
        ({"seed": 0, "steps": 0}, DomainError, "steps: expected a whole number >= 1"),
        ({"seed": 0, "steps": 1.5}, ConfigError, "steps: expected a whole number"),
        (
            {"seed": 0, "steps": 1, "change": 0.6},
            DomainError,
            "change: expected a number from 0 to spread, 0.5, got 0.6",
        ),
    ],
)
def test_wrong_arguments_are_refused(arguments: Any, kind: Any, text: str) -> None:
    with pytest.raises(kind, match=text):
        drifting_budgets(CITY, **arguments)


def test_budgets_of_another_shape_are_refused() -> None:
    with pytest.raises(ShapeError, match="budgets: expected steps x 500 users, got"):
        next(markets_over_time(CITY, np.ones((2, 3))))
