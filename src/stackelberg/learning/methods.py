"""The methods of learning by name, each with its settings."""

from __future__ import annotations

from typing import Protocol

from stackelberg.envs.params import EnvParams
from stackelberg.learning.actor_critic import Maddpg, Matd3, StackelbergQ
from stackelberg.learning.gradient import (
    Imitation,
    ResponseGradient,
    ResponseGradientResidual,
    SingleLevel,
)
from stackelberg.learning.independent_q import IndependentQ
from stackelberg.learning.learner import Learner
from stackelberg.learning.proximal import Ippo, Mappo


class MethodSettings(Protocol):
    """The settings of a method: a frozen dataclass of plain numbers, words and flags.

    Fields are bool, int, float, str, a `Literal` of words, or tuples of these, each
    with a default: a settings file gives them by name. `learner` raises an `InputError`
    for a value outside its domain, or an environment that the method cannot play.
    """

    def learner(self, params: EnvParams) -> Learner:
        """The method with these settings in an environment."""
        ...


METHODS: dict[str, type[MethodSettings]] = {
    "imitation": Imitation,
    "independent_q": IndependentQ,
    "ippo": Ippo,
    "maddpg": Maddpg,
    "mappo": Mappo,
    "matd3": Matd3,
    "response_gradient": ResponseGradient,
    "response_gradient_residual": ResponseGradientResidual,
    "single_level": SingleLevel,
    "stq": StackelbergQ,
}
"""Name in a settings file -> the settings of that method."""


def make_learner(settings: MethodSettings, params: EnvParams) -> Learner:
    """A method of learning, ready to start.

    Args:
        settings: of one of `METHODS`.
        params: the environment it learns in.

    Raises:
        InputError: a setting is outside its domain, or the method cannot play in this
            environment.
    """
    return settings.learner(params)
