"""Policies for the environment, trained beside and against the equilibrium; and games
in tables, where what learning finds can be compared with the exact answer.
"""

from stackelberg.learning.evaluation import METRICS, Evaluation, evaluate
from stackelberg.learning.learner import Learner, Metrics, Policy
from stackelberg.learning.methods import METHODS, MethodSettings, make_learner
from stackelberg.learning.settings import RunSettings, run_settings
from stackelberg.learning.simple_policies import SIMPLE
from stackelberg.learning.stage_game import StageEquilibria, solve_stage_games
from stackelberg.learning.stq import StqSettings, learn_stq
from stackelberg.learning.tabular_answer import (
    TabularAnswer,
    TabularCertificate,
    certify_tables,
)
from stackelberg.learning.tabular_classes import cycle_game, random_game
from stackelberg.learning.tabular_game import TabularGame
from stackelberg.learning.training import Chunk, chunks, start_key
from stackelberg.learning.value_iteration import iterate_values

__all__ = [
    "METHODS",
    "METRICS",
    "SIMPLE",
    "Chunk",
    "Evaluation",
    "Learner",
    "MethodSettings",
    "Metrics",
    "Policy",
    "RunSettings",
    "StageEquilibria",
    "StqSettings",
    "TabularAnswer",
    "TabularCertificate",
    "TabularGame",
    "certify_tables",
    "chunks",
    "cycle_game",
    "evaluate",
    "iterate_values",
    "learn_stq",
    "make_learner",
    "random_game",
    "run_settings",
    "solve_stage_games",
    "start_key",
]
