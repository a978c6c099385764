"""The spectrum game played slot by slot: `reset`, observe, `step`.

Pure functions of explicit states; use them inside any `jit`, `vmap`, `scan` or `grad`.
In a slot the leader posts prices, each follower sees its own, then all pairs choose a
channel and a power. The world of an episode follows from the key given to `reset`
alone, so two policies given the same key meet the same channels and arrivals.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from stackelberg.envs import dynamics, observation
from stackelberg.envs.admission import admitted
from stackelberg.envs.equilibrium import SlotInfo, slot_info
from stackelberg.envs.hashing import Stream, episode_seed, hash_key, random_bits
from stackelberg.envs.lazily import where_needed
from stackelberg.envs.observation import (
    FollowerObservation,
    LeaderObservation,
    Observation,
    quoted_gain,
)
from stackelberg.envs.outcome import Outcome, played_slot, slot_outcome
from stackelberg.envs.params import EnvParams
from stackelberg.envs.recall import Means, nothing_yet, recalled
from stackelberg.envs.slot_game import slot_game
from stackelberg.envs.state import Action, Memory, State
from stackelberg.envs.world import World, fader, new_world, world_in_slot


class Step(NamedTuple):
    """What a slot led to.

    Attributes:
        state: next; that of a new episode where this one ended and `auto_reset` is on.
        observation: of `state`. Followers see the price charged last: the next one is
            not posted yet.
        final_observation: of the state in which this slot ended, before any reset.
        leader_reward: bit/s.
        follower_reward: bit/s [N].
        terminated: nothing can happen any more: every battery is empty for good.
        truncated: the episode was cut off at its horizon.
        outcome: rates, payments, utilities of the slot.
        served_bits: useful data [N]; None without queues.
        expired_bits: data that missed its deadline [N]; None without queues.
        info: how far play was from the slot's equilibrium; None where
            `params.equilibrium` is.
    """

    state: State
    observation: Observation
    final_observation: Observation
    leader_reward: Float[Array, ""]
    follower_reward: Float[Array, " N"]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]
    outcome: Outcome
    served_bits: Float[Array, " N"] | None
    expired_bits: Float[Array, " N"] | None
    info: SlotInfo | None


def reset(key: Array, params: EnvParams) -> State:
    """The state before the first slot of an episode.

    Args:
        key: a `jax.random` key; everything random in the episode follows from it.
        params: the environment's.
    """
    seed = _seed(key, params)
    return _begin(seed, new_world(seed, params), params)


def observe_leader(state: State, params: EnvParams) -> LeaderObservation:
    """What the base station sees before it posts prices."""
    return observation.observe_leader(state, params)


def observe_followers(
    state: State, reuse_price: Float[Array, "*price"], params: EnvParams
) -> FollowerObservation:
    """What each pair sees once the leader has posted `reuse_price`.

    The price in the observation is the one the slot will charge: with price inertia or
    fixed bounds it may differ from the one posted.
    """
    charged = charged_price(state, reuse_price, params)
    return observation.observe_followers(state, charged, params)


def charged_price(
    state: State, reuse_price: Float[Array, "*price"], params: EnvParams
) -> Float[Array, "*price"]:
    """The price that the slot charges when the leader posts `reuse_price`.

    With inertia w it is last^w posted^(1 - w); then it is cut to fixed price bounds.
    """
    price = reuse_price.astype(params.dtype)
    if params.price_inertia is not None:
        last = state.memory.reuse_price
        weight = params.price_inertia
        blend = jnp.exp(weight * jnp.log(last) + (1.0 - weight) * jnp.log(price))
        price = jnp.where(last > 0.0, blend, price)
    if params.price_limits is not None:
        price = jnp.clip(price, params.price_limits.min, params.price_limits.max)
    return price


def on_channel(
    reuse_price: Float[Array, "*price"], channel: Int[Array, " N"]
) -> Float[Array, " N"]:
    """Each pair's price on its channel [N], of prices [N] or [M, N]."""
    if reuse_price.ndim == 1:
        return reuse_price
    return reuse_price[channel, jnp.arange(len(channel))]


def step(key: Array, state: State, action: Action, params: EnvParams) -> Step:
    """Play one slot.

    Args:
        key: of the next episode; used only where one begins (`auto_reset`).
        state: before the slot.
        action: of the leader and all followers.
        params: the environment's.
    """
    result = played_out(state, action, params)
    if not params.auto_reset:
        return result
    following, seen = begun_anew(key, result, params)
    return result._replace(state=following, observation=seen)


