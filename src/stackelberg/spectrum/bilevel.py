"""Local maxima of the leader's single-level objective, many channels at once (JAX).

Projected Newton in y = ln p from several starts per channel; the same objective as
`channel_kernels`, batched. Arrays are struct-of-arrays with the batch last, so that
every operation is one vector loop over channels and starts:

    y, bs_gain, noise: [K, *batch]; coupling: [K, K, *batch] (receiver, transmitter);
    cellular_snr, weights: [*batch].

The functions are pure, run in the precision of their inputs, and may be used inside a
caller's own `jit`, `vmap` or on a GPU. In float32 ascents stop where the utility is
flat to about 1e-4 of itself. `solve_games` is the float64 driver on the host: a dense
round for all starts, then rounds for those few that have not settled.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from stackelberg.spectrum.channel_game import ChannelGames
from stackelberg.spectrum.scenario import Floats

MAX_STEP_NEPER = 3.0
"""Longest Newton step in ln p: curvature far away says nothing about here."""


NEAR_LIMIT_NEPER = 0.1
"""A power this close to a limit that its gradient points to goes there directly
(closer still where the slope is small).

Left in the Newton system it would bend the step of the others and then be cut off by
the limit, and the ascent would zigzag (Bertsekas 1982)."""

UNROLLED_PAIRS = 6
"""Up to so many pairs the Newton step is written out entry by entry."""


class Game(NamedTuple):
    """The arrays of `ChannelGames` the objective needs, batch last.

    Attributes:
        cellular_snr: [*batch].
        bs_gain: [K, *batch].
        noise: [K, *batch].
        coupling: [K, K, *batch], zero diagonal.
        follower_price_weight: [*batch].
        leader_revenue_weight: [*batch].
    """

    cellular_snr: Float[Array, "*batch"]
    bs_gain: Float[Array, "K *batch"]
    noise: Float[Array, "K *batch"]
    coupling: Float[Array, "K K *batch"]
    follower_price_weight: Float[Array, "*batch"]
    leader_revenue_weight: Float[Array, "*batch"]


class Ascent(NamedTuple):
    """Where each Newton ascent stands.

    Attributes:
        log_power: best point so far [K, *batch].
        value: F there, in units of B [*batch].
        gradient: of F there [K, *batch].
        step: direction being searched [K, *batch].
        scale: fraction of `step` to try next [*batch].
        done: whether it has settled [*batch].
    """

    log_power: Float[Array, "K *batch"]
    value: Float[Array, "*batch"]
    gradient: Float[Array, "K *batch"]
    step: Float[Array, "K *batch"]
    scale: Float[Array, "*batch"]
    done: Bool[Array, "*batch"]


def single_level_objective(
    power_w: Float[Array, "K *batch"], game: Game
) -> Float[Array, "*batch"]:
    """F(p) = U^l / B with every price at B / (gbar (p + s)); theory section 4.

    Differentiable in `power_w` and in every array of `game`.
    """
    j_sum = 1.0 + (game.bs_gain * power_w).sum(axis=0)
    s = game.noise + (game.coupling * power_w[None]).sum(axis=1)
    cellular = game.follower_price_weight * jnp.log1p(game.cellular_snr / j_sum)
    return cellular + game.leader_revenue_weight * (power_w / (power_w + s)).sum(axis=0)


def _unrolled_derivatives(
    log_power: Float[Array, "K *batch"], game: Game
) -> tuple[Array, Array, list[list[Array]]]:
    """F, its gradient and the lower triangle of its Hessian in y = ln p.

    Written out per entry: for few pairs the compiler makes one vector loop of it.
    """
    k = log_power.shape[0]
    # The barrier keeps the compiler from computing each exp again where it is used.
    power = jax.lax.optimization_barrier([jnp.exp(log_power[i]) for i in range(k)])
    received = [game.bs_gain[i] * power[i] for i in range(k)]
    j_sum = sum(received, start=jnp.ones_like(received[0]))
    q = game.cellular_snr / (j_sum + game.cellular_snr)
    weighted_q = game.follower_price_weight * q
    psi = [x / j_sum for x in received]
    # log of a quotient: log1p costs four times as much here and a/J is rarely small.
    value = game.follower_price_weight * jnp.log((j_sum + game.cellular_snr) / j_sum)
    gradient = [-weighted_q * x for x in psi]
    bend = weighted_q * (2.0 - q)
    hessian = [[bend * psi[i] * psi[m] for m in range(i + 1)] for i in range(k)]
    for i in range(k):
        hessian[i][i] = hessian[i][i] + gradient[i]
    for j in range(k):
        heard = [game.coupling[j, i] * power[i] for i in range(k)]
        s = sum((heard[i] for i in range(k) if i != j), start=game.noise[j])
        total = power[j] + s
        r = power[j] / total
        rho = game.leader_revenue_weight * r * (s / total)
        value = value + game.leader_revenue_weight * r
        bend = rho * (1.0 - 2.0 * r)
        both = bend + rho
        gradient[j] = gradient[j] + rho
        hessian[j][j] = hessian[j][j] + bend
        share = [heard[i] / s for i in range(k)]
        for i in range(k):
            if i == j:
                continue
            loss = rho * share[i]
            gradient[i] = gradient[i] - loss
            hessian[i][i] = hessian[i][i] - loss
            weighted = both * share[i]
            for m in range(i + 1):
                if m != j:
                    hessian[i][m] = hessian[i][m] + weighted * share[m]
            a, b = max(i, j), min(i, j)
            hessian[a][b] = hessian[a][b] - bend * share[i]
    return value, jnp.stack(gradient), hessian


def _unrolled_step(
    gradient: Array, hessian: list[list[Array]], free: Array
) -> Float[Array, "K *batch"]:
    """Ascent step (-H)^-1 g on the free set by LDL' with pivots made positive."""
    k = gradient.shape[0]
    tiny = jnp.finfo(gradient.dtype).tiny
    scale = jnp.full_like(gradient[0], tiny)
    for i in range(k):
        size = jnp.maximum(jnp.abs(hessian[i][i]), jnp.abs(gradient[i]))
        scale = jnp.where(free[i], jnp.maximum(scale, size), scale)
    floor = jnp.sqrt(jnp.finfo(gradient.dtype).eps) * scale
    one, zero = jnp.ones_like(floor), jnp.zeros_like(floor)
    row = [
        [
            jnp.where(free[i] & free[m], -hessian[i][m], one if i == m else zero)
            for m in range(i + 1)
        ]
        for i in range(k)
    ]
    step = [jnp.where(free[i], gradient[i], zero) for i in range(k)]
    for i in range(k):
        inverse = 1.0 / jnp.maximum(jnp.abs(row[i][i]), floor)
        for m in range(i + 1, k):
            ratio = row[m][i] * inverse
            for c in range(i + 1, m + 1):
                row[m][c] = row[m][c] - ratio * row[c][i]
            step[m] = step[m] - ratio * step[i]
        # Rows below now hold L D in column i; keep L for the back substitution.
        for m in range(i + 1, k):
            row[m][i] = row[m][i] * inverse
        step[i] = step[i] * inverse
    for i in range(k - 1, -1, -1):
        for m in range(i + 1, k):
            step[i] = step[i] - row[m][i] * step[m]
    return jnp.stack(step)


