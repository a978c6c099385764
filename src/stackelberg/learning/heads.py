"""From what networks say to prices and powers.

A leader's number is not a price but what the price asks for: the answer b = p + s that
a pair, billed by the quoted gain, would pay for; price = B / (gain b). Over the gains
of a cell the best prices span forty decibels, the best answers few, and the gradient
of the logarithm of a price alone blows up where nobody transmits.

Shape legend: N pairs.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from stackelberg.envs.bills import TYPICAL_NOISE
from stackelberg.envs.params import EnvParams, Radio
from stackelberg.learning.tokens import FollowerTokens, LeaderTokens

PRICE_REACH = 8.0
"""Farthest an answer may be from its centre, nepers: 70 dB, all of a cell and more."""

POWER_REACH = 2.0
"""Farthest a follower's factor on its answer may be from 1, nepers."""


def bounded(value: Float[Array, "*any"], reach: float) -> Float[Array, "*any"]:
    """`value` bent into (-reach, reach), the same for small values.

    x / sqrt(1 + (x / reach)^2): its slope falls off slowly, as a power, so that an
    output that went too far still learns.
    """
    ratio = value / reach
    return value / jnp.sqrt(1.0 + ratio * ratio)


def answer_w(
    output: Float[Array, " N"],
    tokens: LeaderTokens,
    params: EnvParams,
    *,
    residual: bool,
) -> Float[Array, " N"]:
    """The answer b = p + s that the leader asks of each pair, in W [N].

    Args:
        output: of the leader's network, nepers [N].
        tokens: the leader's.
        params: the environment's.
        residual: whether 0 means the conjecture or a typical answer.
    """
    most = params.radio.max_power_w
    centre = tokens.conjecture_w if residual else 5.0 * TYPICAL_NOISE * most
    # No more than twice the greatest power: the pair sends that already for less.
    return jnp.minimum(centre * jnp.exp(bounded(output, PRICE_REACH)), 2.0 * most)


def price_of_answer(
    answer: Float[Array, " N"], quoted_gain: Float[Array, " N"], radio: Radio
) -> Float[Array, " N"]:
    """The price at which a pair billed by `quoted_gain` answers p = b - s: (27).

    By logarithms: a quotient's derivative squares what it divides by, which leaves
    float32.
    """
    logarithm = jnp.log(radio.spend_scale) - jnp.log(quoted_gain) - jnp.log(answer)
    return jnp.exp(logarithm)


def unit_price(
    answer: Float[Array, " N"], quoted_gain: Float[Array, " N"], radio: Radio
) -> Float[Array, " N"]:
    """`price_of_answer` in units of B / N0; gradients pass through it in float32."""
    return 1.0 / (quoted_gain / radio.noise_power_w * answer)


def follower_power_w(
    output: Float[Array, " N"], tokens: FollowerTokens, params: EnvParams
) -> Float[Array, " N"]:
    """Power as a residual around the best response to what was last measured, in W [N].

    clip(b e^u0 - s e^u1): the two things the best response is made of, each corrected;
    0 is the delayed best response itself.

    Args:
        output: of the followers' network, nepers [N, 2].
        tokens: the followers'.
        params: the environment's.
    """
    factor = jnp.exp(bounded(output, POWER_REACH))
    wanted = tokens.answer_w * factor[:, 0] - tokens.noise_w * factor[:, 1]
    return jnp.clip(wanted, params.radio.min_power_w, params.radio.max_power_w)
