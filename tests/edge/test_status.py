"""How a solve ends follows from its certificate and from what stopped it, not hopes.

The method is run as it is; then what it says is changed.
"""

from __future__ import annotations

import dataclasses
import importlib
import math
from collections.abc import Callable

import numpy as np
import pytest
from edge.markets import random_market

from stackelberg.edge import Market, allocate
from stackelberg.errors import DomainError
from stackelberg.game import Status

# Where the method is called.
MODULE = importlib.import_module("stackelberg.edge.solvers.interior_point")

TOLERANCE = 1e-8

CPU, GPU = random_market(1, 12, 4, 2), random_market(2, 9, 3)
BOTH = Market.side_by_side({"cpu": CPU, "gpu": GPU})


@pytest.fixture
def saying(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the method say something else, for each resource type in turn."""
    method = MODULE.interior_point

    def set_changes(*changes: dict[str, object], amount: float = 1.0) -> None:
        waiting = list(changes)

        def changed(*args, **options):
            found = method(*args, **options)
            found = dataclasses.replace(found, amount=amount * found.amount)
            return dataclasses.replace(found, **waiting.pop(0))

        monkeypatch.setattr(MODULE, "interior_point", changed)

    return set_changes


STALLED, BOUNDED, MET = (
    {"stalled": True, "bounded": False},
    {"stalled": False, "bounded": True},
    {"stalled": False, "bounded": False},
)


@pytest.mark.parametrize(
    ("cpu", "gpu", "status"),
    [
        (MET, MET, Status.ALMOST_CONVERGED),
        (STALLED, MET, Status.ALMOST_CONVERGED),
        (STALLED, STALLED, Status.ALMOST_CONVERGED),
        (BOUNDED, MET, Status.MAX_ITERATIONS),
        (STALLED, BOUNDED, Status.MAX_ITERATIONS),
        (BOUNDED, BOUNDED, Status.MAX_ITERATIONS),
    ],
)
def test_a_certificate_that_misses_is_never_called_converged(
    saying: Callable[..., None], cpu: dict, gpu: dict, status: Status
) -> None:
    saying(cpu, gpu, amount=1.0 - 3e-8)
    solution = allocate(BOTH, TOLERANCE)
    assert TOLERANCE < solution.certificate.gap_per_user < 10.0 * TOLERANCE
    assert solution.status is status


@pytest.mark.parametrize("said", [STALLED, BOUNDED, {"gap_per_user": 1.0}])
def test_a_certificate_that_holds_is_enough(
    saying: Callable[..., None], said: dict
) -> None:
    saying(said, said)
    assert allocate(BOTH, TOLERANCE).status is Status.CONVERGED


@pytest.mark.parametrize(
    "broken",
    [
        {"amount": np.full(CPU.num_edges, math.nan)},
        {"capacity_shadow_price": np.full(CPU.num_nodes, math.inf)},
        {"budget_shadow_price": np.full(CPU.num_users, math.nan)},
        {"gap_per_user": math.nan},
    ],
)
def test_numbers_that_overflowed_are_named_and_not_given(
    saying: Callable[..., None], broken: dict
) -> None:
    saying(broken, {})
    solution = allocate(BOTH, TOLERANCE)
    proof = solution.certificate
    assert solution.status is Status.NONFINITE
    assert 0.0 < proof.gap_per_user < 10.0  # the start is an answer, if a poor one
    assert proof.worst_violation == 0.0
    assert np.all(solution.value.utility > 0.0)


def test_an_answer_beyond_the_limits_is_brought_within(
    saying: Callable[..., None],
) -> None:
    saying({}, {}, amount=1.0 + 1e-6)
    solution = allocate(BOTH, TOLERANCE)
    assert solution.certificate.worst_violation == 0.0
    assert np.all(solution.value.load <= BOTH.capacity)
    assert np.all(solution.value.spend <= BOTH.budget)


def test_the_history_is_one_per_resource_type() -> None:
    alone = allocate(CPU, TOLERANCE).stats["gap_history"]
    both = allocate(BOTH, TOLERANCE).stats["gap_history"]
    other = allocate(GPU, TOLERANCE).stats["gap_history"]
    assert isinstance(alone, tuple)
    assert all(isinstance(gap, float) for gap in alone)
    assert both == (alone, other)


def test_the_finest_tolerance_is_accepted_and_a_gap_of_one_is_not() -> None:
    assert allocate(CPU, 1e-13).certificate.gap_per_user < 1e-11
    with pytest.raises(DomainError, match=r"tolerance: .* from 1e-13 to 1 .*, got 1.0"):
        allocate(CPU, 1.0)
    with pytest.raises(DomainError, match=r"tolerance: expected .*, got 9e-14"):
        allocate(CPU, 9e-14)


def test_limits_of_zero_have_the_least_prices_that_explain_them() -> None:
    # Ann has no money; node 0 is free, node 1 costs 2, node 2 is closed.
    market = Market.from_arrays(
        [0.0, 2.0, 1.0],
        [4.0, 1.0, 0.0],
        [0.0, 10.0],
        [[1.0, 9.0, 100.0], [1.0, 1.0, 0.0]],
        users=["ann", "bob"],
    )
    value = allocate(market, 1e-12).value
    np.testing.assert_allclose(value.utility, [2.5, 2.5], rtol=1e-5)
    # e = 1 / 2.5 for both; bob's money is plenty, so lam = (0.4, 0.4).
    np.testing.assert_allclose(value.capacity_shadow_price[:2], 0.4, rtol=1e-5)
    # The first money of ann's would buy node 1: (9 e - lam_1) / p_1.
    np.testing.assert_allclose(value.budget_shadow_price, [1.6, 0.0], atol=1e-4)
    # What ann would pay to have some of node 2, were it open: 100 e - mu p_2.
    assert value.capacity_shadow_price[2] == pytest.approx(38.4, rel=1e-4)
