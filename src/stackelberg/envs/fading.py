"""Fast fading of a link in a slot, as a function of seed, slot and link.

Nothing is stored: the fading of any link in any slot can be asked for, and only what
is asked for is computed. It is a factor on the power gain, of mean 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int, UInt32

from stackelberg.envs.hashing import (
    HashKey,
    Stream,
    exponential,
    hash_key,
    random_bits,
    uniform,
)
from stackelberg.envs.turns import cos_turns, sin_turns


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Rayleigh:
    """Rayleigh fading, independent over slots: block fading."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Jakes:
    """Rayleigh fading that keeps the correlation J0(2 pi f_D t) over time.

    A sum of waves from directions spread evenly over half a circle, each with a
    complex normal amplitude. At any moment the sum of normals is normal, so the power
    is exponential whatever the number of waves; over all links the correlation of the
    amplitude is exactly J0 (Clarke 1968; Jakes 1974). That of the power is J0^2 as long
    as 2 pi f_D t is below 1.5 `waves`, and too high beyond. One link's own average over
    time need not be 1.

    Attributes:
        doppler_hz: greatest Doppler shift f_D = speed / wavelength; 10 Hz is 1.5 m/s
            at 2 GHz.
        waves: their number.
    """

    doppler_hz: Float[Array, ""] | float = 10.0
    waves: int = field(default=8, metadata={"static": True})


Fading = Rayleigh | Jakes | None
"""None: no fading, the factor is 1."""

_STRIDE = np.uint32(0x9E3779B9)
"""Odd, so that no two waves of a link draw the same number."""

_OTHER = 0x55555555
"""Tells the phase of a wave from its amplitude."""

LEAST_POWER = 1e-12
"""Waves may cancel to nothing in rounding; a gain must not be 0."""


def fading_power(
    fading: Fading,
    seed: UInt32[Array, "2"],
    stream: Stream,
    slot: Int[Array, ""],
    link: ArrayLike,
    slot_s: Float[Array, ""],
) -> Float[Array, "*links"]:
    """Fading power of links in a slot, in the precision of `slot_s`.

    Args:
        fading: the model.
        seed: of the episode.
        stream: the kind of link.
        slot: may be negative: the channel existed before the episode.
        link: a whole number per link and channel, unique within its kind.
        slot_s: seconds from one slot to the next.
    """
    dtype = slot_s.dtype
    if fading is None:
        return jnp.ones(jnp.shape(link), dtype)
    if isinstance(fading, Rayleigh):
        return exponential(random_bits(hash_key(seed, stream, slot), link), dtype)
    turns_per_slot = jnp.asarray(fading.doppler_hz, dtype) * slot_s
    key = hash_key(seed, stream)
    real, imaginary = _sum_of_waves(key, slot, link, turns_per_slot, fading.waves)
    power = (real * real + imaginary * imaginary) / fading.waves
    return jnp.maximum(power, jnp.asarray(LEAST_POWER, dtype))


# Traced once for all calls of one shape, not anew for each of dozens in a slot.
@partial(jax.jit, static_argnames="waves", inline=True)
def _sum_of_waves(
    key: HashKey, slot: Array, link: ArrayLike, turns_per_slot: Array, waves: int
) -> tuple[Array, Array]:
    """Real and imaginary part of the sum over waves, each wave of mean power 1."""
    dtype = turns_per_slot.dtype
    per_link = random_bits(key, link)
    inner = HashKey(key.second, key.first)
    rotation = uniform(per_link, dtype)

    def add_wave(wave: Array, parts: tuple[Array, Array]) -> tuple[Array, Array]:
        # Amplitude and phase of each wave, from the link's own random bits.
        offset = per_link + wave.astype(jnp.uint32) * _STRIDE
        drawn = exponential(random_bits(inner, offset), dtype)
        first_phase = random_bits(inner, offset ^ jnp.uint32(_OTHER))
        # Half a circle: waves from the other half have the same Doppler shifts.
        direction = (wave.astype(dtype) + rotation) / (2 * waves)
        shift = _whole_turns(turns_per_slot * cos_turns(direction))
        phase = first_phase + shift * slot.astype(jnp.uint32)
        angle = phase.astype(jnp.int32).astype(dtype) * 2.0**-32
        amplitude = jnp.sqrt(drawn)
        return (
            parts[0] + amplitude * cos_turns(angle),
            parts[1] + amplitude * sin_turns(angle),
        )

    nothing = jnp.zeros(per_link.shape, dtype)
    return jax.lax.fori_loop(0, waves, add_wave, (nothing, nothing))


def _whole_turns(turns: Array) -> UInt32[Array, "*links"]:
    """A phase step in units of 2^-32 turns, so that adding it up wraps exactly.

    A float phase would lose its fraction after many slots.
    """
    fraction = turns - jnp.round(turns)
    scaled = jnp.clip(fraction * 2.0**32, -(2.0**31), 2.0**31 - 256.0)
    return scaled.astype(jnp.int32).astype(jnp.uint32)
