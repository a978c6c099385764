"""All agents at one table: what the two PettingZoo faces share.

Row 0 of every array over agents is the leader, row 1 + j is pair j. Shape legend: N
pairs, L the length of the longest observation.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from gymnasium import spaces
from gymnasium.utils import seeding
from jaxtyping import Array, Bool, Float

from stackelberg.envs.environment import (
    observe_followers,
    observe_leader,
    reset,
    step,
)
from stackelberg.envs.faces.numbers import (
    Prices,
    Scale,
    follower_vectors,
    leader_vector,
    power_of_action,
    price_of_action,
    scale_of,
)
from stackelberg.envs.faces.single import key_of
from stackelberg.envs.faces.spaces import (
    Actions,
    Floats,
    check_params,
    check_word,
    common_space,
    follower_action_space,
    follower_layout,
    leader_action_space,
    leader_layout,
    numbers_of,
    padded_names,
)
from stackelberg.envs.params import EnvParams
from stackelberg.envs.state import Action, State

LEADER = "leader_0"


class Slot(NamedTuple):
    """What a slot led to, for all agents.

    Attributes:
        state: next.
        seen: by each agent [1 + N, L]; followers see the price charged last.
        reward: of each agent, bit/s [1 + N].
        ended: terminated, truncated [2].
    """

    state: State
    seen: Float[Array, "agents L"]
    reward: Float[Array, " agents"]
    ended: Bool[Array, "2"]


class Table:
    """Agents, spaces and the functional core of one environment.

    Attributes:
        params: the environment's.
        agents: names, the leader first.
        observation_spaces: by agent.
        action_spaces: by agent.
        observation_names: by agent, what each entry is.
        state: before the next slot; None before the first reset.
    """

    def __init__(
        self,
        params: EnvParams,
        actions: Actions,
        prices: Prices,
        same_observation_spaces: bool,
    ) -> None:
        check_params(params)
        check_word("actions", actions, ("tuple", "box"))
        check_word("prices", prices, ("absolute", "relative"))
        self.params = replace(params, auto_reset=False)
        self.scale = scale_of(params, prices)
        self.state: State | None = None
        self.agents = [LEADER, *(f"follower_{j}" for j in range(params.num_pairs))]
        layouts = [leader_layout(params, self.scale)]
        layouts += params.num_pairs * [follower_layout(params, self.scale)]
        common = common_space(layouts[:2])
        self._lengths = [len(layout.names) for layout in layouts]
        if same_observation_spaces:
            self._lengths = len(layouts) * [common.shape[0]]
        self.observation_names = {
            agent: padded_names(layout.names, length)
            for agent, layout, length in zip(
                self.agents, layouts, self._lengths, strict=True
            )
        }
        # A space of its own for every agent: each has its own random numbers.
        self.observation_spaces: dict[str, Any] = {
            agent: _copy(common if same_observation_spaces else layout.space)
            for agent, layout in zip(self.agents, layouts, strict=True)
        }
        self.action_spaces: dict[str, Any] = {
            LEADER: leader_action_space(params, self.scale)
        } | {
            agent: follower_action_space(params, self.scale, actions)
            for agent in self.agents[1:]
        }
        self._random: np.random.Generator | None = None

    def begin(self, seed: int | None) -> list[Floats]:
        """A new episode; what each agent sees."""
        if seed is not None or self._random is None:
            self._random, _ = seeding.np_random(seed)
        key = key_of(self._random)
        self.state, seen = _begin(key, self.params, self.scale)
        return self._rows(seen)

    def posted(self, action: Any) -> list[Floats]:
        """What each pair sees once the leader has acted."""
        return self._rows(
            _posted(self.state, self._price_action(action), self.params, self.scale), 1
        )

    def play(
        self, leader: Any, pairs: list[Any]
    ) -> tuple[list[Floats], list[float], bool, bool]:
        """Everybody's action; observations, rewards, terminated, truncated."""
        price, acted = self._price_action(leader), _channels_and_powers(pairs)
        slot: Slot = _play(self.state, price, acted, self.params, self.scale)
        self.state = slot.state
        terminated, truncated = np.asarray(slot.ended).tolist()
        rewards: list[float] = np.asarray(slot.reward, np.float64).tolist()
        return self._rows(slot.seen), rewards, terminated, truncated

    def _price_action(self, action: Any) -> Floats:
        shape = self.action_spaces[LEADER].shape
        return numbers_of(action, shape, "action of the leader")

    def _rows(self, seen: Any, first: int = 0) -> list[Floats]:
        """One array per agent that nobody else holds."""
        rows = np.asarray(seen)
        return [
            row[:length].copy()
            for row, length in zip(rows, self._lengths[first:], strict=True)
        ]


def _channels_and_powers(pairs: list[Any]) -> Floats:
    acted = np.empty((len(pairs), 2), np.float32)
    try:
        for j, action in enumerate(pairs):
            acted[j, 0], acted[j, 1] = action
        if not np.isnan(acted).any():
            return acted
    except (TypeError, ValueError, IndexError, KeyError):
        pass  # said below of which pair
    rows = [numbers_of(one, (2,), f"action of pair {j}") for j, one in enumerate(pairs)]
    return np.stack(rows)


def _copy(space: spaces.Box) -> spaces.Box:
    return spaces.Box(space.low, space.high, dtype=np.float32)


@partial(jax.jit, static_argnums=2)
def _begin(key: Array, params: EnvParams, scale: Scale) -> tuple[State, Array]:
    state = reset(key, params)
    return state, _seen(state, params, scale)


@partial(jax.jit, static_argnums=3)
def _posted(state: State, acted: Array, params: EnvParams, scale: Scale) -> Array:
    leader = observe_leader(state, params)
    price = price_of_action(acted, leader, params, scale)
    pairs = follower_vectors(observe_followers(state, price, params), params, scale)
    length = leader_vector(leader, params, scale).shape[0]
    return _widened(pairs, max(length, pairs.shape[1]))


@partial(jax.jit, static_argnums=4)
def _play(
    state: State, acted: Array, pairs: Array, params: EnvParams, scale: Scale
) -> Slot:
    price = price_of_action(acted, observe_leader(state, params), params, scale)
    channel = jnp.round(pairs[:, 0]).astype(jnp.int32)
    power = power_of_action(pairs[:, 1], params, scale)
    key = jax.random.wrap_key_data(state.world.seed, impl="threefry2x32")
    result = step(key, state, Action(price, channel, power), params)
    return Slot(
        state=result.state,
        seen=_seen(result.state, params, scale),
        reward=jnp.concatenate([result.leader_reward[None], result.follower_reward]),
        ended=jnp.stack([result.terminated, result.truncated]),
    )


def _seen(state: State, params: EnvParams, scale: Scale) -> Float[Array, "agents L"]:
    leader = leader_vector(observe_leader(state, params), params, scale)[None]
    last = observe_followers(state, state.memory.reuse_price, params)
    pairs = follower_vectors(last, params, scale)
    length = max(leader.shape[1], pairs.shape[1])
    return jnp.concatenate([_widened(leader, length), _widened(pairs, length)])


def _widened(rows: Array, length: int) -> Array:
    return jnp.pad(rows, ((0, 0), (0, length - rows.shape[1])))
