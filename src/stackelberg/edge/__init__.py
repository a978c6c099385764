"""The edge game: nodes price capacity, users with budgets buy it."""

from stackelberg.edge.allocate import EdgeSolution, allocate
from stackelberg.edge.certify import EdgeCertificate, certify
from stackelberg.edge.equal_split import equal_split
from stackelberg.edge.fairness import PROPORTIONAL, Fairness
from stackelberg.edge.generate import generate
from stackelberg.edge.market import Market
from stackelberg.edge.outcome import Outcome
from stackelberg.edge.positions import Positions
from stackelberg.edge.published import PublishedAllocation, published_allocation
from stackelberg.edge.utilities import COBB_DOUGLAS, LEONTIEF, LINEAR, Utility, ces

__all__ = [
    "COBB_DOUGLAS",
    "LEONTIEF",
    "LINEAR",
    "PROPORTIONAL",
    "EdgeCertificate",
    "EdgeSolution",
    "Fairness",
    "Market",
    "Outcome",
    "Positions",
    "PublishedAllocation",
    "Utility",
    "allocate",
    "certify",
    "ces",
    "equal_split",
    "generate",
    "published_allocation",
]
