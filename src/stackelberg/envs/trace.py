"""Recorded worlds: the same cells for every method, and cells from elsewhere.

A trace holds what no action changes: the seed that fading and arrivals follow from, and
places or gains frame by frame. Shape legend: E episodes, T frames.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array

from stackelberg.envs.gains import Gains, GainTrace
from stackelberg.envs.hashing import episode_seed
from stackelberg.envs.make_params import checked_traces
from stackelberg.envs.mobility import Places, PlaceTrace
from stackelberg.envs.params import EnvParams
from stackelberg.envs.world import World, new_world, world_in_slot
from stackelberg.errors import ConfigError, DomainError, ShapeError
from stackelberg.spectrum.radio import whole_number


@dataclass(frozen=True, eq=False)
class Trace:
    """Worlds of several episodes, as NumPy arrays.

    Attributes:
        seed: 64 bits per episode [E, 2], uint32.
        places: [E, T, W, 2] and [E, T, N, 2]; None where only gains are known.
        gains: without fading, each array with leading axes [E, T]; None: they follow
            from places and seed.
        slots_per_frame: slots between two frames.
    """

    seed: npt.NDArray[np.uint32]
    places: Places | None
    gains: Gains | None
    slots_per_frame: int

    def __post_init__(self) -> None:
        _check(self)

    @property
    def num_episodes(self) -> int:
        """E."""
        return len(self.seed)


def record(keys: Array, params: EnvParams, num_slots: int) -> Trace:
    """The worlds that `reset` would begin with these keys, for `num_slots` slots.

    Args:
        keys: `jax.random` keys [E].
        params: the environment's.
        num_slots: how long each world is followed, >= 1.

    Raises:
        DomainError: if `num_slots` is less than 1.
    """
    num_slots = whole_number("num_slots", num_slots, least=1)
    num_frames = -(-num_slots // params.slots_per_frame)

    def one(key: Array) -> tuple[Array, Places | None, Gains]:
        seed = episode_seed(key)
        begin = new_world(seed, params)

        def frame(
            world: World, number: Array
        ) -> tuple[World, tuple[Places | None, Gains]]:
            after = world_in_slot(world, number * params.slots_per_frame, params)
            return after, (after.places, after.gains)

        later = jnp.arange(1, num_frames, dtype=jnp.int32)
        _, rest = jax.lax.scan(frame, begin, later)
        first = (begin.places, begin.gains)
        whole = jax.tree.map(
            lambda now, then: jnp.concatenate([now[None], then]), first, rest
        )
        return seed, *whole

    seed, places, gains = jax.jit(jax.vmap(one))(keys)
    places, gains = jax.tree.map(np.asarray, (places, gains))
    return Trace(np.asarray(seed), places, gains, params.slots_per_frame)


def replay(params: EnvParams, trace: Trace, episode: int = 0) -> EnvParams:
    """The environment in which every episode is the recorded one.

    Gains are taken from the trace where it has them, else they follow from the places.
    Fading, arrivals and
    report errors follow from the recorded seed, whatever key `reset` is given. After
    the last frame the world stands still.

    Args:
        params: the other settings; M and N as in the trace.
        trace: one or more episodes.
        episode: which of them.

    Raises:
        DomainError: if there is no such episode.
        ShapeError: if M or N differ.
    """
    if not 0 <= episode < trace.num_episodes:
        raise DomainError(
            "episode", expected=f"0 to {trace.num_episodes - 1}", got=episode
        )
    places, gains = jax.tree.map(lambda a: a[episode], (trace.places, trace.gains))
    recorded = None if gains is None else GainTrace(gains)
    mobility = None if places is None else PlaceTrace(places)
    mobility, recorded = checked_traces(
        mobility, recorded, params.num_channels, params.num_pairs, params.dtype
    )
    return replace(
        params,
        mobility=mobility,
        gains=recorded,
        seed=jnp.asarray(trace.seed[episode]),
        slots_per_frame=trace.slots_per_frame,
    )


def _check(trace: Trace) -> None:
    seed = np.asarray(trace.seed)
    if seed.ndim != 2 or seed.shape[1:] != (2,) or not len(seed):
        raise ShapeError("seed", expected="[E, 2]", got=f"shape {list(seed.shape)}")
    if seed.dtype != np.uint32:
        raise ConfigError("seed", expected="uint32", got=str(seed.dtype))
    whole_number("slots_per_frame", trace.slots_per_frame, least=1)
    if trace.places is None and trace.gains is None:
        raise ConfigError("places", expected="places or gains", got="neither")
    frames: int | None = None
    for record, name in ((trace.places, "places"), (trace.gains, "gains")):
        for part, array in ({} if record is None else record._asdict()).items():
            shape = np.shape(array)
            frames = shape[1] if frames is None and len(shape) > 2 else frames
            if len(shape) < 3 or shape[:2] != (len(seed), frames) or not frames:
                raise ShapeError(
                    f"{name}.{part}",
                    expected=f"[{len(seed)}, {frames or 'T'}, ...]",
                    got=f"shape {list(shape)}",
                )
