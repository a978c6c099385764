"""Where nodes and users of a market stand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stackelberg.edge import Market, Positions, generate
from stackelberg.errors import ConfigError, DomainError, InputError, ShapeError

NODES, USERS = [[0.0, 0.0], [100.0, 50.0]], [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
WEIGHT = [[1.0, 0.0], [2.0, 1.0], [0.0, 5.0]]


def market(positions: Any) -> Market:
    return Market.from_arrays(
        [1.0, 2.0], [3.0, 4.0], [1.0, 2.0, 3.0], WEIGHT, positions_m=positions
    )  # fmt: skip


def given(nodes: object, users: object) -> Positions:
    return Positions(nodes=nodes, users=users)  # type: ignore[arg-type]  # to be checked


def test_positions_are_kept_and_read_only() -> None:
    places = market(given(NODES, USERS)).positions_m
    assert places is not None
    assert places.nodes.tolist() == NODES
    assert places.users.tolist() == USERS
    with pytest.raises(ValueError, match="read-only"):
        places.users[0, 0] = 9.0
    assert market(None).positions_m is None


@pytest.mark.parametrize(
    ("positions", "kind", "text"),
    [
        (NODES, ConfigError, r"positions_m: expected Positions\(nodes, users\)"),
        (given("here", USERS), ConfigError, r"positions_m.nodes: expected metres"),
        (given(NODES[:1], USERS), ShapeError, r"positions_m.nodes: .* \[2, 2\]"),
        (given(NODES, NODES), ShapeError, r"positions_m.users: .* \[3, 2\]"),
        (
            given([[0.0, np.nan], [1.0, 1.0]], USERS),
            DomainError,
            r"positions_m.nodes\[0, 1\]: expected a finite number of metres, got nan",
        ),
    ],
)
def test_positions_that_do_not_fit_are_refused(
    positions: object, kind: type[InputError], text: str
) -> None:
    with pytest.raises(kind, match=text):
        market(positions)


def test_parts_and_types_side_by_side_keep_their_own() -> None:
    placed = market(given(NODES, USERS))
    both = Market.side_by_side({"cpu": placed, "memory": placed})
    assert both.positions_m is not None
    assert both.positions_m.users.tolist() == USERS + USERS
    again = both.by_resource()["memory"].positions_m
    assert again is not None
    assert again.nodes.tolist() == NODES
    some = placed.part(np.array([2, 0]), slice(0, 2)).positions_m
    assert some is not None
    assert some.users.tolist() == [USERS[2], USERS[0]]
    mixed = Market.side_by_side({"cpu": placed, "memory": market(None)})
    assert mixed.positions_m is None


def test_a_generated_market_knows_where_everybody_stands() -> None:
    made = generate(seed=4, num_users=60, num_nodes=30, radius_m=150.0)
    places = made.positions_m
    assert places is not None
    east, north = (places.users[:, None] - places.nodes[None]).transpose(2, 0, 1)
    distance = np.hypot(east, north)
    near = distance <= 150.0
    nearest = distance == distance.min(axis=1, keepdims=True)
    expected = near | (nearest & ~near.any(axis=1)[:, None])
    assert np.array_equal(made.weight.toarray() > 0.0, expected)
