"""Methods of a study, by kind and name."""

from stackelberg.study.methods.measured import (
    METRICS,
    Measured,
    Method,
    Metric,
    metric,
)
from stackelberg.study.methods.registry import methods_of

__all__ = ["METRICS", "Measured", "Method", "Metric", "methods_of", "metric"]
