"""What every solver returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from stackelberg.errors import Infeasible, NotConverged
from stackelberg.game.certificate import Certificate
from stackelberg.game.status import Status

Value = TypeVar("Value")
Proof = TypeVar("Proof", bound=Certificate)


@dataclass(frozen=True)
class Solution(Generic[Value, Proof]):
    """An answer, what is proved about it, and how the solve ended.

    Attributes:
        value: the answer, a named record.
        certificate: what is proved about `value`.
        status: how the solve ended.
        iterations: outer iterations of the solver named in `stats`.
        stats: further facts (counts, seconds, choices made), by name.
    """

    value: Value
    certificate: Proof
    status: Status
    iterations: int
    stats: Mapping[str, object] = field(default_factory=dict[str, object])

    def raise_for_status(self) -> Solution[Value, Proof]:
        """Return self if the solve converged.

        Raises:
            Infeasible: if no point satisfies the constraints.
            NotConverged: for every other status but `CONVERGED`.
        """
        if self.status is Status.CONVERGED:
            return self
        kind = Infeasible if self.status is Status.INFEASIBLE else NotConverged
        raise kind(f"{self.status.label}: {self.status.advice}", self)
