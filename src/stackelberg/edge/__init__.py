"""The edge game: nodes price capacity, users with budgets buy it."""

from stackelberg.edge.allocate import EdgeSolution, allocate
from stackelberg.edge.certify import EdgeCertificate, certify
from stackelberg.edge.difference import Difference, difference
from stackelberg.edge.equal_split import equal_split
from stackelberg.edge.fairness import PROPORTIONAL, Fairness
from stackelberg.edge.generate import generate
from stackelberg.edge.market import Market
from stackelberg.edge.node_explanation import NodeExplanation, explain_node
from stackelberg.edge.outcome import Outcome
from stackelberg.edge.positions import Positions
from stackelberg.edge.price_equilibrium import (
    PriceEquilibrium,
    PriceSolution,
    price_equilibrium,
)
from stackelberg.edge.price_freedom import PriceFreedom, price_freedom
from stackelberg.edge.price_outcome import (
    PriceCertificate,
    PriceOutcome,
    certify_prices,
)
from stackelberg.edge.published import PublishedAllocation, published_allocation
from stackelberg.edge.user_explanation import UserExplanation, explain_user
from stackelberg.edge.utilities import COBB_DOUGLAS, LEONTIEF, LINEAR, Utility, ces
from stackelberg.edge.virtual_money import VirtualMoney, virtual_money

__all__ = [
    "COBB_DOUGLAS",
    "LEONTIEF",
    "LINEAR",
    "PROPORTIONAL",
    "Difference",
    "EdgeCertificate",
    "EdgeSolution",
    "Fairness",
    "Market",
    "NodeExplanation",
    "Outcome",
    "Positions",
    "PriceCertificate",
    "PriceEquilibrium",
    "PriceFreedom",
    "PriceOutcome",
    "PriceSolution",
    "PublishedAllocation",
    "UserExplanation",
    "Utility",
    "VirtualMoney",
    "allocate",
    "certify",
    "certify_prices",
    "ces",
    "difference",
    "equal_split",
    "explain_node",
    "explain_user",
    "generate",
    "price_equilibrium",
    "price_freedom",
    "published_allocation",
    "virtual_money",
]
