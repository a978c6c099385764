"""One slot of an environment as a `spectrum.Scenario`, for every solver there is; and
a scenario as an environment that stands still, for policies.
"""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from stackelberg.envs.gains import Gains, GainTrace
from stackelberg.envs.information import Information
from stackelberg.envs.links import (
    LinkGains,
    cellular_gains,
    cross_gains_everywhere,
    gains_everywhere,
)
from stackelberg.envs.make_params import make_params
from stackelberg.envs.params import EnvParams
from stackelberg.envs.state import State
from stackelberg.envs.world import fader
from stackelberg.spectrum.radio import RadioModel
from stackelberg.spectrum.scenario import (
    FixedPriceBounds,
    InterferencePriceBounds,
    Positions,
    Scenario,
)


def scenario_of(
    state: State, params: EnvParams, channel: npt.ArrayLike | None = None
) -> Scenario:
    """The cell as it is in the slot that is about to be played: the true gains.

    Queues, batteries, switching loss and price inertia have no place in a scenario;
    prices are billed on the true gain to the base station.

    Args:
        state: of one environment, not of a batch.
        params: the environment's.
        channel: of each pair [N]; None lets a solver assign.

    Raises:
        ShapeError, DomainError, ConfigError: if `channel` does not fit.
    """
    cellular, links, cross = _all_gains(state, params)
    radio = params.radio
    limits = params.price_limits
    return Scenario(
        bandwidth_hz=float(radio.bandwidth_hz),
        noise_power_w=float(radio.noise_power_w),
        follower_price_weight=float(radio.follower_price_weight),
        leader_revenue_weight=float(radio.leader_revenue_weight),
        min_power_w=float(radio.min_power_w),
        max_power_w=float(radio.max_power_w),
        channel=None if channel is None else np.asarray(channel, np.int64),
        cellular_power_w=_double(radio.cellular_power_w),
        gain_cellular_to_bs=_double(cellular),
        gain_d2d=_double(links.own),
        gain_d2d_to_bs=_double(links.to_bs),
        gain_cellular_to_d2d=_double(links.from_cellular),
        gain_d2d_to_d2d=_double(cross),
        price_bounds=InterferencePriceBounds()
        if limits is None
        else FixedPriceBounds(_double(limits.min), _double(limits.max)),
        positions_m=_positions(state),
    )


@jax.jit
def _all_gains(
    state: State, params: EnvParams
) -> tuple[jax.Array, LinkGains, jax.Array]:
    gains, now = state.world.gains, fader(state.world, state.slot, params)
    return (
        cellular_gains(gains, now),
        gains_everywhere(gains, now),
        cross_gains_everywhere(gains, now),
    )


def _positions(state: State) -> Positions | None:
    places = state.world.places
    if places is None:
        return None
    return Positions(
        base_station=np.zeros(2),
        cellular=_double(places.cellular),
        d2d_transmitter=_double(places.transmitter),
        d2d_receiver=_double(places.receiver),
    )


def _double(array: jax.Array) -> npt.NDArray[np.float64]:
    return np.asarray(array, np.float64)


def environment_of(scenario: Scenario, information: Information) -> EnvParams:
    """A scenario as an environment that stands still: its gains in every slot.

    Payments go by the true gain to the base station, which is also the quoted one.

    Args:
        scenario: the cell; its `channel` is not used.
        information: what agents see.

    Raises:
        InputError: the information is outside its domain.
    """
    given = Gains(
        cellular_to_bs=jnp.asarray(scenario.gain_cellular_to_bs)[None],
        d2d=jnp.asarray(scenario.gain_d2d)[None],
        d2d_to_bs=jnp.asarray(scenario.gain_d2d_to_bs)[None],
        cellular_to_d2d=jnp.asarray(scenario.gain_cellular_to_d2d)[None],
        d2d_to_d2d=jnp.asarray(scenario.gain_d2d_to_d2d)[None],
    )
    radio = RadioModel(
        bandwidth_hz=scenario.bandwidth_hz,
        follower_price_weight=scenario.follower_price_weight,
        leader_revenue_weight=scenario.leader_revenue_weight,
        price_bounds=scenario.price_bounds,
    )
    params = make_params(
        num_channels=scenario.num_channels,
        num_pairs=scenario.num_pairs,
        radio=radio,
        gains=GainTrace(given),
        fading=None,
        information=information,
        billing="quoted",
    )
    number = params.dtype.type
    exact = params.radio._replace(
        noise_power_w=jnp.asarray(number(scenario.noise_power_w)),
        cellular_power_w=jnp.asarray(scenario.cellular_power_w, params.dtype),
        min_power_w=jnp.asarray(number(scenario.min_power_w)),
        max_power_w=jnp.asarray(number(scenario.max_power_w)),
    )
    return replace(params, radio=exact)
