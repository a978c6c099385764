"""What an environment is made of: sizes, physics, rules, information.

`make_params` checks everything once. The record is a JAX tree: numbers are arrays, so
that they may differ between the members of a batch or be traced; sizes, kinds and
switches are static, so that what is off costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float, Int, UInt32

from stackelberg.envs.dynamics import Batteries, Queues
from stackelberg.envs.fading import Fading
from stackelberg.envs.gains import GainTrace, Propagation
from stackelberg.envs.information import Information
from stackelberg.envs.mobility import Area, Mobility
from stackelberg.units import LN2

Scalar = Float[Array, ""]

Billing = Literal["instantaneous", "quoted"]

SlotConcept = Literal["bilevel", "iterated"]


class Radio(NamedTuple):
    """Powers, noise and weights; see `spectrum.Scenario`.

    Attributes:
        bandwidth_hz: of one channel.
        noise_power_w: N0.
        cellular_power_w: of each channel's cellular user [M].
        min_power_w: least power of a pair that transmits.
        max_power_w: greatest.
        follower_price_weight: beta^f.
        leader_revenue_weight: beta^l.
    """

    bandwidth_hz: Scalar
    noise_power_w: Scalar
    cellular_power_w: Float[Array, " M"]
    min_power_w: Scalar
    max_power_w: Scalar
    follower_price_weight: Scalar
    leader_revenue_weight: Scalar

    @property
    def spend_scale(self) -> Scalar:
        """B = W / (ln 2 beta^f), of (27)."""
        return self.bandwidth_hz / (LN2 * self.follower_price_weight)


class PriceLimits(NamedTuple):
    """Fixed price bounds.

    Attributes:
        min: [N], > 0.
        max: [N].
    """

    min: Float[Array, " N"]
    max: Float[Array, " N"]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class EnvParams:
    """A D2D environment, complete; made by `make_params`.

    Attributes:
        radio: powers, noise, weights.
        price_limits: fixed price bounds; None: `interference`.
        area: where users stand.
        propagation: path loss and shadowing.
        mobility: how users move; None: they stand.
        gains: recorded gains instead of places and propagation; None: computed.
        fading: on top of either.
        information: what each agent sees.
        queues: packets with deadlines; None: every pair always has data.
        batteries: None: energy is free.
        switching_loss: share of a slot lost after a change of channel; None: none.
        price_inertia: weight of the last price, in logarithms; None: none.
        seed: of every episode, where a world is replayed; None: it follows from the
            key given to `reset` [2].
        slot_s: seconds from one slot to the next.
        horizon_slots: an episode is cut off after so many slots.
        num_channels: M.
        num_pairs: N.
        slots_per_frame: slots between two moves.
        price_per_channel: whether a price is per channel and pair [M, N] or per pair.
        billing: on the slot's gain to the base station or on the leader's quote.
        max_pairs_per_channel: admission limit; None: none.
        auto_reset: whether `step` begins a new episode where one ends.
        equilibrium: which one `Step.info` compares play with; None: no info.
    """

    radio: Radio
    price_limits: PriceLimits | None
    area: Area
    propagation: Propagation
    mobility: Mobility
    gains: GainTrace | None
    fading: Fading
    information: Information
    queues: Queues | None
    batteries: Batteries | None
    switching_loss: Scalar | None
    price_inertia: Scalar | None
    seed: UInt32[Array, "2"] | None
    slot_s: Scalar
    horizon_slots: Int[Array, ""]
    num_channels: int = field(metadata={"static": True})
    num_pairs: int = field(metadata={"static": True})
    slots_per_frame: int = field(metadata={"static": True})
    price_per_channel: bool = field(metadata={"static": True})
    billing: Billing = field(metadata={"static": True})
    max_pairs_per_channel: int | None = field(metadata={"static": True})
    auto_reset: bool = field(metadata={"static": True})
    equilibrium: SlotConcept | None = field(metadata={"static": True})

    @property
    def dtype(self) -> np.dtype:
        """The precision of states and rewards."""
        return self.slot_s.dtype

    @property
    def moves(self) -> bool:
        """Whether gains change between frames."""
        return self.mobility is not None or self.gains is not None

    @property
    def dynamics(self) -> tuple[str, ...]:
        """What makes a decision matter later, by name; empty: nothing does."""
        parts = {
            "queues": self.queues,
            "batteries": self.batteries,
            "switching": self.switching_loss,
            "inertia": self.price_inertia,
        }
        return tuple(name for name, part in parts.items() if part is not None)

    @property
    def exogenous(self) -> bool:
        """Whether actions leave all that later rewards depend on as it is.

        Then the best policy is the best answer to each slot. The state still remembers
        the last actions, for agents to observe.
        """
        return not self.dynamics
