"""The nodes' system where few pairs share users, against other arithmetic."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit
from scipy import sparse
from scipy.sparse.linalg import splu

from stackelberg.edge import generate
from stackelberg.edge.solvers.elimination_order import minimum_degree, shape_of
from stackelberg.edge.solvers.node_pairs import (
    neighbours,
    pair_table,
    pairs_by_bits,
    pairs_by_hash,
    subtract_user,
)
from stackelberg.edge.solvers.sparse_factor import (
    Pattern,
    assemble,
    factor,
    pattern_of,
    solve,
    useful_pattern,
    worth_it,
)


def reach_of(users: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """CSR bounds and nodes."""
    indptr = np.cumsum([0, *map(len, users)]).astype(np.int64)
    node = np.array([i for user in users for i in sorted(user)], dtype=np.int32)
    return indptr, node


def random_reach(seed: int, users: int, nodes: int, most: int):
    """Users that reach nodes near a random one on a line, some far ones too."""
    draw = np.random.default_rng(seed)
    label = draw.permutation(nodes)
    out = []
    for _ in range(users):
        centre = draw.integers(nodes)
        near = np.clip(centre + draw.integers(-4, 5, draw.integers(1, most + 1)), 0,
                       nodes - 1)  # fmt: skip
        far = draw.integers(nodes, size=1) if draw.random() < 0.02 else []
        out.append(sorted({*label[near].tolist(), *far}))
    return reach_of(out)


@njit
def sum_up(table, start, slot, indptr, node, one, two):
    """What a pass over the users does."""
    starts, slots = np.empty(1000, np.int64), np.empty(1000, np.int64)
    for j in range(len(indptr) - 1):
        e = indptr[j]
        subtract_user(
            table, start, slot, node, e, indptr[j + 1] - e, one[e:], two[e:],
            starts, slots,
        )  # fmt: skip


def system(pattern: Pattern, indptr, node, num_nodes: int, seed: int = 0):
    """A table and diagonal filled by the users, and the same matrix densely."""
    draw = np.random.default_rng(seed)
    one, two = draw.normal(size=(2, len(node)))
    table = np.zeros(pattern.table.size)
    t = pattern.table
    sum_up(table, t.start, t.slot, indptr, node, one, two)
    dense = np.zeros((num_nodes, num_nodes))
    for j in range(len(indptr) - 1):
        here = slice(indptr[j], indptr[j + 1])
        at = np.ix_(node[here], node[here])
        dense[at] -= np.outer(one[here], one[here]) + np.outer(two[here], two[here])
    # Each user's share is made positive definite, as it is in a solve.
    np.fill_diagonal(dense, 0.0)
    diagonal = np.abs(dense).sum(axis=1) * draw.uniform(1.001, 1.2, num_nodes) + 0.1
    np.fill_diagonal(dense, diagonal)
    return table, diagonal, dense


def solved(pattern: Pattern, table, diagonal, right, free=None):
    """The solution and how many pivots were pinned."""
    free = np.ones(len(right), dtype=bool) if free is None else free
    values, scale = assemble(pattern, table, diagonal, free)
    pinned = factor(pattern, values)
    return scale * solve(pattern, values, scale * right), pinned


def whole_pattern(indptr, node, num_nodes: int) -> Pattern:
    pattern = pattern_of(indptr, node, num_nodes)
    assert pattern is not None
    return pattern


@pytest.mark.parametrize(
    ("users", "nodes", "most"),
    [(1, 1, 1), (3, 40, 1), (5, 300, 4), (60, 30, 3), (400, 120, 5), (900, 500, 8)],
)
def test_it_solves_what_dense_arithmetic_solves(users, nodes, most) -> None:
    indptr, node = random_reach(users, users, nodes, most)
    pattern = whole_pattern(indptr, node, nodes)
    table, diagonal, dense = system(pattern, indptr, node, nodes)
    right = np.random.default_rng(1).normal(size=nodes)
    found, pinned = solved(pattern, table, diagonal, right)
    assert pinned == 0
    np.testing.assert_allclose(found, np.linalg.solve(dense, right), rtol=1e-10)


@pytest.mark.parametrize(("nodes", "nearest"), [(300, 8), (900, 25)])
def test_it_solves_what_superlu_solves_in_a_city(nodes: int, nearest: int) -> None:
    market = generate(seed=3, num_users=4000, num_nodes=nodes, nearest=nearest)
    indptr = market.weight.indptr.astype(np.int64)
    node = market.weight.indices.astype(np.int32)
    pattern = whole_pattern(indptr, node, nodes)
    table, diagonal, dense = system(pattern, indptr, node, nodes)
    right = np.random.default_rng(1).normal(size=nodes)
    found, _ = solved(pattern, table, diagonal, right)
    wanted = splu(sparse.csc_array(dense)).solve(right)
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)


def test_a_full_matrix_is_solved_though_not_worth_it() -> None:
    indptr, node = reach_of([list(range(150)), [3, 9]])
    pattern = whole_pattern(indptr, node, 150)
    assert pattern.num_values >= 150 * 151 // 2
    table, diagonal, dense = system(pattern, indptr, node, 150)
    right = np.arange(150.0)
    found, _ = solved(pattern, table, diagonal, right)
    np.testing.assert_allclose(dense @ found, right, atol=1e-9)
    assert not worth_it(pattern)


def test_a_full_pattern_is_given_up_before_it_is_ordered() -> None:
    indptr, node = reach_of([list(range(60))])
    assert pattern_of(indptr, node, 60, most_filled=0.5) is None
    assert pattern_of(indptr, node, 60, most_filled=1.0) is not None


def test_local_reach_is_worth_it_and_reach_everywhere_is_not() -> None:
    market = generate(seed=0, num_users=4000, num_nodes=600, nearest=8)
    indptr, node = market.weight.indptr, market.weight.indices
    assert useful_pattern(indptr, node, 600) is not None
    far = np.random.default_rng(0).permuted(np.tile(np.arange(600), (4000, 1)), axis=1)
    indptr, node = reach_of(far[:, :8].tolist())
    assert useful_pattern(indptr, node, 600) is None


def test_nodes_that_are_not_free_stay_at_zero() -> None:
    indptr, node = random_reach(5, 200, 60, 5)
    pattern = whole_pattern(indptr, node, 60)
    table, diagonal, dense = system(pattern, indptr, node, 60)
    free = np.arange(60) % 7 != 2
    diagonal = np.where(free, diagonal, 0.0)
    right = np.random.default_rng(2).normal(size=60)
    found, pinned = solved(pattern, table, diagonal, right, free)
    assert pinned == 0
    assert not found[~free].any()
    wanted = np.linalg.solve(dense[np.ix_(free, free)], right[free])
    np.testing.assert_allclose(found[free], wanted, rtol=1e-10)


def test_directions_without_information_stay_put() -> None:
    """Three pairs of nodes that only sell together: the matrix [[1, -1], [-1, 1]]."""
    indptr, node = reach_of([[0, 1], [2, 5], [3, 4]])
    pattern = whole_pattern(indptr, node, 6)
    table = np.zeros(pattern.table.size)
    for e in pattern.entry:
        table[e] = -1.0
    right = np.array([1.0, -1.0, 2.0, -3.0, 3.0, -2.0])
    found, pinned = solved(pattern, table, np.ones(6), right)
    assert pinned == 3
    pairs = [(0, 1), (2, 5), (3, 4)]
    assert all(found[a] == 0.0 or found[b] == 0.0 for a, b in pairs)
    np.testing.assert_allclose(
        [found[a] - found[b] for a, b in pairs], [1.0, 2.0, -3.0], rtol=1e-12
    )


def test_the_same_bits_come_twice() -> None:
    indptr, node = random_reach(8, 500, 200, 6)
    found = []
    for _ in range(2):
        pattern = whole_pattern(indptr, node, 200)
        table, diagonal, _ = system(pattern, indptr, node, 200)
        found.append(solved(pattern, table, diagonal, np.arange(200.0))[0].tobytes())
    assert found[0] == found[1]


def test_renaming_the_nodes_renames_the_answer() -> None:
    indptr, node = random_reach(8, 500, 200, 6)
    rename = np.random.default_rng(0).permutation(200)
    users = [rename[node[a:b]].tolist() for a, b in pairwise(indptr)]
    other_indptr, other_node = reach_of(users)
    pattern = whole_pattern(indptr, node, 200)
    table, diagonal, dense = system(pattern, indptr, node, 200)
    other = whole_pattern(other_indptr, other_node, 200)
    renamed = np.zeros(other.table.size)
    back = np.argsort(rename)
    first, second = back[other.table.first], back[other.table.second]
    renamed[other.entry] = dense[first, second]
    right = np.arange(200.0)
    one, _ = solved(pattern, table, diagonal, right)
    two, _ = solved(other, renamed, diagonal[back], right[back])
    np.testing.assert_allclose(two[rename], one, rtol=1e-10)


@given(
    st.lists(
        st.sets(st.integers(0, 11), min_size=1, max_size=6), min_size=1, max_size=14
    )
)
def test_every_pair_has_a_place_of_its_own(users: list[set[int]]) -> None:
    indptr, node = reach_of([sorted(user) for user in users])
    found = neighbours(indptr, node, 12, 1000)
    assert found is not None
    bounds, neighbour = found
    together = {(a, b) for user in users for a in user for b in user if a != b}
    listed = [(i, k) for i in range(12) for k in neighbour[bounds[i] : bounds[i + 1]]]
    assert listed == sorted(together)
    keys = pairs_by_bits(indptr, node, 12, 1000)
    assert keys.tolist() == [12 * a + b for a, b in sorted(together) if a < b]
    assert sorted(pairs_by_hash(indptr, node, 12, 1000)) == keys.tolist()
    order = np.random.default_rng(len(users)).permutation(12)
    table = pair_table(bounds, neighbour, order)
    entry = table.entry()
    assert len(set(entry.tolist())) == len(together) // 2 == len(entry)
    assert np.all((entry >= 0) & (entry < max(table.size, 1)))
    swapped = table.start[table.second] + table.slot[table.first]
    assert np.all(entry < swapped)


@given(st.integers(0, 10_000))
def test_the_panels_hold_every_entry_of_the_factor(seed: int) -> None:
    draw = np.random.default_rng(seed)
    nodes = int(draw.integers(1, 40))
    indptr, node = random_reach(seed, int(draw.integers(1, 60)), nodes, 4)
    found = neighbours(indptr, node, nodes, nodes**2)
    assert found is not None
    bounds, neighbour = found
    shape = shape_of(bounds, neighbour)
    assert sorted(shape.order.tolist()) == list(range(nodes))
    owner = np.repeat(np.arange(nodes), np.diff(bounds))
    full = np.eye(nodes, dtype=bool)
    full[owner, neighbour] = True
    full = full[np.ix_(shape.order, shape.order)]
    for k in range(nodes):  # fill in by the definition of elimination
        below = np.flatnonzero(full[:, k] & (np.arange(nodes) > k))
        full[np.ix_(below, below)] = True
    stored = np.zeros_like(full)
    for s in range(len(shape.column) - 1):
        rows = shape.row[shape.row_start[s] : shape.row_start[s + 1]]
        own = np.arange(shape.column[s], shape.column[s + 1])
        assert rows[: len(own)].tolist() == own.tolist()
        assert np.all(np.diff(rows) > 0)
        stored[np.ix_(rows, own)] = True
    assert not np.any(np.tril(full) & ~stored)


def test_the_order_keeps_a_grid_sparse() -> None:
    side = 30
    cell = np.arange(side * side).reshape(side, side)
    beside = np.stack([cell[:, 1:].ravel(), cell[:, :-1].ravel()], axis=1)
    above = np.stack([cell[1:].ravel(), cell[:-1].ravel()], axis=1)
    indptr, node = reach_of([*beside.tolist(), *above.tolist()])
    found = neighbours(indptr, node, side * side, 10**6)
    assert found is not None
    order = minimum_degree(*found)
    assert sorted(order.tolist()) == list(range(side * side))
    shape = shape_of(*found)
    # Row by row a band of 900 x 30 would be filled.
    assert shape.value_start[-1] < 0.75 * side**3


def test_a_hash_of_pairs_grows_with_them() -> None:
    """One user's pairs alone are more than the table holds at first."""
    indptr, node = reach_of([list(range(90)), list(range(50, 120))])
    hashed = pairs_by_hash(indptr, node, 120, 10**6)
    np.testing.assert_array_equal(
        np.sort(hashed), pairs_by_bits(indptr, node, 120, 10**6)
    )
    assert len(pairs_by_hash(indptr, node, 120, 100)) > 100
