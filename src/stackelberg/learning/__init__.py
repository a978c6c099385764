"""Policies for the environment, trained beside and against the equilibrium; and games
in tables, where what learning finds can be compared with the exact answer.
"""

from stackelberg.learning.evaluation import METRICS, Evaluation, evaluate
from stackelberg.learning.learner import Learner, Metrics, Policy
from stackelberg.learning.methods import METHODS, MethodSettings, make_learner
from stackelberg.learning.settings import RunSettings, run_settings
from stackelberg.learning.simple_policies import SIMPLE
from stackelberg.learning.tabular import (
    StageEquilibria,
    StqSettings,
    TabularAnswer,
    TabularCertificate,
    TabularGame,
    certify_tables,
    cycle_game,
    iterate_values,
    learn_stq,
    random_game,
    solve_stage_games,
)
from stackelberg.learning.training import Chunk, chunks, start_key

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
