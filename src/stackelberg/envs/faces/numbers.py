"""The environment's records as flat vectors in units that learners can use.

Gains become dB, powers dBm, prices natural logarithms, waiting data packets, energy a
share of the battery. Everything is finite and within stated bounds. Pure JAX, without
the libraries that the faces belong to. Shape legend: M channels, N pairs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from stackelberg.envs.observation import (
    Everything,
    FollowerObservation,
    LeaderObservation,
)
from stackelberg.envs.params import EnvParams
from stackelberg.spectrum import propagation as law
from stackelberg.spectrum.propagation import MIN_BASE_STATION_DISTANCE_M
from stackelberg.units import to_dbm

Prices = Literal["absolute", "relative"]

GAIN_DB = (-200.0, 0.0)
"""Observed gains are cut to this range."""

MOST_DBM = 60.0
"""Observed powers are cut to this."""

BELOW_NOISE_DB = 20.0
"""What is so far below the noise is shown at this level."""

SILENT_DB = 10.0
"""A pair that was silent is shown so far below the least power."""

LEAST_SHARE = 1e-6
"""Of the greatest power: the least power of an action where the limit is 0 W."""

_RELATIVE_MARGIN = 2.0
_STRAY = 3.0
"""Standard deviations of shadowing that the price bounds allow for."""


@dataclass(frozen=True)
class Scale:
    """Bounds of what is acted and observed; numbers only, so that `jit` can keep it.

    Attributes:
        log_price: natural logarithms of the least and greatest absolute price.
        relative_log_price: the same of a relative price.
        power_dbm: least and greatest transmit power of an action.
        floor_dbm: where observed interference begins.
        prices: how the leader's action is read.
    """

    log_price: tuple[float, float]
    relative_log_price: tuple[float, float]
    power_dbm: tuple[float, float]
    floor_dbm: float
    prices: Prices

    @property
    def acted_log_price(self) -> tuple[float, float]:
        """Least and greatest entry of the leader's action."""
        absolute = self.prices == "absolute"
        return self.log_price if absolute else self.relative_log_price


def scale_of(params: EnvParams, prices: Prices) -> Scale:
    """The bounds that follow from an environment's settings.

    A relative price a stands for the price exp(a) B / gain, where gain is the pair's
    gain to the base station as the leader sees it: a pair alone then wants the power
    exp(-a) less what noise costs it. An absolute one is exp(a). Without fixed bounds
    absolute prices reach from what makes the loudest pair want its greatest power to
    what makes the quietest want its least, over the cell and 3 standard deviations of
    shadowing.
    """
    least, greatest = _power_range(params)
    if params.price_limits is not None:
        low = float(np.min(params.price_limits.min))
        high = float(np.max(params.price_limits.max))
    else:
        spend = float(params.radio.spend_scale)
        quiet, loud = _gain_range(params)
        low, high = spend / (2.0 * loud * greatest), spend / (quiet * least)
    return Scale(
        log_price=(math.log(low), math.log(high)),
        relative_log_price=(
            -math.log(greatest) - _RELATIVE_MARGIN,
            -math.log(least) + _RELATIVE_MARGIN,
        ),
        power_dbm=(float(to_dbm(least)), float(to_dbm(greatest))),
        floor_dbm=float(to_dbm(float(params.radio.noise_power_w))) - BELOW_NOISE_DB,
        prices=prices,
    )


def _power_range(params: EnvParams) -> tuple[float, float]:
    greatest = float(params.radio.max_power_w)
    return max(float(params.radio.min_power_w), LEAST_SHARE * greatest), greatest


def _gain_range(params: EnvParams) -> tuple[float, float]:
    """The least and greatest gain of a pair to the base station, without fading."""
    if params.gains is not None:
        recorded = np.asarray(params.gains.gains.d2d_to_bs, np.float64)
        return float(recorded.min()), float(recorded.max())
    radius = float(params.area.cell_radius_m)
    far = np.array([MIN_BASE_STATION_DISTANCE_M, radius])
    loss_db = law.base_station_path_loss_db(far)
    stray = _STRAY * float(params.propagation.base_station_shadowing_std_db)
    near_db, far_db = (float(loss) for loss in loss_db)
    return 10.0 ** (-(far_db + stray) / 10.0), 10.0 ** (-(near_db - stray) / 10.0)


