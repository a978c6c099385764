"""What an old answer is worth on new data, and what starting from it brought."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackelberg.cli import output as terminal
from stackelberg.cli.edge.answers import WarmStart
from stackelberg.report.numbers import counted, shown_percent, significant

if TYPE_CHECKING:
    from stackelberg.cli.edge.welfare import Welfare
    from stackelberg.edge import EdgeCertificate, Market


@dataclass(frozen=True, eq=False)
class OldAnswer:
    """An old answer judged on new data.

    Attributes:
        folder: that it came from.
        certificate: of the old answer as one of the new market; None where it is of
            other users, or of nothing but shadow prices.
        iterations: steps that the old solve took, by its own account.
        linear, usual: whether users are linear, and whether --fairness is 1 too.
        seconds: that the certificate took.
    """

    folder: Path
    certificate: EdgeCertificate | None
    iterations: int | None
    linear: bool
    usual: bool
    seconds: float

    def may_be_kept(self, tolerance: float) -> bool:
        """Whether it is proved to the tolerance on the new data, within its limits."""
        return self.certificate is not None and self.certificate.holds(tolerance)

    def taken(self, method: str) -> bool:
        """Whether a solve by this method begins from it: first order from amounts and
        all shadow prices of linear users, the interior point methods from the nodes'
        shadow prices at --fairness 1.
        """
        if "first order" in method:
            return self.linear and self.certificate is not None
        return self.usual

    def record(self, tolerance: float, method: str, became: str) -> dict[str, Any]:
        """For JSON; `became` is what `allocate` says of it."""
        proof = self.certificate
        return {
            "solution": str(self.folder),
            "taken": self.taken(method),
            "given_up": "given up" in became,
            "gap_per_user": None if proof is None else proof.gap_per_user,
            "moved": None if proof is None else proof.moved,
            "may_be_kept": self.may_be_kept(tolerance),
            "iterations": self.iterations,
            "seconds": self.seconds,
        }


def judged(
    market: Market,
    start: WarmStart,
    folder: Path,
    welfare: Welfare,
    drop_degenerate: bool,
) -> OldAnswer:
    """The certificate of an old answer on new data: one pass, no solve."""
    from stackelberg import edge

    stated, old = start.stated, start.outcome
    certificate = None
    with terminal.timed() as watch:
        if stated is not None:
            certificate = edge.certify(
                market,
                stated.allocation,
                old.capacity_shadow_price,
                old.budget_shadow_price,
                **welfare.options,
                drop_degenerate=drop_degenerate,
            )
    return OldAnswer(
        folder=folder,
        certificate=certificate,
        iterations=None if stated is None else stated.iterations,
        linear=welfare.text == "linear",
        usual=welfare.text == "linear" and welfare.is_log,
        seconds=watch.seconds,
    )


def warm_lines(
    old: OldAnswer, tolerance: float, iterations: int, method: str, became: str
) -> list[str]:
    """What came of a warm start, in words."""
    return [_worth(old, tolerance), _brought(old, iterations, method, became)]


def _worth(old: OldAnswer, tolerance: float) -> str:
    proof = old.certificate
    if proof is None:
        return (
            f"{old.folder} is of other users: it cannot be kept, only its nodes' "
            "shadow prices may serve"
        )
    told = (
        f"{old.folder} on this market, by its certificate alone "
        f"({old.seconds:.2g} s): gap per user {significant(proof.gap_per_user)}"
    )
    if proof.moved > 0.0 and not math.isclose(proof.moved, 0.0, abs_tol=1e-9):
        told += (
            ", once its amounts are cut to the limits, which costs a user up to "
            f"{shown_percent(proof.moved)} of its utility"
        )
    if old.may_be_kept(tolerance):
        return told + "; it could be kept as it is"
    return told + "; worth solving again"


def _brought(old: OldAnswer, iterations: int, method: str, became: str) -> str:
    took = counted(iterations, "step")
    if not old.taken(method):
        why = (
            "first order needs an answer of the same users"
            if "first order" in method
            else "interior point methods need linear utilities and --fairness 1"
        )
        return f"not begun from it, since {why}: {took}"
    if became == "given up":
        return f"begun anew, since its shadow prices were too far off: {took}"
    where = " where they were near enough" if "given up" in became else ""
    told = f"begun from its shadow prices{where}: {took}"
    if old.iterations is None:
        return told
    return f"{told}; {old.folder} itself took {old.iterations}"
