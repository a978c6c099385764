"""Every baseline behind one interface: `policy(key, observation, state) -> action`.

A policy is for one environment; `vmap` it over a batch. What it reads of its arguments
is its information: those that read the true state say so.

Shape legend: M channels, N pairs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from stackelberg.envs.baselines.channel_choice import (
    GameOf,
    best_alone,
    fractional_programming_with_channels,
    water_filled,
)
from stackelberg.envs.baselines.conjecture import conjectured_game
from stackelberg.envs.baselines.sum_rate import wmmse
from stackelberg.envs.environment import (
    observe_followers,
)
from stackelberg.envs.equilibrium import slot_equilibrium
from stackelberg.envs.observation import FollowerObservation, Observation
from stackelberg.envs.params import EnvParams
from stackelberg.envs.price_sweeps import iterated_prices
from stackelberg.envs.slot_game import (
    SlotGame,
    follower_response,
    implied_price,
    slot_game,
)
from stackelberg.envs.state import Action, State
from stackelberg.errors import ConfigError, suggestion

BaselinePolicy = Callable[[Array, Observation, State], Action]
"""A key, what everybody observes before the slot, the state; to everybody's action."""

Reads = Literal["observations", "reports of every gain", "the true state"]

RANDOM_RANGE_DB = 30.0
"""`random` draws powers over so much below the greatest."""

MOST_ALLOCATIONS = 1024
"""`exhaustive` solves so many channel allocations per slot at most."""


@dataclass(frozen=True)
class Baseline:
    """A baseline by name.

    Attributes:
        name: key of `BASELINES`.
        reads: what it knows. ``reports of every gain``: the slot's gains as late and as
            inexact as `params.information` makes them, whatever its scope.
        optimises: what it aims at, in words.
        make: the policy for an environment.
    """

    name: str
    reads: Reads
    optimises: str
    make: Callable[[EnvParams], BaselinePolicy]


def make_baseline(name: str, params: EnvParams) -> BaselinePolicy:
    """The policy of a baseline in an environment.

    Raises:
        ConfigError: an unknown name, or `exhaustive` on more than `MOST_ALLOCATIONS`
            channel allocations.
    """
    if name not in BASELINES:
        known = ", ".join(BASELINES)
        raise ConfigError(
            "name",
            expected=f"one of {known}{suggestion(name, BASELINES)}",
            got=repr(name),
        )
    return BASELINES[name].make(params)


def _random(params: EnvParams) -> BaselinePolicy:
    """Random channels and powers, at prices that would ask for them."""

    def act(key: Array, observation: Observation, state: State) -> Action:
        which, loud = jax.random.split(key)
        n, dtype = params.num_pairs, params.dtype
        channel = jax.random.randint(which, (n,), 0, params.num_channels)
        drawn = jax.random.uniform(loud, (n,), dtype)
        radio = params.radio
        least = radio.max_power_w * 10.0 ** (-RANDOM_RANGE_DB / 10.0)
        least = jnp.where(radio.min_power_w > 0.0, radio.min_power_w, least)
        power = least * (radio.max_power_w / least) ** drawn
        return _action(_price_for(power, observation, params), channel, power, params)

    return act


def _full_power(params: EnvParams) -> BaselinePolicy:
    """All shout on their last channels, at prices that would ask a lone pair to."""

    def act(key: Array, observation: Observation, state: State) -> Action:
        power = jnp.full(params.num_pairs, params.radio.max_power_w)
        price = _price_for(power, observation, params)
        return _action(price, observation.followers.channel, power, params)

    return act


def _greedy_sinr(params: EnvParams) -> BaselinePolicy:
    """Each pair shouts on the channel that would serve it best alone."""

    def act(key: Array, observation: Observation, state: State) -> Action:
        power = jnp.full(params.num_pairs, params.radio.max_power_w)
        channel = best_alone(observation.followers, params)
        price = _price_for(power, observation, params)
        return _action(price, channel, power, params)

    return act


def _central(
    decide: Callable[[GameOf, Array, EnvParams], tuple[Array, Array]], *, seen: bool
) -> Callable[[EnvParams], BaselinePolicy]:
    """A policy that decides channels and powers and posts the prices they imply."""

    def make(params: EnvParams) -> BaselinePolicy:
        def act(key: Array, observation: Observation, state: State) -> Action:
            def game_of(channel: Int[Array, " N"]) -> SlotGame:
                return slot_game(state, params, channel, seen=seen)

            last = observation.followers.channel
            channel, power = decide(game_of, last, params)
            price = implied_price(game_of(channel), power)
            return _action(price, channel, power, params)

        return act

    return make


def _wmmse(game_of: GameOf, last: Array, params: EnvParams) -> tuple[Array, Array]:
    return last, wmmse(game_of(last))


def _fplinq(game_of: GameOf, last: Array, params: EnvParams) -> tuple[Array, Array]:
    return fractional_programming_with_channels(game_of, last, params.num_channels)


def _water_filling(
    game_of: GameOf, last: Array, params: EnvParams
) -> tuple[Array, Array]:
    channel = water_filled(game_of, last, params.num_channels)
    return channel, game_of(channel).max_power_w


def _equilibrium(game: SlotGame) -> tuple[Array, Array]:
    found = slot_equilibrium(game)
    return found.reuse_price, found.transmit_power_w


def _published(game: SlotGame) -> tuple[Array, Array]:
    price, power, settled = iterated_prices(game, published=True)
    return price, jnp.where(settled, power, follower_response(game, price))


