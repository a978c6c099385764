"""One agent's side of the environment, everybody else playing a given policy.

A `Turn` is the state together with the price that is posted already, where the agent
acts after it. Pure JAX; the keys of the others' policies and of later episodes follow
from the episode's seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from stackelberg.envs.environment import (
    observe_followers,
    observe_leader,
    reset,
    step,
)
from stackelberg.envs.faces.numbers import (
    Scale,
    follower_vectors,
    leader_vector,
    power_of_action,
    price_of_action,
)
from stackelberg.envs.hashing import Stream, hash_key
from stackelberg.envs.lazily import where_needed
from stackelberg.envs.observation import Observation
from stackelberg.envs.params import EnvParams
from stackelberg.envs.reply import equilibrium_reply, price_alone
from stackelberg.envs.state import Action, State

Policy: TypeAlias = Callable[[Array, Observation, State], Action]
"""`policy(key, observation, state)`: what everybody does; the agent's own part of the
answer is not used. The leader acts on an observation in which the followers still see
the last price, the followers on one in which they see the posted one."""


class Turn(NamedTuple):
    """What is to be played next.

    Attributes:
        state: before the slot.
        reuse_price: posted already; None where the agent is the leader.
    """

    state: State
    reuse_price: Float[Array, "*price"] | None


class Played(NamedTuple):
    """What the agent's action led to.

    Attributes:
        turn: next.
        observation: of the next turn, flat.
        reward: of the agent, bit/s.
        terminated: nothing can happen any more.
        truncated: the horizon is reached.
        figures: leader's utility, sums of cellular and D2D rates, bit/s [3].
    """

    turn: Turn
    observation: Float[Array, " length"]
    reward: Float[Array, ""]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]
    figures: Float[Array, "3"]


FIGURES = ("leader_utility_bps", "cellular_sum_rate_bps", "d2d_sum_rate_bps")


@dataclass(frozen=True)
class Leader:
    """The agent is the base station.

    Attributes:
        scale: of actions and observations.
        policy: of the followers; None: `equilibrium_reply` at the posted price.
    """

    scale: Scale
    policy: Policy | None = None

    def turn(self, state: State, params: EnvParams) -> Turn:
        """The turn that begins with `state`."""
        del params
        return Turn(state, None)

    def observe(self, turn: Turn, params: EnvParams) -> Float[Array, " length"]:
        """What the leader sees."""
        return leader_vector(observe_leader(turn.state, params), params, self.scale)

    def action(
        self, turn: Turn, acted: Float[Array, "rows N"], params: EnvParams
    ) -> Action:
        """Everybody's action; `acted` as `price_of_action` reads it."""
        state = turn.state
        seen = observe_leader(state, params)
        price = price_of_action(acted, seen, params, self.scale)
        if self.policy is None:
            return Action(price, *equilibrium_reply(state, price, params))
        both = Observation(seen, observe_followers(state, price, params))
        chosen = self.policy(_key(state, 0), both, state)
        return chosen._replace(reuse_price=price)

    def reward(self, leader: Array, followers: Array) -> Float[Array, ""]:
        """The agent's of all rewards."""
        del followers
        return leader


@dataclass(frozen=True)
class Follower:
    """The agent is one pair.

    Attributes:
        scale: of actions and observations.
        pair: its number.
        policy: of the leader and of the other pairs; None: `price_alone`, and
            `equilibrium_reply` at that price.
    """

    scale: Scale
    pair: int
    policy: Policy | None = None

    def turn(self, state: State, params: EnvParams) -> Turn:
        """The turn that begins with `state`: the leader posts its price."""
        if self.policy is None:
            return Turn(state, price_alone(state, params))
        last = state.memory.reuse_price
        seen = Observation(
            observe_leader(state, params), observe_followers(state, last, params)
        )
        price = self.policy(_key(state, 0), seen, state).reuse_price
        return Turn(state, price.astype(params.dtype))

    def observe(self, turn: Turn, params: EnvParams) -> Float[Array, " length"]:
        """What the pair sees, its price included."""
        assert turn.reuse_price is not None
        seen = observe_followers(turn.state, turn.reuse_price, params)
        return follower_vectors(seen, params, self.scale)[self.pair]

    def action(self, turn: Turn, acted: Float[Array, "2"], params: EnvParams) -> Action:
        """Everybody's action; `acted` is the pair's channel and power in dBm."""
        state, price = turn
        assert price is not None
        if self.policy is None:
            channel, power = equilibrium_reply(state, price, params)
        else:
            both = Observation(
                observe_leader(state, params), observe_followers(state, price, params)
            )
            chosen = self.policy(_key(state, 1), both, state)
            channel, power = chosen.channel, chosen.transmit_power_w
        own = power_of_action(acted[1], params, self.scale)
        return Action(
            price,
            channel.at[self.pair].set(jnp.round(acted[0]).astype(jnp.int32)),
            power.astype(params.dtype).at[self.pair].set(own),
        )

    def reward(self, leader: Array, followers: Array) -> Float[Array, ""]:
        """The agent's of all rewards."""
        del leader
        return followers[self.pair]


Role: TypeAlias = Leader | Follower


def begin(
    role: Role, key: Array, params: EnvParams
) -> tuple[Turn, Float[Array, " length"]]:
    """The first turn of an episode and what the agent sees in it."""
    turn = role.turn(reset(key, params), params)
    return turn, role.observe(turn, params)


def play(role: Role, turn: Turn, acted: Array, params: EnvParams) -> Played:
    """Play one slot; the environment must not begin episodes by itself."""
    action = role.action(turn, acted, params)
    result = step(_key(turn.state, 2), turn.state, action, params)
    following = role.turn(result.state, params)
    outcome = result.outcome
    return Played(
        turn=following,
        observation=role.observe(following, params),
        reward=role.reward(result.leader_reward, result.follower_reward),
        terminated=result.terminated,
        truncated=result.truncated,
        figures=jnp.stack(
            [
                result.leader_reward,
                outcome.cellular_rate_bps.sum(),
                outcome.d2d_rate_bps.sum(),
            ]
        ),
    )


def begun_where(
    role: Role,
    ended: Bool[Array, ""],
    turn: Turn,
    observation: Float[Array, " length"],
    params: EnvParams,
) -> tuple[Turn, Float[Array, " length"]]:
    """A new episode where the last one has ended; its key follows from the last."""
    key = _key(turn.state, 3)
    return where_needed(
        ended,
        lambda argument: begin(role, *argument),
        (key, params),
        (turn, observation),
    )


def _key(state: State, use: int) -> Array:
    """A `jax.random` key for one use in one slot of one episode."""
    words = hash_key(state.world.seed, Stream.FACE, state.slot, use)
    return jax.random.wrap_key_data(jnp.stack(words), impl="threefry2x32")
