"""Where users stand and how they move.

Cellular users and D2D transmitters walk; a receiver keeps its place relative to its
transmitter, so that a pair stays a pair (reference point group mobility with one
member, Hong et al. 1999). Everybody stays on the ring between the least distance to the
base station and the cell's edge. The base station is the origin.

Places change once per frame, a fixed number of slots, not in every slot: within a tenth
of a second nobody gets far. Shape legend: M cellular users, N pairs, W = M + N walkers,
T frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt32

from stackelberg.envs.hashing import Stream, hash_key, normal, random_bits, uniform
from stackelberg.envs.turns import cos_turns, sin_turns
from stackelberg.spectrum.propagation import MIN_BASE_STATION_DISTANCE_M

Scalar = Float[Array, ""]


class Places(NamedTuple):
    """Where everybody stands, m.

    Attributes:
        walker: cellular users, then D2D transmitters [W, 2].
        receiver: [N, 2].
    """

    walker: Float[Array, "*batch W 2"]
    receiver: Float[Array, "*batch N 2"]

    @property
    def cellular(self) -> Float[Array, "*batch M 2"]:
        """Cellular users [M, 2]."""
        return self.walker[..., : -self.receiver.shape[-2], :]

    @property
    def transmitter(self) -> Float[Array, "*batch N 2"]:
        """D2D transmitters [N, 2]."""
        return self.walker[..., -self.receiver.shape[-2] :, :]


class Motion(NamedTuple):
    """What a walker does until told otherwise.

    Attributes:
        heading: the next waypoint, m (random waypoint), or velocity, m/s (Gauss-Markov)
            [W, 2].
        speed: m/s, of the walk to the waypoint [W].
    """

    heading: Float[Array, "W 2"]
    speed: Float[Array, " W"]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class RandomWaypoint:
    """Walk straight to a random place at a random speed, then to the next.

    The least speed is above 0, since walkers would otherwise come to a stop over time
    (Yoon, Liu and Noble 2003). After some time users are denser in the middle of the
    cell than at the start.

    Attributes:
        min_speed_m_per_s: > 0.
        max_speed_m_per_s: 1.5 m/s is a brisk walk.
    """

    min_speed_m_per_s: Scalar | float = 0.5
    max_speed_m_per_s: Scalar | float = 1.5


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class GaussMarkov:
    """A velocity that forgets slowly (Liang and Haas 1999), turned back at the edges.

    Each component is a normal first-order process of standard deviation
    `speed_m_per_s` and correlation exp(-t / memory_s).

    Attributes:
        speed_m_per_s: >= 0; the mean speed is 1.25 times this.
        memory_s: > 0.
    """

    speed_m_per_s: Scalar | float = 1.0
    memory_s: Scalar | float = 10.0


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class PlaceTrace:
    """Given places, frame by frame; the last frame stays.

    Attributes:
        places: [T, W, 2] and [T, N, 2].
    """

    places: Places


Mobility = RandomWaypoint | GaussMarkov | PlaceTrace | None
"""None: nobody moves."""


class Area(NamedTuple):
    """Where users may stand.

    Attributes:
        cell_radius_m: edge of the cell.
        d2d_distance_m: least and greatest distance within a pair [2].
    """

    cell_radius_m: Scalar
    d2d_distance_m: Float[Array, "2"]


def first_places(
    seed: UInt32[Array, "2"], area: Area, num_channels: int, num_pairs: int
) -> Places:
    """Where everybody stands at first: the same law as `spectrum.generate`."""
    dtype = area.cell_radius_m.dtype
    cellular = _uniform(seed, Stream.CELLULAR_PLACE, 0, num_channels, 2, dtype)
    pair = _uniform(seed, Stream.PAIR_PLACE, 0, num_pairs, 4, dtype)
    walker = _on_ring(jnp.concatenate([cellular, pair[:, :2]]), area)
    least, greatest = area.d2d_distance_m[0], area.d2d_distance_m[1]
    apart = least + (greatest - least) * pair[:, 2]
    offset = _polar(apart, pair[:, 3])
    return Places(walker, walker[num_channels:] + offset)


def first_motion(
    mobility: Mobility,
    seed: UInt32[Array, "2"],
    area: Area,
    num_channels: int,
    num_pairs: int,
) -> Motion | None:
    """What the walkers do at first; None where they need no memory."""
    count = (num_channels, num_pairs)
    if isinstance(mobility, RandomWaypoint):
        return _new_leg(mobility, seed, jnp.int32(0), area, *count)
    if isinstance(mobility, GaussMarkov):
        dtype = area.cell_radius_m.dtype
        drawn = _normal(seed, jnp.int32(0), *count, dtype)
        return Motion(mobility.speed_m_per_s * drawn, jnp.zeros(len(drawn), dtype))
    return None


def moved(
    mobility: Mobility,
    places: Places,
    motion: Motion | None,
    seed: UInt32[Array, "2"],
    frame: Int[Array, ""],
    frame_s: Scalar,
    area: Area,
) -> tuple[Places, Motion | None]:
    """Places and motion in `frame`, from those of the frame before.

    Args:
        mobility: the model.
        places: in the frame before.
        motion: in the frame before.
        seed: of the episode.
        frame: number of the new frame, > 0.
        frame_s: seconds a frame lasts.
        area: of the cell.
    """
    if isinstance(mobility, PlaceTrace):
        return frame_of(mobility.places, frame), None
    if mobility is None or motion is None:
        return places, motion
    num_pairs = places.receiver.shape[0]
    count = (places.walker.shape[0] - num_pairs, num_pairs)
    if isinstance(mobility, RandomWaypoint):
        there = motion.heading - places.walker
        distance = jnp.hypot(there[:, 0], there[:, 1])
        arrived = motion.speed * frame_s >= distance
        share = jnp.where(arrived, 1.0, motion.speed * frame_s / distance)
        walker = places.walker + share[:, None] * there
        leg = _new_leg(mobility, seed, frame, area, *count)
        motion = Motion(
            jnp.where(arrived[:, None], leg.heading, motion.heading),
            jnp.where(arrived, leg.speed, motion.speed),
        )
    else:
        kept = jnp.exp(-frame_s / mobility.memory_s)
        fresh = mobility.speed_m_per_s * jnp.sqrt(1.0 - kept * kept)
        drawn = _normal(seed, frame, *count, places.walker.dtype)
        velocity = kept * motion.heading + fresh * drawn
        walker, velocity = _turned_back(
            places.walker + velocity * frame_s, velocity, area
        )
        motion = Motion(velocity, motion.speed)
    offset = places.receiver - places.transmitter
    return Places(walker, walker[-num_pairs:] + offset), motion


def frame_of(recorded: Places, frame: Int[Array, ""]) -> Places:
    """The places of a recorded frame; the last one where the record has ended."""
    at = jnp.clip(frame, 0, recorded.walker.shape[0] - 1)
    return Places(recorded.walker[at], recorded.receiver[at])


def _new_leg(
    mobility: RandomWaypoint,
    seed: Array,
    frame: Array,
    area: Area,
    num_channels: int,
    num_pairs: int,
) -> Motion:
    dtype = area.cell_radius_m.dtype
    drawn = jnp.concatenate(
        [
            _uniform(seed, Stream.CELLULAR_MOTION, frame, num_channels, 3, dtype),
            _uniform(seed, Stream.PAIR_MOTION, frame, num_pairs, 3, dtype),
        ]
    )
    least = jnp.asarray(mobility.min_speed_m_per_s, dtype)
    speed = least + (mobility.max_speed_m_per_s - least) * drawn[:, 2]
    return Motion(_on_ring(drawn[:, :2], area), speed)


def _turned_back(
    walker: Array, velocity: Array, area: Area
) -> tuple[Float[Array, "W 2"], Float[Array, "W 2"]]:
    """Walkers and velocities mirrored at the edges of the ring."""
    radius = jnp.hypot(walker[:, 0], walker[:, 1])
    inner, outer = MIN_BASE_STATION_DISTANCE_M, area.cell_radius_m
    mirrored = jnp.where(radius > outer, 2.0 * outer - radius, radius)
    mirrored = jnp.where(radius < inner, 2.0 * inner - radius, mirrored)
    outward = walker / jnp.maximum(radius, 1e-3)[:, None]
    along = (velocity * outward).sum(axis=-1, keepdims=True)
    outside = (mirrored != radius)[:, None]
    velocity = jnp.where(outside, velocity - 2.0 * along * outward, velocity)
    placed = jnp.clip(mirrored, inner, outer)[:, None] * outward
    return jnp.where(outside, placed, walker), velocity


def _on_ring(drawn: Float[Array, "W 2"], area: Area) -> Float[Array, "W 2"]:
    """Places uniform over the ring, from uniform numbers."""
    inner = MIN_BASE_STATION_DISTANCE_M**2
    square = inner + (area.cell_radius_m**2 - inner) * drawn[:, 0]
    return _polar(jnp.sqrt(square), drawn[:, 1])


def _polar(radius: Array, turns: Array) -> Float[Array, "W 2"]:
    return jnp.stack([radius * cos_turns(turns), radius * sin_turns(turns)], axis=-1)


def _uniform(
    seed: Array,
    stream: Stream,
    frame: Array | int,
    count: int,
    each: int,
    dtype: np.dtype,
) -> Array:
    """Uniform numbers [count, each]; those of the first users never change."""
    counter = jnp.arange(count * each, dtype=jnp.uint32).reshape(count, each)
    return uniform(random_bits(hash_key(seed, stream, frame), counter), dtype)


def _normal(
    seed: Array, frame: Array, num_channels: int, num_pairs: int, dtype: np.dtype
) -> Float[Array, "W 2"]:
    def drawn(stream: Stream, count: int) -> Array:
        counter = jnp.arange(2 * count, dtype=jnp.uint32).reshape(count, 2)
        return normal(random_bits(hash_key(seed, stream, frame), counter), dtype)

    return jnp.concatenate(
        [
            drawn(Stream.CELLULAR_MOTION, num_channels),
            drawn(Stream.PAIR_MOTION, num_pairs),
        ]
    )
