"""Newton ascent of the leader's single-level objective, all channels of a slot at once.

With every price at B / (gbar (p + s)), the price at which p is a best response, the
leader's utility is a function of powers alone, per channel (theory of
`spectrum.bilevel`; exact under `interference` price bounds):

    U/B = beta^f ln(1 + A / J) + beta^l sum_j p_j / (p_j + s_j),   J = N0 + sum p gbar.

Projected Newton in y = ln p. All pairs of the slot stand in one [N, N] Hessian with
blocks for channels, and every channel has its own step length and its own end. The
number of starts and of steps is fixed, so that a batch costs what its shape says.

Shape legend: N pairs, S starts (the last axis).
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from stackelberg.envs.slot_game import SlotGame
from stackelberg.spectrum.bilevel import MAX_STEP_NEPER, NEAR_LIMIT_NEPER

LOWEST_START = 1e-9
"""Where the least power is 0, ascents stop at this share of the greatest power."""

LOUD_STARTS = 5
"""One start each with the first, second, ... pair of a channel alone at its greatest
power, those first that reach the base station least; besides three common starts."""

SEARCH_STEPS = 10
"""Steps of every start; the best start of each channel then goes on alone."""

POLISH_STEPS = 40
"""Most steps of the best start after that."""


class Channels(NamedTuple):
    """A slot's game as the ascent needs it, one trailing axis for starts.

    Attributes:
        snr: A / N0 of each pair's channel [N, 1].
        bs_gain: [N, 1].
        noise: [N, 1].
        coupling: (receiver, transmitter) [N, N, 1].
        shared: whether two pairs share a channel, itself included [N, N, 1].
        rate_weight: beta^f.
        revenue_weight: beta^l.
        low: ln of the least power [N, 1].
        high: ln of the greatest [N, 1].
    """

    snr: Float[Array, "N 1"]
    bs_gain: Float[Array, "N 1"]
    noise: Float[Array, "N 1"]
    coupling: Float[Array, "N N 1"]
    shared: Bool[Array, "N N 1"]
    rate_weight: Float[Array, ""]
    revenue_weight: Float[Array, ""]
    low: Float[Array, "N 1"]
    high: Float[Array, "N 1"]


class Climb(NamedTuple):
    """Where the ascents stand; a channel's numbers are repeated for each of its pairs.

    Attributes:
        log_power: best point so far [N, S].
        value: U/B of the channel there [N, S].
        gradient: [N, S].
        step: direction being searched [N, S].
        scale: share of `step` to try next [N, S].
        done: whether the channel has settled [N, S].
    """

    log_power: Float[Array, "N S"]
    value: Float[Array, "N S"]
    gradient: Float[Array, "N S"]
    step: Float[Array, "N S"]
    scale: Float[Array, "N S"]
    done: Bool[Array, "N S"]


def best_powers(
    game: SlotGame, *, polished: bool = True
) -> tuple[Float[Array, " N"], Bool[Array, " N"]]:
    """Powers of the best of a few ascents on each channel, W.

    Args:
        game: the slot's.
        polished: whether the best ascent goes on until it settles.

    Returns:
        Powers [N], and whether the ascent on each pair's channel settled [N]. Not
        differentiable.
    """
    game = jax.lax.stop_gradient(game)
    on = _channels(game)
    climb = jax.lax.fori_loop(
        0, SEARCH_STEPS, lambda _, c: _advance(c, on), _begin(_starts(game, on))
    )
    climb = _best_start(climb, on)

    def one_more(carry: tuple[Climb, Array]) -> tuple[Climb, Array]:
        return _advance(carry[0], on), carry[1] + 1

    if polished:
        climb = jax.lax.while_loop(
            lambda carry: (carry[1] < POLISH_STEPS) & ~carry[0].done.all(),
            one_more,
            (climb, jnp.int32(0)),
        )[0]
    y = climb.log_power[:, 0]
    power = jnp.clip(jnp.exp(y), game.min_power_w, game.max_power_w)
    # Below the lowest start lies 0, and the utility is flat to 1e-9 between them.
    resting = (y <= on.low[:, 0]) & (game.min_power_w <= 0.0)
    return jnp.where(resting, game.min_power_w, power), climb.done[:, 0]


def _channels(game: SlotGame) -> Channels:
    shared = game.channel[:, None] == game.channel[None, :]
    tiny = jnp.finfo(game.noise.dtype).tiny / jnp.finfo(game.noise.dtype).eps
    least = jnp.maximum(game.min_power_w, LOWEST_START * game.max_power_w)
    return Channels(
        snr=game.cellular_snr[game.channel][:, None],
        bs_gain=game.bs_gain[:, None],
        noise=game.noise[:, None],
        coupling=game.coupling[:, :, None],
        shared=shared[:, :, None],
        rate_weight=game.follower_price_weight,
        revenue_weight=game.leader_revenue_weight,
        low=jnp.log(jnp.maximum(least, tiny))[:, None],
        high=jnp.log(jnp.maximum(game.max_power_w, tiny))[:, None],
    )


def _starts(game: SlotGame, on: Channels) -> Float[Array, "N S"]:
    """All low, all high, the middle, and one pair of each channel alone high."""
    quieter = game.bs_gain[:, None] < game.bs_gain[None, :]
    number = np.arange(len(game.bs_gain))
    tie = game.bs_gain[:, None] == game.bs_gain[None, :]
    first = quieter | (tie & (number[:, None] < number[None, :]))
    rank = (first & on.shared[:, :, 0]).sum(axis=0)
    loud = rank[:, None] == np.arange(min(LOUD_STARTS, len(number)))
    common = jnp.broadcast_to(jnp.asarray([0.0, 1.0, 0.5]), (len(number), 3))
    weight = jnp.concatenate([common, loud], axis=1).astype(on.low.dtype)
    return on.low + weight * (on.high - on.low)


def _begin(log_power: Float[Array, "N S"]) -> Climb:
    nothing = jnp.zeros_like(log_power)
    return Climb(
        log_power=log_power,
        value=jnp.full_like(log_power, -jnp.inf),
        gradient=nothing,
        step=nothing,
        scale=jnp.ones_like(log_power),
        done=nothing.astype(bool),
    )


def _best_start(climb: Climb, on: Channels) -> Climb:
    """For each channel the start that stands highest; one column left."""
    first = on.shared[:, :, 0].argmax(axis=1)
    best = climb.value.argmax(axis=1)[first]
    return jax.tree.map(
        lambda leaf: jnp.take_along_axis(leaf, best[:, None], axis=1), climb
    )


def _advance(climb: Climb, on: Channels) -> Climb:
    """One evaluation: each channel takes its trial or shortens its step."""
    eps = jnp.finfo(climb.value.dtype).eps
    trial = jnp.clip(climb.log_power + climb.scale * climb.step, on.low, on.high)
    value, gradient, hessian = _derivatives(trial, on)
    step, slope = _newton_step(trial, gradient, hessian, on)
    promised = _channel_sum(climb.gradient * (trial - climb.log_power), on)
    first = jnp.isneginf(climb.value)
    accepted = (value > climb.value + 1e-4 * promised) | first
    settled = (slope <= jnp.sqrt(eps) * value) | (
        value - climb.value <= 4 * eps * value
    )
    exhausted = jnp.abs(promised) <= 1e2 * eps * jnp.abs(climb.value)
    take = accepted & ~climb.done
    shorter = jnp.where(climb.done, climb.scale, 0.3 * climb.scale)
    return Climb(
        log_power=jnp.where(take, trial, climb.log_power),
        value=jnp.where(take, value, climb.value),
        gradient=jnp.where(take, gradient, climb.gradient),
        step=jnp.where(take, step, climb.step),
        scale=jnp.where(take, 1.0, shorter),
        done=climb.done | (take & settled) | (~accepted & exhausted),
    )


def _derivatives(
    log_power: Float[Array, "N S"], on: Channels
) -> tuple[Array, Array, Array]:
    """The value of each pair's channel, the gradient [N, S], the Hessian [N, N, S]."""
    power = jnp.exp(log_power)
    received = on.bs_gain * power
    j_sum = 1.0 + _channel_sum(received, on)
    q = on.snr / (j_sum + on.snr)
    weighted_q = on.rate_weight * q
    psi = received / j_sum
    heard = on.coupling * power[None]
    s = on.noise + heard.sum(axis=1)
    r = power / (power + s)
    rho = on.revenue_weight * r * (s / (power + s))
    value = on.rate_weight * jnp.log1p(on.snr / j_sum) + _channel_sum(
        on.revenue_weight * r, on
    )
    share = heard / s[:, None]
    bend = rho * (1.0 - 2.0 * r)
    # Materialised once: three uses follow, each over every two pairs.
    share, bend, rho, psi = jax.lax.optimization_barrier((share, bend, rho, psi))
    lost = (rho[:, None] * share).sum(axis=0)
    gradient = rho - weighted_q * psi - lost
    curved = _outer(((bend + rho)[:, None] * share), share)
    linked = bend[:, None] * share
    together = (weighted_q * (2.0 - q) * psi)[:, None] * psi[None]
    hessian = (
        jnp.where(on.shared, together, 0.0)
        + curved
        - linked
        - jnp.swapaxes(linked, 0, 1)
    )
    diagonal = bend - weighted_q * psi - lost
    eye = jnp.eye(len(log_power), dtype=log_power.dtype)[:, :, None]
    return value, gradient, hessian + eye * diagonal[:, None]


