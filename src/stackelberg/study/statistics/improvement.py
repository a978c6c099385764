"""How often one method beats another when their seeds have nothing in common."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import stats

from stackelberg.study.statistics.bootstrap import (
    RESAMPLES,
    Floats,
    Interval,
    checked_scores,
    percentile_ends,
)


def probability_of_improvement(one: Floats, other: Floats) -> Floats:
    """P(X > Y) + P(X = Y) / 2 for a run of each, averaged over strata [...].

    It is the Mann-Whitney statistic over the number of couples.

    Args:
        one: scores ``[..., stratum, seed]``, where more is better.
        other: the same of the other method; may have another number of seeds.
    """
    wins = stats.mannwhitneyu(one, other, axis=-1, method="asymptotic").statistic
    return np.asarray(wins / (one.shape[-1] * other.shape[-1])).mean(axis=-1)


def improvement_interval(
    one: npt.ArrayLike,
    other: npt.ArrayLike,
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES // 4,
    seed: int = 0,
) -> Interval:
    """The probability of improvement with its stratified bootstrap interval.

    Raises:
        ShapeError, DomainError: as `interval_of`.
    """
    x, y = checked_scores(one, "one"), checked_scores(other, "other")
    value = float(_wins(x[None], y[None])[0])
    ends = percentile_ends(min(x.shape[-1], y.shape[-1]), confidence)
    if ends is None:
        return Interval(value, 0.0, 1.0)
    drawn = np.random.default_rng(seed)
    rows = np.arange(x.shape[0])[:, None]
    at = drawn.integers(x.shape[1], size=(resamples, *x.shape))
    other_at = drawn.integers(y.shape[1], size=(resamples, *y.shape))
    low, high = np.quantile(_wins(x[rows, at], y[rows, other_at]), ends)
    return Interval(value, min(float(low), value), max(float(high), value))


def _wins(one: Floats, other: Floats) -> Floats:
    """As `probability_of_improvement`, without the ranks' ties correction [count]."""
    won = np.zeros(one.shape[:-1])
    for j in range(other.shape[-1]):  # by columns: couples of all would not fit
        rival = other[..., j : j + 1]
        won += (one > rival).sum(axis=-1) + 0.5 * (one == rival).sum(axis=-1)
    return (won / (one.shape[-1] * other.shape[-1])).mean(axis=-1)
