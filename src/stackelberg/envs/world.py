"""The part of the state that no action changes: where users stand, what gains follow.

Gains change once per frame. Agents may see them some slots late, so the world keeps as
many past frames as the delay reaches back; before the first frame nobody moved.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, UInt32

from stackelberg.envs.gains import Gains, GainTrace, gains_between
from stackelberg.envs.lazily import where_needed
from stackelberg.envs.links import Fader
from stackelberg.envs.mobility import (
    Motion,
    Places,
    PlaceTrace,
    first_motion,
    first_places,
    frame_of,
    moved,
)
from stackelberg.envs.params import EnvParams


class World(NamedTuple):
    """Places and gains of one episode.

    Attributes:
        seed: 64 bits that every random number of the episode follows from [2].
        places: None where only gains are recorded.
        motion: None where nobody needs it.
        gains: of the present frame.
        past: of the frames before, latest first, with a leading axis; None where no
            agent sees them.
    """

    seed: UInt32[Array, "2"]
    places: Places | None
    motion: Motion | None
    gains: Gains
    past: Gains | None


def new_world(seed: UInt32[Array, "2"], params: EnvParams) -> World:
    """The world of an episode at its first slot."""
    size = (params.num_channels, params.num_pairs)
    if params.gains is not None:
        return _recorded_world(seed, params.gains, params)
    if isinstance(params.mobility, PlaceTrace):
        places = frame_of(params.mobility.places, jnp.int32(0))
    else:
        places = first_places(seed, params.area, *size)
    motion = first_motion(params.mobility, seed, params.area, *size)
    gains = gains_between(places, seed, params.propagation)
    return World(seed, places, motion, gains, _stood_still(gains, params))


def world_in_slot(world: World, slot: Int[Array, ""], params: EnvParams) -> World:
    """The world in `slot`, from that of the slot before."""
    if not params.moves:
        return world
    begins = slot % params.slots_per_frame == 0
    return where_needed(begins, _next_frame, (world, slot, params), world)


def seen_gains(world: World, slot: Int[Array, ""], params: EnvParams) -> Gains:
    """Gains, without fading, as agents see them in `slot`: a delay earlier."""
    if world.past is None:
        return world.gains
    every = params.slots_per_frame
    frames_ago = (
        slot // every - jnp.maximum(slot - params.information.delay_slots, 0) // every
    )
    return jax.tree.map(
        lambda now, past: jnp.where(
            frames_ago == 0, now, past[jnp.maximum(frames_ago - 1, 0)]
        ),
        world.gains,
        world.past,
    )


def fader(world: World, slot: Int[Array, ""], params: EnvParams) -> Fader:
    """The fading of `slot`."""
    return Fader(params.fading, world.seed, slot, params.slot_s)


def _next_frame(argument: tuple[World, Array, EnvParams]) -> World:
    world, slot, params = argument
    frame = slot // params.slots_per_frame
    past = world.past
    if past is not None:
        past = jax.tree.map(
            lambda now, before: jnp.concatenate([now[None], before[:-1]]),
            world.gains,
            past,
        )
    if params.gains is not None:
        gains = params.gains.at(frame)
        return World(world.seed, _recorded_places(params, frame), None, gains, past)
    assert world.places is not None
    places, motion = moved(
        params.mobility,
        world.places,
        world.motion,
        world.seed,
        frame,
        params.slot_s * params.slots_per_frame,
        params.area,
    )
    gains = gains_between(places, world.seed, params.propagation)
    return World(world.seed, places, motion, gains, past)


def _recorded_world(seed: Array, trace: GainTrace, params: EnvParams) -> World:
    gains = trace.at(jnp.int32(0))
    places = _recorded_places(params, jnp.int32(0))
    return World(seed, places, None, gains, _stood_still(gains, params))


def _recorded_places(params: EnvParams, frame: Array) -> Places | None:
    if isinstance(params.mobility, PlaceTrace):
        return frame_of(params.mobility.places, frame)
    return None


def _stood_still(gains: Gains, params: EnvParams) -> Gains | None:
    frames = -(-params.information.delay_slots // params.slots_per_frame)
    if not params.moves or frames == 0:
        return None
    return jax.tree.map(lambda now: jnp.broadcast_to(now, (frames, *now.shape)), gains)
