"""Games in tables: exact answers, what learning finds, and when neither converges."""

from stackelberg.learning.tabular.answer import (
    TabularAnswer,
    TabularCertificate,
    certify_tables,
)
from stackelberg.learning.tabular.classes import cycle_game, random_game
from stackelberg.learning.tabular.game import TabularGame
from stackelberg.learning.tabular.stage_game import (
    StageEquilibria,
    solve_stage_games,
)
from stackelberg.learning.tabular.stq import StqSettings, learn_stq
from stackelberg.learning.tabular.value_iteration import iterate_values

__all__ = [
    "StageEquilibria",
    "StqSettings",
    "TabularAnswer",
    "TabularCertificate",
    "TabularGame",
    "certify_tables",
    "cycle_game",
    "iterate_values",
    "learn_stq",
    "random_game",
    "solve_stage_games",
]
