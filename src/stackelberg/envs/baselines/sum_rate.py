"""The largest sum of rates by powers alone: WMMSE and fractional programming.

Both climb the sum of all rates of a slot, the pairs' and the cellular users', with
channels given and the cellular users' powers fixed. Prices play no part. Powers keep
their limits. With one antenna each the two algorithms take the same steps in exact
arithmetic (Shen and Yu 2018); each is written in its own variables.

Shape legend: N pairs.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from stackelberg.envs.slot_game import (
    SlotGame,
    heard_by_base_station,
    unit_sinr_power_w,
)

ITERATIONS = 100
"""As in the published comparison of Sun et al. (2018), who stop there too."""


def sum_rate(game: SlotGame, transmit_power_w: Float[Array, " N"]) -> Float[Array, ""]:
    """Sum of the pairs' and the cellular users' rates, bit/s."""
    sinr = transmit_power_w / unit_sinr_power_w(game, transmit_power_w)
    cellular = game.cellular_snr / heard_by_base_station(game, transmit_power_w)
    nats = jnp.log1p(sinr).sum() + jnp.log1p(cellular).sum()
    return game.follower_price_weight * game.spend_scale * nats


def wmmse(game: SlotGame, iterations: int = ITERATIONS) -> Float[Array, " N"]:
    """Powers by weighted minimum mean square error, from the greatest powers, W [N].

    Shi, Razaviyayn, Luo, He (2011), for single antennas: receivers u, weights w and
    amplitudes v in turn, each the exact minimum with the others held, so the sum of
    rates never falls. Gains are in units of each pair's own, and noise with them.

    Args:
        game: the slot's; its prices are not used.
        iterations: rounds of u, w, v.
    """
    low, high = jnp.sqrt(game.min_power_w), jnp.sqrt(game.max_power_w)
    own = jnp.eye(len(high), dtype=high.dtype)

    def one_round(_: int, v: Array) -> Array:
        power = v * v
        s = unit_sinr_power_w(game, power)
        u = v / (s + power)
        w = (s + power) / s  # 1 / (1 - u v), without the cancellation
        weight = w * u * u
        harm = ((game.coupling + own) * weight[:, None]).sum(axis=0)
        harm = harm + _harm_to_cellular(game, power)
        return jnp.clip(w * u / jnp.maximum(harm, _tiny(harm)), low, high)

    v = jax.lax.fori_loop(0, iterations, one_round, high)
    return jnp.clip(v * v, game.min_power_w, game.max_power_w)


def fractional_programming(
    game: SlotGame,
    transmit_power_w: Float[Array, " N"] | None = None,
    iterations: int = ITERATIONS,
) -> Float[Array, " N"]:
    """Powers by the closed form of fractional programming, W [N].

    Shen and Yu (2018), part II: SINRs gamma out of the logarithm, the quadratic
    transform with y, then powers, each step exact, so the sum of rates never falls.

    Args:
        game: the slot's; its prices are not used.
        transmit_power_w: to begin with; None: the greatest. A pair at 0 stays there.
        iterations: rounds of gamma, y, p.
    """
    start = game.max_power_w if transmit_power_w is None else transmit_power_w

    def one_round(_: int, power: Array) -> Array:
        s = unit_sinr_power_w(game, power)
        one_plus_gamma = 1.0 + power / s
        y = jnp.sqrt(one_plus_gamma * power) / (s + power)
        harm = y * y + (game.coupling * (y * y)[:, None]).sum(axis=0)
        harm = harm + _harm_to_cellular(game, power)
        best = y * y * one_plus_gamma / jnp.maximum(harm, _tiny(harm)) ** 2
        return jnp.clip(best, game.min_power_w, game.max_power_w)

    return jax.lax.fori_loop(0, iterations, one_round, start)


def _harm_to_cellular(game: SlotGame, power: Array) -> Float[Array, " N"]:
    """What a W of each pair costs its cellular user: w u^2 gbar, or y^2 gbar [N]."""
    heard = heard_by_base_station(game, power)
    cost = game.cellular_snr / (heard * (heard + game.cellular_snr))
    return game.bs_gain * cost[game.channel]


def _tiny(like: Array) -> float:
    # Its square must not vanish: a silent pair would divide 0 by 0.
    return float(jnp.finfo(like.dtype).tiny) ** 0.45