def newton_step(
    log_power: Float[Array, "K *batch"],
    game: Game,
    low: Float[Array, "*batch"],
    high: Float[Array, "*batch"],
) -> tuple[Array, Array, Array]:
    """F, its gradient and the projected Newton step.

    A power at or near a limit that its gradient points to is not free: it goes to the
    limit. Indefinite curvature is made negative definite, so that the step ascends.
    """
    if log_power.shape[0] <= UNROLLED_PAIRS:
        value, gradient, hessian = _unrolled_derivatives(log_power, game)
        free = _free(log_power, gradient, low, high)
        step = _unrolled_step(gradient, hessian, free)
    else:
        value, gradient, curvature = _dense_derivatives(log_power, game)
        free = _free(log_power, gradient, low, high)
        step = _spectral_step(gradient, curvature, free)
    longest = jnp.abs(step).max(axis=0)
    step = step * jnp.minimum(1.0, MAX_STEP_NEPER / jnp.maximum(longest, 1e-30))
    limit = jnp.where(gradient > 0, high, low)
    return value, gradient, jnp.where(free, step, limit - log_power)


def _free(log_power: Array, gradient: Array, low: Array, high: Array) -> Array:
    slope = _slope(log_power, gradient, low, high)
    near = jnp.minimum(NEAR_LIMIT_NEPER, slope)
    return ~(
        ((log_power <= low + near) & (gradient <= 0))
        | ((log_power >= high - near) & (gradient >= 0))
    )


