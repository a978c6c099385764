"""Shadowing as a fixed random field over the plane: the same place, the same shadow.

A sum of plane waves with normal amplitudes. Wave numbers follow the spectrum of the
correlation exp(-d / d_corr) (Gudmundson 1991), whose radial distribution in the plane
is P(|k| > x) = (1 + x^2 d_corr^2)^(-1/2). Whatever the number of waves, each value is
normal with variance 1, and over all seeds two values correlate exactly as they should.
Within one field the correlation scatters by about 1 / sqrt(2 waves); wave lengths are
drawn one from each of as many equally likely parts, and directions turn by the golden
angle, to keep that small.

Shape legend: W waves, D places.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt32

from stackelberg.envs.hashing import (
    HashKey,
    Stream,
    exponential,
    hash_key,
    random_bits,
    uniform,
)
from stackelberg.envs.turns import cos_turns, sin_turns

GOLDEN_TURN = 0.6180339887498949
"""Fraction of a turn between the directions of one wave and the next."""

SECOND_TURN = 0.4142135623730951
"""The same at the other end of a link; no small multiple of the former."""


class Waves(NamedTuple):
    """Plane waves at one end of a link.

    Attributes:
        number: wave number vectors, turns/m [W, 2].
        phase: turns [W].
    """

    number: Float[Array, "W 2"]
    phase: Float[Array, " W"]


def base_station_shadowing(
    seed: UInt32[Array, "2"],
    places_m: Float[Array, "D 2"],
    decorrelation_m: Float[Array, ""],
    waves: int,
) -> Float[Array, " D"]:
    """Standard normal shadowing of the link from each place to the base station [D].

    Over seeds, two places correlate as exp(-d / decorrelation_m).
    """
    dtype = places_m.dtype
    key = hash_key(seed, Stream.BASE_STATION_SHADOWING)
    field = _waves(key, decorrelation_m, waves, GOLDEN_TURN, 1)
    amplitude = _amplitudes(key, waves, dtype) / jnp.sqrt(jnp.asarray(waves, dtype))
    # A product of matrices: quicker than a sum fused with what it sums.
    return jnp.matmul(
        cos_turns(_turns(field, places_m)), amplitude, precision="highest"
    )


def device_shadowing(
    seed: UInt32[Array, "2"],
    here_m: Float[Array, "D 2"],
    there_m: Float[Array, "E 2"],
    decorrelation_m: Float[Array, ""],
    waves: int,
) -> Float[Array, "D E"]:
    """Standard normal shadowing of the link between any two places [D, E].

    The same in both directions. Over seeds, links (a, b) and (c, d) correlate, with
    R = exp(-distance / decorrelation_m), as in `spectrum.propagation`:

        (R_ac R_bd + R_ad R_bc) / sqrt((1 + R_ab^2)(1 + R_cd^2)).
    """
    dtype = here_m.dtype
    key = hash_key(seed, Stream.DEVICE_SHADOWING)
    one = _waves(key, decorrelation_m, waves, GOLDEN_TURN, 1)
    # An odd step through the strata, so that long waves do not always meet long ones.
    other = _waves(key, decorrelation_m, waves, SECOND_TURN, _odd_step(waves))
    amplitude = _amplitudes(key, waves, dtype)
    # cos(x + y) = cos x cos y - sin x sin y makes it a product of two matrices.
    start = jnp.concatenate(
        [
            amplitude * cos_turns(_turns(one, here_m)),
            -amplitude * sin_turns(_turns(one, here_m)),
            cos_turns(_turns(other, here_m)),
            sin_turns(_turns(other, here_m)),
        ],
        axis=-1,
    )
    end = jnp.concatenate(
        [
            cos_turns(_turns(other, there_m)),
            sin_turns(_turns(other, there_m)),
            amplitude * cos_turns(_turns(one, there_m)),
            -amplitude * sin_turns(_turns(one, there_m)),
        ],
        axis=-1,
    )
    both_ways = jnp.einsum("dw,ew->de", start, end, precision="highest")
    apart = here_m[:, None] - there_m[None]
    distance = jnp.hypot(apart[..., 0], apart[..., 1])
    own = jnp.exp(-2.0 * distance / decorrelation_m)
    return both_ways / jnp.sqrt(waves * 2.0 * (1.0 + own))


def _odd_step(waves: int) -> int:
    """A step near the golden ratio that visits each of `waves` strata once."""
    step = max(1, round(GOLDEN_TURN * waves))
    while np.gcd(step, waves) != 1:
        step += 1
    return step


def _waves(
    key: HashKey, decorrelation_m: Array, waves: int, turn: float, step: int
) -> Waves:
    dtype = decorrelation_m.dtype
    index = np.arange(waves)
    base = 3 * waves * step + 3 * index
    drawn = uniform(random_bits(key, jnp.asarray(base)), dtype)
    # A random turn of the strata: over seeds, the ends' wave lengths are independent.
    turned = random_bits(key, jnp.asarray(base[0] + 1)) % jnp.uint32(waves)
    stratum = (jnp.asarray(step * index, jnp.uint32) + turned) % jnp.uint32(waves)
    beyond = (stratum.astype(dtype) + drawn) / waves
    radians_per_m = jnp.sqrt(1.0 / (beyond * beyond) - 1.0) / decorrelation_m
    first = uniform(random_bits(key, jnp.asarray(base[1] + 1)), dtype)
    direction = first + jnp.asarray(turn * index % 1.0, dtype)
    phase = uniform(random_bits(key, jnp.asarray(base + 2)), dtype)
    vector = jnp.stack([cos_turns(direction), sin_turns(direction)], axis=-1)
    number = (radians_per_m / (2.0 * np.pi))[:, None] * vector
    # The barriers keep the compiler from making each wave again for every place.
    return jax.lax.optimization_barrier(Waves(number, phase))


def _amplitudes(key: HashKey, waves: int, dtype: np.dtype) -> Float[Array, " W"]:
    """Rayleigh, so that a wave of random phase is a standard normal number."""
    bits = random_bits(key, jnp.arange(2**20, 2**20 + waves))
    return jax.lax.optimization_barrier(jnp.sqrt(2.0 * exponential(bits, dtype)))


def _turns(field: Waves, places_m: Array) -> Float[Array, "D W"]:
    x, y = places_m[:, 0, None], places_m[:, 1, None]
    return x * field.number[:, 0] + y * field.number[:, 1] + field.phase
