"""PettingZoo, one after the other: the leader, then the followers."""

from __future__ import annotations

from typing import Any

from pettingzoo import AECEnv

from stackelberg.envs.faces.numbers import Prices
from stackelberg.envs.faces.pictures import MODES, drawn
from stackelberg.envs.faces.spaces import Actions, Floats, check_word
from stackelberg.envs.faces.table import LEADER, Table
from stackelberg.envs.params import EnvParams


class CellAEC(AECEnv[str, Floats, Any]):
    """The cell as a PettingZoo agent-environment cycle: leader first, then followers.

    In each slot ``leader_0`` posts prices, then ``follower_0``, ``follower_1``, ... see
    their own and act. No follower sees what another does in the slot; the slot is
    played, and rewards are given, once the last has acted.

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
        "is_parallelizable": False,
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
        super().__init__()
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

    def observe(self, agent: str) -> Floats:
        """What the agent sees now; a pair sees the posted price once there is one."""
        return self._seen[agent].copy()

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> None:
        """Begin an episode; without `seed` the next of the sequence it began."""
        self.agents = list(self.possible_agents)
        self._seen = dict(zip(self.agents, self._table.begin(seed), strict=True))
        self._acted: dict[str, Any] = {}
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations = dict.fromkeys(self.agents, False)
        self.truncations = dict.fromkeys(self.agents, False)
        self.infos = {agent: {} for agent in self.agents}
        self._skip_agent_selection = None
        self.agent_selection = LEADER

    def step(self, action: Any) -> None:
        """The action of the agent whose turn it is."""
        agent = self.agent_selection
        if self.terminations[agent] or self.truncations[agent]:
            self._was_dead_step(action)
            return
        self._cumulative_rewards[agent] = 0.0
        self._acted[agent] = action
        if agent == LEADER:
            self._clear_rewards()
            pairs = self.agents[1:]
            self._seen.update(zip(pairs, self._table.posted(action), strict=True))
        if len(self._acted) < len(self.agents):
            self.agent_selection = self.agents[len(self._acted)]
            return
        self._play()

    def render(self) -> Any:
        """The cell after the last slot: an RGB frame or a text, by `render_mode`."""
        return drawn(self.render_mode, self._table.state, self._table.params)

    def close(self) -> None:
        """Nothing is held open."""

    def _play(self) -> None:
        rows, rewards, terminated, truncated = self._table.play(
            self._acted[LEADER], [self._acted[agent] for agent in self.agents[1:]]
        )
        self._acted = {}
        self._seen = dict(zip(self.agents, rows, strict=True))
        self.rewards = dict(zip(self.agents, rewards, strict=True))
        self.terminations = dict.fromkeys(self.agents, terminated)
        self.truncations = dict.fromkeys(self.agents, truncated)
        self.infos = {agent: {} for agent in self.agents}
        self.agent_selection = LEADER
        self._accumulate_rewards()