def price_of_action(
    action: Float[Array, "rows N"],
    seen: LeaderObservation,
    params: EnvParams,
    scale: Scale,
) -> Float[Array, "*price"]:
    """The price that the leader's action posts [N] or [M, N].

    Args:
        action: [1, N], or [M, N] with prices per channel; cut to its bounds.
        seen: what the leader sees.
        params: the environment's.
        scale: of `scale_of`.
    """
    low, high = scale.acted_log_price
    price = jnp.exp(jnp.clip(action.astype(params.dtype), low, high))
    if scale.prices == "relative":
        gain = seen.d2d_to_bs
        if not params.price_per_channel:
            gain = gain if gain.ndim == 1 else gain.mean(axis=0)
        price = price * params.radio.spend_scale / gain
    return price if params.price_per_channel else price[0]


def power_of_action(
    power_dbm: Float[Array, "*pairs"], params: EnvParams, scale: Scale
) -> Float[Array, "*pairs"]:
    """The transmit power that an action in dBm asks for, W.

    The least action is the least power, which may be 0 W.
    """
    low, high = scale.power_dbm
    dbm = jnp.clip(power_dbm.astype(params.dtype), low, high)
    watt = jnp.exp((dbm - 30.0) * (math.log(10.0) / 10.0))
    return jnp.where(dbm <= low, params.radio.min_power_w, watt)


def leader_parts(
    seen: LeaderObservation, params: EnvParams, scale: Scale
) -> dict[str, Array]:
    """What the leader sees, by name, in the order of the flat vector."""
    parts = {
        "cellular_to_bs_db": _gain_db(seen.cellular_to_bs),
        "d2d_to_bs_db": _gain_db(seen.d2d_to_bs),
        "channel": seen.channel,
        "log_reuse_price": _log_price(seen.reuse_price, scale),
        "cellular_interference_dbm": _heard_dbm(seen.cellular_interference_w, scale),
        "payment_share": _share_of_spend(seen.payment, params),
        "quoted_db": _gain_db(seen.quoted_gain),
    }
    if seen.highest_price is not None:
        parts["log_highest_price"] = _log_price(seen.highest_price, scale)
    if seen.usual is not None:
        parts["usual_cellular_to_bs_db"] = _gain_db(seen.usual.cellular_to_bs)
        parts["usual_quoted_db"] = _gain_db(seen.usual.quoted_gain)
        if seen.usual.unit_sinr_power_w is not None:
            noise = seen.usual.unit_sinr_power_w
            parts["usual_noise_over_gain_db"] = _gain_db(noise)
    return parts | _everything_parts(seen.everything, params, scale)


def follower_parts(
    seen: FollowerObservation, params: EnvParams, scale: Scale
) -> dict[str, Array]:
    """What each pair sees, by name; the first axis is the pair."""
    parts = {
        "own_db": _gain_db(seen.own),
        "to_bs_db": _gain_db(seen.to_bs),
        "heard_cellular_dbm": _heard_dbm(seen.heard_cellular_w, scale),
        "log_reuse_price": _log_price(seen.reuse_price, scale),
        "channel": seen.channel,
        "transmit_power_dbm": _sent_dbm(seen.transmit_power_w, scale),
        "interference_dbm": _heard_dbm(seen.interference_w, scale),
    }
    if seen.backlog_bits is not None and params.queues is not None:
        parts["backlog_packets"] = seen.backlog_bits / params.queues.packet_bits
    if seen.energy_j is not None and params.batteries is not None:
        parts["energy_share"] = seen.energy_j / params.batteries.capacity_j
    if seen.usual is not None:
        parts["usual_own_db"] = _gain_db(seen.usual.own)
        parts["usual_to_bs_db"] = _gain_db(seen.usual.to_bs)
        parts["usual_noise_over_gain_db"] = _gain_db(seen.usual.unit_sinr_power_w)
    same = _everything_parts(seen.everything, params, scale)
    everywhere = {
        name: jnp.broadcast_to(part, (params.num_pairs, *part.shape))
        for name, part in same.items()
    }
    return parts | everywhere


