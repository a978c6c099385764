"""The solver's two pieces of algebra against exact or library arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from stackelberg.edge.solvers.blocks import MAX_BLOCKS, blocks_of
from stackelberg.edge.solvers.dense_factor import assemble, factor, solve, subtract_gram
from stackelberg.edge.solvers.interior_starts import centred_start, closed_form_start
from stackelberg.edge.solvers.lanes import LANES, lanes_of
from stackelberg.edge.solvers.problem import Problem
from stackelberg.edge.solvers.user_elimination import (
    KEPT,
    MONEY,
    OWN,
    PIVOT_A,
    PIVOT_B,
    REDUCED,
    STRIDE,
    TARGET,
    THETA,
    WORTH,
    eliminate,
    recall,
    reduce_right_side,
)


@pytest.mark.parametrize("size", [1, 3, 4, 5, 63, 64, 65, 130, 200])
def test_the_factor_solves(size: int) -> None:
    draw = np.random.default_rng(size)
    rows = draw.normal(size=(size, size + 3))
    matrix = rows @ rows.T
    right = draw.normal(size=size)
    free = draw.random(size) < 0.9
    matrix[~free], matrix[:, ~free] = 0.0, 0.0
    shares = np.array([0.25 * matrix, 0.75 * matrix])
    scale = assemble(shares, np.diag(matrix).copy(), free)
    assert factor(shares[0]) == 0
    found = solve(shares[0], scale, right)
    np.testing.assert_allclose(matrix @ found, np.where(free, right, 0.0), atol=1e-8)
    assert (found[~free] == 0.0).all()


def test_a_direction_without_information_stays_put() -> None:
    matrix = np.ones((2, 2))
    assert factor(matrix) == 1
    np.testing.assert_allclose(solve(matrix, np.ones(2), np.ones(2)), [1.0, 0.0])


@pytest.mark.parametrize("size", [2, 4, 7, 9])
def test_the_gram_matrix_is_taken_off_the_lower_triangle(size: int) -> None:
    rows = np.random.default_rng(size).normal(size=(size, 5))
    matrix = np.zeros((size, size))
    subtract_gram(matrix, rows)
    np.testing.assert_allclose(np.tril(matrix), np.tril(-rows @ rows.T), atol=1e-14)


def exact_reduction(theta, money, worth, target) -> list[float]:
    """target - Theta F H^-1 F' target in fractions."""
    t, p, w, r = (
        [Fraction(float(x)) for x in a] for a in (theta, money, worth, target)
    )
    rows = range(len(t))
    h11 = sum(t[k] * p[k] * p[k] for k in rows)
    h12 = sum(t[k] * p[k] * w[k] for k in rows)
    h22 = sum(t[k] * w[k] * w[k] for k in rows)
    g1 = sum(p[k] * r[k] for k in rows)
    g2 = sum(w[k] * r[k] for k in rows)
    det = h11 * h22 - h12 * h12
    y1, y2 = (h22 * g1 - h12 * g2) / det, (h11 * g2 - h12 * g1) / det
    return [float(r[k] - t[k] * (p[k] * y1 + w[k] * y2)) for k in rows]


@pytest.mark.parametrize("seed", range(8))
def test_elimination_keeps_its_digits_where_two_edges_dominate(seed: int) -> None:
    draw = np.random.default_rng(seed)
    rows = 7
    money = np.append(draw.uniform(0.5, 2.0, rows - 2), [1.0, 0.0])
    worth = np.append(-draw.uniform(0.5, 2.0, rows - 2), [0.0, 1.0])
    theta = draw.uniform(0.5, 2.0, rows)
    theta[:2] *= 1e13
    work, own = np.zeros((rows, STRIDE)), np.empty(OWN)
    fields = {
        name: work[:, start : start + LANES]
        for name, start in (
            ("theta", THETA), ("money", MONEY), ("worth", WORTH), ("target", TARGET),
        )
    }  # fmt: skip
    for lane in range(LANES):  # the same user in every lane, its edges turned round
        for name, given in (("theta", theta), ("money", money), ("worth", worth)):
            turned = np.roll(given[: rows - 2], lane)
            fields[name][:, lane] = np.concatenate([turned, given[-2:]])
    given = work.copy()
    eliminate(rows, work, own)
    for lane in (0, 3, LANES - 1):
        dominant = {(lane + k) % (rows - 2) for k in (0, 1)}
        assert {own[PIVOT_A + lane], own[PIVOT_B + lane]} == dominant
    for again in (False, True):  # as `form` finds it, and as later passes do
        if again:
            work[:] = given
            own[KEPT:] = np.nan
            recall(rows, work, own)
        for node in (0, 1, 4):  # a column of Theta - Theta F H^-1 F' Theta
            fields["target"][:] = 0.0
            fields["target"][node] = fields["theta"][node]
            target = fields["target"].copy()
            reduce_right_side(rows, work, own)
            for lane in (0, 3, LANES - 1):
                theta, money, worth = (
                    given[:, start + lane] for start in (THETA, MONEY, WORTH)
                )
                wanted = exact_reduction(theta, money, worth, target[:, lane])
                np.testing.assert_allclose(work[:, REDUCED + lane], wanted, rtol=1e-9)


