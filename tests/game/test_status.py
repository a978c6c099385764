"""Statuses combine by severity, work in arrays, and say what to do."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stackelberg.game import Status

BY_SEVERITY = [
    "converged",
    "almost_converged",
    "max_iterations",
    "infeasible",
    "unbounded",
    "diverged",
    "nonfinite",
]


def test_labels_from_best_to_worst() -> None:
    assert [status.label for status in sorted(Status)] == BY_SEVERITY


@pytest.mark.parametrize("one", range(7))
@pytest.mark.parametrize("other", range(7))
def test_the_worse_of_two_statuses_stands(one: int, other: int) -> None:
    # the truth table: the label further down the list above
    expected = BY_SEVERITY[one if one > other else other]
    combined = max(Status(one), Status(other))
    assert isinstance(combined, Status)
    assert combined.label == expected


def test_statuses_combine_in_arrays_under_vmap() -> None:
    parts = np.array(
        [
            [Status.CONVERGED, Status.CONVERGED],
            [Status.MAX_ITERATIONS, Status.ALMOST_CONVERGED],
            [Status.CONVERGED, Status.NONFINITE],
        ]
    )
    worst = jax.vmap(jnp.max)(parts)
    assert [Status(int(status)) for status in worst] == [
        Status.CONVERGED,
        Status.MAX_ITERATIONS,
        Status.NONFINITE,
    ]


@pytest.mark.parametrize("status", Status)
def test_every_status_gives_one_sentence_of_advice(status: Status) -> None:
    assert status.advice.endswith(".")
    assert "\n" not in status.advice
    assert len({other.advice for other in Status}) == len(Status)
