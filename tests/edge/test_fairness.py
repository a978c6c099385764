"""Weighted alpha-fair welfare against searches and differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
from oracles.edge_utilities import conjugate, welfare

from stackelberg.edge import PROPORTIONAL, Fairness
from stackelberg.errors import ConfigError, DomainError, ShapeError

ALPHAS = [0.3, 0.9, 1.0, 1.1, 2.0, 5.0]
U = np.array([0.2, 0.9, 1.7, 4.0])
B = np.array([1.0, 2.5, 0.3, 1.7])


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("b", [None, B])
def test_welfare_and_its_conjugate_against_a_search(alpha: float, b) -> None:
    fairness = Fairness(alpha, b)
    each = np.ones(4) if b is None else b
    expected = [welfare(alpha, k, u) for k, u in zip(each, U, strict=True)]
    np.testing.assert_allclose(fairness.welfare(U), expected, rtol=1e-13)
    e = np.array([0.5, 3.0, 1.0, 0.7])
    expected = [conjugate(alpha, k, x) for k, x in zip(each, e, strict=True)]
    np.testing.assert_allclose(fairness.conjugate(e), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_slope_demand_and_money_fit_the_welfare(alpha: float) -> None:
    fairness = Fairness(alpha, B)
    step = 1e-6
    slope = (fairness.welfare(U + step) - fairness.welfare(U - step)) / (2.0 * step)
    np.testing.assert_allclose(fairness.marginal(U), slope, rtol=1e-6)
    np.testing.assert_allclose(fairness.demand(fairness.marginal(U)), U, rtol=1e-13)
    money = U * fairness.marginal(U)
    np.testing.assert_allclose(fairness.virtual_money(U), money, rtol=1e-13)
    e = fairness.marginal(U)
    touching = fairness.welfare(U) - e * U
    np.testing.assert_allclose(fairness.conjugate(e), touching, rtol=1e-9)


def test_nobody_at_zero_is_forgotten_where_alpha_is_one_or_more() -> None:
    nothing = np.zeros(1)
    assert Fairness(0.5).welfare(nothing)[0] == 0.0
    assert PROPORTIONAL.welfare(nothing)[0] == -math.inf
    assert Fairness(3.0).welfare(nothing)[0] == -math.inf
    assert Fairness(0.5).conjugate(nothing)[0] == math.inf
    assert PROPORTIONAL.conjugate(nothing)[0] == math.inf
    assert Fairness(3.0).conjugate(nothing)[0] == 0.0


def test_weights_are_copied_and_follow_the_users() -> None:
    own = B.copy()
    fairness = Fairness(2.0, own)
    own[0] = 99.0
    assert fairness.weights(4).tolist() == B.tolist()
    assert fairness.of(slice(1, 3)).weights(2).tolist() == [2.5, 0.3]
    assert Fairness(2.0).of(slice(1, 3)).user_weight is None
    assert PROPORTIONAL.weights(3).tolist() == [1.0, 1.0, 1.0]
    assert PROPORTIONAL.is_plain
    assert not fairness.is_plain
    assert not Fairness(1.0, B).is_plain
    with pytest.raises(ShapeError, match="user_weight: expected 3 numbers, one per"):
        fairness.weights(3)


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ((0.0,), DomainError, "alpha: expected a finite number > 0, got 0.0"),
        ((math.inf,), DomainError, "alpha: expected a finite number > 0, got inf"),
        ((math.nan,), DomainError, "alpha: expected .* got nan"),
        (("1",), ConfigError, "alpha: expected a number, got '1'"),
        ((True,), ConfigError, "alpha: expected a number, got True"),
        ((1.0, [1.0, 0.0]), DomainError, r"user_weight\[1\]: .* > 0, got 0.0"),
        ((1.0, [math.inf]), DomainError, r"user_weight\[0\]: .* got inf"),
        ((1.0, [[1.0]]), ShapeError, "user_weight: expected one axis of numbers"),
        ((1.0, ["a"]), ConfigError, "user_weight: expected a list of numbers"),
        ((1.0, [[1.0], [1.0, 2.0]]), ConfigError, "user_weight: expected a list"),
    ],
)
def test_what_is_no_fairness_is_refused(arguments, kind, text: str) -> None:
    with pytest.raises(kind, match=text):
        Fairness(*arguments)
