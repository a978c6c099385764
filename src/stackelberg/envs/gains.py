"""Gains without fading: path loss and shadowing of every link between two frames.

The same law, shadowing and fading give the gain of a link whether it carries a signal
or interference. Shape legend: M channels, N pairs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt32

from stackelberg.envs.hashing import Stream, hash_key, random_bits, uniform
from stackelberg.envs.mobility import Places
from stackelberg.envs.shadowing import base_station_shadowing, device_shadowing
from stackelberg.spectrum import propagation as law
from stackelberg.spectrum.radio import PathLoss

Scalar = Float[Array, ""]


class Gains(NamedTuple):
    """Linear power gains, flat over channels where an array has no channel axis.

    Attributes:
        cellular_to_bs: [M].
        d2d: each pair's own link [N] or [M, N].
        d2d_to_bs: [N] or [M, N].
        cellular_to_d2d: [M, N].
        d2d_to_d2d: from transmitter, to receiver [N, N] or [M, N, N]; the diagonal is
            0: a sum over it is a sum over the others.
    """

    cellular_to_bs: Float[Array, "*batch M"]
    d2d: Float[Array, "*batch N"]
    d2d_to_bs: Float[Array, "*batch N"]
    cellular_to_d2d: Float[Array, "*batch M N"]
    d2d_to_d2d: Float[Array, "*batch N N"]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class GainTrace:
    """Given gains, frame by frame; the last frame stays.

    Attributes:
        gains: each array with a leading axis over frames.
    """

    gains: Gains

    def at(self, frame: Int[Array, ""]) -> Gains:
        """The gains of a frame; the first before the first, the last after the last."""
        last = self.gains.cellular_to_bs.shape[0] - 1
        chosen = jnp.clip(frame, 0, last)
        return jax.tree.map(lambda recorded: recorded[chosen], self.gains)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Propagation:
    """Path loss and shadowing; see `spectrum.RadioModel`.

    Attributes:
        base_station_shadowing_std_db: dB.
        device_shadowing_std_db: dB.
        base_station_decorrelation_m: m.
        device_decorrelation_m: m.
        path_loss: between devices.
        carrier_hz: used by ``los_nlos`` alone.
        shadowing_waves: of each random field.
    """

    base_station_shadowing_std_db: Scalar
    device_shadowing_std_db: Scalar
    base_station_decorrelation_m: Scalar
    device_decorrelation_m: Scalar
    path_loss: PathLoss = field(default="simple", metadata={"static": True})
    carrier_hz: float = field(default=2e9, metadata={"static": True})
    shadowing_waves: int = field(default=32, metadata={"static": True})


def gains_between(
    places: Places, seed: UInt32[Array, "2"], model: Propagation
) -> Gains:
    """The gains that path loss and shadowing give to users at `places`."""
    # The barrier keeps the compiler from drawing a place again for every link.
    places = jax.lax.optimization_barrier(places)
    num_pairs = places.receiver.shape[0]
    num_channels = places.walker.shape[0] - num_pairs
    to_bs = _to_base_station(places, seed, model)
    to_device = _to_devices(places, seed, model)
    pairs = to_device[num_channels:]
    itself = jnp.eye(num_pairs, dtype=bool)
    return Gains(
        cellular_to_bs=to_bs[:num_channels],
        d2d=jnp.diagonal(pairs),
        d2d_to_bs=to_bs[num_channels:],
        cellular_to_d2d=to_device[:num_channels],
        d2d_to_d2d=jnp.where(itself, 0.0, pairs),
    )


def _to_base_station(
    places: Places, seed: Array, model: Propagation
) -> Float[Array, " W"]:
    distance = jnp.hypot(places.walker[:, 0], places.walker[:, 1])
    loss_db = cast("Array", law.base_station_path_loss_db(cast("Any", distance)))
    shadowing = base_station_shadowing(
        seed, places.walker, model.base_station_decorrelation_m, model.shadowing_waves
    )
    return _from_db(-loss_db - model.base_station_shadowing_std_db * shadowing)


def _to_devices(places: Places, seed: Array, model: Propagation) -> Float[Array, "W N"]:
    apart = places.walker[:, None] - places.receiver[None]
    distance = jnp.hypot(apart[..., 0], apart[..., 1])
    loss_db = _device_path_loss_db(distance, seed, model)
    shadowing = device_shadowing(
        seed,
        places.walker,
        places.receiver,
        model.device_decorrelation_m,
        model.shadowing_waves,
    )
    return _from_db(-loss_db - model.device_shadowing_std_db * shadowing)


def _device_path_loss_db(
    distance: Float[Array, "W N"], seed: Array, model: Propagation
) -> Float[Array, "W N"]:
    metres = cast("Any", distance)  # the laws take any array library
    if model.path_loss == "simple":
        return cast("Array", law.device_path_loss_db(metres))
    # One number per link for the whole episode: sight changes only as users move.
    link = jnp.arange(distance.size, dtype=jnp.uint32).reshape(distance.shape)
    bits = random_bits(hash_key(seed, Stream.LINE_OF_SIGHT), link)
    drawn = uniform(bits, distance.dtype)
    return jnp.where(
        drawn < cast("Array", law.line_of_sight_probability(metres)),
        cast("Array", law.line_of_sight_path_loss_db(metres, model.carrier_hz)),
        cast("Array", law.obstructed_path_loss_db(metres, model.carrier_hz)),
    )


def _from_db(ratio_db: Array) -> Array:
    return jnp.exp(ratio_db * (jnp.log(jnp.asarray(10.0, ratio_db.dtype)) / 10.0))
