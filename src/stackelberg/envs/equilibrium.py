"""The equilibrium of a slot inside the caller's own `jit`, and what play misses of it.

Everything is batched by `vmap`. The concepts are those of `spectrum.solve`; here they
are found by local search with a fixed number of starts, and nothing is proved. Use
`scenario_of` with `spectrum.solve` for certificates.

Shape legend: N pairs.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from stackelberg.envs.params import SlotConcept
from stackelberg.envs.power_ascent import best_powers
from stackelberg.envs.price_ascent import best_fixed_prices
from stackelberg.envs.price_sweeps import iterated_prices
from stackelberg.envs.slot_game import (
    SlotGame,
    best_responses,
    implied_price,
    response,
    utilities,
)

WORTH = 1e-5
"""Pricing that is worth less than this share of the leader's utility is rounding."""


class SlotEquilibrium(NamedTuple):
    """Prices and powers that a concept names for a slot.

    Attributes:
        reuse_price: utility per W of interference [N].
        transmit_power_w: the followers' equilibrium at these prices [N].
        leader_utility: bit/s.
        follower_utility: bit/s [N].
        silent_utility: the leader's where every pair is asked its greatest price,
            bit/s. With least power 0 and `interference` bounds all are silent then.
        residual_w: the most any pair would change its power at these prices.
        converged: whether the search settled on every channel.
    """

    reuse_price: Float[Array, " N"]
    transmit_power_w: Float[Array, " N"]
    leader_utility: Float[Array, ""]
    follower_utility: Float[Array, " N"]
    silent_utility: Float[Array, ""]
    residual_w: Float[Array, ""]
    converged: Bool[Array, ""]


class SlotInfo(NamedTuple):
    """How far play in a slot was from equilibrium; channels as chosen.

    Attributes:
        equilibrium: of the slot.
        follower_regret: `follower_regret` of the actions taken, bit/s [N].
        leader_regret: `leader_regret` of the prices charged, bit/s.
        gain: `gain` of the leader's utility.
        re_equilibrated_gain: the same with followers at equilibrium at those prices.
    """

    equilibrium: SlotEquilibrium
    follower_regret: Float[Array, " N"]
    leader_regret: Float[Array, ""]
    gain: Float[Array, ""]
    re_equilibrated_gain: Float[Array, ""]


def slot_equilibrium(
    game: SlotGame, *, concept: SlotConcept = "bilevel"
) -> SlotEquilibrium:
    """The equilibrium of one slot, channels given.

    Args:
        game: the slot's.
        concept: ``bilevel``: the Stackelberg equilibrium proper, by ascents of the
            leader's utility from a few starts per channel; where several followers'
            equilibria exist under `interference` bounds, the leader's best one.
            ``iterated``: prices and powers one pair at a time, each price the best
            while the others' powers stay put. Some channels cycle; then the last
            prices, with the followers at equilibrium there, and `converged` False.

    Returns:
        In the precision of the game. The search is not differentiated: by the envelope
        theorem the derivative of `leader_utility` in the game's arrays is exact all
        the same under `bilevel` with `interference` bounds.
    """
    return _with_posted(game, None, concept)[0]


def _with_posted(
    game: SlotGame, posted: Float[Array, " N"] | None, concept: SlotConcept
) -> tuple[SlotEquilibrium, Float[Array, ""] | None]:
    """The equilibrium, and the leader's utility at posted prices re-equilibrated.

    All that asks for the followers' equilibrium is answered in one batch, because that
    takes the compiler longer than the rest.
    """
    price, power, settled = _searched(game, concept)
    limits = game.price_limits
    known = concept == "bilevel" and limits is None
    least = game.min_power_w
    dearest = implied_price(game, least) if limits is None else limits.max
    asked = (posted, None if known else price, None if limits is None else dearest)
    answers = _responses(game, [row for row in asked if row is not None])
    then = None
    if posted is not None:
        then = utilities(game, posted, answers.pop(0)[0])[0]
    if not known:
        reached, found = jax.lax.stop_gradient(answers.pop(0))
        if concept == "iterated":
            power = jnp.where(settled, power, reached)
        else:
            power, settled = reached, settled & found
    quiet = least if limits is None else answers.pop(0)[0]
    leader, followers = utilities(game, price, power)
    found = SlotEquilibrium(
        reuse_price=price,
        transmit_power_w=power,
        leader_utility=leader,
        follower_utility=followers,
        silent_utility=utilities(game, dearest, quiet)[0],
        residual_w=jnp.abs(best_responses(game, price, power) - power).max(),
        converged=settled,
    )
    return found, then


def _searched(game: SlotGame, concept: SlotConcept) -> tuple[Array, Array, Array]:
    """Prices and powers of a concept, and whether the search settled.

    Under fixed price bounds the powers of `bilevel` are not those at its prices.
    """
    if concept == "iterated":
        return iterated_prices(game)
    if game.price_limits is None:
        power, by_channel = best_powers(game)
        return implied_price(game, power), power, by_channel.all()
    loosely, _ = best_powers(game, polished=False)
    stepwise, _, _ = iterated_prices(game)
    starts = jnp.stack([implied_price(game, loosely), stepwise])
    price, settled = best_fixed_prices(game, starts)
    return price, loosely, settled


def _responses(game: SlotGame, prices: list[Array]) -> list[tuple[Array, Array]]:
    """`response` at each of some prices."""
    if not prices:
        return []
    power, found = jax.vmap(lambda row: response(game, row))(jnp.stack(prices))
    return list(zip(power, found, strict=True))


