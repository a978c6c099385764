"""What every method of learning offers, and what every policy can do.

Whoever drives a learner (a command, a study, a test) sees these two contracts and
nothing else: it advances the state chunk by chunk, and between chunks it writes logs
and checkpoints, evaluates the policy, or stops.
"""

from __future__ import annotations

from typing import Any, Protocol

from jaxtyping import Array, Float, Int, Key

from stackelberg.envs.observation import FollowerObservation, LeaderObservation
from stackelberg.envs.params import EnvParams

Metrics = dict[str, Float[Array, ""]]
"""Numbers that tell how a chunk went, by name; the same names after every chunk."""


class Policy(Protocol):
    """How the leader and the followers act on what they observe.

    A JAX tree of trained networks; everything else in it is static. The same policy
    runs in environments of any number of channels and pairs. It is deterministic. Both
    methods are for one environment, without batch axes: `vmap` them over a batch.
    """

    def act_leader(
        self, observation: LeaderObservation, params: EnvParams
    ) -> Float[Array, "*price"]:
        """The posted prices, > 0 [N], or [M, N] with `price_per_channel`."""
        ...

    def act_followers(
        self, observation: FollowerObservation, params: EnvParams
    ) -> tuple[Int[Array, " N"], Float[Array, " N"]]:
        """Each pair's channel [N] and transmit power in W [N], from its row alone."""
        ...


class Learner(Protocol):
    """A method of learning in one environment, to whoever drives it.

    Everything is pure: the same state gives the same chunk, bit for bit on a CPU. The
    state is a JAX tree of arrays and holds all that the future depends on: networks,
    optimiser, replay, the states of the environments, the key, counters. So a state
    that was written to a file and read back goes on as if nothing had happened.

    `start` and `policy` can be traced: `jax.eval_shape` over them gives the structure
    that a file is checked against.
    """

    @property
    def name(self) -> str:
        """The method's name, as in `METHODS`."""
        ...

    @property
    def env_steps_per_chunk(self) -> int:
        """Slots of all environments together that a chunk plays."""
        ...

    def start(self, key: Key[Array, ""]) -> Any:
        """The state before the first chunk; everything random follows from `key`."""
        ...

    def advance(self, state: Any) -> tuple[Any, Metrics]:
        """One chunk of playing and learning.

        Compiles inside. The buffers of `state` are donated: use only what is returned.
        """
        ...

    def policy(self, state: Any) -> Policy:
        """What has been learned so far."""
        ...
