"""Baselines of the environment, batched, behind one interface."""

from stackelberg.envs.baselines.conjecture import conjectured_game, typical_gains
from stackelberg.envs.baselines.policy import (
    BASELINES,
    Baseline,
    BaselinePolicy,
    make_baseline,
    measured_response,
)
from stackelberg.envs.baselines.sum_rate import (
    fractional_programming,
    sum_rate,
    wmmse,
)

__all__ = [
    "BASELINES",
    "Baseline",
    "BaselinePolicy",
    "conjectured_game",
    "fractional_programming",
    "make_baseline",
    "measured_response",
    "sum_rate",
    "typical_gains",
    "wmmse",
]
