"""A solution keeps its honest result and raises only when it is asked to."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import pytest

from stackelberg.errors import Infeasible, NotConverged, SolveError
from stackelberg.game import Certificate, CertificateRow, Solution, Status


@dataclass(frozen=True)
class Gap(Certificate):
    """A certificate of one number."""

    gap: float

    def rows(self) -> tuple[CertificateRow, ...]:
        return (CertificateRow("gap", self.gap, "", "distance from the bound"),)

    def holds(self, tolerance: float = 1e-6) -> bool:
        return self.gap <= tolerance


def solution_with(status: Status) -> Solution[float, Gap]:
    return Solution(value=2.0, certificate=Gap(1e-9), status=status, iterations=3)


def test_a_converged_solution_returns_itself() -> None:
    solution = solution_with(Status.CONVERGED)
    assert solution.raise_for_status() is solution


@pytest.mark.parametrize("status", [each for each in Status if each])
def test_any_other_status_raises_with_its_advice(status: Status) -> None:
    solution = solution_with(status)
    with pytest.raises(SolveError, match=f"^{status.label}: ") as caught:
        solution.raise_for_status()
    infeasible = status is Status.INFEASIBLE
    assert type(caught.value) is (Infeasible if infeasible else NotConverged)
    assert str(caught.value) == f"{status.label}: {status.advice}"
    assert caught.value.solution is solution


def test_a_solution_is_frozen_and_has_its_own_stats() -> None:
    one, other = solution_with(Status.CONVERGED), solution_with(Status.CONVERGED)
    with pytest.raises(dataclasses.FrozenInstanceError, match="value"):
        one.value = 3.0  # type: ignore[misc]  # what the test is about
    assert one.stats == {}
    assert one.stats is not other.stats


def test_a_certificate_is_numbers_and_compares_them_with_a_tolerance() -> None:
    certificate = solution_with(Status.CONVERGED).certificate
    assert [(row.name, row.value) for row in certificate.rows()] == [("gap", 1e-9)]
    assert certificate.holds()
    assert not certificate.holds(1e-10)
    assert not Gap(math.nan).holds()


def test_a_certificate_must_say_what_it_holds() -> None:
    with pytest.raises(TypeError, match="abstract method"):
        Certificate()  # type: ignore[abstract]  # what the test is about
