"""Statistics of few seeds: what they say, and no more than that.

Scores are arrays ``[..., stratum, seed]``: a stratum is a problem that all seeds are
played on, and seeds are resampled within their stratum.
"""

from stackelberg.study.statistics.bootstrap import (
    Interval,
    interquartile_mean,
    interval_of,
    resampled,
)
from stackelberg.study.statistics.improvement import (
    improvement_interval,
    probability_of_improvement,
)
from stackelberg.study.statistics.paired import (
    Comparison,
    compare_paired,
    is_without_chance,
)
from stackelberg.study.statistics.profiles import Profile, performance_profile
from stackelberg.study.statistics.survival import (
    Reaching,
    restricted_mean,
    time_to_threshold,
)

__all__ = [
    "Comparison",
    "Interval",
    "Profile",
    "Reaching",
    "compare_paired",
    "improvement_interval",
    "interquartile_mean",
    "interval_of",
    "is_without_chance",
    "performance_profile",
    "probability_of_improvement",
    "resampled",
    "restricted_mean",
    "time_to_threshold",
]
