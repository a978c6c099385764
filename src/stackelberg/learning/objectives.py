"""What the gradient methods climb, slot by slot, and what imitation descends.

All are of one slot; `jax.vmap` them. Utilities are in units of W / ln 2 per pair, so
that the same step sizes serve every cell. Shape legend: N pairs.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from stackelberg.envs.params import Radio
from stackelberg.envs.slot_game import (
    SlotGame,
    heard_by_base_station,
    response,
    unit_sinr_power_w,
    utilities,
)


def in_price_units(game: SlotGame, radio: Radio) -> SlotGame:
    """The same game with prices in units of B / N0, so of numbers near one.

    Prices in utility per watt reach 1e24, and a derivative squares them, which
    overflows float32. Only the price scale and limits change; see `unit_price`.
    """
    unit = radio.spend_scale / radio.noise_power_w
    limits = game.price_limits
    if limits is not None:
        limits = type(limits)(limits.min / unit, limits.max / unit)
    return game._replace(price_scale=game.price_scale / unit, price_limits=limits)


def utility_unit(game: SlotGame) -> Float[Array, ""]:
    """W / ln 2 for each pair: a rate of one nat per second and hertz."""
    return follower_unit(game) * game.bs_gain.shape[-1]


def follower_unit(game: SlotGame) -> Float[Array, ""]:
    """W / ln 2: a rate of one nat per second and hertz."""
    return game.follower_price_weight * game.spend_scale


def leader_through_reaction(
    reuse_price: Float[Array, " N"], game: SlotGame, *, thorough: bool = True
) -> Float[Array, ""]:
    """The leader's utility once followers answer `reuse_price` with their equilibrium.

    Its gradient is that of theory section 4, through the followers' reaction: a leader
    that climbs it cannot live off followers that lag behind. 0, with no gradient, where
    the search found no equilibrium of the followers (there may be several; about 2 % of
    the slots of a cell with two pairs per channel).

    Args:
        reuse_price: posted, > 0 [N].
        game: the slot's.
        thorough: see `slot_game.response`.
    """
    power, settled = response(game, reuse_price, thorough=thorough)
    value = utilities(game, reuse_price, power)[0] / utility_unit(game)
    return jnp.where(settled, value, 0.0)


def leader_at_powers(
    reuse_price: Float[Array, " N"],
    transmit_power_w: Float[Array, " N"],
    game: SlotGame,
) -> Float[Array, ""]:
    """The leader's utility with the followers' powers as they are: the naive objective.

    For comparison: at fixed powers every price wants to rise.
    """
    return utilities(game, reuse_price, transmit_power_w)[0] / utility_unit(game)


def single_level(
    transmit_power_w: Float[Array, " N"], game: SlotGame
) -> Float[Array, ""]:
    """The leader's utility as a function of powers alone: the single-level form.

    Every price is the one at which its pair wants its power (theory section 4); exact
    for `interference` price bounds.
    """
    noise = unit_sinr_power_w(game, transmit_power_w)
    heard = heard_by_base_station(game, transmit_power_w)
    cellular = game.follower_price_weight * jnp.log1p(game.cellular_snr / heard).sum()
    revenue = (transmit_power_w / (transmit_power_w + noise)).sum()
    value = cellular + game.leader_revenue_weight * revenue
    return game.spend_scale * value / utility_unit(game)


def followers_own(
    transmit_power_w: Float[Array, " N"],
    reuse_price: Float[Array, " N"],
    game: SlotGame,
) -> Float[Array, ""]:
    """The sum of the followers' utilities, each climbed by its own power alone.

    The gradient with respect to one pair's power is that of its own utility; the
    others' powers and all prices are constants to it.
    """
    others, price = jax.lax.stop_gradient((transmit_power_w, reuse_price))
    noise = unit_sinr_power_w(game, others)
    paid = price
    if game.price_limits is None:
        paid = jnp.minimum(price, game.price_scale / (game.min_power_w + noise))
    spent = paid / game.price_scale * transmit_power_w
    utility = jnp.log1p(transmit_power_w / noise) - spent
    nat_rate = game.follower_price_weight * game.spend_scale
    return nat_rate * utility.sum() / utility_unit(game)


def imitation(
    answer_w: Float[Array, " N"], wanted_w: Float[Array, " N"]
) -> Float[Array, ""]:
    """Mean square distance of the logarithms of answers from a teacher's.

    In nepers squared: what counts is the ratio.
    """
    return jnp.square(jnp.log(answer_w) - jnp.log(wanted_w)).mean()
