"""PettingZoo, everybody at once."""

from __future__ import annotations

from typing import Any

from pettingzoo import ParallelEnv

from stackelberg.envs.faces.numbers import Prices
from stackelberg.envs.faces.pictures import MODES, drawn
from stackelberg.envs.faces.spaces import Actions, Floats, check_word
from stackelberg.envs.faces.table import LEADER, Table
from stackelberg.envs.params import EnvParams
from stackelberg.errors import ConfigError


class CellParallel(ParallelEnv[str, Floats, Any]):
    """The cell as a PettingZoo parallel environment: all act at the same time.

    The followers therefore act on the price of the slot before, while the one posted
    together with their actions is charged: a price lag of one slot. `CellAEC` has none.

    Args:
        params: the environment's; its `auto_reset` does not matter.
        actions: ``box``: a pair's action is a vector [channel, power in dBm];
            ``tuple``: a whole number and a power.
        prices: ``absolute`` or ``relative`` to B over each pair's seen gain.
        same_observation_spaces: fill up the shorter observations with zeros.
        render_mode: ``rgb_array``, ``ansi`` or None.

    Attributes:
        observation_names: by agent, what each entry of an observation is.

    Raises:
        ConfigError: a setting is of the wrong kind.
    """

    metadata = {  # noqa: RUF012
        "name": "stackelberg_cell_v0",
        "render_modes": list(MODES),
        "render_fps": 10,
        "is_parallelizable": True,
    }

    def __init__(
        self,
        params: EnvParams,
        *,
        actions: Actions = "box",
        prices: Prices = "absolute",
        same_observation_spaces: bool = True,
        render_mode: str | None = None,
    ) -> None:
        if render_mode is not None:
            check_word("render_mode", render_mode, MODES)
        self.render_mode = render_mode
        self._table = Table(params, actions, prices, same_observation_spaces)
        self.possible_agents = list(self._table.agents)
        self.agents: list[str] = []
        self.observation_spaces = dict(self._table.observation_spaces)
        self.action_spaces = dict(self._table.action_spaces)
        self.observation_names = self._table.observation_names

    def observation_space(self, agent: str) -> Any:
        """The agent's; always the same object."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Any:
        """The agent's; always the same object."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Floats], dict[str, dict[str, Any]]]:
        """Begin an episode; without `seed` the next of the sequence it began."""
        self.agents = list(self.possible_agents)
        rows = self._table.begin(seed)
        return dict(zip(self.agents, rows, strict=True)), self._infos()

    def step(
        self, actions: dict[str, Any]
    ) -> tuple[
        dict[str, Floats],
        dict[str, float],
        dict[str, bool],
        dict[str, bool],
        dict[str, dict[str, Any]],
    ]:
        """Play one slot.

        Args:
            actions: of every agent.

        Returns:
            Observations, rewards in bit/s, terminated, truncated, empty records.

        Raises:
            ConfigError, ShapeError, DomainError: an action is missing, of the wrong
                kind or size, or NaN.
        """
        agents = self.agents
        for agent in agents:
            if agent not in actions:
                wanted = "an action of every agent"
                raise ConfigError(f"actions[{agent}]", expected=wanted, got="nothing")
        rows, rewards, terminated, truncated = self._table.play(
            actions[LEADER], [actions[agent] for agent in agents[1:]]
        )
        infos = self._infos()
        if terminated or truncated:
            self.agents = []
        return (
            dict(zip(agents, rows, strict=True)),
            dict(zip(agents, rewards, strict=True)),
            dict.fromkeys(agents, terminated),
            dict.fromkeys(agents, truncated),
            infos,
        )

    def render(self) -> Any:
        """The cell after the last slot: an RGB frame or a text, by `render_mode`."""
        return drawn(self.render_mode, self._table.state, self._table.params)

    def close(self) -> None:
        """Nothing is held open."""

    def _infos(self) -> dict[str, dict[str, Any]]:
        return {agent: {} for agent in self.agents}
