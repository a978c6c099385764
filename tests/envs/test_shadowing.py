"""Shadowing: normal, correlated over space as stated, the same in both directions."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from oracles import d2d_environment as oracle
from scipy import stats

from stackelberg.envs.hashing import episode_seed
from stackelberg.envs.shadowing import base_station_shadowing, device_shadowing

SEEDS = jax.vmap(episode_seed)(jax.random.split(jax.random.key(3), 20_000))
PLACES = jnp.asarray(
    [[100.0, 50.0], [110.0, 50.0], [100.0, 80.0], [150.0, 50.0], [-200.0, 30.0]]
)
ENDS = PLACES + jnp.asarray([3.0, 4.0])
to_station = jax.jit(base_station_shadowing, static_argnums=3)
devices = jax.jit(device_shadowing, static_argnums=4)
BOUND = 4.5 / np.sqrt(len(SEEDS))  # chance 7e-6 per correlation of 0


def test_base_station_shadowing_is_normal_and_decorrelates_over_50_m() -> None:
    field = jax.jit(
        jax.vmap(lambda s: base_station_shadowing(s, PLACES, jnp.float32(50.0), 16))
    )
    drawn = np.asarray(field(SEEDS), np.float64)
    for place in range(len(PLACES)):
        assert stats.kstest(drawn[:, place], "norm").pvalue > 0.001
    apart = np.linalg.norm(PLACES[:, None] - PLACES[None], axis=-1)
    np.testing.assert_allclose(
        drawn.T @ drawn / len(drawn), np.exp(-apart / 50.0), atol=BOUND
    )


def test_device_shadowing_correlates_over_both_ends() -> None:
    field = jax.jit(
        jax.vmap(lambda s: device_shadowing(s, PLACES, ENDS, jnp.float32(10.0), 16))
    )
    drawn = np.asarray(field(SEEDS), np.float64).reshape(len(SEEDS), -1)
    assert stats.kstest(drawn[:, 1], "norm").pvalue > 0.001
    assert stats.kstest(drawn[:, 0], "norm").pvalue > 0.001
    here, there = np.asarray(PLACES, float), np.asarray(ENDS, float)

    def near(one: np.ndarray, other: np.ndarray) -> float:
        return float(np.exp(-np.linalg.norm(one - other) / 10.0))

    links = [(a, b) for a in here for b in there]
    wanted = [
        [
            (near(a, c) * near(b, d) + near(a, d) * near(b, c))
            / np.sqrt((1 + near(a, b) ** 2) * (1 + near(c, d) ** 2))
            for c, d in links
        ]
        for a, b in links
    ]
    # The variance of a product of normals is at most 2.
    np.testing.assert_allclose(
        drawn.T @ drawn / len(drawn), wanted, atol=BOUND * np.sqrt(2.0)
    )


def test_a_link_is_shadowed_the_same_in_both_directions() -> None:
    there = devices(SEEDS[0], PLACES, ENDS, jnp.float32(10.0), 16)
    back = devices(SEEDS[0], ENDS, PLACES, jnp.float32(10.0), 16)
    np.testing.assert_allclose(there, back.T, atol=2e-5)


def test_the_field_belongs_to_the_place_and_not_to_the_call() -> None:
    one = to_station(SEEDS[0], PLACES, jnp.float32(50.0), 16)
    order = np.array([3, 1, 0, 4, 2])
    other = to_station(SEEDS[0], PLACES[order], jnp.float32(50.0), 16)
    np.testing.assert_allclose(one[order], other, atol=1e-5)
    again = to_station(SEEDS[0], PLACES, jnp.float32(50.0), 16)
    np.testing.assert_array_equal(one, again)
    assert abs(float(one[0] - one[4])) > 1e-3


def test_one_field_varies_over_the_plane_as_much_as_over_seeds() -> None:
    axis = np.linspace(-400.0, 400.0, 40)
    grid = jnp.asarray(np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2))
    field = jax.jit(
        jax.vmap(lambda s: base_station_shadowing(s, grid, jnp.float32(50.0), 32))
    )
    spread = (np.asarray(field(SEEDS[:100])) ** 2).mean(axis=1)
    assert 0.93 < spread.mean() < 1.07
    assert spread.std() < 0.25


def test_shadowing_is_that_of_the_oracle() -> None:
    with jax.enable_x64(True):
        places = jnp.asarray(np.asarray(PLACES), jnp.float64)
        ends = jnp.asarray(np.asarray(ENDS), jnp.float64)
        to_bs = to_station(SEEDS[5], places, jnp.float64(50.0), 16)
        between = devices(SEEDS[5], places, ends, jnp.float64(10.0), 16)
    seed = tuple(int(word) for word in SEEDS[5])
    points = [tuple(map(float, place)) for place in np.asarray(places)]
    others = [tuple(map(float, place)) for place in np.asarray(ends)]
    exact = [oracle.bs_shadow(seed, place, 50.0, 16) for place in points]
    np.testing.assert_allclose(to_bs, exact, rtol=1e-8)
    step = 11  # odd, near the golden ratio of 16: 10 is even
    links = [
        [oracle.device_shadow(seed, a, b, 10.0, 16, step) for b in others]
        for a in points
    ]
    np.testing.assert_allclose(between, links, rtol=1e-8, atol=1e-10)
