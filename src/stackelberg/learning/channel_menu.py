"""What every channel of a slot would be to each pair, the others being where they are.

The game of a slot is of given channels; who learns to choose must know the game of any.
Shape legend: M channels, N pairs.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from stackelberg.envs import EnvParams, State
from stackelberg.envs.links import (
    cross_gains_everywhere,
    gains_everywhere,
)
from stackelberg.envs.observation import report
from stackelberg.envs.slot_game import SlotGame
from stackelberg.envs.world import fader


class Menu(NamedTuple):
    """A slot's true gains on all channels, in the letters of `SlotGame`.

    Attributes:
        bs_gain: gain to the base station / N0, 1/W [M, N].
        noise: (N0 + cellular interference) / own gain, W [M, N].
        coupling: gain from transmitter k to receiver j over j's own gain, as [m, j, k];
            0 diagonal [M, N, N].
        price_scale: B / gain that payments go by [M, N].
        kept: share of its rate that a pair keeps when it changes channel [].
    """

    bs_gain: Float[Array, "M N"]
    noise: Float[Array, "M N"]
    coupling: Float[Array, "M N N"]
    price_scale: Float[Array, "M N"]
    kept: Float[Array, ""]


def channel_menu(state: State, params: EnvParams) -> Menu:
    """The menu of the slot that is about to be played.

    Args:
        state: before the slot.
        params: the environment's.
    """
    radio, now = params.radio, fader(state.world, state.slot, params)
    gains = state.world.gains
    links = gains_everywhere(gains, now)
    cross = cross_gains_everywhere(gains, now)
    billed = links.to_bs
    if params.billing == "quoted":
        billed = report(state, params).links(None).to_bs
    heard = radio.cellular_power_w[:, None] * links.from_cellular
    lost = 0.0 if params.switching_loss is None else params.switching_loss
    return Menu(
        bs_gain=links.to_bs / radio.noise_power_w,
        noise=(radio.noise_power_w + heard) / links.own,
        coupling=cross.swapaxes(1, 2) / links.own[:, :, None],
        price_scale=radio.spend_scale / billed,
        kept=jnp.asarray(1.0 - lost, params.dtype),
    )


def game_on(menu: Menu, game: SlotGame, channel: Int[Array, " N"]) -> SlotGame:
    """The slot's game for pairs on these channels.

    Args:
        menu: the slot's.
        game: of the same slot, on any channels.
        channel: of each pair [N].
    """
    pair = jnp.arange(len(channel))
    shared = channel[:, None] == channel[None, :]
    return game._replace(
        channel=channel,
        bs_gain=menu.bs_gain[channel, pair],
        noise=menu.noise[channel, pair],
        coupling=jnp.where(shared, menu.coupling[channel, pair], 0.0),
        price_scale=menu.price_scale[channel, pair],
    )


def unit_sinr_everywhere(
    menu: Menu, channel: Int[Array, " N"], transmit_power_w: Float[Array, " N"]
) -> Float[Array, "N M"]:
    """Each pair's s on each channel, others' channels and powers given, W [N, M].

    Args:
        menu: the slot's.
        channel: of each pair [N].
        transmit_power_w: of each pair [N].
    """
    on = channel == jnp.arange(menu.noise.shape[0])[:, None]
    sent = jnp.where(on, transmit_power_w, 0.0)
    return (menu.noise + jnp.einsum("mjk,mk->mj", menu.coupling, sent)).T


def utility_everywhere(
    menu: Menu,
    game: SlotGame,
    last: Int[Array, " N"],
    reuse_price: Float[Array, " N"],
    others_w: Float[Array, " N"],
    own_w: Float[Array, "N M"],
) -> Float[Array, "N M"]:
    """Each pair's utility, should it alone be on each channel, in units of W / ln 2.

    The others stay on the channels of `game` with their powers, and each pair's power
    has derivatives in its own utility alone.

    Args:
        menu: the slot's.
        game: as it was played.
        last: channels before the slot [N].
        reuse_price: in the units of the menu's price scale [N].
        others_w: powers that were used [N].
        own_w: of each pair on each channel [N, M].
    """
    noise = unit_sinr_everywhere(menu, game.channel, others_w)
    paid, scale = reuse_price[:, None], menu.price_scale.T
    if game.price_limits is None:
        paid = jnp.minimum(paid, scale / (game.min_power_w[:, None] + noise))
    stays = last[:, None] == jnp.arange(noise.shape[1])
    rate = jnp.log1p(own_w / noise)
    return rate * jnp.where(stays, 1.0, menu.kept) - paid / scale * own_w
