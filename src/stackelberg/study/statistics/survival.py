"""Time to a threshold, when some seeds never get there within the time they had.

Such seeds are censored, not dropped: dropping them would make a method that fails half
of the time look as quick as its lucky half.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from stackelberg.errors import DomainError, ShapeError
from stackelberg.study.statistics.bootstrap import (
    Floats,
    Interval,
    percentile_ends,
)


@dataclass(frozen=True, eq=False)
class Reaching:
    """How many seeds have reached a threshold by when (Kaplan and Meier).

    Attributes:
        time: at which seeds reach it [K], ascending.
        reached: estimated share that has by then [K].
        low: lower ends (log-log Greenwood) [K].
        high: upper ends [K].
        seeds: how many there are.
        censored: how many never got there in their time.
        median: by when half have; infinite if fewer do.
    """

    time: Floats
    reached: Floats
    low: Floats
    high: Floats
    seeds: int
    censored: int
    median: float


def time_to_threshold(
    times: Sequence[float | None], horizons: Sequence[float], confidence: float = 0.95
) -> Reaching:
    """The share of seeds that has reached the threshold, by time.

    Args:
        times: when each seed reached it; None where it did not.
        horizons: how long each seed was watched.
        confidence: of each share's interval.

    Raises:
        ShapeError: not one horizon per seed, or no seed.
        DomainError: a time is negative or beyond its horizon.
    """
    data = _censored(times, horizons)
    curve = stats.ecdf(data)
    at = np.asarray(curve.cdf.quantiles, np.float64)
    share = np.asarray(curve.cdf.probabilities, np.float64)
    steps = np.diff(np.concatenate([[0.0], share])) > 0.0
    late = np.array([t is None for t in times])
    low, high = _ends(curve, share, confidence)
    half = np.flatnonzero(share >= 0.5 - 1e-12)
    return Reaching(
        time=at[steps],
        reached=share[steps],
        low=low[steps],
        high=high[steps],
        seeds=len(times),
        censored=int(late.sum()),
        median=float(at[half[0]]) if len(half) else math.inf,
    )


def restricted_mean(
    times: Sequence[float | None],
    horizons: Sequence[float],
    *,
    confidence: float = 0.95,
    resamples: int = 1_000,
    seed: int = 0,
) -> Interval:
    """Mean time to the threshold, seeds that need more than the horizon counting as it.

    The horizon is the least of all; so no seed is dropped, and a seed that never gets
    there counts as little as it can. The interval is a bootstrap over seeds.

    Raises:
        ShapeError, DomainError: as `time_to_threshold`.
    """
    _censored(times, horizons)
    end = float(min(horizons))
    spent = np.array([end if t is None else min(t, end) for t in times])
    value = float(spent.mean())
    ends = percentile_ends(len(spent), confidence)
    if ends is None:
        return Interval(value, 0.0, end)
    at = np.random.default_rng(seed).integers(len(spent), size=(resamples, len(spent)))
    low, high = np.quantile(spent[at].mean(axis=1), ends)
    return Interval(value, min(float(low), value), max(float(high), value))


def _censored(
    times: Sequence[float | None], horizons: Sequence[float]
) -> stats.CensoredData:
    if len(times) != len(horizons) or not len(times):
        raise ShapeError(
            "horizons", expected=f"one per seed, {len(times)}", got=len(horizons)
        )
    for i, (time, horizon) in enumerate(zip(times, horizons, strict=True)):
        if time is not None and not 0.0 <= time <= horizon:
            raise DomainError(
                f"times[{i}]", expected=f"None or a number from 0 to {horizon:g}",
                got=time,
            )  # fmt: skip
    seen = [float(t) for t in times if t is not None]
    never = [float(h) for t, h in zip(times, horizons, strict=True) if t is None]
    return stats.CensoredData(seen, right=never)


def _ends(curve: Any, share: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Pointwise ends; where nobody or everybody has got there, none but 0 and 1."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # "undefined" at 0 and at 1
        interval = curve.cdf.confidence_interval(
            confidence_level=confidence, method="log-log"
        )
    low = np.asarray(interval.low.probabilities, np.float64)
    high = np.asarray(interval.high.probabilities, np.float64)
    low = np.where(np.isnan(low), 0.0, low)
    high = np.where(np.isnan(high), 1.0, high)
    return np.minimum(low, share), np.maximum(high, share)
