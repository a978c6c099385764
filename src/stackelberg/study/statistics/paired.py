"""Two methods on the same problems: differences seed by seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from stackelberg.errors import ShapeError
from stackelberg.study.methods.measured import Better
from stackelberg.study.statistics.bootstrap import (
    Interval,
    checked_scores,
    interval_of,
)

Verdict = Literal["better", "worse", "higher", "lower", "not told apart", "the same"]

ROUNDING = 1e-6
"""Relative size of differences that may be rounding or a solver's tolerance."""


@dataclass(frozen=True)
class Comparison:
    """A method against a reference on the same problems and seeds.

    Attributes:
        difference: interquartile mean of the paired differences, in the metric's unit.
        verdict: ``better`` and ``worse`` only where the interval excludes zero, and
            what is rounding beside the scores;
            ``higher`` and ``lower`` likewise for metrics without a better end;
            ``the same`` where every difference is rounding.
    """

    difference: Interval
    verdict: Verdict


def compare_paired(
    scores: npt.ArrayLike,
    reference: npt.ArrayLike,
    *,
    better: Better | None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Comparison:
    """Compare score by score, each with the reference's on the same problem and seed.

    Args:
        scores: of the method, ``[stratum, seed]``.
        reference: of the reference, the same shape and order.
        better: which way is better; None where neither is.
        confidence: of the interval, for this comparison by itself.
        seed: of the draws.

    Raises:
        ShapeError: the shapes differ.
        DomainError: a score is not finite.
    """
    one, other = checked_scores(scores), checked_scores(reference, "reference")
    if one.shape != other.shape:
        raise ShapeError(
            "reference", expected=f"shape {one.shape}", got=f"shape {other.shape}"
        )
    apart = one - other
    found = interval_of(apart, confidence=confidence, seed=seed)
    size = np.maximum(np.abs(one), np.abs(other))
    if np.all(np.abs(apart) <= ROUNDING * np.maximum(size, ROUNDING)):
        return Comparison(found, "the same")
    tiny = ROUNDING * float(size.max())
    if found.low <= tiny and found.high >= -tiny:
        return Comparison(found, "not told apart")
    up = found.value > 0.0
    if better is None:
        return Comparison(found, "higher" if up else "lower")
    return Comparison(found, "better" if up == (better == "higher") else "worse")


def is_without_chance(scores: npt.ArrayLike) -> bool:
    """Whether several seeds of every stratum give one value each, as files do to a
    method that draws nothing: an interval over seeds would say nothing.

    Args:
        scores: ``[stratum, seed]``.
    """
    known = checked_scores(scores)
    size = np.abs(known).max(axis=1)
    return known.shape[1] > 1 and bool(
        np.all(np.ptp(known, axis=1) <= ROUNDING * np.maximum(size, ROUNDING))
    )
