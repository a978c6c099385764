"""Gymnasium environments for one agent: the leader, or one follower."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.envs.registration import EnvSpec

from stackelberg.envs.faces.numbers import Prices, scale_of
from stackelberg.envs.faces.pictures import MODES, drawn
from stackelberg.envs.faces.roles import (
    FIGURES,
    Follower,
    Leader,
    Played,
    Policy,
    Role,
    Turn,
    begin,
    play,
)
from stackelberg.envs.faces.spaces import (
    Actions,
    Floats,
    channel_and_power,
    check_pair,
    check_params,
    check_word,
    follower_action_space,
    follower_layout,
    leader_action_space,
    leader_layout,
    numbers_of,
)
from stackelberg.envs.params import EnvParams

jitted_begin = jax.jit(begin, static_argnums=0)
jitted_play = jax.jit(play, static_argnums=0)


class _SingleEnv(gymnasium.Env[Floats, Any], ABC):
    """What both environments share.

    Attributes:
        params: the environment's.
        observation_names: what each entry of an observation is.
        state: before the next slot; None before the first reset.
    """

    metadata = {"render_modes": list(MODES), "render_fps": 10}  # noqa: RUF012

    def __init__(self, params: EnvParams, role: Role, **settings: Any) -> None:
        render_mode = settings["render_mode"]
        if render_mode is not None:
            check_word("render_mode", render_mode, MODES)
        self.params = params
        self.render_mode = render_mode
        self._role = role
        self._turn: Turn | None = None
        # Checkers and wrappers make more environments like this one from its spec.
        self.spec = EnvSpec(
            id=f"stackelberg/{type(self).__name__}-v0",
            entry_point=type(self),
            kwargs={"params": params, **settings},
            disable_env_checker=True,
            order_enforce=False,
        )

    @property
    def state(self) -> Any:
        """The functional core's state before the next slot."""
        return None if self._turn is None else self._turn.state

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Floats, dict[str, Any]]:
        """Begin an episode; without `seed` the next of the sequence it began.

        Args:
            seed: decides this episode and all later ones.
            options: not used.

        Returns:
            The flat observation, and an empty record.
        """
        super().reset(seed=seed)
        key = key_of(self.np_random)
        self._turn, observation = jitted_begin(self._role, key, self.params)
        return np.array(observation), {}

    def step(self, action: Any) -> tuple[Floats, float, bool, bool, dict[str, Any]]:
        """Play one slot.

        Args:
            action: a member of the action space; what exceeds its bounds is cut.

        Returns:
            Observation, reward in bit/s, terminated, truncated, and sums of the slot.

        Raises:
            ConfigError, ShapeError, DomainError: the action is of the wrong kind or
                size, or NaN.
        """
        if self._turn is None:
            raise gymnasium.error.ResetNeeded("call reset before step")
        played: Played = jitted_play(
            self._role, self._turn, self._vector(action), self.params
        )
        self._turn = played.turn
        figures = np.asarray(played.figures).tolist()
        return (
            np.array(played.observation),
            float(played.reward),
            bool(played.terminated),
            bool(played.truncated),
            dict(zip(FIGURES, figures, strict=True)),
        )

    def render(self) -> Any:
        """The cell after the last slot: an RGB frame or a text, by `render_mode`."""
        return drawn(self.render_mode, self.state, self.params)

    @abstractmethod
    def _vector(self, action: Any) -> Floats:
        """The action as the vector that the role reads."""


class LeaderEnv(_SingleEnv):
    """The base station alone: it posts prices, the pairs answer.

    Action: natural logarithms of the prices, float32 [1, N], or [M, N] with prices per
    channel, within `scale_of`'s bounds. Reward: the leader's utility, bit/s.

    Args:
        params: the environment's; its `auto_reset` does not matter.
        policy: of the followers, `policy(key, observation, state) -> Action`; None:
            their equilibrium at the posted price, every gain known.
        prices: ``absolute`` or ``relative`` to B over each pair's seen gain.
        render_mode: ``rgb_array``, ``ansi`` or None.

    Raises:
        ConfigError: a setting is of the wrong kind.
    """

    def __init__(
        self,
        params: EnvParams,
        *,
        policy: Policy | None = None,
        prices: Prices = "absolute",
        render_mode: str | None = None,
    ) -> None:
        check_params(params)
        check_word("prices", prices, ("absolute", "relative"))
        params = replace(params, auto_reset=False)
        scale = scale_of(params, prices)
        role = Leader(scale, policy)
        settings = {"policy": policy, "prices": prices, "render_mode": render_mode}
        super().__init__(params, role, **settings)
        layout = leader_layout(params, scale)
        self.observation_space = layout.space
        self.observation_names = layout.names
        self.action_space = leader_action_space(params, scale)

    def _vector(self, action: Any) -> Floats:
        return numbers_of(action, self.action_space.shape or ())


class FollowerEnv(_SingleEnv):
    """One pair alone: it sees its price and chooses a channel and a power.

    Action: (channel, power in dBm), or with ``actions="box"`` the same as a vector.
    Reward: the pair's, bit/s.

    Args:
        params: the environment's; its `auto_reset` does not matter.
        pair: which one.
        policy: of the leader and the other pairs, `policy(key, observation, state) ->
            Action`; None: each pair's best price were it alone, and the others'
            equilibrium at these prices, every gain known.
        actions: ``tuple`` or ``box``.
        render_mode: ``rgb_array``, ``ansi`` or None.

    Raises:
        ConfigError: a setting is of the wrong kind.
        DomainError: there is no such pair.
    """

    def __init__(
        self,
        params: EnvParams,
        pair: int = 0,
        *,
        policy: Policy | None = None,
        actions: Actions = "tuple",
        render_mode: str | None = None,
    ) -> None:
        check_params(params)
        check_word("actions", actions, ("tuple", "box"))
        params = replace(params, auto_reset=False)
        scale = scale_of(params, "absolute")
        role = Follower(scale, check_pair(pair, params), policy)
        super().__init__(
            params,
            role,
            pair=pair,
            policy=policy,
            actions=actions,
            render_mode=render_mode,
        )
        layout = follower_layout(params, scale)
        self.observation_space = layout.space
        self.observation_names = layout.names
        self.action_space = follower_action_space(params, scale, actions)

    def _vector(self, action: Any) -> Floats:
        return channel_and_power(action)


def key_of(random: np.random.Generator) -> jax.Array:
    """The key of the next episode."""
    words = random.integers(2**32, size=2, dtype=np.uint32)
    return jax.random.wrap_key_data(jnp.asarray(words), impl="threefry2x32")
