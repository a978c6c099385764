"""Gymnasium vector environments: many cells in one compiled step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from jaxtyping import Array, Bool

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
    begun_where,
    play,
)
from stackelberg.envs.faces.single import key_of
from stackelberg.envs.faces.spaces import (
    Actions,
    Floats,
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
from stackelberg.errors import ConfigError
from stackelberg.spectrum.radio import whole_number

Bools = npt.NDArray[np.bool_]


class _Advanced(NamedTuple):
    played: Played
    turn: Turn
    observation: Array


class _VectorFace(VectorEnv[Any, Any, Any], ABC):
    """What both vector environments share.

    Attributes:
        params: the environment's.
        observation_names: what each entry of one environment's observation is.
    """

    def __init__(
        self,
        num_envs: int,
        params: EnvParams,
        role: Role,
        autoreset_mode: AutoresetMode | str,
        render_mode: str | None,
    ) -> None:
        if render_mode is not None:
            check_word("render_mode", render_mode, MODES)
        self.num_envs = whole_number("num_envs", num_envs, least=1)
        self.autoreset_mode = _mode(autoreset_mode)
        self.metadata = {
            "render_modes": list(MODES),
            "render_fps": 10,
            "autoreset_mode": self.autoreset_mode,
        }
        self.params = params
        self.render_mode = render_mode
        self._role = role
        self._turn: Turn | None = None
        self._ended: Bools = np.zeros(num_envs, bool)

    def _with_spaces(self, names: list[str], seen: Any, acted: Any) -> None:
        self.observation_names = names
        self.single_observation_space = seen
        self.single_action_space = acted
        self.observation_space = batch_space(seen, self.num_envs)
        self.action_space = batch_space(acted, self.num_envs)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Floats, dict[str, Any]]:
        """Begin an episode in every cell, or in those of ``options["reset_mask"]``.

        Args:
            seed: decides these episodes and all later ones.
            options: ``reset_mask``: which cells begin anew, bool [num_envs].
        """
        super().reset(seed=seed)
        mask = None if options is None else options.get("reset_mask")
        keys = jax.random.split(key_of(self.np_random), self.num_envs)
        turn, seen = _begin_all(self._role, keys, self.params)
        if mask is not None and self._turn is not None:
            chosen = _checked_mask(mask, self.num_envs)
            turn, seen = _choose(chosen, (turn, seen), (self._turn, self._seen))
            self._ended = self._ended & ~chosen
        else:
            self._ended = np.zeros(self.num_envs, bool)
        self._turn, self._seen = turn, seen
        return np.array(seen), {}

    def step(self, actions: Any) -> tuple[Floats, Floats, Bools, Bools, dict[str, Any]]:
        """Play one slot in every cell.

        Where an episode ended: with ``SameStep`` the observation is the first of the
        next one and ``info["final_obs"]`` the last of the old; with ``NextStep`` the
        next call only begins a new episode there, reward 0; with ``Disabled`` the
        caller resets.

        Returns:
            Observations, rewards in bit/s, terminated, truncated, and sums of the slot.
        """
        if self._turn is None:
            raise gymnasium.error.ResetNeeded("call reset before step")
        before, mode = self._ended, self.autoreset_mode
        if mode is AutoresetMode.DISABLED and before.any():
            raise gymnasium.error.ResetNeeded(
                "reset the cells whose episode ended before step"
            )
        next_step = mode is AutoresetMode.NEXT_STEP
        done = _advance(
            self._role,
            self._turn,
            self._vectors(actions),
            before,
            next_step,
            mode is AutoresetMode.SAME_STEP,
            self.params,
        )
        played = done.played
        self._turn, self._seen = done.turn, done.observation
        reward = np.array(played.reward)
        terminated, truncated = np.array(played.terminated), np.array(played.truncated)
        if next_step and before.any():
            reward[before] = 0.0
            terminated[before] = truncated[before] = False
        self._ended = terminated | truncated
        return (
            np.array(done.observation),
            reward,
            terminated,
            truncated,
            self._info(played, played_in=~before if next_step else None),
        )

    def render(self) -> tuple[Any, ...] | None:
        """One frame or text per cell, by `render_mode`."""
        if self.render_mode is None or self._turn is None:
            return None
        state = jax.tree.map(np.asarray, self._turn.state)
        return tuple(
            drawn(
                self.render_mode,
                jax.tree.map(lambda leaf, at=member: leaf[at], state),
                self.params,
            )
            for member in range(self.num_envs)
        )

    @abstractmethod
    def _vectors(self, actions: Any) -> Floats:
        """The actions as one vector a cell."""

    def _info(self, played: Played, played_in: Bools | None) -> dict[str, Any]:
        there = np.ones(self.num_envs, bool) if played_in is None else played_in
        figures = np.array(played.figures).T
        info: dict[str, Any] = {}
        for name, column in zip(FIGURES, figures, strict=True):
            info[name], info[f"_{name}"] = np.where(there, column, 0.0), there.copy()
        if self.autoreset_mode is AutoresetMode.SAME_STEP and self._ended.any():
            last = np.full(self.num_envs, None, dtype=object)
            rows = np.array(played.observation)
            for member in np.flatnonzero(self._ended):
                last[member] = rows[member].copy()
            info["final_obs"], info["_final_obs"] = last, self._ended.copy()
        return info


class LeaderVectorEnv(_VectorFace):
    """`LeaderEnv` for many cells at once.

    Args:
        num_envs: how many.
        params: the environment's; its `auto_reset` does not matter.
        policy: of the followers; None: their equilibrium at the posted price.
        prices: ``absolute`` or ``relative`` to B over each pair's seen gain.
        autoreset_mode: ``NextStep``, ``SameStep`` or ``Disabled``.
        render_mode: ``rgb_array``, ``ansi`` or None.

    Raises:
        ConfigError: a setting is of the wrong kind.
        DomainError: `num_envs` is less than 1.
    """

    def __init__(
        self,
        num_envs: int,
        params: EnvParams,
        *,
        policy: Policy | None = None,
        prices: Prices = "absolute",
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
    ) -> None:
        check_params(params)
        check_word("prices", prices, ("absolute", "relative"))
        params = replace(params, auto_reset=False)
        scale = scale_of(params, prices)
        role = Leader(scale, policy)
        super().__init__(num_envs, params, role, autoreset_mode, render_mode)
        layout = leader_layout(params, scale)
        space = leader_action_space(params, scale)
        self._with_spaces(layout.names, layout.space, space)

    def _vectors(self, actions: Any) -> Floats:
        shape = self.action_space.shape or ()
        return numbers_of(actions, shape, "actions")


class FollowerVectorEnv(_VectorFace):
    """`FollowerEnv` for many cells at once.

    Args:
        num_envs: how many.
        params: the environment's; its `auto_reset` does not matter.
        pair: which one.
        policy: of the leader and the other pairs; None as for `FollowerEnv`.
        actions: ``tuple`` or ``box``.
        autoreset_mode: ``NextStep``, ``SameStep`` or ``Disabled``.
        render_mode: ``rgb_array``, ``ansi`` or None.

    Raises:
        ConfigError: a setting is of the wrong kind.
        DomainError: `num_envs` is less than 1, or there is no such pair.
    """

    def __init__(
        self,
        num_envs: int,
        params: EnvParams,
        pair: int = 0,
        *,
        policy: Policy | None = None,
        actions: Actions = "tuple",
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
    ) -> None:
        check_params(params)
        check_word("actions", actions, ("tuple", "box"))
        params = replace(params, auto_reset=False)
        scale = scale_of(params, "absolute")
        role = Follower(scale, check_pair(pair, params), policy)
        super().__init__(num_envs, params, role, autoreset_mode, render_mode)
        layout = follower_layout(params, scale)
        space = follower_action_space(params, scale, actions)
        self._with_spaces(layout.names, layout.space, space)

    def _vectors(self, actions: Any) -> Floats:
        if isinstance(self.single_action_space, spaces.Tuple):
            return numbers_of(actions, (2, self.num_envs), "actions").T
        return numbers_of(actions, (self.num_envs, 2), "actions")


@partial(jax.jit, static_argnums=0)
def _begin_all(role: Role, keys: Array, params: EnvParams) -> tuple[Turn, Array]:
    return jax.vmap(lambda key: begin(role, key, params))(keys)


@partial(jax.jit, static_argnums=0)
def _advance(
    role: Role,
    turn: Turn,
    acted: Array,
    before: Array,
    next_step: Array,
    same_step: Array,
    params: EnvParams,
) -> _Advanced:
    """One slot of every cell, and new episodes where the mode wants them."""

    def one(turn: Turn, acted: Array, before: Array) -> _Advanced:
        played = play(role, turn, acted, params)
        now = played.terminated | played.truncated
        ended = (next_step & before) | (same_step & now)
        following = begun_where(role, ended, played.turn, played.observation, params)
        return _Advanced(played, *following)

    return jax.vmap(one)(turn, acted, before)


@jax.jit
def _choose(mask: Bool[Array, " batch"], new: Any, old: Any) -> Any:
    def pick(fresh: Array, kept: Array) -> Array:
        return jnp.where(mask.reshape(-1, *(1,) * (fresh.ndim - 1)), fresh, kept)

    return jax.tree.map(pick, new, old)


def _checked_mask(mask: Any, num_envs: int) -> Bools:
    chosen = np.asarray(mask)
    if chosen.shape != (num_envs,) or chosen.dtype != np.bool_:
        raise ConfigError(
            "options.reset_mask",
            expected=f"{num_envs} booleans",
            got=f"shape {list(chosen.shape)} of {chosen.dtype}",
        )
    return chosen


def _mode(mode: AutoresetMode | str) -> AutoresetMode:
    if isinstance(mode, AutoresetMode):
        return mode
    check_word("autoreset_mode", mode, tuple(known.value for known in AutoresetMode))
    return AutoresetMode(mode)