def _slope(log_power: Array, gradient: Array, low: Array, high: Array) -> Array:
    """Largest slope that the limits leave open; zero at a stationary point."""
    resting = ((log_power <= low) & (gradient <= 0)) | (
        (log_power >= high) & (gradient >= 0)
    )
    return jnp.where(resting, 0.0, jnp.abs(gradient)).max(axis=0)


def _dense_derivatives(log_power: Array, game: Game) -> tuple[Array, Array, Array]:
    """F, gradient and Hessian [K, K, *batch] by automatic differentiation.

    For many pairs: compiles in a second where writing every entry out takes minutes.
    """

    def value_of(y: Array) -> Array:
        return single_level_objective(jnp.exp(y), game)

    def gradient_of(y: Array) -> Array:
        value, pullback = jax.vjp(value_of, y)
        return pullback(jnp.ones_like(value))[0]

    gradient, tangent_of = jax.linearize(gradient_of, log_power)
    directions = jnp.broadcast_to(
        jnp.eye(len(log_power), dtype=log_power.dtype).reshape(
            *(2 * log_power.shape[:1]), *([1] * (log_power.ndim - 1))
        ),
        (len(log_power), *log_power.shape),
    )
    return value_of(log_power), gradient, jax.vmap(tangent_of)(directions)


def _spectral_step(gradient: Array, hessian: Array, free: Array) -> Array:
    """Ascent step |H|^-1 g on the free set, by the eigenvalues of H."""
    k = len(gradient)
    both = free[:, None] & free[None, :]
    curvature = jnp.moveaxis(jnp.where(both, -hessian, 0.0), (0, 1), (-2, -1))
    slope = jnp.moveaxis(jnp.where(free, gradient, 0.0), 0, -1)
    size, axes = jnp.linalg.eigh(curvature)
    size = jnp.abs(size)
    floor = jnp.sqrt(jnp.finfo(size.dtype).eps) * jnp.maximum(
        size.max(axis=-1, keepdims=True), jnp.abs(slope).max(axis=-1, keepdims=True)
    )
    along = (jnp.swapaxes(axes, -1, -2) @ slope[..., None])[..., 0]
    scaled = along / jnp.maximum(size, jnp.maximum(floor, 1e-30))
    step = (axes @ scaled[..., None])[..., 0]
    return jnp.where(free, jnp.moveaxis(step, -1, 0), 0.0).reshape(
        k, *gradient.shape[1:]
    )


def start_ascent(log_power: Float[Array, "K *batch"]) -> Ascent:
    """An ascent that will first evaluate its starting point."""
    batch = log_power[0]
    return Ascent(
        log_power=log_power,
        value=jnp.full_like(batch, -jnp.inf),
        gradient=jnp.zeros_like(log_power),
        step=jnp.zeros_like(log_power),
        scale=jnp.ones_like(batch),
        done=jnp.zeros(batch.shape, dtype=bool),
    )