def played_out(state: State, action: Action, params: EnvParams) -> Step:
    """One slot, and no new episode where it ends one."""
    played = _play(state, action, params)
    after = _after(state, played, params)
    terminated = _worn_out(after, params)
    seen = _observe(after, params)
    service = played.service
    return Step(
        state=after,
        observation=seen,
        final_observation=seen,
        leader_reward=played.outcome.leader_utility,
        follower_reward=played.follower_reward,
        terminated=terminated,
        truncated=~terminated & (after.slot >= params.horizon_slots),
        outcome=played.outcome,
        served_bits=None if service is None else service.served_bits,
        expired_bits=None if service is None else service.expired_bits,
        info=_info(state, played, params),
    )


def begun_anew(
    key: Array, result: Step, params: EnvParams
) -> tuple[State, Observation]:
    """State and observation after a slot, of a new episode where one ended."""
    ended = result.terminated | result.truncated
    following = _begun_where(ended, key, result.state, params)
    seen = where_needed(
        ended,
        lambda argument: _observe(*argument),
        (following, params),
        result.observation,
    )
    return following, seen


def _info(state: State, played: _Played, params: EnvParams) -> SlotInfo | None:
    if params.equilibrium is None:
        return None
    outcome = played.outcome
    price = on_channel(played.charged_price, outcome.channel)
    game = slot_game(state, params, outcome.channel)
    return slot_info(game, price, outcome.transmit_power_w, concept=params.equilibrium)


class _Played(NamedTuple):
    charged_price: Float[Array, "*price"]
    quoted_gain: Float[Array, " N"]
    outcome: Outcome
    follower_reward: Float[Array, " N"]
    service: dynamics.Service | None


def _play(state: State, action: Action, params: EnvParams) -> _Played:
    channel = jnp.clip(action.channel.astype(jnp.int32), 0, params.num_channels - 1)
    power = _feasible_power(state, channel, action.transmit_power_w, params)
    charged = charged_price(state, action.reuse_price, params)
    price = on_channel(charged, channel)
    now = fader(state.world, state.slot, params)
    slot = played_slot(state.world.gains, now, channel, power)
    told = params.information
    exact = told.delay_slots == 0 and told.error_std_db is None
    quoted = slot.links.to_bs if exact else quoted_gain(state, channel, params)
    billed = quoted if params.billing == "quoted" else slot.links.to_bs
    outcome = slot_outcome(
        slot,
        price,
        billed,
        params.radio,
        limit_payment=params.price_limits is None,
    )
    reward, service = _useful_rate(state, outcome, params)
    return _Played(charged, quoted, outcome, reward, service)


def _feasible_power(
    state: State, channel: Array, transmit_power_w: Array, params: EnvParams
) -> Float[Array, " N"]:
    """Powers cut to the limits; 0 where a pair may not or cannot transmit."""
    radio = params.radio
    power = transmit_power_w.astype(params.dtype)
    power = jnp.clip(power, radio.min_power_w, radio.max_power_w)
    if params.max_pairs_per_channel is not None:
        to_bs = state.world.gains.d2d_to_bs
        inside = admitted(channel, to_bs, params.max_pairs_per_channel)
        power = jnp.where(inside, power, 0.0)
    if params.batteries is not None and state.energy_j is not None:
        lasting = dynamics.affordable_power_w(
            params.batteries, state.energy_j, params.slot_s
        )
        able = (lasting > 0.0) & (lasting >= radio.min_power_w)
        power = jnp.where(able, jnp.minimum(power, lasting), 0.0)
    return power


def _useful_rate(
    state: State, outcome: Outcome, params: EnvParams
) -> tuple[Float[Array, " N"], dynamics.Service | None]:
    """Rewards of the followers, and what the slot did to their queues."""
    if params.switching_loss is None and params.queues is None:
        return outcome.follower_utility, None
    rate = outcome.d2d_rate_bps
    if params.switching_loss is not None:
        switched = outcome.channel != state.memory.channel
        rate = jnp.where(switched, (1.0 - params.switching_loss) * rate, rate)
    paid = params.radio.follower_price_weight * outcome.payment
    if params.queues is None or state.backlog_bits is None:
        return rate - paid, None
    service = dynamics.serve(state.backlog_bits, rate * params.slot_s)
    lost = params.queues.loss_weight * service.expired_bits
    return (service.served_bits - lost) / params.slot_s - paid, service