def _everything_parts(
    seen: Everything | None, params: EnvParams, scale: Scale
) -> dict[str, Array]:
    if seen is None:
        return {}
    parts = {
        "all_cellular_to_bs_db": _gain_db(seen.cellular_to_bs),
        "all_d2d_db": _gain_db(seen.d2d),
        "all_d2d_to_bs_db": _gain_db(seen.d2d_to_bs),
        "all_cellular_to_d2d_db": _gain_db(seen.cellular_to_d2d),
        "all_d2d_to_d2d_db": _gain_db(seen.d2d_to_d2d),
        "all_channel": seen.channel,
        "all_transmit_power_dbm": _sent_dbm(seen.transmit_power_w, scale),
    }
    if seen.backlog_bits is not None and params.queues is not None:
        parts["all_backlog_packets"] = seen.backlog_bits / params.queues.packet_bits
    if seen.energy_j is not None and params.batteries is not None:
        parts["all_energy_share"] = seen.energy_j / params.batteries.capacity_j
    return parts


def leader_vector(
    seen: LeaderObservation, params: EnvParams, scale: Scale
) -> Float[Array, " length"]:
    """What the leader sees as one float32 vector."""
    parts = leader_parts(seen, params, scale).values()
    return jnp.concatenate([part.ravel().astype(jnp.float32) for part in parts])


def follower_vectors(
    seen: FollowerObservation, params: EnvParams, scale: Scale
) -> Float[Array, "N length"]:
    """What each pair sees as one float32 vector per pair."""
    parts = follower_parts(seen, params, scale).values()
    rows = [part.reshape(params.num_pairs, -1).astype(jnp.float32) for part in parts]
    return jnp.concatenate(rows, axis=1)


def bounds_of(name: str, params: EnvParams, scale: Scale) -> tuple[float, float]:
    """Least and greatest value of an observed part."""
    kind = name.rpartition("_")[2]
    if "price" in name:
        return scale.log_price
    if "transmit_power" in name:
        return scale.power_dbm[0] - SILENT_DB, scale.power_dbm[1]
    if kind == "channel":
        return 0.0, float(max(params.num_channels - 1, 1))
    if kind == "dbm":
        return scale.floor_dbm, MOST_DBM
    return GAIN_DB if kind == "db" else (0.0, 1.0)


def names_of(parts: dict[str, Any], first_axis: int = 0) -> list[str]:
    """A name for every entry of the flat vector, e.g. ``own_db[2]``.

    Args:
        parts: arrays or their shapes, by name.
        first_axis: axes before it are not part of the vector.
    """
    return [
        name + "".join(f"[{k}]" for k in index)
        for name, part in parts.items()
        for index in np.ndindex(*part.shape[first_axis:])
    ]


def shapes(function: Any, *arguments: Any) -> Any:
    """What `function` returns, as shapes, without computing it."""
    return jax.eval_shape(function, *arguments)


def _db(power: Array) -> Array:
    return jnp.log(power) * (10.0 / math.log(10.0))


def _gain_db(gain: Array) -> Array:
    least, most = GAIN_DB
    return jnp.clip(_db(jnp.maximum(gain, 1e-30)), least, most)


def _heard_dbm(power_w: Array, scale: Scale) -> Array:
    least = 10.0 ** ((scale.floor_dbm - 30.0) / 10.0)
    dbm = _db(jnp.maximum(power_w, least)) + 30.0
    return jnp.clip(dbm, scale.floor_dbm, MOST_DBM)


def _share_of_spend(payment: Array, params: EnvParams) -> Array:
    """Of B, which a pair at its best answer never quite pays; cut to 1."""
    return jnp.minimum(payment / params.radio.spend_scale, 1.0)


def _sent_dbm(power_w: Array, scale: Scale) -> Array:
    low, high = scale.power_dbm
    least = 10.0 ** ((low - SILENT_DB - 30.0) / 10.0)
    return jnp.clip(_db(jnp.maximum(power_w, least)) + 30.0, low - SILENT_DB, high)


def _log_price(price: Array, scale: Scale) -> Array:
    """Cut to the bounds; before the first slot there is no price: the lower one."""
    low, high = scale.log_price
    return jnp.clip(jnp.log(jnp.maximum(price, math.exp(low))), low, high)
