"""The conjectural equilibrium: the leader's best prices if no pair's s moved.

Shape legend: N pairs.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from stackelberg.envs import EnvParams

ROUNDS = 8
"""Of the fixed point below; each more than halves what is left."""


def conjectured_answer_w(
    params: EnvParams,
    channel: Int[Array, " N"],
    noise_w: Float[Array, " N"],
    quoted: Float[Array, " N"],
    received: Float[Array, " N"],
) -> Float[Array, " N"]:
    """The conjectural equilibrium: each pair's best answer if no s moved.

    dU/dp = 0 gives b = sqrt(s J (J + A) beta^l / (A gbar beta^f)), J the noise and
    interference on its channel that all answers of its pairs bring about; from J = N0
    upwards.

    Args:
        params: the environment's.
        channel: of each pair [N].
        noise_w: s expected of each pair [N].
        quoted: its gain to the base station [N].
        received: power A of its channel's cellular user [N].
    """
    radio = params.radio
    ratio = radio.leader_revenue_weight / radio.follower_price_weight
    together = (channel[:, None] == channel[None, :]).astype(quoted.dtype)
    heard = jnp.full_like(quoted, 1.0)  # in units of N0, which is small in float32
    gain = quoted / radio.noise_power_w
    snr = received / radio.noise_power_w
    answer = noise_w
    for _ in range(ROUNDS):
        answer = jnp.sqrt(noise_w * heard * (1.0 + heard / snr) * ratio / gain)
        power = jnp.clip(answer - noise_w, radio.min_power_w, radio.max_power_w)
        heard = 1.0 + together @ (gain * power)
    return answer
