"""The spectrum game: a base station prices D2D reuse of its cellular channels."""

from stackelberg.spectrum.generate import from_positions, generate
from stackelberg.spectrum.published import published_price
from stackelberg.spectrum.radio import RadioModel
from stackelberg.spectrum.rates import Links, Outcome, links, outcome
from stackelberg.spectrum.scenario import (
    FixedPriceBounds,
    InterferencePriceBounds,
    Positions,
    PriceBounds,
    Scenario,
)
from stackelberg.spectrum.single_price import price_given_others

__all__ = [
    "FixedPriceBounds",
    "InterferencePriceBounds",
    "Links",
    "Outcome",
    "Positions",
    "PriceBounds",
    "RadioModel",
    "Scenario",
    "from_positions",
    "generate",
    "links",
    "outcome",
    "price_given_others",
    "published_price",
]