def _after(state: State, played: _Played, params: EnvParams) -> State:
    """The state one slot later."""
    outcome, slot = played.outcome, state.slot + 1
    backlog, energy = state.backlog_bits, state.energy_j
    if params.queues is not None and played.service is not None:
        fresh = dynamics.arrivals(
            params.queues, state.world.seed, slot, params.num_pairs, params.slot_s
        )
        backlog = played.service.backlog_bits.at[:, 0].set(fresh)
    if params.batteries is not None and energy is not None:
        energy = dynamics.recharged(
            params.batteries, energy, outcome.transmit_power_w, params.slot_s
        )
    memory = Memory(
        channel=outcome.channel,
        transmit_power_w=outcome.transmit_power_w,
        reuse_price=played.charged_price,
        payment=outcome.payment,
        quoted_gain=played.quoted_gain,
        highest_price=outcome.highest_price,
        d2d_interference_w=outcome.d2d_interference_w,
        d2d_rate_bps=outcome.d2d_rate_bps,
        cellular_interference_w=outcome.cellular_interference_w,
        cellular_rate_bps=outcome.cellular_rate_bps,
        means=_recalled(state, outcome, params),
    )
    world = world_in_slot(state.world, slot, params)
    return State(slot, world, backlog, energy, memory)


def _recalled(state: State, outcome: Outcome, params: EnvParams) -> Means | None:
    """What agents remember after a slot."""
    means, memory_slots = state.memory.means, params.information.memory_slots
    if means is None or memory_slots is None:
        return None
    seen = observation.report(state, params)
    links = seen.links(outcome.channel)
    return recalled(
        means,
        jnp.asarray(memory_slots, params.dtype),
        cellular_to_bs=seen.cellular(),
        quoted_gain=links.to_bs,
        own=links.own,
        unit_sinr_power_w=outcome.unit_sinr_power_w,
    )


def _worn_out(state: State, params: EnvParams) -> Bool[Array, ""]:
    """Whether nobody can transmit ever again."""
    if params.batteries is None or state.energy_j is None:
        return jnp.asarray(False)
    lasting = dynamics.affordable_power_w(
        params.batteries, state.energy_j, params.slot_s
    )
    able = (lasting > 0.0) & (lasting >= params.radio.min_power_w)
    return ~able.any() & (jnp.asarray(params.batteries.harvest_w) <= 0.0)


def _observe(state: State, params: EnvParams) -> Observation:
    """What everybody sees; followers see the price charged last."""
    return Observation(
        observation.observe_leader(state, params),
        observation.observe_followers(state, state.memory.reuse_price, params),
    )


def _begun_where(
    ended: Bool[Array, ""], key: Array, state: State, params: EnvParams
) -> State:
    """A new episode where the last one has ended."""
    seed = _seed(key, params)
    world = where_needed(
        ended, lambda argument: new_world(*argument), (seed, params), state.world
    )
    fresh = _begin(seed, world, params)._replace(world=world)

    def choose(new: Any, old: Any) -> Any:
        return jax.tree.map(lambda n, o: jnp.where(ended, n, o), new, old)

    return State(
        slot=choose(fresh.slot, state.slot),
        world=world,
        backlog_bits=choose(fresh.backlog_bits, state.backlog_bits),
        energy_j=choose(fresh.energy_j, state.energy_j),
        memory=choose(fresh.memory, state.memory),
    )


def _seed(key: Array, params: EnvParams) -> Array:
    return episode_seed(key) if params.seed is None else params.seed


def _begin(seed: Array, world: World, params: EnvParams) -> State:
    m, n, dtype = params.num_channels, params.num_pairs, params.dtype
    remembers = params.information.memory_slots is not None
    backlog = energy = None
    if params.queues is not None:
        backlog = dynamics.first_backlog(params.queues, seed, n, params.slot_s)
    if params.batteries is not None:
        energy = jnp.full(n, params.batteries.capacity_j, dtype)
    return State(
        slot=jnp.int32(0),
        world=world,
        backlog_bits=backlog,
        energy_j=energy,
        memory=Memory(
            channel=_first_channel(seed, params),
            transmit_power_w=jnp.zeros(n, dtype),
            reuse_price=jnp.zeros((m, n) if params.price_per_channel else n, dtype),
            payment=jnp.zeros(n, dtype),
            quoted_gain=jnp.zeros(n, dtype),
            highest_price=jnp.zeros(n, dtype) if params.price_limits is None else None,
            d2d_interference_w=jnp.zeros(n, dtype),
            d2d_rate_bps=jnp.zeros(n, dtype),
            cellular_interference_w=jnp.zeros(m, dtype),
            cellular_rate_bps=jnp.zeros(m, dtype),
            means=nothing_yet(m, n, dtype) if remembers else None,
        ),
    )


def _first_channel(seed: Array, params: EnvParams) -> Int[Array, " N"]:
    bits = random_bits(
        hash_key(seed, Stream.FIRST_CHANNEL), jnp.arange(params.num_pairs)
    )
    return (bits % jnp.uint32(params.num_channels)).astype(jnp.int32)
