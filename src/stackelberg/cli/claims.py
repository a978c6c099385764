"""What a file claims about its own answer, where that is not borne out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stackelberg.report.numbers import digits_for, significant

if TYPE_CHECKING:
    from stackelberg.game import Status

SAME = 1e-6
"""Relative difference up to which two numbers are the same, however they were added."""


@dataclass(frozen=True)
class Claim:
    """A number that a file states and that is another.

    Attributes:
        name: of the number.
        stated: by the file.
        found: by certifying.
    """

    name: str
    stated: float
    found: float

    @property
    def line(self) -> str:
        """Both, for the terminal."""
        stated, found = significant(self.stated), significant(self.found)
        if stated == found:
            error = abs(self.stated - self.found)
            stated, found = (digits_for(x, error) for x in (self.stated, self.found))
        return f"{self.name}: {stated}, found {found}"


def untrue(
    name: str, stated: object, found: float, *, scale: float = 0.0
) -> Iterator[Claim]:
    """The claim, where a number that follows from the answer alone is another.

    Args:
        name: of the number.
        stated: by the file; whatever is no number claims nothing.
        found: what it is.
        scale: of the parts that it was added up from, where they may cancel.
    """
    number = _number(stated)
    if math.isnan(number) or math.isnan(found):
        return
    size = max(abs(number), abs(found), scale)
    if not abs(number - found) <= SAME * size:
        yield Claim(name, number, found)


def unproved(name: str, stated: object, found: float, slack: float) -> Iterator[Claim]:
    """The claim, where an answer lacks more than the file says.

    Args:
        name: of what it lacks: a gap, a regret, a violation.
        stated: by the file; whatever is no number claims nothing.
        found: what can be proved.
        slack: by how much another proof may differ.
    """
    number = _number(stated)
    if not math.isnan(number) and not found <= 1.01 * max(number, 0.0) + slack:
        yield Claim(name, number, found)


def unheld(
    stated: Status | None,
    tolerance: float,
    stats: Mapping[str, object],
    holds: Callable[[float], bool],
) -> list[str]:
    """The status, where it says that a tolerance was reached which was not.

    Args:
        stated: status by the file.
        tolerance: that is asked for now.
        stats: by the file; `tolerance` among them is what was asked for then.
        holds: whether the certificate does, at a tolerance.
    """
    from stackelberg.game import Status

    if stated is not Status.CONVERGED:
        return []
    then = _number(stats.get("tolerance"))
    loosest = tolerance if math.isnan(then) else max(then, tolerance)
    if holds(loosest):
        return []
    return [f"  status: {stated.label}, found not to hold at tolerance {loosest:g}"]


def untrue_entries(
    name: str, stated: Any, found: Any, entries: Sequence[object]
) -> Iterator[Claim]:
    """The claim about the entry that is furthest from what it is.

    Args:
        name: of the column and of what its entries are of.
        stated: [K], or None where nothing is said.
        found: [K]. Differences count by its largest entry.
        entries: names of the entries [K].
    """
    import numpy as np

    if stated is None or not len(found):
        return
    scale = float(np.abs(found).max())
    away = np.nan_to_num(np.abs(np.asarray(stated) - found), nan=0.0)
    worst = int(np.argmax(away))
    yield from untrue(
        f"{name} {entries[worst]}", stated[worst], float(found[worst]), scale=scale
    )


def claim_lines(claims: Iterable[Claim], others: Sequence[str] = ()) -> list[str]:
    """What to print of them and of `others`; nothing where all is as stated."""
    lines = [*(f"  {claim.line}" for claim in claims), *others]
    return ["what the file claims is not borne out:", *lines] if lines else []


def claim_records(claims: Iterable[Claim]) -> list[Mapping[str, Any]]:
    """The same for JSON."""
    return [vars(claim) for claim in claims]


def _number(stated: object) -> float:
    if isinstance(stated, bool) or not isinstance(stated, (int, float)):
        return math.nan
    try:
        return float(stated)
    except OverflowError:
        return math.nan
