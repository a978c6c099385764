"""Performance profiles: the share of runs that score above each level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stackelberg.study.statistics.bootstrap import (
    Floats,
    checked_scores,
    percentile_ends,
)

RESAMPLES = 1_000


@dataclass(frozen=True, eq=False)
class Profile:
    """Shares of runs above levels; each level's interval stands by itself.

    Attributes:
        level: [L].
        share: of runs that score more [L].
        low: lower ends [L].
        high: upper ends [L].
    """

    level: Floats
    share: Floats
    low: Floats
    high: Floats


def performance_profile(
    scores: npt.ArrayLike,
    levels: npt.ArrayLike,
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> Profile:
    """The share of runs above each level, averaged over strata, with intervals.

    Args:
        scores: ``[stratum, seed]``.
        levels: [L].
        confidence: of each level's interval.
        seed: of the draws.

    Raises:
        ShapeError, DomainError: as `interval_of`.
    """
    known = checked_scores(scores)
    level = np.asarray(levels, np.float64)
    above = known[..., None] > level  # [stratum, seed, L]
    share = above.mean(axis=(0, 1))
    ends = percentile_ends(known.shape[1], confidence)
    if ends is None:
        return Profile(level, share, np.zeros(len(level)), np.ones(len(level)))
    drawn = np.random.default_rng(seed)
    rows = np.arange(known.shape[0])[:, None]
    made = np.stack(
        [
            above[rows, drawn.integers(known.shape[1], size=known.shape)].mean((0, 1))
            for _ in range(RESAMPLES)
        ]
    )
    low, high = np.quantile(made, ends, axis=0)
    return Profile(level, share, np.minimum(low, share), np.maximum(high, share))