def silent_utility(game: SlotGame) -> Float[Array, ""]:
    """The leader's utility where every pair is asked its greatest price, bit/s.

    What is left to earn above it is what pricing is worth. With a least power above 0
    pairs cannot be silent, and pay for that power.
    """
    if game.price_limits is None:
        power = game.min_power_w
        price = implied_price(game, power)
    else:
        price = game.price_limits.max
        power, _ = response(game, price)
    return utilities(game, price, power)[0]


def follower_regret(
    game: SlotGame,
    reuse_price: Float[Array, " N"],
    transmit_power_w: Float[Array, " N"],
) -> Float[Array, " N"]:
    """What each follower would gain by its best power, the others' held, bit/s [N].

    Exact, by (26); >= 0. Channels are as chosen: a better channel is not looked for.
    `relative_follower_regret` divides it by the rate at the best power.
    """
    now = _follower_values(game, reuse_price, transmit_power_w, transmit_power_w)
    best = best_responses(game, reuse_price, transmit_power_w)
    then = _follower_values(game, reuse_price, transmit_power_w, best)
    return jnp.maximum(then - now, 0.0)


def relative_follower_regret(
    game: SlotGame,
    reuse_price: Float[Array, " N"],
    transmit_power_w: Float[Array, " N"],
) -> Float[Array, " N"]:
    """`follower_regret` as a share of the rate the pair has now or would have [N].

    Of the larger of the two rates; 0 where both are 0.
    """
    regret = follower_regret(game, reuse_price, transmit_power_w)
    best = best_responses(game, reuse_price, transmit_power_w)
    s = game.noise + (game.coupling * transmit_power_w).sum(axis=-1)
    rate = (
        game.follower_price_weight
        * game.spend_scale
        * jnp.log1p(jnp.maximum(best, transmit_power_w) / s)
    )
    return jnp.where(rate > 0.0, regret / jnp.where(rate > 0.0, rate, 1.0), 0.0)


def _follower_values(
    game: SlotGame, reuse_price: Array, others: Array, own: Array
) -> Array:
    """Each pair's utility at its power `own`, the others at `others`, bit/s."""
    s = game.noise + (game.coupling * others).sum(axis=-1)
    price = reuse_price
    if game.price_limits is None:
        price = jnp.minimum(price, game.price_scale / (game.min_power_w + s))
    else:
        price = jnp.clip(price, game.price_limits.min, game.price_limits.max)
    spent = price / game.price_scale * own
    return game.follower_price_weight * game.spend_scale * (jnp.log1p(own / s) - spent)


def re_equilibrated_utility(
    game: SlotGame, reuse_price: Float[Array, " N"]
) -> Float[Array, ""]:
    """The leader's utility once the followers are at equilibrium at `reuse_price`.

    Bit/s. Windfalls from followers who are off their best answers vanish in it.
    """
    power, _ = response(game, reuse_price)
    return utilities(game, reuse_price, power)[0]


def leader_regret(
    game: SlotGame,
    reuse_price: Float[Array, " N"],
    equilibrium: SlotEquilibrium | None = None,
) -> Float[Array, ""]:
    """Equilibrium utility less that of `reuse_price` re-equilibrated, bit/s.

    Absolute; divide by `equilibrium.leader_utility` for a share. It is negative where
    these prices beat the equilibrium that was found: `iterated` is no optimum, and
    `bilevel` is a local search.

    Args:
        game: the slot's.
        reuse_price: posted, > 0 [N].
        equilibrium: of the same game; None: the bilevel one is computed.
    """
    if equilibrium is None:
        equilibrium = slot_equilibrium(game)
    return equilibrium.leader_utility - re_equilibrated_utility(game, reuse_price)


def gain(
    leader_utility: Float[Array, "*batch"], equilibrium: SlotEquilibrium
) -> Float[Array, "*batch"]:
    """(U - U_silent) / (U_SE - U_silent): 0 earns nothing by pricing, 1 all.

    NaN where pricing is worth less than `WORTH`. Over many slots take the ratio of the
    sums (`mean_gain`): a single slot may divide by next to nothing.
    """
    worth = equilibrium.leader_utility - equilibrium.silent_utility
    earned = leader_utility - equilibrium.silent_utility
    worthy = worth > WORTH * jnp.abs(equilibrium.leader_utility)
    return jnp.where(worthy, earned / jnp.where(worthy, worth, 1.0), jnp.nan)


def mean_gain(
    leader_utility: Float[Array, "*batch"], equilibrium: SlotEquilibrium
) -> Float[Array, ""]:
    """The gain of many slots together: sum (U - U_silent) / sum (U_SE - U_silent)."""
    worth = equilibrium.leader_utility - equilibrium.silent_utility
    return (leader_utility - equilibrium.silent_utility).sum() / worth.sum()


def re_equilibrated_gain(
    game: SlotGame, reuse_price: Float[Array, " N"], equilibrium: SlotEquilibrium
) -> Float[Array, ""]:
    """`gain` after the followers re-equilibrate at `reuse_price`."""
    return gain(re_equilibrated_utility(game, reuse_price), equilibrium)


def slot_info(
    game: SlotGame,
    reuse_price: Float[Array, " N"],
    transmit_power_w: Float[Array, " N"],
    *,
    concept: SlotConcept = "bilevel",
) -> SlotInfo:
    """How far these prices and powers are from the slot's equilibrium.

    Args:
        game: the slot's, with the channels used.
        reuse_price: charged [N].
        transmit_power_w: used [N].
        concept: which equilibrium.
    """
    found, settled = _with_posted(game, reuse_price, concept)
    assert settled is not None
    return SlotInfo(
        equilibrium=found,
        follower_regret=follower_regret(game, reuse_price, transmit_power_w),
        leader_regret=found.leader_utility - settled,
        gain=gain(utilities(game, reuse_price, transmit_power_w)[0], found),
        re_equilibrated_gain=gain(settled, found),
    )
