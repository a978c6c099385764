"""Random cells: where everybody stands, and the gains that follow from it.

Every concern (positions, shadowing, fading, ...) has a random stream of its own; see
`streams`. Hence:

- the same arguments give the same bits, on any number of threads;
- more pairs leave the cellular users and the first pairs as they were, positions and
  gains alike;
- more channels leave all positions and the fading of the first channels as they were.
  Shadowing between devices changes: new cellular users stand among the devices;
- switching fading or shadowing off leaves every other draw as it was.
"""

from __future__ import annotations

from typing import Literal, cast

import numpy as np
import numpy.typing as npt

from stackelberg.errors import ConfigError, DomainError, suggestion
from stackelberg.spectrum import propagation
from stackelberg.spectrum.radio import (
    INTERFERENCE,
    PathLoss,
    RadioModel,
    distance_range,
    number,
    whole_number,
)
from stackelberg.spectrum.scenario import (
    Floats,
    Ints,
    Positions,
    PriceBounds,
    Scenario,
    checked_positions,
)
from stackelberg.spectrum.streams import Concern, stream
from stackelberg.units import from_db, from_dbm

STANDARD_RADIO = RadioModel()
"""The standard setting: every default of `RadioModel`."""

Allocation = npt.ArrayLike | Literal["random"] | None


def generate(
    *,
    seed: int,
    num_channels: int = 25,
    num_pairs: int = 25,
    cell_radius_m: float = 500.0,
    d2d_distance_m: tuple[float, float] = (10.0, 50.0),
    channel: Allocation = None,
    bandwidth_hz: float = 180e3,
    noise_figure_db: float = 5.0,
    cellular_power_dbm: float = 23.0,
    min_power_dbm: float = 0.0,
    max_power_dbm: float = 23.0,
    min_power_w: float | None = None,
    follower_price_weight: float = 1.0,
    leader_revenue_weight: float = 1.0,
    price_bounds: PriceBounds = INTERFERENCE,
    path_loss: PathLoss = "simple",
    carrier_hz: float = 2e9,
    base_station_shadowing_std_db: float = 8.0,
    device_shadowing_std_db: float = 7.0,
    base_station_decorrelation_m: float = propagation.BASE_STATION_DECORRELATION_M,
    device_decorrelation_m: float = propagation.DEVICE_DECORRELATION_M,
    fading: bool = True,
) -> Scenario:
    """A random cell with the base station in its middle.

    Cellular users and D2D transmitters are uniform over the ring from 35 m (3GPP TR
    36.814, least distance to a macro site) to `cell_radius_m`; each receiver stands at
    a distance uniform in `d2d_distance_m` in a uniform direction, and may so stand a
    little outside the cell.

    Args:
        seed: a whole number >= 0; the same seed gives the same bits.
        num_channels: M, one cellular user each; 20 to 50 are usual, 25 typical.
        num_pairs: N; 5 to 50 are usual, 25 typical.
        cell_radius_m: 500 m is the macro cell of TR 36.814, case 1.
        d2d_distance_m: least and greatest distance within a pair; 10 to 50 m are usual.
        channel: channel of each pair [N], ``random`` (independent, uniform), or None:
            the solver assigns.
        bandwidth_hz: see `RadioModel`, as for all that follow.
        noise_figure_db: dB, of every receiver.
        cellular_power_dbm: dBm, of each cellular user.
        min_power_dbm: dBm, least power of a pair; the usual range is 0 to 23 dBm.
        max_power_dbm: dBm, greatest power of a pair.
        min_power_w: W, instead of `min_power_dbm` when given; may be 0.
        follower_price_weight: beta^f.
        leader_revenue_weight: beta^l.
        price_bounds: `InterferencePriceBounds()` or `FixedPriceBounds(min, max)`.
        path_loss: between devices, ``simple`` or ``los_nlos``.
        carrier_hz: used by ``los_nlos`` alone.
        base_station_shadowing_std_db: dB; 0 switches it off.
        device_shadowing_std_db: dB; 0 switches it off.
        base_station_decorrelation_m: of shadowing to the base station.
        device_decorrelation_m: of shadowing between devices.
        fading: Rayleigh fading, independent over channels; without it gains over pairs
            are flat over channels ([N], [N, N]), with it [M, N] and [M, N, N].

    Returns:
        The validated scenario, positions included.

    Raises:
        ConfigError: an argument is of the wrong kind.
        DomainError: a number is outside its domain.
        ShapeError: `channel` or the price bounds do not fit the number of pairs.
    """
    radio = RadioModel(
        bandwidth_hz=bandwidth_hz,
        noise_figure_db=noise_figure_db,
        cellular_power_dbm=cellular_power_dbm,
        min_power_dbm=min_power_dbm,
        max_power_dbm=max_power_dbm,
        min_power_w=min_power_w,
        follower_price_weight=follower_price_weight,
        leader_revenue_weight=leader_revenue_weight,
        price_bounds=price_bounds,
        path_loss=path_loss,
        carrier_hz=carrier_hz,
        base_station_shadowing_std_db=base_station_shadowing_std_db,
        device_shadowing_std_db=device_shadowing_std_db,
        base_station_decorrelation_m=base_station_decorrelation_m,
        device_decorrelation_m=device_decorrelation_m,
        fading=fading,
    )
    positions = random_positions(
        seed=seed,
        num_channels=num_channels,
        num_pairs=num_pairs,
        cell_radius_m=cell_radius_m,
        d2d_distance_m=d2d_distance_m,
    )
    return from_positions(positions, seed=seed, radio=radio, channel=channel)


