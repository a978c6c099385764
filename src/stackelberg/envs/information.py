"""What agents may know about the channel: whose gains, how old, how exact."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import jax
from jaxtyping import Array, Float

Scope = Literal["local", "full"]
Sensing = Literal["all", "own"]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Information:
    """An observation model; its three parts combine freely.

    Attributes:
        scope: ``local``: what an agent can measure itself; ``full``: every gain.
        sensing: ``all``: on every channel; ``own``: on the channel last used.
        delay_slots: age of the gains in slots, >= 0.
        error_std_db: standard deviation of the error of a reported gain, dB; None: no
            error. Fresh in every slot, and the same for all who see the report.
        memory_slots: agents also see running means of what they have known, over about
            so many slots, >= 1; None: they do not.
    """

    error_std_db: Float[Array, ""] | float | None = None
    memory_slots: Float[Array, ""] | float | None = field(default=None, kw_only=True)
    scope: Scope = field(default="local", metadata={"static": True})
    sensing: Sensing = field(default="all", metadata={"static": True})
    delay_slots: int = field(default=0, metadata={"static": True})


def full() -> Information:
    """Every agent sees every gain of the slot."""
    return Information(scope="full")


def local() -> Information:
    """Every agent sees the gains it can measure itself."""
    return Information(scope="local")


def delayed(slots: int, scope: Scope = "local") -> Information:
    """Gains are `slots` slots old."""
    return Information(scope=scope, delay_slots=slots)


def noisy(std_db: float, scope: Scope = "local") -> Information:
    """Reported gains are off by a normal error of `std_db` dB."""
    return Information(scope=scope, error_std_db=std_db)
