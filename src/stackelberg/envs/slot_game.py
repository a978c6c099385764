"""One slot's game, channels given: the arrays it depends on, and what pairs answer.

The letters are those of `spectrum.channel_game`, but all channels of the slot lie in
one set of arrays, with the coupling masked between channels. Everything is pure JAX,
in the precision of its inputs, for use inside any `jit`, `vmap` or `grad`.

Shape legend: M channels, N pairs.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from stackelberg.envs import dynamics
from stackelberg.envs.admission import admitted
from stackelberg.envs.links import (
    LinkGains,
    cellular_gains,
    gains_on,
    shared_channel_gains,
)
from stackelberg.envs.observation import quoted_gain, report
from stackelberg.envs.params import EnvParams, PriceLimits
from stackelberg.envs.state import State
from stackelberg.envs.world import fader
from stackelberg.spectrum.reaction import (
    ChannelArrays,
    limited_set,
    reaction_of_set,
)

PIVOTS = 20
"""Pivots allowed for the followers' equilibrium, besides one per pair."""

ROUNDS = 24
"""Rounds of answers all at once before pivoting: each costs less than a hundredth of a
pivot, and a batch pivots until its last member is done."""

FEW_PIVOTS = 4
"""Pivots of a search that is not thorough: what all but about one in a hundred need."""

TURNS = 60
"""Rounds of answers in turn where pivoting found none."""


class SlotGame(NamedTuple):
    """The pricing game of one slot.

    In it a follower's utility is its rate less its weighted payment. Queues, switching
    loss and price inertia are not part of it.

    Attributes:
        channel: of each pair [N].
        cellular_snr: A / N0 [M].
        bs_gain: gain to the base station / N0, 1/W [N].
        noise: (N0 + cellular interference) / own gain, W [N].
        coupling: gain from transmitter k to receiver j over j's own gain, as [j, k];
            0 between channels and on the diagonal [N, N].
        price_scale: B / gain that payments go by [N].
        follower_price_weight: beta^f.
        leader_revenue_weight: beta^l.
        spend_scale: B, bit/s.
        min_power_w: [N]; 0 for a pair that may not or cannot transmit.
        max_power_w: [N]; 0 for such a pair.
        price_limits: fixed price bounds; None: `interference`.
    """

    channel: Int[Array, " N"]
    cellular_snr: Float[Array, " M"]
    bs_gain: Float[Array, " N"]
    noise: Float[Array, " N"]
    coupling: Float[Array, "N N"]
    price_scale: Float[Array, " N"]
    follower_price_weight: Float[Array, ""]
    leader_revenue_weight: Float[Array, ""]
    spend_scale: Float[Array, ""]
    min_power_w: Float[Array, " N"]
    max_power_w: Float[Array, " N"]
    price_limits: PriceLimits | None


def slot_game(
    state: State,
    params: EnvParams,
    channel: Int[Array, " N"],
    *,
    seen: bool = False,
) -> SlotGame:
    """The game of the slot that is about to be played, for pairs on these channels.

    Args:
        state: before the slot.
        params: the environment's.
        channel: of each pair, 0..M-1 [N].
        seen: with the gains as the observation model reports them (late, inexact) of
            every link, whatever its scope, instead of the slot's true gains.

    The limits on power are those of the slot: who is not admitted to a channel or has
    an empty battery is held at 0.
    """
    if seen:
        told = report(state, params)
        links, cellular = told.links(channel), told.cellular()
        shared = told.shared(channel)
        billed = links.to_bs
    else:
        now = fader(state.world, state.slot, params)
        gains = state.world.gains
        links, cellular = gains_on(gains, now, channel), cellular_gains(gains, now)
        shared = shared_channel_gains(gains, now, channel)
        billed = links.to_bs
        if params.billing == "quoted":
            billed = quoted_gain(state, channel, params)
    low, high = power_limits(state, channel, params)
    return game_of_gains(links, cellular, shared, billed, channel, low, high, params)


def game_of_gains(
    links: LinkGains,
    cellular: Float[Array, " M"],
    shared: Float[Array, "N N"],
    billed: Float[Array, " N"],
    channel: Int[Array, " N"],
    min_power_w: Float[Array, " N"],
    max_power_w: Float[Array, " N"],
    params: EnvParams,
) -> SlotGame:
    """The game that these gains make.

    Args:
        links: of each pair on its channel [N].
        cellular: each cellular user to the base station [M].
        shared: from transmitter to receiver where both share a channel, else 0 [N, N].
        billed: gain that payments go by [N].
        channel: of each pair [N].
        min_power_w: [N].
        max_power_w: [N].
        params: the environment's, for its radio and price limits.
    """
    radio = params.radio
    noise = radio.noise_power_w
    heard = radio.cellular_power_w[channel] * links.from_cellular
    return SlotGame(
        channel=channel,
        cellular_snr=radio.cellular_power_w * cellular / noise,
        bs_gain=links.to_bs / noise,
        noise=(noise + heard) / links.own,
        coupling=shared.T / links.own[:, None],
        price_scale=radio.spend_scale / billed,
        follower_price_weight=radio.follower_price_weight,
        leader_revenue_weight=radio.leader_revenue_weight,
        spend_scale=radio.spend_scale,
        min_power_w=min_power_w,
        max_power_w=max_power_w,
        price_limits=params.price_limits,
    )


