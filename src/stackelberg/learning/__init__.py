"""Policies for the environment, trained beside and against the equilibrium; and games
in tables, where what learning finds can be compared with the exact answer.
"""

from stackelberg.learning.learner import Learner, Metrics, Policy
from stackelberg.learning.methods import METHODS, MethodSettings, make_learner
from stackelberg.learning.stage_game import StageEquilibria, solve_stage_games
from stackelberg.learning.tabular_game import TabularGame

__all__ = [
    "METHODS",
    "Learner",
    "MethodSettings",
    "Metrics",
    "Policy",
    "StageEquilibria",
    "TabularGame",
    "make_learner",
    "solve_stage_games",
]
