"""Which method is taken for which market, and that a choice asked for is kept."""

from __future__ import annotations

import numpy as np
import pytest
from edge.solvers.test_first_order import problem_of

from stackelberg.edge import generate
from stackelberg.edge.solvers.locality import widest_front
from stackelberg.edge.solvers.method_choice import choose
from stackelberg.edge.solvers.problem import Problem


def scattered(users: int, nodes: int, reach: int) -> Problem:
    """A problem in which who reaches what has no order, never solved here."""
    draw = np.random.default_rng(0)
    strata = np.arange(reach) * (nodes // reach)
    node = strata + draw.integers(0, nodes // reach, (users, reach))
    return Problem(
        indptr=np.arange(users + 1) * reach,
        node=node.ravel(),
        weight=np.ones(users * reach),
        price=np.ones(nodes),
        capacity=np.ones(nodes),
        budget=np.ones(users),
    )


def city(users: int, nodes: int) -> Problem:
    return problem_of(generate(seed=0, num_users=users, num_nodes=nodes, nearest=8))


@pytest.mark.parametrize("tolerance", [1e-4, 1e-8])
def test_few_nodes_are_factored_densely(tolerance: float) -> None:
    assert choose(scattered(5000, 100, 10), tolerance).method == "dense"


def test_local_reach_is_factored_sparsely_and_the_pattern_kept() -> None:
    choice = choose(city(30_000, 1500), 1e-8)
    assert choice.method == "sparse"
    assert choice.pattern is not None
    assert choice.pattern.num_nodes == 1500
    assert choice.seconds["sparse"] < choice.seconds["dense"] / 3


def test_many_nodes_without_order_are_left_to_the_first_order_method() -> None:
    problem = scattered(4000, 3000, 20)
    assert choose(problem, 1e-3).method == "first_order"
    assert choose(problem, 1e-4).method == "first_order"
    assert choose(problem, 1e-9).method == "dense"
    assert choose(problem, 1e-4).pattern is None


def test_a_gap_of_a_thousandth_depends_on_what_a_matrix_costs() -> None:
    assert choose(scattered(20_000, 256, 8), 5e-4).method == "dense"
    assert choose(scattered(10_000, 1_000, 8), 5e-4).method == "first_order"


def test_a_matrix_that_has_no_room_is_not_chosen() -> None:
    problem = scattered(2000, 20_000, 20)
    assert choose(problem, 1e-9).method == "first_order"
    assert choose(problem, 1e-9, "dense").method == "dense"
    assert choose(problem, 1e-9, "dense").memory > 8 * 20_000**2


def test_smaller_gaps_cost_the_first_order_method_alone() -> None:
    problem = scattered(4000, 3000, 20)
    wide, narrow = (choose(problem, tol).seconds for tol in (1e-3, 1e-5))
    assert narrow["first_order"] > 4 * wide["first_order"]
    assert narrow["dense"] == wide["dense"]


def test_what_is_asked_for_is_taken() -> None:
    problem = city(3000, 300)
    assert choose(problem, 1e-8, "first_order").method == "first_order"
    assert choose(problem, 1e-8, "dense").method == "dense"
    assert choose(problem, 1e-8, "sparse").pattern is not None


def test_a_sparse_factor_asked_for_is_taken_though_it_does_not_pay() -> None:
    choice = choose(scattered(5000, 100, 10), 1e-8, "sparse")
    assert choice.method == "sparse"
    assert choice.seconds["sparse"] > choice.seconds["dense"]


def test_fronts_are_narrow_in_a_city_and_wide_where_anything_is_reached() -> None:
    near, far = city(20_000, 2000), scattered(20_000, 2000, 8)
    assert widest_front(near.indptr, near.node, 2000) < 0.15 * 2000
    assert widest_front(far.indptr, far.node, 2000) > 0.5 * 2000


def test_fronts_count_what_a_step_finds() -> None:
    """A line of ten nodes from its end, and three nodes that nobody shares."""
    pairs = [[i, i + 1] for i in range(9)] + [[10], [11], [12]]
    indptr = np.cumsum([0, *map(len, pairs)])
    node = np.concatenate(pairs)
    assert widest_front(indptr, node, 13) == 1
    star = [[0, i] for i in range(1, 8)]
    assert widest_front(np.arange(8) * 2, np.concatenate(star), 8) == 7


def test_a_node_that_all_reach_does_not_make_reach_less_local() -> None:
    near = city(20_000, 2000)
    indptr = near.indptr + np.arange(20_001)
    node = np.insert(near.node, near.indptr[1:], 2000)
    assert widest_front(indptr, node, 2001) < 0.15 * 2000