def _outer(one: Float[Array, "N N S"], other: Float[Array, "N N S"]) -> Array:
    """sum_j one_ji other_jm, as [i, m, S]."""
    return jnp.einsum("jis,jms->ims", one, other)


def _newton_step(
    log_power: Array, gradient: Array, hessian: Array, on: Channels
) -> tuple[Array, Array]:
    """The projected Newton step [N, S], and the channel's slope.

    A power at or near a limit that its gradient points to goes to the limit; curvature
    the wrong way round is turned, so that the step ascends.
    """
    resting = ((log_power <= on.low) & (gradient <= 0)) | (
        (log_power >= on.high) & (gradient >= 0)
    )
    slope = _channel_max(jnp.where(resting, 0.0, jnp.abs(gradient)), on)
    near = jnp.minimum(NEAR_LIMIT_NEPER, slope)
    free = ~(
        ((log_power <= on.low + near) & (gradient <= 0))
        | ((log_power >= on.high - near) & (gradient >= 0))
    )
    step = _solve(jnp.where(free, gradient, 0.0), hessian, free, on)
    longest = _channel_max(jnp.abs(step), on)
    step = step * jnp.minimum(1.0, MAX_STEP_NEPER / jnp.maximum(longest, 1e-30))
    limit = jnp.where(gradient > 0, on.high, on.low)
    return jnp.where(free, step, limit - log_power), slope


