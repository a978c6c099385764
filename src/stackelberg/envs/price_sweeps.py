"""Prices and powers one pair at a time: the `iterated` concept for a slot, in JAX.

The same Gauss-Seidel iteration as `spectrum.price_iteration`, with Proposition 2 by one
rule (`spectrum.single_price`). Interference is in units of N0 and prices in units of B,
so that B is 1.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from stackelberg.envs.slot_game import SlotGame

MAX_SWEEPS = 100
"""Some channels cycle for ever, and hold up the batch they are in."""

TOLERANCE = 1e-12
"""Settled when no power moved by more than this share of the greatest power (in
float32 by more than 64 roundings)."""


class Problem(NamedTuple):
    """One pair's price problem, others' powers held.

    Attributes:
        cellular: A.
        offset: C, < 0.
        residual: D.
        rate_weight: beta^f.
        revenue_weight: beta^l.
        low: least price.
        high: greatest price.
    """

    cellular: Float[Array, ""]
    offset: Float[Array, ""]
    residual: Float[Array, ""]
    rate_weight: Float[Array, ""]
    revenue_weight: Float[Array, ""]
    low: Float[Array, ""]
    high: Float[Array, ""]


def iterated_prices(
    game: SlotGame, *, published: bool = False
) -> tuple[Float[Array, " N"], Float[Array, " N"], Bool[Array, ""]]:
    """Sweep over the pairs until no power moves.

    Powers begin at their greatest. A fixed point is conjectural: each price is best if
    the others' powers stay put, which they would not.

    Args:
        game: the slot's.
        published: by the five cases of Proposition 2 as printed (`spectrum.published`),
            mistakes included, for reproduction.

    Returns:
        Prices [N], powers in W [N], and whether they settled. Not differentiable.
    """
    game = jax.lax.stop_gradient(game)
    pairs = len(game.noise)
    tolerance = max(TOLERANCE, 64.0 * float(jnp.finfo(game.noise.dtype).eps))
    shared = game.channel[:, None] == game.channel[None, :]

    def ask(j: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        price, power = carry
        s = game.noise[j] + (game.coupling[j] * power).sum()
        received = jnp.where(shared[j], game.bs_gain * power, 0.0)
        others = received.sum() - received[j]
        asked = _best_price_of(game, j, s, others, published)
        gain = game.bs_gain[j]
        answer = jnp.clip(
            1.0 / (asked * gain) - s, game.min_power_w[j], game.max_power_w[j]
        )
        return price.at[j].set(asked), power.at[j].set(answer)

    def sweep(carry: tuple[Array, ...]) -> tuple[Array, ...]:
        price, power, _, count = carry
        price, after = jax.lax.fori_loop(0, pairs, ask, (price, power))
        moved = (jnp.abs(after - power) > tolerance * game.max_power_w).any()
        return price, after, moved, count + 1

    begin = (
        jnp.ones_like(game.noise),
        game.max_power_w,
        jnp.asarray(True),
        jnp.int32(0),
    )
    price, power, moved, _ = jax.lax.while_loop(
        lambda carry: carry[2] & (carry[3] < MAX_SWEEPS), sweep, begin
    )
    return price * game.price_scale * game.bs_gain, power, ~moved


def _best_price_of(
    game: SlotGame, j: Array, s: Array, others: Array, published: bool
) -> Array:
    gain = game.bs_gain[j]
    quietest, loudest = game.min_power_w[j] * gain, game.max_power_w[j] * gain
    low, high = 1.0 / (loudest + s * gain), 1.0 / (quietest + s * gain)
    problem = Problem(
        cellular=game.cellular_snr[game.channel[j]],
        offset=-s * gain,
        residual=1.0 + others - s * gain,
        rate_weight=game.follower_price_weight,
        revenue_weight=game.leader_revenue_weight,
        low=low,
        high=high,
    )
    limits = game.price_limits
    if limits is None:
        return published_price(problem) if published else best_price(problem)
    unit = game.price_scale[j] * gain
    least, most = limits.min[j] / unit, limits.max[j] / unit
    if published:
        return published_price(problem._replace(low=least, high=most))
    return _best_limited_price(problem, least, most, quietest)


def best_price(problem: Problem) -> Float[Array, ""]:
    """Proposition 2: the best price in [low, high]; the lowest of equal ones."""
    a, c, d = problem.cellular, problem.offset, problem.residual
    low, high = problem.low, problem.high
    q = problem.rate_weight * a / (problem.revenue_weight * c)
    discriminant = a * a - 4.0 * q * d * (d + a)
    divisor = 2.0 * d + a + jnp.sqrt(jnp.maximum(discriminant, 0.0))
    real = (discriminant >= 0.0) & (divisor > 0.0)
    hat = jnp.where(real, -2.0 * (1.0 + q) / jnp.where(real, divisor, 1.0), low)
    price = jnp.maximum(hat, low)
    inside = jnp.minimum(price, high)
    rise = high - inside
    # U(high) - U(price) without subtracting two nearly equal utilities.
    gain = problem.revenue_weight * c * rise + problem.rate_weight * jnp.log1p(
        a * rise / ((d * high + 1.0) * ((d + a) * inside + 1.0))
    )
    ends = (price >= high) | ((d < 0.0) & (gain > 0.0))
    return jnp.where(ends, high, inside)


def _best_limited_price(
    problem: Problem, least: Array, most: Array, quietest: Array
) -> Array:
    """With fixed price bounds: past its knees a pair stays at its power limit."""
    lower_knee, upper_knee = problem.low, problem.high
    last = jnp.minimum(upper_knee, most)
    first = jnp.minimum(jnp.maximum(lower_knee, least), last)
    price = best_price(problem._replace(low=first, high=last))
    a, c, d = problem.cellular, problem.offset, problem.residual

    def utility(at: Array) -> Array:
        rate = problem.rate_weight * jnp.log1p(a * at / (d * at + 1.0))
        return problem.revenue_weight * (1.0 + at * c) + rate

    milked = problem.revenue_weight * quietest * (most - upper_knee)
    beyond = (quietest > 0.0) & (upper_knee < most)
    price = jnp.where(beyond & (milked > utility(price) - utility(last)), most, price)
    silent = jnp.where(quietest > 0.0, most, least)
    price = jnp.where(upper_knee <= least, silent, price)
    return jnp.where(lower_knee >= most, most, price)


def published_price(problem: Problem) -> Float[Array, ""]:
    """The price by the printed five cases, put back into [low, high].

    As `spectrum.published.published_price_scalar`, E2-E8 and E12 included.
    """
    a, c, d = problem.cellular, problem.offset, problem.residual
    rates, payments = problem.rate_weight, problem.revenue_weight

    def utility(at: Array) -> Array:
        return payments * (1.0 + at * c) + rates * jnp.log1p(a * at / (d * at + 1.0))

    case_1, case_2 = d == 0.0, a + d == 0.0
    case_4 = (d < 0.0) & (a + d > 0.0)
    rootless = ((d < 0.0) & (a + d < 0.0)) | case_2
    delta = a * a * (1.0 - 4.0 * rates / (payments * c) * (d * d / a + d))
    sign = jnp.where(case_4, -1.0, 1.0)
    twice = jnp.where(case_1 | case_2, 1.0, 2.0 * d * (d + a))
    root = (-(2.0 * d + a) + sign * jnp.sqrt(jnp.maximum(delta, 0.0))) / twice
    root = jnp.where(case_1, -1.0 / a - rates / (payments * c), root)
    best, highest = problem.high, utility(problem.high)
    at_low = utility(problem.low)
    lower = ~case_4 & (at_low >= highest)
    best = jnp.where(lower, problem.low, best)
    highest = jnp.where(lower, at_low, highest)
    real = (~rootless & ((delta >= 0.0) | case_1)) & jnp.isfinite(root)
    # A root where U means nothing has a utility of NaN and never wins.
    better = real & (utility(jnp.where(real, root, best)) > highest)
    return jnp.clip(jnp.where(better, root, best), problem.low, problem.high)