def advance(
    state: Ascent, game: Game, low: Float[Array, "*batch"], high: Float[Array, "*batch"]
) -> Ascent:
    """One evaluation per ascent: accept the trial and turn, or shorten the step.

    A line search inside the loop would hold the whole batch up for its slowest member.
    """
    eps = jnp.finfo(state.value.dtype).eps
    trial = jnp.clip(state.log_power + state.scale * state.step, low, high)
    value, gradient, step = newton_step(trial, game, low, high)
    promised = (state.gradient * (trial - state.log_power)).sum(axis=0)
    accepted = (value > state.value + 1e-4 * promised) | jnp.isneginf(state.value)
    slope = _slope(trial, gradient, low, high)
    settled = (slope <= jnp.sqrt(eps) * value) | (
        value - state.value <= 4 * eps * value
    )
    exhausted = jnp.abs(promised) <= 1e2 * eps * jnp.abs(state.value)
    take = accepted & ~state.done
    scale = jnp.where(take, 1.0, jnp.where(state.done, state.scale, 0.3 * state.scale))
    return Ascent(
        log_power=jnp.where(take, trial, state.log_power),
        value=jnp.where(take, value, state.value),
        gradient=jnp.where(take, gradient, state.gradient),
        step=jnp.where(take, step, state.step),
        scale=scale,
        done=state.done | (take & settled) | (~accepted & exhausted),
    )


def ascend(
    log_power: Float[Array, "K *batch"],
    game: Game,
    low: Float[Array, "*batch"],
    high: Float[Array, "*batch"],
    max_iterations: int = 100,
) -> Ascent:
    """Ascend from `log_power` until every member settles; for use inside a `jit`."""
    return jax.lax.while_loop(
        lambda carry: (carry[1] < max_iterations) & ~carry[0].done.all(),
        lambda carry: (advance(carry[0], game, low, high), carry[1] + 1),
        (start_ascent(log_power), 0),
    )[0]


def starting_points(
    low: Float[Array, "*batch"], high: Float[Array, "*batch"], num_pairs: int
) -> Float[Array, "K starts *batch"]:
    """K + 3 starts in ln p: all low, all high, the middle, each pair alone high."""
    k = num_pairs
    common = np.array([[0.0], [1.0], [0.5]]) * np.ones(k)
    weight = np.concatenate([common, np.eye(k)]) if k > 1 else common
    weight = jnp.asarray(weight.T.reshape(k, -1, *([1] * low.ndim)), dtype=low.dtype)
    return low + weight * (high - low)


DENSE_ITERATIONS = 3
"""Iterations given to every start; most have settled by then."""

ROUND_ITERATIONS = 3
"""Iterations per later round, between which settled starts leave the batch."""

MAX_ROUNDS = 200

CHUNKS = (16, 128, 512)
"""Channels per call: few shapes to compile, and arrays that fit the caches."""


class LocalOptimum(NamedTuple):
    """The best local maximum found on each channel.

    Attributes:
        power_w: [n, K].
        value: F, in units of B [n].
        settled: whether every start of the channel settled [n].
        iterations: Newton iterations spent on all starts of the channel together [n].
    """

    power_w: Floats
    value: Floats
    settled: np.ndarray
    iterations: np.ndarray


