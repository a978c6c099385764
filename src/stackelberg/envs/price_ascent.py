"""The leader's best prices where price bounds are fixed numbers.

Followers may then sit at a power limit at any price, so the single-level form of
`power_ascent` does not hold. Ascent goes along the exact gradient through the
followers' equilibrium, in ln price, from a few starts; then the best start of each
channel goes on, with several lengths tried at once, and with its kinks: at the knees,
where a pair reaches a power limit, the gradient jumps, so they are tried pair by pair.

Every step tries one row of prices per start and is the same loop body, because the
followers' equilibrium with its derivative takes long to compile.

Prices are in units of B / gain (1/W): a pair wants 1 / price - s.

Shape legend: N pairs, S rows of prices.
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

SEARCH_STEPS = 13
"""Gradient steps of every start, the look at the start itself included."""

ROUNDS = 3
"""Rounds of single moves and gradient steps for the best start of each channel."""

ROUND_STEPS = 8

LENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0)
"""Of a step of the best start, in units of the length that did well last."""

LONGEST_NEPER = 3.0


class PriceClimb(NamedTuple):
    """Where an ascent stands; a channel's numbers are repeated for each of its pairs.

    Attributes:
        log_price: best so far [S, N].
        value: U/B of the pair's channel there [S, N].
        gradient: of the slot's total there [S, N].
        unit_sinr_power: s of each pair there, W [S, N].
        length: of the step to try next, nepers [S, N].
        before: `value` when the round began [S, N].
    """

    log_price: Float[Array, "S N"]
    value: Float[Array, "S N"]
    gradient: Float[Array, "S N"]
    unit_sinr_power: Float[Array, "S N"]
    length: Float[Array, "S N"]
    before: Float[Array, "S N"]


class _Box(NamedTuple):
    """ln of the least and of the greatest price [N], and who shares a channel."""

    low: Float[Array, " N"]
    high: Float[Array, " N"]
    shared: Bool[Array, "N N"]


def best_fixed_prices(
    game: SlotGame, starts: Float[Array, "2 N"]
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
    shared = game.channel[:, None] == game.channel[None, :]
    low = jnp.log(limits.min / game.price_scale)
    high = jnp.log(limits.max / game.price_scale)
    box = _Box(low, high, shared)
    given = jnp.clip(jnp.log(starts / game.price_scale), low, high)
    pairs = len(low)
    steps = SEARCH_STEPS + ROUNDS * (pairs + ROUND_STEPS)

    def step(number: Array, climb: PriceClimb) -> PriceClimb:
        at = (number - SEARCH_STEPS) % (pairs + ROUND_STEPS)
        searching, single = number < SEARCH_STEPS, at < pairs
        scale = jnp.where(searching, 1.0, jnp.asarray(LENGTHS, low.dtype))[:, None]
        length = jnp.minimum(climb.length * scale, LONGEST_NEPER)
        prices = jnp.where(
            single & ~searching,
            _moves_of(at, climb, game, box),
            _uphill(climb, length, box),
        )
        climb = climb._replace(
            before=jnp.where(~searching & (at == 0), climb.value, climb.before)
        )
        tried = jax.vmap(lambda row: _values(row, game))(prices)
        better = (tried[0] > climb.value) | (number == 0)
        grown = jnp.where(better, 4.0 * length, 0.3 * length)
        grown = jnp.where(single & ~searching, climb.length, grown)
        new = PriceClimb(prices, *tried, grown, climb.before)
        kept = climb._replace(length=grown)
        climb = jax.tree.map(lambda n, o: jnp.where(better, n, o), new, kept)
        return jax.lax.cond(
            number < SEARCH_STEPS - 1, lambda c: c, lambda c: _best_row(c, box), climb
        )

    nothing = jnp.zeros((3 + len(starts), pairs), low.dtype)
    begin = PriceClimb(
        jnp.concatenate([jnp.stack([low, 0.5 * (low + high), high]), given]),
        nothing - jnp.inf,
        nothing,
        nothing,
        nothing + 1.0,
        nothing,
    )
    climb = jax.lax.fori_loop(0, steps, step, begin)
    gained = (climb.value - climb.before)[0] / jnp.abs(climb.value[0])
    price = jnp.exp(climb.log_price[0]) * game.price_scale
    return jnp.clip(price, limits.min, limits.max), (gained <= 1e-4).all()


def _values(
    log_price: Float[Array, " N"], game: SlotGame
) -> tuple[Array, Array, Array]:
    """U/B of each pair's channel, the gradient of the slot's total, each s; [N]."""
    shared = game.channel[:, None] == game.channel[None, :]

    def total(log_price: Array) -> tuple[Array, tuple[Array, Array]]:
        price = jnp.exp(log_price)
        power = follower_response(game, price * game.price_scale)
        off = jnp.abs(best_responses(game, price * game.price_scale, power) - power)
        heard = 1.0 + jnp.where(shared, game.bs_gain * power, 0.0).sum(axis=1)
        rate = jnp.log1p(game.cellular_snr[game.channel] / heard)
        paid = jnp.where(shared, price * power, 0.0).sum(axis=1)
        value = game.follower_price_weight * rate + game.leader_revenue_weight * paid
        # Pivoting may end without an equilibrium where there are several.
        wrong = off > jnp.sqrt(jnp.finfo(off.dtype).eps) * game.max_power_w
        lost = (shared & wrong).any(axis=1)
        told = jnp.where(lost, -jnp.inf, value), unit_sinr_power_w(game, power)
        return (value / shared.sum(axis=1)).sum(), told

    (_, (value, s)), gradient = jax.value_and_grad(total, has_aux=True)(log_price)
    return value, gradient, s


def _uphill(climb: PriceClimb, length: Array, box: _Box) -> Float[Array, "S N"]:
    """A step along the gradient, each channel with its own length."""
    slope = climb.gradient
    outward = ((slope > 0.0) & (climb.log_price >= box.high)) | (
        (slope < 0.0) & (climb.log_price <= box.low)
    )
    slope = jnp.where(outward, 0.0, slope)
    steepest = jnp.where(box.shared, jnp.abs(slope)[:, None], 0.0).max(axis=2)
    move = length * slope / jnp.maximum(steepest, 1e-30)
    return jnp.clip(climb.log_price + move, box.low, box.high)


def _moves_of(
    pair: Array, climb: PriceClimb, game: SlotGame, box: _Box
) -> Float[Array, "S N"]:
    """One pair's bounds, its two knees and the middle; the others stay."""
    s = climb.unit_sinr_power[0]
    knees = -jnp.log(jnp.stack([game.max_power_w + s, game.min_power_w + s]))
    middle = 0.5 * (box.low + box.high)
    options = jnp.stack([box.low, box.high, knees[0], knees[1], middle])
    options = jnp.clip(options, box.low, box.high)
    here = np.arange(len(s)) == pair
    return jnp.where(here, options, climb.log_price)


def _best_row(climb: PriceClimb, box: _Box) -> PriceClimb:
    """For each channel the row that stands highest, in every row."""
    first = box.shared.argmax(axis=1)
    best = climb.value.argmax(axis=0)[first]
    return jax.tree.map(
        lambda leaf: jnp.broadcast_to(
            jnp.take_along_axis(leaf, best[None], axis=0), leaf.shape
        ),
        climb,
    )
