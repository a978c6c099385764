"""Where users stand and how they move."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from envs.cells import standard
from numpy.typing import ArrayLike
from oracles import d2d_environment as oracle
from scipy import stats

from stackelberg.envs import GaussMarkov, PlaceTrace, RandomWaypoint
from stackelberg.envs.hashing import episode_seed
from stackelberg.envs.mobility import (
    Mobility,
    Places,
    first_motion,
    first_places,
    moved,
)

AREA = standard().area
first = jax.jit(first_places, static_argnums=(2, 3))
SEED = episode_seed(jax.random.key(5))
FRAMES = 400


def walks(mobility: Mobility, frame_s: float, pairs: int = 40) -> Places:
    """Places over time [FRAMES + 1, ...] of 10 cellular users and the pairs."""

    @jax.jit
    def run() -> Places:
        places = first_places(SEED, AREA, 10, pairs)
        motion = first_motion(mobility, SEED, AREA, 10, pairs)

        def one(carry: Any, frame: jax.Array) -> Any:
            now, going = carry
            after = moved(mobility, now, going, SEED, frame, jnp.float32(frame_s), AREA)
            return after, after[0]

        frames = jnp.arange(1, FRAMES + 1, dtype=jnp.int32)
        later = jax.lax.scan(one, (places, motion), frames)[1]
        return jax.tree.map(
            lambda first, rest: jnp.concatenate([first[None], rest]), places, later
        )

    return jax.tree.map(np.asarray, run())


def radius(walker: ArrayLike) -> np.ndarray:
    walker = np.asarray(walker)
    return np.hypot(walker[..., 0], walker[..., 1])


def test_users_begin_uniform_over_the_ring() -> None:
    seeds = jax.vmap(episode_seed)(jax.random.split(jax.random.key(0), 300))
    places = jax.jit(jax.vmap(lambda s: first_places(s, AREA, 10, 10)))(seeds)
    walker = np.asarray(places.walker, np.float64).reshape(-1, 2)
    area = (radius(walker) ** 2 - 35.0**2) / (500.0**2 - 35.0**2)
    assert stats.kstest(area, "uniform").pvalue > 0.01
    angle = np.arctan2(walker[:, 1], walker[:, 0]) / (2 * np.pi) % 1.0
    assert stats.kstest(angle, "uniform").pvalue > 0.01
    apart = np.asarray(places.receiver - places.transmitter, np.float64)
    distance = np.hypot(apart[..., 0], apart[..., 1]).ravel()
    assert stats.kstest((distance - 10.0) / 40.0, "uniform").pvalue > 0.01


def test_more_pairs_leave_the_first_where_they_were() -> None:
    few, many = first(SEED, AREA, 3, 4), first(SEED, AREA, 3, 9)
    np.testing.assert_array_equal(few.cellular, many.cellular)
    np.testing.assert_array_equal(few.transmitter, many.transmitter[:4])
    np.testing.assert_array_equal(few.receiver, many.receiver[:4])


@pytest.mark.parametrize(
    "mobility", [RandomWaypoint(5.0, 20.0), GaussMarkov(15.0, 10.0)]
)
def test_walkers_stay_on_the_ring_and_pairs_together(mobility: Mobility) -> None:
    places = walks(mobility, 2.0)
    assert radius(places.walker).max() <= 500.01
    # A straight walk may pass the base station; only waypoints keep their distance.
    if isinstance(mobility, GaussMarkov):
        assert radius(places.walker).min() >= 34.99
    offset = places.receiver - places.transmitter
    np.testing.assert_allclose(
        offset, np.broadcast_to(offset[0], offset.shape), atol=1e-2
    )
    moved_m = np.abs(np.diff(places.walker, axis=0)).max(axis=(0, 2))
    assert moved_m.min() > 1.0  # everybody moves


def test_waypoint_speeds_are_within_their_range() -> None:
    places = walks(RandomWaypoint(2.0, 6.0), 0.5)
    speed = radius(np.diff(places.walker, axis=0)) / 0.5
    assert speed.max() < 6.001
    assert np.mean(speed > 1.999) > 0.95  # the rest arrive within the frame


def test_gauss_markov_speeds_and_their_memory() -> None:
    speed, memory = 3.0, 8.0
    places = walks(GaussMarkov(speed, memory), 1.0, pairs=200)
    velocity = np.diff(places.walker, axis=0)
    inside = (radius(places.walker[1:]) < 480.0) & (radius(places.walker[1:]) > 60.0)
    sample = velocity[::40][inside[::40]].ravel()
    assert abs(sample.std() / speed - 1.0) < 0.05
    together = (velocity[1:] * velocity[:-1]).sum(-1)[inside[1:] & inside[:-1]]
    alone = (velocity**2).sum(-1)[inside]
    assert abs(together.mean() / alone.mean() - np.exp(-1.0 / memory)) < 0.02


def test_walks_are_those_of_the_oracle() -> None:
    seed = tuple(int(word) for word in SEED)
    waypoint = walks(RandomWaypoint(20.0, 90.0), 2.0, pairs=3)
    walker, receiver = oracle.first_places(seed, 10, 3, 500.0, (10.0, 50.0))
    np.testing.assert_allclose(waypoint.walker[0], walker, atol=1e-3)
    np.testing.assert_allclose(waypoint.receiver[0], receiver, atol=1e-3)
    legs = oracle.legs_of(seed, 0, 10, 3, 500.0, (20.0, 90.0))
    for frame in range(1, 41):
        new = oracle.legs_of(seed, frame, 10, 3, 500.0, (20.0, 90.0))
        walker, legs = oracle.walk(walker, legs, new, 2.0)
    np.testing.assert_allclose(waypoint.walker[40], walker, atol=0.1)

    drifting = walks(GaussMarkov(30.0, 5.0), 2.0, pairs=3)
    walker, _ = oracle.first_places(seed, 10, 3, 500.0, (10.0, 50.0))
    velocity = oracle.drift(
        walker, [(0.0, 0.0)] * 13, seed, 0, 10, 500.0, 30.0, 1e-12, 2.0
    )[1]
    free = walker, velocity
    for frame in range(1, 41):
        last = (seed, frame, 10)
        walker, velocity = oracle.drift(walker, velocity, *last, 500.0, 30.0, 5.0, 2.0)
        free = oracle.drift(*free, *last, 1e9, 30.0, 5.0, 2.0)
    assert np.abs(np.subtract(walker, free[0])).max() > 100.0  # somebody turned back
    np.testing.assert_allclose(drifting.walker[40], walker, atol=0.3)


def test_a_trace_is_followed_and_its_last_frame_stays() -> None:
    draw = np.random.default_rng(1)
    walker, receiver = (
        draw.uniform(50, 400, (3, 7, 2)),
        draw.uniform(50, 400, (3, 4, 2)),
    )
    trace = PlaceTrace(Places(jnp.asarray(walker), jnp.asarray(receiver)))
    start = Places(trace.places.walker[0], trace.places.receiver[0])
    for frame in (1, 2, 9):
        got, _ = moved(
            trace, start, None, SEED, jnp.int32(frame), jnp.float32(0.2), AREA
        )
        np.testing.assert_allclose(got.walker, walker[min(frame, 2)], rtol=1e-6)
        np.testing.assert_allclose(got.receiver, receiver[min(frame, 2)], rtol=1e-6)
