"""Who may use a channel that more pairs choose than are allowed on it."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int


def admitted(
    channel: Int[Array, " N"],
    gain_to_bs: Float[Array, "*links"],
    max_pairs: int,
) -> Bool[Array, " N"]:
    """Whether each pair is among the `max_pairs` least harmful on its channel [N].

    Least harmful: the least gain to the base station without fading; of two equal ones
    the first. The others stay silent for the slot. Reordering the pairs reorders the
    answer.

    Args:
        channel: chosen by each pair [N].
        gain_to_bs: without fading [N] or [M, N].
        max_pairs: on one channel, >= 1.
    """
    pair = jnp.arange(len(channel))
    gain = gain_to_bs if gain_to_bs.ndim == 1 else gain_to_bs[channel, pair]
    first = (gain[:, None] < gain[None, :]) | (
        (gain[:, None] == gain[None, :]) & (pair[:, None] < pair[None, :])
    )
    shared = channel[:, None] == channel[None, :]
    return (first & shared).sum(axis=0) < max_pairs