def _finish(state: Ascent, game: Game, low: Array, high: Array) -> tuple[Ascent, Array]:
    """Advance the lanes that have not settled, some at a time, until all have.

    A lane is one ascent; lane = start * n + channel. Returns the lanes and the
    iterations spent on each, the dense ones included.
    """
    n = low.shape[0]
    lanes = state.done.shape[0]
    width = max(lanes // 8, min(lanes, 64))

    def one_round(carry: tuple[Ascent, Array, Array]) -> tuple[Ascent, Array, Array]:
        state, rounds, spent = carry
        (lane,) = jnp.nonzero(~state.done, size=width, fill_value=lanes)
        channel = lane % n
        part_game = jax.tree.map(lambda x: x[..., channel], game)
        part = jax.tree.map(lambda x: x[..., jnp.minimum(lane, lanes - 1)], state)
        part = jax.lax.fori_loop(
            0,
            ROUND_ITERATIONS,
            lambda _, s: advance(s, part_game, low[channel], high[channel]),
            part,
        )
        state = jax.tree.map(
            lambda whole, piece: whole.at[..., lane].set(piece, mode="drop"),
            state,
            part,
        )
        return state, rounds + 1, spent.at[lane].add(ROUND_ITERATIONS, mode="drop")

    def unfinished(carry: tuple[Ascent, Array, Array]) -> Array:
        return (carry[1] < MAX_ROUNDS) & ~carry[0].done.all()

    dense = jnp.full(lanes, DENSE_ITERATIONS, dtype=jnp.int32)
    begin = (state, jnp.int32(0), dense)
    state, _, spent = jax.lax.while_loop(unfinished, one_round, begin)
    return state, spent


def best_ascent(
    game: Game, low: Float[Array, "n"], high: Float[Array, "n"]
) -> tuple[Array, Array, Array, Array]:
    """Best of K + 3 ascents on each of n channels; for use inside a `jit`.

    All starts take a few iterations together; then those that have not settled are
    gathered into a narrow batch, round by round, so that one slow ascent does not hold
    up the rest.

    Args:
        game: batch shape [n].
        low: ln of the least power.
        high: ln of the greatest power.

    Returns:
        ln power [K, n], F [n], whether all starts settled [n], iterations spent [n].
    """
    starts = starting_points(low, high, game.bs_gain.shape[0])
    k, num_starts, n = starts.shape
    lanes = n * num_starts
    wide = jax.tree.map(lambda x: x[..., None, :], game)
    dense = jax.lax.fori_loop(
        0,
        DENSE_ITERATIONS,
        lambda _, state: advance(state, wide, low, high),
        start_ascent(starts),
    )
    state = jax.tree.map(lambda x: x.reshape(*x.shape[:-2], lanes), dense)
    state, spent = _finish(state, game, low, high)
    value = state.value.reshape(num_starts, n)
    best = value.argmax(axis=0)
    log_power = jnp.take_along_axis(
        state.log_power.reshape(k, num_starts, n), best[None, None, :], axis=1
    )[:, 0]
    settled = state.done.reshape(num_starts, n).all(axis=0)
    return log_power, value.max(axis=0), settled, spent.reshape(-1, n).sum(axis=0)


_best_ascent = jax.jit(best_ascent)


def solve_games(games: ChannelGames, low_w: Floats, high_w: Floats) -> LocalOptimum:
    """Best local maximum of the single-level form on each channel, in float64.

    Args:
        games: n channels with K pairs each.
        low_w: least power of every pair, > 0 [n].
        high_w: greatest power of every pair [n].

    Returns:
        The best of K + 3 Newton ascents per channel; the same bits for a channel
        whatever else is in the batch.
    """
    n = len(games)
    # One shape only for the dense step: its matrix products round by their shape.
    sizes = CHUNKS if games.num_pairs <= UNROLLED_PAIRS else CHUNKS[:1]
    chunk = next((size for size in sizes if n <= 4 * size), sizes[-1])
    parts: list[tuple[np.ndarray, ...]] = []
    with jax.enable_x64(True):
        game = game_arrays(games)
        low, high = np.log(low_w), np.log(high_w)
        for begin in range(0, n, chunk):
            if begin + chunk <= n:
                rows = slice(begin, begin + chunk)
            else:  # repeat the last channel to keep the compiled shape
                rows = np.minimum(np.arange(begin, begin + chunk), n - 1)
            part = jax.tree.map(lambda x, at=rows: x[..., at], game)
            found = _best_ascent(part, low[rows], high[rows])
            kept = min(chunk, n - begin)
            parts.append(tuple(np.asarray(x)[..., :kept] for x in found))
    log_power, value, settled, spent = (
        np.concatenate(x, axis=-1) for x in zip(*parts, strict=True)
    )
    return LocalOptimum(
        power_w=np.clip(np.exp(log_power.T), low_w[:, None], high_w[:, None]),
        value=value,
        settled=settled,
        iterations=spent,
    )


def game_arrays(games: ChannelGames) -> Game:
    """The arrays of `games` the objective needs, batch last (host arrays)."""

    def last(x: Floats) -> Array:
        # Host memory, typed as what `jit` takes it for.
        return cast("Array", np.ascontiguousarray(np.moveaxis(x, 0, -1)))

    return Game(
        cellular_snr=last(games.cellular_snr),
        bs_gain=last(games.bs_gain),
        noise=last(games.noise),
        coupling=last(games.coupling),
        follower_price_weight=last(games.follower_price_weight),
        leader_revenue_weight=last(games.leader_revenue_weight),
    )
