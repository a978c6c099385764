"""The spectrum game: a base station prices D2D reuse of its cellular channels."""

from stackelberg.spectrum.rates import Links, Outcome, links, outcome
from stackelberg.spectrum.scenario import (
    FixedPriceBounds,
    InterferencePriceBounds,
    Positions,
    PriceBounds,
    Scenario,
)

__all__ = [
    "FixedPriceBounds",
    "InterferencePriceBounds",
    "Links",
    "Outcome",
    "Positions",
    "PriceBounds",
    "Scenario",
    "links",
    "outcome",
]