def power_limits(
    state: State, channel: Int[Array, " N"], params: EnvParams
) -> tuple[Float[Array, " N"], Float[Array, " N"]]:
    """Least and greatest power of each pair in this slot, W [N].

    0 and 0 for a pair that is not admitted to its channel or whose battery cannot last
    the slot at the least power.
    """
    radio, n = params.radio, params.num_pairs
    low = jnp.broadcast_to(radio.min_power_w, (n,))
    high = jnp.broadcast_to(radio.max_power_w, (n,))
    able = jnp.ones(n, dtype=bool)
    if params.max_pairs_per_channel is not None:
        able = admitted(
            channel, state.world.gains.d2d_to_bs, params.max_pairs_per_channel
        )
    if params.batteries is not None and state.energy_j is not None:
        lasting = dynamics.affordable_power_w(
            params.batteries, state.energy_j, params.slot_s
        )
        able &= (lasting > 0.0) & (lasting >= low)
        high = jnp.minimum(high, lasting)
    return (
        jnp.where(able, low, 0.0),
        jnp.where(able, high, 0.0),
    )


def unit_sinr_power_w(
    game: SlotGame, transmit_power_w: Float[Array, " N"]
) -> Float[Array, " N"]:
    """s_j = (N0 + I_j) / g_j, the power that gives an SINR of one, W [N]."""
    return game.noise + (game.coupling * transmit_power_w).sum(axis=-1)


def implied_price(
    game: SlotGame, transmit_power_w: Float[Array, " N"]
) -> Float[Array, " N"]:
    """The prices at which these powers are best responses, B / (gbar (p + s)) [N].

    From (25). At a power limit it is one such price: the largest at the greatest
    power, the least at the least power. Fixed price bounds are not applied.
    """
    s = unit_sinr_power_w(game, transmit_power_w)
    return game.price_scale / (transmit_power_w + s)


def paid_price(
    game: SlotGame,
    reuse_price: Float[Array, " N"],
    transmit_power_w: Float[Array, " N"],
) -> Float[Array, " N"]:
    """The price that the slot really charges when `reuse_price` is posted [N].

    Fixed bounds cut it. With `interference` bounds nobody pays more than the price at
    which it would want the least power.
    """
    if game.price_limits is not None:
        return jnp.clip(reuse_price, game.price_limits.min, game.price_limits.max)
    s = unit_sinr_power_w(game, transmit_power_w)
    return jnp.minimum(reuse_price, game.price_scale / (game.min_power_w + s))


def best_responses(
    game: SlotGame,
    reuse_price: Float[Array, " N"],
    transmit_power_w: Float[Array, " N"],
) -> Float[Array, " N"]:
    """Each follower's best power while the others keep theirs, (26), W [N].

    Args:
        game: the slot's.
        reuse_price: posted, > 0 [N].
        transmit_power_w: of the others [N].
    """
    s = unit_sinr_power_w(game, transmit_power_w)
    wanted = game.price_scale / _bounded(game, reuse_price) - s
    return jnp.clip(wanted, game.min_power_w, game.max_power_w)


def follower_response(
    game: SlotGame, reuse_price: Float[Array, " N"]
) -> Float[Array, " N"]:
    """The followers' Nash equilibrium at `reuse_price`, W [N].

    Piecewise linear in 1 / price. Its derivative is the implicit one, exact for the
    set of pairs found at a power limit, one-sided where a pair just reaches a limit;
    in everything: prices and all arrays of the game. Where several equilibria exist
    it is the one that pivoting meets from where pairs come to by answering at once from
    their least powers, or else the one that they reach by answering in turn.
    """
    return response(game, reuse_price)[0]