def random_positions(
    *,
    seed: int,
    num_channels: int = 25,
    num_pairs: int = 25,
    cell_radius_m: float = 500.0,
    d2d_distance_m: tuple[float, float] = (10.0, 50.0),
) -> Positions:
    """Where everybody stands in a random cell; arguments and errors as `generate`."""
    seed = whole_number("seed", seed, least=0)
    num_channels = whole_number("num_channels", num_channels, least=1)
    num_pairs = whole_number("num_pairs", num_pairs, least=0)
    _refuse_too_large(num_channels, num_pairs)
    nearest = propagation.MIN_BASE_STATION_DISTANCE_M
    cell_radius_m = number("cell_radius_m", cell_radius_m, above=nearest)
    least, greatest = distance_range("d2d_distance_m", d2d_distance_m)
    cellular = stream(seed, Concern.CELLULAR_POSITION).random((num_channels, 2))
    pairs = stream(seed, Concern.PAIR_POSITION).random((num_pairs, 4))
    transmitter = _in_ring(pairs[:, :2], nearest, cell_radius_m)
    apart = least + (greatest - least) * pairs[:, 2]
    return Positions(
        base_station=np.zeros(2),
        cellular=_in_ring(cellular, nearest, cell_radius_m),
        d2d_transmitter=transmitter,
        d2d_receiver=transmitter + _polar(apart, 2.0 * np.pi * pairs[:, 3]),
    )


MOST_GAINS = 10**9
"""Gains in one cell at most: 8 GB, 1,000 pairs on 1,000 channels."""


def _refuse_too_large(num_channels: int, num_pairs: int) -> None:
    """Say that a cell is too large before memory runs out."""
    if num_channels * max(num_pairs, 1) ** 2 > MOST_GAINS:
        raise DomainError(
            "num_pairs",
            expected=f"at most {MOST_GAINS} gains between pairs over all channels",
            got=f"{num_pairs} pairs on {num_channels} channels",
        )


def from_positions(
    positions: Positions,
    *,
    seed: int,
    radio: RadioModel = STANDARD_RADIO,
    channel: Allocation = None,
) -> Scenario:
    """The cell that a radio model gives to users at known places.

    Shadowing and fading are drawn from `seed` by the streams described above. Every
    gain is one product, path loss times shadowing times fading, drawn once per link:
    `gain_d2d` is the diagonal of `gain_d2d_to_d2d`, and the gain that carries a
    signal is the gain that a game counts as interference.

    Path loss, line of sight and shadowing are reciprocal: the same from a to b and
    from b to a. Fading belongs to a channel and two antennas, so it is reciprocal too;
    a scenario holds each couple of antennas once, since transmitters do not receive.
    The links k -> j and j -> k of two pairs join four different antennas and differ.

    Args:
        positions: in m; M and N follow from it.
        seed: a whole number >= 0.
        radio: powers, noise, weights and propagation.
        channel: as for `generate`.

    Raises:
        ConfigError, DomainError, ShapeError: as for `generate`.
    """
    seed = whole_number("seed", seed, least=0)
    positions = checked_positions("positions", positions)
    num_channels = len(positions.cellular)
    to_bs = _gain_to_base_station(positions, seed, radio)
    between = _gain_between_devices(positions, seed, radio)
    cellular_to_bs, d2d_to_bs = to_bs[:num_channels], to_bs[num_channels:]
    cellular_to_d2d, d2d_to_d2d = between[:num_channels], between[num_channels:]
    if radio.fading:
        faded = _faded(seed, cellular_to_bs, d2d_to_bs, cellular_to_d2d, d2d_to_d2d)
        cellular_to_bs, d2d_to_bs, cellular_to_d2d, d2d_to_d2d = faded
    return Scenario(
        bandwidth_hz=radio.bandwidth_hz,
        noise_power_w=radio.noise_power_w,
        follower_price_weight=radio.follower_price_weight,
        leader_revenue_weight=radio.leader_revenue_weight,
        min_power_w=radio.least_power_w,
        max_power_w=radio.greatest_power_w,
        channel=cast("Ints | None", _allocation(channel, seed, positions)),
        cellular_power_w=np.full(num_channels, from_dbm(radio.cellular_power_dbm)),
        gain_cellular_to_bs=cellular_to_bs,
        gain_d2d=np.diagonal(d2d_to_d2d, axis1=-2, axis2=-1),
        gain_d2d_to_bs=d2d_to_bs,
        gain_cellular_to_d2d=cellular_to_d2d,
        gain_d2d_to_d2d=d2d_to_d2d,
        price_bounds=radio.price_bounds,
        positions_m=positions,
    )


