"""The leader's best prices where price bounds are fixed numbers.

Followers may then sit at a power limit at any price, so the single-level form of
`power_ascent` does not hold. Ascent goes along the exact gradient through the
followers' equilibrium, in ln price, from a few starts; kinks at the knees, where a
pair reaches a power limit, are taken by trying them, pair by pair.

Prices are in units of B / gain (1/W): a pair wants 1 / price - s.

Shape legend: N pairs, S starts.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from stackelberg.envs.slot_game import (
    SlotGame,
    best_responses,
    follower_response,
    unit_sinr_power_w,
)

SEARCH_STEPS = 16
"""Gradient steps of every start; the best start of each channel goes on alone."""

ROUNDS = 3
"""Rounds of single moves and gradient steps for the best start."""

ROUND_STEPS = 16

LONGEST_NEPER = 3.0


class PriceClimb(NamedTuple):
    """Where an ascent stands; a channel's numbers are repeated for each of its pairs.

    Attributes:
        log_price: best so far [N].
        value: U/B of the pair's channel there [N].
        gradient: of the slot's total there [N].
        length: of the step to try next, nepers [N].
    """

    log_price: Float[Array, " N"]
    value: Float[Array, " N"]
    gradient: Float[Array, " N"]
    length: Float[Array, " N"]


def best_fixed_prices(
    game: SlotGame, starts: Float[Array, "S N"]
) -> tuple[Float[Array, " N"], Bool[Array, ""]]:
    """The best prices found from `starts`, besides least, middle and greatest prices.

    Args:
        game: with fixed price limits.
        starts: prices; they are cut to the limits.

    Returns:
        Prices [N], and whether the last round gained less than 1e-4 of the utility on
        every channel. Not differentiable.
    """
    game = jax.lax.stop_gradient(game)
    limits = game.price_limits
    assert limits is not None
    low = jnp.log(limits.min / game.price_scale)
    high = jnp.log(limits.max / game.price_scale)
    given = jnp.clip(jnp.log(starts / game.price_scale), low, high)
    begin = jnp.concatenate([jnp.stack([low, 0.5 * (low + high), high]), given])

    def search(log_price: Array) -> PriceClimb:
        return _ascend(_begin(log_price, game), low, high, game, SEARCH_STEPS)

    climbs = jax.vmap(search)(begin)
    first = (game.channel[:, None] == game.channel[None, :]).argmax(axis=1)
    best = climbs.value.argmax(axis=0)[first]
    log_price = jnp.take_along_axis(climbs.log_price, best[None], axis=0)[0]

    def one_round(_: int, carry: tuple[PriceClimb, Array]) -> tuple[PriceClimb, Array]:
        before = carry[0].value
        moved = _single_moves(carry[0].log_price, low, high, game)
        climb = _ascend(_begin(moved, game), low, high, game, ROUND_STEPS)
        return climb, (climb.value - before) / jnp.abs(climb.value)

    start = _begin(log_price, game)
    climb, gained = jax.lax.fori_loop(
        0, ROUNDS, one_round, (start, jnp.full_like(start.value, jnp.inf))
    )
    price = jnp.exp(climb.log_price) * game.price_scale
    return jnp.clip(price, limits.min, limits.max), (gained <= 1e-4).all()


def _values(log_price: Array, game: SlotGame) -> tuple[Array, Array]:
    """The slot's total U/B, and that of each pair's channel [N]."""
    price = jnp.exp(log_price)
    power = follower_response(game, price * game.price_scale)
    off = jnp.abs(best_responses(game, price * game.price_scale, power) - power)
    shared = game.channel[:, None] == game.channel[None, :]
    heard = 1.0 + jnp.where(shared, game.bs_gain * power, 0.0).sum(axis=1)
    rate = jnp.log1p(game.cellular_snr[game.channel] / heard)
    paid = jnp.where(shared, price * power, 0.0).sum(axis=1)
    value = game.follower_price_weight * rate + game.leader_revenue_weight * paid
    # Pivoting may end without an equilibrium where there are several.
    wrong = off > jnp.sqrt(jnp.finfo(off.dtype).eps) * game.max_power_w
    lost = (shared & wrong).any(axis=1)
    return (value / shared.sum(axis=1)).sum(), jnp.where(lost, -jnp.inf, value)


def _begin(log_price: Array, game: SlotGame) -> PriceClimb:
    (_, value), gradient = jax.value_and_grad(_values, has_aux=True)(log_price, game)
    return PriceClimb(log_price, value, gradient, jnp.ones_like(log_price))


def _ascend(
    climb: PriceClimb, low: Array, high: Array, game: SlotGame, steps: int
) -> PriceClimb:
    """Steps along the gradient, each channel with its own length."""
    shared = game.channel[:, None] == game.channel[None, :]

    def step(_: int, climb: PriceClimb) -> PriceClimb:
        slope = climb.gradient
        outward = ((slope > 0.0) & (climb.log_price >= high)) | (
            (slope < 0.0) & (climb.log_price <= low)
        )
        slope = jnp.where(outward, 0.0, slope)
        steepest = jnp.where(shared, jnp.abs(slope), 0.0).max(axis=1)
        move = climb.length * slope / jnp.maximum(steepest, 1e-30)
        tried = _begin(jnp.clip(climb.log_price + move, low, high), game)
        better = tried.value > climb.value
        longer = jnp.minimum(4.0 * climb.length, LONGEST_NEPER)
        return PriceClimb(
            jnp.where(better, tried.log_price, climb.log_price),
            jnp.where(better, tried.value, climb.value),
            jnp.where(better, tried.gradient, climb.gradient),
            jnp.where(better, longer, 0.3 * climb.length),
        )

    return jax.lax.fori_loop(0, steps, step, climb)


def _single_moves(
    log_price: Array, low: Array, high: Array, game: SlotGame
) -> Float[Array, " N"]:
    """Each pair in turn: its bounds and its two knees, where that earns more."""
    pairs = len(log_price)

    def move(j: Array, log_price: Array) -> Array:
        power = follower_response(game, jnp.exp(log_price) * game.price_scale)
        s = unit_sinr_power_w(game, power)[j]
        knees = -jnp.log(jnp.stack([game.max_power_w[j] + s, game.min_power_w[j] + s]))
        tried = jnp.stack([log_price[j], low[j], high[j], knees[0], knees[1]])
        options = jnp.clip(tried, low[j], high[j])
        at = np.arange(pairs) == j
        prices = jnp.where(at, options[:, None], log_price)
        value = jax.vmap(lambda option: _values(option, game)[1][j])(prices)
        return prices[value.argmax()]

    return jax.lax.fori_loop(0, pairs, move, log_price)
