"""What a market accepts, and what it says of what it does not."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from stackelberg.edge import Market
from stackelberg.errors import ConfigError, DomainError, InputError, ShapeError

PRICE, CAPACITY, BUDGET = [1.0, 2.0], [3.0, 4.0], [1.0, 2.0, 3.0]
WEIGHT = [[1.0, 0.0], [2.0, 1.0], [0.0, 5.0]]

BAD = [
    ("price", [1.0, -2.0], DomainError,
     r"price\[1\]: expected a finite number >= 0, got -2"),
    ("price", [1.0, np.nan], DomainError, r"price\[1\]: expected a finite .*, got nan"),
    ("price", [np.inf, 1.0], DomainError, r"price\[0\]: expected a finite .*, got inf"),
    ("capacity", [1.0, -0.5], DomainError,
     r"capacity\[1\]: expected a number >= 0, got -0.5"),
    ("capacity", [np.nan, 1.0], DomainError, r"capacity\[0\]: .*, got nan"),
    ("budget", [1.0, -1.0, 1.0], DomainError, r"budget\[1\]: .*, got -1.0"),
    ("budget", [1.0, 1.0, np.nan], DomainError, r"budget\[2\]: .*, got nan"),
    ("weight", [[1.0, 0.0], [-2.0, 1.0], [0.0, 5.0]], DomainError,
     r"weight\[1, 0\]: expected a finite number >= 0, got -2.0"),
    ("weight", [[1.0, 0.0], [2.0, 1.0], [0.0, np.inf]], DomainError,
     r"weight\[2, 1\]: expected a finite number >= 0, got inf"),
    ("weight", [[np.nan, 0.0], [2.0, 1.0], [0.0, 1.0]], DomainError,
     r"weight\[0, 0\]: .*, got nan"),
    ("weight", [[1.0, 0.0]], ShapeError, r"weight: expected shape \[3, 2\]"),
    ("weight", [1.0, 2.0], ShapeError, r"weight: expected two axes, users x nodes"),
    ("weight", "heavy", ConfigError, r"weight: expected numbers, users x nodes"),
    ("capacity", [1.0], ShapeError, r"capacity: expected 2 entries"),
    ("price", [[1.0, 2.0]], ShapeError, r"price: expected one axis of numbers"),
    ("budget", ["a", "b", "c"], ConfigError, r"budget: expected a list of numbers"),
    ("nodes", ["a", "a"], ConfigError,
     r"nodes: expected each name once .*, got a again"),
    ("nodes", ["a"], ShapeError, r"nodes: expected 2 entries"),
    ("users", [1.5, 2.5, 3.5], ConfigError, r"users: expected whole numbers, or text"),
]  # fmt: skip


def market(**changes) -> Market:
    given: dict[str, Any] = {
        "price": PRICE,
        "capacity": CAPACITY,
        "budget": BUDGET,
        "weight": WEIGHT,
    }
    return Market.from_arrays(**{**given, **changes})


@pytest.mark.parametrize(("argument", "value", "kind", "text"), BAD)
def test_a_wrong_number_is_named_by_table_row_and_column(
    argument: str, value: object, kind: type[InputError], text: str
) -> None:
    with pytest.raises(kind, match=text):
        market(**{argument: value})


def test_a_wrong_number_is_named_by_the_users_own_names() -> None:
    with pytest.raises(DomainError, match=r"weight\[bob, n2\]: .* got -1.0"):
        market(
            weight=[[1.0, 0.0], [2.0, -1.0], [0.0, 5.0]],
            users=["ann", "bob", "cy"],
            nodes=["n1", "n2"],
        )


def test_a_market_is_read_only_and_apart_from_the_callers_arrays() -> None:
    price = np.array(PRICE)
    given = sparse.csr_array(WEIGHT)
    made = market(price=price, weight=given)
    price[0] = 9.0
    assert made.price[0] == 1.0
    assert not made.price.flags.writeable
    assert made.num_edges == 4
    assert (made.num_users, made.num_nodes) == (3, 2)


def test_stored_zeros_are_out_of_reach_and_duplicates_add_up() -> None:
    given = sparse.coo_array(
        ([1.0, 2.0, 0.0, 4.0], ([0, 0, 1, 1], [1, 1, 0, 1])), shape=(2, 2)
    )
    made = market(budget=[1.0, 1.0], weight=given)
    assert made.weight.toarray().tolist() == [[0.0, 3.0], [0.0, 4.0]]
    assert made.num_edges == 2


@pytest.mark.parametrize(
    ("changes", "degenerate"),
    [
        ({"weight": [[0.0, 0.0], [2.0, 1.0], [0.0, 5.0]]}, [0]),
        ({"budget": [0.0, 2.0, 3.0]}, [0]),
        ({"budget": [0.0, 2.0, 3.0], "price": [0.0, 2.0]}, []),
        ({"capacity": [0.0, 4.0]}, [0]),
        ({"capacity": [0.0, 0.0]}, [0, 1, 2]),
        ({}, []),
    ],
)
def test_degenerate_users_are_found(changes: dict, degenerate: list[int]) -> None:
    assert market(**changes).degenerate_users().tolist() == degenerate


@pytest.mark.parametrize(
    ("changes", "unbounded"),
    [
        ({"capacity": [np.inf, 4.0]}, []),
        ({"budget": [np.inf, 2.0, np.inf]}, []),
        ({"capacity": [np.inf, 4.0], "budget": [np.inf, 2.0, 3.0]}, [0]),
        ({"capacity": [np.inf, 4.0], "price": [0.0, 2.0]}, [0, 1]),
    ],
)
def test_unbounded_users_are_found(changes: dict, unbounded: list[int]) -> None:
    assert market(**changes).unbounded_users().tolist() == unbounded


def test_resource_types_lie_side_by_side() -> None:
    cpu = market(users=["a", "b", "c"], nodes=["x", "y"])
    gpu = Market.from_arrays([5.0], [1.0], [7.0], [[2.0]], users=["b"], nodes=["y"])
    both = Market.side_by_side({"cpu": cpu, "gpu": gpu})
    assert both.resources == ("cpu", "gpu")
    assert (both.num_users, both.num_nodes, both.num_edges) == (4, 3, 5)
    parts = both.by_resource()
    assert parts["gpu"].budget.tolist() == [7.0]
    assert parts["gpu"].users.tolist() == ["b"]
    assert parts["gpu"].resources == ("gpu",)
    assert (parts["cpu"].weight != cpu.weight).nnz == 0
    with pytest.raises(ConfigError, match="resource: expected one of 'cpu', 'gpu'"):
        both.rows_of("gpus")


def test_reach_stays_within_a_type() -> None:
    with pytest.raises(DomainError, match=r"weight\[1, 0\]: .* of one resource type"):
        Market(
            price=np.ones(2),
            capacity=np.ones(2),
            budget=np.ones(2),
            weight=sparse.csr_array([[1.0, 0.0], [1.0, 1.0]]),
            nodes=np.arange(2),
            users=np.arange(2),
            resources=("cpu", "gpu"),
            node_type=np.array([0, 1]),
            user_type=np.array([0, 1]),
        )


def test_no_types_or_nested_types_are_refused() -> None:
    both = Market.side_by_side({"cpu": market(), "gpu": market()})
    with pytest.raises(ConfigError, match="expected one per resource type, got none"):
        Market.side_by_side({})
    with pytest.raises(ConfigError, match=r"markets\['x'\]: .*, got 2 types"):
        Market.side_by_side({"x": both})


def test_costs_are_zero_unless_given_and_go_with_their_nodes() -> None:
    free = market()
    assert free.cost.tolist() == [0.0] * free.num_nodes
    one = Market.from_arrays([1.0, 1.0], [1.0, 1.0], [1.0], [[1.0, 1.0]], cost=[0.5, 0])
    both = Market.side_by_side({"cpu": free, "gpu": one})
    assert both.cost.tolist() == [*free.cost.tolist(), 0.5, 0.0]
    assert both.by_resource()["gpu"].cost.tolist() == [0.5, 0.0]
    assert not one.cost.flags.writeable


@pytest.mark.parametrize(
    ("cost", "kind", "text"),
    [
        ([1.0], ShapeError, r"cost: expected 2 entries, one per row of nodes"),
        ([], ShapeError, r"cost: expected 2 entries, one per row of nodes"),
        ([0.0, -1.0], DomainError, r"cost\[1\]: expected a finite number >= 0, got -1"),
        ([math.inf, 0.0], DomainError, r"cost\[0\]: expected a finite number >= 0"),
        ([0.0, math.nan], DomainError, r"cost\[1\]: .* got nan"),
        (["1", "2"], ConfigError, r"cost: expected a list of numbers"),
    ],
)
def test_a_wrong_cost_is_refused(cost: Any, kind: type[InputError], text: str) -> None:
    with pytest.raises(kind, match=text):
        Market.from_arrays([1.0, 1.0], [1.0, 1.0], [1.0], [[1.0, 1.0]], cost=cost)
