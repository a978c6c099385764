"""What is proved about an answer, as numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass


@dataclass(frozen=True)
class CertificateRow:
    """One proved (or, where said so, unproved) number.

    Attributes:
        name: what is measured, as in the solution file.
        value: the number; NaN where it is not known.
        unit: its unit; empty for a ratio.
        meaning: one clause for a reader.
    """

    name: str
    value: float
    unit: str
    meaning: str


class Certificate(ABC):
    """Numbers computed from the problem and the answer alone, by code apart from the
    solver, in float64. The numbers are the certificate; `holds` only compares them.
    """

    @abstractmethod
    def rows(self) -> tuple[CertificateRow, ...]:
        """The numbers, in the order a reader wants them."""

    @abstractmethod
    def holds(self, tolerance: float = 1e-6) -> bool:
        """Whether every number that the concept promises is within `tolerance`."""
