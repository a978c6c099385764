"""Channels that pairs choose, or that somebody who knows all gains chooses for them.

Shape legend: M channels, N pairs.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from stackelberg.envs.baselines.sum_rate import fractional_programming, sum_rate
from stackelberg.envs.observation import FollowerObservation
from stackelberg.envs.params import EnvParams
from stackelberg.envs.slot_game import SlotGame, unit_sinr_power_w

GameOf = Callable[[Int[Array, " N"]], SlotGame]
"""The slot's game for pairs on given channels."""

ROUNDS = 4
"""Rounds in which each pair may move once."""

STEPS = 20
"""Steps of fractional programming after each round of moves."""


def best_alone(observation: FollowerObservation, params: EnvParams) -> Int[Array, " N"]:
    """The channel on which each pair would have the greatest SINR, were it alone.

    From what it observes itself; with `sensing="own"` it stays where it is.
    """
    if observation.own.ndim == 1:
        return observation.channel
    noise = params.radio.noise_power_w
    return (observation.own / (observation.heard_cellular_w + noise)).argmax(axis=1)


def water_filled(
    game_of: GameOf, channel: Int[Array, " N"], num_channels: int
) -> Int[Array, " N"]:
    """Iterative water-filling where a pair has one channel at a time.

    In turn each pair pours its greatest power into the channel where it gets the most
    rate while the others stay put (Yu, Ginis, Cioffi 2002, with one channel each).
    """

    def value(channel: Array, j: Array) -> Array:
        game = game_of(channel)
        s = unit_sinr_power_w(game, game.max_power_w)
        return game.max_power_w[j] / s[j]

    return _moved_in_turn(value, channel, num_channels, ROUNDS)


def fractional_programming_with_channels(
    game_of: GameOf, channel: Int[Array, " N"], num_channels: int
) -> tuple[Int[Array, " N"], Float[Array, " N"]]:
    """Channels and powers for the largest sum of rates: FPLinQ in spirit.

    Turns of two steps that never lower the sum: fractional programming of the powers
    (`sum_rate`), then each pair in turn moves to the channel where the sum of all
    rates is largest at its greatest or its present power. FPLinQ (Shen and Yu 2017)
    schedules by matching instead, because its links share receivers.

    Returns:
        Channels [N], powers in W [N].
    """

    def move(j: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        channel, power = carry
        high = game_of(channel).max_power_w[j]
        to = jnp.tile(jnp.arange(num_channels), 2)
        at = jnp.repeat(jnp.stack([power[j], high]), num_channels)
        channels = jnp.concatenate([channel[None], _each(channel, j, to)])
        powers = jnp.concatenate([power[None], _each(power, j, at)])
        value = jax.vmap(lambda c, p: _limited_sum_rate(game_of(c), p))(
            channels, powers
        )
        best = value.argmax()
        return channels[best], powers[best]

    def one_round(_: int, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        channel, power = jax.lax.fori_loop(0, len(carry[0]), move, carry)
        return channel, fractional_programming(game_of(channel), power, STEPS)

    begin = channel, fractional_programming(game_of(channel), None, STEPS)
    return jax.lax.fori_loop(0, ROUNDS, one_round, begin)


def _limited_sum_rate(game: SlotGame, power: Array) -> Array:
    return sum_rate(game, jnp.clip(power, game.min_power_w, game.max_power_w))


def _each(vector: Array, j: Array, values: Array) -> Array:
    """Copies of `vector` with entry j replaced by each of `values`."""
    here = jnp.arange(len(vector)) == j
    return jnp.where(here, values[:, None], vector)


def _moved_in_turn(
    value: Callable[[Array, Array], Array], channel: Array, num: int, rounds: int
) -> Array:
    def move(step: Array, channel: Array) -> Array:
        j = step % len(channel)
        options = _each(channel, j, jnp.arange(num, dtype=channel.dtype))
        reached = jax.vmap(lambda c: value(c, j))(options)
        stay = reached[channel[j]] >= reached.max()
        return jnp.where(stay, channel, options[reached.argmax()])

    return jax.lax.fori_loop(0, rounds * len(channel), move, channel)