def _priced(
    rule: Callable[[SlotGame], tuple[Array, Array]],
) -> Callable[[EnvParams], BaselinePolicy]:
    """Prices and powers by a rule that knows the slot; channels stay as they are."""

    def make(params: EnvParams) -> BaselinePolicy:
        def act(key: Array, observation: Observation, state: State) -> Action:
            last = observation.followers.channel
            price, power = rule(slot_game(state, params, last))
            return _action(price, last, power, params)

        return act

    return make


def _equilibrium_reported(params: EnvParams) -> BaselinePolicy:
    """Equilibrium prices of the reported game; pairs answer what they measured."""

    def act(key: Array, observation: Observation, state: State) -> Action:
        game = slot_game(state, params, observation.followers.channel, seen=True)
        return _answered(slot_equilibrium(game).reuse_price, state, params)

    return act


def _equilibrium_local(params: EnvParams) -> BaselinePolicy:
    """Equilibrium prices of the conjectured game; pairs answer what they measured."""

    def act(key: Array, observation: Observation, state: State) -> Action:
        game = conjectured_game(observation.leader, params)
        return _answered(slot_equilibrium(game).reuse_price, state, params)

    return act


def _exhaustive(params: EnvParams) -> BaselinePolicy:
    """The best channel allocation of all, each at its equilibrium."""
    m, n = params.num_channels, params.num_pairs
    if m**n > MOST_ALLOCATIONS:
        raise ConfigError(
            "params",
            expected=f"at most {MOST_ALLOCATIONS} channel allocations for 'exhaustive'",
            got=f"{m}^{n} = {m**n}",
        )
    every = np.stack(np.unravel_index(np.arange(m**n), (m,) * n), axis=1)

    def act(key: Array, observation: Observation, state: State) -> Action:
        channels = jnp.asarray(every, jnp.int32)
        found = jax.vmap(
            lambda channel: slot_equilibrium(slot_game(state, params, channel))
        )(channels)
        best = found.leader_utility.argmax()
        price, power = found.reuse_price[best], found.transmit_power_w[best]
        return _action(price, channels[best], power, params)

    return act


def measured_response(
    observation: FollowerObservation, params: EnvParams
) -> Float[Array, " N"]:
    """Each pair's best power if its interference stays what it measured last, W [N].

    (26) on its last channel, from its own row alone: its price, its gains as it sees
    them, and the interference of the last slot.
    """
    channel, pair = observation.channel, jnp.arange(params.num_pairs)

    def here(values: Array) -> Array:
        return values if values.ndim == 1 else values[pair, channel]

    own, to_bs = here(observation.own), here(observation.to_bs)
    s = (params.radio.noise_power_w + observation.interference_w) / own
    wanted = params.radio.spend_scale / (here(observation.reuse_price) * to_bs) - s
    return jnp.clip(wanted, params.radio.min_power_w, params.radio.max_power_w)


def _answered(reuse_price: Array, state: State, params: EnvParams) -> Action:
    """Post prices; pairs keep their channels and answer by what they measured."""
    posted = _posted(reuse_price, params)
    told = observe_followers(state, posted, params)
    return Action(posted, told.channel, measured_response(told, params))


def _price_for(
    power: Float[Array, " N"], observation: Observation, params: EnvParams
) -> Float[Array, " N"]:
    """Prices at which a pair that heard no noise would want `power` [N]."""
    told = observation.followers
    to_bs = told.to_bs
    if to_bs.ndim == 2:
        to_bs = to_bs[jnp.arange(params.num_pairs), told.channel]
    return params.radio.spend_scale / (to_bs * power)


def _action(
    reuse_price: Array, channel: Array, power: Array, params: EnvParams
) -> Action:
    return Action(_posted(reuse_price, params), channel.astype(jnp.int32), power)


def _posted(reuse_price: Float[Array, " N"], params: EnvParams) -> Array:
    price = reuse_price.astype(params.dtype)
    if not params.price_per_channel:
        return price
    return jnp.broadcast_to(price, (params.num_channels, params.num_pairs))


def _registry() -> dict[str, Baseline]:
    nothing: Reads = "observations"
    truth: Reads = "the true state"
    told: Reads = "reports of every gain"
    rows: list[tuple[str, Reads, str, Any]] = [
        ("random", nothing, "nothing", _random),
        ("full_power", nothing, "nothing", _full_power),
        ("greedy_sinr", nothing, "each pair's SINR, were it alone", _greedy_sinr),
        ("water_filling", truth, "each pair's rate, in turn, by its channel",
         _central(_water_filling, seen=False)),
        ("wmmse", truth, "sum of all rates, by powers", _central(_wmmse, seen=False)),
        ("wmmse_reported", told, "the same", _central(_wmmse, seen=True)),
        ("fractional_programming", truth, "sum of all rates, by channels and powers",
         _central(_fplinq, seen=False)),
        ("published", truth, "leader's utility, by the printed rule",
         _priced(_published)),
        ("equilibrium", truth, "leader's utility; pairs at equilibrium",
         _priced(_equilibrium)),
        ("equilibrium_reported", told,
         "the same; pairs answer the interference they measured",
         _equilibrium_reported),
        ("equilibrium_local", nothing,
         "the same, with typical gains for the links the leader cannot hear",
         _equilibrium_local),
        ("exhaustive", truth, "leader's utility, over all channel allocations",
         _exhaustive),
    ]  # fmt: skip
    return {name: Baseline(name, reads, goal, make) for name, reads, goal, make in rows}


BASELINES: dict[str, Baseline] = _registry()
"""Every baseline by name, in the order of tables."""
