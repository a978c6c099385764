"""What makes today's decision matter tomorrow: queues and batteries.

Both are off by default. Shape legend: N pairs, A ages of a packet.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt32

from stackelberg.envs.hashing import Stream, hash_key, random_bits, uniform

Scalar = Float[Array, ""]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Queues:
    """Packets arrive at each pair's transmitter, wait, and expire.

    In a slot a packet arrives with a given probability, before anybody acts. It may be
    sent in that slot and the `deadline_slots` - 1 after it; what is left then is lost.
    The oldest data goes first. A packet may be sent in parts.

    Attributes:
        arrival_probability: per pair and slot, in [0, 1].
        packet_bits: > 0.
        loss_weight: what a pair loses in utility, bit/s, for each bit/s that expires.
        deadline_slots: >= 1.
    """

    arrival_probability: Scalar | float = 0.5
    packet_bits: Scalar | float = 10e3
    loss_weight: Scalar | float = 1.0
    deadline_slots: int = field(default=5, metadata={"static": True})


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Batteries:
    """Energy that transmitting spends and that a steady source refills.

    A pair that cannot pay for a slot at the least power stays silent. Power is cut to
    what the battery can hold up for a whole slot.

    Attributes:
        capacity_j: what a battery holds, and holds at first, > 0.
        circuit_power_w: spent besides the transmit power by a pair that transmits.
        harvest_w: refill, in every slot.
    """

    capacity_j: Scalar | float = 1.0
    circuit_power_w: Scalar | float = 0.05
    harvest_w: Scalar | float = 0.0


class Service(NamedTuple):
    """What a slot did to the queues.

    Attributes:
        backlog_bits: what waits at the beginning of the next slot, by age [N, A].
        served_bits: [N].
        expired_bits: [N].
    """

    backlog_bits: Float[Array, "N A"]
    served_bits: Float[Array, " N"]
    expired_bits: Float[Array, " N"]


def arrivals(
    queues: Queues,
    seed: UInt32[Array, "2"],
    slot: Int[Array, ""],
    num_pairs: int,
    slot_s: Scalar,
) -> Float[Array, " N"]:
    """Bits that arrive at the beginning of `slot` [N]."""
    bits = random_bits(hash_key(seed, Stream.ARRIVAL, slot), jnp.arange(num_pairs))
    arrived = uniform(bits, slot_s.dtype) < queues.arrival_probability
    return jnp.where(arrived, queues.packet_bits, jnp.zeros_like(slot_s))


def first_backlog(
    queues: Queues, seed: UInt32[Array, "2"], num_pairs: int, slot_s: Scalar
) -> Float[Array, "N A"]:
    """What waits when the first slot begins: its arrivals."""
    fresh = arrivals(queues, seed, jnp.int32(0), num_pairs, slot_s)
    waiting = jnp.zeros((num_pairs, queues.deadline_slots), slot_s.dtype)
    return waiting.at[:, 0].set(fresh)


def serve(
    backlog_bits: Float[Array, "N A"], capacity_bits: Float[Array, " N"]
) -> Service:
    """Send the oldest data first; what reaches its deadline unsent is lost.

    Args:
        backlog_bits: by age: column a holds what arrived a slots ago.
        capacity_bits: what each link can carry in this slot.

    Returns:
        The backlog one slot later, without that slot's arrivals.
    """
    left = capacity_bits
    kept: list[Array] = []
    for age in reversed(range(backlog_bits.shape[1])):
        sent = jnp.minimum(backlog_bits[:, age], left)
        left = left - sent
        kept.append(backlog_bits[:, age] - sent)
    aged = jnp.stack([jnp.zeros_like(left), *kept[:0:-1]], axis=1)
    return Service(aged, capacity_bits - left, kept[0])


def affordable_power_w(
    batteries: Batteries, energy_j: Float[Array, " N"], slot_s: Scalar
) -> Float[Array, " N"]:
    """The greatest transmit power that lasts for a whole slot [N]; may be negative."""
    return energy_j / slot_s - batteries.circuit_power_w


def recharged(
    batteries: Batteries,
    energy_j: Float[Array, " N"],
    transmit_power_w: Float[Array, " N"],
    slot_s: Scalar,
) -> Float[Array, " N"]:
    """Energy at the end of a slot [N], never below 0."""
    sending = transmit_power_w > 0.0
    spent = jnp.where(sending, transmit_power_w + batteries.circuit_power_w, 0.0)
    after = energy_j + (batteries.harvest_w - spent) * slot_s
    return jnp.clip(after, 0.0, batteries.capacity_j)
