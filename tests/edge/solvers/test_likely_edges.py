"""Leaving out edges that an optimum does not use, and putting back those it does."""

from __future__ import annotations

import numpy as np
import pytest
from edge.markets import random_market
from edge.solvers.test_central_path import problem_of

from stackelberg.edge.market import Floats, Ints
from stackelberg.edge.solvers.central_path import PathPoint, follow_path
from stackelberg.edge.solvers.interior_point import Effort, interior_point
from stackelberg.edge.solvers.last_steps import last_steps
from stackelberg.edge.solvers.likely_edges import keep, nearly_cheapest, too_cheap
from stackelberg.edge.solvers.problem import Problem

TOLERANCE = 1e-10


def crowd() -> tuple[Problem, PathPoint]:
    problem = problem_of(random_market(5, 2_000, 10, 8))
    start = follow_path(problem, 1e-3)
    assert start is not None
    return problem, start


def users_of(problem: Problem) -> Ints:
    return np.repeat(np.arange(len(problem.budget)), np.diff(problem.indptr))


def test_chosen_edges_become_a_problem_sorted_by_degree() -> None:
    problem, _ = crowd()
    draw = np.random.default_rng(0)
    chosen = draw.random(len(problem.node)) < 0.5
    chosen[problem.indptr[:-1]] = True
    likely = keep(problem, chosen)
    assert sorted(likely.edge.tolist()) == np.flatnonzero(chosen).tolist()
    assert sorted(likely.user.tolist()) == list(range(2_000))
    smaller = likely.problem
    assert (np.diff(np.diff(smaller.indptr)) >= 0).all()
    assert (likely.user[users_of(smaller)] == users_of(problem)[likely.edge]).all()
    assert (smaller.weight == problem.weight[likely.edge]).all()
    assert (smaller.node == problem.node[likely.edge]).all()
    assert (smaller.budget == problem.budget[likely.user]).all()


def test_the_gap_that_edges_left_out_add_is_that_of_the_dual() -> None:
    problem, start = crowd()
    mu, v = np.ascontiguousarray(start.users.T)
    user = users_of(problem)
    cost = (start.lam[problem.node] + mu[user] * problem.price[problem.node]) / (
        problem.weight
    )
    least = np.minimum.reduceat(cost, problem.indptr[:-1])
    chosen = nearly_cheapest(problem, start.lam, mu, v, 0.3)
    most = 1.3 * least + 10.0 * (least - v)
    assert (chosen == (cost <= most[user])).all()
    assert chosen.mean() < 0.75
    doubt = 0.2 / problem.budget
    for moved in (mu + doubt, np.maximum(mu - doubt, 0.0)):
        other = (
            start.lam[problem.node] + moved[user] * problem.price[problem.node]
        ) / (problem.weight)
        lowest = np.minimum.reduceat(other, problem.indptr[:-1])
        chosen |= other <= (lowest + most - least)[user]
    unsure = nearly_cheapest(problem, start.lam, mu, v, 0.3, 0.2)
    assert (unsure != chosen).mean() < 1e-3  # ties
    second = np.where(cost > least[user], cost, np.inf)
    without = np.minimum.reduceat(second, problem.indptr[:-1])
    missed = too_cheap(problem, start.lam, mu, without)
    assert missed == pytest.approx(np.log(without / least).sum(), rel=1e-12)
    likely = keep(problem, chosen)
    assert (likely.price_of_utility(start.lam, mu[likely.user]) == least).all()


@pytest.mark.parametrize("mistaken", [False, True])
def test_the_last_steps_find_the_optimum_of_all_edges(
    mistaken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem, start = crowd()
    whole = interior_point(problem, TOLERANCE, start=start)
    guesses: list[float] = []

    def too_few(
        of: Problem,
        lam: Floats,
        mu: Floats,
        v: Floats,
        margin: float,
        doubt: float = 0.0,
    ):
        guesses.append(margin)
        chosen = nearly_cheapest(of, lam, mu, v, margin, doubt)
        if mistaken and len(guesses) == 1:
            one = nearly_cheapest(of, lam, mu, np.full(len(v), np.inf), 0.0)
            chosen &= one | (users_of(of) % 20 > 0)
        return chosen

    monkeypatch.setattr("stackelberg.edge.solvers.last_steps.nearly_cheapest", too_few)
    found = last_steps(problem, start, Effort(TOLERANCE, 100))

    def utility(amount: Floats) -> Floats:
        return np.add.reduceat(problem.weight * amount, problem.indptr[:-1])

    assert (len(guesses) > 1) == mistaken
    assert found.gap_per_user <= 1.1 * TOLERANCE
    assert utility(found.amount) == pytest.approx(utility(whole.amount), rel=1e-4)
    assert (found.amount == 0.0).mean() > 0.2
