"""The environment as other libraries know environments: Gymnasium and PettingZoo.

Needs the extra ``envs``: `pip install "stackelberg[envs]"`. All faces play the same
functional core and get the same numbers; `docs/environment.md` says what is acted and
observed, in which units.
"""

from stackelberg.errors import MissingExtraError

try:
    import gymnasium  # noqa: F401  # pyright: ignore[reportUnusedImport]
    import pettingzoo  # noqa: F401  # pyright: ignore[reportUnusedImport]
except ImportError as error:
    raise MissingExtraError(error.name or "gymnasium", "envs") from None

from stackelberg.envs.faces.aec import CellAEC
from stackelberg.envs.faces.parallel import CellParallel
from stackelberg.envs.faces.single import FollowerEnv, LeaderEnv
from stackelberg.envs.faces.spaces import ChannelAndPower
from stackelberg.envs.faces.vector import FollowerVectorEnv, LeaderVectorEnv

__all__ = [
    "CellAEC",
    "CellParallel",
    "ChannelAndPower",
    "FollowerEnv",
    "FollowerVectorEnv",
    "LeaderEnv",
    "LeaderVectorEnv",
]
