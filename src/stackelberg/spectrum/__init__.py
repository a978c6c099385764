"""The spectrum game: a base station prices D2D reuse of its cellular channels."""

from stackelberg.spectrum.assignment import Assignment, assign_channels
from stackelberg.spectrum.baselines import METHODS, MethodResult, compare, run_method
from stackelberg.spectrum.certify import Concept, SpectrumCertificate, certify
from stackelberg.spectrum.follower import (
    FollowerEquilibrium,
    follower_equilibrium,
    follower_power,
    leader_gradient,
)
from stackelberg.spectrum.generate import from_positions, generate, random_positions
from stackelberg.spectrum.insight import Insight, describe
from stackelberg.spectrum.pair_explanation import PairExplanation, explain_pair
from stackelberg.spectrum.protect import Protection, protect
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
from stackelberg.spectrum.solve import solve, solve_batch

__all__ = [
    "METHODS",
    "Assignment",
    "Concept",
    "FixedPriceBounds",
    "FollowerEquilibrium",
    "Insight",
    "InterferencePriceBounds",
    "Links",
    "MethodResult",
    "Outcome",
    "PairExplanation",
    "Positions",
    "PriceBounds",
    "Protection",
    "RadioModel",
    "Scenario",
    "SpectrumCertificate",
    "assign_channels",
    "certify",
    "compare",
    "describe",
    "explain_pair",
    "follower_equilibrium",
    "follower_power",
    "from_positions",
    "generate",
    "leader_gradient",
    "links",
    "outcome",
    "price_given_others",
    "protect",
    "published_price",
    "random_positions",
    "run_method",
    "solve",
    "solve_batch",
]