@pytest.mark.parametrize("users", [1, LANES, 2 * LANES + 5])
def test_users_laid_side_by_side_come_back_as_they_were(users: int) -> None:
    draw = np.random.default_rng(users)
    degree = draw.integers(1, 6, users)
    indptr = np.concatenate([[0], np.cumsum(degree)])
    edges = int(indptr[-1])
    problem = Problem(
        indptr=indptr,
        node=draw.integers(0, 4, edges),
        weight=draw.random(edges),
        price=np.ones(4),
        capacity=np.ones(4),
        budget=np.ones(users),
    )
    lanes = lanes_of(problem)
    values, ends = draw.random(edges), draw.random((users, 4))
    laid = lanes.packed(indptr, values, 7.0)
    assert (lanes.unpacked(indptr, laid) == values).all()
    assert (laid == 7.0).sum() == laid.size - edges
    assert ((lanes.node == 4) == (lanes.weight == 0.0)).all()
    assert (lanes.unpacked(indptr, lanes.weight) == problem.weight).all()
    assert lanes.degree.sum() == edges
    assert (np.diff(lanes.degree.ravel()[:users]) >= 0).all()
    laid_ends = lanes.packed_ends(ends)
    for field in range(4):
        assert (lanes.unpacked_end(laid_ends, field) == ends[:, field]).all()
    past = laid_ends.reshape(-1, 4, LANES)[-1, :, users % LANES :]
    if users % LANES:
        assert (past.T == [0.0, 0.0, 1.0, 1.0]).all()
    bounds = lanes.blocks(2)
    assert bounds[0] == 0
    assert bounds[-1] == lanes.num_groups


def test_a_row_is_of_one_node_only_if_all_its_users_have_an_edge_there() -> None:
    degree = np.repeat([2, 3, 3], [5, LANES - 5, 4])
    node = np.concatenate([np.arange(length) for length in degree])
    node[-1] = 0  # one user reaches 0, 1 and 0
    users = len(degree)
    problem = Problem(
        indptr=np.concatenate([[0], np.cumsum(degree)]),
        node=node,
        weight=np.ones(len(node)),
        price=np.ones(3),
        capacity=np.ones(3),
        budget=np.ones(users),
    )
    assert lanes_of(problem).common.tolist() == [0, 1, -1, 0, 1, -1]


@pytest.mark.parametrize("start", [closed_form_start, centred_start])
@pytest.mark.parametrize("alpha", [0.5, 1.0, 3.0])
def test_the_solver_starts_inside_every_limit_on_both_sides(start, alpha) -> None:
    draw = np.random.default_rng(3)
    indptr = np.array([0, 2, 5, 6])
    node = np.array([0, 1, 0, 1, 2, 1])
    problem = Problem(
        indptr=indptr,
        node=node,
        weight=draw.uniform(1e-4, 1e4, 6),
        price=np.array([1.0, 2.0, 0.0]),
        capacity=np.array([np.inf, 3.0, 5.0]),
        budget=np.array([4.0, 1e-6, np.inf]),
        alpha=alpha,
    )
    x, s, lam, ends, z = start(problem)
    t, mu, u, v = ends.T
    user, limited = (
        np.repeat(np.arange(3), np.diff(indptr)),
        np.array([False, True, True]),
    )
    paying = np.array([True, True, False])
    load, spend = np.bincount(node, x), np.bincount(user, problem.price[node] * x)
    np.testing.assert_allclose(load + s, np.where(limited, problem.capacity, load))
    np.testing.assert_allclose(spend + t, np.where(paying, problem.budget, spend))
    np.testing.assert_allclose(u, np.bincount(user, problem.weight * x))
    rent = lam[node] + mu[user] * problem.price[node]
    np.testing.assert_allclose(
        z, rent - problem.weight * v[user], atol=1e-9 * rent.max()
    )
    assert (np.concatenate([x, z, u, v]) > 0.0).all()
    for slack, price, bound in ((s, lam, limited), (t, mu, paying)):
        assert (slack[bound] > 0.0).all()
        assert (price[bound] > 0.0).all()
        assert (slack[~bound] == 0.0).all()
        assert (price[~bound] == 0.0).all()


def test_blocks_cover_the_users_and_depend_on_the_market_alone() -> None:
    indptr = np.arange(100_001) * 8
    bounds = blocks_of(indptr, 50)
    assert len(bounds) == MAX_BLOCKS + 1
    assert bounds[0] == 0
    assert bounds[-1] == 100_000
    assert np.all(np.diff(bounds) > 0)
    assert blocks_of(np.arange(11) * 3, 5).tolist() == [0, 10]
    assert len(blocks_of(indptr, 5000)) == 2  # matrices would outgrow the edges
