"""`--protect sinr=5dB`: what it takes that every cellular user keeps an SINR."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stackelberg.spectrum import Outcome, Scenario


def protection(cell: Scenario, answer: Outcome, least_sinr: float) -> Any:
    """Least price scale at which every cellular user keeps `least_sinr` (linear)."""
    from stackelberg import spectrum

    return spectrum.protect(cell, answer, least_sinr)


def protection_lines(protected: Any) -> list[str]:
    """What `protection` found, in words."""
    return []
