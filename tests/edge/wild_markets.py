"""Solve wild markets and judge every answer in arithmetic of sixty digits.

    python tests/edge/wild_markets.py --count 10000

prints, per spread of sizes, how the solves ended, and every market that is not solved
or, far worse, whose answer claims what is not true (exit 1).
"""

from __future__ import annotations

import argparse
import math
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from edge.wild import Wild, wild_market
from oracles.edge_exact import served_users, unbounded_users, worth_of

from stackelberg.edge import EdgeSolution, Market, allocate
from stackelberg.errors import DomainError
from stackelberg.game import Status

SPREADS = (1, 3, 6, 12)
"""Decades either way."""

TOLERANCE = 1e-8

EXCESS = Decimal("1e-14")
"""Relative. Limits hold as float64 adds up, which is not quite how they really do."""


@dataclass(frozen=True)
class Verdict:
    """How one market ended.

    Attributes:
        status: of the solve; None where the market was refused as unbounded.
        gap: per user, computed apart from the library; NaN where refused.
        faults: what must never happen, in words.
    """

    status: Status | None
    gap: float
    faults: tuple[str, ...]

    @property
    def label(self) -> str:
        return "unbounded" if self.status is None else self.status.label


def judged(wild: Wild, tolerance: float = TOLERANCE) -> Verdict:
    """Solve a market and compare what is claimed with what is so."""
    arrays = wild.price, wild.capacity, wild.budget, wild.weight
    unbounded = unbounded_users(*arrays)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            solution = allocate(
                Market.from_arrays(*arrays), tolerance, drop_degenerate=True
            )
    except DomainError as error:
        right = unbounded and "unbounded utility of user" in str(error)
        return Verdict(None, math.nan, () if right else (f"refused: {error}",))
    except Warning as warning:
        return Verdict(Status.NONFINITE, math.nan, (f"warns: {warning}",))
    if unbounded:
        return Verdict(solution.status, math.nan, ("answers an unbounded market",))
    return compared(solution, arrays, tolerance)


def compared(
    solution: EdgeSolution, arrays: tuple[Any, ...], tolerance: float
) -> Verdict:
    """Compare a solution's claims with what its allocation and prices are worth."""
    value, proof = solution.value, solution.certificate
    converged = solution.status is Status.CONVERGED
    served = served_users(*arrays)
    left_out = tuple(np.setdiff1d(np.arange(len(arrays[2])), served).tolist())
    lam, mu = value.capacity_shadow_price, value.budget_shadow_price
    amount = value.allocation.toarray()
    worth = worth_of(arrays[0], arrays[1], arrays[2], arrays[3], amount, lam, mu)
    gap = worth.gap / max(len(served), 1)
    shown, claimed = f"{float(gap):.2e}", f"{proof.gap_per_user:.2e}"
    numbers = np.concatenate(
        [value.allocation.data, value.utility, value.spend, value.load, lam, mu,
         [row.value for row in proof.rows()]]
    )  # fmt: skip
    claims = (
        (np.isnan(numbers).any(), "NaN in the answer"),
        (worth.excess > EXCESS, f"a limit exceeded by {float(worth.excess):.1e}"),
        (worth.gap < 0, "a better objective than its bound allows"),
        (converged and not gap <= tolerance, f"CONVERGED with a gap of {shown}"),
        (not gap <= proof.gap_per_user, f"certifies {claimed} where {shown} is true"),
        (proof.dual_bound < worth.objective, "a bound below its own allocation"),
        (converged != proof.holds(tolerance), "a status that is not its certificate's"),
        (
            solution.stats["dropped_users"] != left_out,
            "other users left out than those that cannot be served",
        ),
    )
    faults = tuple(text for is_so, text in claims if is_so)
    return Verdict(solution.status, float(gap), faults)


def verdicts(seeds: range, decades: int) -> Iterator[tuple[int, Verdict]]:
    """Each seed with its verdict."""
    for seed in seeds:
        yield seed, judged(wild_market(seed, decades))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=1000, help="markets in all")
    parser.add_argument("--first", type=int, default=0, help="first seed")
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.count // len(SPREADS))
    untrue = 0
    for decades in SPREADS:
        ended = Counter[str]()
        for seed, verdict in verdicts(seeds, decades):
            ended[verdict.label] += 1
            untrue += bool(verdict.faults)
            if verdict.faults or verdict.status not in (None, Status.CONVERGED):
                print(f"  wild_market({seed}, {decades}): {verdict.label}, gap "
                      f"{verdict.gap:.1e}", *verdict.faults, sep="; ")  # fmt: skip
        solved, bounded = ended["converged"], len(seeds) - ended["unbounded"]
        print(f"10^+-{decades}: {dict(ended)}, {1 - solved / bounded:.3%} not solved")
    return int(untrue > 0)


if __name__ == "__main__":
    sys.exit(main())
