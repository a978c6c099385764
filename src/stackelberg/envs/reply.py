"""What rational followers and a leader who knows every gain do in a slot.

Pure JAX and cheap enough to stand inside an environment's step. Shape legend: M
channels, N pairs.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from stackelberg.envs.environment import charged_price
from stackelberg.envs.links import LinkGains, cellular_gains, gains_everywhere
from stackelberg.envs.outcome import rate_bps
from stackelberg.envs.params import EnvParams
from stackelberg.envs.slot_game import follower_response, slot_game
from stackelberg.envs.state import State
from stackelberg.envs.world import fader

_POWERS = 48
"""Powers that the leader's rule tries, evenly spaced in dB."""


def equilibrium_reply(
    state: State, reuse_price: Float[Array, "*price"], params: EnvParams
) -> tuple[Int[Array, " N"], Float[Array, " N"]]:
    """Channels and powers of the pairs at the posted price.

    Each pair takes the channel that would serve it best were it the only pair; on these
    channels the powers are `slot_game.follower_response`, within what admission and
    batteries allow. All gains of the slot are known. Queues and switching loss are not
    looked at.

    Args:
        state: before the slot.
        reuse_price: posted [N] or [M, N].
        params: the environment's.
    """
    charged = charged_price(state, reuse_price, params)
    links, unit = _alone(state, params)
    channel = _best_channel(charged, links, unit, params)
    pair = jnp.arange(params.num_pairs)
    price = charged[channel, pair] if params.price_per_channel else charged
    game = slot_game(state, params, channel)
    return channel, follower_response(game, price)


def price_alone(state: State, params: EnvParams) -> Float[Array, "*price"]:
    """The leader's best price for each pair as if no other pair shared its channel.

    Proposition 2 by search over the powers that prices induce: U(p) = (W / ln 2)
    ln(1 + A / (N0 + gbar p)) + beta^l B p / (p + s), price B / (gbar (p + s)), with
    s = (I + N0) / g of the pair alone. All gains of the slot are known.

    Args:
        state: before the slot.
        params: the environment's.

    Returns:
        Prices [M, N] with `price_per_channel`, else those for the channel on which the
        pair hears the least for its own gain [N].
    """
    links, unit = _alone(state, params)
    radio, gain = params.radio, links.to_bs
    cellular = cellular_gains(state.world.gains, fader(state.world, state.slot, params))
    received = jnp.broadcast_to(
        (radio.cellular_power_w * cellular)[:, None], unit.shape
    )
    if not params.price_per_channel:
        quietest = unit.argmin(axis=0)[None]
        gain, unit, received = (
            jnp.take_along_axis(part, quietest, axis=0)[0]
            for part in (gain, unit, received)
        )
    least = jnp.maximum(radio.min_power_w, 1e-6 * radio.max_power_w)
    step = jnp.arange(_POWERS, dtype=params.dtype) / (_POWERS - 1)
    step = step.reshape(-1, *(1,) * unit.ndim)
    power = least * (radio.max_power_w / least) ** step
    heard = radio.noise_power_w + gain * power
    rate = rate_bps(radio.bandwidth_hz, received / heard)
    share = power / (power + unit)
    utility = rate + radio.leader_revenue_weight * radio.spend_scale * share
    best = power.ravel()[utility.argmax(axis=0)]
    return radio.spend_scale / (gain * (best + unit))


def _alone(state: State, params: EnvParams) -> tuple[LinkGains, Float[Array, "M N"]]:
    """Every link of the slot, and the power of SINR 1 were a pair the only one."""
    links = gains_everywhere(state.world.gains, fader(state.world, state.slot, params))
    radio = params.radio
    heard = radio.cellular_power_w[:, None] * links.from_cellular
    return links, (heard + radio.noise_power_w) / links.own


def _best_channel(
    price: Array, links: LinkGains, unit: Array, params: EnvParams
) -> Int[Array, " N"]:
    radio = params.radio
    wish = radio.spend_scale / (price * links.to_bs) - unit
    power = jnp.clip(wish, radio.min_power_w, radio.max_power_w)
    rate = rate_bps(radio.bandwidth_hz, power / unit)
    paid = radio.follower_price_weight * price * power * links.to_bs
    if params.price_limits is None:
        most = radio.spend_scale / (radio.min_power_w + unit)
        cut = radio.follower_price_weight * most * power
        paid = jnp.minimum(paid, cut)
    return (rate - paid).argmax(axis=0).astype(jnp.int32)
