"""The edge game: nodes price capacity, users with budgets buy it."""

from stackelberg.edge.allocate import EdgeSolution, allocate
from stackelberg.edge.certify import EdgeCertificate, certify
from stackelberg.edge.city import HEAVY_SPREAD, Terms, from_positions
from stackelberg.edge.clearing_prices import (
    ClearingCertificate,
    ClearingPrices,
    clearing_prices,
)
from stackelberg.edge.demand import drifting_budgets, markets_over_time
from stackelberg.edge.difference import Difference, difference
from stackelberg.edge.equal_split import equal_split
from stackelberg.edge.fairness import PROPORTIONAL, Fairness
from stackelberg.edge.generate import generate
from stackelberg.edge.linear_operator import (
    LinearOperatorCertificate,
    LinearOperatorOutcome,
    LinearOperatorSolution,
)
from stackelberg.edge.linear_regret import LinearRegret, linear_regret
from stackelberg.edge.market import Market
from stackelberg.edge.node_explanation import NodeExplanation, explain_node
from stackelberg.edge.operator_prices import (
    OperatorCertificate,
    OperatorOutcome,
    OperatorSolution,
    operator_prices,
)
from stackelberg.edge.outcome import Outcome
from stackelberg.edge.positions import Positions
from stackelberg.edge.predicted_memory import predicted_bytes
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
from stackelberg.edge.revenue_intervals import (
    RevenueCertificate,
    RevenueIntervals,
    revenue_intervals,
)
from stackelberg.edge.user_explanation import UserExplanation, explain_user
from stackelberg.edge.utilities import COBB_DOUGLAS, LEONTIEF, LINEAR, Utility, ces
from stackelberg.edge.virtual_money import VirtualMoney, virtual_money

__all__ = [
    "COBB_DOUGLAS",
    "HEAVY_SPREAD",
    "LEONTIEF",
    "LINEAR",
    "PROPORTIONAL",
    "ClearingCertificate",
    "ClearingPrices",
    "Difference",
    "EdgeCertificate",
    "EdgeSolution",
    "Fairness",
    "LinearOperatorCertificate",
    "LinearOperatorOutcome",
    "LinearOperatorSolution",
    "LinearRegret",
    "Market",
    "NodeExplanation",
    "OperatorCertificate",
    "OperatorOutcome",
    "OperatorSolution",
    "Outcome",
    "Positions",
    "PriceCertificate",
    "PriceEquilibrium",
    "PriceFreedom",
    "PriceOutcome",
    "PriceSolution",
    "PublishedAllocation",
    "RevenueCertificate",
    "RevenueIntervals",
    "Terms",
    "UserExplanation",
    "Utility",
    "VirtualMoney",
    "allocate",
    "certify",
    "certify_prices",
    "ces",
    "clearing_prices",
    "difference",
    "drifting_budgets",
    "equal_split",
    "explain_node",
    "explain_user",
    "from_positions",
    "generate",
    "linear_regret",
    "markets_over_time",
    "operator_prices",
    "predicted_bytes",
    "price_equilibrium",
    "price_freedom",
    "published_allocation",
    "revenue_intervals",
    "virtual_money",
]
