"""The game that a leader conjectures when it hears the pairs but not their links.

A base station can measure what reaches it, and with its bills each pair reports its
s = (N0 + I) / g: there it assumes that s is what it may be expected to be, whatever the
other pairs do. Where nothing was reported, it assumes the geometric mean over the cell
for the pairs' own links, the cellular users at their receivers and the pairs among
themselves, the same for everybody.

Shape legend: M channels, N pairs.
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from stackelberg.envs.bills import expected_noise_w, read_bills
from stackelberg.envs.fading import Fading
from stackelberg.envs.links import LinkGains
from stackelberg.envs.observation import LeaderObservation
from stackelberg.envs.params import EnvParams
from stackelberg.envs.slot_game import SlotGame, game_of_gains
from stackelberg.spectrum import propagation as law

BETWEEN_STRANGERS = float(np.exp(-0.25))
"""exp E ln d of two uniform points of a disc, in radii of the disc."""

FADING = float(np.exp(-np.euler_gamma))
"""exp E ln of a unit exponential: the geometric mean of Rayleigh fading power."""


class Typical(NamedTuple):
    """Geometric means of the gains that a base station does not see, fading included.

    Attributes:
        own: of a pair's own link.
        cross: from a device to a stranger's receiver.
    """

    own: Float[Array, ""]
    cross: Float[Array, ""]


def typical_gains(params: EnvParams) -> Typical:
    """What the gains between devices are in the geometric mean.

    From the law of path loss at the mean logarithm of the distance (shadowing is 0 dB
    in the mean). For recorded gains: the geometric mean of the record.
    """
    fading = _fading(params.fading)
    if params.gains is not None:
        recorded = params.gains.gains
        cross = recorded.d2d_to_d2d
        strangers = jnp.where(cross > 0.0, jnp.log(jnp.where(cross > 0, cross, 1.0)), 0)
        count = jnp.maximum((cross > 0.0).sum(), 1)
        return Typical(
            own=fading * jnp.exp(jnp.log(recorded.d2d).mean()),
            cross=fading * jnp.exp(strangers.sum() / count),
        )
    near, far = params.area.d2d_distance_m[0], params.area.d2d_distance_m[1]
    wide = jnp.maximum(far - near, 1e-3 * far)
    spread = (far * jnp.log(far) - near * jnp.log(near)) / wide - 1.0
    strangers_m = BETWEEN_STRANGERS * params.area.cell_radius_m
    apart = jnp.where(far - near > 1e-3 * far, jnp.exp(spread), far)
    return Typical(
        own=fading * _device_gain(apart, params),
        cross=fading * _device_gain(strangers_m, params),
    )


def conjectured_game(observation: LeaderObservation, params: EnvParams) -> SlotGame:
    """The slot's game as the leader imagines it, pairs on their last channels.

    Known: the gains to the base station, as observed; channels used last; each s that
    was reported. Assumed: `bills.expected_noise_w` for those, which no power changes,
    and `typical_gains` for every other link. Power limits are those of the radio: it
    does not know batteries.
    """
    channel = observation.channel
    n = params.num_pairs
    to_bs = observation.d2d_to_bs
    if to_bs.ndim == 2:
        to_bs = to_bs[channel, jnp.arange(n)]
    usual = typical_gains(params)
    partners = (channel[:, None] == channel[None, :]) & ~np.eye(n, dtype=bool)
    ones = jnp.ones(n, params.dtype)
    game = game_of_gains(
        LinkGains(usual.own * ones, to_bs, usual.cross * ones),
        observation.cellular_to_bs,
        jnp.where(partners, usual.cross, 0.0).astype(params.dtype),
        to_bs,
        channel,
        params.radio.min_power_w * ones,
        params.radio.max_power_w * ones,
        params,
    )
    if observation.highest_price is None:
        return game
    bills = read_bills(observation, params)
    expected = expected_noise_w(observation, bills, params)
    return game._replace(
        noise=jnp.where(bills.any, expected, game.noise),
        coupling=jnp.where(bills.any.all(), 0.0, game.coupling),
    )


def _fading(fading: Fading) -> float:
    return 1.0 if fading is None else FADING


def _device_gain(distance_m: Array, params: EnvParams) -> Array:
    metres = cast("Any", distance_m)
    model = params.propagation
    if model.path_loss == "simple":
        loss_db = law.device_path_loss_db(metres)
    else:
        sight = law.line_of_sight_probability(metres)
        loss_db = sight * law.line_of_sight_path_loss_db(metres, model.carrier_hz) + (
            1.0 - sight
        ) * law.obstructed_path_loss_db(metres, model.carrier_hz)
    return jnp.exp(cast("Array", loss_db) * (-float(np.log(10.0)) / 10.0))
