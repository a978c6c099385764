"""The edge game: nodes price capacity, users with budgets buy it."""

from stackelberg.edge.allocate import EdgeSolution, allocate
from stackelberg.edge.certify import EdgeCertificate, certify
from stackelberg.edge.generate import generate
from stackelberg.edge.market import Market
from stackelberg.edge.outcome import Outcome
from stackelberg.edge.positions import Positions
from stackelberg.edge.published import PublishedAllocation, published_allocation

__all__ = [
    "EdgeCertificate",
    "EdgeSolution",
    "Market",
    "Outcome",
    "Positions",
    "PublishedAllocation",
    "allocate",
    "certify",
    "generate",
    "published_allocation",
]
