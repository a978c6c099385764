"""Random numbers without state: a hash of (seed, stream, slot, link).

A number belongs to what it describes, not to the moment it is drawn. So a link that
nobody uses costs nothing, a slot can be looked at again or ahead of time, and two
policies that act differently meet the same world. Every draw is one 32-bit mix,
keyed by 64 bits; `jax.random` costs three times as much.

The mix is `lowbias32` (Chris Wellons, "Prospecting for hash functions", 2018, public
domain) with half of the key added before it and half between its two rounds. Not for
cryptography.

A draw keeps 23 bits, so that it is the same number in float32 and in float64.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike, DTypeLike
from jaxtyping import Array, Float, UInt32

from stackelberg.units import LN2


class Stream(IntEnum):
    """What a number is for; part of its key, so never renumber."""

    CELLULAR_PLACE = 0
    PAIR_PLACE = 1
    CELLULAR_MOTION = 2
    PAIR_MOTION = 3
    BASE_STATION_SHADOWING = 4
    DEVICE_SHADOWING = 5
    LINE_OF_SIGHT = 6
    CELLULAR_TO_BS = 7
    D2D_TO_BS = 8
    CELLULAR_TO_D2D = 9
    D2D_TO_D2D = 10
    FIRST_CHANNEL = 11
    ARRIVAL = 12
    REPORT_ERROR = 13
    FACE = 14


class HashKey(NamedTuple):
    """64 bits that key a stream of draws.

    Attributes:
        first: added to the counter.
        second: added between the rounds.
    """

    first: UInt32[Array, "*batch"]
    second: UInt32[Array, "*batch"]


_GOLDEN = 0x9E3779B9
"""2^32 over the golden ratio: tells the two halves of a key apart."""


def episode_seed(key: Array) -> UInt32[Array, "2"]:
    """The 64 bits that all numbers of an episode follow from.

    Args:
        key: a `jax.random` key, of either kind. Keys that differ give different seeds
            but for chance; drawing them with `jax.random` would take longer to compile
            than a slot.
    """
    words = jax.random.key_data(key)
    zero = jnp.zeros(2, jnp.uint32)
    mixed = hash_key(zero, *(words[k] for k in range(words.shape[-1])))
    return jnp.stack(mixed)


def hash_key(seed: UInt32[Array, "2"], *parts: ArrayLike) -> HashKey:
    """The key of one stream: of a `Stream`, a slot, and whatever else tells it apart.

    Args:
        seed: of the episode.
        parts: whole numbers; negative ones count modulo 2^32.
    """
    first, second = seed[0], seed[1]
    for part in parts:
        counter = _counter(part)
        first, second = (
            _mixed(counter, first, second),
            _mixed(counter ^ jnp.uint32(_GOLDEN), second, first),
        )
    return HashKey(first, second)


def random_bits(key: HashKey, counter: ArrayLike) -> UInt32[Array, "*shape"]:
    """32 random bits for each counter (a whole number below 2^32)."""
    return _mixed(_counter(counter), key.first, key.second)


def uniform(bits: UInt32[Array, "*shape"], dtype: DTypeLike) -> Float[Array, "*shape"]:
    """Uniform numbers, never 0 and never 1: the middles of 2^23 equal intervals."""
    whole = (bits >> 9).astype(jnp.int32).astype(dtype)
    return (whole + jnp.asarray(0.5, dtype)) * jnp.asarray(2.0**-23, dtype)


def exponential(
    bits: UInt32[Array, "*shape"], dtype: DTypeLike
) -> Float[Array, "*shape"]:
    """Exponential numbers with mean 1, from 6e-8 to 16.6."""
    if jnp.dtype(dtype) != jnp.float32:
        return -jnp.log(uniform(bits, dtype))
    return _minus_log_uniform(bits)


def normal(bits: UInt32[Array, "*shape"], dtype: DTypeLike) -> Float[Array, "*shape"]:
    """Standard normal numbers within 5.3."""
    centred = 2.0 * uniform(bits, dtype) - 1.0
    return jnp.asarray(2.0**0.5, dtype) * jax.lax.erf_inv(centred)


_ABOVE = (1.0, 0.83358134, 0.066381734, -0.0053972487)
_BELOW = (1.0, 1.33358125, 0.39984406)
"""ln(1 + t) / t as a quotient of polynomials in t, fitted from sqrt(1/2) - 1 to
sqrt(2) - 1; off by less than 4e-8 of its value."""

_ROOT_HALF_BITS = 0x3F3504F3
"""sqrt(1/2) as a float32, bit by bit."""


def _minus_log_uniform(bits: UInt32[Array, "*shape"]) -> Float[Array, "*shape"]:
    """-ln of `uniform`, for float32: off by less than 4e-7 of its value.

    Most of the time of a slot goes into this logarithm, and XLA's takes nearly twice as
    long: it must be ready for 0, infinities and what is no number. Here u is 2^-24
    times an odd whole number, whose exponent and mantissa are read off its bits. The
    division comes last because XLA does not repeat one wherever its result is used, as
    it does with cheaper operations and all that leads to them.
    """
    odd = ((bits >> 8) | jnp.uint32(1)).astype(jnp.int32).astype(jnp.float32)
    above_root = jax.lax.bitcast_convert_type(odd, jnp.int32) - _ROOT_HALF_BITS
    mantissa = (above_root & 0x7FFFFF) + _ROOT_HALF_BITS
    rest = jax.lax.bitcast_convert_type(mantissa, jnp.float32) - 1.0
    above, below = _polynomial(_ABOVE, rest), _polynomial(_BELOW, rest)
    # The exponent stays where it is, 2^23 times too large: a shift less.
    exponent = (above_root - 24 * 2**23) & ~0x7FFFFF
    octaves = exponent.astype(jnp.float32) * (-LN2 * 2.0**-23)
    return (octaves * below - rest * above) / below


def _polynomial(factors: tuple[float, ...], at: Array) -> Array:
    value = jnp.full_like(at, factors[-1])
    for factor in factors[-2::-1]:
        value = value * at + factor
    return value


def _counter(value: ArrayLike) -> UInt32[Array, "*shape"]:
    if isinstance(value, int):
        return jnp.uint32(int(value) % 2**32)
    return jnp.asarray(value).astype(jnp.uint32)


def _mixed(counter: Array, first: Array, second: Array) -> UInt32[Array, "*shape"]:
    mixed = counter + first
    mixed = mixed ^ (mixed >> 16)
    mixed = mixed * jnp.uint32(0x7FEB352D) + second
    mixed = mixed ^ (mixed >> 15)
    mixed = mixed * jnp.uint32(0x846CA68B)
    return mixed ^ (mixed >> 16)
