"""The families of utility against textbook sums, searches and differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
from oracles.edge_utilities import least_cost, utility_value
from scipy import sparse

from stackelberg.edge import COBB_DOUGLAS, LEONTIEF, LINEAR, Utility, ces
from stackelberg.errors import ConfigError, DomainError

FAMILIES = [LINEAR, COBB_DOUGLAS, LEONTIEF, ces(0.3), ces(0.9), ces(1.5), ces(4.0)]
WEIGHT = sparse.csr_array(
    [[2.0, 0.0, 0.5], [0.0, 0.0, 0.0], [1.0, 3.0, 0.2], [0.0, 0.7, 0.0]]
)
COST = np.array([0.4, 2.0, 0.3, 1.5, 0.9, 5.0])
SMOOTH = [u for u in FAMILIES if u is not LINEAR]


def rows():
    """Slices of the edges of users that reach something."""
    bounds = WEIGHT.indptr
    return {j: slice(bounds[j], bounds[j + 1]) for j in (0, 2, 3)}


@pytest.mark.parametrize("utility", FAMILIES, ids=str)
def test_values_and_least_costs(utility: Utility) -> None:
    amount = np.array([0.3, 1.2, 0.8, 2.0, 0.1, 4.0])
    value = utility.value(WEIGHT, amount)
    cost = utility.unit_expenditure(WEIGHT, COST)
    assert value[1] == 0.0
    assert cost[1] == math.inf
    for j, row in rows().items():
        args = utility.family, utility.elasticity, WEIGHT.data[row]
        assert value[j] == pytest.approx(utility_value(*args, amount[row]), rel=1e-13)
        assert cost[j] == pytest.approx(least_cost(*args, COST[row]), rel=1e-7)


@pytest.mark.parametrize("utility", FAMILIES, ids=str)
def test_the_demand_buys_one_unit_at_least_cost(utility: Utility) -> None:
    demand = utility.unit_demand(WEIGHT, COST)
    value = utility.value(WEIGHT, demand)
    cost = utility.unit_expenditure(WEIGHT, COST)
    for j, row in rows().items():
        assert value[j] == pytest.approx(1.0, rel=1e-13)
        assert COST[row] @ demand[row] == pytest.approx(cost[j], rel=1e-13)


@pytest.mark.parametrize("utility", SMOOTH, ids=str)
def test_the_demand_is_the_slope_of_the_least_cost(utility: Utility) -> None:
    demand = utility.unit_demand(WEIGHT, COST)
    for edge in range(len(COST)):
        step = np.zeros(len(COST))
        step[edge] = 1e-6
        high, low = (
            utility.unit_expenditure(WEIGHT, COST + sign * step)[[0, 2, 3]].sum()
            for sign in (1.0, -1.0)
        )
        slope = (high - low) / 2e-6
        assert slope == pytest.approx(demand[edge], rel=1e-6, abs=1e-8)


@pytest.mark.parametrize(
    ("utility", "value", "cost"),
    [
        (LINEAR, 1.0, 0.0),
        (ces(2.0), 1.0, 0.0),
        (COBB_DOUGLAS, 0.0, 0.0),
        (ces(0.5), 0.0, 1.0),
        (LEONTIEF, 0.0, 1.0),
    ],
    ids=str,
)
def test_nothing_at_one_node_and_a_node_for_nothing(
    utility: Utility, value: float, cost: float
) -> None:
    both = sparse.csr_array([[1.0, 1.0]])
    assert utility.value(both, np.array([1.0, 0.0]))[0] == value
    assert utility.unit_expenditure(both, np.array([0.0, 1.0]))[0] == cost
    assert utility.needs_every_node == (value == 0.0)


def test_amounts_of_any_unit_neither_overflow_nor_vanish() -> None:
    both = sparse.csr_array([[1.0, 2.0]])
    for utility in FAMILIES:
        for unit in (1e-150, 1e150):
            amounts = np.array([1.0, 3.0])
            ratio = utility.value(both, amounts * unit) / utility.value(both, amounts)
            assert ratio[0] == pytest.approx(unit, rel=1e-12)


def test_names_of_what_lies_between() -> None:
    assert ces(0.5).substitution == 0.5
    assert LEONTIEF.substitution == 0.0
    assert COBB_DOUGLAS.substitution == 1.0
    assert LINEAR.substitution == math.inf
    assert Utility() == LINEAR


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        (("ces",), ConfigError, "elasticity: expected a number > 0 with family ces"),
        (("linear", 2.0), ConfigError, "elasticity: expected none with family linear"),
        (("ces", 1.0), DomainError, "elasticity: .* other than 1 .* got 1.0"),
        (("ces", 0.0), DomainError, "elasticity: .* got 0.0"),
        (("ces", math.inf), DomainError, "elasticity: .* got inf"),
        (("ces", math.nan), DomainError, "elasticity: .* got nan"),
        (("ces", "2"), ConfigError, "elasticity: expected a number > 0, got '2'"),
        (("leontieff",), ConfigError, "family: expected one of .*leontief.*"),
    ],
)
def test_what_is_no_utility_is_refused(arguments, kind, text: str) -> None:
    with pytest.raises(kind, match=text):
        Utility(*arguments)