def _in_ring(uniform: Floats, inner_m: float, outer_m: float) -> Floats:
    """Points uniform over a ring around the origin, from uniform numbers [n, 2]."""
    area = inner_m**2 + (outer_m**2 - inner_m**2) * uniform[:, 0]
    return _polar(np.sqrt(area), 2.0 * np.pi * uniform[:, 1])


def _polar(radius: Floats, angle: Floats) -> Floats:
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)


def _gain_to_base_station(positions: Positions, seed: int, radio: RadioModel) -> Floats:
    """Gain without fading of cellular users, then D2D transmitters [M + N]."""
    places = np.concatenate([positions.cellular, positions.d2d_transmitter])
    distance = propagation.distances_m(places, positions.base_station[None, :])[:, 0]
    loss_db = propagation.base_station_path_loss_db(distance)
    if radio.base_station_shadowing_std_db > 0.0:
        loss_db += radio.base_station_shadowing_std_db * (
            propagation.shadowing_to_base_station(
                stream(seed, Concern.BASE_STATION_SHADOWING),
                places,
                radio.base_station_decorrelation_m,
            )
        )
    return from_db(-loss_db)


def _gain_between_devices(positions: Positions, seed: int, radio: RadioModel) -> Floats:
    """Gain without fading to D2D receivers from cellular users, then transmitters.

    Rows M + N, columns N. Devices are ordered so that further pairs come last.
    """
    num_cellular = len(positions.cellular)
    ends = np.stack([positions.d2d_transmitter, positions.d2d_receiver], axis=1)
    places = np.concatenate([positions.cellular, ends.reshape(-1, 2)])
    receiver = np.arange(num_cellular + 1, len(places), 2)
    sender = np.concatenate([np.arange(num_cellular), receiver - 1])
    links = np.ix_(sender, receiver)
    distance = propagation.distances_m(places[sender], places[receiver])
    if radio.path_loss == "simple":
        loss_db = propagation.device_path_loss_db(distance)
    else:
        drawn = propagation.symmetric_uniform(
            stream(seed, Concern.LINE_OF_SIGHT), len(places)
        )[links]
        loss_db = np.where(
            drawn < propagation.line_of_sight_probability(distance),
            propagation.line_of_sight_path_loss_db(distance, radio.carrier_hz),
            propagation.obstructed_path_loss_db(distance, radio.carrier_hz),
        )
    if radio.device_shadowing_std_db > 0.0:
        loss_db += (
            radio.device_shadowing_std_db
            * (
                propagation.shadowing_between_devices(
                    stream(seed, Concern.DEVICE_SHADOWING),
                    places,
                    radio.device_decorrelation_m,
                )[links]
            )
        )
    return from_db(-loss_db)


def _faded(
    seed: int,
    cellular_to_bs: Floats,
    d2d_to_bs: Floats,
    cellular_to_d2d: Floats,
    d2d_to_d2d: Floats,
) -> tuple[Floats, Floats, Floats, Floats]:
    """The four kinds of gain with fading, those over pairs now per channel."""
    num_channels, num_pairs = cellular_to_d2d.shape
    own = propagation.rayleigh_power(
        stream(seed, Concern.CELLULAR_TO_BS_FADING), num_channels
    )
    per_channel = {
        concern: np.empty((num_channels, num_pairs))
        for concern in (Concern.D2D_TO_BS_FADING, Concern.CELLULAR_TO_D2D_FADING)
    }
    cross = np.empty((num_channels, num_pairs, num_pairs))
    for i in range(num_channels):
        for concern, fading in per_channel.items():
            random = stream(seed, concern, i)
            fading[i] = propagation.rayleigh_power(random, num_pairs)
        random = stream(seed, Concern.D2D_TO_D2D_FADING, i)
        cross[i] = propagation.rayleigh_power_matrix(random, num_pairs)
    return (
        cellular_to_bs * own,
        d2d_to_bs * per_channel[Concern.D2D_TO_BS_FADING],
        cellular_to_d2d * per_channel[Concern.CELLULAR_TO_D2D_FADING],
        d2d_to_d2d * cross,
    )


def _allocation(
    channel: Allocation, seed: int, positions: Positions
) -> npt.ArrayLike | None:
    if not isinstance(channel, str):
        return channel
    if channel != "random":
        raise ConfigError(
            "channel",
            expected="'random', channel numbers or None"
            + suggestion(channel, ("random",)),
            got=repr(channel),
        )
    uniform = stream(seed, Concern.CHANNEL).random(len(positions.d2d_receiver))
    return (uniform * len(positions.cellular)).astype(np.int64)
