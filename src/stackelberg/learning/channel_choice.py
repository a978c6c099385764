"""Choosing one of a few channels: drawing by scores, and what choosers climb.

A pair's odds are the softmax of its scores. What it climbs is the expectation over all
channels, each looked at: no draw, no straight-through estimate, so its gradient has no
noise of its own. Shape legend: M channels, N pairs.
"""

from __future__ import annotations

from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from stackelberg.envs.params import EnvParams
from stackelberg.errors import ConfigError
from stackelberg.spectrum.radio import number

Channels = Literal["kept", "learned"]
"""``kept``: every pair stays on the channel it used last; ``learned``: it chooses."""


def drawn_channel(key: Array, scores: Float[Array, "N M"]) -> Int[Array, " N"]:
    """A channel for each pair with the odds of its scores [N]."""
    noise = jax.random.gumbel(key, scores.shape, scores.dtype)
    return (scores + noise).argmax(axis=1).astype(jnp.int32)


def expected_value(
    scores: Float[Array, "N M"], value: Float[Array, "N M"], temperature: float
) -> Float[Array, " N"]:
    """The mean of `value` under the odds, plus temperature times their entropy [N].

    Its maximum has odds proportional to exp(value / temperature).

    Args:
        scores: of the chooser.
        value: of each channel.
        temperature: > 0, in units of `value`.
    """
    logarithm = jax.nn.log_softmax(scores, axis=1)
    odds = jnp.exp(logarithm)
    return (odds * (value - temperature * logarithm)).sum(axis=1)


def channel_log_odds(
    scores: Float[Array, "N M"], channel: Int[Array, " N"]
) -> Float[Array, " N"]:
    """The logarithm of each pair's odds of its channel [N]."""
    return jax.nn.log_softmax(scores, axis=1)[jnp.arange(len(channel)), channel]


def channel_entropy(scores: Float[Array, "N M"]) -> Float[Array, " N"]:
    """Entropy of the odds, nats [N]."""
    logarithm = jax.nn.log_softmax(scores, axis=1)
    return -(jnp.exp(logarithm) * logarithm).sum(axis=1)


def check_channels(
    channels: Channels, params: EnvParams, temperature: float = 1.0
) -> None:
    """Refuse worlds in which channels cannot be learned.

    Args:
        channels: of the method's settings.
        params: the environment.
        temperature: of the method's settings, where it has one.

    Raises:
        DomainError: the temperature is not positive.
        ConfigError: channels are to be learned where pairs sense their own alone, or
            where a channel admits only so many: what a pair would find on another
            channel then depends on whom it displaces.
    """
    number("channel_temperature", temperature, above=0.0)
    if channels not in ("kept", "learned"):
        raise ConfigError("channels", expected="kept or learned", got=channels)
    if channels == "kept":
        return
    if params.information.sensing != "all":
        raise ConfigError(
            "channels",
            expected="kept where information.sensing is own",
            got=channels,
        )
    if params.max_pairs_per_channel is not None:
        raise ConfigError(
            "channels",
            expected="kept where max_pairs_per_channel is given",
            got=channels,
        )
