"""A policy of one's own as a method of a study: see own_policy.toml."""

from typing import NamedTuple

import jax.numpy as jnp

from stackelberg.envs import EnvParams, FollowerObservation, LeaderObservation


class Flat(NamedTuple):
    """The price at which a lonely pair wants a power, and that power."""

    power_w: jnp.ndarray

    def act_leader(self, seen: LeaderObservation, params: EnvParams) -> jnp.ndarray:
        """Prices [N]."""
        to_bs = seen.d2d_to_bs[seen.channel, jnp.arange(params.num_pairs)]
        return params.radio.spend_scale / (to_bs * self.power_w)

    def act_followers(
        self, seen: FollowerObservation, params: EnvParams
    ) -> tuple[jnp.ndarray, jnp.ndarray]:
        """Channels and powers [N]."""
        return seen.channel, jnp.full(params.num_pairs, self.power_w)


def method(world: object, *, seed: int, power_w: float = 0.01) -> Flat:
    """What the study asks for; it could learn in `world` with the seed."""
    return Flat(jnp.float32(power_w))
