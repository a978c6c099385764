"""Fading: Rayleigh marginals, Jakes correlation, independence, no stored state."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracles import d2d_environment as oracle
from scipy import special, stats

from stackelberg.envs.fading import Fading, Jakes, Rayleigh, fading_power
from stackelberg.envs.hashing import Stream

SEED = jnp.asarray([2024, 77], jnp.uint32)
SLOT_S = 0.02
LINKS, SLOTS = 2000, 200
LAGS = (1, 2, 3, 5, 8)


@jax.jit
def _powers(fading: Fading, slots: jax.Array) -> jax.Array:
    def one(slot: jax.Array) -> jax.Array:
        links = jnp.arange(LINKS)
        second = jnp.float32(SLOT_S)
        return fading_power(fading, SEED, Stream.D2D_TO_BS, slot, links, second)

    return jax.vmap(one)(slots)


def powers(fading: Fading, first_slot: int = 0) -> np.ndarray:
    """Fading power [SLOTS, LINKS]."""
    slots = first_slot + jnp.arange(SLOTS, dtype=jnp.int32)
    return np.asarray(_powers(fading, slots), np.float64)


@pytest.mark.parametrize("first_slot", [0, -100, 10**6])
@pytest.mark.parametrize("fading", [Rayleigh(), Jakes(10.0)])
def test_power_is_exponential(fading: Fading, first_slot: int) -> None:
    drawn = powers(fading, first_slot)
    # Links are independent at one moment; 1 % was the chance to fail.
    assert stats.kstest(drawn[0], "expon").pvalue > 0.01
    assert stats.kstest(drawn[-1], "expon").pvalue > 0.01
    assert drawn.min() > 0.0


def test_block_fading_forgets_from_slot_to_slot() -> None:
    drawn = powers(Rayleigh())
    assert stats.kstest(drawn.ravel()[::7], "expon").pvalue > 0.01
    for lag in LAGS:
        correlation = np.mean((drawn[lag:] - 1.0) * (drawn[:-lag] - 1.0))
        assert abs(correlation) < 4.5 / np.sqrt(drawn[lag:].size)


def test_jakes_power_correlates_as_the_square_of_j0() -> None:
    drawn = powers(Jakes(10.0))
    for lag in LAGS:
        # For a complex normal amplitude the power correlates as the square.
        wanted = special.j0(2.0 * np.pi * 10.0 * SLOT_S * lag) ** 2
        per_link = ((drawn[lag:] - 1.0) * (drawn[:-lag] - 1.0)).mean(axis=0)
        error = per_link.std() / np.sqrt(LINKS)
        assert abs(per_link.mean() - wanted) < 4.5 * error
        assert error < 0.03


def test_the_first_zero_of_j0_is_where_it_should_be() -> None:
    doppler = special.jn_zeros(0, 1)[0] / (2.0 * np.pi * SLOT_S)
    drawn = powers(Jakes(float(doppler)))
    correlation = np.mean((drawn[1:] - 1.0) * (drawn[:-1] - 1.0))
    assert abs(correlation) < 0.03


def test_links_fade_independently() -> None:
    drawn = powers(Jakes(10.0))[::20] - 1.0
    for shift in (1, 3, 25, 1000):
        product = drawn * np.roll(drawn, shift, axis=1)
        assert abs(product.mean()) < 4.5 / np.sqrt(product.size) * 2.0


def test_no_doppler_means_no_change() -> None:
    drawn = powers(Jakes(0.0))
    np.testing.assert_array_equal(drawn[0], drawn[-1])


def test_no_fading_is_one() -> None:
    assert np.all(powers(None) == 1.0)


def test_a_slot_can_be_asked_for_again() -> None:
    for fading in (Rayleigh(), Jakes(10.0)):
        np.testing.assert_array_equal(
            powers(fading)[150:], powers(fading, 150)[: SLOTS - 150]
        )


def test_powers_are_those_of_the_oracle() -> None:
    seed = (2024, 77)
    for slot in (0, 7, -2):
        exact = [oracle.rayleigh(seed, 8, slot, link) for link in range(20)]
        got = powers(Rayleigh(), slot)[0, :20]
        np.testing.assert_allclose(got, exact, rtol=3e-7)
        waves = [oracle.jakes(seed, 8, slot, link, 10.0, SLOT_S) for link in range(20)]
        np.testing.assert_allclose(
            powers(Jakes(10.0), slot)[0, :20], waves, rtol=1e-4, atol=1e-5
        )


def test_phases_stay_exact_over_many_slots() -> None:
    slot = 2_000_000  # eleven hours
    exact = [oracle.jakes((2024, 77), 8, slot, k, 12.5, SLOT_S) for k in range(20)]
    # 12.5 Hz * 20 ms = 1/4 turn is exact, so only cosines round, to 24 bits.
    got = powers(Jakes(12.5), slot)[0, :20]
    assert np.corrcoef(got, exact)[0, 1] > 0.9
    near = powers(Jakes(12.5), slot + 1)[0]
    per_link = (powers(Jakes(12.5), slot)[0] - 1.0) * (near - 1.0)
    wanted = special.j0(2.0 * np.pi / 4.0) ** 2
    assert abs(per_link.mean() - wanted) < 4.5 * per_link.std() / np.sqrt(LINKS)
