"""The followers' equilibrium as a differentiable function of prices (JAX).

For one channel, in any precision, inside any `jit`, `vmap` or `grad`; batches by
`jax.vmap`. The set of pairs at a power limit is found by block principal pivoting with
Murty's single-pivot rule as a safeguard, finite where I + F is a P-matrix. Given the
set the powers solve a linear system, and differentiating through that system is the
exact implicit derivative: the leader sees how its followers react.

Shape legend: K pairs on the channel.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

_PATIENCE = 5
"""Block pivots allowed without progress before single pivots begin."""


class ChannelArrays(NamedTuple):
    """One channel's game; as one row of `ChannelGames`, any float precision.

    Attributes:
        cellular_snr: A / N0, scalar.
        bs_gain: gain_to_bs / N0 [K].
        noise: (N0 + cellular interference) / own gain, W [K].
        coupling: F [K, K] (receiver, transmitter), zero diagonal.
        price_scale: B / gain_to_bs [K].
        follower_price_weight: beta^f, scalar.
        leader_revenue_weight: beta^l, scalar.
        spend_scale: B, scalar.
        min_power_w: scalar.
        max_power_w: scalar.
    """

    cellular_snr: Float[Array, ""]
    bs_gain: Float[Array, " K"]
    noise: Float[Array, " K"]
    coupling: Float[Array, "K K"]
    price_scale: Float[Array, " K"]
    follower_price_weight: Float[Array, ""]
    leader_revenue_weight: Float[Array, ""]
    spend_scale: Float[Array, ""]
    min_power_w: Float[Array, ""]
    max_power_w: Float[Array, ""]


def follower_reaction(
    reuse_price: Float[Array, " K"],
    game: ChannelArrays,
    max_pivots: int = 200,
    start: Int[Array, " K"] | None = None,
) -> tuple[Float[Array, " K"], Bool[Array, ""]]:
    """Nash equilibrium of the pairs at `reuse_price`, differentiable in everything.

    Args:
        reuse_price: utility per W of interference at the base station, > 0 [K].
        game: the channel.
        max_pivots: bound on the search for the limited set.
        start: which pairs to hold at a limit first: -1 at the least power, 1 at the
            greatest, 0 free; None: all free [K].

    Returns:
        Powers in W [K], and whether they are an equilibrium. False can happen only
        where I + F is not a P-matrix; `follower_equilibrium` solves those too.

    At a power limit, and at prices where a pair just reaches one, the derivative is
    one-sided: that of the set found.
    """
    target = game.price_scale / reuse_price - game.noise
    if start is None:
        start = jnp.zeros(len(target), dtype=jnp.int32)
    side, settled = limited_set(reuse_price, game, max_pivots, start)
    return _powers(side, target, game), settled


def limited_set(
    reuse_price: Float[Array, " K"],
    game: ChannelArrays,
    max_pivots: int | Int[Array, ""],
    start: Int[Array, " K"],
) -> tuple[Int[Array, " K"], Bool[Array, ""]]:
    """Which pairs are at a limit in `follower_reaction`, and whether that was found.

    A batch pivots until its last member is done, so a good start pays.

    Args:
        reuse_price: > 0 [K].
        game: the channel.
        max_pivots: bound on the search; 0 gives the start back, not found.
        start: -1 at the least power, 1 at the greatest, 0 free [K].
    """
    target = game.price_scale / reuse_price - game.noise
    return _limited_set(start, *jax.lax.stop_gradient((target, game)), max_pivots)


def reaction_of_set(
    reuse_price: Float[Array, " K"], game: ChannelArrays, side: Int[Array, " K"]
) -> Float[Array, " K"]:
    """Powers where it is known who is at a limit, W; differentiable [K]."""
    return _powers(side, game.price_scale / reuse_price - game.noise, game)


def _powers(side: Array, target: Array, game: ChannelArrays) -> Array:
    """Powers with pairs of side -1 at the least power, 1 at the greatest, 0 free."""
    eye = jnp.eye(len(target), dtype=target.dtype)
    matrix = jnp.where((side == 0)[:, None], eye + game.coupling, eye)
    limit = jnp.where(side > 0, game.max_power_w, game.min_power_w)
    return jnp.linalg.solve(matrix, jnp.where(side == 0, target, limit))


def _wanted_set(side: Array, target: Array, game: ChannelArrays) -> Array:
    """Where each pair would rather be; equal to `side` at an equilibrium."""
    power = _powers(side, target, game)
    pull = target - power - game.coupling @ power
    # A pair whose price puts it exactly at a limit would flip for ever on rounding.
    size = jnp.abs(target) + game.noise + jnp.abs(power) + game.coupling @ power
    slack = 8.0 * jnp.finfo(size.dtype).eps * size
    above, below = power > game.max_power_w + slack, power < game.min_power_w - slack
    outside = jnp.where(below, -1, jnp.where(above, 1, 0))
    held = jnp.where(side < 0, pull <= slack, pull >= -slack)
    return jnp.where(side == 0, outside, jnp.where(held, side, 0))


def _limited_set(
    start: Array, target: Array, game: ChannelArrays, max_pivots: int | Array
) -> tuple[Array, Array]:
    """Flip all pairs that want to move; one at a time once that stops helping."""

    def pivot(carry: tuple[Array, ...]) -> tuple[Array, ...]:
        side, fewest, patience, count = carry
        goal = _wanted_set(side, target, game)
        wrong = goal != side
        number = wrong.sum(dtype=jnp.int32)
        patience = jnp.where(number < fewest, _PATIENCE, patience - 1)
        last = len(side) - 1 - jnp.argmax(wrong[::-1])
        single = jnp.where(jnp.arange(len(side)) == last, goal, side)
        side = jnp.where(patience >= 0, goal, single)
        return side, jnp.minimum(number, fewest), patience, count + 1

    begin = (
        start,
        jnp.int32(len(target) + 1),
        jnp.int32(_PATIENCE),
        jnp.int32(0),
    )
    side, fewest, _, _ = jax.lax.while_loop(
        lambda carry: (carry[1] > 0) & (carry[3] < max_pivots), pivot, begin
    )
    return side, fewest == 0


def leader_utility_of_prices(
    reuse_price: Float[Array, " K"], game: ChannelArrays
) -> Float[Array, ""]:
    """Leader utility of one channel at `reuse_price`, followers at equilibrium; bit/s.

    `jax.grad` of it is the exact gradient through the followers' reaction (theory
    section 4), not (28), which freezes the other pairs (erratum E10).
    """
    power, _ = follower_reaction(reuse_price, game)
    heard = 1.0 + game.bs_gain @ power
    rate = game.follower_price_weight * jnp.log1p(game.cellular_snr / heard)
    payment = (reuse_price / game.price_scale) @ power
    return game.spend_scale * (rate + game.leader_revenue_weight * payment)
