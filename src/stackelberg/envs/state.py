"""What an environment remembers, and what its agents do."""

from __future__ import annotations

from typing import NamedTuple

from jaxtyping import Array, Float, Int

from stackelberg.envs.recall import Means
from stackelberg.envs.world import World


class Memory(NamedTuple):
    """The slot before, as its participants remember it.

    Attributes:
        channel: of each pair [N]; drawn at random before the first slot.
        transmit_power_w: [N]; 0 before the first slot.
        reuse_price: charged [N] or [M, N]; 0 before the first slot.
        payment: billed to each pair, before weighting, bit/s [N]; likewise.
        quoted_gain: to the base station as quoted to each pair [N]; likewise.
        highest_price: to which each bill was held [N]; None with fixed price bounds.
        d2d_interference_w: measured by each receiver on its channel [N].
        d2d_rate_bps: [N].
        cellular_interference_w: measured by the base station [M].
        cellular_rate_bps: [M].
        means: of all slots so far; None without `Information.memory_slots`.
    """

    channel: Int[Array, " N"]
    transmit_power_w: Float[Array, " N"]
    reuse_price: Float[Array, "*price"]
    payment: Float[Array, " N"]
    quoted_gain: Float[Array, " N"]
    highest_price: Float[Array, " N"] | None
    d2d_interference_w: Float[Array, " N"]
    d2d_rate_bps: Float[Array, " N"]
    cellular_interference_w: Float[Array, " M"]
    cellular_rate_bps: Float[Array, " M"]
    means: Means | None


class State(NamedTuple):
    """Everything the future depends on.

    Attributes:
        slot: number of the slot that is about to be played.
        world: what no action changes.
        backlog_bits: waiting data by age [N, A]; None without queues.
        energy_j: in the batteries [N]; None without.
        memory: of the slot before. Without switching loss and price inertia nothing
            but observations depends on it.
    """

    slot: Int[Array, ""]
    world: World
    backlog_bits: Float[Array, "N A"] | None
    energy_j: Float[Array, " N"] | None
    memory: Memory


class Action(NamedTuple):
    """What everybody does in a slot: the leader first, then the followers.

    Attributes:
        reuse_price: posted, > 0, utility per W of interference [N], or [M, N] with
            `price_per_channel`.
        channel: chosen by each pair [N]; cut to 0..M-1.
        transmit_power_w: chosen by each pair [N]; cut to the power limits.
    """

    reuse_price: Float[Array, "*price"]
    channel: Int[Array, " N"]
    transmit_power_w: Float[Array, " N"]