def response(
    game: SlotGame, reuse_price: Float[Array, " N"], *, thorough: bool = True
) -> tuple[Float[Array, " N"], Bool[Array, ""]]:
    """`follower_response`, and whether it is an equilibrium.

    Args:
        game: the slot's.
        reuse_price: posted, > 0 [N].
        thorough: with every pivot and a second search, so that False can happen only
            where I + F is no P-matrix. A batch waits for its last member: where some
            hundreds of slots are searched together nearly all of the time goes into
            the few that have no equilibrium to be found. Else `FEW_PIVOTS`, and False
            where they do not do.
    """
    price = _bounded(game, reuse_price)
    channel = ChannelArrays(
        cellular_snr=game.cellular_snr[0],
        bs_gain=game.bs_gain,
        noise=game.noise,
        coupling=game.coupling,
        price_scale=game.price_scale,
        follower_price_weight=game.follower_price_weight,
        leader_revenue_weight=game.leader_revenue_weight,
        spend_scale=game.spend_scale,
        min_power_w=game.min_power_w,
        max_power_w=game.max_power_w,
    )
    frozen, asked, arrays = jax.lax.stop_gradient((game, price, channel))
    pivots = PIVOTS + len(game.noise)
    at_once = _sides(frozen, _answered_at_once(frozen, asked))

    def attempt(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        _, found, count = carry
        first = count == 0
        in_turn = _sides(frozen, _answered_in_turn(frozen, asked, found | first))
        begin = jnp.where(first, at_once, in_turn)
        most = jnp.where(found, 0, pivots)
        return *limited_set(asked, arrays, most, begin), count + 1

    # Two attempts in one loop: pivoting takes long to compile.
    side, found, _ = jax.lax.while_loop(
        lambda carry: ~carry[1] & (carry[2] < 2),
        attempt,
        (at_once, jnp.asarray(False), jnp.int32(0)),
    )
    power = reaction_of_set(price, channel, side)
    power = jnp.clip(power, game.min_power_w, game.max_power_w)
    return power, found


def _sides(game: SlotGame, power: Array) -> Array:
    """Which pairs are at their least power, -1, at their greatest, 1, or free, 0."""
    upper = jnp.where(power >= game.max_power_w, 1, 0)
    return jnp.where(power <= game.min_power_w, -1, upper)


def _answered_at_once(game: SlotGame, price: Array) -> Array:
    """Powers near where all pairs' answers to each other settle, if they do.

    From the least powers answers are too high and too low by turns, and close in.
    """
    wanted = game.price_scale / price - game.noise

    def answer(_: Array, power: Array) -> Array:
        best = wanted - game.coupling @ power
        return jnp.clip(best, game.min_power_w, game.max_power_w)

    return jax.lax.fori_loop(0, ROUNDS, answer, game.min_power_w)


def _answered_in_turn(game: SlotGame, price: Array, needless: Array) -> Array:
    """Powers where pairs answer one after the other from their least powers."""
    wanted = game.price_scale / price - game.noise

    def answer(j: Array, power: Array) -> Array:
        best = wanted[j] - (game.coupling[j] * power).sum()
        return power.at[j].set(jnp.clip(best, game.min_power_w[j], game.max_power_w[j]))

    def turn(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        power, _, count = carry
        after = jax.lax.fori_loop(0, len(power), answer, power)
        eps = jnp.finfo(power.dtype).eps
        moved = (jnp.abs(after - power) > 4 * eps * game.max_power_w).any()
        return after, moved, count + 1

    return jax.lax.while_loop(
        lambda carry: carry[1] & (carry[2] < TURNS),
        turn,
        (game.min_power_w, ~needless, jnp.int32(0)),
    )[0]


def utilities(
    game: SlotGame,
    reuse_price: Float[Array, " N"],
    transmit_power_w: Float[Array, " N"],
) -> tuple[Float[Array, ""], Float[Array, " N"]]:
    """Leader's utility and each follower's, bit/s: what `step` gives in the slot.

    Args:
        game: the slot's.
        reuse_price: posted, > 0 [N].
        transmit_power_w: within the game's limits [N].
    """
    payment = paid_price(game, reuse_price, transmit_power_w) / game.price_scale
    spent = payment * transmit_power_w
    sinr = transmit_power_w / unit_sinr_power_w(game, transmit_power_w)
    nat_rate = game.follower_price_weight * game.spend_scale
    followers = nat_rate * (jnp.log1p(sinr) - spent)
    cellular = jnp.log1p(
        game.cellular_snr / heard_by_base_station(game, transmit_power_w)
    )
    leader = nat_rate * cellular.sum() + (
        game.leader_revenue_weight * game.spend_scale * spent.sum()
    )
    return leader, followers


def heard_by_base_station(
    game: SlotGame, transmit_power_w: Float[Array, " N"]
) -> Float[Array, " M"]:
    """J = 1 + interference / N0 on each channel [M]."""
    on = game.channel == jnp.arange(game.cellular_snr.shape[0])[:, None]
    received = game.bs_gain * transmit_power_w
    return 1.0 + jnp.where(on, received, 0.0).sum(axis=-1)


def _bounded(game: SlotGame, reuse_price: Array) -> Array:
    if game.price_limits is None:
        return reuse_price
    return jnp.clip(reuse_price, game.price_limits.min, game.price_limits.max)