def _solve(
    gradient: Array, hessian: Array, free: Array, on: Channels
) -> Float[Array, "N S"]:
    """(-H)^-1 g on the free set by elimination, each pivot made positive."""
    n = len(gradient)
    eps, tiny = jnp.finfo(gradient.dtype).eps, jnp.finfo(gradient.dtype).tiny
    eye = jnp.eye(n, dtype=bool)[:, :, None]
    both = free[:, None] & free[None]
    matrix = jnp.where(both, -hessian, eye.astype(hessian.dtype))
    own = jnp.where(eye, jnp.abs(hessian), 0.0).sum(axis=1)
    size = jnp.where(free, jnp.maximum(own, jnp.abs(gradient)), 0.0)
    floor = jnp.sqrt(eps) * jnp.maximum(_channel_max(size, on), tiny / eps)

    def eliminate(i: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        matrix, right = carry
        row, column = matrix[i], matrix[:, i]
        pivot = jnp.maximum(jnp.abs(row[i]), floor[i])
        here = (np.arange(n) == i)[:, None]
        ratio = jnp.where(here, 0.0, column / pivot)
        solved = right[i] / pivot
        right = jnp.where(here, solved, right - ratio * right[i])
        return matrix - ratio[:, None] * row[None], right

    return jax.lax.fori_loop(0, n, eliminate, (matrix, gradient))[1]


def _channel_sum(values: Float[Array, "N S"], on: Channels) -> Float[Array, "N S"]:
    """Sum over the pairs of each pair's channel, the same bits for all of them."""
    return jnp.where(on.shared, values[None], 0.0).sum(axis=1)


def _channel_max(values: Float[Array, "N S"], on: Channels) -> Float[Array, "N S"]:
    return jnp.where(on.shared, values[None], 0.0).max(axis=1)
