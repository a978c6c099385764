"""What nodes charge: clearing prices, an equilibrium of prices, one owner of all."""

from stackelberg.edge.prices.clearing_prices import (
    ClearingCertificate,
    ClearingPrices,
    clearing_prices,
)
from stackelberg.edge.prices.linear_operator import (
    LinearOperatorCertificate,
    LinearOperatorOutcome,
    LinearOperatorSolution,
)
from stackelberg.edge.prices.linear_regret import LinearRegret, linear_regret
from stackelberg.edge.prices.operator_prices import (
    OperatorCertificate,
    OperatorOutcome,
    OperatorSolution,
    operator_prices,
)
from stackelberg.edge.prices.price_equilibrium import (
    PriceEquilibrium,
    PriceSolution,
    price_equilibrium,
)
from stackelberg.edge.prices.price_outcome import (
    PriceCertificate,
    PriceOutcome,
    certify_prices,
)
from stackelberg.edge.prices.revenue_intervals import (
    RevenueCertificate,
    RevenueIntervals,
    revenue_intervals,
)

__all__ = [
    "ClearingCertificate",
    "ClearingPrices",
    "LinearOperatorCertificate",
    "LinearOperatorOutcome",
    "LinearOperatorSolution",
    "LinearRegret",
    "OperatorCertificate",
    "OperatorOutcome",
    "OperatorSolution",
    "PriceCertificate",
    "PriceEquilibrium",
    "PriceOutcome",
    "PriceSolution",
    "RevenueCertificate",
    "RevenueIntervals",
    "certify_prices",
    "clearing_prices",
    "linear_regret",
    "operator_prices",
    "price_equilibrium",
    "revenue_intervals",
]
